//! Calls in both directions that happen for each message.

use std::ffi::{CStr, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};

use rquickjs::function::OnceFn;
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
    native(ctx, get_data, c"get data", 0)
}

/// What scripts know as `MessagePort.prototype.postMessage`: likewise.
pub(crate) fn post_message<'js>(ctx: &Ctx<'js>) -> Result<Function<'js>> {
    native(ctx, post, c"postMessage", 1)
}

type Native = unsafe extern "C" fn(
    *mut qjs::JSContext,
    qjs::JSValue,
    c_int,
    *mut qjs::JSValue,
) -> qjs::JSValue;

fn native<'js>(
    ctx: &Ctx<'js>,
    native: Native,
    name: &CStr,
    length: c_int,
) -> Result<Function<'js>> {
    // SAFETY: the context is alive, the name ends with a zero byte, and the function has the
    // signature of a generic one.
    let function = unsafe {
        qjs::JS_NewCFunction2(
            ctx.as_raw().as_ptr(),
            Some(native),
            name.as_ptr(),
            length,
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
    _: c_int,
    _: *mut qjs::JSValue,
) -> qjs::JSValue {
    let Some(ctx) = NonNull::new(ctx) else { return qjs::JS_UNDEFINED };
    // SAFETY: the engine calls with its context, which is alive.
    let ctx = unsafe { Ctx::from_raw(ctx) };
    // SAFETY: it is alive during the call.
    let this = unsafe { argument(&ctx, this) };
    let Some(event) = ports::as_event(&this) else {
        Exception::throw_type(&ctx, "Illegal invocation");
        return qjs::JS_EXCEPTION;
    };
    event.borrow().data(&ctx).map_or(qjs::JS_EXCEPTION, |data| held(&data))
}

unsafe extern "C" fn post(
    ctx: *mut qjs::JSContext,
    this: qjs::JSValue,
    count: c_int,
    arguments: *mut qjs::JSValue,
) -> qjs::JSValue {
    let Some(ctx) = NonNull::new(ctx) else { return qjs::JS_UNDEFINED };
    // SAFETY: the engine calls with its context, which is alive.
    let ctx = unsafe { Ctx::from_raw(ctx) };
    // SAFETY: it is alive during the call.
    let this = unsafe { argument(&ctx, this) };
    let nth = |index: c_int| {
        if index >= count {
            return Value::new_undefined(ctx.clone());
        }
        // SAFETY: there are so many.
        let place = unsafe { arguments.add(index.unsigned_abs() as usize) };
        // SAFETY: as above.
        let value = unsafe { *place };
        // SAFETY: it is alive during the call.
        unsafe { argument(&ctx, value) }
    };
    let post = || ports::post_message(&ctx, &this, &nth(0), &nth(1));
    match catch_unwind(AssertUnwindSafe(post)) {
        Ok(Ok(())) => qjs::JS_UNDEFINED,
        Ok(Err(error)) if error.is_exception() => qjs::JS_EXCEPTION,
        Ok(Err(error)) => fail(&ctx, || Err(error)),
        Err(panic) => fail(&ctx, || resume_unwind(panic)),
    }
}

/// A value that the engine has passed.
///
/// # Safety
///
/// It must be of the context, and alive.
unsafe fn argument<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> Value<'js> {
    // SAFETY: the caller says so.
    let value = unsafe { qjs::JS_DupValue(ctx.as_raw().as_ptr(), value) };
    // SAFETY: the reference was just taken.
    unsafe { Value::from_raw(ctx.clone(), value) }
}

/// Fails as a function of the safe interface, which knows how errors become exceptions, and how
/// panics go through scripts.
#[cold]
fn fail<'js>(ctx: &Ctx<'js>, with: impl FnOnce() -> Result<()> + 'js) -> qjs::JSValue {
    if let Ok(failing) = Function::new(ctx.clone(), OnceFn::from(with)) {
        let raw = ctx.as_raw().as_ptr();
        // SAFETY: the context and the function are alive, and there are no arguments. What it returns
        // is an exception, which needs not be freed.
        unsafe { qjs::JS_Call(raw, failing.as_raw(), qjs::JS_UNDEFINED, 0, ptr::null_mut()) };
    }
    qjs::JS_EXCEPTION
}
