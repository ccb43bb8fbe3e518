//! Ports that threads use: a thread for each half, or one for the whole port.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use message_port::{CloseEvent, MessagePort, Receiver, Sender};

use crate::judge::{Report, Tally};
use crate::load::Load;
use crate::plan::{End, Side};
use crate::ports::Posts;
use crate::posting::{Posting, Step};
use crate::taking::Taking;
use crate::watch::Progress;

/// What the posting half did.
pub(crate) struct Posted {
    pub(crate) accepted: Tally,
    pub(crate) event: Option<CloseEvent>,
    pub(crate) closes: bool,
}

/// What the receiving half did.
pub(crate) struct Taken {
    pub(crate) read: Tally,
    pub(crate) drained: bool,
    pub(crate) closes: bool,
}

pub(crate) fn report(posted: &Posted, taken: &Taken) -> Report {
    Report {
        accepted: posted.accepted,
        read: taken.read,
        event: posted.event,
        drained: taken.drained,
        closes: posted.closes || taken.closes,
    }
}

/// The report of a close, which does not change once it is there.
pub(crate) fn event_at<L: Load>(port: &mut impl Posts<L>) -> Option<CloseEvent> {
    let event = port.closed();
    thread::yield_now();
    assert!(event.is_none() || event == port.closed(), "the numbers of a report changed");
    event
}

pub(crate) fn post<L: Load>(
    mut sender: Sender<L>,
    side: &Side,
    progress: &Arc<Progress>,
) -> Posted {
    let mut posting = Posting::new(side, progress);
    let mut ended = false;
    while !ended && !posting.is_done() {
        // Who finds the channel full sleeps until there is room: where threads have to share a processor,
        // that is when the others get on.
        ended = match posting.some(&mut sender) {
            Step::Later if !posting.is_done() => posting.wait_one(&mut sender) == Step::Ended,
            step => step == Step::Ended,
        };
    }
    finish_posting(sender, posting.accepted, side)
}

/// Ends the half as the plan says.
pub(crate) fn finish_posting<L: Load>(
    mut sender: Sender<L>,
    accepted: Tally,
    side: &Side,
) -> Posted {
    let closes = side.after_posting == End::Close;
    if closes {
        sender.close();
    }
    Posted { accepted, event: event_at(&mut sender), closes }
}

pub(crate) fn take<L: Load>(
    mut receiver: Receiver<L>,
    side: &Side,
    progress: &Arc<Progress>,
) -> Taken {
    let mut taking = Taking::new(side, progress);
    let mut drained = false;
    while !drained && !taking.is_done() {
        drained = match taking.some(&mut receiver, true) {
            Step::Later => taking.wait_one(&mut receiver) == Step::Ended,
            step => step == Step::Ended,
        };
    }
    finish_taking(receiver, &taking, drained, side)
}

/// Ends the half as the plan says.
pub(crate) fn finish_taking<L: Load>(
    mut receiver: Receiver<L>,
    taking: &Taking<L>,
    drained: bool,
    side: &Side,
) -> Taken {
    let closes = !drained && side.after_reading == End::Close;
    if closes {
        receiver.close();
        assert!(receiver.try_recv().is_err_and(|error| error.is_closed()), "a message after close");
    }
    Taken { read: taking.read, drained, closes }
}

/// One thread posts and reads in turn. It never waits for a message while it has something to post, nor if
/// it ends the channel after its posts: nobody would.
pub(crate) fn whole<A: Load, B: Load>(
    mut port: MessagePort<A, B>,
    side: &Side,
    to_the_end: bool,
    progress: &Arc<Progress>,
) -> Report {
    let (mut posting, mut taking) = (Posting::new(side, progress), Taking::new(side, progress));
    let events = count_close_events(&mut port);
    let (mut ended, mut drained) = (false, false);
    let end = loop {
        if taking.is_done() {
            break side.after_reading;
        }
        let mut posted = Step::Later;
        if !ended && !posting.is_done() {
            posted = posting.some(&mut port);
            ended = posted == Step::Ended;
        } else if !ended && !to_the_end {
            break side.after_posting;
        }
        let may_wait = ended || to_the_end && posting.is_done();
        match taking.some(&mut port, may_wait) {
            Step::More => {}
            Step::Later if posted != Step::Later => {}
            Step::Later => drained = taking.wait_a_moment(&mut port) == Step::Ended,
            Step::Ended => drained = true,
        }
        if drained {
            break side.after_reading;
        }
    };
    finish_whole(port, &events, end, [posting.accepted, taking.read], drained)
}

/// Counts how often the port is told that the channel was closed.
pub(crate) fn count_close_events<A: Load, B: Load>(port: &mut MessagePort<A, B>) -> Arc<AtomicU64> {
    let events = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&events);
    port.set_onclose(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    events
}

/// Ends the port; if it is at the end of what it has to read, its `close` event is due.
pub(crate) fn finish_whole<A: Load, B: Load>(
    mut port: MessagePort<A, B>,
    events: &AtomicU64,
    end: End,
    [accepted, read]: [Tally; 2],
    drained: bool,
) -> Report {
    let closes = end == End::Close;
    if closes {
        port.close();
        port.close();
    }
    if closes || drained {
        // A peer that is gone may still close by the half that is left.
        let before = port.is_closed();
        let dispatched = port.dispatch().expect("a handler that never fails");
        let after = port.is_closed();
        let fired = events.load(Ordering::Relaxed);
        assert!(
            fired == dispatched as u64,
            "{dispatched} events, and {fired} of them close events"
        );
        assert!(
            (u64::from(before)..=u64::from(after)).contains(&fired),
            "{fired} close events at a port that was closed: {before}, {after}"
        );
    }
    Report { accepted, read, event: event_at(&mut port), drained, closes }
}
