//! An end of a channel on its way between threads.

use message_port::{MessageChannel, MessagePort};
use message_port_structured::Value;

use crate::ports;

/// One end of a channel of [`Value`]s: `Send`, so it connects a script with another thread, where a
/// second script, or Rust, has the other end.
///
/// A host makes a port of it with [`Host::connect`](crate::Host::connect), and
/// one of a script's port with [`Host::take_endpoint`](crate::Host::take_endpoint). In
/// Rust it is a [`MessagePort`]: [`into_port`](Self::into_port).
///
/// # Examples
///
/// ```
/// use message_port_js::{Endpoint, Host, Options};
/// use message_port_structured::Value;
///
/// let (ours, theirs) = Endpoint::pair();
/// let script = std::thread::spawn(move || -> Result<(), message_port_js::Error> {
///     let host = Host::new(&Options::default())?;
///     let port = host.connect(theirs)?;
///     host.set_global("port", &port)?;
///     host.ref_port(&port)?; // runs until the channel has ended
///     host.eval("port.onmessage = ({ data }) => port.postMessage(data * 2)")?;
///     host.run()
/// });
/// let mut port = ours.into_port();
/// port.post_message(&Value::from(21))?;
/// assert_eq!(port.recv()?.root().as_f64(), Some(42.0));
/// port.close();
/// script.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Endpoint(MessagePort<Value>);

impl Endpoint {
    /// The two ends of a new channel, which grows to 256 MiB in each direction.
    pub fn pair() -> (Self, Self) {
        Self::pair_with_limit(ports::DEFAULT_LIMIT)
    }

    /// The two ends of a new channel which grows to that many bytes in each direction.
    pub fn pair_with_limit(max_bytes: usize) -> (Self, Self) {
        let MessageChannel { port1, port2 } = ports::channel(max_bytes);
        (Self(port1), Self(port2))
    }

    /// An end of any channel of values. A post of a script does not wait: where the channel does
    /// not grow, or has grown to its limit, it throws a `QuotaExceededError`.
    pub fn from_port(port: MessagePort<Value>) -> Self {
        Self(port)
    }

    /// The end as a port of Rust.
    pub fn into_port(self) -> MessagePort<Value> {
        self.0
    }
}
