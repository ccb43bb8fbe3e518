//! Names of properties, and the properties, without what makes that slow in the safe interface: a
//! reference to the context for each name, and a descriptor for each property.

use std::ffi::c_int;
use std::ptr;
use std::slice;

use rquickjs::class::{Trace, Tracer};
use rquickjs::{Ctx, Object, Result, Value, qjs};

use super::values::{Seen, seen};

/// Which name it is. Only to be compared: who wants to use it has to hold the name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameId(qjs::JSAtom);

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
    pub(crate) fn new(ctx: &Ctx<'js>, text: &str) -> Result<Self> {
        let raw = ctx.as_raw().as_ptr();
        // SAFETY: the context is alive, and the text is as long as is said.
        let atom = unsafe { qjs::JS_NewAtomLen(raw, text.as_ptr().cast(), text.len() as _) };
        Self::of_atom(ctx, atom)
    }

    fn of_atom(ctx: &Ctx<'js>, atom: qjs::JSAtom) -> Result<Self> {
        if atom == NameId::NONE.0 {
            return Err(rquickjs::Error::Exception);
        }
        Ok(Self { atom, ctx: ctx.clone() })
    }

    /// The name of an element.
    pub(crate) fn of_index(ctx: &Ctx<'js>, index: u32) -> Result<Self> {
        // SAFETY: the context is alive.
        let atom = unsafe { qjs::JS_NewAtomUInt32(ctx.as_raw().as_ptr(), index) };
        Self::of_atom(ctx, atom)
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

/// The names of the own enumerable properties of an object, those of symbols left out.
pub(crate) struct Keys<'js> {
    ctx: Ctx<'js>,
    table: *mut qjs::JSPropertyEnum,
    len: u32,
}

impl<'js> Keys<'js> {
    pub(crate) fn of(object: &Object<'js>) -> Result<Self> {
        let mut keys = Self { ctx: object.ctx().clone(), table: ptr::null_mut(), len: 0 };
        let flags = qjs::JS_GPN_STRING_MASK | qjs::JS_GPN_ENUM_ONLY;
        // SAFETY: the context and the object are alive, and what is written to lives longer than
        // the call.
        let result = unsafe {
            qjs::JS_GetOwnPropertyNames(
                keys.ctx.as_raw().as_ptr(),
                &raw mut keys.table,
                &raw mut keys.len,
                object.as_raw(),
                flags.cast_signed(),
            )
        };
        if result < 0 { Err(rquickjs::Error::Exception) } else { Ok(keys) }
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    fn atom(&self, index: usize) -> qjs::JSAtom {
        assert!(index < self.len());
        // SAFETY: the engine has said how many there are, and there is at least one, so that the
        // pointer is to the table, which is ours until we are dropped.
        let table = unsafe { slice::from_raw_parts(self.table, self.len()) };
        table[index].atom
    }

    pub(crate) fn id(&self, index: usize) -> NameId {
        NameId(self.atom(index))
    }

    pub(crate) fn name(&self, index: usize) -> Name<'js> {
        let ctx = self.ctx.clone();
        // SAFETY: the context is alive, and the table holds the name.
        let atom = unsafe { qjs::JS_DupAtom(ctx.as_raw().as_ptr(), self.atom(index)) };
        Name { atom, ctx }
    }

    /// The name as a string.
    pub(crate) fn text(&self, index: usize) -> Result<Value<'js>> {
        // SAFETY: the context is alive, and the table holds the name.
        let text = unsafe { qjs::JS_AtomToString(self.ctx.as_raw().as_ptr(), self.atom(index)) };
        // SAFETY: the engine has returned it, so it is of this context and ours.
        unsafe { checked(&self.ctx, text) }
    }

    /// Whether these are the indices below `length` and what follows them: of an array without
    /// holes. Indices come first, in order.
    pub(crate) fn begin_with_all_below(&self, length: u32) -> Result<bool> {
        let Some(last) = length.checked_sub(1) else { return Ok(true) };
        let is_long_enough = self.len >= length;
        Ok(is_long_enough && self.id(last as usize) == Name::of_index(&self.ctx, last)?.id())
    }

    /// The property of an object with this name, which a getter may make up.
    pub(crate) fn get(&self, object: &Object<'js>, index: usize) -> Result<Seen<'js>> {
        // SAFETY: the context and the object are alive, and the table holds the name.
        let value = unsafe {
            qjs::JS_GetProperty(self.ctx.as_raw().as_ptr(), object.as_raw(), self.atom(index))
        };
        // SAFETY: the engine has returned it, so it is of this context and ours.
        unsafe { seen(&self.ctx, value) }
    }

    /// Whether the object still has a property of this name.
    pub(crate) fn is_own(&self, object: &Object<'js>, index: usize) -> Result<bool> {
        // SAFETY: the context and the object are alive, and the table holds the name; no
        // descriptor is asked for.
        let has = unsafe { own(&self.ctx, object, self.atom(index)) };
        if has < 0 { Err(rquickjs::Error::Exception) } else { Ok(has != 0) }
    }
}

impl Drop for Keys<'_> {
    fn drop(&mut self) {
        // SAFETY: the table is the engine's, of that length, or null and empty.
        unsafe { qjs::JS_FreePropertyEnum(self.ctx.as_raw().as_ptr(), self.table, self.len) };
    }
}

/// Whether an object has a property of its own; negative if the engine has thrown.
///
/// # Safety
///
/// The name must be held.
unsafe fn own(ctx: &Ctx<'_>, object: &Object<'_>, atom: qjs::JSAtom) -> c_int {
    // SAFETY: the context and the object are alive, and the caller holds the name; without a
    // descriptor nothing is written.
    unsafe { qjs::JS_GetOwnProperty(ctx.as_raw().as_ptr(), ptr::null_mut(), object.as_raw(), atom) }
}

/// Whether an object has a property of its own.
pub(crate) fn has_own<'js>(object: &Object<'js>, name: &Name<'js>) -> Result<bool> {
    // SAFETY: the name is held.
    let has = unsafe { own(&name.ctx, object, name.atom) };
    if has < 0 { Err(rquickjs::Error::Exception) } else { Ok(has != 0) }
}

/// An element of an array, or what stands for one.
pub(crate) fn element<'js>(object: &Object<'js>, index: u32) -> Result<Seen<'js>> {
    let ctx = object.ctx();
    // SAFETY: the context and the object are alive.
    let value = unsafe { qjs::JS_GetPropertyUint32(ctx.as_raw().as_ptr(), object.as_raw(), index) };
    // SAFETY: the engine has returned it, so it is of this context and ours.
    unsafe { seen(ctx, value) }
}

/// The length of an array.
pub(crate) fn array_length(array: &Object<'_>) -> Result<u32> {
    let mut length = 0;
    let ctx = array.ctx().as_raw().as_ptr();
    // SAFETY: the context and the object are alive, and the length outlives the call.
    let result = unsafe { qjs::JS_GetLength(ctx, array.as_raw(), &raw mut length) };
    if result < 0 { Err(rquickjs::Error::Exception) } else { Ok(length.try_into().unwrap_or(0)) }
}

const PLAIN: c_int = qjs::JS_PROP_C_W_E.cast_signed();

/// Defines a property, as a script would have made it by assignment. No script runs.
pub(crate) fn define<'js>(
    object: &Object<'js>,
    name: &Name<'js>,
    value: &Value<'js>,
) -> Result<()> {
    // SAFETY: the reference that is taken here is the one that is passed on.
    unsafe { define_raw(object, name, held(value)) }
}

/// As [`define`]; takes over the value, or is an error if it is an exception.
///
/// # Safety
///
/// The value must be of the context of the object, and the caller's.
pub(super) unsafe fn define_raw<'js>(
    object: &Object<'js>,
    name: &Name<'js>,
    value: qjs::JSValue,
) -> Result<()> {
    // SAFETY: the tag is part of the value, whatever that is.
    if unsafe { qjs::JS_IsException(value) } {
        return Err(rquickjs::Error::Exception);
    }
    let ctx = name.ctx.as_raw().as_ptr();
    // SAFETY: the context, the object and the name are alive; the caller speaks for the value.
    let defined =
        unsafe { qjs::JS_DefinePropertyValue(ctx, object.as_raw(), name.atom, value, PLAIN) };
    if defined < 0 { Err(rquickjs::Error::Exception) } else { Ok(()) }
}

/// As [`define`], an element.
pub(crate) fn define_element<'js>(
    object: &Object<'js>,
    index: u32,
    value: &Value<'js>,
) -> Result<()> {
    // SAFETY: the reference that is taken here is the one that is passed on.
    unsafe { define_element_raw(object, index, held(value)) }
}

/// As [`define_raw`], an element.
///
/// # Safety
///
/// As of [`define_raw`].
pub(super) unsafe fn define_element_raw(
    object: &Object<'_>,
    index: u32,
    value: qjs::JSValue,
) -> Result<()> {
    // SAFETY: the tag is part of the value, whatever that is.
    if unsafe { qjs::JS_IsException(value) } {
        return Err(rquickjs::Error::Exception);
    }
    let ctx = object.ctx().as_raw().as_ptr();
    // SAFETY: the context and the object are alive; the caller speaks for the value.
    let defined =
        unsafe { qjs::JS_DefinePropertyValueUint32(ctx, object.as_raw(), index, value, PLAIN) };
    if defined < 0 { Err(rquickjs::Error::Exception) } else { Ok(()) }
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
pub(super) unsafe fn checked<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> Result<Value<'js>> {
    // SAFETY: the tag is part of the value, whatever that is.
    if unsafe { qjs::JS_IsException(value) } {
        return Err(rquickjs::Error::Exception);
    }
    // SAFETY: the caller says so.
    Ok(unsafe { Value::from_raw(ctx.clone(), value) })
}
