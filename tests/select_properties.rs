//! Random programs with a select, against what they must come to: what is ready is known exactly, and
//! nobody is passed over.

#[path = "common/random.rs"]
#[allow(dead_code)]
mod random;

use std::collections::VecDeque;
use std::time::Duration;

use message_port::{MessageChannel, MessagePort, Select, SelectKey, TryRecvError};

use random::Random;

type Port = MessagePort<u64>;

const PORTS: usize = 6;

/// What is known of one port.
#[derive(Default)]
struct Known {
    key: Option<SelectKey<Port>>,
    messages: VecDeque<u64>,
    is_closed_here: bool,
    is_over: bool,
    /// Ready ports that were returned since this one could have been.
    passed_over: usize,
}

impl Known {
    fn is_ready(&self) -> bool {
        self.key.is_some() && (!self.messages.is_empty() || self.is_over)
    }
}

/// Asks in a random way. None of them may wait if something is ready.
fn ask(select: &mut Select<'_>, random: &mut Random, is_any: bool) -> Option<message_port::Ready> {
    match random.below(4) {
        0 => select.try_ready(),
        1 => select.ready_timeout(Duration::ZERO),
        2 if is_any => Some(select.ready()),
        // Those that have nothing fall asleep.
        _ => select.ready_timeout(Duration::from_nanos(1)),
    }
}

fn run(seed: u64) {
    let mut random = Random::new(seed);
    let mut known: [Known; PORTS] = Default::default();
    let channels = [(); PORTS].map(|()| MessageChannel::<u64>::with_capacity(4096));
    let (mut peers, mut ports): (Vec<_>, Vec<_>) =
        channels.into_iter().map(|channel| (Some(channel.port1), channel.port2)).unzip();
    let mut outside: Vec<_> = ports.iter_mut().map(Some).collect();
    let mut select = Select::new();
    for number in 0..if cfg!(miri) { 60 } else { 300 } {
        let index = random.below(PORTS);
        let port = &mut known[index];
        match random.below(12) {
            0..4 => {
                // At most as many as have room.
                if let Some(peer) = &mut peers[index]
                    && port.messages.len() < 20
                    && peer.post_message(&number).is_ok()
                {
                    port.messages.push_back(number);
                }
            }
            4 if random.below(10) == 0 => {
                if let Some(peer) = &mut peers[index] {
                    peer.close();
                    port.is_over = true;
                }
            }
            5 if random.below(10) == 0 => {
                drop(peers[index].take());
                port.is_over = true;
            }
            6 if random.below(20) == 0 => {
                let Some(key) = port.key else { continue };
                select[key].close();
                (port.is_closed_here, port.is_over) = (true, true);
                port.messages.clear();
            }
            7 => {
                if let Some(unselected) = outside[index].take() {
                    port.key = Some(select.recv(unselected));
                } else if let Some(key) = port.key.take() {
                    outside[index] = select.remove(key);
                }
                port.passed_over = 0;
            }
            8 => {
                // A message that was taken without being asked for.
                let Some(key) = port.key else { continue };
                let received = select[key].try_recv().map(|number| number.to_native()).ok();
                assert_eq!(received, port.messages.pop_front(), "seed {seed}");
            }
            _ => {
                let is_any = known.iter().any(Known::is_ready);
                let Some(ready) = ask(&mut select, &mut random, is_any) else {
                    assert!(!is_any, "something is not found: seed {seed}");
                    continue;
                };
                let found = known.iter().position(|port| port.key.is_some_and(|key| ready == key));
                let found = found.expect("a port that is not there");
                assert!(known[found].is_ready(), "something is found: seed {seed}");
                for port in &mut known {
                    port.passed_over = if port.is_ready() { port.passed_over + 1 } else { 0 };
                    assert!(port.passed_over <= PORTS, "passed over: seed {seed}");
                }
                let port = &mut known[found];
                port.passed_over = 0;
                if random.below(3) == 0 {
                    continue; // It stays ready.
                }
                let key = port.key.unwrap();
                let received = select[key].try_recv().map(|number| number.to_native());
                match (received, port.messages.pop_front()) {
                    (Ok(number), Some(expected)) => assert_eq!(number, expected),
                    (Err(TryRecvError::Closed | TryRecvError::Disconnected), None) => {}
                    other => panic!("{other:?}: seed {seed}"),
                }
            }
        }
    }
}

#[test]
fn what_is_ready_is_found_and_nothing_else() {
    for seed in 0..if cfg!(miri) { 3 } else { 2000 } {
        run(seed);
    }
}
