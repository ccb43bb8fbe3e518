//! The models of `message-port`: what they are written with.
//!
//! A model is a scenario, a closure that makes a channel, spawns one or two threads and asserts
//! one claim. Three engines run it:
//!
//! - `cargo loom` compiles the library against loom, which runs the scenario once for every way
//!   in which its threads can interleave and its loads can see older values, up to a bound on the
//!   preemptions;
//! - `cargo shuttle` compiles it against shuttle, which runs it in random schedules. It shows no
//!   older values, and takes every ordering for the strongest one;
//! - `cargo test` runs it on real threads, a few hundred times.
//!
//! # Barriers
//!
//! Under loom a model runs with full fences as the light barriers (`Barriers::Full`), without any
//! (`Barriers::Heavy`), or both. Loom takes `fence(SeqCst)` for stronger than it is, and every
//! post and every receive executes one, so that a model with fences does not notice a missing
//! `Release` or `Acquire`. Claims about what is *visible* are therefore checked without them;
//! claims about *wakes* and about the close report need them. Where a wait cell asks for fences,
//! those alone must do for a wake (`Barriers::Asked`).
//!
//! # Reach
//!
//! A model that never gets to the interesting case proves nothing. [`Model::reaches`] names the
//! cases that must come up in some interleaving; the scenario marks them with [`Run::reached`].

#[cfg(all(message_port_loom, not(message_port_shuttle)))]
mod exhaustive;
pub mod layouts;
#[cfg(not(message_port_loom))]
mod real;
#[cfg(message_port_shuttle)]
mod sampled;
pub mod steps;
pub mod tasks;

#[cfg(all(message_port_loom, not(message_port_shuttle)))]
pub(crate) use loom as engine;
#[cfg(message_port_shuttle)]
pub(crate) use shuttle as engine;
#[cfg(not(message_port_loom))]
pub(crate) use std as engine;

pub use engine::thread;
#[cfg(message_port_shuttle)]
pub use sampled::explore;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(not(message_port_loom))]
const _: () = assert!(
    option_env!("MESSAGE_PORT_ENGINE").is_none(),
    "RUSTFLAGS in the environment replaces the flags of `cargo loom` or `cargo shuttle`: unset it"
);

/// Bytes per direction of the smallest ring that both engines accept: seven slots can be in use,
/// and an archive of more than 56 bytes is spilled.
pub const SMALLEST: usize = 128;

/// Whether the engine tries every interleaving, so that small scenarios suffice.
pub const EXHAUSTIVE: bool = cfg!(all(message_port_loom, not(message_port_shuttle)));

/// What the light barriers are, under loom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barriers {
    /// Full fences: the only choice where threads sleep.
    Full,
    /// Nothing; only the heavy side is a fence. Sleeping threads wake up of their own accord.
    Heavy,
    /// Nothing, and sleeping threads do not wake up of their own accord: for cells that ask for fences.
    Asked,
    /// One after the other.
    Both,
}

/// A scenario and how to run it.
#[derive(Clone, Copy, Debug)]
#[must_use = "a model does nothing before `check`"]
#[cfg_attr(
    any(not(message_port_loom), message_port_shuttle),
    allow(dead_code, reason = "other engines than loom have fewer choices")
)]
pub struct Model {
    barriers: Barriers,
    preemptions: usize,
    reaches: &'static [&'static str],
}

impl Model {
    /// A model with these light barriers and at most two preemptions.
    pub fn with(barriers: Barriers) -> Self {
        Self { barriers, preemptions: 2, reaches: &[] }
    }

    /// Sets how many preemptions loom tries at most. `LOOM_MAX_PREEMPTIONS` raises it, and
    /// `MESSAGE_PORT_LOOM_SLOW` adds one.
    pub fn preemptions(mut self, preemptions: usize) -> Self {
        self.preemptions = preemptions;
        self
    }

    /// Sets the cases that loom must come across.
    pub fn reaches(mut self, cases: &'static [&'static str]) -> Self {
        self.reaches = cases;
        self
    }

    /// Runs the scenario in every way that the engine knows.
    ///
    /// # Panics
    ///
    /// Panics if a run fails, or if a case that must come up did not.
    pub fn check(self, scenario: impl Fn(&Run) + Send + Sync + 'static) {
        #[cfg(all(message_port_loom, not(message_port_shuttle)))]
        exhaustive::check(self, scenario);
        #[cfg(message_port_shuttle)]
        sampled::check(self, scenario);
        #[cfg(not(message_port_loom))]
        real::check(self, &scenario);
    }
}

/// One run of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Run {
    reached: Arc<Mutex<BTreeSet<&'static str>>>,
}

impl Run {
    /// Notes that this case came up.
    pub fn reached(&self, case: &'static str) {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).insert(case);
    }

    #[cfg(message_port_loom)]
    fn missed(&self, cases: &[&'static str]) -> Vec<&'static str> {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        cases.iter().copied().filter(|case| !reached.contains(case)).collect()
    }
}

/// A list that handlers append to. It is not scheduled: no interleaving comes from it.
#[derive(Debug)]
pub struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T> Log<T> {
    /// An empty list.
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// Appends.
    pub fn push(&self, entry: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// Everything appended so far.
    pub fn entries(&self) -> Vec<T>
    where
        T: Clone,
    {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Whether the larger models run too: `MESSAGE_PORT_LOOM_SLOW` is set.
pub fn slow() -> bool {
    std::env::var_os("MESSAGE_PORT_LOOM_SLOW").is_some()
}

/// The number that a variable of the environment says, or another one if it is not set.
///
/// # Panics
///
/// Panics if the variable is no number.
pub fn number<N: std::str::FromStr>(variable: &str, otherwise: N) -> N {
    let Ok(text) = std::env::var(variable) else { return otherwise };
    text.parse().unwrap_or_else(|_| panic!("{variable} is no number"))
}

/// Unwinds out of a handler like a panic, but says nothing about it on every interleaving.
pub fn quiet_panic(reason: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(reason))
}
