//! A port with a file descriptor: when it is readable, and when not.
#![cfg(all(feature = "fd", target_os = "linux", not(miri)))]

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/meter.rs"]
mod meter;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::os::fd::{AsFd, AsRawFd};
use std::thread;

use message_port::{
    EventLoop, MessageChannel, MessagePort, Receiver, Select, TryRecvError, WithFd,
};
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use asleep::spawn_asleep;
use meter::measure;
use watchdog::Watchdog;

type Channel = MessageChannel<u64>;
type Port = MessagePort<u64>;

const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

assert_impl_all!(WithFd<Port>: Send, AsFd, AsRawFd, std::fmt::Debug);
assert_impl_all!(WithFd<Receiver<u64>>: Send);
assert_not_impl_any!(WithFd<Port>: Sync, Clone);

fn channel() -> (Port, WithFd<Port>) {
    let Channel { port1, port2 } = Channel::new();
    (port1, WithFd::new(port2).unwrap())
}

fn is_readable(fd: impl AsFd) -> bool {
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&NOW)).unwrap() == 1
}

#[test]
fn it_is_readable_for_what_comes_after_it_was_armed() {
    let (mut peer, mut port) = channel();
    assert!(!is_readable(&port));
    assert!(!port.arm());
    assert!(!is_readable(&port));
    peer.post_message(&7).unwrap();
    assert!(is_readable(&port));
    assert_eq!(*port.try_recv().unwrap(), 7);
    assert!(port.try_recv().unwrap_err().is_empty());

    // Not armed, so nobody pays for a wake-up; what is there is found when it is armed.
    assert!(is_readable(&port), "it stays so until it is armed");
    assert!(!port.arm());
    assert!(!is_readable(&port));
}

#[test]
fn nobody_is_woken_who_has_not_armed() {
    let (mut peer, mut port) = channel();
    peer.post_message(&1).unwrap();
    peer.post_message(&2).unwrap();
    assert!(!is_readable(&port));
    assert!(port.arm(), "there is something");
    assert!(is_readable(&port));
    assert_eq!(*port.try_recv().unwrap(), 1);
    assert!(port.arm(), "there still is");
    assert!(is_readable(&port));
    assert_eq!(*port.try_recv().unwrap(), 2);
    assert!(!port.arm());
    assert!(!is_readable(&port));
}

#[test]
fn an_end_makes_it_readable_and_keeps_it_so() {
    type Ending = fn(Port) -> Option<Port>;
    let close: Ending = |mut peer| {
        peer.close();
        Some(peer)
    };
    let disconnect: Ending = |_| None;
    for (end, expected) in [(close, TryRecvError::Closed), (disconnect, TryRecvError::Disconnected)]
    {
        let (mut peer, mut port) = channel();
        assert!(!port.arm());
        peer.post_message(&7).unwrap();
        let _peer = end(peer);
        assert!(is_readable(&port));
        assert_eq!(*port.try_recv().unwrap(), 7);
        for _ in 0..3 {
            assert!(port.arm());
            assert!(is_readable(&port));
            let error = port.try_recv().unwrap_err();
            assert_eq!(format!("{error:?}"), format!("{expected:?}"));
        }

        let (peer, mut port) = channel();
        assert!(!port.arm());
        let _peer = end(peer);
        assert!(is_readable(&port), "the end alone");
    }
}

#[test]
fn closing_the_port_itself_makes_it_readable() {
    let (_peer, mut port) = channel();
    assert!(!port.arm());
    port.close();
    assert!(is_readable(&port));
    assert!(port.arm());
    assert!(port.try_recv().unwrap_err().is_closed());
}

/// A message that was taken by another call leaves a descriptor that is readable for nothing.
#[test]
fn it_may_be_readable_for_nothing() {
    let (mut peer, mut port) = channel();
    assert!(!port.arm());
    peer.post_message(&7).unwrap();
    assert_eq!(*port.recv().unwrap(), 7);
    assert!(is_readable(&port));
    assert!(port.try_recv().unwrap_err().is_empty());
    assert!(!port.arm());
    assert!(!is_readable(&port));
}

/// A wait at the port takes the place of the descriptor, which has to be armed again.
#[test]
fn another_wait_takes_its_place() {
    use std::task::{Context, Waker};

    let _watchdog = Watchdog::start();
    let (mut peer, mut port) = channel();
    assert!(!port.arm());
    let waiting = spawn_asleep(move || {
        assert_eq!(*port.recv().unwrap(), 1);
        port
    });
    peer.post_message(&1).unwrap();
    let mut port = waiting.join().unwrap();
    peer.post_message(&3).unwrap();
    assert!(!is_readable(&port));
    assert!(port.arm());
    assert_eq!(*port.try_recv().unwrap(), 3);

    assert!(!port.arm());
    assert!(port.poll_recv(&mut Context::from_waker(Waker::noop())).is_pending());
    peer.post_message(&2).unwrap();
    assert!(!is_readable(&port));
    assert_eq!(*port.try_recv().unwrap(), 2);
}

#[test]
fn handlers_are_run_when_it_is_readable() {
    let (mut peer, mut port) = channel();
    peer.post_message(&7).unwrap();
    assert_eq!(port.dispatch().unwrap(), 0);
    assert!(port.arm(), "a message waits for a handler");
    port.set_onmessage(|event| {
        let number = event.data().to_native();
        event.target().post_message(&number)
    });
    assert_eq!(port.dispatch().unwrap(), 1);
    assert!(!port.arm());
    peer.post_message(&8).unwrap();
    assert!(is_readable(&port));
    assert_eq!(port.dispatch().unwrap(), 1);
    assert_eq!(*peer.recv().unwrap(), 7);
    assert_eq!(*peer.recv().unwrap(), 8);
}

/// What the port is used for afterwards does not matter, nor whether the descriptor was armed.
#[test]
fn the_port_without_it_is_as_any_other() {
    type Use = fn(Port);
    let _watchdog = Watchdog::start();
    let uses: [Use; 4] = [
        |mut port| assert_eq!(*port.recv().unwrap(), 7),
        |mut port| {
            futures_lite::future::block_on(async {
                assert_eq!(*port.recv_async().await.unwrap(), 7);
            });
        },
        |mut port| {
            port.set_onmessage(|event| assert_eq!(*event.data(), 7));
            let mut events = EventLoop::new();
            events.add(port);
            assert_eq!(events.run_once(None).unwrap(), 1);
        },
        |mut port| {
            let mut select = Select::new();
            let port = select.recv(&mut port);
            assert!(select.ready() == port);
        },
    ];
    for used in uses {
        let (mut peer, mut port) = channel();
        assert!(!port.arm());
        let port = port.into_inner();
        thread::scope(|scope| {
            scope.spawn(|| used(port));
            peer.post_message(&7).unwrap();
        });
    }
}

/// The former port still has the waker. It does no harm with it.
#[test]
fn a_port_is_replaced_while_it_is_armed() {
    let (mut first, mut port) = channel();
    let Channel { port1: mut second, port2: other } = Channel::new();
    assert!(!port.arm());
    let mut former = std::mem::replace(&mut *port, other);
    second.post_message(&2).unwrap();
    assert!(!is_readable(&port));
    assert!(port.arm());
    assert_eq!(*port.try_recv().unwrap(), 2);
    assert!(!port.arm());
    first.post_message(&1).unwrap();
    assert!(is_readable(&port), "for nothing");
    drop(port);
    assert_eq!(*former.recv().unwrap(), 1);
    first.post_message(&1).unwrap();
}

#[test]
fn a_receiver_has_one_too() {
    let MessageChannel { mut port1, port2 } = MessageChannel::<String>::new();
    let (mut sender, receiver) = port2.into_split();
    let mut receiver = WithFd::new(receiver).unwrap();
    assert!(!receiver.arm());
    port1.post_message(&"tea".to_owned()).unwrap();
    assert!(is_readable(&receiver));
    let message = receiver.try_recv().unwrap();
    sender.post_message(&message.to_uppercase()).unwrap();
    assert_eq!(port1.recv().unwrap().as_str(), "TEA");
}

#[test]
fn arming_and_waking_allocate_nothing() {
    let (mut peer, mut port) = channel();
    let mut round = || {
        assert!(!port.arm());
        peer.post_message(&7).unwrap();
        assert!(is_readable(&port));
        assert!(port.arm());
        assert_eq!(*port.try_recv().unwrap(), 7);
    };
    round();
    let ((), taken) = measure(|| (0..100).for_each(|_| round()));
    assert_eq!(taken.allocations, 0);
}

/// Both ways of `epoll` hear of each message, from another thread, whenever it comes.
#[test]
fn no_wake_up_is_lost_in_an_epoll() {
    const MESSAGES: u64 = 2_000;
    const PORTS: usize = 3;
    let _watchdog = Watchdog::start();
    for edge in [epoll::EventFlags::empty(), epoll::EventFlags::ET] {
        let set = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let (mut ports, peers): (Vec<_>, Vec<_>) = (0..PORTS)
            .map(|_| Channel::with_capacity(64))
            .map(|channel| (WithFd::new(channel.port2).unwrap(), channel.port1))
            .unzip();
        for (index, port) in (0..).zip(&ports) {
            let data = epoll::EventData::new_u64(index);
            epoll::add(&set, port, data, epoll::EventFlags::IN | edge).unwrap();
        }
        thread::scope(|scope| {
            for (index, mut peer) in peers.into_iter().enumerate() {
                scope.spawn(move || {
                    for number in 0..MESSAGES {
                        peer.post_message(&number).unwrap();
                        if number % 3 == index as u64 {
                            thread::yield_now();
                        }
                    }
                });
            }
            let mut next = [0; PORTS];
            let mut open = PORTS;
            for port in &mut ports {
                port.arm();
            }
            let mut happened = Vec::with_capacity(PORTS);
            while open > 0 {
                happened.clear();
                epoll::wait(&set, rustix::buffer::spare_capacity(&mut happened), None).unwrap();
                for event in &happened {
                    let index = usize::try_from({ event.data }.u64()).unwrap();
                    let port = &mut ports[index];
                    let end = loop {
                        match port.try_recv() {
                            Ok(number) => {
                                assert_eq!(*number, next[index]);
                                next[index] += 1;
                            }
                            Err(end) => break end,
                        }
                    };
                    if end.is_empty() {
                        port.arm();
                    } else {
                        assert!(end.is_disconnected());
                        epoll::delete(&set, port).unwrap();
                        open -= 1;
                    }
                }
            }
            assert_eq!(next, [MESSAGES; PORTS]);
        });
    }
}
