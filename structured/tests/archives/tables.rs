//! A twin of the value that promises nothing.

use rkyv::rend::u32_le;
use rkyv::{Archive, Serialize};

/// What has the same archive as a value, whatever is in it.
#[derive(Archive, Serialize, Clone, Default)]
pub(crate) struct Tables {
    pub(crate) nodes: Vec<[u32_le; 4]>,
    pub(crate) links: Vec<u32_le>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) root: u32_le,
}
