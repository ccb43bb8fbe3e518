//! The model's part that posts: what is accepted, what is refused, and why.

use super::journal::{Batched, Cell, Content, Half, Posting, Seen};
use super::oracle::{Oracle, Queued, Verdict, Way, must_be};
use super::program::{Act, How, Operation, Rival, Side};
use super::room::{Fit, Room};
use super::values::{Manner, Value, Write};

/// A message that somebody tried to post, as far as it was observed.
struct Attempt<'a> {
    /// How it was serialised in this call.
    writes: Vec<Write>,
    /// How often it was serialised in earlier calls.
    before: usize,
    /// What arrives if the write of this number is posted.
    content: &'a dyn Fn(usize) -> Option<Content>,
    /// `None` if it was refused for a reason that was not observed.
    outcome: Option<Posting>,
    how: How,
    /// Whether the call may be told that it would wait for ever.
    alone: bool,
}

impl Oracle {
    /// One post by one call, or by one poll of a future that is dropped then.
    pub(crate) fn post(&mut self, side: Side, value: &Value, how: How, whole: bool) -> Verdict {
        if !self.ports[side].sender {
            return self.impossible();
        }
        self.poll(side, value, &mut 0, how, whole)?;
        if matches!(how, How::Async(_)) { self.drop_task(side) } else { self.check_wakes() }
    }

    /// One call, or one poll of a future, that was polled before and serialised its message
    /// `before` times.
    fn poll(
        &mut self,
        side: Side,
        value: &Value,
        before: &mut usize,
        how: How,
        whole: bool,
    ) -> Verdict<Posting> {
        let seen = self.next("a post")?;
        let Seen::Post { serial, writes, outcome } = seen else {
            return Err(format!("a post was due, but {seen:?} was observed"));
        };
        let written = writes.len();
        self.posted_value(side, value, serial, (writes, *before), Some(outcome), how, whole)?;
        *before += written;
        Ok(outcome)
    }

    #[allow(clippy::too_many_arguments, reason = "they are all of one observation")]
    fn posted_value(
        &mut self,
        side: Side,
        value: &Value,
        serial: u64,
        (mut writes, before): (Vec<Write>, usize),
        outcome: Option<Posting>,
        how: How,
        whole: bool,
    ) -> Verdict {
        let kind = self.ways[side].kind;
        if writes.is_empty() {
            writes = self.uncounted(side, kind.archive_length(value, 0), outcome);
        }
        let content = |write| kind.content(value, serial, write);
        let alone = whole && how.may_deadlock();
        self.attempt(side, Attempt { writes, before, content: &content, outcome, how, alone })
    }

    /// The writes of a message that does not count them: one where it fits at once, or else two.
    fn uncounted(&self, side: Side, length: usize, outcome: Option<Posting>) -> Vec<Write> {
        let twice = outcome == Some(Posting::Done) && !self.ways[side].room.may_fit_here(length);
        vec![Write::Length(length); if twice { 2 } else { 1 }]
    }

    fn attempt(&mut self, side: Side, attempt: Attempt<'_>) -> Verdict {
        let Attempt { writes, before, content, outcome, how, alone } = attempt;
        let refusal = self.refusal(side);
        let stuck = if alone { self.peer_is_stuck(side) } else { Fit::Impossible };
        let mut reserved = None;
        let must_fail = |last, failure| {
            let outcome = outcome.unwrap_or(failure);
            must_be("the post", &(last, outcome), &(true, failure))
        };
        for (index, write) in writes.iter().enumerate() {
            let last = index + 1 == writes.len();
            let length = match write {
                Write::Failed => return must_fail(last, Posting::DataClone),
                Write::Panicked => return must_fail(last, Posting::Panicked),
                Write::Length(length) => *length,
            };
            let room = &mut self.ways[side].room;
            let allowed = allowed(room, length, index, reserved, refusal, stuck);
            if !last {
                // Whoever goes away gives back what it had in hand, so of the room of a channel
                // that has ended nothing is known.
                if length > room.max_message_len()
                    || refusal.is_none() && room.fit(length) == Fit::Impossible
                    || reserved.is_some_and(|reserved| length <= reserved)
                {
                    return Err(format!(
                        "written again after {length} bytes: {writes:?}, {room:?}"
                    ));
                }
                room.reserve(length);
                reserved = Some(length);
                continue;
            }
            let is_allowed = match outcome {
                Some(outcome) => allowed.contains(&outcome),
                None => allowed.iter().any(|allowed| *allowed != Posting::Done),
            };
            if !is_allowed {
                return Err(format!(
                    "{outcome:?} for writes of {writes:?}, allowed is {allowed:?} in {room:?}"
                ));
            }
            if let Some(Posting::Full | Posting::WouldDeadlock) = outcome {
                // It may sleep in front of a switch, behind which there is room.
                self.wake(1 - side, Half::Receiver);
            }
            let Way { room, queue, .. } = &mut self.ways[side];
            match (outcome, how.task()) {
                (Some(Posting::Done), _) => {
                    let reserved = reserved.unwrap_or(length);
                    let spilled = room.spills(reserved);
                    room.commit(length, reserved);
                    let content = content(before + index);
                    queue.push_back(Queued { content, archive_length: length, spilled });
                    self.wake(1 - side, Half::Receiver);
                }
                (Some(Posting::Full), Some(which)) => {
                    let awaited = room.awaited(length);
                    self.ports[side].stalled = alone.then_some(awaited);
                    self.arm(Cell { side, half: Half::Sender }, which, Some(awaited))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the peer waits for room that it does not have, and does nothing else.
    fn peer_is_stuck(&self, side: Side) -> Fit {
        let peer = 1 - side;
        let reached = self.ports[peer].stalled.map(|it| self.ways[peer].room.has_reached(it));
        match reached {
            None | Some(Fit::Certain) => Fit::Impossible,
            Some(Fit::Possible) => Fit::Possible,
            Some(Fit::Impossible) => Fit::Certain,
        }
    }

    fn drop_task(&mut self, side: Side) -> Verdict {
        self.ports[side].stalled = None;
        self.disarm(Cell { side, half: Half::Sender })
    }

    /// Why nothing can be posted at `side`, if so.
    fn refusal(&self, side: Side) -> Option<Posting> {
        if self.closed_first.is_some() {
            Some(Posting::Closed)
        } else {
            (!self.ports[1 - side].receiver).then_some(Posting::Disconnected)
        }
    }

    pub(crate) fn post_batch(&mut self, side: Side, values: &[Value], whole: bool) -> Verdict {
        if !self.ports[side].sender {
            return self.impossible();
        }
        let seen = self.next("a batch")?;
        let Seen::PostBatch { serial, asked, writes, outcome } = seen else {
            return Err(format!("a batch was due, but {seen:?} was observed"));
        };
        let is_panicked = |writes: &Vec<Write>| writes.last() == Some(&Write::Panicked);
        let (posted, refusal) = match outcome {
            Batched::Posted(posted) => (posted, None),
            Batched::Refused(refusal) => (0, Some(refusal)),
            Batched::Panicked => {
                let at = writes.iter().position(is_panicked);
                (at.unwrap_or(values.len()), Some(Posting::Panicked))
            }
        };
        let tried = values.len().min(posted + 1);
        must_be("the number of messages asked for", &asked, &tried)?;
        if posted > values.len() || posted == values.len() && refusal.is_some() {
            return Err(format!("{posted} of {} messages and {refusal:?}", values.len()));
        }
        for (index, value) in values[..tried].iter().enumerate() {
            let outcome = if index < posted { Some(Posting::Done) } else { refusal };
            let (serial, writes) = (serial + index as u64, (writes[index].clone(), 0));
            self.posted_value(side, value, serial, writes, outcome, How::Wait, whole)?;
        }
        self.check_wakes()
    }

    pub(crate) fn post_archived(&mut self, side: Side, whole: bool) -> Verdict {
        if !self.ports[side].sender {
            return self.impossible();
        }
        let seen = self.next("an archive")?;
        let Seen::PostArchived { archive, outcome } = seen else {
            return Err(format!("an archive was due, but {seen:?} was observed"));
        };
        let (needed, max) = (archive.len(), self.ways[side].room.max_message_len());
        if needed > max {
            let due = Posting::TooLarge { needed, max };
            return must_be("the post of too long an archive", &outcome, &due);
        }
        let content = self.ways[side].kind.read(&archive);
        if content.is_none() {
            return must_be("the post of a wrong archive", &outcome, &Posting::DataClone);
        }
        let (outcome, how) = (Some(outcome), How::Wait);
        // Where all archives have one size, what is in front of the root is not posted.
        let length = self.ways[side].kind.one_size().unwrap_or(needed);
        let writes = self.uncounted(side, length, outcome);
        let content = |_| content;
        let attempt = Attempt { writes, before: 0, content: &content, outcome, how, alone: whole };
        self.attempt(side, attempt)?;
        self.check_wakes()
    }

    pub(crate) fn post_in_task(
        &mut self,
        side: Side,
        value: &Value,
        rival: &Rival,
        acts: &[Act],
    ) -> Verdict {
        if !self.ports[side].sender {
            return self.impossible();
        }
        self.ports[side].busy = true;
        self.task_against(side, value, rival, acts)?;
        self.ports[side].busy = false;
        self.drop_task(side)
    }

    fn task_against(&mut self, side: Side, value: &Value, rival: &Rival, acts: &[Act]) -> Verdict {
        let (peer, whole) = (1 - side, self.ports[side].whole);
        let mut written = 0;
        let mut poll = |oracle: &mut Self, which| -> Verdict<bool> {
            let how = How::Async(which);
            Ok(oracle.poll(side, value, &mut written, how, whole)? == Posting::Full)
        };
        if !poll(self, 0)? {
            return Ok(());
        }
        let both_whole = whole && self.ports[peer].whole;
        match rival {
            Rival::Nothing | Rival::Task(_) => {}
            _ if !both_whole => self.impossible()?,
            Rival::Post(value) => self.post(peer, value, How::Wait, true)?,
            Rival::Batch(values) => self.post_batch(peer, values, true)?,
            Rival::Archived(_) => self.post_archived(peer, true)?,
        }
        self.check_wakes()?;
        self.perform(side, acts, super::oracle::Own::Nothing)?;
        let Rival::Task(rival) = rival else {
            return poll(self, 1).map(drop);
        };
        if !self.ports[peer].sender {
            return self.impossible();
        }
        let mut rival_written = 0;
        let mut poll_rival = |oracle: &mut Self, which| -> Verdict<bool> {
            let (how, whole) = (How::Async(which), oracle.ports[peer].whole);
            Ok(oracle.poll(peer, rival, &mut rival_written, how, whole)? == Posting::Full)
        };
        let mut rival_waits = poll_rival(self, 0)?;
        let waits = poll(self, 1)?;
        if rival_waits && waits {
            rival_waits = poll_rival(self, 1)?;
        }
        self.drop_task(peer)?;
        if waits && !rival_waits {
            poll(self, 0)?;
        }
        Ok(())
    }

    /// The operation without what would wait for ever, since nobody else is there; `None` if
    /// nothing remains.
    pub(crate) fn without_a_wait(&self, side: Side, operation: &Operation) -> Option<Operation> {
        let remains = match operation {
            Operation::Post { value, how: How::Wait, times } => {
                self.sure_of(side, std::iter::repeat_n(value, *times)) == *times
            }
            Operation::PostArchived(archive) => {
                let Way { kind, room, .. } = &self.ways[side];
                let length = archive.damage.length(kind.archive_length(&archive.value, 0));
                self.refusal(side).is_some()
                    || length > room.max_message_len()
                    || room.clone().fit(length) == Fit::Certain
            }
            Operation::PostBatch(values) => {
                let sure = self.sure_of(side, values.iter());
                return Some(Operation::PostBatch(values[..sure].to_vec()));
            }
            Operation::Receive { how: How::Wait, .. } => {
                self.ports[side].closed || self.len(side) > 0 || self.has_ended(side)
            }
            _ => true,
        };
        remains.then(|| operation.clone())
    }

    /// How many of the messages are posted or refused, one after the other, without a wait.
    fn sure_of<'a>(&self, side: Side, values: impl Iterator<Item = &'a Value>) -> usize {
        let Way { kind, room, .. } = &self.ways[side];
        let mut room = room.clone();
        let is_sure = |value: &&Value| {
            let length = kind.archive_length(value, 0);
            let honest = match value.manner {
                _ if !kind.has_manners() => true,
                Manner::Honest | Manner::FalseLength(_) => true,
                Manner::Fail(at) | Manner::Panic(at) if at == 0 => return true,
                _ => false,
            };
            if self.refusal(side).is_some() || length > room.max_message_len() {
                return true;
            }
            let sure = honest && room.fit(length) == Fit::Certain;
            if sure {
                room.commit(length, length);
            }
            sure
        };
        values.take_while(is_sure).count()
    }
}

/// The outcomes that a post may have whose last write, number `index`, made an archive of `length`
/// bytes, with room made for `reserved` bytes before it. `stuck` says whether the peer waits for
/// this port.
fn allowed(
    room: &mut Room,
    length: usize,
    index: usize,
    reserved: Option<usize>,
    refusal: Option<Posting>,
    stuck: Fit,
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
        if stuck != Fit::Certain {
            allowed.push(Posting::Full);
        }
        if stuck != Fit::Impossible {
            allowed.push(Posting::WouldDeadlock);
        }
    }
    allowed
}
