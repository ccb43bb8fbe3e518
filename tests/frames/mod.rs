//! The arithmetic of frames and blocks, against arithmetic that never wraps.
//!
//! The model's positions are `u128` far from both ends; the ring's are their lower bits. An input
//! is the numbers to check with, then steps of a ring that is filled and emptied.

#[allow(dead_code, reason = "what only the ring needs is not checked here")]
#[path = "../../src/ring/frame.rs"]
mod frame;

mod blocks;

use std::collections::VecDeque;

use frame::{HEADER, Kind, MAX_CAPACITY, MIN_CAPACITY, Place, SLOT};

pub(crate) fn check(input: &[u8]) -> Result<(), String> {
    let mut numbers = Numbers(input);
    let doublings = u64::from(MAX_CAPACITY.ilog2() - MIN_CAPACITY.ilog2());
    let capacity = MIN_CAPACITY << (numbers.next() % (doublings + 1));
    sizes(&mut numbers, capacity)?;
    words(&mut numbers)?;
    cursors(&mut numbers, capacity)?;
    places(&mut numbers, capacity)?;
    blocks::check(&mut Numbers(numbers.0))?;
    laps(&mut numbers)
}

/// Numbers of eight bytes each, zero where the input has ended.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next(&mut self) -> u64 {
        let (bytes, rest) = self.0.split_at(self.0.len().min(8));
        self.0 = rest;
        let mut number = [0; 8];
        number[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(number)
    }

    /// A number up to `max`, as often close to the ends as in between.
    fn up_to(&mut self, max: usize) -> usize {
        let number = low(self.next().into());
        match number % 4 {
            0 => (number >> 2) % 64 % (max.saturating_add(1).max(1)),
            1 => max - (number >> 2) % 64 % (max.saturating_add(1).max(1)),
            _ => (number >> 2) % max.saturating_add(1).max(1),
        }
    }

    fn slots_up_to(&mut self, max: usize) -> usize {
        self.up_to(max / SLOT) * SLOT
    }

    /// A position, also where the ring's counter wraps, that has lower bits to spare.
    fn position(&mut self) -> u128 {
        let far = 1 << 100;
        let number = u128::from(self.next());
        let around_the_wrap = (number & 1) * (u128::from(u64::MAX) - 1023 - (number & 0x3ff));
        (far + around_the_wrap + (number & !0x3ff)) & !(SLOT as u128 - 1)
    }
}

/// The lower bits of a model's position: what the ring calculates with.
#[allow(clippy::cast_possible_truncation, reason = "that is what it is for")]
fn low(position: u128) -> usize {
    position as usize
}

fn require(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

fn sizes(numbers: &mut Numbers<'_>, capacity: usize) -> Result<(), String> {
    let length = numbers.up_to(MAX_CAPACITY);
    let size = frame::size(length) as u128;
    let needed = length as u128 + HEADER as u128;
    require(size.is_multiple_of(16) && size >= needed && size < needed + 16, || {
        format!("an archive of {length} bytes makes a frame of {size}")
    })?;
    let max = frame::max_in_place(capacity);
    let longer_fits = frame::size(max + 1) <= capacity / 2 && max + 1 < 1 << 30;
    require(frame::size(max) <= capacity / 2 && !longer_fits, || {
        format!("up to {max} bytes go into a ring of {capacity}")
    })
}

fn words(numbers: &mut Numbers<'_>) -> Result<(), String> {
    let length = numbers.up_to((1 << 30) - 1);
    let mut seen = vec![frame::EMPTY];
    // Only a message has a length.
    let frames = [(Kind::Message, length), (Kind::Skip, 0), (Kind::Spill, 0), (Kind::Switch, 0)];
    for (kind, length) in frames {
        let word = frame::word(kind, length);
        require(
            frame::kind(word) == Some(kind)
                && frame::is_message(word) == (kind == Kind::Message)
                && (kind != Kind::Message || frame::length(word) == length)
                && !seen.contains(&word),
            || format!("{kind:?} of {length} bytes becomes {word:#x}"),
        )?;
        seen.push(word);
    }
    require(frame::kind(frame::EMPTY).is_none(), || "an empty word is a frame".to_owned())
}

fn cursors(numbers: &mut Numbers<'_>, capacity: usize) -> Result<(), String> {
    let position = numbers.position();
    let next_lap = (position / capacity as u128 + 1) * capacity as u128;
    require(frame::next_lap(low(position), capacity) == low(next_lap), || {
        format!("the lap after {position}, capacity {capacity}")
    })?;
    let further = numbers.up_to(capacity) as u128;
    require(frame::distance(low(position), low(position + further)) as u128 == further, || {
        format!("{further} bytes from {position}")
    })?;
    require(
        frame::limit(low(position), capacity) == low(position + capacity as u128 - 16),
        || format!("the limit for {position}, capacity {capacity}"),
    )?;
    let (near, far) = (low(position), low(position + further));
    require(frame::later(near, far) == far && frame::later(far, near) == far, || {
        format!("the later one of {position} and {further} more")
    })?;
    require(
        frame::reached(low(position + further), low(position))
            && frame::reached(low(position), low(position + further)) == (further == 0),
        || format!("{position} and {further} more"),
    )
}

fn places(numbers: &mut Numbers<'_>, capacity: usize) -> Result<(), String> {
    let head = numbers.position();
    let used = numbers.slots_up_to(capacity - SLOT);
    let tail = head + used as u128;
    let size = numbers.slots_up_to(capacity / 2).max(SLOT);
    let (place, expected) =
        (frame::place(low(head), low(tail), size, capacity), place(head, tail, size, capacity));
    require(place == expected, || {
        format!(
            "{size} bytes, head {head}, tail {tail}, capacity {capacity}: {place:?}, not {expected:?}"
        )
    })
}

/// Where a frame goes, by going through what is possible.
fn place(head: u128, tail: u128, size: usize, capacity: usize) -> Place {
    let (size, capacity) = (size as u128, capacity as u128);
    let fits_into_lap = tail % capacity + size <= capacity;
    let next_lap = tail - tail % capacity + capacity;
    let end = if fits_into_lap { tail + size } else { next_lap + size };
    // The header of the frame after this one stands in the slot after its end, and the first
    // slot that is not free is the one in which the header of the frame at `head` stands.
    let first_head = end + 16 - capacity;
    if head >= first_head {
        if fits_into_lap { Place::Here } else { Place::NextLap }
    } else {
        Place::WaitFor(low(first_head))
    }
}

/// Fills and empties a small ring that remembers for each byte whose it is.
fn laps(numbers: &mut Numbers<'_>) -> Result<(), String> {
    let capacity = MIN_CAPACITY << (numbers.next() % 5);
    let mut ring = Ring {
        head: numbers.position() / capacity as u128 * capacity as u128,
        tail: 0,
        taken: vec![false; capacity],
        frames: VecDeque::new(),
    };
    ring.tail = ring.head;
    for step in numbers.0 {
        let step = usize::from(*step);
        if step % 4 == 0 {
            ring.release();
        } else {
            // Every size up to half the ring, and half the ring more often.
            let size = SLOT * (1 + (step / 4)) % (capacity / 2 + SLOT);
            ring.post(size.max(SLOT))?;
        }
    }
    Ok(())
}

struct Ring {
    head: u128,
    tail: u128,
    /// By the offset in the ring.
    taken: Vec<bool>,
    /// Position and size of the frames from `head` to `tail`, skipped runs included.
    frames: VecDeque<(u128, usize)>,
}

impl Ring {
    fn post(&mut self, size: usize) -> Result<(), String> {
        let capacity = self.taken.len();
        match frame::place(low(self.head), low(self.tail), size, capacity) {
            Place::Here => self.put(size),
            Place::NextLap => {
                let next_lap = frame::next_lap(low(self.tail), capacity);
                self.put(frame::distance(low(self.tail), next_lap))?;
                require(low(self.tail).is_multiple_of(capacity), || "no new lap".to_owned())?;
                self.put(size)
            }
            Place::WaitFor(_) => require(!self.frames.is_empty(), || {
                format!("{size} bytes do not fit an empty ring of {capacity} at {}", self.tail)
            }),
        }
    }

    fn put(&mut self, size: usize) -> Result<(), String> {
        let capacity = self.taken.len();
        let start = self.tail - HEADER as u128;
        for byte in start..start + size as u128 {
            let taken = &mut self.taken[low(byte % capacity as u128)];
            require(!std::mem::replace(taken, true), || {
                format!("byte {byte} of {size} at {} is another frame's", self.tail)
            })?;
        }
        require(low(self.tail) % capacity + size <= capacity, || {
            format!("{size} bytes at {} reach past their lap", self.tail)
        })?;
        self.frames.push_back((self.tail, size));
        self.tail += size as u128;
        let next_header = (self.tail - HEADER as u128) % capacity as u128;
        require(!self.taken[low(next_header)], || {
            format!("the header at {} is another frame's", self.tail)
        })
    }

    fn release(&mut self) {
        let Some((position, size)) = self.frames.pop_front() else { return };
        let start = position - HEADER as u128;
        for byte in start..start + size as u128 {
            let offset = byte % self.taken.len() as u128;
            self.taken[low(offset)] = false;
        }
        self.head = position + size as u128;
    }
}
