//! Copies values whose bytes are their archive.

use std::mem::MaybeUninit;

use crate::message::Message;

/// Bytes of values that are copied word by word.
const FEW_WORDS: usize = 128;

/// Copies a value whose bytes are its archive to a place that is as long.
///
/// A message has mostly just been written, field by field, and may still be in the CPU's store
/// buffer. A load of several fields at once cannot be served from there and waits until they have
/// all reached the cache, which takes as long as the stores into the ring before them. Loads of
/// single words can be served, so small values are copied by words, which the compiler must not
/// combine.
#[inline(always)]
pub(crate) fn copy<T: Message>(message: &T, place: &mut [MaybeUninit<u8>]) {
    const WORD: usize = size_of::<u64>();
    let (from, to) = (std::ptr::from_ref(message).cast::<u8>(), place.as_mut_ptr().cast::<u8>());
    let size = size_of::<T>();
    debug_assert!(place.len() == size);
    let words = if size <= FEW_WORDS && align_of::<T>() >= WORD { size / WORD } else { 0 };
    let mut word = 0;
    while word < words {
        // SAFETY: the type attests through `CopyOptimization` that it is trivially copyable and
        // that all its bytes are initialised; the word is inside of it and, as `T`, aligned.
        let value = unsafe { from.add(word * WORD).cast::<u64>().read_volatile() };
        // SAFETY: the place is as long as the value, and borrowed uniquely.
        unsafe { to.add(word * WORD).cast::<u64>().write_unaligned(value) };
        word += 1;
    }
    let copied = words * WORD;
    // SAFETY: as above, for what is left of both.
    unsafe { std::ptr::copy_nonoverlapping(from.add(copied), to.add(copied), size - copied) };
}
