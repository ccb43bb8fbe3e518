//! What a program is told about a link.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::LinkError;
use crate::link::Ended;

/// A link, to wait for its end. Dropping it changes nothing: the bridge's threads go on.
///
/// # Examples
///
/// ```no_run
/// use message_port::MessageChannel;
/// use message_port_zenoh::{Options, expose};
/// use zenoh::Wait;
///
/// let session = zenoh::open(zenoh::Config::default()).wait()?;
/// let MessageChannel { mut port1, port2 } = MessageChannel::<String>::new();
/// let link = expose(port2, &session, "shop/till", Options::new())?;
/// port1.post_message(&"whoever comes first".to_owned())?;
/// port1.close();
/// // Before the process ends: what was posted is still on its way.
/// println!("{}", link.wait());
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone)]
pub struct Link {
    outcome: Arc<Outcome>,
    give_up: Arc<dyn Fn() + Send + Sync>,
}

/// Where the report appears.
#[derive(Default)]
pub(crate) struct Outcome {
    report: Mutex<Option<Report>>,
    there: Condvar,
}

impl Outcome {
    pub(crate) fn set(&self, report: Report) {
        let mut place = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        place.get_or_insert(report);
        self.there.notify_all();
    }
}

/// Leaves nobody waiting, should the thread that reports panic.
pub(crate) struct Reporter(pub(crate) Arc<Outcome>);

impl Drop for Reporter {
    fn drop(&mut self) {
        self.0.set(Report::failed(LinkError::Panicked));
    }
}

impl Link {
    pub(crate) fn new(outcome: Arc<Outcome>, give_up: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { outcome, give_up }
    }

    /// Waits until the link has ended and nothing of it is on its way any more. Blocks for as long
    /// as one of the users keeps its port and the other side lives.
    ///
    /// A process that closed its port and ends before this returns may take messages with it that
    /// the other side has not got yet.
    pub fn wait(&self) -> Report {
        let mut report = self.outcome.report.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(report) = &*report {
                return report.clone();
            }
            report = self.outcome.there.wait(report).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The same, for at most `timeout`; any `Duration` will do. `None` if it has not ended in time.
    pub fn wait_timeout(&self, timeout: Duration) -> Option<Report> {
        let Some(deadline) = Instant::now().checked_add(timeout) else { return Some(self.wait()) };
        let mut report = self.outcome.report.lock().unwrap_or_else(PoisonError::into_inner);
        while report.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.outcome.there.wait_timeout(report, left);
            report = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        report.clone()
    }

    /// The report, if the link has ended. Never waits.
    pub fn report(&self) -> Option<Report> {
        self.outcome.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives the link up, or the exposed port that nobody has connected to. Both users read what
    /// has arrived and are then `Disconnected`. Never waits.
    pub fn abort(&self) {
        (self.give_up)();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("report", &self.report()).finish_non_exhaustive()
    }
}

/// How a link ended, and what became of what was posted at this side.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// How.
    pub end: LinkEnd,
    /// Messages that this side's bridge took out of its user's channel and sent.
    pub sent_messages: u64,
    /// Messages that it received from the other side.
    pub received_messages: u64,
    /// Messages of this side's user that the other side is not known to have got.
    ///
    /// If the other side's user closed the channel, these are the ones that this user has not
    /// read, exactly; the messages that this side's `close` event counts come on top. If the link
    /// failed, these are the ones that were not acknowledged, and those that waited in the ring. An
    /// acknowledged message is in the ring of the other side's user.
    pub undelivered_messages: u64,
    /// Bytes of the archives of these messages.
    pub undelivered_bytes: u64,
}

/// How a link ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LinkEnd {
    /// One of the users closed the channel.
    Closed,
    /// Both directions ended without a `close()`: ports were dropped.
    Dropped,
    /// The link broke, or was given up.
    Failed(LinkError),
}

impl Report {
    pub(crate) fn of(ended: Ended) -> Self {
        let end = match ended.error {
            Some(error) => LinkEnd::Failed(error),
            None if ended.closed => LinkEnd::Closed,
            None => LinkEnd::Dropped,
        };
        Self {
            end,
            sent_messages: ended.posted.messages,
            received_messages: ended.received.messages,
            undelivered_messages: ended.undelivered.messages,
            undelivered_bytes: ended.undelivered.bytes,
        }
    }

    pub(crate) fn failed(error: LinkError) -> Self {
        Self {
            end: LinkEnd::Failed(error),
            sent_messages: 0,
            received_messages: 0,
            undelivered_messages: 0,
            undelivered_bytes: 0,
        }
    }

    /// Why the link failed, if it did.
    pub fn error(&self) -> Option<&LinkError> {
        match &self.end {
            LinkEnd::Failed(error) => Some(error),
            LinkEnd::Closed | LinkEnd::Dropped => None,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.end {
            LinkEnd::Closed => f.write_str("closed")?,
            LinkEnd::Dropped => f.write_str("ended without a close")?,
            LinkEnd::Failed(LinkError::Violation(violation)) => {
                write!(f, "failed: the other side broke the protocol: {violation}")?;
            }
            LinkEnd::Failed(error) => write!(f, "failed: {error}")?,
        }
        write!(
            f,
            "; {} messages sent, {} received, {} undelivered ({} bytes)",
            self.sent_messages,
            self.received_messages,
            self.undelivered_messages,
            self.undelivered_bytes
        )
    }
}
