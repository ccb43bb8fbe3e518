//! Random programs over several channels and threads, far larger than a model that loom can explore.
//!
//! A program is made of bytes, as the fuzzer makes its own, but each port runs on a thread of its own,
//! or on two when it is split, or with others in one event loop. What each port does is random; what
//! all of it must come to is not: each direction is in order, with nothing lost or doubled, the close
//! reports are exact, and everybody comes to an end.
//!
//! | file | subject |
//! |---|---|
//! | `cases` | which programs there are |
//! | `ports` | what a thread does with a port, or with a half |
//! | `calls` | the calls that post and receive |
//! | `handlers` | the handlers of a port, and an event loop with several ports |
//! | `ledger` | what was posted and received in one direction, and what may not be |
//!
//! Run by shuttle, each program is run in several schedules; on real threads once. A failure names the
//! number of its program: `MESSAGE_PORT_PROGRAM` runs that one alone. `MESSAGE_PORT_PROGRAMS` says how
//! many there are, `MESSAGE_PORT_SHUTTLE_SCHEDULES` in how many schedules each is run.

#![cfg(not(all(message_port_loom, not(message_port_shuttle))))]

#[path = "../../../tests/model/content.rs"]
mod content;
#[path = "../../../tests/model/decode.rs"]
#[allow(dead_code, reason = "programs on one thread are shorter")]
mod decode;
#[path = "../../../tests/model/program.rs"]
#[allow(dead_code, reason = "some of it is for programs on one thread")]
mod program;
#[path = "../../../tests/common/random.rs"]
mod random;
#[path = "../../../tests/model/values.rs"]
#[allow(dead_code, reason = "some of it is for programs on one thread")]
mod values;

mod calls;
mod cases;
mod handlers;
mod ledger;
mod ports;

use std::sync::{Arc, Mutex, PoisonError};

use cases::{Case, Form};
use ledger::Sums;
use loom_tests::number;

/// Programs of each form.
const PROGRAMS: u64 = if cfg!(message_port_shuttle) { 300 } else { 25 };

/// Schedules of each program.
#[cfg(message_port_shuttle)]
const SCHEDULES: usize = 8;

fn check(form: Form) {
    let first = number("MESSAGE_PORT_PROGRAM", 0);
    let programs = if first == 0 { number("MESSAGE_PORT_PROGRAMS", PROGRAMS) } else { 1 };
    // Program 0 would be the one that the variable does not name.
    let first = first.max(1);
    let (mut runs, mut operations, mut most) = (0, 0, 0);
    let sums = Arc::default();
    for number in first..first + programs {
        let case = Arc::new(Case::new(form, number));
        operations += case.operations();
        most = most.max(case.operations());
        runs += run(&case, &sums);
    }
    let sums: Sums = *sums.lock().unwrap();
    println!(
        "{form:?}: {programs} programs in {runs} runs; {} operations on average, {most} at most; {sums:?}",
        operations as u64 / programs
    );
    let all_came_up = sums.delivered > 0 && sums.refused > 0 && sums.reported > 0;
    assert!(all_came_up || programs < PROGRAMS, "no program came to: {sums:?}");
}

/// Runs a program in all of its schedules, and returns in how many.
fn run(case: &Arc<Case>, sums: &Arc<Mutex<Sums>>) -> usize {
    /// Names the program that failed.
    struct Failing<'a>(&'a Case);
    impl Drop for Failing<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("{}MESSAGE_PORT_PROGRAM={} of {:?}", self.0, self.0.number, self.0.form);
            }
        }
    }
    let _failing = Failing(case);
    let scenario = {
        let (case, sums) = (Arc::clone(case), Arc::clone(sums));
        move || {
            let more = case.run();
            sums.lock().unwrap_or_else(PoisonError::into_inner).add(more);
        }
    };
    #[cfg(message_port_shuttle)]
    return loom_tests::explore(
        &Arc::new(scenario),
        case.number,
        number("MESSAGE_PORT_SHUTTLE_SCHEDULES", SCHEDULES),
    );
    #[cfg(not(message_port_shuttle))]
    {
        scenario();
        1
    }
}

#[test]
fn two_threads_with_a_channel() {
    check(Form::Pair);
}

#[test]
fn two_threads_with_a_long_conversation() {
    check(Form::Long);
}

#[test]
fn several_channels_and_an_event_loop() {
    check(Form::Hub);
}
