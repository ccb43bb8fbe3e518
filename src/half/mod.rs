//! The two halves of a port: one posts, one receives. `Outgoing` and `Incoming` move archives and
//! know nothing of types; `Sender` and `Receiver` are their typed faces.

mod close_event;
mod guard;
mod incoming;
mod outgoing;
mod receiver;
mod sender;

pub use close_event::{CloseEvent, ClosedBy};
pub use guard::{MessageRef, PeekRef};
pub(crate) use incoming::{Incoming, Next};
pub(crate) use outgoing::{Outgoing, Standing};
pub use receiver::Receiver;
pub(crate) use receiver::{Verdict, Wants};
pub use sender::{PostAs, Sender};
