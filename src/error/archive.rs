//! What goes wrong between a value and its archive.

use std::any::type_name;
use std::error::Error as StdError;
use std::fmt;

use super::BoxError;
use rkyv::rancor::{Source, Trace};

/// An error inside rkyv or a user's type, with the places that it passed through. Boxed, so that
/// the results of posts and receives stay small.
struct ArchiveFault(Box<Fault>);

struct Fault {
    error: BoxError,
    /// Whether it is rkyv's own error, which names addresses, or this crate's.
    in_rkyv: bool,
    trace: String,
}

impl ArchiveFault {
    fn new<E: StdError + Send + Sync + 'static>(error: E) -> Self {
        let of = |name| type_name::<E>().starts_with(name);
        let in_rkyv = of("rkyv::") || of("message_port::");
        Self(Box::new(Fault { error: Box::new(error), in_rkyv, trace: String::new() }))
    }

    /// The error's text without addresses: where the archive lay in this process helps nobody who
    /// reads a log, and should not be disclosed.
    fn text(&self) -> String {
        let text = self.0.error.to_string();
        if self.0.in_rkyv { without_addresses(&text) } else { text }
    }

    fn trace(mut self, trace: &dyn fmt::Display) -> Self {
        self.0.trace.push_str(", ");
        self.0.trace.push_str(&trace.to_string());
        self
    }
}

impl fmt::Display for ArchiveFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text(), self.0.trace)
    }
}

impl fmt::Debug for ArchiveFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { error, in_rkyv, trace } = &*self.0;
        match (in_rkyv, trace.as_str()) {
            (false, "") => fmt::Debug::fmt(error, f),
            _ => fmt::Debug::fmt(&self.to_string(), f),
        }
    }
}

/// Replaces each hexadecimal number.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        clean.push_str("0x…");
        let digits = |digit: char| digit.is_ascii_hexdigit() || digit == '…';
        clean.push_str(part.trim_start_matches(digits));
    }
    clean
}

/// Makes the public error name its fault as its source: the original error, for a downcast.
macro_rules! caused_by {
    ($name:ident, $error:ident => $fault:expr) => {
        impl StdError for $name {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                let $error = self;
                let fault: &ArchiveFault = $fault;
                Some(&*fault.0.error)
            }
        }
    };
}

/// The value could not be cloned into the channel.
///
/// - Its own `Serialize` failed.
/// - Its archive grew each time it was written.
/// - There was no memory for it.
/// - It is a number (a `usize` or the like) with more bits than archives store.
/// - The bytes that were to be posted as an archive are not a valid one.
///
/// The web's `DataCloneError`. Nothing of the value was posted, and the next post works.
///
/// # Examples
///
/// ```
/// use message_port::{MessageChannel, PostError};
///
/// # use rkyv::{Archive, Serialize, Place, rancor::{Fallible, Source}};
/// # #[derive(Debug)] struct Refused;
/// # impl std::fmt::Display for Refused {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("refused") }
/// # }
/// # impl std::error::Error for Refused {}
/// struct Uncloneable;
/// # impl Archive for Uncloneable {
/// #     type Archived = (); type Resolver = ();
/// #     fn resolve(&self, (): (), _: Place<()>) {}
/// # }
/// # impl<S: Fallible<Error: Source> + ?Sized> Serialize<S> for Uncloneable {
/// #     fn serialize(&self, _: &mut S) -> Result<(), S::Error> { Err(Source::new(Refused)) }
/// # }
/// // ... whose `Serialize` always fails with the error "refused"
/// let MessageChannel { mut port1, .. } = MessageChannel::<Uncloneable>::new();
/// let Err(PostError::DataClone(error)) = port1.post_message(&Uncloneable) else { panic!() };
/// assert_eq!(error.to_string(), "the message could not be cloned: refused");
/// ```
#[derive(Debug)]
pub struct DataCloneError(CloneFault);

#[derive(Debug)]
enum CloneFault {
    /// The value's own error.
    Value(ArchiveFault),
    /// The value grows each time it is serialised.
    Unstable,
    /// There is no memory for this many bytes.
    OutOfMemory(usize),
    /// A number has more bits than archives store.
    Narrow,
    /// The archive needs at least this many bytes, more than any archive may have. Never visible
    /// outside: it becomes `TooLarge`.
    BeyondEveryLimit(usize),
}

impl fmt::Display for DataCloneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message could not be cloned: ")?;
        match &self.0 {
            CloneFault::Value(fault) => fault.fmt(f),
            CloneFault::Unstable => f.write_str("its archive grows each time it is serialised"),
            CloneFault::Narrow => f.write_str(
                "the number needs more bits than it has in an archive (see the feature `pointer_width_64`)",
            ),
            CloneFault::OutOfMemory(bytes) => write!(f, "no memory for {bytes} bytes"),
            CloneFault::BeyondEveryLimit(bytes) => write!(f, "it needs {bytes} bytes or more"),
        }
    }
}

impl DataCloneError {
    pub(crate) fn unstable() -> Self {
        Self(CloneFault::Unstable)
    }

    pub(crate) fn narrow() -> Self {
        Self(CloneFault::Narrow)
    }

    pub(crate) fn out_of_memory(bytes: usize) -> Self {
        Self(CloneFault::OutOfMemory(bytes))
    }

    pub(crate) fn beyond_every_limit(bytes: usize) -> Self {
        Self(CloneFault::BeyondEveryLimit(bytes))
    }

    /// The bytes that the archive needs, if their number is the only problem.
    pub(crate) fn needed_bytes(&self) -> Option<usize> {
        match self.0 {
            CloneFault::BeyondEveryLimit(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// The received bytes are not a valid archive of the expected type.
///
/// The message is skipped; the next one can be received.
///
/// # Examples
///
/// ```
/// use message_port::{InvalidArchiveError, TryRecvError};
///
/// fn reason(error: &TryRecvError) -> Option<&InvalidArchiveError> {
///     match error {
///         TryRecvError::InvalidArchive(error) => Some(error),
///         _ => None,
///     }
/// }
/// ```
#[derive(Debug)]
pub struct InvalidArchiveError(ArchiveFault);

impl fmt::Display for InvalidArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the archive is not valid: {}", self.0)
    }
}

/// A valid archive could not be turned back into an owned value.
///
/// # Examples
///
/// ```
/// use message_port::{MessageChannel, DeserializeError};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
/// port1.post_message(&"text".to_owned())?;
/// let text: Result<String, DeserializeError> = port2.recv()?.deserialize();
/// assert_eq!(text?, "text");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DeserializeError(ArchiveFault);

impl fmt::Display for DeserializeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the message could not be deserialised: {}", self.0)
    }
}

caused_by!(DataCloneError, error => match &error.0 {
    CloneFault::Value(fault) => fault,
    _ => return None,
});
caused_by!(InvalidArchiveError, error => &error.0);
caused_by!(DeserializeError, error => &error.0);

/// Lets rkyv report into the error: `new` makes it from a fault, `inner` returns the fault.
macro_rules! rkyv_reports_into {
    ($name:ident, $fault:ident => $new:expr, $error:ident => $trace:expr) => {
        impl Trace for $name {
            fn trace<R>(self, trace: R) -> Self
            where
                R: fmt::Debug + fmt::Display + Send + Sync + 'static,
            {
                let ($error, trace): (Self, &dyn fmt::Display) = (self, &trace);
                $trace(trace)
            }
        }

        impl Source for $name {
            fn new<T: StdError + Send + Sync + 'static>(source: T) -> Self {
                let $fault = ArchiveFault::new(source);
                $new
            }
        }
    };
}

rkyv_reports_into!(DataCloneError, fault => Self(CloneFault::Value(fault)), error => |trace| {
    match error.0 {
        CloneFault::Value(fault) => Self(CloneFault::Value(fault.trace(trace))),
        other => Self(other),
    }
});
rkyv_reports_into!(InvalidArchiveError, fault => Self(fault), error => |trace| Self(error.0.trace(trace)));
rkyv_reports_into!(DeserializeError, fault => Self(fault), error => |trace| Self(error.0.trace(trace)));
