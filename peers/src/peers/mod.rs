//! Everything that is compared, one family to a file.

pub(crate) mod base;
pub(crate) mod bbqueue;
pub(crate) mod channels;
pub(crate) mod moved;
pub(crate) mod ours;
pub(crate) mod rings;
pub(crate) mod slots;
mod tasks;
