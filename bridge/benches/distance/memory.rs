//! How much memory both sides take while the far receiver sleeps.

use std::time::Duration;

use message_port::{MessageChannel, MessagePort, PostTimeoutError};
use message_port_zenoh::{Options, connect, expose};
use zenoh::Session;

use crate::{Far, SIZES};

const KEY: &str = "bench/asleep";

/// Kilobytes of this process in memory, where the system tells.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// At the far side: a port whose user never reads.
pub(crate) fn sleep(session: &Session) {
    for size in SIZES {
        let MessageChannel { port1, port2 } = MessageChannel::<Vec<u8>>::with_capacity(1 << 20);
        expose(port1, session, &format!("{KEY}/{size}"), Options::new()).expect("a port");
        // Its user sleeps until the process ends.
        std::mem::forget(port2);
    }
}

/// At the near side: posts until there is room nowhere, again and again.
pub(crate) fn measure(session: &Session, far: &mut Far) {
    far.ask("sleep");
    println!("kilobytes in memory: near, far");
    println!("    at first {:>31} {:>8}", resident(), far.ask("memory"));
    for size in SIZES {
        let options = Options::new().timeout(Duration::from_secs(60)).capacity(1 << 20);
        let mut port: MessagePort<Vec<u8>> =
            connect(session, &format!("{KEY}/{size}"), options).expect("a far port");
        let (message, mut posted, mut refused) = (vec![0; size], 0u64, 0);
        while refused < 5 {
            match port.post_message_timeout(&message, Duration::from_millis(500)) {
                Ok(()) => posted += 1,
                Err(PostTimeoutError::Timeout) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        let bytes = posted * size as u64 / 1024;
        println!(
            "    {posted:>7} messages of {size:>5} bytes: {:>8} {:>8}    ({bytes} kB of messages)",
            resident(),
            far.ask("memory")
        );
        std::mem::forget(port);
    }
}
