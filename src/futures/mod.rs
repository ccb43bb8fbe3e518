//! Streams and sinks: the halves of a port, or a whole one, behind the traits that the async
//! ecosystem has for them.

mod port;
mod sink;
mod slot;
mod stream;

pub use port::PortStream;
pub use sink::SenderSink;
pub use stream::ReceiverStream;
