//! A script that posts back what it gets.

use message_port::MessagePort;
use message_port_js::{Endpoint, Host, Options};
use message_port_structured::Value;

pub(crate) struct Echo {
    host: Host,
    port: MessagePort<Value>,
}

impl Echo {
    /// An engine whose script posts back what it gets, and a messageerror as the string
    /// "messageerror".
    pub(crate) fn new() -> Self {
        let (one, other) = Endpoint::pair();
        let host = Host::new(&Options::default().on_uncaught(|_| ())).expect("an engine");
        let port = host.connect(one).expect("a port");
        host.set_global("port", &port).expect("a name");
        host.eval(
            "port.onmessage = ({ data }) => port.postMessage(data);
             port.onmessageerror = ({ data }) => port.postMessage('messageerror');",
        )
        .expect("a script");
        Self { host, port: other.into_port() }
    }

    /// Posts these bytes as the archive of a value. What is valid comes back as a value, or is a
    /// messageerror; the next message arrives in either case.
    pub(crate) fn check(&mut self, archive: &[u8]) -> Result<(), String> {
        match self.port.post_archived(archive) {
            Err(error) if error.is_data_clone() => return Ok(()),
            outcome => outcome.map_err(|error| format!("a post: {error}"))?,
        }
        self.run()?;
        // A value that cannot be made is a messageerror; one that cannot be posted is none, but an
        // uncaught exception in the script.
        while self.port.try_recv().is_ok() {}
        let next = Value::from("next");
        self.port.post_message(&next).map_err(|error| format!("the next post: {error}"))?;
        self.run()?;
        let back = self.port.try_recv().map_err(|error| format!("nothing came back: {error}"))?;
        if *back == next { Ok(()) } else { Err(format!("{back:?} came back")) }
    }

    fn run(&self) -> Result<(), String> {
        self.host.run_until_idle().map(drop).map_err(|error| format!("the engine: {error}"))
    }
}
