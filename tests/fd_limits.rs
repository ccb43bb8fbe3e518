//! When a descriptor is closed, and what happens when there is none left.
//!
//! A test binary of its own, with one test: descriptors belong to the process.
#![cfg(all(feature = "fd", target_os = "linux", not(miri)))]

use std::fs;
use std::io;

use message_port::{MessageChannel, WithFd};

type Channel = MessageChannel<u64>;

/// The descriptors of events that the process has open.
fn eventfds() -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap();
    let targets = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
    targets.filter(|target| target.to_string_lossy().contains("eventfd")).count()
}

#[test]
fn a_descriptor_lives_as_long_as_its_owner() {
    let before = eventfds();
    let Channel { mut port1, port2 } = Channel::new();
    let mut port = WithFd::new(port2).unwrap();
    assert_eq!(eventfds(), before + 1);
    assert!(!port.arm());
    drop(port);
    assert_eq!(eventfds(), before, "a peer keeps it open");
    assert!(port1.post_message(&7).unwrap_err().is_disconnected());

    // A port that was taken out in whatever way has no share in it, though it was armed.
    let Channel { port1: mut peer, port2 } = Channel::new();
    let mut port = WithFd::new(port2).unwrap();
    assert!(!port.arm());
    let mut former = std::mem::replace(&mut *port, Channel::new().port1);
    drop(port);
    assert_eq!(eventfds(), before, "a waker keeps it open");
    peer.post_message(&7).unwrap();
    assert_eq!(*former.recv().unwrap(), 7);

    let mut port = WithFd::new(former).unwrap();
    assert!(!port.arm());
    let mut former = port.into_inner();
    assert_eq!(eventfds(), before);
    peer.post_message(&8).unwrap();
    assert_eq!(*former.recv().unwrap(), 8);

    // None is left: whoever asks has the port back, as it was.
    let files: Vec<_> = std::iter::repeat_with(|| fs::File::open("/dev/null"))
        .take_while(io::Result::is_ok)
        .take(1 << 20)
        .collect();
    let Err(error) = WithFd::new(former) else {
        println!("skipped: the system has descriptors without end");
        return;
    };
    drop(files);
    assert_eq!(error.to_string(), "no file descriptor for the port");
    assert!(std::error::Error::source(&error).is_some());
    assert!(format!("{error:?}").starts_with("WithFdError { error: Os"));
    assert_eq!(error.error().raw_os_error(), Some(libc::EMFILE));
    peer.post_message(&9).unwrap();
    let mut former = error.into_inner();
    assert_eq!(*former.recv().unwrap(), 9);
}
