//! How a value becomes the independent copy that a peer carries.

use std::mem;

use rkyv::rancor::Error;
use rkyv::util::AlignedVec;

use crate::payload::{Payload, Reading};

/// What is put into a queue for a message.
pub(crate) trait Carrier<T: Payload>: 'static {
    /// What the results call it.
    const NAME: &'static str;
    type Item: Default + Clone + Send + Sync + 'static;

    /// Makes a copy.
    fn pack(message: &T) -> Self::Item;
    /// Makes a copy with the memory of an earlier one.
    fn pack_into(item: &mut Self::Item, message: &T);
    /// Reads a copy that has arrived.
    fn read<R: Reading>(item: &Self::Item) -> u64;
}

/// A clone of the value.
pub(crate) struct ByClone;

impl<T: Payload> Carrier<T> for ByClone {
    const NAME: &'static str = "clone";
    type Item = T;

    #[inline(always)]
    fn pack(message: &T) -> T {
        message.clone()
    }

    #[inline(always)]
    fn pack_into(item: &mut T, message: &T) {
        item.assign(message);
    }

    #[inline(always)]
    fn read<R: Reading>(item: &T) -> u64 {
        R::owned(item)
    }
}

/// An archive of the value, which the receiver validates and reads in place.
pub(crate) struct ByArchive;

impl<T: Payload> Carrier<T> for ByArchive {
    const NAME: &'static str = "archive";
    type Item = AlignedVec;

    #[inline(always)]
    fn pack(message: &T) -> AlignedVec {
        rkyv::to_bytes::<Error>(message).expect("the payloads have archives")
    }

    #[inline(always)]
    fn pack_into(item: &mut AlignedVec, message: &T) {
        let mut bytes = mem::take(item);
        bytes.clear();
        *item = rkyv::api::high::to_bytes_in::<_, Error>(message, bytes)
            .expect("the payloads have archives");
    }

    #[inline(always)]
    fn read<R: Reading>(item: &AlignedVec) -> u64 {
        let archived = rkyv::access::<T::Archived, Error>(item).expect("a valid archive");
        R::archived::<T>(archived)
    }
}
