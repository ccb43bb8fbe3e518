//! Values whose archive is that of another type's message.

use rkyv::rancor::{Fallible, Source};
use rkyv::ser::{Allocator, Writer};
use rkyv::string::{ArchivedString, StringResolver};
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::{Archive, Archived, Place, Serialize};

use crate::archive::{Message, MessageSerializer};
use crate::half::sender::{Borrowed, Verdict};

/// Values that can be posted as an `Out`: their archived form is that of `Out`.
///
/// There is nothing to implement. The trait covers:
///
/// - every [`Message`] with the same archived form, such as a struct with borrowed fields that is
///   derived with `#[rkyv(as = ArchivedOut)]`, or `Out` itself;
/// - `str`, where `Out` is a `String`;
/// - `[T]`, where `Out` is a `Vec<T>`.
///
/// See [`MessagePort::post_message_as`](crate::MessagePort::post_message_as).
///
/// # Examples
///
/// ```
/// use message_port::PostAs;
///
/// fn is_string_to_the_receiver<V: PostAs<String> + ?Sized>(_: &V) {}
/// is_string_to_the_receiver("text");
/// is_string_to_the_receiver(&"text".to_owned());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be posted as a `{Out}`",
    note = "its archived form must be that of `{Out}`: derive `rkyv::Archive` with `#[rkyv(as = ...)]`"
)]
pub trait PostAs<Out: Message> {
    #[doc(hidden)]
    fn post_to(&self, post: Borrowed<'_, Out>) -> Verdict;
}

impl<Out, V> PostAs<Out> for V
where
    Out: Message,
    V: Message + Archive<Archived = Archived<Out>>,
{
    #[inline]
    fn post_to(&self, post: Borrowed<'_, Out>) -> Verdict {
        post.post(self)
    }
}

impl<Out: Message + Archive<Archived = ArchivedString>> PostAs<Out> for str {
    #[inline]
    fn post_to(&self, post: Borrowed<'_, Out>) -> Verdict {
        post.post(&Text(self))
    }
}

impl<Out, T> PostAs<Out> for [T]
where
    Out: Message + Archive<Archived = ArchivedVec<T::Archived>>,
    T: Archive + for<'a> Serialize<MessageSerializer<'a>>,
{
    #[inline]
    fn post_to(&self, post: Borrowed<'_, Out>) -> Verdict {
        post.post(&Items(self))
    }
}

/// Archived as a `String`.
struct Text<'a>(&'a str);

impl Archive for Text<'_> {
    type Archived = ArchivedString;
    type Resolver = StringResolver;

    #[inline]
    fn resolve(&self, resolver: StringResolver, out: Place<ArchivedString>) {
        ArchivedString::resolve_from_str(self.0, resolver, out);
    }
}

impl<S: Fallible<Error: Source> + Writer + ?Sized> Serialize<S> for Text<'_> {
    #[inline]
    fn serialize(&self, serializer: &mut S) -> Result<StringResolver, S::Error> {
        ArchivedString::serialize_from_str(self.0, serializer)
    }
}

/// Archived as a `Vec`.
struct Items<'a, T>(&'a [T]);

impl<T: Archive> Archive for Items<'_, T> {
    type Archived = ArchivedVec<T::Archived>;
    type Resolver = VecResolver;

    #[inline]
    fn resolve(&self, resolver: VecResolver, out: Place<ArchivedVec<T::Archived>>) {
        ArchivedVec::resolve_from_slice(self.0, resolver, out);
    }
}

impl<T, S> Serialize<S> for Items<'_, T>
where
    T: Serialize<S>,
    S: Fallible + Allocator + Writer + ?Sized,
{
    #[inline]
    fn serialize(&self, serializer: &mut S) -> Result<VecResolver, S::Error> {
        ArchivedVec::<T::Archived>::serialize_from_slice::<T, S>(self.0, serializer)
    }
}
