//! The model of the channel: reads what was observed and objects to what must not be.
//!
//! Where the outcome is left open (the exact moment at which heap buffers run out) it follows what
//! was observed, within bounds; everywhere else it says what must come.

use std::collections::VecDeque;
use std::fmt::Debug;

use super::journal::{
    Built, Cell, Content, Half, PortState, ReceiverState, Report, Seen, SenderState, State,
};
use super::program::{Act, Handler, Operation, Part, Program, Script, Side, Which};
use super::room::{Awaited, Room};
use super::values::Kind;
use super::wakes::{Armed, Due};

/// An objection.
pub(crate) type Verdict<T = ()> = Result<T, String>;

pub(crate) struct Oracle {
    /// As asked for.
    capacity: usize,
    pub(crate) ports: [Port; 2],
    /// By the side that posts.
    pub(crate) ways: [Way; 2],
    pub(crate) closed_first: Option<Side>,
    /// Both ports are in an event loop.
    pub(crate) looping: bool,
    /// Wakes that must or may have happened by now, and those that have.
    pub(crate) due: Vec<Due>,
    pub(crate) woken: Vec<(Cell, Which)>,
    pub(crate) seen: VecDeque<Seen>,
}

/// One port.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(crate) struct Port {
    pub(crate) sender: bool,
    pub(crate) receiver: bool,
    /// It can be dispatched and has handlers.
    pub(crate) whole: bool,
    pub(crate) closed: bool,
    /// Its handlers run, or a message of it is in hand.
    pub(crate) busy: bool,
    /// The guard of the last message was forgotten.
    pub(crate) forgotten: bool,
    /// The tasks that wait, by half.
    pub(crate) armed: [Option<Armed>; 2],
    /// What the port as a whole waits for, doing nothing else.
    pub(crate) stalled: Option<Awaited>,
    pub(crate) started: bool,
    /// The handlers, and how often each was called.
    pub(crate) handlers: [Option<(Script, usize)>; 3],
    pub(crate) close_fired: bool,
    /// What the peer, having closed first, had not read of what this port posted.
    undelivered: (u64, u64),
}

/// One direction.
pub(crate) struct Way {
    pub(crate) kind: Kind,
    pub(crate) room: Room,
    pub(crate) queue: VecDeque<Queued>,
}

/// A message that was accepted and not yet received.
pub(crate) struct Queued {
    /// `None` if its archive is not valid.
    pub(crate) content: Option<Content>,
    pub(crate) archive_length: usize,
    /// It is in a heap buffer.
    pub(crate) spilled: bool,
}

/// Whose sending half it is that can be used while the port is borrowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Own {
    Nothing,
    /// A half whose other half may receive meanwhile.
    Half,
    /// That of a port whose handler runs.
    Target,
}

impl Oracle {
    pub(crate) fn new(program: &Program) -> Self {
        let capacity = program.capacity.next_power_of_two();
        let max_message_len = program.max_message_len.unwrap_or(capacity.max(16 * 1024 * 1024));
        let port = || Port { sender: true, receiver: true, whole: true, ..Port::default() };
        Self {
            capacity: program.capacity,
            ports: [port(), port()],
            ways: program.kinds.map(|kind| Way {
                kind,
                room: Room::new(capacity, max_message_len, program.growable, kind.one_size()),
                queue: VecDeque::new(),
            }),
            closed_first: None,
            looping: false,
            due: Vec::new(),
            woken: Vec::new(),
            seen: VecDeque::new(),
        }
    }

    pub(crate) fn built(&mut self, seen: Vec<Seen>) -> Verdict {
        self.seen.extend(seen);
        self.expect(&Seen::Built(match self.capacity {
            0 => Built::Zero,
            capacity @ 1..=32 => Built::TooSmall { capacity },
            _ => Built::Yes,
        }))
    }

    /// Checks one operation at port `side` and the state of both ports after it.
    pub(crate) fn follow(
        &mut self,
        side: Side,
        operation: &Operation,
        seen: Vec<Seen>,
        states: [State; 2],
    ) -> Verdict {
        self.seen.extend(seen);
        self.operation(side, operation)?;
        self.check_wakes()?;
        if let Some(seen) = self.seen.pop_front() {
            return Err(format!("{seen:?} was not due"));
        }
        for (side, state) in states.into_iter().enumerate() {
            must_be(&format!("the state of port {side}"), &state, &self.state(side))?;
        }
        Ok(())
    }

    fn operation(&mut self, side: Side, operation: &Operation) -> Verdict {
        let whole = self.ports[side].whole;
        match operation {
            Operation::Post { value, how, times } => {
                (0..*times).try_for_each(|_| self.post(side, value, *how, whole))
            }
            Operation::PostBatch(values) => self.post_batch(side, values, whole),
            Operation::PostArchived(_) => self.post_archived(side, whole),
            Operation::PostTask { value, rival, acts } => {
                self.post_in_task(side, value, rival, acts)
            }
            Operation::Receive { how, acts, forget } => self.receive(side, *how, acts, *forget),
            Operation::ReceiveBatch { limit, panics_at } => {
                self.receive_batch(side, *limit, *panics_at)
            }
            Operation::Set(..) | Operation::Clear(_) | Operation::Start if !whole => {
                self.impossible()
            }
            Operation::Set(handler, script) => {
                let port = &mut self.ports[side];
                port.handlers[*handler as usize] = Some((script.clone(), 0));
                port.started |= *handler == Handler::Message;
                Ok(())
            }
            Operation::Clear(handler) => {
                self.ports[side].handlers[*handler as usize] = None;
                Ok(())
            }
            Operation::Start => {
                self.ports[side].started = true;
                Ok(())
            }
            Operation::Dispatch => self.dispatch(side, false),
            Operation::Run => self.dispatch(side, true),
            Operation::Loop { turns } => self.run_loop(side, *turns),
            Operation::Close(_) => self.close_something(side),
            Operation::Drop(part) => {
                self.drop_part(side, *part);
                Ok(())
            }
            Operation::Split => {
                self.ports[side].whole = false;
                Ok(())
            }
            Operation::Report => self.check_report(side),
        }
    }

    /// What is done with a message in hand or inside a handler.
    pub(crate) fn perform(&mut self, side: Side, acts: &[Act], own: Own) -> Verdict {
        let peer = 1 - side;
        for act in acts {
            match act {
                Act::Reply(..) | Act::CloseOwn | Act::ReportOwn if own == Own::Nothing => {
                    self.impossible()?;
                }
                Act::Reply(value, how) => self.post(side, value, *how, own == Own::Target)?,
                Act::CloseOwn => self.close(side),
                Act::ReportOwn => self.check_report(side)?,
                _ if self.ports[peer].busy => self.impossible()?,
                Act::PeerPost(value, how) => {
                    self.post(peer, value, *how, self.ports[peer].whole)?;
                }
                Act::PeerReceive(how) => self.receive(peer, *how, &[], false)?,
                Act::PeerDispatch => self.dispatch(peer, false)?,
                Act::PeerClose => self.close_something(peer)?,
                Act::PeerDrop => self.drop_part(peer, Part::Whole),
                Act::PeerReport => self.check_report(peer)?,
            }
            self.check_wakes()?;
        }
        Ok(())
    }

    fn close_something(&mut self, side: Side) -> Verdict {
        if !self.ports[side].sender && !self.ports[side].receiver {
            return self.impossible();
        }
        self.close(side);
        Ok(())
    }

    fn close(&mut self, side: Side) {
        let unread = &mut self.ways[1 - side].queue;
        if self.closed_first.is_none() {
            self.closed_first = Some(side);
            let bytes = unread.iter().map(|message| message.archive_length as u64).sum();
            self.ports[1 - side].undelivered = (unread.len() as u64, bytes);
        }
        unread.clear();
        if !std::mem::replace(&mut self.ports[side].closed, true) {
            for side in [0, 1] {
                self.wake(side, Half::Sender);
                self.wake(side, Half::Receiver);
            }
        }
    }

    pub(crate) fn drop_part(&mut self, side: Side, part: Part) {
        let own = &mut self.ports[side];
        own.whole = false;
        if part != Part::Receiver && std::mem::take(&mut own.sender) {
            own.armed[Half::Sender as usize] = None;
            self.wake(1 - side, Half::Receiver);
        }
        let own = &mut self.ports[side];
        if part != Part::Sender && std::mem::take(&mut own.receiver) {
            own.armed[Half::Receiver as usize] = None;
            self.wake(1 - side, Half::Sender);
        }
    }

    pub(crate) fn report(&self, side: Side) -> Option<Report> {
        let (messages, bytes) = self.ports[side].undelivered;
        Some(match self.closed_first? {
            first if first == side => Report { by_this_port: true, messages: 0, bytes: 0 },
            _ => Report { by_this_port: false, messages, bytes },
        })
    }

    fn check_report(&mut self, side: Side) -> Verdict {
        if self.ports[side].sender {
            self.expect(&Seen::Report(self.report(side)))
        } else {
            self.impossible()
        }
    }

    /// Whether nothing more can come to `side`.
    pub(crate) fn has_ended(&self, side: Side) -> bool {
        self.closed_first.is_some() || !self.ports[1 - side].sender
    }

    pub(crate) fn len(&self, side: Side) -> usize {
        self.ways[1 - side].queue.len()
    }

    fn state(&self, side: Side) -> State {
        let (own, peer) = (&self.ports[side], &self.ports[1 - side]);
        let closed = self.closed_first.is_some();
        let wakers = [0, 1].map(|half| usize::from(own.armed[half].is_some()));
        let (len, capacity) = (self.len(side), self.ways[side].room.capacity());
        State {
            port: own.whole.then_some(PortState {
                closed,
                disconnected: !peer.sender && !peer.receiver,
                len,
                empty: len == 0,
                capacity,
            }),
            sender: (own.sender && !own.whole).then_some(SenderState {
                closed,
                disconnected: !peer.receiver,
                capacity,
            }),
            receiver: (own.receiver && !own.whole).then_some(ReceiverState {
                closed,
                disconnected: !peer.sender,
                len,
                empty: len == 0,
            }),
            wakers,
        }
    }

    pub(crate) fn next(&mut self, due: &str) -> Verdict<Seen> {
        self.note_wakes();
        self.seen.pop_front().ok_or_else(|| format!("{due} was due, nothing was observed"))
    }

    pub(crate) fn expect(&mut self, due: &Seen) -> Verdict {
        let seen = self.next(&format!("{due:?}"))?;
        must_be("the observation", &seen, due)
    }

    pub(crate) fn impossible(&mut self) -> Verdict {
        self.expect(&Seen::Impossible)
    }
}

pub(crate) fn must_be<T: PartialEq + Debug>(what: &str, seen: &T, due: &T) -> Verdict {
    if seen == due { Ok(()) } else { Err(format!("{what} is {seen:?}, due was {due:?}")) }
}
