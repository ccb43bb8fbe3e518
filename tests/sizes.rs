//! Messages of every size, at every place of the ring, and the sizes that a channel may have.

use std::error::Error;
use std::panic::catch_unwind;

use message_port::{
    BuildError, Message, MessageChannel, PostError, PostTimeoutError, TryPostError,
};
use rkyv::{Archive, Archived, Serialize};

type Outcome = Result<(), Box<dyn Error>>;

/// Bytes that a frame starts at a multiple of.
const SLOT: usize = 16;

/// A channel whose cursors stand `slots` slots from the start of the ring, made there by messages
/// that take one slot each.
fn channel_at<T: Message>(capacity: usize, slots: usize, small: &T) -> MessageChannel<T> {
    let mut channel = MessageChannel::<T>::with_capacity(capacity);
    for _ in 0..slots {
        channel.port1.try_post_message(small).unwrap();
        channel.port2.try_recv().unwrap();
    }
    channel
}

#[test]
fn messages_without_bytes_arrive_and_count() -> Outcome {
    #[derive(Archive, Serialize)]
    struct Nothing;

    let MessageChannel { mut port1, mut port2 } = MessageChannel::<(), Nothing>::with_capacity(64);
    for _ in 0..20 {
        let mut posted = 0;
        while port1.try_post_message(&()).is_ok() {
            posted += 1;
        }
        // As many as there are bytes behind the header of a block.
        assert_eq!(posted, 60);
        assert_eq!(port2.len(), posted);
        for _ in 0..posted {
            let message = port2.try_recv()?;
            assert_eq!((*message, message.as_bytes().len()), ((), 0));
        }
        assert!(port2.try_recv().unwrap_err().is_empty());
        port2.post_message(&Nothing)?;
        assert!(port1.recv()?.as_bytes().is_empty());
    }
    Ok(())
}

/// Archives of several alignments with other bytes around them.
#[derive(Archive, Serialize)]
enum Aligned {
    Bytes(Vec<u8>),
    Two(Vec<u16>),
    Four(u8, u32),
    Eight(Vec<u64>),
    Sixteen(u8, u128),
    Sixteens(Vec<u128>),
}

fn is_aligned<T: ?Sized>(reference: &T) -> bool {
    std::ptr::from_ref(reference).addr().is_multiple_of(align_of_val(reference))
}

impl ArchivedAligned {
    fn check(&self, n: u8) {
        assert!(is_aligned(self));
        match self {
            Self::Bytes(bytes) => assert!(bytes.iter().all(|byte| *byte == n)),
            Self::Two(numbers) => {
                assert!(is_aligned(numbers.as_slice()));
                assert!(numbers.iter().all(|number| *number == u16::from(n)));
            }
            Self::Four(_, number) => {
                assert!(is_aligned(number));
                assert_eq!(*number, u32::from(n));
            }
            Self::Eight(numbers) => {
                assert!(is_aligned(numbers.as_slice()));
                assert!(numbers.iter().all(|number| *number == u64::from(n)));
            }
            Self::Sixteen(_, number) => {
                assert!(is_aligned(number));
                assert_eq!(*number, u128::from(n));
            }
            Self::Sixteens(numbers) => {
                assert!(is_aligned(numbers.as_slice()));
                assert!(numbers.iter().all(|number| *number == u128::from(n)));
            }
        }
    }
}

#[test]
fn archives_are_aligned_wherever_they_lie() -> Outcome {
    assert_eq!(align_of::<Archived<Aligned>>(), 16);
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Aligned>::with_capacity(512);
    for n in 0..if cfg!(miri) { 25 } else { 200u8 } {
        let count = usize::from(n % 23);
        let messages = [
            Aligned::Bytes(vec![n; count]),
            Aligned::Four(1, u32::from(n)),
            Aligned::Two(vec![u16::from(n); count]),
            Aligned::Sixteen(1, u128::from(n)),
            Aligned::Eight(vec![u64::from(n); count]),
            Aligned::Sixteens(vec![u128::from(n); count]),
        ];
        for message in &messages {
            port1.try_post_message(message)?;
            let received = port2.try_recv()?;
            assert!(received.as_bytes().as_ptr().addr().is_multiple_of(SLOT));
            received.check(n);
        }
    }
    Ok(())
}

#[test]
fn bare_numbers_are_aligned_at_each_slot() -> Outcome {
    for slots in 0..16 {
        let MessageChannel { mut port1, mut port2 } = channel_at(256, slots, &0u128);
        for n in [1, u128::MAX] {
            port1.try_post_message(&n)?;
            let number = port2.try_recv()?;
            assert!(is_aligned(&*number));
            assert_eq!((*number, number.as_bytes()), (n.into(), &n.to_le_bytes()[..]));
        }
    }
    Ok(())
}

/// An empty channel takes any message, wherever its cursors stand: in place or in a buffer.
#[test]
fn every_size_fits_an_empty_channel_at_every_place() -> Outcome {
    for capacity in [64, 128, 256] {
        for slots in 0..capacity / SLOT {
            for length in (0..=capacity + 40).step_by(if cfg!(miri) { 37 } else { 1 }) {
                let mut channel = channel_at::<Vec<u8>>(capacity, slots, &vec![]);
                let message: Vec<u8> = (0..length).map(|n| n.to_le_bytes()[0]).collect();
                channel.port1.try_post_message(&message)?;
                assert_eq!(**channel.port2.try_recv()?, *message);
            }
        }
    }
    Ok(())
}

/// As many bytes as a type says, so that there is nothing to find out by writing.
#[test]
fn arrays_around_half_the_ring_and_the_ring() -> Outcome {
    fn check<const N: usize>() -> Outcome {
        let mut channel = MessageChannel::<[u8; N]>::with_capacity(128);
        for n in 0..if cfg!(miri) { 6 } else { 40 } {
            let message = [n; N];
            channel.port1.try_post_message(&message)?;
            let received = channel.port2.try_recv()?;
            assert_eq!((*received, received.as_bytes()), (message, &message[..]));
        }
        Ok(())
    }
    check::<0>()?;
    check::<1>()?;
    check::<8>()?;
    check::<9>()?;
    check::<55>()?;
    check::<56>()?;
    check::<57>()?;
    check::<64>()?;
    check::<119>()?;
    check::<120>()?;
    check::<121>()?;
    check::<128>()?;
    check::<1000>()
}

#[test]
fn messages_in_place_and_in_buffers_keep_their_order() -> Outcome {
    for capacity in [64, 128, 1024] {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Vec<u8>>::with_capacity(capacity);
        let lengths = [0, capacity / 2, 3, capacity, 4 * capacity, 1, capacity / 2 - 16, 7];
        let mut next_in = (0..=255u8).cycle().zip(lengths.into_iter().cycle());
        let mut next_out = next_in.clone();
        for _ in 0..if cfg!(miri) { 8 } else { 200 } {
            loop {
                let (byte, length) = next_in.clone().next().unwrap();
                match port1.try_post_message(&vec![byte; length]) {
                    Ok(()) => next_in.next(),
                    Err(error) => {
                        assert!(error.is_full());
                        break;
                    }
                };
            }
            assert!(!port2.is_empty());
            for _ in 0..port2.len().div_ceil(2) {
                let (byte, length) = next_out.next().unwrap();
                assert_eq!(**port2.try_recv()?, *vec![byte; length]);
            }
        }
    }
    Ok(())
}

#[test]
fn the_longest_message_is_accepted_and_a_longer_one_never() -> Outcome {
    for (capacity, max) in [(64, 8), (64, 20), (64, 24), (64, 28), (64, 1000), (4096, 100)] {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Vec<u8>>::builder().capacity(capacity).max_message_len(max).build()?;
        // The archive of a vector has 8 bytes more, and here a multiple of four.
        let longest = vec![1; max - 8];
        let longer = vec![1; max - 7];
        let needed = max + 4;
        for _ in 0..5 {
            port1.try_post_message(&longest)?;
            let refused = port1.try_post_message(&longer).unwrap_err();
            assert!(
                matches!(refused, TryPostError::TooLarge { needed: n, max: m } if (n, m) == (needed, max))
            );
            let refused = port1.post_message(&longer).unwrap_err();
            assert!(
                matches!(refused, PostError::TooLarge { needed: n, max: m } if (n, m) == (needed, max))
            );
            let refused =
                port1.post_message_timeout(&longer, std::time::Duration::MAX).unwrap_err();
            assert!(
                matches!(refused, PostTimeoutError::TooLarge { needed: n, max: m } if (n, m) == (needed, max))
            );
            assert_eq!(**port2.try_recv()?, *longest);
            assert!(port2.try_recv().unwrap_err().is_empty());
        }
    }
    Ok(())
}

/// Too large is not full: waiting would not help, so it is said at once, on a full channel too.
#[test]
fn too_large_comes_before_full() -> Outcome {
    let MessageChannel { mut port1, port2: _port2 } =
        MessageChannel::<Vec<u8>>::builder().capacity(64).max_message_len(100).build()?;
    while port1.try_post_message(&vec![1; 80]).is_ok() {}
    while port1.try_post_message(&vec![1; 4]).is_ok() {}
    assert!(port1.try_post_message(&vec![1; 80]).unwrap_err().is_full());
    assert!(port1.try_post_message(&vec![1; 101]).unwrap_err().is_too_large());
    assert!(port1.post_message(&vec![1; 101]).unwrap_err().is_too_large());
    Ok(())
}

#[test]
fn a_maximum_of_zero_or_of_everything() -> Outcome {
    const LARGE: usize = if cfg!(miri) { 1 << 12 } else { 1 << 20 };
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<(), u8>::builder().max_message_len(0).build()?;
    port1.post_message(&())?;
    port2.recv()?;
    assert!(port2.post_message(&1).unwrap_err().is_too_large());

    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<Vec<u8>>::builder().capacity(128).max_message_len(usize::MAX).build()?;
    port1.try_post_message(&vec![1; LARGE])?;
    port1.try_post_message(&vec![2; LARGE])?;
    assert_eq!(**port2.try_recv()?, *vec![1; LARGE]);
    assert_eq!(**port2.try_recv()?, *vec![2; LARGE]);
    Ok(())
}

#[test]
fn a_capacity_is_rounded_up() -> Outcome {
    for (asked, capacity) in [(33, 64), (64, 64), (65, 128), (1000, 1024), (4097, 8192)] {
        let channel = MessageChannel::<u64>::builder().capacity(asked).build()?;
        assert_eq!((channel.port1.capacity(), channel.port2.capacity()), (capacity, capacity));
    }
    Ok(())
}

/// A line of them with its header.
#[test]
fn the_smallest_ring_holds_seven_numbers() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    for n in 0..if cfg!(miri) { 5 } else { 100 } {
        for k in 0..7 {
            port1.try_post_message(&(n + k))?;
        }
        assert!(port1.try_post_message(&n).unwrap_err().is_full());
        for k in 0..7 {
            assert_eq!(*port2.try_recv()?, n + k);
        }
    }
    Ok(())
}

/// A short text takes a slot, and one slot stays free.
#[test]
fn the_smallest_ring_holds_three_short_texts() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::with_capacity(64);
    for n in 0..if cfg!(miri) { 5 } else { 100 } {
        let text = |k: u32| format!("{n}.{k}");
        for k in 0..3 {
            port1.try_post_message(&text(k))?;
        }
        assert!(port1.try_post_message(&text(3)).unwrap_err().is_full());
        for k in 0..3 {
            assert_eq!(*port2.try_recv()?, *text(k));
        }
    }
    Ok(())
}

/// However little the capacity is for its messages, a ring has room for one and goes round.
#[test]
fn a_ring_holds_as_many_of_one_size_as_its_blocks() -> Outcome {
    fn check<T: Message + Copy>(message: T, capacity: usize, room: usize) -> Outcome
    where
        Archived<T>: PartialEq<T>,
    {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<T>::with_capacity(capacity);
        for lap in 0..if cfg!(miri) { 2 } else { 20 } {
            for _ in 0..room {
                port1.try_post_message(&message)?;
            }
            assert!(
                port1.try_post_message(&message).unwrap_err().is_full(),
                "{room} in {capacity}"
            );
            assert_eq!(port2.len(), room);
            // One out, one in, at each place.
            for _ in 0..lap {
                assert!(*port2.try_recv()? == message);
                port1.try_post_message(&message)?;
                assert!(port1.try_post_message(&message).unwrap_err().is_full());
            }
            for _ in 0..room {
                let received = port2.try_recv()?;
                assert!(is_aligned(&*received) && *received == message);
            }
            assert!(port2.try_recv().is_err_and(|error| error.is_empty()));
        }
        Ok(())
    }
    for capacity in [64, 1024] {
        let lines = capacity / 64;
        check((), capacity, lines * 60)?;
        check(7u8, capacity, lines * 60)?;
        check([7u8; 30], capacity, lines * 2)?;
        check([7u8; 31], capacity, (capacity / 36).max(1))?;
        check(7u16, capacity, lines * 30)?;
        check(u128::MAX, capacity, lines * 3)?;
        check([u128::MAX; 2], capacity, (capacity / 48).max(1))?;
        check([7u64; 3], capacity, lines * 2)?;
        check([7u32; 7], capacity, lines * 2)?;
        check([7u64; 4], capacity, (capacity / 40).max(1))?;
        check([7u64; 8], capacity, (capacity / 72).max(1))?;
        check([7u64; 25], capacity, (capacity / 208).max(1))?;
        check([7u64; 64], capacity, (capacity / 520).max(1))?;
    }
    Ok(())
}

#[test]
#[cfg_attr(miri, ignore = "Miri gives up itself where no machine has so much memory")]
fn capacities_that_cannot_be() {
    let build = |bytes| MessageChannel::<u64>::builder().capacity(bytes).build().map(drop);
    assert_eq!(build(0), Err(BuildError::ZeroCapacity));
    for capacity in [1, 16, 32] {
        assert_eq!(build(capacity), Err(BuildError::TooSmall { capacity, min: 64 }));
    }
    for capacity in [usize::MAX, usize::MAX / 2 + 2, usize::MAX / 4 + 2] {
        assert_eq!(build(capacity), Err(BuildError::TooLarge { capacity }));
    }
    // With 32 bits of addresses there may be room for both directions.
    if cfg!(target_pointer_width = "64") {
        let capacity = usize::MAX / 4 + 1;
        assert_eq!(build(capacity), Err(BuildError::OutOfMemory { capacity }));
    }
}

#[test]
fn with_capacity_panics_with_the_text_of_the_error() {
    for capacity in [0, 5, usize::MAX] {
        let error = MessageChannel::<u64>::builder().capacity(capacity).build().unwrap_err();
        let panic =
            catch_unwind(|| drop(MessageChannel::<u64>::with_capacity(capacity))).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), &error.to_string());
    }
}
