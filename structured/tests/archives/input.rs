//! How the bytes of an input become an archive.

use rkyv::rancor::Error;
use rkyv::rend::u32_le;
use rkyv::util::AlignedVec;

#[path = "tables.rs"]
mod tables;

use tables::Tables;

/// The first byte of an input whose other bytes are an archive. Behind any other first byte stand the tables
/// of a value, in short: so that a mutation of an input is mostly still an archive, and what the value's own
/// check looks at.
pub(crate) const AS_IT_IS: u8 = 0;

pub(crate) fn archive(input: &[u8]) -> AlignedVec {
    let Some((&first, rest)) = input.split_first() else { return AlignedVec::new() };
    if first == AS_IT_IS {
        let mut archive = AlignedVec::new();
        archive.extend_from_slice(rest);
        return archive;
    }
    rkyv::to_bytes::<Error>(&tables(rest)).expect("tables can be archived")
}

/// The number of nodes, of links, and the root; the nodes, of seven bytes each; the links, of one; all that is
/// left is text and contents.
fn tables(input: &[u8]) -> Tables {
    let mut input = Input(input);
    let (nodes, links, root) = (input.byte(), input.byte(), input.link());
    Tables {
        nodes: (0..nodes).map_while(|_| input.node()).collect(),
        links: (0..links).map_while(|_| input.more().then(|| input.link())).collect(),
        bytes: input.0.to_vec(),
        root,
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn more(&self) -> bool {
        !self.0.is_empty()
    }

    /// The next byte; zero when there are none left.
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// A small number, or one of the largest ones, among them the link that stands for a hole.
    fn link(&mut self) -> u32_le {
        let byte = u32::from(self.byte());
        u32_le::from_native(if byte >= 0xf0 { u32::MAX - (0xff - byte) } else { byte })
    }

    /// A number of all sizes: a byte, shifted, or among the largest ones.
    fn number(&mut self, scale: u8) -> u32_le {
        let byte = u32::from(self.byte());
        u32_le::from_native(match scale {
            0xf => u32::MAX - byte,
            scale => byte << (u32::from(scale) * 2 % 32),
        })
    }

    fn node(&mut self) -> Option<[u32_le; 4]> {
        if !self.more() {
            return None;
        }
        let (kind, detail, scales) = (self.byte(), self.byte(), self.byte());
        let last = self.byte();
        // The upper bit of a detail is one of its flags; the kinds are few.
        let detail = u32::from(detail & 0x7f) << 8 | u32::from(detail >> 7) << 15;
        let head = (u32::from(kind) % 20) | detail | u32::from(kind >> 7) << 16;
        Some([
            u32_le::from_native(head),
            self.number(scales & 0xf),
            self.number(scales >> 4),
            self.number(last & 0xf),
        ])
    }
}
