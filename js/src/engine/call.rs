//! Calls in both directions that happen for each message.

use std::ptr::NonNull;

use rquickjs::{Ctx, Exception, Function, Result, Value, qjs};

use super::names::{checked, held};
use crate::ports;

/// Calls a function with one argument.
pub(crate) fn call<'js>(
    function: &Function<'js>,
    this: &Value<'js>,
    argument: &Value<'js>,
) -> Result<Value<'js>> {
    let ctx = function.ctx();
    let mut arguments = [argument.as_raw()];
    // SAFETY: the context and the values are alive, and stay so, as the engine takes no reference
    // of ours; there is one argument.
    let result = unsafe {
        qjs::JS_Call(
            ctx.as_raw().as_ptr(),
            function.as_raw(),
            this.as_raw(),
            1,
            arguments.as_mut_ptr(),
        )
    };
    // SAFETY: the engine has returned it, so it is of this context and ours.
    unsafe { checked(ctx, result) }.map_err(Into::into)
}

/// What scripts know as the getter of `MessageEvent.prototype.data`: without what a closure costs.
pub(crate) fn data_getter<'js>(ctx: &Ctx<'js>) -> Result<Function<'js>> {
    // SAFETY: the context is alive, the name ends with a zero byte, and the function has the
    // signature of a generic one.
    let function = unsafe {
        qjs::JS_NewCFunction2(
            ctx.as_raw().as_ptr(),
            Some(get_data),
            c"get data".as_ptr(),
            0,
            qjs::JSCFunctionEnum_JS_CFUNC_generic,
            0,
        )
    };
    // SAFETY: the engine has returned it, so it is of this context and ours.
    let function = unsafe { checked(ctx, function)? };
    function.into_function().ok_or(rquickjs::Error::Unknown)
}

/// Runs no script and no function of an embedder, so there is no panic to be carried on.
unsafe extern "C" fn get_data(
    ctx: *mut qjs::JSContext,
    this: qjs::JSValue,
    _: std::ffi::c_int,
    _: *mut qjs::JSValue,
) -> qjs::JSValue {
    let Some(ctx) = NonNull::new(ctx) else { return qjs::JS_UNDEFINED };
    // SAFETY: the engine calls with its context, which is alive.
    let ctx = unsafe { Ctx::from_raw(ctx) };
    // SAFETY: as above, and `this` is alive.
    let this = unsafe { qjs::JS_DupValue(ctx.as_raw().as_ptr(), this) };
    // SAFETY: the reference was just taken.
    let this = unsafe { Value::from_raw(ctx.clone(), this) };
    let Some(event) = ports::event_of(&this) else {
        Exception::throw_type(&ctx, "Illegal invocation");
        return qjs::JS_EXCEPTION;
    };
    event.borrow().data(&ctx).map_or(qjs::JS_EXCEPTION, |data| held(&data))
}
