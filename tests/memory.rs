//! How much memory a channel takes, at most and at rest.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/meter.rs"]
mod meter;
#[path = "common/random.rs"]
mod random;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::thread;

use message_port::MessageChannel;

use asleep::spawn_asleep;
use meter::{counts, measure};
use random::Random;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

/// What a channel takes beside its rings: the words that both ends share, the scratch memory of
/// two serialisers, the lists of idle buffers.
const OVERHEAD: i64 = 8 * 1024;

/// Buffers that one direction may have.
const BUFFERS: usize = 8;

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap()
}

#[test]
fn m1_an_idle_channel_is_its_two_rings_and_little_more() {
    for capacity in [64, 4096, 1 << 20] {
        let (channel, taken) = measure(|| MessageChannel::<Vec<u8>>::with_capacity(capacity));
        assert_eq!(channel.port1.capacity(), capacity);
        let rings = 2 * signed(capacity);
        assert!((rings..rings + OVERHEAD).contains(&taken.bytes), "{taken:?}");
    }
}

#[test]
fn m1_messages_in_the_ring_take_nothing_else() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(4096);
    let (posted, taken) = measure(|| {
        let mut posted = 0;
        while port1.try_post_message(&posted).is_ok() {
            posted += 1;
        }
        posted
    });
    // Seven to a line.
    assert_eq!(posted, 4096 / 64 * 7);
    assert_eq!(taken.allocations, 0);
    for n in 0..posted {
        assert_eq!(*port2.try_recv()?, n);
    }
    Ok(())
}

#[test]
fn m1_texts_in_the_ring_take_nothing_else() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::with_capacity(4096);
    // The archive of a short text has eight bytes, with its header it takes a slot.
    let short = "short".to_owned();
    port1.try_post_message(&short)?;
    port2.try_recv()?;
    let (posted, taken) = measure(|| {
        let mut posted = 0;
        while port1.try_post_message(&short).is_ok() {
            posted += 1;
        }
        posted
    });
    assert_eq!(posted, 4096 / 16 - 1);
    assert_eq!(taken.allocations, 0);
    for _ in 0..posted {
        assert_eq!(*port2.try_recv()?, *short);
    }
    Ok(())
}

/// A ring of blocks has one more than its capacity asks for, and at least two.
#[test]
fn m1_an_idle_channel_of_numbers_has_a_block_more() {
    for capacity in [64, 4096, 1 << 20] {
        let (_channel, taken) = measure(|| MessageChannel::<u64>::with_capacity(capacity));
        let rings = 2 * signed(capacity + 64);
        assert!((rings..rings + OVERHEAD).contains(&taken.bytes), "{taken:?}");
        let (_channel, taken) = measure(|| MessageChannel::<[u64; 64]>::with_capacity(capacity));
        let rings = 2 * 520 * signed((capacity / 520).max(1) + 1);
        assert!((rings..rings + OVERHEAD).contains(&taken.bytes), "{taken:?}");
    }
}

/// Whatever is posted, and whoever holds what, the buffers of one direction stay within their
/// budget.
#[test]
fn m1_large_messages_stay_within_the_budget() -> Outcome {
    let settings = [(64, 1000), (1024, 5000), (1024, 100_000), (16_384, 9000), (65_536, 33_000)];
    for (capacity, max) in settings {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Vec<u8>>::builder().capacity(capacity).max_message_len(max).build()?;
        let budget = signed(capacity.max(2 * max));
        let mut random = Random::new(7);
        let start = counts();
        let mut was_full = 0;
        for _ in 0..600 {
            let message = vec![1; random.below(max - 12)];
            let full = port1.try_post_message(&message).is_err();
            was_full += i32::from(full);
            drop(message);
            let taken = counts() - start;
            assert!(taken.bytes <= budget + OVERHEAD, "{taken:?}, the budget is {budget}");
            assert!(taken.blocks <= signed(BUFFERS + 2), "{taken:?}");
            if full || random.below(4) == 0 {
                // A forgotten guard keeps its buffer no longer than the next one.
                std::mem::forget(port2.try_recv());
            }
        }
        assert!(was_full > 0, "the bound was never reached");
    }
    Ok(())
}

#[test]
fn m1_no_more_than_eight_large_messages_are_on_their_way() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::with_capacity(4096);
    let message = vec![1; 3000];
    for _ in 0..3 {
        for _ in 0..BUFFERS {
            port1.try_post_message(&message)?;
        }
        assert!(port1.try_post_message(&message).unwrap_err().is_full());
        port1.try_post_message(&vec![2; 10])?;
        for _ in 0..BUFFERS {
            assert_eq!(**port2.try_recv()?, *message);
        }
        assert_eq!(**port2.try_recv()?, [2; 10]);
    }
    Ok(())
}

/// A sender that is faster than its receiver waits; it does not pile up.
#[test]
fn m1_a_post_without_room_waits() -> Outcome {
    let _watchdog = Watchdog::start();
    for length in [100, 3000] {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Vec<u8>>::with_capacity(1024);
        let sender = spawn_asleep(move || {
            let message = vec![1; length];
            let start = counts();
            for _ in 0..500 {
                port1.post_message(&message).unwrap();
            }
            counts() - start
        });
        assert!(!sender.is_finished());
        assert!(port2.len() < 12);
        for _ in 0..500 {
            assert_eq!(port2.recv()?.len(), length);
        }
        let taken = sender.join().unwrap();
        assert!(taken.bytes <= signed(BUFFERS) * 4096 + OVERHEAD, "{taken:?}");
    }
    Ok(())
}

/// A message that fits nothing that is idle replaces it.
#[test]
fn m1_a_burst_of_small_buffers_makes_way_for_a_large_one() -> Outcome {
    let max = 16_000;
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<Vec<u8>>::builder().capacity(1024).max_message_len(max).build()?;
    for _ in 0..10 {
        for length in [600, 2000, 600, 8000, 600, max - 8] {
            while port1.try_post_message(&vec![1; length]).is_ok() {}
            let waiting = port2.len();
            assert!(waiting > 0);
            for _ in 0..waiting {
                assert_eq!(port2.try_recv()?.len(), length);
            }
        }
    }
    Ok(())
}

/// The two directions have budgets of their own.
#[test]
fn m1_a_full_direction_leaves_the_other_one_alone() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::with_capacity(1024);
    while port1.try_post_message(&vec![1; 3000]).is_ok() {}
    while port1.try_post_message(&vec![1; 100]).is_ok() {}
    let other = thread::spawn(move || {
        for _ in 0..100 {
            assert_eq!(port1.recv().unwrap().len(), 3000);
        }
    });
    for _ in 0..100 {
        port2.post_message(&vec![2; 3000])?;
    }
    other.join().unwrap();
    Ok(())
}

#[test]
fn m1_one_of_the_longest_is_written_while_another_is_read() {
    let max = 3000;
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<Vec<u8>>::builder().capacity(1024).max_message_len(max).build().unwrap();
    port1.try_post_message(&vec![1; max - 8]).unwrap();
    let guard = port2.try_recv().unwrap();
    port1.try_post_message(&vec![2; max - 8]).unwrap();
    drop(guard);
}

/// What a rare long message took is let go of, whether the others are in place or spilled too.
#[test]
fn m2_a_rare_long_message_leaves_nothing_for_good() -> Outcome {
    for (growable, long) in [(None, 8 << 20), (Some(1 << 20), 60_000)] {
        for others in [8, 3000] {
            let builder = MessageChannel::<Vec<u8>>::builder().capacity(4096);
            let builder = match growable {
                Some(bytes) => builder.growable(bytes),
                None => builder,
            };
            let MessageChannel { mut port1, mut port2 } = builder.build()?;
            let start = counts();
            let (long, other) = (vec![1; long], vec![1; others]);
            for _ in 0..2 {
                port1.try_post_message(&long)?;
            }
            for _ in 0..2 {
                port2.try_recv()?;
            }
            drop(long);
            assert!((counts() - start).bytes > 60_000, "nothing was kept");
            for _ in 0..4000 {
                port1.try_post_message(&other)?;
                port2.try_recv()?;
            }
            let kept = counts() - start;
            assert!(kept.bytes < 2 * 4096 + 3000 + OVERHEAD, "{kept:?}");
        }
    }
    Ok(())
}

/// Long messages that come again and again are not what is let go of.
#[test]
fn m2_long_messages_that_come_often_allocate_nothing() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::with_capacity(4096);
    let (long, short) = (vec![1; 100_000], vec![1; 8]);
    let mut round = || -> Outcome {
        port1.try_post_message(&long)?;
        port1.try_post_message(&long)?;
        for _ in 0..500 {
            port1.try_post_message(&short)?;
            port2.try_recv()?;
        }
        port2.try_recv()?;
        port2.try_recv()?;
        Ok(())
    };
    round()?;
    let (outcome, taken) = measure(|| (0..20).try_for_each(|_| round()));
    outcome?;
    assert_eq!(taken.allocations, 0);
    Ok(())
}
