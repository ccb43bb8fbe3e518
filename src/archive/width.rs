//! Numbers that are narrower in an archive than here.
//!
//! rkyv archives `usize`, `isize` and their non-zero kinds in 32 bits (or 16, or 64, as some crate
//! of the program has chosen by a feature of rkyv's), and drops the other bits without a word.
//! Where such a number is the whole message, that is refused here; where it is a part of one,
//! nothing but rkyv sees it.

use std::any::TypeId;
use std::marker::PhantomData;
use std::num::{NonZeroIsize, NonZeroUsize};

use rkyv::Archived;
use rkyv::primitive::{FixedIsize, FixedUsize};

use crate::archive::Message;

/// Whether the archive of `message` is too narrow for it, as far as that can be seen.
#[inline(always)]
pub(crate) fn is_cut<T: Message>(message: &T) -> bool {
    // All of it is known when this is compiled, for almost every type.
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
    // SAFETY: the types are the same. `N` has no lifetimes in which they could differ.
    (type_id::<T>() == TypeId::of::<N>()).then(|| unsafe { *std::ptr::from_ref(value).cast::<N>() })
}

/// The identity of a type but for its lifetimes.
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
    // SAFETY: the method looks at nothing, so nothing outlives its lifetime.
    #[allow(clippy::disallowed_methods, reason = "a lifetime, nothing of the value")]
    let of = unsafe { std::mem::transmute::<&dyn Identity, &(dyn Identity + 'static)>(of) };
    of.type_id()
}
