//! What a port did, and what must hold of the two ports of a channel.

use message_port::{CloseEvent, ClosedBy};

/// Messages and bytes of their archives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }

    pub(crate) fn include(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
    }

    fn plus(mut self, other: Self) -> Self {
        self.include(other);
        self
    }

    fn undelivered(event: &CloseEvent) -> Self {
        Self { messages: event.undelivered_messages(), bytes: event.undelivered_bytes() }
    }
}

/// What one port did.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) accepted: Tally,
    pub(crate) read: Tally,
    /// How the channel was closed, if it was when the port was last asked.
    pub(crate) event: Option<CloseEvent>,
    /// Whether it was told that nothing follows.
    pub(crate) drained: bool,
    /// Whether it, or a half of it, called `close()`.
    pub(crate) closes: bool,
}

/// What became of what one port posted.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Outcome {
    pub(crate) posted: Tally,
    pub(crate) read: Tally,
    pub(crate) reported: Tally,
    /// Left in a channel whose reader was dropped, or not reported because its poster was.
    pub(crate) left: Tally,
    /// Directions in which the report of the close was compared.
    pub(crate) reports: u64,
    /// Directions that were read to their end.
    pub(crate) drained: u64,
}

impl Outcome {
    pub(crate) fn include(&mut self, other: Self) {
        self.posted.include(other.posted);
        self.read.include(other.read);
        self.reported.include(other.reported);
        self.left.include(other.left);
        self.reports += other.reports;
        self.drained += other.drained;
    }
}

#[allow(clippy::similar_names, reason = "poster and posted are what they are")]
/// Panics unless what `poster` posted was read by `reader`, or reported, or may have been left.
pub(crate) fn direction(poster: &Report, reader: &Report) -> Outcome {
    let (posted, taken) = (poster.accepted, reader.read);
    let both = || format!("\n  poster {poster:?}\n  reader {reader:?}");
    assert!(
        taken.messages <= posted.messages && taken.bytes <= posted.bytes,
        "more was read than posted{}",
        both()
    );
    let drained = reader.drained && !reader.closes;
    assert!(
        !drained || taken == posted,
        "read to the end, and yet not all that was posted{}",
        both()
    );
    let undelivered = poster.event.as_ref().map(Tally::undelivered).unwrap_or_default();
    let reported = poster.event.is_some_and(|event| event.closed_by() == ClosedBy::Peer);
    if reported {
        assert!(posted == taken.plus(undelivered), "the report of the close is wrong{}", both());
    } else {
        assert!(undelivered == Tally::default(), "a report at the first closer{}", both());
    }
    let gone = taken.plus(undelivered);
    Outcome {
        posted,
        read: taken,
        reported: undelivered,
        left: Tally { messages: posted.messages - gone.messages, bytes: posted.bytes - gone.bytes },
        reports: reported.into(),
        drained: drained.into(),
    }
}

/// Panics unless the two ports fit together.
pub(crate) fn channel(first: &Report, second: &Report) -> Outcome {
    if let (Some(one), Some(other)) = (&first.event, &second.event) {
        assert!(
            one.closed_by() != other.closed_by(),
            "of two ports one closes first\n  {first:?}\n  {second:?}"
        );
    }
    let mut outcome = direction(first, second);
    outcome.include(direction(second, first));
    outcome
}
