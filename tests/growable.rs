//! Directions that grow: order, the limit, and waiting at it.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use message_port::{Message, MessageChannel, PostError};
use rkyv::Archived;

use asleep::spawn_asleep;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

const CAPACITY: usize = 256;
/// Numbers that fit one segment: seven to a line.
const PER_SEGMENT: u64 = 256 / 64 * 7;
/// Short texts that fit one segment: a slot each, and one stays free.
const TEXTS_PER_SEGMENT: u64 = 256 / 16 - 1;

/// Counts how often a task was woken.
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn growable<T: Message>(capacity: usize, max_bytes: usize) -> MessageChannel<T> {
    MessageChannel::builder().capacity(capacity).growable(max_bytes).build().unwrap()
}

/// A message by its number, which one segment has room for so many of.
trait Numbered: Message {
    const PER_SEGMENT: u64;
    fn number(number: u64) -> Self;
    fn is(archived: &Archived<Self>, number: u64) -> bool;
}

impl Numbered for u64 {
    const PER_SEGMENT: u64 = PER_SEGMENT;
    fn number(number: u64) -> Self {
        number
    }
    fn is(archived: &Archived<Self>, number: u64) -> bool {
        *archived == number
    }
}

impl Numbered for String {
    const PER_SEGMENT: u64 = TEXTS_PER_SEGMENT;
    fn number(number: u64) -> Self {
        number.to_string()
    }
    fn is(archived: &Archived<Self>, number: u64) -> bool {
        *archived == *number.to_string()
    }
}

/// One to a block of 208 bytes, so to a segment.
impl Numbered for [u64; 25] {
    const PER_SEGMENT: u64 = 1;
    fn number(number: u64) -> Self {
        [number; 25]
    }
    fn is(archived: &Archived<Self>, number: u64) -> bool {
        *archived == [number; 25]
    }
}

#[test]
fn m1_a_post_finds_room_up_to_the_limit_and_not_beyond() -> Outcome {
    fn check<T: Numbered>() -> Outcome {
        for segments in [2, 3, 10, if cfg!(miri) { 12 } else { 1000 }] {
            let limit = CAPACITY * segments;
            for max_bytes in [limit, limit + 1, limit + CAPACITY - 1] {
                let MessageChannel { mut port1, mut port2 } = growable::<T>(CAPACITY, max_bytes);
                let room = T::PER_SEGMENT * segments as u64;
                for number in 0..room {
                    port1.try_post_message(&T::number(number))?;
                }
                assert!(port1.try_post_message(&T::number(0)).unwrap_err().is_full());
                assert_eq!(port1.capacity(), CAPACITY);
                assert_eq!(port2.len() as u64, room);
                for number in 0..room {
                    assert!(T::is(&*port2.try_recv()?, number));
                }
                assert!(port2.try_recv().is_err_and(|error| error.is_empty()));
            }
        }
        Ok(())
    }
    check::<u64>()?;
    check::<String>()?;
    check::<[u64; 25]>()
}

#[test]
fn m1_without_room_for_a_second_segment_nothing_grows() -> Outcome {
    fn check<T: Numbered>() -> Outcome {
        for max_bytes in [0, 1, CAPACITY - 1, CAPACITY, CAPACITY + 1, 2 * CAPACITY - 1] {
            let MessageChannel { mut port1, mut port2 } = growable::<T>(CAPACITY, max_bytes);
            for lap in 0..3 {
                for number in 0..T::PER_SEGMENT {
                    port1.try_post_message(&T::number(lap + number))?;
                }
                assert!(port1.try_post_message(&T::number(0)).unwrap_err().is_full());
                for number in 0..T::PER_SEGMENT {
                    assert!(T::is(&*port2.try_recv()?, lap + number));
                }
            }
        }
        Ok(())
    }
    check::<u64>()?;
    check::<String>()?;
    check::<[u64; 25]>()
}

/// A block that is larger than the capacity counts as what it is.
#[test]
fn m1_segments_of_messages_larger_than_the_capacity_keep_to_the_limit() -> Outcome {
    for (max_bytes, room) in [(0, 1), (1039, 1), (1040, 2), (5200, 10)] {
        let MessageChannel { mut port1, port2 } = growable::<[u64; 64]>(64, max_bytes);
        for _ in 0..room {
            port1.try_post_message(&[7; 64])?;
        }
        assert!(port1.try_post_message(&[7; 64]).unwrap_err().is_full());
        assert_eq!(port2.len(), room);
    }
    Ok(())
}

/// A task at the limit is woken when the receiver leaves a segment, not when it has emptied it and
/// not as late as with the next message that it gives back.
#[test]
fn m1_a_task_at_the_limit_is_woken_by_the_look_that_leaves_a_segment() -> Outcome {
    fn check<T: Numbered>() -> Outcome {
        let MessageChannel { mut port1, mut port2 } = growable::<T>(CAPACITY, 3 * CAPACITY);
        let mut posted = 0;
        while port1.try_post_message(&T::number(posted)).is_ok() {
            posted += 1;
        }
        assert_eq!(posted, 3 * T::PER_SEGMENT);
        let woken = Arc::new(Woken(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut read = 0;
        for lap in 1..5 {
            let message = T::number(posted);
            let polled = port1.poll_post_message(&mut Context::from_waker(&waker), &message);
            assert!(polled.is_pending());
            while read < lap * T::PER_SEGMENT {
                assert_eq!(woken.0.load(Ordering::Relaxed) as u64, lap - 1, "nothing is free yet");
                assert!(T::is(&*port2.try_recv()?, read));
                read += 1;
            }
            let in_hand = port2.try_recv()?;
            assert_eq!(woken.0.load(Ordering::Relaxed) as u64, lap, "a segment is free");
            assert!(T::is(&*in_hand, read));
            for _ in 0..T::PER_SEGMENT {
                port1.try_post_message(&T::number(posted))?;
                posted += 1;
            }
            drop(in_hand);
            read += 1;
        }
        Ok(())
    }
    check::<String>()?;
    check::<u64>()?;
    Ok(())
}

#[test]
fn m1_a_huge_limit_is_no_limit() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = growable::<u64>(64, usize::MAX);
    let messages = if cfg!(miri) { 100 } else { 100_000 };
    for number in 0..messages {
        port1.try_post_message(&number)?;
    }
    for number in 0..messages {
        assert_eq!(*port2.try_recv()?, number);
    }
    Ok(())
}

/// The first switch that is passed makes room for a whole segment, and not before.
#[test]
fn m1_at_the_limit_room_comes_by_the_segment() -> Outcome {
    const LAPS: u64 = if cfg!(miri) { 4 } else { 20 };
    fn check<T: Numbered>() -> Outcome {
        let MessageChannel { mut port1, mut port2 } = growable::<T>(CAPACITY, 3 * CAPACITY);
        let mut posted = 0;
        let mut read = 0;
        for _ in 0..LAPS {
            while port1.try_post_message(&T::number(posted)).is_ok() {
                posted += 1;
            }
            assert_eq!(posted - read, 3 * T::PER_SEGMENT - u64::from(read > 0));
            for _ in 0..T::PER_SEGMENT {
                assert!(port1.try_post_message(&T::number(posted)).unwrap_err().is_full());
                assert!(T::is(&*port2.try_recv()?, read));
                read += 1;
            }
            if read == T::PER_SEGMENT {
                // All of the first segment was read, but only the next look leaves it.
                assert!(T::is(&*port2.try_recv()?, read));
                read += 1;
            }
        }
        assert!(posted > LAPS * T::PER_SEGMENT);
        Ok(())
    }
    check::<u64>()?;
    check::<String>()
}

#[test]
fn m1_a_post_at_the_limit_waits_and_goes_on() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = growable::<u64>(CAPACITY, 3 * CAPACITY);
    let messages = if cfg!(miri) { 5 } else { 40 } * PER_SEGMENT;
    let sender = spawn_asleep(move || {
        for number in 0..messages {
            port1.post_message(&number).unwrap();
        }
    });
    assert!(!sender.is_finished());
    assert_eq!(port2.len() as u64, 3 * PER_SEGMENT);
    for number in 0..messages {
        assert_eq!(*port2.recv()?, number);
    }
    sender.join().unwrap();
    Ok(())
}

#[test]
fn m1_a_long_post_at_the_limit_waits_and_goes_on() -> Outcome {
    let _watchdog = Watchdog::start();
    let messages = if cfg!(miri) { 30 } else { 300 };
    // The longest that there is room for beside one segment, among short ones.
    let MessageChannel { mut port1, mut port2 } = growable::<Vec<u8>>(CAPACITY, 5 * CAPACITY);
    let length =
        |number: usize| if number.is_multiple_of(3) { 4 * CAPACITY - 8 } else { number % 200 };
    let sender = spawn_asleep(move || {
        for number in 0..messages {
            port1.post_message(&vec![7; length(number)]).unwrap();
        }
    });
    for number in 0..messages {
        assert_eq!(port2.recv()?.len(), length(number));
    }
    sender.join().unwrap();
    Ok(())
}

#[test]
fn m1_a_message_that_never_fits_is_refused_as_too_large() {
    for (max_bytes, longest) in [(0, 120), (256, 120), (300, 120), (512, 256), (10_000, 9744)] {
        let MessageChannel { mut port1, mut port2 } = growable::<Vec<u8>>(CAPACITY, max_bytes);
        for _ in 0..3 {
            let error = port1.post_message(&vec![0; longest - 4]).unwrap_err();
            let (needed, max) = (longest + 4, longest);
            assert!(
                matches!(error, PostError::TooLarge { needed: n, max: m } if (n, m) == (needed, max)),
                "{error}"
            );
            // With a spare segment as well as without.
            port1.try_post_message(&vec![0; longest - 8]).unwrap();
            assert_eq!(port2.try_recv().unwrap().len(), longest - 8);
            while port1.try_post_message(&vec![1; 40]).is_ok() {}
            while port2.try_recv().is_ok() {}
        }
    }
}

/// A task that waits at the limit is woken by a switch that is passed.
#[test]
fn m1_a_task_waits_at_the_limit() -> Outcome {
    const MESSAGES: u64 = if cfg!(miri) { 60 } else { 500 };
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = growable::<u64>(CAPACITY, 2 * CAPACITY);
    for number in 0..2 * PER_SEGMENT {
        assert!(
            port1.poll_post_message(&mut Context::from_waker(Waker::noop()), &number).is_ready()
        );
    }
    assert!(port1.poll_post_message(&mut Context::from_waker(Waker::noop()), &0).is_pending());
    let sender = spawn_asleep(move || {
        futures_lite::future::block_on(async {
            for number in 0..MESSAGES {
                port1.post_message_async(&(2 * PER_SEGMENT + number)).await.unwrap();
            }
        });
    });
    for number in 0..2 * PER_SEGMENT + MESSAGES {
        assert_eq!(*port2.recv()?, number);
    }
    sender.join().unwrap();
    Ok(())
}

#[test]
fn b1_a_batch_goes_over_switches() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = growable::<u64>(CAPACITY, 1 << 20);
    let numbers: Vec<u64> = (0..if cfg!(miri) { 150 } else { 2000 }).collect();
    for _ in 0..3 {
        port1.post_messages(&numbers)?;
        assert_eq!(port2.len(), numbers.len());
        let mut read = Vec::new();
        while read.len() < numbers.len() {
            let limit = 1 + read.len() % (numbers.len() / 3);
            port2.recv_batch(limit, |number| read.push(number.to_native()))?;
        }
        assert_eq!(read, numbers);
    }
    Ok(())
}

/// A batch with messages of every kind, at the limit: it is flushed before it waits.
#[test]
fn b1_a_batch_waits_at_the_limit() -> Outcome {
    const MESSAGES: usize = if cfg!(miri) { 80 } else { 400 };
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = growable::<Vec<u8>>(CAPACITY, 4 * CAPACITY);
    let messages: Vec<Vec<u8>> =
        (0..MESSAGES).map(|n| vec![7; if n % 7 == 0 { 400 } else { n % 110 }]).collect();
    let posted = messages.clone();
    let sender = spawn_asleep(move || assert_eq!(port1.post_messages(&posted).unwrap(), MESSAGES));
    let mut read = Vec::new();
    while read.len() < messages.len() {
        read.push(port2.recv()?.to_vec());
        match port2.recv_batch(30, |message| read.push(message.to_vec())) {
            Ok(_) => {}
            Err(error) => assert!(error.is_empty() || error.is_disconnected(), "{error}"),
        }
    }
    assert_eq!(read, messages);
    sender.join().unwrap();
    Ok(())
}

/// Both directions wait at their limits; the later one is told, makes room, and goes on.
#[test]
fn deadlock_at_the_limit_one_of_two_ports_is_refused() {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = growable::<u64>(CAPACITY, 2 * CAPACITY);
    for number in 0..2 * PER_SEGMENT {
        port1.try_post_message(&number).unwrap();
        port2.try_post_message(&number).unwrap();
    }
    let first = spawn_asleep(move || {
        port1.post_message(&(2 * PER_SEGMENT)).unwrap();
        port1
    });
    // Refused until the first switch is passed: room comes by the segment.
    for number in 0..=PER_SEGMENT {
        assert!(port2.post_message(&0).unwrap_err().is_would_deadlock(), "{number}");
        assert_eq!(*port2.recv().unwrap(), number);
    }
    let mut port1 = first.join().unwrap();
    for number in 0..2 * PER_SEGMENT {
        assert_eq!(*port1.recv().unwrap(), number);
    }
    port2.post_message(&(2 * PER_SEGMENT)).unwrap();
    for number in PER_SEGMENT + 1..=2 * PER_SEGMENT {
        assert_eq!(*port2.recv().unwrap(), number);
    }
}

/// Idle buffers make way for a segment, but not the one that the message is written to: the
/// message was lost.
#[test]
fn regression_a_long_message_keeps_its_buffer_when_a_segment_needs_the_room() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = growable::<Vec<u8>>(1024, 2048);
    // Leaves less than a frame for a long message.
    for _ in 0..31 {
        port1.try_post_message(&vec![1; 8])?;
    }
    let long = vec![2; 600];
    let posted = port1.try_post_message(&long).is_ok();
    for _ in 0..31 {
        assert_eq!(**port2.try_recv()?, [1; 8]);
    }
    assert_eq!(port2.len(), usize::from(posted));
    if !posted {
        assert!(port2.try_recv().unwrap_err().is_empty());
        port1.try_post_message(&long)?;
    }
    assert_eq!(**port2.try_recv()?, *long);
    Ok(())
}
