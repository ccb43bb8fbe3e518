//! How a host behaves.

use std::fmt;
use std::rc::Rc;

use crate::compatibility::Compatibility;
use crate::ports::DEFAULT_LIMIT;

/// Something that no script has caught.
///
/// # Examples
///
/// ```
/// use message_port_js::{Host, Options, UncaughtKind};
/// use std::{cell::RefCell, rc::Rc};
///
/// let seen = Rc::new(RefCell::new(Vec::new()));
/// let log = Rc::clone(&seen);
/// let options = Options::default().on_uncaught(move |uncaught| {
///     log.borrow_mut().push((uncaught.kind(), uncaught.message().to_owned()));
/// });
/// let host = Host::new(&options)?;
/// host.eval("queueMicrotask(() => { throw new TypeError('oh') }); Promise.reject('no')")?;
/// host.run()?;
/// assert_eq!(*seen.borrow(), [
///     (UncaughtKind::Exception, "TypeError: oh".to_owned()),
///     (UncaughtKind::Rejection, "no".to_owned()),
/// ]);
/// # Ok::<(), message_port_js::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Uncaught {
    pub(crate) kind: UncaughtKind,
    pub(crate) message: String,
    pub(crate) stack: Option<String>,
}

/// How it came that something was not caught.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UncaughtKind {
    /// It was thrown.
    Exception,
    /// A promise was rejected, and nobody has handled it by the end of the turn.
    Rejection,
}

impl Uncaught {
    /// How it came.
    pub fn kind(&self) -> UncaughtKind {
        self.kind
    }

    /// What was thrown, as a string: of an error its name and message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where an error came from, a line for each call.
    pub fn stack(&self) -> Option<&str> {
        self.stack.as_deref()
    }
}

impl fmt::Display for Uncaught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            UncaughtKind::Exception => "uncaught ",
            UncaughtKind::Rejection => "unhandled rejection: ",
        })?;
        f.write_str(&self.message)?;
        match self.stack.as_deref().map(str::trim_end) {
            Some(stack) if !stack.is_empty() => write!(f, "\n{stack}"),
            _ => Ok(()),
        }
    }
}

pub(crate) type OnUncaught = Rc<dyn Fn(&Uncaught)>;

/// How a [`Host`](crate::Host) behaves.
///
/// # Examples
///
/// ```
/// use message_port_js::{Compatibility, Host, Options};
///
/// let options = Options::default()
///     .compatibility(Compatibility::new("2025-08-14", []))
///     .strict_start(true);
/// let host = Host::new(&options)?;
/// host.eval("if ('MessageChannel' in globalThis) throw new Error('too early')")?;
/// # Ok::<(), message_port_js::Error>(())
/// ```
#[derive(Clone)]
pub struct Options {
    pub(crate) compatibility: Compatibility,
    pub(crate) strict: bool,
    pub(crate) keep_unstarted: bool,
    pub(crate) limit: usize,
    pub(crate) budget: usize,
    pub(crate) on_uncaught: Option<OnUncaught>,
}

#[allow(clippy::return_self_not_must_use, reason = "as with the builder of a channel")]
impl Options {
    /// Which names a script finds; the newest if not said.
    pub fn compatibility(mut self, compatibility: Compatibility) -> Self {
        self.compatibility = compatibility;
        self
    }

    /// With `true` a port is started by `onmessage` and `start()` only, as HTML has it, and not by
    /// `addEventListener`.
    pub fn strict_start(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// With `true` what waits at a port that was never started is delivered even if the other
    /// side has closed before that, as outside of Workers.
    pub fn keep_unstarted(mut self, keep: bool) -> Self {
        self.keep_unstarted = keep;
        self
    }

    /// Bytes that each direction of a channel of a script may hold, 256 MiB if not said. A post
    /// that finds it full throws a `QuotaExceededError`.
    pub fn channel_limit(mut self, max_bytes: usize) -> Self {
        self.limit = max_bytes;
        self
    }

    /// Messages that are delivered before timers have their turn, 1000 if not said.
    pub fn budget(mut self, messages: usize) -> Self {
        self.budget = messages.max(1);
        self
    }

    /// What is called with whatever no script has caught; it is written to standard error if not
    /// said. It must not call the host.
    pub fn on_uncaught(mut self, callback: impl Fn(&Uncaught) + 'static) -> Self {
        self.on_uncaught = Some(Rc::new(callback));
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            compatibility: Compatibility::default(),
            strict: false,
            keep_unstarted: false,
            limit: DEFAULT_LIMIT,
            budget: 1000,
            on_uncaught: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("compatibility", &self.compatibility)
            .field("strict_start", &self.strict)
            .field("keep_unstarted", &self.keep_unstarted)
            .field("channel_limit", &self.limit)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
