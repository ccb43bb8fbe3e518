//! Primitives in and out, without a reference to the context for each.

use std::ptr::NonNull;
use std::slice;

use rquickjs::{Ctx, Object, Result, Value, qjs};

use super::names::{Name, checked};

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

/// Looks at what the engine has returned, unless it has thrown.
///
/// # Safety
///
/// It must be a value of that context, and the caller's.
pub(super) unsafe fn seen<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> Result<Seen<'js>> {
    // SAFETY: the tag is part of the value, whatever that is.
    match unsafe { qjs::JS_VALUE_GET_NORM_TAG(value) } {
        qjs::JS_TAG_UNDEFINED => Ok(Seen::Undefined),
        qjs::JS_TAG_NULL => Ok(Seen::Null),
        // SAFETY: the tag says so.
        qjs::JS_TAG_BOOL => Ok(Seen::Bool(unsafe { qjs::JS_VALUE_GET_BOOL(value) })),
        // SAFETY: as above.
        qjs::JS_TAG_INT => Ok(Seen::Number(f64::from(unsafe { qjs::JS_VALUE_GET_INT(value) }))),
        // SAFETY: as above.
        qjs::JS_TAG_FLOAT64 => Ok(Seen::Number(unsafe { qjs::JS_VALUE_GET_FLOAT64(value) })),
        tag => {
            // SAFETY: the caller says so.
            let value = unsafe { checked(ctx, value) }?;
            Ok(match tag {
                qjs::JS_TAG_OBJECT => Seen::Object(value),
                qjs::JS_TAG_STRING | qjs::JS_TAG_STRING_ROPE => Seen::String(value),
                _ => Seen::Other(value),
            })
        }
    }
}

/// Looks at a value.
pub(crate) fn look<'js>(value: &Value<'js>) -> Result<Seen<'js>> {
    let ctx = value.ctx();
    // SAFETY: the reference that is taken here is the one that is passed on.
    unsafe { seen(ctx, super::names::held(value)) }
}

/// The object that a value is, if it is one: without the questions which one.
pub(crate) fn as_object<'a, 'js>(value: &'a Value<'js>) -> Option<&'a Object<'js>> {
    // SAFETY: the tag is part of the value, whatever that is.
    let is_object = unsafe { qjs::JS_VALUE_GET_NORM_TAG(value.as_raw()) } == qjs::JS_TAG_OBJECT;
    // SAFETY: it is an object, as was just seen.
    is_object.then(|| unsafe { value.ref_object() })
}

/// Calls `f` with a string in UTF-8, in which a lone surrogate is three bytes that are none.
pub(crate) fn with_utf8<R>(text: &Value<'_>, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
    let ctx = text.ctx().as_raw().as_ptr();
    let mut length = 0;
    // SAFETY: the context and the value are alive, and the length outlives the call.
    let bytes = unsafe { qjs::JS_ToCStringLen2(ctx, &raw mut length, text.as_raw(), false) };
    let Some(start) = NonNull::new(bytes.cast_mut()) else {
        return Err(rquickjs::Error::Exception);
    };
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_possible_truncation,
        reason = "a `size_t`, whatever type that is here"
    )]
    let length = length as usize;
    // SAFETY: the engine has said how many bytes there are; they stay until they are freed.
    let bytes = unsafe { slice::from_raw_parts(start.as_ptr().cast::<u8>(), length) };
    let result = f(bytes);
    // SAFETY: it is what was returned above, and nothing of it is in use any more.
    unsafe { qjs::JS_FreeCString(ctx, start.as_ptr()) };
    Ok(result)
}

/// A primitive of a message.
#[derive(Clone, Copy)]
pub(crate) enum Leaf<'m> {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Ascii(&'m str),
}

impl Leaf<'_> {
    /// A value of the engine, the caller's; an exception if there is no memory.
    fn make(self, ctx: &Ctx<'_>) -> qjs::JSValue {
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
        unsafe { checked(ctx, self.make(ctx)) }
    }

    /// As [`define`](super::define), with a primitive.
    pub(crate) fn define<'js>(self, object: &Object<'js>, name: &Name<'js>) -> Result<()> {
        let ctx = object.ctx();
        let value = self.make(ctx);
        // SAFETY: the value was just made in this context.
        unsafe { super::names::define_raw(object, name, value) }
    }

    /// As [`define_element`](super::define_element), with a primitive.
    pub(crate) fn define_element(self, object: &Object<'_>, index: u32) -> Result<()> {
        let value = self.make(object.ctx());
        // SAFETY: the value was just made in this context.
        unsafe { super::names::define_element_raw(object, index, value) }
    }
}
