//! The limit of a stream of bytes: a plain copy, by one thread.

use std::hint::black_box;
use std::thread;

use super::{Expected, Sample};
use crate::machine::{self, Clock, Cpus, Role};
use crate::payload::{Bytes, Payload};

/// Whether a copy is one.
pub(crate) fn check<const SIZE: usize>(_: Cpus) -> Result<(), String> {
    let mut message = Bytes::<SIZE>::sample();
    let mut copy = message.clone();
    let mut expected = Expected::<Bytes<SIZE>>::new();
    for number in 0..4 {
        message.stamp(number);
        copy.as_mut_slice().copy_from_slice(message.as_slice());
        expected.arrived(copy.digest());
    }
    expected.outcome()
}

/// Time to copy the bytes of a message into the next of as many places as a queue has.
pub(crate) fn run<const SIZE: usize>(messages: u64, cpus: Cpus) -> Sample {
    let depth = <Bytes<SIZE> as Payload>::DEPTH as u64;
    let mut places = vec![Bytes::<SIZE>::sample(); Bytes::<SIZE>::DEPTH];
    let measured = || {
        let pinned = machine::pin(cpus, Role::Near);
        let mut message = Bytes::<SIZE>::sample();
        let mut copy = |rounds: u64| {
            let mut number = 0;
            for _ in 0..rounds {
                for place in &mut places {
                    message.stamp(number);
                    number += 1;
                    place.as_mut_slice().copy_from_slice(message.as_slice());
                    black_box(black_box(&*place).touch());
                }
            }
        };
        copy(1);
        let rounds = messages.div_ceil(depth);
        let clock = Clock::start();
        copy(rounds);
        Sample::timed(rounds * depth, clock.stop(), pinned)
    };
    thread::scope(|scope| scope.spawn(measured).join().expect("the copying thread finishes"))
}
