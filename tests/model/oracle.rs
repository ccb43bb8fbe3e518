//! The model of the channel: reads what was observed and objects to what must not be.
//!
//! Where the outcome is left open (the exact moment at which heap buffers run out) it follows what
//! was observed, within bounds; everywhere else it says what must come.

use std::collections::VecDeque;
use std::fmt::Debug;

use super::journal::{
    Built, Content, PortState, Posting, ReceiverState, Receiving, Report, Seen, SenderState, State,
};
use super::program::{Act, Handler, Operation, Part, Program, Script, Side};
use super::room::{Fit, Room};
use super::values::{Kind, Value, Write};

/// An objection.
pub(crate) type Verdict<T = ()> = Result<T, String>;

pub(crate) struct Oracle {
    /// As asked for.
    capacity: usize,
    pub(crate) ports: [Port; 2],
    /// By the side that posts.
    pub(crate) ways: [Way; 2],
    pub(crate) closed_first: Option<Side>,
    seen: VecDeque<Seen>,
}

/// One port.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(crate) struct Port {
    sender: bool,
    receiver: bool,
    /// It can be dispatched and has handlers.
    pub(crate) whole: bool,
    pub(crate) closed: bool,
    /// Its handlers run, or a message of it is in hand.
    pub(crate) busy: bool,
    /// The guard of the last message was forgotten.
    forgotten: bool,
    pub(crate) started: bool,
    /// The handlers, and how often each was called.
    pub(crate) handlers: [Option<(Script, usize)>; 3],
    pub(crate) close_fired: bool,
    /// What the peer, having closed first, had not read of what this port posted.
    undelivered: (u64, u64),
}

/// One direction.
pub(crate) struct Way {
    kind: Kind,
    pub(crate) room: Room,
    pub(crate) queue: VecDeque<Queued>,
}

/// A message that was accepted and not yet received.
pub(crate) struct Queued {
    /// `None` if its archive is not valid.
    pub(crate) content: Option<Content>,
    archive_length: usize,
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
                room: Room::new(capacity, max_message_len),
                queue: VecDeque::new(),
            }),
            closed_first: None,
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
            Operation::Post { value, times, .. } => {
                (0..*times).try_for_each(|_| self.post(side, value))
            }
            Operation::Receive { acts, forget, .. } => self.receive(side, acts, *forget),
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

    /// What is done with a message in hand or inside a handler; `own` says whether the port's own
    /// sending half is at hand.
    pub(crate) fn perform(&mut self, side: Side, acts: &[Act], own: bool) -> Verdict {
        let peer = 1 - side;
        for act in acts {
            match act {
                Act::Reply(_) | Act::CloseOwn | Act::ReportOwn if !own => self.impossible()?,
                Act::Reply(value) => self.post(side, value)?,
                Act::CloseOwn => self.close(side),
                Act::ReportOwn => self.check_report(side)?,
                _ if self.ports[peer].busy => self.impossible()?,
                Act::PeerPost(value) => self.post(peer, value)?,
                Act::PeerReceive => self.receive(peer, &[], false)?,
                Act::PeerDispatch => self.dispatch(peer, false)?,
                Act::PeerClose => self.close_something(peer)?,
                Act::PeerDrop => self.drop_part(peer, Part::Whole),
                Act::PeerReport => self.check_report(peer)?,
            }
        }
        Ok(())
    }

    fn post(&mut self, side: Side, value: &Value) -> Verdict {
        if !self.ports[side].sender {
            return self.impossible();
        }
        let seen = self.next("a post")?;
        let Seen::Post { serial, mut writes, outcome } = seen else {
            return Err(format!("a post was due, but {seen:?} was observed"));
        };
        let refusal = self.refusal(side);
        let Way { kind, room, queue } = &mut self.ways[side];
        if writes.is_empty() {
            // The type does not count: it is written once where it fits at once, or else twice.
            let length = kind.archive_length(value, 0);
            let twice = outcome == Posting::Done && !room.may_fit_here(length);
            writes = vec![Write::Length(length); if twice { 2 } else { 1 }];
        }
        let mut reserved = None;
        for (index, write) in writes.iter().enumerate() {
            let last = index + 1 == writes.len();
            let length = match write {
                Write::Failed => {
                    return must_be("the post", &(last, outcome), &(true, Posting::DataClone));
                }
                Write::Panicked => {
                    return must_be("the post", &(last, outcome), &(true, Posting::Panicked));
                }
                Write::Length(length) => *length,
            };
            let allowed = allowed(room, length, index, reserved, refusal);
            if last {
                if !allowed.contains(&outcome) {
                    return Err(format!(
                        "{outcome:?} for writes of {writes:?}, allowed is {allowed:?} in {room:?}"
                    ));
                }
                if outcome == Posting::Done {
                    room.commit(length, reserved.unwrap_or(length));
                    let content = kind.content(value, serial, index);
                    queue.push_back(Queued { content, archive_length: length });
                }
                return Ok(());
            }
            // Whoever goes away gives back what it had in hand, so of the room of a channel that has
            // ended nothing is known.
            if length > room.max_message_len()
                || refusal.is_none() && room.fit(length) == Fit::Impossible
                || reserved.is_some_and(|reserved| length <= reserved)
            {
                return Err(format!("written again after {length} bytes: {writes:?} in {room:?}"));
            }
            room.reserve(length);
            reserved = Some(length);
        }
        Ok(())
    }

    /// Why nothing can be posted at `side`, if so.
    fn refusal(&self, side: Side) -> Option<Posting> {
        if self.closed_first.is_some() {
            Some(Posting::Closed)
        } else {
            (!self.ports[1 - side].receiver).then_some(Posting::Disconnected)
        }
    }

    fn receive(&mut self, side: Side, acts: &[Act], forget: bool) -> Verdict {
        if !self.ports[side].receiver {
            return self.impossible();
        }
        self.look(side);
        let Some(message) = self.deliver(side) else {
            return self.expect(&Seen::Receive(if self.closed_first.is_some() {
                Receiving::Closed
            } else if self.ports[1 - side].sender {
                Receiving::Empty
            } else {
                Receiving::Disconnected
            }));
        };
        let archive_length = message.archive_length;
        let Some(content) = message.content else {
            self.ways[1 - side].room.release();
            return self.expect(&Seen::Receive(Receiving::Invalid));
        };
        self.expect(&Seen::Receive(Receiving::Message { content, archive_length }))?;
        if !acts.is_empty() {
            self.ports[side].busy = true;
            self.perform(side, acts, self.ports[side].sender)?;
            self.ports[side].busy = false;
            self.expect(&Seen::StillInHand(content))?;
        }
        if forget {
            self.ports[side].forgotten = true;
        } else {
            self.ways[1 - side].room.release();
        }
        Ok(())
    }

    /// What each receiving call does first.
    pub(crate) fn look(&mut self, side: Side) {
        let room = &mut self.ways[1 - side].room;
        if std::mem::take(&mut self.ports[side].forgotten) {
            room.release();
        }
        if !self.ports[side].closed {
            room.look();
        }
    }

    /// Takes the next message into the receiver's hands.
    pub(crate) fn deliver(&mut self, side: Side) -> Option<Queued> {
        let way = &mut self.ways[1 - side];
        let message = way.queue.pop_front()?;
        way.room.deliver();
        Some(message)
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
        self.ports[side].closed = true;
        unread.clear();
    }

    fn drop_part(&mut self, side: Side, part: Part) {
        let own = &mut self.ports[side];
        own.whole = false;
        own.sender &= part == Part::Receiver;
        own.receiver &= part == Part::Sender;
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
        }
    }

    fn next(&mut self, due: &str) -> Verdict<Seen> {
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

/// The outcomes that a post may have whose last write, number `index`, made an archive of `length`
/// bytes, with room made for `reserved` bytes before it.
fn allowed(
    room: &mut Room,
    length: usize,
    index: usize,
    reserved: Option<usize>,
    refusal: Option<Posting>,
) -> Vec<Posting> {
    let max = room.max_message_len();
    let settled = reserved.is_some_and(|reserved| length <= reserved);
    let mut allowed = Vec::new();
    if index >= 2 && !settled {
        // It is larger each time; at some time it is given up, and that is its own error.
        allowed.push(Posting::DataClone);
    }
    if length > max {
        allowed.push(Posting::TooLarge { needed: length, max });
    } else if let Some(refusal) = refusal {
        allowed.push(refusal);
    }
    if length > max || refusal.is_some() {
        return allowed;
    }
    if settled || index == 0 && room.may_fit_here(length) {
        allowed.push(Posting::Done);
    }
    if !settled && room.fit(length) != Fit::Certain {
        allowed.push(Posting::Full);
    }
    allowed
}

fn must_be<T: PartialEq + Debug>(what: &str, seen: &T, due: &T) -> Verdict {
    if seen == due { Ok(()) } else { Err(format!("{what} is {seen:?}, due was {due:?}")) }
}
