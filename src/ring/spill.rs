//! Heap buffers for archives that do not fit half the ring.
//!
//! The producer allocates and frees them, the consumer only hands them back, so all the
//! accounting is private to the producer. A buffer travels to the consumer inside a spill frame
//! and back through a bounded queue that can never be full: there are never more buffers than it
//! has places.

use super::buffer::{Buffer, Memory, WriteRun};
use super::frame::{SLOT, SPILL_PAYLOAD};
use crate::sync::ArrayQueue;
use std::mem::offset_of;

/// Buffers that one direction may have, on the way, on the way back and idle together.
pub(crate) const BUFFERS: usize = 8;

/// The way back of the buffers.
pub(crate) type ReturnPath = ArrayQueue<Memory>;

/// What stands in the payload of a spill frame: a buffer on its way to the consumer.
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
    /// There is a spill frame at `position`, visible to this thread; nobody writes it now, and
    /// nobody else takes its ticket.
    pub(super) unsafe fn take(buffer: &Buffer, position: usize) -> Self {
        // SAFETY: passed on to the caller; a frame never reaches past its lap.
        let run = unsafe { buffer.read(position, SPILL_PAYLOAD) };
        // SAFETY: `put` wrote a ticket here, and it is moved out once.
        unsafe { run.as_ptr().cast::<Self>().read() }
    }

    /// Reads only the length of the archive from the spill frame at `position`.
    ///
    /// # Safety
    ///
    /// There is a spill frame at `position`, visible to this thread, and nobody writes it now.
    pub(super) unsafe fn length(buffer: &Buffer, position: usize) -> usize {
        // SAFETY: passed on to the caller; a frame never reaches past its lap.
        let run = unsafe { buffer.read(position, SPILL_PAYLOAD) };
        // SAFETY: the ticket is in the run, and the field is in the ticket.
        let length = unsafe { run.as_ptr().cast::<u8>().byte_add(offset_of!(Self, length)) };
        // SAFETY: `put` wrote a number here; the buffer stays where it is.
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

/// The producer's side: every buffer that is not with the consumer or on its way.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Vec<Memory>,
    /// Bytes in all buffers that exist.
    allocated: usize,
    /// All buffers that exist.
    buffers: usize,
    /// Bytes that `allocated` may reach.
    budget: usize,
}

impl Pool {
    pub(super) fn new(budget: usize) -> Self {
        Self { idle: Vec::new(), allocated: 0, buffers: 0, budget }
    }

    /// Finds or makes a buffer of at least `bytes`, which must not exceed the budget, and leaves
    /// it in the pool: nothing is lost when it is not used.
    pub(super) fn prepare(&mut self, bytes: usize, returned: &ReturnPath) -> Result<(), NoBuffer> {
        debug_assert!(bytes <= self.budget);
        while let Some(memory) = returned.pop() {
            self.idle.push(memory);
        }
        let index = match self.best_fit(bytes) {
            Some(index) => index,
            None => self.allocate(bytes)?,
        };
        let last = self.idle.len() - 1;
        self.idle.swap(index, last);
        Ok(())
    }

    /// The buffer that was prepared last.
    pub(super) fn prepared(&mut self) -> Option<&mut Memory> {
        self.idle.last_mut()
    }

    /// Takes out the buffer that was prepared last.
    pub(super) fn take_prepared(&mut self) -> Option<Memory> {
        self.idle.pop()
    }

    fn best_fit(&self, bytes: usize) -> Option<usize> {
        let fitting = self.idle.iter().enumerate().filter(|(_, memory)| memory.len() >= bytes);
        fitting.min_by_key(|(_, memory)| memory.len()).map(|(index, _)| index)
    }

    fn allocate(&mut self, bytes: usize) -> Result<usize, NoBuffer> {
        let idle: usize = self.idle.iter().map(Memory::len).sum();
        let travelling = self.allocated - idle;
        if self.buffers - self.idle.len() == BUFFERS || bytes > self.budget - travelling {
            return Err(NoBuffer::Later);
        }
        while !self.fits(bytes) {
            // Every idle buffer is too small for this message: give one up for it.
            let Some(memory) = self.idle.pop() else { return Err(NoBuffer::Later) };
            self.allocated -= memory.len();
            self.buffers -= 1;
        }
        // Not so generous that two of the longest messages would not fit.
        let generous = bytes.next_power_of_two().min(self.budget / 2).max(bytes);
        let size = if self.fits(generous) { generous } else { bytes };
        let memory = Memory::zeroed(size).ok_or(NoBuffer::OutOfMemory)?;
        if self.idle.capacity() == 0 {
            self.idle.reserve_exact(BUFFERS);
        }
        self.idle.push(memory);
        self.allocated += size;
        self.buffers += 1;
        Ok(self.idle.len() - 1)
    }

    fn fits(&self, size: usize) -> bool {
        self.buffers < BUFFERS && size <= self.budget - self.allocated
    }
}

#[cfg(all(test, not(message_port_loom)))]
mod tests {
    use super::*;

    /// Takes a buffer of at least `bytes` out of the pool.
    fn take(pool: &mut Pool, bytes: usize, returned: &ReturnPath) -> Result<Memory, NoBuffer> {
        pool.prepare(bytes, returned)?;
        let address = pool.prepared().unwrap().as_mut_slice().as_ptr();
        let mut memory = pool.take_prepared().unwrap();
        assert_eq!(memory.as_mut_slice().as_ptr(), address);
        assert!(memory.len() >= bytes);
        Ok(memory)
    }

    #[test]
    fn a_returned_buffer_is_used_again() {
        let returned = ReturnPath::new(BUFFERS);
        let mut pool = Pool::new(1 << 20);
        let mut memory = take(&mut pool, 1000, &returned).unwrap();
        let address = memory.as_mut_slice().as_ptr();
        returned.push(memory).unwrap();
        assert_eq!(take(&mut pool, 900, &returned).unwrap().as_mut_slice().as_ptr(), address);
    }

    #[test]
    fn the_budget_holds_and_small_buffers_make_way() {
        let returned = ReturnPath::new(BUFFERS);
        let mut pool = Pool::new(4096);
        let small = take(&mut pool, 1024, &returned).unwrap();
        let _large = take(&mut pool, 2048, &returned).unwrap();
        assert_eq!(take(&mut pool, 2000, &returned).unwrap_err(), NoBuffer::Later);
        returned.push(small).unwrap();
        assert_eq!(take(&mut pool, 2000, &returned).unwrap().len(), 2048);
        assert_eq!(pool.allocated, 4096);
    }

    #[test]
    fn there_are_never_more_buffers_than_the_way_back_has_places() {
        let returned = ReturnPath::new(BUFFERS);
        let mut pool = Pool::new(1 << 20);
        let mut away = Vec::new();
        for _ in 0..BUFFERS {
            away.push(take(&mut pool, 64, &returned).unwrap());
        }
        assert_eq!(take(&mut pool, 64, &returned).unwrap_err(), NoBuffer::Later);
        returned.push(away.pop().unwrap()).unwrap();
        assert!(take(&mut pool, 64, &returned).is_ok());
    }
}
