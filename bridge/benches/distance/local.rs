//! A port in one process.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use message_port::{MessageChannel, MessagePort};

use crate::protocol::QUIT;
use crate::{Subject, Way, port};

pub(crate) struct InProcess {
    port: MessagePort<Vec<u8>>,
    other: Option<JoinHandle<()>>,
}

impl InProcess {
    pub(crate) fn new() -> Self {
        let MessageChannel { port1, port2 } = MessageChannel::with_capacity(1 << 20);
        Self { port: port1, other: Some(thread::spawn(move || port::serve(port2))) }
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        let _ = self.port.post_message(&vec![QUIT]);
        self.other.take().map(JoinHandle::join);
    }
}

impl Subject for InProcess {
    fn name(&self) -> &'static str {
        "port in one process"
    }

    fn measure(&mut self, way: Way, size: usize, count: u64) -> Duration {
        port::measure(&mut self.port, way, size, count)
    }
}
