//! Arbitrary bytes, presented to a receiver as the archive of a value.
//!
//! They are refused, or all of the value can be read, shown, compared, copied and sent on; and the
//! next message arrives in either case.

pub(crate) mod input;
pub(crate) mod walk;

use message_port::MessageChannel;
use message_port_structured::{ArchivedValue, Value};
use rkyv::rancor::Error;

pub(crate) fn check(input: &[u8]) -> Result<(), String> {
    let archive = input::archive(input);
    let valid = rkyv::access::<ArchivedValue, Error>(&archive);
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Value>::new();
    match port1.post_archived(&archive) {
        Ok(()) if valid.is_ok() => {}
        Err(error) if error.is_data_clone() && valid.is_err() => {}
        outcome => {
            return Err(format!("valid: {}, and yet {outcome:?}", valid.is_ok()));
        }
    }
    if let Ok(value) = valid {
        let received = port2.try_recv().map_err(|error| format!("it did not arrive: {error}"))?;
        if received.as_bytes() != archive.as_slice() {
            return Err("other bytes arrived than were posted".to_owned());
        }
        walk::walk(received.root(), received.node_count());
        let copy = received.deserialize().map_err(|error| format!("no copy: {error}"))?;
        walk::walk(copy.root(), copy.node_count());
        if *value != *received || *received != copy || copy != copy.clone() {
            return Err("a copy is not equal".to_owned());
        }
        let shown = format!("{:?}", value.root());
        if shown != format!("{:?}", copy.root()) {
            return Err("a copy is shown in another way".to_owned());
        }
        let again = rkyv::to_bytes::<Error>(&copy).map_err(|error| error.to_string())?;
        let again = rkyv::access::<ArchivedValue, Error>(&again)
            .map_err(|error| format!("the copy is refused: {error}"))?;
        if *again != copy {
            return Err("the archive of a copy is another value".to_owned());
        }
    }
    let next = Value::from("next");
    port1.post_message(&next).map_err(|error| format!("the next message: {error}"))?;
    let received = port2.try_recv().map_err(|error| format!("the next message: {error}"))?;
    if *received == next { Ok(()) } else { Err("the next message is damaged".to_owned()) }
}
