//! The library's own tests, as many of them as need little to build and to run, in one program.
//!
//! `ci/targets.sh` builds it for other platforms. What is left out asks for runtimes, for a compiler or
//! for the memory of the whole process, or runs long.

#![allow(
    clippy::duplicate_mod,
    reason = "each test has its own copy of what it shares with others"
)]

/// `tests/common/parcel.rs` finds it here.
#[allow(dead_code, reason = "it uses a part of it")]
#[path = "../../../tests/common/random.rs"]
mod random;

#[path = "../../../tests/auto_traits.rs"]
mod auto_traits;
#[path = "../../../tests/batches.rs"]
mod batches;
#[path = "../../../tests/close.rs"]
mod close;
#[path = "../../../tests/data_clone.rs"]
mod data_clone;
#[path = "../../../tests/deadlock.rs"]
mod deadlock;
#[path = "../../../tests/deadlock_split.rs"]
mod deadlock_split;
#[path = "../../../tests/debug.rs"]
mod debug;
#[path = "../../../tests/deep_archive.rs"]
mod deep_archive;
#[path = "../../../tests/delivery.rs"]
mod delivery;
#[path = "../../../tests/errors.rs"]
mod errors;
#[path = "../../../tests/event_loop.rs"]
mod event_loop;
#[path = "../../../tests/event_loop_drops.rs"]
mod event_loop_drops;
#[path = "../../../tests/event_loop_failures.rs"]
mod event_loop_failures;
#[path = "../../../tests/event_loop_hook.rs"]
mod event_loop_hook;
#[path = "../../../tests/event_loop_keep_running.rs"]
mod event_loop_keep_running;
#[path = "../../../tests/event_loop_regressions.rs"]
mod event_loop_regressions;
#[path = "../../../tests/event_loop_threads.rs"]
mod event_loop_threads;
#[path = "../../../tests/failures_that_panic_again.rs"]
mod failures_that_panic_again;
#[path = "../../../tests/formats.rs"]
mod formats;
#[path = "../../../tests/growable.rs"]
mod growable;
#[path = "../../../tests/growable_close.rs"]
mod growable_close;
#[path = "../../../tests/growable_order.rs"]
mod growable_order;
#[path = "../../../tests/hostile.rs"]
mod hostile;
#[path = "../../../tests/layout.rs"]
mod layout;
#[path = "../../../tests/messageerror.rs"]
mod messageerror;
#[path = "../../../tests/messageerror_unhandled.rs"]
mod messageerror_unhandled;
#[path = "../../../tests/number_width.rs"]
mod number_width;
#[path = "../../../tests/properties.rs"]
mod properties;
#[path = "../../../tests/raw.rs"]
mod raw;
#[path = "../../../tests/recv_batch.rs"]
mod recv_batch;
#[path = "../../../tests/regressions.rs"]
mod regressions;
#[path = "../../../tests/sender_errors.rs"]
mod sender_errors;
#[path = "../../../tests/sizes.rs"]
mod sizes;
#[cfg_attr(
    target_endian = "big",
    allow(dead_code, reason = "for a test of little-endian machines")
)]
#[path = "../../../tests/soundness.rs"]
mod soundness;
#[path = "../../../tests/stall_edges.rs"]
mod stall_edges;
#[path = "../../../tests/waiting.rs"]
mod waiting;
#[path = "../../../tests/waker_calls.rs"]
mod waker_calls;
#[path = "../../../tests/wakers.rs"]
mod wakers;
