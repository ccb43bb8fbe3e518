//! Names of properties.

use std::ffi::c_int;
use std::ptr;

use rquickjs::class::{Trace, Tracer};
use rquickjs::{Ctx, Value, qjs};

use super::Thrown;

/// Which name it is. Only to be compared: who wants to use it has to hold the name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameId(pub(super) qjs::JSAtom);

impl NameId {
    /// No name.
    pub(crate) const NONE: Self = Self(0);

    /// Its number in the engine.
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

/// A name that is held.
pub(crate) struct Name<'js> {
    atom: qjs::JSAtom,
    ctx: Ctx<'js>,
}

impl<'js> Name<'js> {
    pub(crate) fn new(ctx: &Ctx<'js>, text: &str) -> Result<Self, Thrown> {
        let raw = ctx.as_raw().as_ptr();
        // SAFETY: the context is alive, and the text is as long as is said.
        let atom = unsafe { qjs::JS_NewAtomLen(raw, text.as_ptr().cast(), text.len() as _) };
        Self::of_atom(ctx, atom)
    }

    fn of_atom(ctx: &Ctx<'js>, atom: qjs::JSAtom) -> Result<Self, Thrown> {
        if atom == NameId::NONE.0 {
            return Err(Thrown);
        }
        Ok(Self { atom, ctx: ctx.clone() })
    }

    /// The name of an element.
    pub(crate) fn of_index(ctx: &Ctx<'js>, index: u32) -> Result<Self, Thrown> {
        // SAFETY: the context is alive.
        let atom = unsafe { qjs::JS_NewAtomUInt32(ctx.as_raw().as_ptr(), index) };
        Self::of_atom(ctx, atom)
    }

    /// The name of that text, which is a string.
    pub(crate) fn of_value(text: &Value<'js>) -> Result<Self, Thrown> {
        let ctx = text.ctx();
        // SAFETY: the context and the value are alive; to read a string runs no script.
        let atom = unsafe { qjs::JS_ValueToAtom(ctx.as_raw().as_ptr(), text.as_raw()) };
        Self::of_atom(ctx, atom)
    }

    /// Holds a name once more.
    ///
    /// # Safety
    ///
    /// It must be held.
    pub(super) unsafe fn again(ctx: &Ctx<'js>, atom: qjs::JSAtom) -> Self {
        // SAFETY: the context is alive, and the caller speaks for the name.
        let atom = unsafe { qjs::JS_DupAtom(ctx.as_raw().as_ptr(), atom) };
        Self { atom, ctx: ctx.clone() }
    }

    pub(crate) fn id(&self) -> NameId {
        NameId(self.atom)
    }
}

impl Drop for Name<'_> {
    fn drop(&mut self) {
        // SAFETY: the context is alive, and this is the reference that was taken.
        unsafe { qjs::JS_FreeAtom(self.ctx.as_raw().as_ptr(), self.atom) };
    }
}

impl<'js> Trace<'js> for Name<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        tracer.mark_ctx(&self.ctx);
    }
}

/// Whether an object has a property of its own; negative if the engine has thrown.
///
/// # Safety
///
/// The context and the object must be alive, and the name held.
pub(super) unsafe fn own(
    ctx: *mut qjs::JSContext,
    object: qjs::JSValue,
    atom: qjs::JSAtom,
) -> c_int {
    // SAFETY: the caller speaks for them; without a descriptor nothing is written.
    unsafe { qjs::JS_GetOwnProperty(ctx, ptr::null_mut(), object, atom) }
}

/// A reference to a value for the engine to take over.
pub(super) fn held(value: &Value<'_>) -> qjs::JSValue {
    // SAFETY: the context and the value are alive.
    unsafe { qjs::JS_DupValue(value.ctx().as_raw().as_ptr(), value.as_raw()) }
}

/// What the engine has returned, unless it has thrown.
///
/// # Safety
///
/// It must be a value of that context, and the caller's.
pub(super) unsafe fn checked<'js>(
    ctx: &Ctx<'js>,
    value: qjs::JSValue,
) -> Result<Value<'js>, Thrown> {
    // SAFETY: the tag is part of the value, whatever that is.
    if unsafe { qjs::JS_IsException(value) } {
        return Err(Thrown);
    }
    // SAFETY: the caller says so.
    Ok(unsafe { Value::from_raw(ctx.clone(), value) })
}
