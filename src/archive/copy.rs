//! Copies values whose bytes are their archive, and archives.

use std::mem::MaybeUninit;

use crate::archive::Message;

/// Values of up to this many bytes are copied word by word.
const FEW_WORDS: usize = 128;

/// Copies a value whose bytes are its archive to a place of the same length.
///
/// A message has usually just been written, field by field, and may still be in the CPU's store buffer.
/// That buffer cannot serve a load of several fields at once. Such a load waits until all of them have
/// reached the cache, behind the earlier stores into the ring. The buffer can serve loads of single
/// words. So small values are copied by words, which the compiler must not combine.
#[inline(always)]
pub(crate) fn copy<T: Message>(message: &T, place: &mut [MaybeUninit<u8>]) {
    const WORD: usize = size_of::<u64>();
    let size = size_of::<T>();
    assert!(place.len() == size);
    // SAFETY: the type attests through `CopyOptimization` that it is trivially copyable and that all
    // its bytes are initialised, which is more than `MaybeUninit` needs.
    let message: &[MaybeUninit<u8>] =
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(message).cast(), size) };
    let words = if size <= FEW_WORDS && align_of::<T>() >= WORD { size / WORD } else { 0 };
    let mut copied = 0;
    while copied < words * WORD {
        #[allow(clippy::cast_ptr_alignment, reason = "a multiple of a word from an aligned value")]
        let from = message[copied..].as_ptr().cast::<u64>();
        // SAFETY: the word is inside the value, aligned with it, and initialised.
        let word = unsafe { from.read_volatile() };
        place[copied..copied + WORD].copy_from_slice(&word.to_ne_bytes().map(MaybeUninit::new));
        copied += WORD;
    }
    place[copied..].copy_from_slice(&message[copied..]);
}

/// Copies bytes to a place of the same length, and returns them from there. Inlined into serialisation:
/// out of line, it halves the throughput of a stream of 1 KiB messages.
#[inline(always)]
pub(crate) fn put<'a>(place: &'a mut [MaybeUninit<u8>], bytes: &[u8]) -> &'a mut [u8] {
    assert!(place.len() == bytes.len());
    let to = place.as_mut_ptr().cast::<u8>();
    // SAFETY: both have the same length, and the place is borrowed uniquely.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    // SAFETY: all of it was just written.
    unsafe { std::slice::from_raw_parts_mut(to, bytes.len()) }
}
