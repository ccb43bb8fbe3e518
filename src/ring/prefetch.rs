//! Brings cache lines in before they are needed.
//!
//! The lines of a ring travel between two cores, and each takes as long as dozens of messages. What the
//! CPU prefetches by itself does not suffice: it loads a few lines at a time, each for as long as a
//! message is in work, and never takes a line for writing before there is something to write. So each
//! end asks for the lines that it is likely to need: the consumer for those of messages that it expects to
//! be published, the producer for those of room that it knows to be free. A producer takes no line that
//! way that the consumer still needs. A consumer may, where frames differ in length or a whole batch was
//! there; that costs time and nothing else.

/// How far ahead of the message in work a consumer asks for lines, in bytes. At 384 or 1280, streams of
/// 64 bytes took a tenth longer in one regime or another.
pub(super) const FOR_READING: usize = 640;

/// How far ahead a producer asks for lines, in bytes. From half as many on it makes no difference.
pub(super) const FOR_WRITING: usize = 1024;

/// The longest frame, in bytes, for which a producer asks ahead. The CPU keeps up with a longer copy.
pub(super) const LONGEST: usize = 8192;

/// The longest frame, in bytes, for which a consumer asks ahead: of a long message not every line is
/// read. With messages of 1 KiB of which little is read, batches took twice as long.
pub(super) const LONGEST_READ: usize = 512;

/// Asks for the lines of the `bytes` bytes at `start`, to read them.
#[inline(always)]
pub(super) fn for_reading(start: *const u8, bytes: usize) {
    #[cfg(all(target_arch = "x86_64", not(any(message_port_loom, miri))))]
    lines(start, bytes, |line| {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is only a hint, for any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) }
    });
    #[cfg(not(all(target_arch = "x86_64", not(any(message_port_loom, miri)))))]
    let _ = (start, bytes);
}

/// Asks for the lines of the `bytes` bytes at `start`, to write them: no other core has them afterwards.
#[inline(always)]
pub(super) fn for_writing(start: *const u8, bytes: usize) {
    #[cfg(all(target_arch = "x86_64", not(any(message_port_loom, miri))))]
    lines(start, bytes, |line| {
        // The intrinsic makes this a prefetch for reading unless the whole program is compiled for
        // newer CPUs. Every x86-64 CPU knows the instruction, if only as one that does nothing.
        // SAFETY: it is only a hint, for any address. It changes neither registers nor memory.
        unsafe {
            std::arch::asm!(
                "prefetchw [{}]",
                in(reg) line,
                options(nostack, preserves_flags, readonly)
            );
        }
    });
    #[cfg(not(all(target_arch = "x86_64", not(any(message_port_loom, miri)))))]
    let _ = (start, bytes);
}

/// Calls `ask` for each line of the `bytes` bytes at `start`.
#[cfg(all(target_arch = "x86_64", not(any(message_port_loom, miri))))]
#[inline(always)]
fn lines(start: *const u8, bytes: usize, mut ask: impl FnMut(*const u8)) {
    use super::block::LINE;
    let mut offset = 0;
    // Several at a time, since an `asm!` keeps the compiler from unrolling the loop.
    while offset + 3 * LINE < bytes {
        for line in 0..4 {
            ask(start.wrapping_add(offset + line * LINE));
        }
        offset += 4 * LINE;
    }
    while offset < bytes {
        ask(start.wrapping_add(offset));
        offset += LINE;
    }
}
