//! What goes wrong between a host and its embedder.

use crate::compatibility::CompatibilityError;

/// What a [`Host`](crate::Host) could not do.
///
/// # Examples
///
/// ```
/// use message_port_js::{Error, Host, Options};
///
/// let host = Host::new(&Options::default())?;
/// let Err(Error::Script(error)) = host.eval("null.x") else { panic!() };
/// assert_eq!(error.message(), "TypeError: cannot read property 'x' of null");
/// # Ok::<(), message_port_js::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The compatibility date or flags make no sense.
    #[error(transparent)]
    Compatibility(#[from] CompatibilityError),
    /// The script has thrown.
    #[error("{0}")]
    Script(crate::Uncaught),
    /// It is no port, or one whose end of the channel is not here any more, or of another host.
    #[error("it is no port, or its end of the channel is not here any more")]
    NotAPort,
    /// The engine cannot: it has no memory, mostly.
    #[error("the engine: {0}")]
    Engine(rquickjs::Error),
    /// A port of Rust in the loop of the host has failed.
    #[error(transparent)]
    EventLoop(#[from] message_port::EventLoopError),
}

impl From<rquickjs::Error> for Error {
    fn from(error: rquickjs::Error) -> Self {
        Self::Engine(error)
    }
}
