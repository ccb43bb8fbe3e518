//! Messages for models that run in each of the two layouts.
//!
//! The type of a message decides how it lies in a ring. A scenario that is generic over its message
//! is made a test for each of them by [`both_layouts!`](crate::both_layouts).

use std::fmt::Debug;

use message_port::Message;
use message_port::rkyv::rancor::Fallible;
use message_port::rkyv::{Archive, Archived, Place, Serialize};

/// Messages that are told apart by a number.
pub trait Numbered:
    Message + Archive<Archived: Debug + Sync> + Clone + Debug + Send + 'static
{
    /// The message with this number.
    fn of(number: u64) -> Self;

    /// Reads the number from all of the message.
    ///
    /// # Panics
    ///
    /// Panics if the message is not whole.
    fn number(archived: &Archived<Self>) -> u64;
}

impl Numbered for u64 {
    fn of(number: u64) -> Self {
        number
    }

    fn number(archived: &Archived<Self>) -> u64 {
        archived.to_native()
    }
}

impl<const N: usize> Numbered for [u64; N] {
    fn of(number: u64) -> Self {
        [number; N]
    }

    fn number(archived: &Archived<Self>) -> u64 {
        let first = archived[0].to_native();
        assert!(archived.iter().all(|number| *number == first), "the message changed");
        first
    }
}

/// A message that lies in frames, and is as long as the one in it: nothing tells that the bytes of
/// the value are its archive, so nothing tells how many these are.
#[derive(Clone, Copy, Debug)]
pub struct Framed<T>(pub T);

impl<T: Archive> Archive for Framed<T> {
    type Archived = T::Archived;
    type Resolver = T::Resolver;

    fn resolve(&self, resolver: T::Resolver, out: Place<T::Archived>) {
        self.0.resolve(resolver, out);
    }
}

impl<T: Serialize<S>, S: Fallible + ?Sized> Serialize<S> for Framed<T> {
    fn serialize(&self, serializer: &mut S) -> Result<T::Resolver, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<T: Numbered> Numbered for Framed<T> {
    fn of(number: u64) -> Self {
        Self(T::of(number))
    }

    fn number(archived: &Archived<Self>) -> u64 {
        T::number(archived)
    }
}

/// A message of which one takes all the room of the [smallest](crate::SMALLEST) ring, in blocks.
pub type Filling = [u64; 8];

/// The same in frames.
pub type FramedFilling = Framed<[u64; 7]>;

/// Makes tests of scenarios that are generic over their [`Numbered`] message: each one in blocks, with
/// the first type in front of it, and in frames, with the second one.
#[macro_export]
macro_rules! both_layouts {
    ($(($blocks:ty, $frames:ty): $($model:ident),+;)+) => {
        mod blocks {
            #[allow(unused_imports, reason = "a message may be a primitive type")]
            use super::*;
            $($(
                #[test]
                fn $model() {
                    super::$model::<$blocks>();
                }
            )+)+
        }

        mod frames {
            #[allow(unused_imports, reason = "a message may be a primitive type")]
            use super::*;
            $($(
                #[test]
                fn $model() {
                    super::$model::<$frames>();
                }
            )+)+
        }
    };
}
