//! The names of properties that messages had lately, so that few are put together anew.

use std::cell::{Cell, RefCell};

use message_port_structured::{Builder, NodeId};
use rquickjs::Ctx;
use rquickjs::class::{Trace, Tracer};

use crate::engine::{Name, NameId, Thrown, Walk};

/// Places for names. Each name has one, which it shares with others: the latest has it.
const PLACES: usize = 256;

/// Units of the longest name that is remembered.
const LONGEST: usize = 48;

/// A name and its text, which is ASCII.
struct Entry<'js> {
    name: Name<'js>,
    text: Box<str>,
}

/// For which message a name was written last, and as what.
#[derive(Clone, Copy)]
struct Written {
    name: NameId,
    message: u64,
    node: Option<NodeId>,
}

type Entries<'js> = RefCell<Vec<Option<Entry<'js>>>>;

pub(crate) struct Names<'js> {
    /// By the number of the name.
    by_number: Entries<'js>,
    /// The same places, each for the name that is there.
    written: [Cell<Written>; PLACES],
    /// By the hash of the text.
    by_text: Entries<'js>,
    /// Messages that were begun.
    messages: Cell<u64>,
}

impl<'js> Names<'js> {
    pub(crate) fn new() -> Self {
        let empty = || RefCell::new(std::iter::repeat_with(|| None).take(PLACES).collect());
        let never = Written { name: NameId::NONE, message: 0, node: None };
        let written = [never; PLACES].map(Cell::new);
        Self { by_number: empty(), written, by_text: empty(), messages: Cell::new(0) }
    }

    /// The number of a message that is begun.
    pub(crate) fn begin(&self) -> u64 {
        self.messages.set(self.messages.get() + 1);
        self.messages.get()
    }

    /// As what a name was written for the message of that number, if it is known that it was.
    #[inline]
    pub(crate) fn written(&self, name: NameId, message: u64) -> Option<NodeId> {
        let written = self.written[name.number() as usize % PLACES].get();
        if written.name == name && written.message == message { written.node } else { None }
    }

    /// Writes the text of a key into the message of that number; `None` if it is long, or not ASCII.
    pub(crate) fn write(
        &self,
        walk: &Walk<'js>,
        index: u32,
        message: u64,
        builder: &mut Builder,
    ) -> Result<Option<NodeId>, Thrown> {
        let name = walk.key(index);
        let place = name.number() as usize % PLACES;
        let known = {
            let entry = &self.by_number.borrow()[place];
            let known = entry.as_ref().filter(|entry| entry.name.id() == name);
            known.map(|entry| builder.string_latin1(entry.text.as_bytes()))
        };
        let node = if let Some(node) = known {
            node
        } else {
            let text = walk.key_text(index)?;
            let text = text.as_string().and_then(|text| text.to_string().ok()).unwrap_or_default();
            if text.is_empty() || text.len() > LONGEST || !text.is_ascii() {
                return Ok(None);
            }
            let entry = Entry { name: walk.key_name(index), text: text.into() };
            let node = builder.string(&entry.text);
            self.by_number.borrow_mut()[place] = Some(entry);
            node
        };
        self.written[place].set(Written { name, message, node: Some(node) });
        Ok(Some(node))
    }

    /// The name of a text of units below 256, for `f`; `None` if it is not ASCII.
    pub(crate) fn with_name<R>(
        &self,
        ctx: &Ctx<'js>,
        text: &[u8],
        f: impl FnOnce(&Name<'js>) -> R,
    ) -> Result<Option<R>, Thrown> {
        let place = hash(text) % PLACES;
        if let Some(entry) = &self.by_text.borrow()[place]
            && entry.text.as_bytes() == text
        {
            return Ok(Some(f(&entry.name)));
        }
        let Some(text) = str::from_utf8(text).ok().filter(|text| text.is_ascii()) else {
            return Ok(None);
        };
        let name = Name::new(ctx, text)?;
        let result = f(&name);
        if text.len() <= LONGEST {
            let entry = Entry { name, text: text.into() };
            self.by_text.borrow_mut()[place] = Some(entry);
        }
        Ok(Some(result))
    }
}

/// Of the length, the first 8 bytes and the last.
fn hash(text: &[u8]) -> usize {
    let word = |part: &[u8]| part.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
    let ends = match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(1)
        }
        _ => word(text),
    };
    let mixed = (ends ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    #[allow(clippy::cast_possible_truncation, reason = "the upper bits")]
    let hash = (mixed >> 48) as usize;
    hash
}

impl<'js> Trace<'js> for Names<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        for entries in [&self.by_number, &self.by_text] {
            if let Ok(entries) = entries.try_borrow() {
                entries.iter().flatten().for_each(|entry| entry.name.trace(tracer));
            }
        }
    }
}
