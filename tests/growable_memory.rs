//! How much memory a direction that grows takes: within its limit, and after a burst.
//!
//! The segments and buffers here are so small that all of them come from the allocator, which
//! counts.

#[path = "common/meter.rs"]
mod meter;
#[path = "common/random.rs"]
mod random;

use std::error::Error;

use message_port::{MessageChannel, MessagePort};

use meter::{counts, measure};
use random::Random;

type Outcome = Result<(), Box<dyn Error>>;

const CAPACITY: usize = 4096;
/// Bytes of a message whose buffer comes from the allocator.
const LARGEST: usize = 60_000;
/// Numbers that fit one segment: seven to a line.
const PER_SEGMENT: u64 = 4096 / 64 * 7;
/// Bytes of a segment of numbers: a line more.
const NUMBERS: usize = CAPACITY + 64;
/// What a segment takes beside its bytes: a few words, also in the sender's list.
const PER_SEGMENT_OVERHEAD: usize = 256;
/// Lists of a few entries.
const OVERHEAD: i64 = 1024;

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap()
}

fn growable<T: message_port::Message>(max_bytes: usize) -> (MessagePort<T>, MessagePort<T>) {
    let builder = MessageChannel::<T>::builder().capacity(CAPACITY).growable(max_bytes);
    let MessageChannel { port1, port2 } = builder.build().unwrap();
    (port1, port2)
}

/// Posts and receives so many numbers.
fn burst(port1: &mut MessagePort<u64>, port2: &mut MessagePort<u64>, numbers: u64) -> Outcome {
    for number in 0..numbers {
        port1.try_post_message(&number)?;
    }
    for number in 0..numbers {
        assert_eq!(*port2.try_recv()?, number);
    }
    Ok(())
}

#[test]
fn m1_the_limit_holds_whatever_is_posted() -> Outcome {
    for (seed, max_bytes) in [5000, 9000, 20_000, 100_000, 1_000_000].into_iter().enumerate() {
        let (mut port1, mut port2) = growable::<Vec<u8>>(max_bytes);
        let mut random = Random::new(seed as u64);
        // The sender's scratch memory is none of this.
        port1.try_post_message(&Vec::new())?;
        port2.try_recv()?;
        let start = counts();
        let mut was_full = 0;
        let mut most = 0;
        for _ in 0..if cfg!(miri) { 60 } else { 4000 } {
            let length = match random.below(8) {
                0 => random.below((max_bytes - CAPACITY - 8).min(LARGEST)),
                1 => random.below(2 * CAPACITY),
                _ => random.below(500),
            };
            let message = vec![1; length];
            let posted = port1.try_post_message(&message);
            let full = posted.is_err_and(|error| error.is_full());
            was_full += i32::from(full);
            drop(message);
            let taken = (counts() - start).bytes + signed(CAPACITY);
            let segments = max_bytes / CAPACITY;
            let overhead = signed(segments * PER_SEGMENT_OVERHEAD) + OVERHEAD;
            assert!(taken <= signed(max_bytes) + overhead, "{taken} bytes of {max_bytes}");
            most = most.max(taken);
            if full {
                for _ in 0..=random.below(40) {
                    // A forgotten guard keeps its buffer no longer than the next one.
                    std::mem::forget(port2.try_recv());
                }
            }
        }
        assert!(was_full > 0, "the limit was never reached");
        assert!(most > signed(max_bytes / 2), "{most} bytes of {max_bytes}");
    }
    Ok(())
}

/// Where messages lie in blocks, each segment has one that is not counted.
#[test]
fn m1_the_limit_holds_for_numbers() {
    for segments in [1, 2, 10, 100] {
        let (mut port1, mut port2) = growable::<u64>(segments * CAPACITY);
        let start = counts();
        for _ in 0..3 {
            while port1.try_post_message(&7).is_ok() {
                let taken = (counts() - start).bytes + signed(NUMBERS);
                let most = segments * (NUMBERS + PER_SEGMENT_OVERHEAD);
                assert!(taken <= signed(most) + OVERHEAD, "{taken} bytes of {segments} segments");
            }
            assert_eq!(port2.len() as u64, segments as u64 * PER_SEGMENT);
            while port2.try_recv().is_ok() {}
        }
    }
}

#[test]
fn m1_after_a_burst_one_spare_segment_is_kept() -> Outcome {
    let (mut port1, mut port2) = growable::<u64>(1 << 24);
    let start = counts();
    for segments in [1, 2, 10, 1000, 3] {
        burst(&mut port1, &mut port2, segments * PER_SEGMENT)?;
        // The sender lets go of its list when it comes to the end of a lap.
        burst(&mut port1, &mut port2, PER_SEGMENT)?;
        let spare = if segments == 1 { 0 } else { signed(NUMBERS) };
        let kept = (counts() - start).bytes;
        assert!((spare..spare + OVERHEAD).contains(&kept), "{kept} bytes after {segments}");
    }
    Ok(())
}

/// Posts and receives so many messages of 10,000 bytes; returns the bytes of one.
fn long_burst(
    port1: &mut MessagePort<Vec<u8>>,
    port2: &mut MessagePort<Vec<u8>>,
    messages: usize,
) -> Result<i64, Box<dyn Error>> {
    let long = vec![1; 10_000];
    for _ in 0..messages {
        port1.try_post_message(&long)?;
    }
    for _ in 0..messages {
        assert_eq!(port2.try_recv()?.len(), long.len());
    }
    Ok(signed(long.len()))
}

/// What a direction keeps beside the buffers of long messages.
const BESIDE_BUFFERS: i64 = 20 * 1024;

#[test]
fn m1_a_burst_of_long_messages_that_stays_alone_leaves_one_buffer() -> Outcome {
    let (mut port1, mut port2) = growable::<Vec<u8>>(1 << 24);
    let start = counts();
    let message = long_burst(&mut port1, &mut port2, 1000)?;
    let kept = (counts() - start).bytes;
    assert!(kept < message + BESIDE_BUFFERS, "{kept} bytes");
    Ok(())
}

#[test]
fn m1_what_repeated_bursts_of_long_messages_leave_is_bounded() -> Outcome {
    for max_bytes in [1 << 19, 1 << 20, 1 << 24] {
        let (mut port1, mut port2) = growable::<Vec<u8>>(max_bytes);
        let start = counts();
        for _ in 0..3 {
            let message = long_burst(&mut port1, &mut port2, max_bytes / 11_000)?;
            let most = (signed(max_bytes) / 4).min(2 * 32 * message);
            let kept = (counts() - start).bytes;
            assert!(kept < most + BESIDE_BUFFERS, "{kept} bytes of {max_bytes}");
        }
        // Ordinary messages, after which nobody will want so many buffers again.
        for _ in 0..4 * 1024 {
            port1.try_post_message(&vec![1; 10])?;
            port2.try_recv()?;
        }
        let kept = (counts() - start).bytes;
        assert!(kept < BESIDE_BUFFERS, "{kept} bytes after a while");
        let message = long_burst(&mut port1, &mut port2, 40)?;
        let kept = (counts() - start).bytes;
        assert!(kept < message + BESIDE_BUFFERS, "{kept} bytes after another burst");
    }
    Ok(())
}

/// Long buffers come back when a short message has made the sender keep many.
#[test]
fn m1_what_bursts_of_any_lengths_leave_is_bounded() -> Outcome {
    const LIMIT: usize = 1 << 20;
    let (short, long) = (vec![1; 2_100], vec![1; 20_000]);
    for later in [0, 5, 30] {
        let (mut port1, mut port2) = growable::<Vec<u8>>(LIMIT);
        let start = counts();
        for _ in 0..3 {
            for _ in 0..40 {
                port1.try_post_message(&long)?;
            }
            for _ in 0..3 {
                port2.try_recv()?;
            }
            port1.try_post_message(&long)?;
            port1.try_post_message(&short)?;
            for _ in 0..later {
                port2.try_recv()?;
            }
            port1.try_post_message(&short)?;
            while port2.try_recv().is_ok() {}
            let kept = (counts() - start).bytes;
            assert!(kept < signed(LIMIT / 4) + BESIDE_BUFFERS, "{kept} bytes, {later}");
        }
    }
    Ok(())
}

#[test]
fn m1_buffers_that_are_too_small_for_what_comes_next_are_not_collected() -> Outcome {
    let (mut port1, mut port2) = growable::<Vec<u8>>(1 << 24);
    let start = counts();
    for length in 2100..2200 {
        port1.try_post_message(&vec![1; 4 * length])?;
        port2.try_recv()?;
    }
    let kept = (counts() - start).bytes;
    assert!(kept < 2 * 4 * 2200 + BESIDE_BUFFERS, "{kept} bytes");
    Ok(())
}

#[test]
fn m2_repeated_bursts_of_long_messages_allocate_nothing() -> Outcome {
    let (mut port1, mut port2) = growable::<Vec<u8>>(1 << 24);
    for _ in 0..2 {
        long_burst(&mut port1, &mut port2, 20)?;
    }
    let (outcome, taken) = measure(|| -> Outcome {
        for _ in 0..100 {
            long_burst(&mut port1, &mut port2, 20)?;
        }
        Ok(())
    });
    outcome?;
    // The message itself, of this test.
    assert_eq!(taken.allocations, 100);
    Ok(())
}

/// Runs `f`, which must not allocate.
fn allocates_nothing(f: impl FnOnce() -> Outcome) -> Outcome {
    let (outcome, taken) = measure(f);
    outcome?;
    assert_eq!(taken.allocations, 0);
    Ok(())
}

#[test]
fn m2_without_a_burst_nothing_is_allocated() -> Outcome {
    let (mut port1, mut port2) = growable::<u64>(1 << 20);
    allocates_nothing(|| burst(&mut port1, &mut port2, PER_SEGMENT))?;
    allocates_nothing(|| {
        for _ in 0..100 {
            burst(&mut port1, &mut port2, PER_SEGMENT / 2)?;
        }
        Ok(())
    })
}

/// The spare segment serves bursts that take no more than that.
#[test]
fn m2_the_spare_segment_is_used_again() -> Outcome {
    let (mut port1, mut port2) = growable::<u64>(1 << 20);
    for _ in 0..2 {
        burst(&mut port1, &mut port2, 2 * PER_SEGMENT)?;
    }
    allocates_nothing(|| {
        for _ in 0..100 {
            burst(&mut port1, &mut port2, PER_SEGMENT + 10)?;
        }
        Ok(())
    })
}

#[test]
fn m2_a_long_message_uses_the_last_one_s_buffer() -> Outcome {
    let (mut port1, mut port2) = growable::<Vec<u8>>(1 << 20);
    let long = vec![1; 10_000];
    port1.try_post_message(&long)?;
    drop(port2.try_recv()?);
    allocates_nothing(|| {
        for _ in 0..100 {
            port1.try_post_message(&long)?;
            assert_eq!(port2.try_recv()?.len(), long.len());
        }
        Ok(())
    })
}

#[test]
fn m2_repeated_bursts_of_mixed_lengths_allocate_nothing() -> Outcome {
    let (mut port1, mut port2) = growable::<Vec<u8>>(1 << 22);
    let (short, long) = (vec![1; 3_000], vec![1; 30_000]);
    let mut burst = |rounds| -> Outcome {
        for _ in 0..rounds {
            for message in
                [&long, &short, &short, &long, &short, &long].into_iter().cycle().take(24)
            {
                port1.try_post_message(message)?;
            }
            while port2.try_recv().is_ok() {}
        }
        Ok(())
    };
    burst(4)?;
    allocates_nothing(|| burst(100))
}

/// The longer one's buffer serves both.
#[test]
fn m2_long_messages_of_two_lengths_in_turn_allocate_nothing() -> Outcome {
    let (mut port1, mut port2) = growable::<Vec<u8>>(1 << 20);
    let messages = [vec![1; 3_000], vec![1; 10_000]];
    let mut post_both = |rounds| -> Outcome {
        for _ in 0..rounds {
            for message in &messages {
                port1.try_post_message(message)?;
                assert_eq!(port2.try_recv()?.len(), message.len());
            }
        }
        Ok(())
    };
    post_both(2)?;
    allocates_nothing(|| post_both(1500))
}

/// Whatever is on its way, and wherever the receiver is: the last owner frees all of it.
#[test]
fn m4_a_dropped_channel_leaves_nothing() {
    let start = counts();
    for posted in 0..40 {
        for received in [0, posted / 3, posted] {
            for receiver_first in [true, false] {
                let (mut port1, mut port2) = growable::<Vec<u8>>(1 << 20);
                for number in 0..posted {
                    let length = if number % 5 == 4 { 3000 } else { 1100 };
                    port1.try_post_message(&vec![1; length]).unwrap();
                }
                for _ in 0..received {
                    std::mem::forget(port2.try_recv().unwrap());
                }
                if receiver_first {
                    drop(port2);
                    drop(port1);
                } else {
                    drop(port1);
                    drop(port2);
                }
            }
        }
    }
    assert_eq!((counts() - start).bytes, 0);
}
