//! Directions that grow keep the order, whatever is posted and received.

#[path = "common/random.rs"]
mod random;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::collections::VecDeque;
use std::error::Error;

use message_port::{MessageChannel, TryPostError};

use random::Random;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

fn growable(capacity: usize, max_bytes: usize) -> MessageChannel<Vec<u8>> {
    MessageChannel::builder().capacity(capacity).growable(max_bytes).build().unwrap()
}

/// Bytes of the archive of a vector.
fn archive_length(length: usize) -> usize {
    length.next_multiple_of(4) + 8
}

/// Posts and receives of all kinds and sizes, against a queue.
#[test]
fn m3_random_programs_keep_the_order() -> Outcome {
    for seed in 0..if cfg!(miri) { 4 } else { 16 } {
        let mut random = Random::new(seed);
        let capacity = 64 << random.below(5);
        let max_bytes = capacity + random.below(40 * capacity);
        let mut channel = growable(capacity, max_bytes);
        let longest = (max_bytes - capacity).max(capacity / 2 - 8);
        let mut queues = [VecDeque::new(), VecDeque::new()];
        let mut number = 0u8;
        let mut forgotten = [false; 2];
        for _ in 0..if cfg!(miri) { 8 } else { 1000 } {
            if random.below(20) == 0 {
                std::mem::swap(&mut channel.port1, &mut channel.port2);
                queues.swap(0, 1);
                forgotten.swap(0, 1);
            }
            let MessageChannel { port1, port2 } = &mut channel;
            let queue = &mut queues[0];
            // Sometimes the queue becomes long, sometimes it is emptied.
            let posts = if random.below(200) < 120 { random.below(30) } else { 0 };
            for _ in 0..posts {
                let length = match random.below(10) {
                    0 => random.below(2 * capacity),
                    1 => random.below(longest),
                    _ => random.below(capacity / 2),
                };
                number = number.wrapping_add(1);
                let message = vec![number; length];
                match port1.try_post_message(&message) {
                    Ok(()) => queue.push_back(message),
                    Err(TryPostError::Full) => {
                        assert!(forgotten[0] || !queue.is_empty(), "full of nothing");
                    }
                    Err(TryPostError::TooLarge { needed, max }) => {
                        assert!(needed == archive_length(length) && needed > max);
                        assert_eq!(max, longest);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            assert_eq!(port2.len(), queue.len());
            assert_eq!(port2.is_empty(), queue.is_empty());
            let action = random.below(4);
            forgotten[0] = action == 1;
            match action {
                0 => {
                    let limit = 1 + random.below(50);
                    let had_some = !queue.is_empty();
                    let received = port2.recv_batch(limit, |message| {
                        assert_eq!(**message, *queue.pop_front().unwrap());
                    });
                    assert_eq!(received.unwrap_or(0) > 0, had_some);
                }
                1 => std::mem::forget(port2.try_recv().ok().map(|message| {
                    assert_eq!(**message, *queue.pop_front().unwrap());
                    message
                })),
                _ => {
                    for _ in 0..=random.below(40) {
                        match port2.try_recv() {
                            Ok(message) => assert_eq!(**message, *queue.pop_front().unwrap()),
                            Err(error) => assert!(error.is_empty() && queue.is_empty()),
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

/// Long streams through both directions, with the limit reached now and then.
#[test]
fn m3_both_directions_keep_the_order_between_threads() {
    const MESSAGES: usize = if cfg!(miri) { 40 } else { 5000 };
    let _watchdog = Watchdog::start();
    for seed in 0..if cfg!(miri) { 1 } else { 4 } {
        let MessageChannel { port1, port2 } = growable(256, 4096);
        let length =
            |number: usize| if number.is_multiple_of(19) { 1000 } else { number * 7 % 100 };
        let mut senders = Vec::new();
        let mut receivers = Vec::new();
        for port in [port1, port2] {
            let (mut sender, mut receiver) = port.into_split();
            senders.push(std::thread::spawn(move || {
                let mut random = Random::new(seed);
                for number in 0..MESSAGES {
                    let byte = u8::try_from(number % 251).unwrap();
                    sender.post_message(&vec![byte; length(number)]).unwrap();
                    for _ in 0..random.below(if cfg!(miri) { 3 } else { 100 }) {
                        std::hint::spin_loop();
                    }
                }
            }));
            receivers.push(std::thread::spawn(move || {
                let mut random = Random::new(seed + 1);
                for number in 0..MESSAGES {
                    let message = receiver.recv().unwrap();
                    assert_eq!(message.len(), length(number));
                    assert!(message.iter().all(|byte| usize::from(*byte) == number % 251));
                    drop(message);
                    for _ in 0..random.below(if cfg!(miri) { 3 } else { 100 }) {
                        std::hint::spin_loop();
                    }
                }
            }));
        }
        for thread in senders.into_iter().chain(receivers) {
            thread.join().unwrap();
        }
    }
}
