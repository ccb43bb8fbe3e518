//! Copies values whose bytes are their archive, and archives.

use std::mem::MaybeUninit;

use crate::archive::Message;

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
    let size = size_of::<T>();
    assert!(place.len() == size);
    // SAFETY: the type attests through `CopyOptimization` that it is trivially copyable and that all
    // its bytes are initialised; bytes that may hold anything lie in them all the more.
    let message: &[MaybeUninit<u8>] =
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(message).cast(), size) };
    let words = if size <= FEW_WORDS && align_of::<T>() >= WORD { size / WORD } else { 0 };
    let mut copied = 0;
    while copied < words * WORD {
        #[allow(clippy::cast_ptr_alignment, reason = "a multiple of a word from an aligned value")]
        let from = message[copied..].as_ptr().cast::<u64>();
        // SAFETY: the word is inside of the value, as aligned as that is, and initialised.
        let word = unsafe { from.read_volatile() };
        place[copied..copied + WORD].copy_from_slice(&word.to_ne_bytes().map(MaybeUninit::new));
        copied += WORD;
    }
    place[copied..].copy_from_slice(&message[copied..]);
}

/// Copies bytes to a place that is as long, and gives them back from there. Inlined where a message
/// is serialised: out of line it halves a stream of 1 KiB.
#[inline(always)]
pub(crate) fn put<'a>(place: &'a mut [MaybeUninit<u8>], bytes: &[u8]) -> &'a mut [u8] {
    assert!(place.len() == bytes.len());
    let to = place.as_mut_ptr().cast::<u8>();
    // SAFETY: both are as long, and the place is borrowed uniquely.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    // SAFETY: all of it was just written.
    unsafe { std::slice::from_raw_parts_mut(to, bytes.len()) }
}
