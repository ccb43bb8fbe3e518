//! Random programs over both ports of a channel, executed on one thread and compared, operation by
//! operation, with a model of what a user must observe.
//!
//! | file | subject |
//! |---|---|
//! | `program` | what a program can say |
//! | `decode` | how bytes become a program |
//! | `values` | the messages: their contents, their sizes, how their serialisation misbehaves |
//! | `content` | what tells one message from another |
//! | `journal` | what can be observed |
//! | `system` | executes a program on real ports and writes the journal |
//! | `posting`, `receiving` | the calls that post and receive on real ports |
//! | `handlers` | the handlers of the real ports |
//! | `room` | the model of one ring: when a message must fit, and when it cannot |
//! | `growth` | the same for a ring that may grow |
//! | `oracle` | the model of the channel: reads the journal and objects |
//! | `admission` | the model's part that posts |
//! | `receipt` | the model's part that receives |
//! | `turns` | the model's part that dispatches |
//! | `wakes` | the model's part that sleeps |
//! | `random` | random bytes; for the tests only, the fuzzer has better ones |
//!
//! `program`, `decode`, `values` and `content` also make the programs that `loom-tests` runs on many
//! threads.
//!
//! The seeded test, the replay of the corpora and the fuzz target all call [`check`].

mod admission;
mod content;
mod decode;
mod growth;
mod handlers;
mod journal;
mod oracle;
mod posting;
mod program;
mod receipt;
mod receiving;
mod room;
mod system;
mod turns;
mod values;
mod wakes;

pub(crate) use program::Program;
use values::Kind;

/// Runs `program` on a channel and on the model.
pub(crate) fn check(program: &Program) -> Result<(), String> {
    match program.kinds {
        [Kind::Flexible, Kind::Flexible] => {
            system::run::<values::Flexible, values::Flexible>(program)
        }
        [Kind::Plain(1), Kind::Flexible] => system::run::<[u64; 1], values::Flexible>(program),
        [Kind::Plain(20), Kind::Order] => system::run::<[u64; 20], values::Order>(program),
        [Kind::Order, Kind::Plain(0)] => system::run::<values::Order, [u64; 0]>(program),
        [Kind::Plain(1), Kind::Plain(3)] => system::run::<[u64; 1], [u64; 3]>(program),
        [Kind::Plain(20), Kind::Plain(1)] => system::run::<[u64; 20], [u64; 1]>(program),
        [Kind::Plain(64), Kind::Plain(0)] => system::run::<[u64; 64], [u64; 0]>(program),
        [Kind::Plain(65), Kind::Plain(3)] => system::run::<[u64; 65], [u64; 3]>(program),
        kinds => unreachable!("the decoder makes no channel of {kinds:?}"),
    }
}
