//! Primitives in and out, without a reference to the context for each.

use std::ptr::NonNull;
use std::slice;

use message_port_structured::{Builder, NodeId};
use rquickjs::{Ctx, Object, Result, Value, qjs};

use super::Thrown;
use super::names::checked;

/// A value, looked at.
pub(crate) enum Seen<'js> {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    String(Value<'js>),
    Object(Value<'js>),
    /// A `BigInt`, a symbol, and whatever else there is.
    Other(Value<'js>),
}

/// Looks at a value.
pub(crate) fn look<'js>(value: &Value<'js>) -> Seen<'js> {
    let raw = value.as_raw();
    // SAFETY: the tag is part of the value, whatever that is.
    match unsafe { qjs::JS_VALUE_GET_NORM_TAG(raw) } {
        qjs::JS_TAG_UNDEFINED => Seen::Undefined,
        qjs::JS_TAG_NULL => Seen::Null,
        // SAFETY: the tag says so.
        qjs::JS_TAG_BOOL => Seen::Bool(unsafe { qjs::JS_VALUE_GET_BOOL(raw) }),
        // SAFETY: as above.
        qjs::JS_TAG_INT => Seen::Number(f64::from(unsafe { qjs::JS_VALUE_GET_INT(raw) })),
        // SAFETY: as above.
        qjs::JS_TAG_FLOAT64 => Seen::Number(unsafe { qjs::JS_VALUE_GET_FLOAT64(raw) }),
        qjs::JS_TAG_OBJECT => Seen::Object(value.clone()),
        qjs::JS_TAG_STRING | qjs::JS_TAG_STRING_ROPE => Seen::String(value.clone()),
        _ => Seen::Other(value.clone()),
    }
}

/// The object that a value is, if it is one: without the questions which one.
pub(crate) fn as_object<'a, 'js>(value: &'a Value<'js>) -> Option<&'a Object<'js>> {
    // SAFETY: the tag is part of the value, whatever that is.
    let is_object = unsafe { qjs::JS_VALUE_GET_NORM_TAG(value.as_raw()) } == qjs::JS_TAG_OBJECT;
    // SAFETY: it is an object, as was just seen.
    is_object.then(|| unsafe { value.ref_object() })
}

/// Writes a string; `None` if it has a lone surrogate.
pub(crate) fn put_string(builder: &mut Builder, text: &Value<'_>) -> Result<Option<NodeId>> {
    // SAFETY: the context and the value are alive.
    Ok(unsafe { write_string(text.ctx().as_raw().as_ptr(), text.as_raw(), builder) }?)
}

/// As [`put_string`].
///
/// # Safety
///
/// The context and the value must be alive, and the value a string.
pub(super) unsafe fn write_string(
    ctx: *mut qjs::JSContext,
    text: qjs::JSValue,
    builder: &mut Builder,
) -> std::result::Result<Option<NodeId>, Thrown> {
    let mut length = 0;
    // SAFETY: the caller speaks for the context and the value, and the length outlives the call.
    let bytes = unsafe { qjs::JS_ToCStringLen2(ctx, &raw mut length, text, false) };
    let Some(start) = NonNull::new(bytes.cast_mut()) else { return Err(Thrown) };
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_possible_truncation,
        reason = "a `size_t`, whatever type that is here"
    )]
    let length = length as usize;
    // SAFETY: the engine has said how many bytes there are; they stay until they are freed.
    let bytes = unsafe { slice::from_raw_parts(start.as_ptr().cast::<u8>(), length) };
    let written = if bytes.is_ascii() {
        Some(builder.string_latin1(bytes))
    } else {
        // A lone surrogate is three bytes that are no UTF-8.
        str::from_utf8(bytes).ok().map(|text| builder.string(text))
    };
    // SAFETY: it is what was returned above, and nothing of it is in use any more.
    unsafe { qjs::JS_FreeCString(ctx, start.as_ptr()) };
    Ok(written)
}

/// A primitive of a message.
#[derive(Clone, Copy)]
pub(crate) enum Leaf<'m> {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    /// Bytes of ASCII.
    Ascii(&'m [u8]),
}

impl Leaf<'_> {
    /// A value of the engine, the caller's; an exception if there is no memory.
    #[inline]
    pub(super) fn make(self, ctx: &Ctx<'_>) -> qjs::JSValue {
        match self {
            Self::Undefined => qjs::JS_UNDEFINED,
            Self::Null => qjs::JS_NULL,
            Self::Bool(value) => qjs::JS_MKVAL(qjs::JS_TAG_BOOL, i32::from(value)),
            Self::Number(number) => {
                #[allow(clippy::cast_possible_truncation, reason = "compared with what it was")]
                let integer = number as i32;
                if f64::from(integer).to_bits() == number.to_bits() {
                    qjs::JS_MKVAL(qjs::JS_TAG_INT, integer)
                } else {
                    qjs::JS_NewFloat64(number)
                }
            }
            Self::Ascii(text) => {
                let ctx = ctx.as_raw().as_ptr();
                // SAFETY: the context is alive, and the text is as long as is said.
                unsafe { qjs::JS_NewStringLen(ctx, text.as_ptr().cast(), text.len() as _) }
            }
        }
    }

    pub(crate) fn into_value<'js>(self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        // SAFETY: it was just made in this context.
        Ok(unsafe { checked(ctx, self.make(ctx)) }?)
    }
}
