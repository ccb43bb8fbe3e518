//! The names of properties that messages had lately, so that few are put together anew.

use std::cell::{Cell, RefCell};

use message_port_structured::{Builder, NodeId};
use rquickjs::class::{Trace, Tracer};
use rquickjs::{Ctx, Result};

use crate::engine::{Keys, Name};

/// Places for names. Each name has one, which it shares with others: the latest has it.
const PLACES: usize = 256;

/// Units of the longest name that is remembered.
const LONGEST: usize = 48;

/// A name and its text, which is ASCII.
struct Entry<'js> {
    name: Name<'js>,
    text: Box<str>,
    /// The message for which it was written last, and as what.
    written: Cell<Option<(u64, NodeId)>>,
}

type Entries<'js> = RefCell<Vec<Option<Entry<'js>>>>;

pub(crate) struct Names<'js> {
    /// By the number of the name.
    by_number: Entries<'js>,
    /// By the hash of the text.
    by_text: Entries<'js>,
    /// Messages that were begun.
    messages: Cell<u64>,
}

impl<'js> Names<'js> {
    pub(crate) fn new() -> Self {
        let empty = || RefCell::new(std::iter::repeat_with(|| None).take(PLACES).collect());
        Self { by_number: empty(), by_text: empty(), messages: Cell::new(0) }
    }

    /// The number of a message that is begun.
    pub(crate) fn begin(&self) -> u64 {
        self.messages.set(self.messages.get() + 1);
        self.messages.get()
    }

    /// Writes the text of a key into the message of that number, unless it is there already;
    /// `None` if it is long, or not ASCII.
    pub(crate) fn write(
        &self,
        keys: &Keys<'js>,
        index: usize,
        message: u64,
        builder: &mut Builder,
    ) -> Result<Option<NodeId>> {
        let id = keys.id(index);
        let place = id.number() as usize % PLACES;
        if let Some(entry) = &self.by_number.borrow()[place]
            && entry.name.id() == id
        {
            return Ok(Some(match entry.written.get() {
                Some((written, node)) if written == message => node,
                _ => {
                    let node = builder.string(&entry.text);
                    entry.written.set(Some((message, node)));
                    node
                }
            }));
        }
        let text = keys.text(index)?;
        let text = text.as_string().and_then(|text| text.to_string().ok()).unwrap_or_default();
        if text.is_empty() || text.len() > LONGEST || !text.is_ascii() {
            return Ok(None);
        }
        let node = builder.string(&text);
        let written = Cell::new(Some((message, node)));
        let entry = Entry { name: keys.name(index), text: text.into(), written };
        self.by_number.borrow_mut()[place] = Some(entry);
        Ok(Some(node))
    }

    /// Calls `f` with the name of a text of units below 256; `None` if it is not ASCII. No script
    /// may run in there.
    pub(crate) fn with_name(
        &self,
        ctx: &Ctx<'js>,
        text: &[u8],
        f: impl FnOnce(&Name<'js>) -> Result<()>,
    ) -> Result<Option<()>> {
        let place = hash(text) % PLACES;
        if let Some(entry) = &self.by_text.borrow()[place]
            && entry.text.as_bytes() == text
        {
            return f(&entry.name).map(Some);
        }
        let Some(text) = str::from_utf8(text).ok().filter(|text| text.is_ascii()) else {
            return Ok(None);
        };
        let name = Name::new(ctx, text)?;
        let result = f(&name);
        if text.len() <= LONGEST {
            let entry = Entry { name, text: text.into(), written: Cell::new(None) };
            self.by_text.borrow_mut()[place] = Some(entry);
        }
        result.map(Some)
    }
}

fn hash(text: &[u8]) -> usize {
    let hash = text.iter().fold(0_u32, |hash, byte| {
        (hash.rotate_left(5) ^ u32::from(*byte)).wrapping_mul(0x9e37_79b9)
    });
    (hash >> 16) as usize
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
