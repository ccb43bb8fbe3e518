//! Heap buffers for archives that do not fit half the ring.
//!
//! The producer allocates them and does all the accounting. A buffer travels to the consumer in a
//! spill frame and comes back through a bounded queue. In a direction that does not grow, the queue is
//! never full, since it has a place for every buffer. In one that grows, the producer offers as many
//! places as it wants buffers back, and the consumer frees the others.

use super::budget::Budget;
use super::buffer::{ReadRun, View, WriteRun};
use super::frame::{SLOT, SPILL_PAYLOAD};
use super::memory::Memory;
use super::returns::Returns;
use std::mem::offset_of;

/// The most buffers of a direction that does not grow: in flight, on the way back and idle together.
pub(crate) const BUFFERS: usize = 8;

/// The most buffers on the way back in a direction that grows, a power of two. In models it is one, so
/// that each place is soon used again; directions that do not grow have more places there too.
pub(super) const KEPT: usize = if cfg!(message_port_loom) { 1 } else { 32 };

/// Of a direction that may grow to `limit` bytes, the bytes of buffers that may be on the way back, and
/// as many idle, if that is more than one buffer.
pub(super) const fn kept_share(limit: usize) -> usize {
    limit / 8
}

/// Messages between two looks at the idle buffers.
pub(crate) const LOOK_EVERY: usize = 1024;

/// A buffer is freed if it has more than this many times the bytes of any recent message.
const ROOMY: usize = 4;

/// The way back of the buffers.
pub(super) type ReturnPath = Returns<Memory>;

/// The payload of a spill frame: a buffer on its way to the consumer.
#[derive(Debug)]
pub(super) struct Ticket {
    memory: Memory,
    /// Bytes of the archive in the buffer.
    length: usize,
}

const _: () = assert!(size_of::<Ticket>() <= SPILL_PAYLOAD && align_of::<Ticket>() <= SLOT);

impl Ticket {
    pub(super) fn new(memory: Memory, length: usize) -> Self {
        debug_assert!(length <= memory.len());
        Self { memory, length }
    }

    /// The buffer, and the bytes of the archive in it.
    pub(super) fn into_parts(self) -> (Memory, usize) {
        (self.memory, self.length)
    }

    /// Moves the ticket into the bytes of a frame.
    pub(super) fn put(self, mut run: WriteRun) {
        let place = run.as_mut_slice();
        assert!(place.len() == SPILL_PAYLOAD);
        #[allow(clippy::cast_ptr_alignment, reason = "payloads are aligned to a slot")]
        // SAFETY: the run is long enough, and payloads are aligned to a slot.
        unsafe {
            place.as_mut_ptr().cast::<Self>().write(self);
        }
    }

    /// Moves the ticket out of the spill frame at `position`.
    ///
    /// # Safety
    ///
    /// There is a spill frame at `position`, visible to this thread. Nobody writes it now, and nobody
    /// else takes its ticket.
    pub(super) unsafe fn take(view: View, position: usize) -> Self {
        // SAFETY: the caller promises this, and a frame never reaches past its lap.
        let run = unsafe { view.read(position, SPILL_PAYLOAD) };
        // SAFETY: `put` wrote a ticket here, and it is moved out once.
        unsafe { run.as_ptr().cast::<Self>().read() }
    }

    /// The archive of the spill frame at `position`, without taking it.
    ///
    /// # Safety
    ///
    /// There is a spill frame at `position`, visible to this thread. While the run lives, nobody writes
    /// the frame, takes its ticket, or writes or frees the buffer.
    pub(super) unsafe fn look(view: View, position: usize) -> ReadRun {
        // SAFETY: the caller promises this, and a frame never reaches past its lap.
        let run = unsafe { view.read(position, SPILL_PAYLOAD) };
        // SAFETY: `put` wrote a ticket here, aligned, and it stays here.
        let ticket = unsafe { run.as_ptr().cast::<Self>().as_ref() };
        ticket.memory.read(ticket.length)
    }

    /// Reads only the length of the archive from the spill frame at `position`.
    ///
    /// # Safety
    ///
    /// There is a spill frame at `position`, visible to this thread, and nobody writes it now.
    pub(super) unsafe fn length(view: View, position: usize) -> usize {
        // SAFETY: the caller promises this, and a frame never reaches past its lap.
        let run = unsafe { view.read(position, SPILL_PAYLOAD) };
        // SAFETY: the ticket is in the run, and the field is in the ticket.
        let length = unsafe { run.as_ptr().cast::<u8>().byte_add(offset_of!(Self, length)) };
        // SAFETY: `put` wrote a number here; the buffer itself is not touched.
        unsafe { length.cast::<usize>().read() }
    }
}

/// Why there is no buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoBuffer {
    /// The budget is used up until the consumer hands a buffer back.
    Later,
    /// The allocator has no memory.
    OutOfMemory,
}

/// The producer's side: every buffer that is neither with the consumer nor in flight.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Vec<Idle>,
    /// The number of buffers that exist, if they are counted.
    buffers: usize,
    /// How many there may be. `None` if the direction may grow: then the budget is the limit, and the
    /// consumer frees buffers that do not fit the way back.
    max_buffers: Option<usize>,
    /// How many idle ones are kept, if the direction may grow.
    kept: usize,
    /// The consumer's count of bytes freed when a buffer was last allocated, unless a look came since.
    freed: Option<usize>,
    /// Messages posted by the time of the last look.
    looked: usize,
    /// Bytes of the longest message since the last look.
    longest: usize,
    /// No buffer of more bytes was needed between the last two looks.
    enough: usize,
}

/// A buffer that nobody uses.
#[derive(Debug)]
struct Idle {
    memory: Memory,
    /// It was already idle at the last look.
    is_old: bool,
}

impl Idle {
    fn new(memory: Memory) -> Self {
        Self { memory, is_old: false }
    }
}

impl Pool {
    pub(super) fn new(max_buffers: Option<usize>) -> Self {
        Self {
            idle: Vec::new(),
            buffers: 0,
            max_buffers,
            kept: 1,
            freed: None,
            looked: 0,
            longest: 0,
            enough: usize::MAX,
        }
    }

    /// Frees buffers that were not needed for a while; `posted` counts the messages so far. No buffer
    /// may be prepared.
    pub(super) fn look(&mut self, posted: usize, returned: &ReturnPath, budget: &mut Budget) {
        if posted.wrapping_sub(self.looked) < LOOK_EVERY {
            return;
        }
        self.looked = posted;
        self.freed = None;
        self.fetch(returned, budget);
        self.enough = std::mem::take(&mut self.longest).saturating_mul(ROOMY);
        for index in (0..self.idle.len()).rev() {
            let idle = &mut self.idle[index];
            if std::mem::replace(&mut idle.is_old, true) || idle.memory.len() > self.enough {
                let Idle { memory, .. } = self.idle.remove(index);
                self.free(memory, budget);
                self.keep(self.kept - 1, returned);
            }
        }
    }

    /// Finds or makes a buffer of at least `bytes`, which must not exceed the budget. The buffer stays
    /// in the pool, so nothing is lost if it is not used.
    pub(super) fn prepare(
        &mut self,
        bytes: usize,
        returned: &ReturnPath,
        budget: &mut Budget,
    ) -> Result<(), NoBuffer> {
        self.longest = self.longest.max(bytes);
        self.fetch(returned, budget);
        let index = if let Some(index) = self.best_fit(bytes) {
            index
        } else {
            self.learn(bytes, returned, budget);
            self.allocate(bytes, budget)?
        };
        let last = self.idle.len() - 1;
        self.idle.swap(index, last);
        self.idle[last].is_old = false;
        Ok(())
    }

    /// The buffer that was prepared last.
    pub(super) fn prepared(&mut self) -> Option<&mut Memory> {
        self.idle.last_mut().map(|idle| &mut idle.memory)
    }

    /// Takes out the buffer that was prepared last.
    pub(super) fn take_prepared(&mut self) -> Option<Memory> {
        self.idle.pop().map(|idle| idle.memory)
    }

    /// Puts a buffer that was taken out back as the prepared one.
    pub(super) fn put_back(&mut self, prepared: Option<Memory>) {
        self.idle.extend(prepared.map(Idle::new));
    }

    /// Bytes of the buffers that make way for a segment: idle ones, and those on the way back.
    pub(super) fn spare_bytes(&self, returned: &ReturnPath) -> usize {
        self.idle_bytes().saturating_add(returned.weight())
    }

    fn idle_bytes(&self) -> usize {
        self.idle.iter().map(|idle| idle.memory.len()).sum()
    }

    /// Frees all idle buffers.
    pub(super) fn shrink(&mut self, returned: &ReturnPath, budget: &mut Budget) {
        self.fetch(returned, budget);
        while self.free_one(budget) {}
    }

    /// Frees all idle buffers and the list of them, once nothing is posted any more.
    pub(super) fn clear(&mut self, returned: &ReturnPath, budget: &mut Budget) {
        self.shrink(returned, budget);
        self.idle = Vec::new();
    }

    fn fetch(&mut self, returned: &ReturnPath, budget: &mut Budget) {
        let enough = self.enough.max(self.longest.saturating_mul(ROOMY));
        // SAFETY: the pool belongs to the producer.
        while let Some(memory) = unsafe { returned.pop() } {
            returned.lighten(memory.len());
            if memory.len() <= enough && self.idle.len() < self.most_idle() {
                self.idle.push(Idle::new(memory));
            } else {
                self.free(memory, budget);
            }
        }
        self.trim(budget);
    }

    /// Frees idle buffers that are too many to keep, if the direction may grow: the shortest first,
    /// since the others serve more messages.
    fn trim(&mut self, budget: &mut Budget) {
        if self.max_buffers.is_some() {
            return;
        }
        let share = kept_share(budget.limit());
        while self.idle.len() > self.kept || (self.idle.len() > 1 && self.idle_bytes() > share) {
            let lengths = self.idle.iter().map(|idle| idle.memory.len()).enumerate();
            let Some((shortest, _)) = lengths.min_by_key(|(_, length)| *length) else { return };
            let Idle { memory, .. } = self.idle.remove(shortest);
            self.free(memory, budget);
        }
    }

    fn most_idle(&self) -> usize {
        self.max_buffers.unwrap_or(KEPT)
    }

    /// Before a buffer of `bytes` is allocated: the buffers that the consumer has freed since the last
    /// allocation would have served now, so that many more are kept. A burst thus leaves what the burst
    /// before it lacked, and one that stays alone leaves one. Segments count as if they were buffers; at
    /// worst, too many are kept for a while.
    fn learn(&mut self, bytes: usize, returned: &ReturnPath, budget: &Budget) {
        let Some(before) = self.freed.replace(budget.freed()) else { return };
        let more = budget.freed().wrapping_sub(before) / bytes.max(1);
        let most = kept_share(budget.limit()) / bytes.max(1);
        self.keep(self.kept.saturating_add(more).min(most.max(self.kept)), returned);
    }

    /// Keeps so many buffers from now on, if the direction may grow, but one at least.
    fn keep(&mut self, buffers: usize, returned: &ReturnPath) {
        if self.max_buffers.is_none() {
            self.kept = buffers.clamp(1, KEPT);
            returned.offer(self.kept);
        }
    }

    fn best_fit(&self, bytes: usize) -> Option<usize> {
        let lengths = self.idle.iter().map(|idle| idle.memory.len()).enumerate();
        // Among equal ones take the last, which was used last, so that the others show as idle.
        let fitting = lengths.rev().filter(|(_, length)| *length >= bytes);
        fitting.min_by_key(|(_, length)| *length).map(|(index, _)| index)
    }

    fn allocate(&mut self, bytes: usize, budget: &mut Budget) -> Result<usize, NoBuffer> {
        let in_use = budget.allocated() - self.idle_bytes();
        let all_travel = self.max_buffers.is_some_and(|max| self.buffers - self.idle.len() == max);
        if all_travel || bytes > budget.limit() - in_use {
            return Err(NoBuffer::Later);
        }
        while !self.fits(bytes, budget) {
            // Every idle buffer is too small for this message: free one for it.
            if !self.free_one(budget) {
                return Err(NoBuffer::Later);
            }
        }
        let generous = self.generous(bytes, budget);
        let size = if self.fits(generous, budget) { generous } else { bytes };
        let memory = match self.max_buffers {
            Some(_) => Memory::allocated(size),
            None => Memory::returnable_whole(size),
        };
        let memory = memory.ok_or(NoBuffer::OutOfMemory)?;
        if self.idle.capacity() == 0 {
            // One more is prepared.
            self.idle.reserve_exact(self.most_idle() + 1);
        }
        self.idle.push(Idle::new(memory));
        budget.take(size);
        self.count(1);
        Ok(self.idle.len() - 1)
    }

    /// Bytes to allocate for a message of `bytes`, so that other messages fit the buffer too.
    fn generous(&self, bytes: usize, budget: &Budget) -> usize {
        if self.max_buffers.is_none() {
            // A burst fills many buffers, and what is too much for one message is too much in each.
            return bytes;
        }
        // Still leaves room for two of the longest messages.
        bytes.next_power_of_two().min(budget.limit() / 2).max(bytes)
    }

    fn fits(&self, size: usize, budget: &Budget) -> bool {
        self.max_buffers.is_none_or(|max| self.buffers < max) && budget.has(size)
    }

    /// Counts a buffer more or less, unless the direction may grow: then the consumer frees some
    /// uncounted.
    fn count(&mut self, change: isize) {
        if self.max_buffers.is_some() {
            self.buffers = self.buffers.wrapping_add_signed(change);
        }
    }

    fn free_one(&mut self, budget: &mut Budget) -> bool {
        let Some(idle) = self.idle.pop() else { return false };
        self.free(idle.memory, budget);
        true
    }

    fn free(&mut self, memory: Memory, budget: &mut Budget) {
        budget.give_back(memory.len());
        self.count(-1);
        drop(memory);
    }
}

#[cfg(all(test, not(message_port_loom)))]
mod tests {
    use super::*;

    /// Takes a buffer of at least `bytes` out of the pool.
    fn take(
        pool: &mut Pool,
        bytes: usize,
        returned: &ReturnPath,
        budget: &mut Budget,
    ) -> Result<Memory, NoBuffer> {
        pool.prepare(bytes, returned, budget)?;
        let address = pool.prepared().unwrap().as_mut_slice().as_ptr();
        let mut memory = pool.take_prepared().unwrap();
        assert_eq!(memory.as_mut_slice().as_ptr(), address);
        assert!(memory.len() >= bytes);
        Ok(memory)
    }

    fn hand_back(returned: &ReturnPath, memory: Memory) {
        let bytes = memory.len();
        // SAFETY: nobody else uses the queue.
        unsafe { returned.push(memory, bytes) }.unwrap();
    }

    #[test]
    fn a_returned_buffer_is_used_again() {
        let returned = ReturnPath::new(BUFFERS);
        let (mut pool, mut budget) = (Pool::new(Some(BUFFERS)), Budget::new(1 << 20, 0));
        let mut memory = take(&mut pool, 1000, &returned, &mut budget).unwrap();
        let address = memory.as_mut_slice().as_ptr();
        hand_back(&returned, memory);
        let mut again = take(&mut pool, 900, &returned, &mut budget).unwrap();
        assert_eq!(again.as_mut_slice().as_ptr(), address);
    }

    #[test]
    fn the_budget_holds_and_small_buffers_make_way() {
        let returned = ReturnPath::new(BUFFERS);
        let (mut pool, mut budget) = (Pool::new(Some(BUFFERS)), Budget::new(4096, 0));
        let small = take(&mut pool, 1024, &returned, &mut budget).unwrap();
        let _large = take(&mut pool, 2048, &returned, &mut budget).unwrap();
        assert_eq!(take(&mut pool, 2000, &returned, &mut budget).unwrap_err(), NoBuffer::Later);
        hand_back(&returned, small);
        assert_eq!(take(&mut pool, 2000, &returned, &mut budget).unwrap().len(), 2048);
        assert_eq!(budget.allocated(), 4096);
    }

    #[test]
    fn there_are_never_more_buffers_than_the_way_back_has_places() {
        let returned = ReturnPath::new(BUFFERS);
        let (mut pool, mut budget) = (Pool::new(Some(BUFFERS)), Budget::new(1 << 20, 0));
        let mut away = Vec::new();
        for _ in 0..BUFFERS {
            away.push(take(&mut pool, 64, &returned, &mut budget).unwrap());
        }
        assert_eq!(take(&mut pool, 64, &returned, &mut budget).unwrap_err(), NoBuffer::Later);
        hand_back(&returned, away.pop().unwrap());
        assert!(take(&mut pool, 64, &returned, &mut budget).is_ok());
    }

    #[test]
    fn what_is_idle_makes_way_for_other_memory() {
        let returned = ReturnPath::new(1);
        let (mut pool, mut budget) = (Pool::new(None), Budget::new(4096, 1024));
        let memory = take(&mut pool, 2048, &returned, &mut budget).unwrap();
        assert!(!budget.has(2048));
        hand_back(&returned, memory);
        pool.shrink(&returned, &mut budget);
        assert_eq!(budget.allocated(), 1024);
    }

    /// A message much longer than all others leaves no memory behind, whether or not the others are
    /// spilled too.
    #[test]
    fn a_buffer_that_is_not_needed_for_a_while_is_let_go_of() {
        for max_buffers in [Some(BUFFERS), None] {
            for others in [None, Some(100)] {
                let returned = ReturnPath::new(BUFFERS);
                let (mut pool, mut budget) = (Pool::new(max_buffers), Budget::new(1 << 20, 0));
                let rare = take(&mut pool, 10_000, &returned, &mut budget).unwrap();
                hand_back(&returned, rare);
                for posted in (1..=3 * LOOK_EVERY).step_by(if cfg!(miri) { 61 } else { 1 }) {
                    pool.look(posted, &returned, &mut budget);
                    if let Some(bytes) = others {
                        let memory = take(&mut pool, bytes, &returned, &mut budget).unwrap();
                        hand_back(&returned, memory);
                    }
                }
                assert!(budget.allocated() <= 2 * others.unwrap_or(0), "{budget:?}");
            }
        }
    }

    /// A buffer comes back only after the look that would have freed it.
    #[test]
    fn a_buffer_that_comes_back_late_is_let_go_of() {
        let returned = ReturnPath::new(BUFFERS);
        let (mut pool, mut budget) = (Pool::new(Some(BUFFERS)), Budget::new(1 << 20, 0));
        let rare = take(&mut pool, 10_000, &returned, &mut budget).unwrap();
        pool.look(LOOK_EVERY, &returned, &mut budget);
        pool.look(2 * LOOK_EVERY, &returned, &mut budget);
        hand_back(&returned, rare);
        take(&mut pool, 100, &returned, &mut budget).unwrap();
        assert_eq!(budget.allocated(), 128);
        assert_eq!(pool.buffers, 1);
    }

    /// Buffers that a burst needed, and the messages after it do not.
    #[test]
    fn buffers_of_a_burst_are_let_go_of() {
        let returned = ReturnPath::new(BUFFERS);
        let (mut pool, mut budget) = (Pool::new(Some(BUFFERS)), Budget::new(1 << 20, 0));
        let burst: Vec<_> =
            (0..BUFFERS).map(|_| take(&mut pool, 1000, &returned, &mut budget).unwrap()).collect();
        for memory in burst {
            hand_back(&returned, memory);
        }
        for posted in (1..=3 * LOOK_EVERY).step_by(if cfg!(miri) { 61 } else { 1 }) {
            pool.look(posted, &returned, &mut budget);
            let memory = take(&mut pool, 1000, &returned, &mut budget).unwrap();
            hand_back(&returned, memory);
        }
        assert_eq!(budget.allocated(), 1024);
    }
}
