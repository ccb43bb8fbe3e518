//! `usize`, its relatives and lengths: a message is what the value was, or the post fails. Without
//! the feature `pointer_width_64` that holds as far as anybody but rkyv can see the number.

#![allow(
    clippy::cast_possible_truncation,
    reason = "what archives do to these numbers is the subject"
)]

use std::collections::BTreeMap;
use std::num::{NonZeroIsize, NonZeroUsize};

use message_port::rkyv::primitive::{FixedIsize, FixedUsize};
use message_port::rkyv::{Archive, Deserialize, Serialize};
use message_port::{Message, MessageChannel, MessagePort};

/// Whether archives have all bits of a `usize`.
const WIDE: bool = size_of::<FixedUsize>() >= size_of::<usize>();

/// The feature has an effect, whatever other crates of the program choose.
#[test]
#[cfg(feature = "pointer_width_64")]
fn the_feature_widens_archives() {
    const { assert!(WIDE) }
}

fn pair<T: Message>() -> (MessagePort<T>, MessagePort<T>) {
    let MessageChannel { port1, port2 } = MessageChannel::new();
    (port1, port2)
}

/// Numbers on both sides of each border that an archive may have.
fn unsigned() -> impl Iterator<Item = usize> {
    let borders = (0..usize::BITS).map(|bit| 1usize << bit);
    borders.flat_map(|border| [border - 1, border, border + 1]).chain([0x5678, usize::MAX])
}

/// The lower bits were received, and the others lost without a word.
#[test]
fn a_usize_arrives_whole_or_is_refused() {
    let (mut port1, mut port2) = pair::<usize>();
    for number in unsigned() {
        let posted = port1.post_message(&number);
        if FixedUsize::try_from(number).is_ok() {
            posted.unwrap();
            assert_eq!(port2.recv().unwrap().deserialize().unwrap(), number);
        } else {
            let error = posted.unwrap_err();
            assert!(error.is_data_clone());
            assert!(error.to_string().contains("pointer_width_64"), "{error}");
            assert!(port2.try_recv().unwrap_err().is_empty());
        }
    }
}

#[test]
fn an_isize_arrives_whole_or_is_refused() {
    let (mut port1, mut port2) = pair::<isize>();
    for number in unsigned().map(usize::cast_signed).flat_map(|n| [n, n.wrapping_neg()]) {
        let posted = port1.try_post_message(&number);
        if FixedIsize::try_from(number).is_ok() {
            posted.unwrap();
            assert_eq!(port2.recv().unwrap().deserialize().unwrap(), number);
        } else {
            assert!(posted.unwrap_err().is_data_clone());
        }
    }
    assert!(port2.try_recv().unwrap_err().is_empty());
}

/// Where the lower half is zero, rkyv made a non-zero number of zero: undefined behaviour.
#[test]
fn a_non_zero_number_arrives_whole_or_is_refused() {
    let (mut port1, mut port2) = pair::<NonZeroUsize>();
    for number in unsigned().filter_map(NonZeroUsize::new) {
        let posted = port1.post_messages([&number]);
        assert_eq!(posted.is_ok(), FixedUsize::try_from(number.get()).is_ok());
        if posted.is_ok() {
            assert_eq!(port2.recv().unwrap().deserialize().unwrap(), number);
        }
    }
    let (mut port1, mut port2) = pair::<NonZeroIsize>();
    for number in unsigned().map(usize::cast_signed).filter_map(NonZeroIsize::new) {
        let posted = port1.post_message(&number);
        assert_eq!(posted.is_ok(), FixedIsize::try_from(number.get()).is_ok());
        if posted.is_ok() {
            assert_eq!(port2.recv().unwrap().deserialize().unwrap(), number);
        }
    }
}

/// A number of another type is none of this, however wide its archive is.
#[test]
fn other_numbers_arrive_whole() {
    let (mut port1, mut port2) = pair::<u64>();
    for number in unsigned() {
        port1.post_message(&(number as u64)).unwrap();
        assert_eq!(*port2.recv().unwrap(), number as u64);
    }
}

#[derive(Archive, Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Order {
    id: usize,
    change: isize,
    items: Vec<usize>,
    at: BTreeMap<usize, Box<[isize]>>,
    choice: Choice,
}

#[derive(Archive, Serialize, Deserialize, PartialEq, Debug, Clone)]
enum Choice {
    Nothing,
    Some(Option<NonZeroUsize>),
}

fn order(number: usize) -> Order {
    let signed = number.cast_signed();
    Order {
        id: number,
        change: signed.wrapping_neg(),
        items: vec![number; 3],
        at: [(number, vec![signed; 2].into())].into(),
        choice: NonZeroUsize::new(number).map_or(Choice::Nothing, |n| Choice::Some(Some(n))),
    }
}

#[test]
fn derived_types_arrive_whole_with_the_feature() {
    let (mut port1, mut port2) = pair::<Order>();
    for number in unsigned().filter(|&number| WIDE || number < 0x7000) {
        let order = order(number);
        port1.post_message(&order).unwrap();
        assert_eq!(port2.recv().unwrap().deserialize().unwrap(), order);
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<Order>>::new();
        port1.post_message(&vec![order.clone(), order.clone()]).unwrap();
        assert_eq!(port2.recv().unwrap().deserialize().unwrap(), [order.clone(), order]);
    }
}

/// What cannot be prevented, for rkyv shows such a field to nobody. Once this test fails without the
/// feature, rkyv has mended it: then the warnings in `Message`, the README and the guide go.
#[test]
fn a_field_loses_its_upper_bits_without_the_feature() {
    if WIDE {
        return;
    }
    let number = 0x1234_5678_0009_u64 as usize;
    let (mut port1, mut port2) = pair::<Order>();
    port1.post_message(&Order { choice: Choice::Nothing, ..order(number) }).unwrap();
    assert_eq!(port2.recv().unwrap().id.to_native(), number as FixedUsize);
    let (mut port1, mut port2) = pair::<Vec<()>>();
    let units: Box<[()]> = Box::new([(); const { (FixedUsize::MAX as usize).wrapping_add(6) }]);
    port1.post_message(&units.into_vec()).unwrap();
    assert_eq!(port2.recv().unwrap().len(), 5);
}
