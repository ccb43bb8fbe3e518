//! Streams and sinks: the halves of a port, or a whole port, behind the traits of the async
//! ecosystem.

mod port;
mod sink;
mod slot;
mod stream;

pub use port::PortStream;
pub use sink::SenderSink;
pub use stream::ReceiverStream;
