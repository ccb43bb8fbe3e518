//! Arbitrary bytes, presented to a receiver as the archive of a message.
//!
//! They travel through a real channel: [`Raw`] serialises as exactly these bytes. What is received
//! must be an error or a value of which every part can be used, and the next message must arrive
//! in either case. What rkyv says about a copy of the same bytes is the second opinion.
//!
//! The first byte of an input chooses the type and the way, the others are the archive.

pub(crate) mod types;

use std::marker::PhantomData;

use message_port::rkyv::{self, Archive, Archived, Place, Serialize};
use message_port::{HandlerError, Message, MessageChannel, MessagePort};
use rkyv::rancor::Fallible;
use rkyv::ser::Writer;
use rkyv::util::AlignedVec;

use types::Received;

/// How many types there are.
const TYPES: u8 = 6;

/// Bits of the first byte, above the type: the archive travels in a heap buffer, is dispatched
/// instead of pulled, is never let go of.
pub(crate) const SPILLED: u8 = 1 << 3;
pub(crate) const DISPATCHED: u8 = 1 << 4;
pub(crate) const FORGOTTEN: u8 = 1 << 5;

pub(crate) fn check(input: &[u8]) -> Result<(), String> {
    let Some((&first, archive)) = input.split_first() else { return Ok(()) };
    match first % 8 % TYPES {
        0 => receive::<String>(first, archive),
        1 => receive::<Vec<u32>>(first, archive),
        2 => receive::<types::Scalars>(first, archive),
        3 => receive::<types::Nested>(first, archive),
        4 => receive::<types::Shared>(first, archive),
        _ => receive::<types::Tree>(first, archive),
    }
}

/// Serialises as its bytes, which it claims to be the archive of a `T`.
struct Raw<T> {
    /// At least as many as the root of a `T` has.
    bytes: Vec<u8>,
    values: PhantomData<fn() -> T>,
}

impl<T: Archive> Raw<T> {
    fn new(bytes: &[u8]) -> Self {
        let missing = size_of::<Archived<T>>().saturating_sub(bytes.len());
        Self { bytes: [&vec![0; missing], bytes].concat(), values: PhantomData }
    }

    /// What stands in front of the root, and the root.
    fn parts(&self) -> (&[u8], &[u8]) {
        self.bytes.split_at(self.bytes.len() - size_of::<Archived<T>>())
    }
}

impl<T: Archive> Archive for Raw<T> {
    type Archived = Archived<T>;
    type Resolver = ();

    fn resolve(&self, (): (), out: Place<Archived<T>>) {
        let (_, root) = self.parts();
        // Only rkyv's own types can be resolved to a false value without `unsafe`, and only to
        // some: bytes of any kind need it.
        // SAFETY: the pointer is used to write initialised bytes, and nothing else.
        let place = unsafe { out.ptr() }.cast::<u8>();
        // SAFETY: the place has room for a root, which need not be a valid one, and `root` is
        // exactly that long.
        unsafe { place.copy_from_nonoverlapping(root.as_ptr(), root.len()) };
    }
}

impl<T: Archive, S: Fallible + Writer + ?Sized> Serialize<S> for Raw<T> {
    fn serialize(&self, serializer: &mut S) -> Result<(), S::Error> {
        serializer.write(self.parts().0)
    }
}

/// The archive that rkyv makes of `value`.
pub(crate) fn archived<T: Received>(value: &T) -> AlignedVec {
    T::archive(value).expect("the sample can be archived")
}

fn receive<T: Received>(way: u8, archive: &[u8]) -> Result<(), String>
where
    Raw<T>: Message + Archive<Archived = Archived<T>>,
{
    let message = Raw::<T>::new(archive);
    let copy = padded(&message);
    let valid = rkyv::access::<Archived<T>, rkyv::rancor::Error>(&copy).is_ok();
    let sample = Raw::<T>::new(&archived(&T::sample()));
    let largest = copy.len().max(sample.bytes.len());
    let capacity = if way & SPILLED == 0 { 2 * (largest + 16) } else { 64 };
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Raw<T>>::with_capacity(capacity);
    post(&mut port1, &message)?;
    let outcome = if way & DISPATCHED == 0 {
        pull(&mut port2, &copy, way & FORGOTTEN != 0)
    } else {
        dispatch(&mut port2)
    };
    if outcome? != valid {
        return Err(format!("an archive that is valid: {valid}, was received otherwise"));
    }
    if valid {
        again::<T>(&copy)?;
    }
    // A forgotten message gives its room back here.
    if !port2.try_recv().is_err_and(|error| error.is_empty()) {
        return Err("the message arrived twice".to_owned());
    }
    post(&mut port1, &sample)?;
    let next = port2.try_recv().map_err(|error| format!("the next message: {error}"))?;
    if T::value(&next)? == T::sample() { Ok(()) } else { Err("the next message is damaged".into()) }
}

/// The bytes that arrive: between what stands in front of the root and the root there is padding.
fn padded<T: Archive>(message: &Raw<T>) -> AlignedVec {
    let (front, root) = message.parts();
    let mut bytes = AlignedVec::new();
    bytes.extend_from_slice(front);
    bytes.resize(front.len().next_multiple_of(align_of::<Archived<T>>()), 0);
    bytes.extend_from_slice(root);
    bytes
}

fn post<M: Message>(port: &mut MessagePort<M>, message: &M) -> Result<(), String> {
    port.try_post_message(message).map_err(|error| format!("a post: {error}"))
}

/// Receives the message; whether it was valid.
fn pull<T: Received>(
    port: &mut MessagePort<Raw<T>>,
    copy: &[u8],
    forget: bool,
) -> Result<bool, String>
where
    Raw<T>: Message + Archive<Archived = Archived<T>>,
{
    match port.try_recv() {
        Ok(message) => {
            if message.as_bytes() != copy {
                return Err("other bytes arrived than were posted".to_owned());
            }
            T::value(&message)?;
            if forget {
                std::mem::forget(message);
            }
            Ok(true)
        }
        Err(error) if error.is_invalid_archive() => Ok(false),
        Err(error) => Err(format!("receiving: {error}")),
    }
}

/// Dispatches the message; whether it was valid.
fn dispatch<T: Received>(port: &mut MessagePort<Raw<T>>) -> Result<bool, String>
where
    Raw<T>: Message + Archive<Archived = Archived<T>>,
{
    let (sender, events) = std::sync::mpsc::channel();
    let errors = sender.clone();
    port.set_onmessage(move |event| {
        let value = T::value(event.data()).map(|_| true);
        sender.send(value).map_err(|error| error.to_string())
    });
    port.set_onmessageerror(move |event| {
        let expected = matches!(event.error(), HandlerError::InvalidArchive(_));
        let outcome = match event.data() {
            None if expected => Ok(false),
            _ => Err(format!("messageerror: {}", event.error())),
        };
        errors.send(outcome).map_err(|error| error.to_string())
    });
    let dispatched = port.dispatch().map_err(|error| error.to_string())?;
    let seen = events.try_iter().collect::<Result<Vec<bool>, String>>()?;
    match seen.as_slice() {
        [valid] if dispatched == 1 => Ok(*valid),
        _ => Err(format!("{dispatched} events were counted, {seen:?} were seen")),
    }
}

/// Posts the value that was received as an ordinary message.
fn again<T: Received>(copy: &[u8]) -> Result<(), String> {
    let archived = rkyv::access::<Archived<T>, rkyv::rancor::Error>(copy)
        .map_err(|error| format!("the second look: {error}"))?;
    let value = T::value(archived)?;
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<T>::new();
    post(&mut port1, &value)?;
    let message = port2.try_recv().map_err(|error| format!("the value again: {error}"))?;
    if T::value(&message)? == value { Ok(()) } else { Err("the value changed on its way".into()) }
}
