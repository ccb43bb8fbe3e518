//! Buffers out and in, with one copy each: straight into the channel, and into memory that is used again.

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::rc::Rc;

use message_port_structured::LentBuffer;
use rquickjs::{ArrayBuffer, Ctx, Result, Value, qjs};

use super::names::checked;
use crate::ports::{Core, Refused};

/// Bytes from which on a buffer is posted where it lies, and its memory used again. Of less, the
/// allocator does not have to ask the system.
pub(crate) const LARGE: usize = 64 << 10;

/// Stores that are kept, and their bytes in sum, for each context.
const KEPT: usize = 4;
const KEPT_BYTES: usize = 8 << 20;

/// Posts a buffer where it lies; `None` if it is detached, or too large.
pub(crate) fn post_buffer(
    core: &Core,
    buffer: &ArrayBuffer<'_>,
) -> Option<std::result::Result<(), Refused>> {
    let bytes = buffer.as_raw()?;
    // SAFETY: they are the bytes of a buffer that is alive and attached. No script of its runtime runs
    // while they are borrowed: the post copies them, and at most wakes another thread or a loop; what
    // an embedder does then cannot enter this runtime, which is locked by the call that posts.
    let bytes = unsafe { bytes.as_ref() };
    Some(core.post(&LentBuffer::new(bytes).ok()?))
}

/// Memory of large buffers that came in messages, for the next ones: fresh memory costs more than the
/// copy, a page fault for each of its pages. It is the engine's, so it counts to the limit of the
/// runtime, in use or not.
pub(crate) struct Stores(Rc<Pool>);

struct Pool {
    runtime: *mut qjs::JSRuntime,
    /// With the bytes that each has room for.
    idle: RefCell<Vec<(NonNull<c_void>, usize)>>,
}

impl Stores {
    pub(crate) fn new(ctx: &Ctx<'_>) -> Self {
        // SAFETY: the context is alive.
        let runtime = unsafe { qjs::JS_GetRuntime(ctx.as_raw().as_ptr()) };
        Self(Rc::new(Pool { runtime, idle: RefCell::default() }))
    }

    /// A buffer with a copy of these bytes.
    pub(crate) fn buffer<'js>(&self, ctx: &Ctx<'js>, bytes: &[u8]) -> Result<Value<'js>> {
        if bytes.len() < LARGE {
            return Ok(ArrayBuffer::new_copy(ctx.clone(), bytes)?.into_value());
        }
        let raw = ctx.as_raw().as_ptr();
        let store = self.0.take(ctx, bytes.len())?;
        // SAFETY: the store has room for that many bytes and is nobody else's.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), store.as_ptr().cast(), bytes.len()) };
        let pool = Rc::into_raw(Rc::clone(&self.0)).cast_mut().cast::<c_void>();
        // SAFETY: the context is alive. The store is of that length, initialised, and goes over to the
        // buffer, as does the reference to the pool; `resize` takes both back, once, with size 0.
        let buffer = unsafe {
            qjs::JS_NewArrayBuffer(
                raw,
                store.as_ptr().cast(),
                bytes.len() as _,
                0,
                Some(resize),
                pool,
                false,
            )
        };
        // SAFETY: the engine has returned it, so it is of this context and ours.
        let buffer = unsafe { checked(ctx, buffer) };
        if buffer.is_err() {
            // SAFETY: there is no buffer, so both are still ours, as if one had given them back.
            unsafe { resize(self.0.runtime, pool, store.as_ptr(), 0) };
        }
        Ok(buffer?)
    }
}

impl Pool {
    /// A store of at least so many bytes, not all of them initialised.
    fn take(&self, ctx: &Ctx<'_>, length: usize) -> Result<NonNull<c_void>> {
        let fits = |room: usize| room >= length && room / 2 <= length;
        let found = self.idle.borrow().iter().position(|(_, room)| fits(*room));
        if let Some(index) = found {
            return Ok(self.idle.borrow_mut().swap_remove(index).0);
        }
        // SAFETY: the runtime is that of the context, which is alive.
        let store = unsafe { qjs::js_malloc_rt(self.runtime, length as _) };
        if let Some(store) = NonNull::new(store) {
            return Ok(store);
        }
        self.free_all();
        // SAFETY: the context is alive.
        let store = unsafe { qjs::js_malloc(ctx.as_raw().as_ptr(), length as _) };
        NonNull::new(store).ok_or(rquickjs::Error::Exception)
    }

    /// Keeps a store, or frees it.
    ///
    /// # Safety
    ///
    /// It must be the engine's memory, and the caller's. The runtime must be alive.
    unsafe fn give_back(&self, store: NonNull<c_void>) {
        // SAFETY: the caller speaks for both.
        let room = unsafe { qjs::js_malloc_usable_size_rt(self.runtime, store.as_ptr()) };
        #[allow(
            clippy::unnecessary_cast,
            clippy::cast_possible_truncation,
            reason = "a `size_t`, whatever type that is here"
        )]
        let room = room as usize;
        let mut idle = self.idle.borrow_mut();
        let kept: usize = idle.iter().map(|(_, room)| *room).sum();
        if room >= LARGE && idle.len() < KEPT && room <= KEPT_BYTES - kept {
            idle.push((store, room));
        } else {
            // SAFETY: the caller speaks for both.
            unsafe { qjs::js_free_rt(self.runtime, store.as_ptr()) };
        }
    }

    fn free_all(&self) {
        for (store, _) in self.idle.take() {
            // SAFETY: the engine has allocated it, and only this list had it. The runtime is alive:
            // the pool is held only by objects in it, which it drops before it ends.
            unsafe { qjs::js_free_rt(self.runtime, store.as_ptr()) };
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.free_all();
    }
}

/// What the engine calls to have the memory of a buffer changed, or with size 0 taken back, which it
/// does once, when the buffer is freed or detached.
unsafe extern "C" fn resize(
    runtime: *mut qjs::JSRuntime,
    pool: *mut c_void,
    store: *mut c_void,
    size: qjs::size_t,
) -> *mut c_void {
    if size > 0 {
        // SAFETY: the store is the engine's memory, and the runtime alive; the engine calls with it.
        return unsafe { qjs::js_realloc_rt(runtime, store, size) };
    }
    // SAFETY: the reference was passed to the buffer, which is done with it now.
    let pool = unsafe { Rc::from_raw(pool.cast_const().cast::<Pool>()) };
    if let Some(store) = NonNull::new(store) {
        // SAFETY: as above; the buffer was its owner.
        unsafe { pool.give_back(store) };
    }
    ptr::null_mut()
}
