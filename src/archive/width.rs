//! Numbers that are narrower in an archive than here.
//!
//! rkyv archives `usize`, `isize` and their non-zero kinds in 32 bits, or in 16 or 64 if a crate of the
//! program chose that with a feature of rkyv. It silently drops the other bits. If such a number is
//! the whole message, this module refuses it. If it is part of a message, only rkyv sees it.

use std::any::TypeId;
use std::marker::PhantomData;
use std::num::{NonZeroIsize, NonZeroUsize};

use rkyv::Archived;
use rkyv::primitive::{FixedIsize, FixedUsize};

use crate::archive::Message;

/// Whether the archive of `message` is too narrow for it, as far as can be seen from here.
#[inline(always)]
pub(crate) fn is_cut<T: Message>(message: &T) -> bool {
    // For almost every type, all of this is known at compile time.
    let is_narrower = size_of::<T>() == size_of::<usize>()
        && size_of::<Archived<T>>() == size_of::<FixedUsize>()
        && size_of::<FixedUsize>() < size_of::<usize>();
    is_narrower && is_cut_number(message)
}

#[cold]
fn is_cut_number<T>(message: &T) -> bool {
    let unsigned = get::<T, usize>(message).or(get::<T, NonZeroUsize>(message).map(Into::into));
    let signed = get::<T, isize>(message).or(get::<T, NonZeroIsize>(message).map(Into::into));
    unsigned.is_some_and(|number| FixedUsize::try_from(number).is_err())
        || signed.is_some_and(|number| FixedIsize::try_from(number).is_err())
}

/// The value, if it is an `N`.
fn get<T, N: Copy + 'static>(value: &T) -> Option<N> {
    // SAFETY: the types are the same; they cannot differ in lifetimes, since `N` has none.
    (type_id::<T>() == TypeId::of::<N>()).then(|| unsafe { *std::ptr::from_ref(value).cast::<N>() })
}

/// The identity of a type, ignoring its lifetimes.
fn type_id<T>() -> TypeId {
    trait Identity {
        fn type_id(&self) -> TypeId
        where
            Self: 'static;
    }
    impl<T> Identity for PhantomData<T> {
        fn type_id(&self) -> TypeId
        where
            Self: 'static,
        {
            TypeId::of::<T>()
        }
    }
    let of: &dyn Identity = &PhantomData::<T>;
    // SAFETY: the method does not use the value, so nothing outlives its lifetime.
    #[allow(clippy::disallowed_methods, reason = "a lifetime, nothing of the value")]
    let of = unsafe { std::mem::transmute::<&dyn Identity, &(dyn Identity + 'static)>(of) };
    of.type_id()
}
