//! The same in every format that another crate of the program may have chosen for rkyv: offsets of
//! 16, 32 or 64 bits, either byte order, aligned or not. `ci/formats.sh` runs it in each.

#![allow(clippy::cast_possible_truncation, reason = "small numbers, in all formats")]
#![allow(clippy::large_stack_arrays, reason = "messages that are plain copies")]

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;

use message_port::rkyv::api::high::HighDeserializer;
use message_port::rkyv::primitive::FixedIsize;
use message_port::rkyv::{Archive, Archived, Deserialize, Serialize};
use message_port::{DeserializeError, Message, MessageChannel, PostError};

type Outcome = Result<(), Box<dyn Error>>;

/// The reach of an offset in an archive.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive")]
const REACH: usize = FixedIsize::MAX as usize;

trait Owned: Message<Archived: Deserialize<Self, HighDeserializer<DeserializeError>>> + Sized {}
impl<T: Message<Archived: Deserialize<T, HighDeserializer<DeserializeError>>>> Owned for T {}

#[derive(Archive, Serialize, Deserialize, PartialEq, Debug)]
struct Order {
    id: u64,
    price: f64,
    paid: bool,
    letter: char,
    customer: String,
    items: Vec<(u32, String)>,
    by_name: HashMap<String, i16>,
    by_number: BTreeMap<u16, Option<Box<u128>>>,
    shared: [Arc<String>; 2],
    count: usize,
}

fn order(items: u32) -> Order {
    let shared = Arc::new("shared by two".to_owned());
    Order {
        id: 0x0123_4567_89ab_cdef,
        price: 12.5,
        paid: true,
        letter: '\u{1f680}',
        customer: "somebody with a name".to_owned(),
        items: (0..items).map(|n| (n, format!("article number {n}"))).collect(),
        by_name: (0..items as i16 % 50).map(|n| (format!("name {n}"), -n)).collect(),
        by_number: (0..items as u16 % 50).map(|n| (n, Some(Box::new(u128::MAX - 1)))).collect(),
        shared: [Arc::clone(&shared), shared],
        count: items as usize,
    }
}

/// Posts `message`, which arrives as it is, or fails as too large or as not to be archived.
fn passes<T: Owned + PartialEq + Debug>(message: &T) -> Result<bool, Box<dyn Error>> {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<T>::new();
    match port1.post_message(message) {
        Ok(()) => {}
        Err(PostError::TooLarge { needed, max }) => {
            assert!(needed > max && port2.is_empty());
            return Ok(false);
        }
        Err(PostError::DataClone(_)) => {
            assert!(port2.is_empty());
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    }
    let received = port2.recv()?;
    assert_eq!(received.deserialize()?, *message);
    // And once more as it was archived, at each alignment.
    let mut bytes = vec![0; received.as_bytes().len() + 16];
    let offsets = if bytes.len() < 1000 { 0..16 } else { 1..2 };
    for offset in offsets.clone() {
        let archive = &mut bytes[offset..][..received.as_bytes().len()];
        archive.copy_from_slice(received.as_bytes());
        port1.post_archived(archive)?;
    }
    drop(received);
    for _ in offsets {
        assert_eq!(port2.recv()?.deserialize()?, *message);
    }
    Ok(true)
}

#[test]
fn what_is_posted_is_received() -> Outcome {
    for items in [0, 1, 7, 60] {
        assert!(passes(&order(items))?);
    }
    assert!(passes(&0x0123_4567_89ab_cdef_u64)?);
    assert!(passes(&(i16::MIN, 'x', -0.5f32, Some(7u128), ()))?);
    assert!(passes(&[u16::MAX; 40])?);
    assert!(passes(&"short".to_owned())?);
    assert!(passes(&Some(Arc::<str>::from("a text that is longer than its root")))?);
    Ok(())
}

/// Sizes around each border: they panicked beyond 32 KiB where offsets have 16 bits.
#[test]
fn what_is_too_long_for_the_offsets_is_an_error() -> Outcome {
    // Miri would take minutes for the long ones, which are about the format and not about memory.
    let borders: &[usize] = if cfg!(miri) { &[1 << 10] } else { &[1 << 14, 1 << 15, 1 << 16] };
    for &border in borders {
        for length in [border - 40, border - 1, border, border + 40] {
            let fits = length + 64 < REACH;
            assert_eq!(passes(&vec![7u8; length])?, fits || length < REACH - 16, "{length} bytes");
            assert!(passes(&"x".repeat(length))? || REACH < 1 << 16);
            assert!(passes(&vec![7u64; length / 8])? || !fits);
            assert!(passes(&Arc::<[u8]>::from(vec![7; length]))? || !fits);
            assert!(passes(&vec!["a text of its own".to_owned(); length / 32])? || !fits);
        }
    }
    let numbers: &[u32] = if cfg!(miri) { &[30] } else { &[300, 1000, 3000] };
    for &items in numbers {
        assert!(passes(&order(items))? || REACH < 1 << 16);
    }
    // A plain copy, which rkyv never sees.
    if cfg!(not(miri)) {
        assert_eq!(passes(&[7u8; 40_000].map(|byte| (byte,)))?, REACH > 40_000);
    }
    Ok(())
}

/// As far as the type asks for it, and never beyond the offsets.
#[test]
fn limits_follow_the_offsets() -> Outcome {
    let MessageChannel { mut port1, port2: _peer } =
        MessageChannel::<[u8; 70_000]>::builder().max_message_len(usize::MAX).build()?;
    match port1.post_message(&[7; 70_000]) {
        Err(PostError::TooLarge { needed, max }) => {
            assert_eq!((needed, max), (70_000, REACH));
        }
        posted => {
            posted?;
            assert_ne!(REACH, i16::MAX as usize);
        }
    }
    Ok(())
}

/// A handler sees what the value was, in the format of the archive.
#[test]
fn fields_are_read_in_place() -> Outcome {
    fn value<T: Archive>(_: &T) -> &'static str {
        std::any::type_name::<Archived<T>>()
    }
    let message = order(3);
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Order>::new();
    port1.post_message(&message)?;
    let received = port2.recv()?;
    assert_eq!(received.id, message.id, "as {}", value(&message.id));
    assert_eq!(received.items[2].1, message.items[2].1);
    assert_eq!(*received.shared[1], *message.shared[1]);
    assert!(std::ptr::eq(received.shared[0].get(), received.shared[1].get()));
    Ok(())
}
