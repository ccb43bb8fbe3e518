//! Ports with handlers: in `run`, in `run_async`, or in an event loop.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use message_port::{BoxError, CloseEvent, EventLoop, HandlerError, MessagePort, PortId};

use crate::judge::Report;
use crate::load::Load;
use crate::plan::{End, Side};
use crate::posting::{Posting, Step, moment};
use crate::random::Random;
use crate::taking::Taking;
use crate::watch::Progress;

/// What the handlers of a port know.
pub(crate) struct Echo<A, B> {
    posting: Posting<A>,
    taking: Taking<B>,
    /// Whether a post was refused because the channel has ended.
    ended: bool,
    closes: bool,
    /// How often the message handler failed on purpose, and how often that was told.
    failed: u64,
    told: u64,
    event: Option<CloseEvent>,
}

pub(crate) struct Handlers<A, B>(Arc<Mutex<Echo<A, B>>>);

impl<A: Load, B: Load> Handlers<A, B> {
    /// Handlers that check what comes, and post about as much. They wait for room only if they `may_wait`.
    pub(crate) fn install(
        port: &mut MessagePort<A, B>,
        side: &Side,
        may_wait: bool,
        progress: &Arc<Progress>,
    ) -> Self {
        let handlers = Self(Arc::new(Mutex::new(Echo {
            posting: Posting::new(side, progress),
            taking: Taking::new(side, progress),
            ended: false,
            closes: false,
            failed: 0,
            told: 0,
            event: None,
        })));
        let echo = handlers.clone();
        port.set_onmessage(move |event| {
            let mut echo = echo.lock();
            let Echo { posting, taking, ended, closes, failed, told, .. } = &mut *echo;
            assert!(!*closes, "a message after close");
            assert!(failed == told, "a message in front of the messageerror of the last one");
            taking.message(event.data());
            if taking.is_done() {
                event.target().close();
                *closes = true;
                return Ok(());
            }
            for _ in 0..posting.random.below(3) {
                if *ended || posting.is_done() {
                    break;
                }
                *ended = Step::Ended
                    == if may_wait && posting.random.one_in(4) {
                        posting.wait_one(event.target())
                    } else {
                        posting.try_one(event.target())
                    };
            }
            if posting.random.one_in(512) {
                *failed += 1;
                return Err("on purpose");
            }
            Ok(())
        });
        let echo = handlers.clone();
        port.set_onmessageerror(move |event| match event.error() {
            HandlerError::Returned(_) => echo.lock().told += 1,
            other => panic!("a messageerror: {other}"),
        });
        let echo = handlers.clone();
        port.set_onclose(move |event| {
            let first = echo.lock().event.replace(*event);
            assert!(first.is_none(), "a second close event");
        });
        handlers
    }

    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    fn lock(&self) -> MutexGuard<'_, Echo<A, B>> {
        // Whoever has panicked is reported; this is no reason for another panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of a port that was at its end, unless it was dropped before.
    fn report(&self, dropped: bool) -> Report {
        let echo = self.lock();
        assert!(dropped || echo.failed == echo.told, "a messageerror is missing");
        Report {
            accepted: echo.posting.accepted,
            read: echo.taking.read,
            event: echo.event,
            drained: !dropped && !echo.closes,
            closes: echo.closes,
        }
    }

    /// After the port has run to its end.
    fn report_of(&self, port: &mut MessagePort<A, B>) -> Report {
        let report = self.report(false);
        let event = port.split_mut().0.close_event();
        // A peer that is gone may still close by the half that is left.
        assert!(report.event.is_none() || report.event == event, "the numbers of a report changed");
        assert!(!report.closes || report.event.is_some(), "a close event is missing");
        report
    }
}

pub(crate) fn run<A: Load, B: Load>(
    mut port: MessagePort<A, B>,
    side: &Side,
    progress: &Arc<Progress>,
) -> Report {
    let handlers = Handlers::install(&mut port, side, true, progress);
    port.run().expect("a failure that was handled");
    handlers.report_of(&mut port)
}

pub(crate) async fn run_task<A: Load, B: Load>(
    mut port: MessagePort<A, B>,
    side: Side,
    progress: Arc<Progress>,
) -> Report {
    let handlers = Handlers::install(&mut port, &side, false, &progress);
    port.run_async().await.expect("a failure that was handled");
    handlers.report_of(&mut port)
}

/// Some ports of an event loop, and what their handlers know.
pub(crate) struct Served<A, B> {
    pub(crate) handlers: Vec<Handlers<A, B>>,
    /// Which of them are in the loop from the start.
    pub(crate) early: Vec<PortId>,
}

/// Runs the loop to its end, and takes one of its ports out of it at some moment.
pub(crate) fn serve<A: Load, B: Load>(
    mut events: EventLoop,
    served: Served<A, B>,
    random: &mut Random,
) -> Result<Vec<Report>, BoxError> {
    let Served { handlers, early } = served;
    let mut dropped = None;
    for _ in 0..random.below(200) {
        events.run_once(Some(moment(random)))?;
    }
    let chosen = random.below(2 * early.len().max(1));
    if let Some(port) = early.get(chosen).and_then(|id| events.remove::<A, B>(*id)) {
        dropped = remove(port, &handlers[chosen], &mut events, random)?.then_some(chosen);
    }
    events.run()?;
    assert!(events.is_empty(), "the loop ended with ports in it");
    let reports = handlers.iter().enumerate();
    Ok(reports.map(|(index, handlers)| handlers.report(dropped == Some(index))).collect())
}

/// Says whether the port was dropped before its end.
fn remove<A: Load, B: Load>(
    mut port: MessagePort<A, B>,
    handlers: &Handlers<A, B>,
    events: &mut EventLoop,
    random: &mut Random,
) -> Result<bool, BoxError> {
    match random.pick(&[None, Some(End::Close), Some(End::Drop)]) {
        None => {
            port.dispatch()?;
            events.add(port);
            return Ok(false);
        }
        Some(End::Close) if !handlers.lock().closes => {
            port.close();
            handlers.lock().closes = true;
            assert!(port.dispatch()? == 1, "the close event is due");
        }
        Some(_) => {}
    }
    Ok(true)
}
