//! The counters of the feature `stats`.
//!
//! Each counter has one writer, except the wake-ups, which every notifier counts. Nothing relies on
//! the counters, and they are not ordered with messages or with each other.

use std::time::Instant;

use super::{Stats, WaitStats};
use crate::sync::{CachePadded, Counter};

/// The counters of one direction.
#[derive(Debug, Default)]
pub(crate) struct DirectionCounters {
    sender: CachePadded<SenderCounters>,
    receiver: CachePadded<ReceiverCounters>,
}

/// Written by the sending half.
#[derive(Debug, Default)]
struct SenderCounters {
    posted: Counter,
    bytes: Counter,
    largest: Counter,
    high_water_mark: Counter,
    full: Counter,
    spilled: Counter,
    segments: Counter,
}

/// Written by the receiving half.
#[derive(Debug, Default)]
struct ReceiverCounters {
    received: Counter,
    bytes: Counter,
}

/// Messages that are written and not yet known to be accepted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    messages: u64,
    bytes: u64,
    largest: u64,
}

impl Tally {
    /// Notes one more message, with an archive of `length` bytes.
    #[inline]
    pub(crate) fn add(&mut self, length: usize) {
        self.messages += 1;
        self.bytes += length as u64;
        self.largest = self.largest.max(length as u64);
    }
}

impl DirectionCounters {
    /// Counts accepted messages.
    #[inline]
    pub(crate) fn posted(&self, tally: &Tally) {
        self.sender.posted.add(tally.messages);
        self.sender.bytes.add(tally.bytes);
        self.sender.largest.raise_to(tally.largest);
    }

    /// Notes how many bytes of the ring are taken.
    #[inline]
    pub(crate) fn in_flight(&self, bytes: impl FnOnce() -> usize) {
        self.sender.high_water_mark.raise_to(bytes() as u64);
    }

    /// Counts a post that found no room.
    pub(crate) fn full(&self) {
        self.sender.full.add(1);
    }

    /// Counts a message that was spilled.
    pub(crate) fn spilled(&self) {
        self.sender.spilled.add(1);
    }

    /// Counts a segment by which the direction has grown.
    pub(crate) fn segment_added(&self) {
        self.sender.segments.add(1);
    }

    /// Counts a received message, with an archive of `length` bytes.
    #[inline]
    pub(crate) fn received(&self, length: impl FnOnce() -> usize) {
        self.receiver.received.add(1);
        self.receiver.bytes.add(length() as u64);
    }

    /// Reads all counters, with those of the sender's and the receiver's wait cells.
    pub(crate) fn read(&self, waits: [&WaitCounters; 2]) -> Stats {
        let [sender, receiver] = waits.map(WaitCounters::read);
        let (messages, bytes) = (self.receiver.received.get(), self.receiver.bytes.get());
        Stats {
            // A received message was accepted, even if that is counted a moment later.
            posted: self.sender.posted.get().max(messages),
            received: messages,
            posted_bytes: self.sender.bytes.get().max(bytes),
            received_bytes: bytes,
            largest_message: self.sender.largest.get(),
            high_water_mark: self.sender.high_water_mark.get(),
            full: self.sender.full.get(),
            spilled: self.sender.spilled.get(),
            segments_added: self.sender.segments.get(),
            sender,
            receiver,
        }
    }
}

/// The counters of one end that waits.
#[derive(Debug, Default)]
pub(crate) struct WaitCounters {
    /// Written by the end that waits, as are the next two.
    waits: Counter,
    nanoseconds: Counter,
    spurious_wakes: Counter,
    /// Written by the threads that wake it.
    wakes: Counter,
}

impl WaitCounters {
    /// Counts a wake-up that is about to be sent to this end.
    pub(crate) fn wake(&self) {
        self.wakes.count_shared();
    }

    /// Counts a task that is suspended here.
    pub(crate) fn suspend(&self) {
        self.waits.add(1);
    }

    /// Prepares to count a thread that may have to sleep here.
    pub(crate) fn sleeper(&self) -> Sleeper<'_> {
        Sleeper { counters: self, since: None, wakes_by_itself: false }
    }

    fn read(&self) -> WaitStats {
        WaitStats {
            waits: self.waits.get(),
            waited: std::time::Duration::from_nanos(self.nanoseconds.get()),
            wakes: self.wakes.get(),
            spurious_wakes: self.spurious_wakes.get(),
        }
    }
}

/// One wait of a thread, with all the sleeps that it takes.
#[derive(Debug)]
pub(crate) struct Sleeper<'a> {
    counters: &'a WaitCounters,
    since: Option<Instant>,
    wakes_by_itself: bool,
}

impl Sleeper<'_> {
    /// The thread found nothing and is about to sleep. If it `wakes_by_itself`, it may return
    /// without a wake-up.
    pub(crate) fn sleep(&mut self, wakes_by_itself: bool) {
        if self.since.is_none() {
            self.since = Some(Instant::now());
            self.counters.waits.add(1);
        } else if !self.wakes_by_itself {
            self.counters.spurious_wakes.add(1);
        }
        self.wakes_by_itself = wakes_by_itself;
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        if let Some(since) = self.since {
            let nanoseconds = since.elapsed().as_nanos();
            self.counters.nanoseconds.add(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        }
    }
}

#[cfg(all(test, not(message_port_loom)))]
mod tests {
    use super::*;

    /// The sender counts a message once it is known to be accepted; the receiver may be faster.
    #[test]
    fn what_is_received_was_posted() {
        let counters = DirectionCounters::default();
        let waits = WaitCounters::default();
        counters.received(|| 8);
        let stats = counters.read([&waits, &waits]);
        assert_eq!((stats.posted, stats.posted_bytes), (1, 8));
    }
}
