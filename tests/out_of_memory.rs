//! What happens when the allocator has no memory: an error, and everything is usable afterwards.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::error::Error;
use std::ops::RangeFrom;
use std::ptr;
use std::time::Duration;

use message_port::{
    BuildError, MessageChannel, MessagePort, PostError, PostTimeoutError, TryPostError,
};

type Outcome = Result<(), Box<dyn Error>>;

thread_local! {
    /// Allocations of at least so many bytes, aligned as archives are, are refused on this thread.
    static REFUSED_FROM: Cell<usize> = const { Cell::new(usize::MAX) };
}

struct Refusing;

#[global_allocator]
static ALLOCATOR: Refusing = Refusing;

impl Refusing {
    fn refuses(layout: Layout) -> bool {
        // What prints a panic has no use for such an alignment, and needs memory.
        let is_for_archives = layout.align() >= 16;
        // A thread that is past its thread-locals is past what a test does.
        let is_large = REFUSED_FROM.try_with(|from| layout.size() >= from.get());
        is_for_archives && is_large.unwrap_or(false)
    }
}

// SAFETY: what is not refused is the system's allocator; a refusal is a null pointer.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if Self::refuses(layout) {
            return ptr::null_mut();
        }
        // SAFETY: passed on to the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if Self::refuses(layout) {
            return ptr::null_mut();
        }
        // SAFETY: passed on to the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: passed on to the caller.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(old, layout) }
    }
}

/// Runs `f` where allocations of `bytes` or more are refused.
fn without_memory_from<R>(bytes: usize, f: impl FnOnce() -> R) -> R {
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            REFUSED_FROM.set(usize::MAX);
        }
    }
    REFUSED_FROM.set(bytes);
    let _restore = Restore;
    f()
}

/// Bytes of the rings; longer archives than half of it are spilled.
const CAPACITY: usize = 4096;

/// A message that is spilled, and the bytes of its archive: those of the vector and of the root.
fn large() -> (Vec<u8>, usize) {
    (vec![7; 10_000], 10_008)
}

#[test]
fn a_channel_that_cannot_be_built_is_an_error() -> Outcome {
    let build = || MessageChannel::<u64>::builder().capacity(1 << 20).build();
    let error = without_memory_from(1 << 20, || build().map(drop)).unwrap_err();
    assert_eq!(error, BuildError::OutOfMemory { capacity: 1 << 20 });
    assert_eq!(error.to_string(), "no memory for a capacity of 1048576 bytes");
    let MessageChannel { mut port1, mut port2 } = build()?;
    port1.post_message(&7)?;
    assert_eq!(*port2.recv()?, 7);
    Ok(())
}

#[test]
#[should_panic(expected = "no memory for a capacity of 1048576 bytes")]
fn a_channel_that_must_be_built_panics() {
    without_memory_from(1 << 20, || drop(MessageChannel::<u64>::with_capacity(1 << 20)));
}

#[test]
fn a_message_without_a_buffer_is_refused_by_every_post() -> Outcome {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<Vec<u8>>::with_capacity(CAPACITY);
    port1.post_message(&vec![1])?;
    let (message, bytes) = large();
    let text = format!("the message could not be cloned: no memory for {bytes} bytes");
    let archive = rkyv::to_bytes::<rkyv::rancor::Error>(&message)?;
    without_memory_from(CAPACITY, || {
        let Err(PostError::DataClone(error)) = port1.post_message(&message) else { panic!() };
        assert_eq!(error.to_string(), text);
        assert!(error.source().is_none());
        let Err(TryPostError::DataClone(error)) = port1.try_post_message(&message) else {
            panic!();
        };
        assert_eq!(error.to_string(), text);
        let error = port1.post_message_timeout(&message, Duration::ZERO).unwrap_err();
        assert!(matches!(error, PostTimeoutError::DataClone(_)), "{error}");
        let error = futures_lite::future::block_on(port1.post_message_async(&message));
        assert!(error.unwrap_err().is_data_clone());
        assert!(port1.post_archived(&archive).unwrap_err().is_data_clone());
        // What can do without a buffer is posted all the same.
        port1.post_message(&vec![2]).unwrap();
        assert_eq!(port1.post_messages([&vec![3], &message, &vec![4]]).unwrap(), 1);
    });
    assert_eq!(port2.len(), 3, "something of a refused message is visible");
    for number in 1..=3 {
        assert_eq!(port2.recv()?.as_slice(), [number]);
    }
    port1.post_message(&message)?;
    assert_eq!(port2.recv()?.as_slice(), message);
    assert!(port2.is_empty());
    Ok(())
}

/// An idle buffer is there whatever the allocator has; one that is too small for a message is not
/// given up for nothing.
#[test]
fn idle_buffers_serve_without_memory() -> Outcome {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<Vec<u8>>::with_capacity(CAPACITY);
    let (message, _) = large();
    port1.post_message(&message)?;
    drop(port2.recv()?);
    without_memory_from(CAPACITY, || {
        port1.post_message(&message).unwrap();
        assert!(port1.try_post_message(&message).unwrap_err().is_data_clone());
        assert_eq!(port2.recv().unwrap().len(), message.len());
        assert!(
            port1
                .try_post_message(&vec![7; if cfg!(miri) { 20_000 } else { 100_000 }])
                .unwrap_err()
                .is_data_clone()
        );
        port1.post_message(&message).unwrap();
        assert_eq!(port2.recv().unwrap().len(), message.len());
    });
    Ok(())
}

/// A handler sees the refusal as it sees any other, and its port goes on.
#[test]
fn a_reply_without_memory_is_a_messageerror() -> Outcome {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<u64, Vec<u8>>::with_capacity(CAPACITY);
    let (reply, _) = large();
    port2.set_onmessage(move |event| event.target().post_message(&reply));
    port2.set_onmessageerror(|event| {
        assert!(event.error().to_string().contains("no memory for"), "{}", event.error());
    });
    port1.post_message(&1)?;
    assert_eq!(without_memory_from(CAPACITY, || port2.dispatch())?, 2);
    port1.post_message(&2)?;
    assert_eq!(port2.dispatch()?, 1);
    assert_eq!(port1.recv()?.len(), 10_000);
    Ok(())
}

/// A direction that cannot grow is full, as one that may not.
#[test]
fn a_ring_that_cannot_grow_is_full() -> Outcome {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<u64>::builder().capacity(CAPACITY).growable(16 * CAPACITY).build()?;
    let mut posted = 0..;
    let fill = |port: &mut MessagePort<u64>, posted: &mut RangeFrom<u64>| {
        let start = posted.start;
        while port.try_post_message(&posted.start).is_ok() {
            posted.next();
        }
        posted.start - start
    };
    let in_one = without_memory_from(CAPACITY, || fill(&mut port1, &mut posted));
    assert!(without_memory_from(CAPACITY, || port1.try_post_message(&0)).unwrap_err().is_full());
    assert!(in_one > 0 && in_one <= CAPACITY as u64 / 64 * 7);
    assert!(fill(&mut port1, &mut posted) > in_one, "it does not grow with memory");
    for number in 0..posted.start {
        assert_eq!(*port2.recv()?, number);
    }
    assert!(port2.is_empty());
    Ok(())
}
