//! Archives as bytes: posted as they are, and read as they are.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;

use message_port::rkyv::rancor;
use message_port::rkyv::util::AlignedVec;
use message_port::rkyv::{self, Archive, Deserialize, Serialize};
use message_port::{MessageChannel, MessagePort, PostError};

use asleep::spawn_asleep;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

/// In this ring a record with a short text travels in place, one with a long text in a buffer.
const CAPACITY: usize = 1024;
/// More than the ring holds.
const NUMBERS: u64 = if cfg!(miri) { 20 } else { 200 };
const TEXTS: [usize; 2] = [20, 3000];

#[derive(Archive, Serialize, Deserialize, PartialEq, Debug)]
#[rkyv(derive(Debug))]
struct Record {
    number: u64,
    text: String,
    parts: Vec<u32>,
}

impl Record {
    fn new(number: u64, text: usize) -> Self {
        Self { number, text: "x".repeat(text), parts: vec![1, 2, 3] }
    }

    fn archived(&self) -> AlignedVec {
        rkyv::to_bytes::<rancor::Error>(self).unwrap()
    }
}

fn channel() -> (MessagePort<Record>, MessagePort<Record>) {
    let MessageChannel { port1, port2 } = MessageChannel::with_capacity(CAPACITY);
    (port1, port2)
}

/// An archive of a record that claims more text than there is.
fn broken(text: usize) -> AlignedVec {
    let mut archive = Record::new(7, text).archived();
    let parts = archive.len() - 8;
    archive[parts + 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    archive
}

fn assert_nothing_arrived(port: &mut MessagePort<Record>) {
    assert!(port.is_empty());
    assert!(port.recv_timeout(std::time::Duration::ZERO).unwrap_err().is_timeout());
}

#[test]
fn as_bytes_is_the_archive() -> Outcome {
    let (mut port1, mut port2) = channel();
    // More than the ring holds, so that there are messages at each place in it.
    for number in 0..NUMBERS {
        for text in TEXTS {
            let record = Record::new(number, text);
            port1.post_message(&record)?;
            let message = port2.recv()?;
            assert_eq!(message.as_bytes(), record.archived().as_slice());
            assert!(message.as_bytes().as_ptr().addr().is_multiple_of(16));
        }
    }
    Ok(())
}

#[test]
fn post_archived_is_received_as_if_the_value_was_posted() -> Outcome {
    let (mut port1, mut port2) = channel();
    for number in 0..NUMBERS {
        for text in TEXTS {
            let record = Record::new(number, text);
            port1.post_archived(&record.archived())?;
            port1.split_mut().0.post_message(&record)?;
            for _ in 0..2 {
                let message = port2.recv()?;
                assert_eq!(message.as_bytes(), record.archived().as_slice());
                assert_eq!(message.deserialize()?, record);
            }
        }
    }
    Ok(())
}

#[test]
fn post_archived_takes_bytes_that_are_not_aligned() -> Outcome {
    let (mut port1, mut port2) = channel();
    for text in TEXTS {
        let record = Record::new(7, text);
        let archive = record.archived();
        let mut room = AlignedVec::<16>::new();
        for offset in 0..16 {
            room.clear();
            room.resize(offset, 0xFF);
            room.extend_from_slice(&archive);
            port1.post_archived(&room[offset..])?;
            // It was copied: what becomes of the bytes does not matter.
            room.fill(0xFF);
            assert_eq!(port2.recv()?.deserialize()?, record);
        }
    }
    Ok(())
}

/// E1: nothing of it is seen, and the next post works.
#[test]
fn e1_post_archived_refuses_what_is_not_an_archive() -> Outcome {
    let (mut port1, mut port2) = channel();
    for text in TEXTS {
        let good = Record::new(7, text);
        let archive = good.archived();
        let bad = [broken(text).to_vec(), archive[1..].to_vec(), archive[..7].to_vec(), Vec::new()];
        for (kind, bad) in bad.iter().enumerate() {
            let Err(PostError::DataClone(error)) = port1.post_archived(bad) else {
                panic!("kind {kind} is not an archive");
            };
            assert!(error.to_string().starts_with("the message could not be cloned: "));
            assert!(error.source().is_some(), "it says what is wrong");
            assert_nothing_arrived(&mut port2);
        }
        port1.post_archived(&archive)?;
        assert_eq!(port2.recv()?.deserialize()?, good);
    }
    Ok(())
}

/// Bytes whose number is right and whose value is not.
#[test]
fn e1_post_archived_checks_plain_copies_too() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<bool>::new();
    assert!(port1.post_archived(&[2]).unwrap_err().is_data_clone());
    port1.post_archived(&[1])?;
    assert!(*port2.recv()?);

    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u32>::new();
    for length in [0, 1, 3] {
        assert!(port1.post_archived(&vec![7; length]).unwrap_err().is_data_clone());
    }
    port1.post_archived(&[7, 0, 0, 0])?;
    assert_eq!(*port2.recv()?, 7);
    assert!(port2.try_recv().unwrap_err().is_empty());
    Ok(())
}

/// A channel that does not check what it receives must check what comes from elsewhere.
#[test]
fn e1_post_archived_checks_for_a_channel_that_trusts_archives() -> Outcome {
    let builder = MessageChannel::<Record>::builder().capacity(CAPACITY);
    // SAFETY: the archives that `Record` makes of itself are rkyv's own and valid.
    let MessageChannel { mut port1, mut port2 } = unsafe { builder.trust_archives() }.build()?;
    for text in TEXTS {
        assert!(port1.post_archived(&broken(text)).unwrap_err().is_data_clone());
        assert_nothing_arrived(&mut port2);
        let record = Record::new(7, text);
        port1.post_archived(&record.archived())?;
        assert_eq!(port2.recv()?.deserialize()?, record);
    }
    Ok(())
}

#[test]
fn post_archived_of_nothing_is_a_unit() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<()>::new();
    port1.post_archived(&[])?;
    port1.post_message(&())?;
    assert_eq!(port2.len(), 2);
    for _ in 0..2 {
        let message = port2.recv()?;
        assert!(message.as_bytes().is_empty());
    }
    assert!(port2.try_recv().unwrap_err().is_empty());
    Ok(())
}

#[test]
fn e4_post_archived_beyond_the_limit_is_too_large() -> Outcome {
    let archive = Record::new(7, 100).archived();
    let channel =
        |limit| MessageChannel::<Record>::builder().capacity(64).max_message_len(limit).build();
    let MessageChannel { mut port1, mut port2 } = channel(archive.len() - 1)?;
    let Err(PostError::TooLarge { needed, max }) = port1.post_archived(&archive) else {
        panic!("it has a byte too many");
    };
    assert_eq!((needed, max), (archive.len(), archive.len() - 1));
    assert_nothing_arrived(&mut port2);
    // What never fits is not looked at, wherever it lies.
    assert!(port1.post_archived(&broken(100)).unwrap_err().is_too_large());

    let MessageChannel { mut port1, mut port2 } = channel(archive.len())?;
    port1.post_archived(&archive)?;
    assert_eq!(port2.recv()?.number, 7);
    Ok(())
}

/// Whether bytes are an archive does not depend on the peer.
#[test]
fn e2_post_archived_looks_at_the_bytes_before_the_end() {
    for text in TEXTS {
        let (good, bad) = (Record::new(7, text).archived(), broken(text));
        for closer in [1, 2] {
            let (mut port1, mut port2) = channel();
            if closer == 1 {
                port1.close();
            } else {
                port2.close();
            }
            assert!(port1.post_archived(&bad).unwrap_err().is_data_clone());
            assert!(port1.post_archived(&good).unwrap_err().is_closed());
        }
        let (mut port1, port2) = channel();
        drop(port2);
        assert!(port1.post_archived(&bad).unwrap_err().is_data_clone());
        assert!(port1.post_archived(&good).unwrap_err().is_disconnected());
    }
}

/// And not on the room there is: bytes that are no archive are not waited for.
#[test]
fn e2_post_archived_looks_at_the_bytes_before_the_room() {
    let _watchdog = Watchdog::start();
    for text in TEXTS {
        let (mut port1, _port2) = channel();
        while port1.try_post_message(&Record::new(7, text)).is_ok() {}
        assert!(port1.post_archived(&broken(text)).unwrap_err().is_data_clone());
    }
}

#[test]
fn m1_post_archived_waits_for_room() -> Outcome {
    let _watchdog = Watchdog::start();
    for text in TEXTS {
        let (mut port1, mut port2) = channel();
        let mut posted = 0;
        while port1.try_post_message(&Record::new(posted, text)).is_ok() {
            posted += 1;
        }
        let archive = Record::new(posted, text).archived();
        let sender = spawn_asleep(move || port1.post_archived(&archive));
        assert!(!sender.is_finished());
        for number in 0..=posted {
            assert_eq!(port2.recv()?.number, number);
        }
        sender.join().unwrap()?;
    }
    Ok(())
}

/// What arrives in one channel goes on in another without being taken apart.
#[test]
fn archives_go_from_channel_to_channel() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut port1, mut inner1) = channel();
    let MessageChannel { port1: mut inner2, mut port2 } =
        MessageChannel::<Record>::with_capacity(4096);
    let bridge = std::thread::spawn(move || {
        while let Ok(message) = inner1.recv() {
            inner2.post_archived(message.as_bytes()).unwrap();
        }
    });
    let poster = std::thread::spawn(move || {
        for number in 0..NUMBERS * 10 {
            let text = TEXTS[usize::from(number % 7 == 0)];
            port1.post_message(&Record::new(number, text)).unwrap();
        }
    });
    for number in 0..NUMBERS * 10 {
        let text = TEXTS[usize::from(number % 7 == 0)];
        let record = port2.recv()?.deserialize()?;
        assert_eq!(record, Record::new(number, text));
    }
    assert!(port2.recv().unwrap_err().is_disconnected());
    poster.join().unwrap();
    bridge.join().unwrap();
    Ok(())
}
