//! What was posted and received in one direction of a channel.
//!
//! Nothing in here is scheduled: an entry belongs to the step of the thread that makes it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use message_port::{CloseEvent, ClosedBy};

use crate::content::Content;
use crate::values::{Kind, Value};

/// How often a message is written at most, while its sender waits for room and it changes its length.
const MOST_WRITES: usize = 64;

/// The record of one direction, for both of its ends.
#[derive(Clone)]
pub(crate) struct Ledger(Arc<Mutex<Way>>);

struct Way {
    name: String,
    kind: Kind,
    entries: Vec<Entry>,
    /// The entry that the receiver has not got yet.
    next: usize,
    /// What the end that posts was told about the close.
    report: Option<Report>,
    /// Close events that were dispatched at the end that posts.
    close_events: usize,
    /// The receiver has come to the end without closing its port.
    drained: bool,
    /// The port of the receiver has called `close`, or is about to.
    receiver_closes: bool,
    failure: Option<String>,
}

struct Entry {
    message: Posted,
    fate: Fate,
    delivered: Option<Arrived>,
}

/// Contents, or none where the archive was not valid.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Arrived(Option<Content>);

enum Posted {
    Value(Value),
    Archive(Arrival),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// The call has not returned.
    Open,
    /// What must arrive.
    Accepted(Arrival),
    Refused,
}

/// What arrives: contents, which there are none of if the archive is not valid, and bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Arrival {
    pub(crate) content: Option<Content>,
    pub(crate) bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Report {
    first: bool,
    messages: u64,
    bytes: u64,
}

impl Entry {
    fn arrival(&self, kind: Kind, serial: usize, write: usize) -> Arrival {
        match &self.message {
            Posted::Archive(arrival) => *arrival,
            Posted::Value(value) => Arrival {
                content: kind.content(value, serial as u64, write),
                bytes: kind.archive_length(value, write),
            },
        }
    }
}

impl Ledger {
    pub(crate) fn new(name: String, kind: Kind) -> Self {
        Self(Arc::new(Mutex::new(Way {
            name,
            kind,
            entries: Vec::new(),
            next: 0,
            report: None,
            close_events: 0,
            drained: false,
            receiver_closes: false,
            failure: None,
        })))
    }

    fn way(&self) -> MutexGuard<'_, Way> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails the program, also where a panic would be the library's to catch.
    pub(crate) fn fail(&self, what: &str) -> ! {
        self.way().fail(what)
    }

    /// Fails if somebody has failed where the library has caught it.
    pub(crate) fn check(&self) {
        let failure = self.way().failure.clone();
        assert!(failure.is_none(), "{}", failure.unwrap_or_default());
    }

    /// Somebody is about to post this value; returns its number.
    pub(crate) fn offer(&self, value: Value) -> usize {
        self.way().offer(Posted::Value(value))
    }

    /// The same of an archive that is posted as it is.
    pub(crate) fn offer_archive(&self, arrival: Arrival) -> usize {
        self.way().offer(Posted::Archive(arrival))
    }

    /// The call that posts has returned: with success, having written the message for this time.
    pub(crate) fn settle(&self, serial: usize, accepted: Option<usize>) {
        let mut way = self.way();
        let entry = &way.entries[serial];
        let fate = match accepted {
            Some(write) => Fate::Accepted(entry.arrival(way.kind, serial, write)),
            None => Fate::Refused,
        };
        match (fate, entry.delivered) {
            (Fate::Refused, Some(_)) => {
                way.fail(&format!("message {serial} was refused and delivered"))
            }
            (Fate::Accepted(due), Some(Arrived(arrived))) if due.content != arrived => {
                way.fail(&format!("message {serial} arrived as {arrived:?} and not as {due:?}"))
            }
            _ => way.entries[serial].fate = fate,
        }
    }

    /// A message has arrived: with these contents, or none if it is no valid archive, and with so many
    /// bytes, if that can be seen.
    pub(crate) fn deliver(&self, content: Option<Content>, bytes: Option<usize>) {
        let mut way = self.way();
        let kind = way.kind;
        while way.entries.get(way.next).is_some_and(|entry| entry.fate == Fate::Refused) {
            way.next += 1;
        }
        let serial = way.next;
        let Some(entry) = way.entries.get_mut(serial) else {
            way.fail(&format!("{content:?} came, which nobody posted, or a second time"))
        };
        let fits =
            |due: Arrival| due.content == content && bytes.is_none_or(|bytes| bytes == due.bytes);
        let is_due = match entry.fate {
            Fate::Accepted(due) => fits(due),
            _ => (0..MOST_WRITES).any(|write| fits(entry.arrival(kind, serial, write))),
        };
        entry.delivered = Some(Arrived(content));
        if !is_due {
            way.fail(&format!(
                "message {serial} was due and {content:?} came: lost, or out of order"
            ));
        }
        way.next += 1;
    }

    /// Whether a message is certainly there for the receiver.
    pub(crate) fn has_message(&self) -> bool {
        let way = self.way();
        let rest = &way.entries[way.next..];
        rest.iter().any(|entry| matches!(entry.fate, Fate::Accepted(_)))
    }

    /// The receiver has found the end of the channel.
    pub(crate) fn ended(&self) {
        let mut way = self.way();
        way.drained |= !way.receiver_closes;
    }

    /// The port of the receiver is about to close.
    pub(crate) fn closing(&self) {
        self.way().receiver_closes = true;
    }

    /// The end that posts was told about the close.
    pub(crate) fn report(&self, event: &CloseEvent) {
        let report = Report {
            first: event.closed_by() == ClosedBy::ThisPort,
            messages: event.undelivered_messages(),
            bytes: event.undelivered_bytes(),
        };
        let mut way = self.way();
        let earlier = *way.report.get_or_insert(report);
        if earlier != report {
            way.fail(&format!("the report was {earlier:?} and is {report:?}"));
        }
    }

    /// A close event was dispatched at the end that posts.
    pub(crate) fn close_event(&self, event: &CloseEvent) {
        self.report(event);
        let mut way = self.way();
        way.close_events += 1;
        if way.close_events > 1 {
            way.fail("a second close event came");
        }
    }
}

impl Way {
    fn fail(&mut self, what: &str) -> ! {
        let failure = format!("{}: {what}", self.name);
        self.failure.get_or_insert_with(|| failure.clone());
        panic!("{failure}")
    }

    fn offer(&mut self, message: Posted) -> usize {
        self.entries.push(Entry { message, fate: Fate::Open, delivered: None });
        self.entries.len() - 1
    }

    fn check_end(&mut self) -> Sums {
        let left = self.entries.iter().filter(|entry| entry.delivered.is_none());
        let left = left.filter_map(|entry| match entry.fate {
            Fate::Accepted(arrival) => Some(arrival.bytes as u64),
            Fate::Open | Fate::Refused => None,
        });
        let left = left.fold((0, 0), |(messages, bytes), more| (messages + 1, bytes + more));
        if self.entries.iter().any(|entry| entry.fate == Fate::Open) {
            self.fail("somebody is still posting");
        }
        if self.drained && left.0 > 0 {
            self.fail(&format!("{} accepted messages are lost", left.0));
        }
        match self.report {
            Some(Report { first: true, messages: 0, bytes: 0 }) | None => {}
            Some(Report { first: false, messages, bytes }) if (messages, bytes) == left => {}
            Some(report) => {
                self.fail(&format!("{report:?}, and (messages, bytes) left are {left:?}"))
            }
        }
        let count = |is: fn(&&Entry) -> bool| self.entries.iter().filter(is).count();
        Sums {
            delivered: count(|entry| entry.delivered.is_some()),
            refused: count(|entry| entry.fate == Fate::Refused),
            reported: self.report.map_or(0, |report| report.messages),
        }
    }
}

/// What became of messages.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Sums {
    pub(crate) delivered: usize,
    pub(crate) refused: usize,
    /// Counted by the report of a close.
    pub(crate) reported: u64,
}

impl Sums {
    pub(crate) fn add(&mut self, more: Self) {
        self.delivered += more.delivered;
        self.refused += more.refused;
        self.reported += more.reported;
    }
}

/// Checks what all of a channel came to, when everybody is done.
pub(crate) fn check_end(ways: &[Ledger; 2]) -> Sums {
    let mut sums = Sums::default();
    for way in ways {
        way.check();
        sums.add(way.way().check_end());
    }
    let [one, other] = ways.each_ref().map(|way| way.way().report);
    if let (Some(one), Some(other)) = (one, other) {
        assert!(one.first != other.first, "not exactly one port closed first");
    }
    sums
}
