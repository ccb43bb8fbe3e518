//! What travels from the server to the client.

use rkyv::{Archive, Serialize};

/// An answer, or what stands in for one. Requests travel as they are.
///
/// As an enum, each variant is as long as the longest: no other than the first has more than eight bytes
/// in its root.
#[derive(Archive, Serialize)]
#[rkyv(archived = ArchivedEnvelope)]
pub(crate) enum Envelope<Ans> {
    /// Answers the call that comes next.
    Answer(Ans),
    /// Says which call comes next, where it is not the one behind the last.
    Next(u64),
    /// The handler returned an error, of this text.
    Handler(String),
    /// The handler panicked, with this text.
    Panicked(String),
    /// The server let go of the call.
    Unanswered,
    /// The answer needs so many bytes, which is too many.
    TooLarge(u64),
    /// The answer could not be cloned, for this reason.
    DataClone(String),
    /// The request was no valid archive, for this reason.
    InvalidRequest(String),
}
