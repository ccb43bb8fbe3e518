//! What both sides do alike.

use std::io;
use std::thread;

use message_port::Message;

use crate::options::Options;
use crate::wire::{Format, Terms, TypeFormat};

/// What this side offers; `Up` is what the connector posts.
pub(crate) fn of<Up: Message, Down: Message>(options: &Options) -> Terms {
    let names = options.names.as_ref();
    let up = TypeFormat::of::<Up>(names.map(|names| &*names.0));
    let down = TypeFormat::of::<Down>(names.map(|names| &*names.1));
    Terms {
        window: options.window as u64,
        max_message_len: options.max_message_len as u64,
        format: Format::new(up, down),
    }
}

/// Starts a thread that nobody joins: links are waited for by their reports.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}
