//! The arithmetic of blocks, against numbers that never wrap.
//!
//! The model counts messages from the first one of a segment on: where one lies, and what its
//! block's header says, follows from its number by a division. A ring of one byte per message
//! shows that what one lap writes is what the same lap reads.

#[allow(dead_code, reason = "what only the ring needs is not checked here")]
#[allow(clippy::inline_always, reason = "the attributes are the ring's")]
#[path = "../../src/ring/block.rs"]
mod block;

use std::collections::VecDeque;

use block::{Cursor, News, STEP, Shape};

use super::{Numbers, require};

/// Bytes of a header, and of the line that blocks are made for.
const HEADER: usize = 4;
const LINE: usize = 64;

/// From one lap to the next in a header, of 24 bits.
const LAPS: u128 = 1 << 24;

pub(super) fn check(numbers: &mut Numbers<'_>) -> Result<(), String> {
    let align = 1 << (numbers.next() % 5);
    let size = numbers.up_to(Shape::MAX_SIZE / align) * align;
    let shape = Shape::of(size, align);
    shapes(shape, size, align, numbers)?;
    let model = Model::of(shape, 1 + numbers.up_to(9), numbers);
    cursors(&model, numbers)?;
    laps(&model, numbers)
}

fn shapes(
    shape: Shape,
    size: usize,
    align: usize,
    numbers: &mut Numbers<'_>,
) -> Result<(), String> {
    let header = HEADER.max(align);
    let (count, stride) = (shape.count(), shape.stride());
    let capacity = 64 << (numbers.next() % 24);
    let what = || format!("{shape:?} for {size} bytes, aligned to {align}, in {capacity}");
    let end = header + count * size;
    require(shape.size() == size && end <= stride && count < 64, what)?;
    require(stride.is_multiple_of(header), what)?;
    // A line has several, and no room for one more; or each message has its own header and none
    // of the bytes behind it is unused but for the alignment.
    let is_line = stride == LINE && count >= 2 && (size == 0 || end + size > LINE);
    let is_one = count == 1 && header + 2 * size > LINE && stride - end < header;
    require(is_line || is_one, what)?;
    let blocks = (capacity / stride).max(1);
    require(shape.bytes(capacity) == (blocks + 1) * stride, what)?;
    require(shape.room(capacity) == blocks * count * STEP, what)
}

/// A segment of blocks.
struct Model {
    shape: Shape,
    header: usize,
    blocks: usize,
    bytes: usize,
    /// Laps that were made when a check begins.
    laps: u128,
}

impl Model {
    fn of(shape: Shape, blocks: usize, numbers: &mut Numbers<'_>) -> Self {
        let blocks = blocks + 1;
        // The first laps, the last ones before a header wraps, and any.
        let laps = match numbers.next() % 4 {
            0 => 0,
            1 => LAPS - 1 - u128::from(numbers.next() % 3),
            2 => u128::from(numbers.next() % 4),
            _ => u128::from(numbers.next()),
        };
        let header = Cursor::START.offset(shape);
        Self { shape, header, blocks, bytes: blocks * shape.stride(), laps }
    }

    fn per_lap(&self) -> u128 {
        (self.blocks * self.shape.count()) as u128
    }

    /// The number of the first message that is checked.
    fn first(&self) -> u128 {
        self.laps * self.per_lap()
    }

    fn count(&self) -> u128 {
        self.shape.count() as u128
    }

    /// Where message `number` lies: its block, and which one of that it is.
    fn place(&self, number: u128) -> (usize, usize) {
        let in_lap = small(number % self.per_lap());
        (in_lap / self.shape.count(), in_lap % self.shape.count())
    }

    /// The header of its block when `published` messages of that are published in its lap.
    fn word(&self, number: u128, published: usize) -> u32 {
        let lap = (1 + number / self.per_lap()) % LAPS;
        small32(lap * 256) + small32(published as u128)
    }

    fn cursor(&self, number: u128) -> Cursor {
        let (block, index) = self.place(number);
        Cursor { at: block * self.shape.stride(), word: self.word(number, index) }
    }

    /// What the header of its block was in the lap before.
    fn before(&self, number: u128) -> u32 {
        let lap = (number / self.per_lap()) % LAPS;
        small32(lap * 256) + small32(self.count())
    }
}

fn small(number: u128) -> usize {
    usize::try_from(number).expect("a place in a segment is small")
}

fn small32(number: u128) -> u32 {
    u32::try_from(number).expect("a header has 32 bits")
}

fn same(cursor: Cursor, other: Cursor) -> bool {
    (cursor.at, cursor.word) == (other.at, other.word)
}

/// Every question to a cursor, at any message, with every header that its block can have.
fn cursors(model: &Model, numbers: &mut Numbers<'_>) -> Result<(), String> {
    let (shape, count) = (model.shape, model.shape.count());
    let number = model.first() + numbers.up_to(2 * small(model.per_lap())) as u128;
    let cursor = model.cursor(number);
    let (block, index) = model.place(number);
    let what = |text: &str| {
        let text = text.to_owned();
        move || format!("{text}: message {number} of {shape:?}, {} blocks", model.blocks)
    };
    let offset = block * shape.stride() + model.header + index * shape.size();
    require(cursor.index() == index && cursor.offset(shape) == offset, what("its place"))?;
    require(offset + shape.size() <= (block + 1) * shape.stride(), what("its end"))?;
    require(cursor.is_last(shape) == (index + 1 == count), what("the last of its block"))?;
    let mut next = cursor;
    next.advance(shape, model.bytes);
    require(same(next, model.cursor(number + 1)), what("the next one"))?;
    let block_start = number - index as u128;
    let next_block = model.cursor(block_start + model.count());
    require(same(cursor.next_block(shape, model.bytes), next_block), what("the next block"))?;
    for ahead in 0..model.blocks {
        let due = model.cursor(block_start + ahead as u128 * model.count());
        require(same(cursor.ahead(shape, ahead, model.bytes), due), what("a block ahead"))?;
        require(cursor.is_in_block_of(due) == (ahead == 0), what("the same block"))?;
    }
    let in_first_lap = (number / model.per_lap()).is_multiple_of(LAPS);
    require(cursor.is_in_first_lap() == in_first_lap, what("the first lap"))?;
    require(cursor.full(shape) == model.word(number, count), what("a full header"))?;

    // What may stand in the header while the consumer is at this message.
    for published in index..=count {
        let word = model.word(number, published);
        let due =
            if published == index { News::Nothing } else { News::Messages(published - index) };
        require(block::news(word, cursor) == due, what("news of this lap"))?;
        require((word == cursor.full(shape)) == (published == count), what("a full block"))?;
        // The switch is seen behind all messages, not in front of them.
        let switch = block::switch(Cursor { word, ..cursor });
        let due = if published == index { News::Switch } else { due };
        require(block::news(switch, cursor) == due, what("news with a switch"))?;
    }
    if index == 0 {
        for old in [block::untouched(cursor), model.before(number)] {
            require(block::news(old, cursor) == News::Nothing, what("news of an earlier lap"))?;
            require(old != cursor.full(shape), what("an earlier lap taken for a full one"))?;
        }
    }
    Ok(())
}

/// Posts and receives by the rules of the protocol, in a ring that remembers what is where.
fn laps(model: &Model, numbers: &mut Numbers<'_>) -> Result<(), String> {
    let shape = model.shape;
    let room = (model.blocks - 1) * shape.count();
    // In the first lap headers hold anything; 0x1ff would be news.
    let is_first = model.laps.is_multiple_of(LAPS);
    let garbage = |block: usize| match (is_first, block) {
        (true, 0) => block::untouched(Cursor::START),
        (true, _) => 0x1ff,
        (false, _) => model.before(model.first()),
    };
    let mut headers: Vec<u32> = (0..model.blocks).map(garbage).collect();
    let mut slots = vec![None; room + shape.count()];
    let mut posted = VecDeque::new();
    let (mut tail, mut next) =
        (Cursor { ..model.cursor(model.first()) }, model.cursor(model.first()));
    let mut number = model.first();
    let slot = |cursor: Cursor| cursor.at / shape.stride() * shape.count() + cursor.index();
    for step in numbers.0.iter().take(2000) {
        for _ in 0..step / 4 {
            if step % 4 < 2 {
                if posted.len() == room {
                    break;
                }
                if tail.is_last(shape) && tail.is_in_first_lap() {
                    let behind = tail.next_block(shape, model.bytes);
                    if behind.is_in_first_lap() {
                        headers[behind.at / shape.stride()] = block::untouched(behind);
                    }
                }
                let taken: &mut Option<u128> = &mut slots[slot(tail)];
                require(taken.replace(number).is_none(), || {
                    format!("message {number} is written over another one")
                })?;
                headers[tail.at / shape.stride()] = tail.word + 1;
                tail.advance(shape, model.bytes);
                posted.push_back(number);
                number += 1;
            } else {
                let due = posted.front().copied();
                let found = match block::news(headers[next.at / shape.stride()], next) {
                    News::Messages(_) => slots[slot(next)].take(),
                    News::Nothing => None,
                    News::Switch => return Err("a switch that nobody made".to_owned()),
                };
                require(found == due, || format!("{found:?} is found, {due:?} is next"))?;
                if posted.pop_front().is_none() {
                    break;
                }
                next.advance(shape, model.bytes);
            }
        }
    }
    Ok(())
}
