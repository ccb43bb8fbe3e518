//! The limits: two words with no queue at all, and a plain copy of bytes.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

use crate::link::{Duplex, ReceiveEnd, SendEnd};
use crate::payload::Reading;

/// Stands in a word from which nothing is to be read.
const EMPTY: u64 = u64::MAX;

/// Two words, each written by one side and polled by the other.
pub(crate) struct Words;

pub(crate) struct WordsEnd {
    to_peer: Arc<CachePadded<AtomicU64>>,
    from_peer: Arc<CachePadded<AtomicU64>>,
    last: u64,
}

impl Duplex<u64> for Words {
    type End = WordsEnd;

    fn open() -> (Self::End, Self::End) {
        let word = || Arc::new(CachePadded::new(AtomicU64::new(EMPTY)));
        let (a, b) = (word(), word());
        (
            WordsEnd { to_peer: Arc::clone(&a), from_peer: Arc::clone(&b), last: EMPTY },
            WordsEnd { to_peer: b, from_peer: a, last: EMPTY },
        )
    }
}

/// Every message differs from the one before, so nothing needs to be written back: each word has
/// one writer.
impl SendEnd<u64> for WordsEnd {
    #[inline(always)]
    fn send(&mut self, message: &u64) {
        self.to_peer.store(*message, Ordering::Release);
    }
}

impl ReceiveEnd<u64> for WordsEnd {
    #[inline(always)]
    fn receive<R: Reading>(&mut self) -> u64 {
        loop {
            let word = self.from_peer.load(Ordering::Acquire);
            if word != self.last {
                self.last = word;
                return R::owned(&word);
            }
            spin_loop();
        }
    }
}
