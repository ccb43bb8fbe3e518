//! What the engine has no safe function for, and what is too slow by the safe ones. The only `unsafe`
//! here.

#![allow(
    unsafe_code,
    reason = "each call says why it is sound, and nothing unsafe is left to callers"
)]

mod buffers;
mod call;
mod made;
mod names;
mod values;
mod walk;

use message_port_structured::{Builder, NodeId};
use rquickjs::{ArrayBuffer, Ctx, JsLifetime, Value, qjs};

use crate::host::Installed;
use crate::ports::{EventHandle, PortHandle, Ports};

pub(crate) use buffers::{LARGE, Stores, post_buffer};
pub(crate) use call::{call, data_getter, post_message};
pub(crate) use made::{Made, MadeName, Target};
pub(crate) use names::{Name, NameId};
pub(crate) use values::{Leaf, Seen, as_object, look, put_string};
pub(crate) use walk::{Got, Held, Met, Walk};

/// The engine has thrown: the exception is pending. Without what makes an error of all of the engine's
/// interface large.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thrown;

impl From<Thrown> for rquickjs::Error {
    fn from(_: Thrown) -> Self {
        Self::Exception
    }
}

/// The number of the class of an object, 0 for what is no object. What a script cannot change.
pub(crate) fn class_id(value: &Value<'_>) -> u32 {
    // SAFETY: `value` is a live value, which is all that is asked; one that is no object is looked
    // at by its tag only.
    unsafe { qjs::JS_GetClassID(value.as_raw()) }
}

/// Gives a context `DOMException` if it has none: the engine leaves it out of all contexts of a runtime
/// but the first.
pub(crate) fn add_dom_exception(ctx: &Ctx<'_>) -> rquickjs::Result<()> {
    if ctx.globals().contains_key("DOMException")? {
        return Ok(());
    }
    // SAFETY: the context is alive; the engine registers the class only if the runtime lacks it.
    let result = unsafe { qjs::JS_AddIntrinsicDOMException(ctx.as_raw().as_ptr()) };
    if result < 0 { Err(rquickjs::Error::Exception) } else { Ok(()) }
}

/// Whether there is a microtask.
pub(crate) fn has_job(ctx: &Ctx<'_>) -> bool {
    // SAFETY: the context is alive, and so is the runtime that it is of.
    let runtime = unsafe { qjs::JS_GetRuntime(ctx.as_raw().as_ptr()) };
    // SAFETY: as above.
    unsafe { qjs::JS_IsJobPending(runtime) }
}

/// Copies the bytes of a buffer; `None` if it is detached.
pub(crate) fn put_buffer(
    builder: &mut Builder,
    buffer: &ArrayBuffer<'_>,
    max_len: Option<u32>,
) -> Option<NodeId> {
    let bytes = buffer.as_raw()?;
    // SAFETY: they are the bytes of a buffer that is alive and attached, and the engine, which is
    // of this thread alone, does not run before the copy is made: the builder knows nothing of it.
    let bytes = unsafe { bytes.as_ref() };
    Some(match max_len {
        None => builder.array_buffer(bytes),
        Some(max_len) => builder.resizable_array_buffer(bytes, max_len),
    })
}

/// Whether it was thrown to end a script: not by the script, and not to be caught by one.
pub(crate) fn is_uncatchable(thrown: &Value<'_>) -> bool {
    // SAFETY: `thrown` is a live value; its tag is looked at first.
    unsafe { qjs::JS_IsUncatchableError(thrown.as_raw()) }
}

// SAFETY: the changed type is the same one with the other lifetime, the only one that it has.
unsafe impl<'js> JsLifetime<'js> for PortHandle<'js> {
    type Changed<'to> = PortHandle<'to>;
}

// SAFETY: as above.
unsafe impl<'js> JsLifetime<'js> for Ports<'js> {
    type Changed<'to> = Ports<'to>;
}

// SAFETY: as above.
unsafe impl<'js> JsLifetime<'js> for EventHandle<'js> {
    type Changed<'to> = EventHandle<'to>;
}

// SAFETY: there is no value of the engine in it, so no lifetime to change.
unsafe impl JsLifetime<'_> for Installed {
    type Changed<'to> = Self;
}
