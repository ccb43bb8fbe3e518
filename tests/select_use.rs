//! What a program does with the ports of a select between two waits and afterwards.

#[path = "common/asleep.rs"]
#[allow(dead_code)]
mod asleep;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::time::Duration;

use message_port::{EventLoop, MessageChannel, MessagePort, Select};

use asleep::spawn_asleep_after;
use watchdog::Watchdog;

type Channel = MessageChannel<u64>;
type Port = MessagePort<u64>;

/// So many channels.
fn channels(number: usize) -> (Vec<Port>, Vec<Port>) {
    (0..number).map(|_| Channel::new()).map(|channel| (channel.port1, channel.port2)).unzip()
}

/// A port that is used through the select in any way is looked at again, whatever that has done to
/// the place where it waits.
#[test]
fn a_port_is_used_in_any_way_between_two_waits() {
    use futures_lite::future::{block_on, poll_once};
    use std::task::{Context, Waker};

    type Use = fn(&mut Port);
    let _watchdog = Watchdog::start();
    let uses: [Use; 6] = [
        |port| drop(port.recv_timeout(Duration::from_millis(1)).unwrap_err()),
        |port| assert!(port.poll_recv(&mut Context::from_waker(Waker::noop())).is_pending()),
        |port| assert!(block_on(poll_once(port.recv_async())).is_none()),
        |port| assert_eq!(port.dispatch().unwrap(), 0),
        |port| port.post_message(&1).unwrap(),
        |port| drop(port.split_mut().1.try_recv().unwrap_err()),
    ];
    for used in uses {
        let (mut peers, mut ports) = channels(2);
        let waiting = spawn_asleep_after(move |prepared| {
            let [quiet, port] = &mut ports[..] else { unreachable!() };
            let mut select = Select::new();
            select.recv(quiet);
            let port = select.recv(port);
            // It sleeps, and is used while it does.
            assert_eq!(select.ready_timeout(Duration::from_millis(1)), None);
            used(&mut select[port]);
            prepared();
            assert!(select.ready() == port);
            assert_eq!(*select[port].try_recv().unwrap(), 7);
        });
        peers[1].post_message(&7).unwrap();
        waiting.join().unwrap();
    }
}

/// The port may be another one when the select looks at it again.
#[test]
fn a_port_is_replaced_while_it_sleeps() {
    let _watchdog = Watchdog::start();
    let Channel { port1: mut first, mut port2 } = Channel::new();
    let Channel { port1: mut second, port2: other } = Channel::new();
    let waiting = spawn_asleep_after(move |prepared| {
        let mut select = Select::new();
        let port = select.recv(&mut port2);
        assert_eq!(select.ready_timeout(Duration::from_millis(1)), None);
        let mut former = std::mem::replace(&mut select[port], other);
        prepared();
        assert!(select.ready() == port);
        assert_eq!(*select[port].try_recv().unwrap(), 2);
        // It still has the waker of the select, and does no harm with it.
        assert_eq!(*former.recv().unwrap(), 1);
        assert_eq!(select.try_ready(), None);
    });
    first.post_message(&1).unwrap();
    second.post_message(&2).unwrap();
    waiting.join().unwrap();
}

/// A port that slept in a select is woken by its next owner, whatever that is.
#[test]
fn a_port_that_was_selected_is_as_any_other_afterwards() {
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
        for forgotten in [false, true] {
            let Channel { mut port1, mut port2 } = Channel::new();
            let waiting = spawn_asleep_after(move |prepared| {
                {
                    let mut select = Select::new();
                    select.recv(&mut port2);
                    assert_eq!(select.ready_timeout(Duration::from_millis(1)), None);
                    if forgotten {
                        std::mem::forget(select);
                    }
                }
                prepared();
                used(port2);
            });
            port1.post_message(&7).unwrap();
            waiting.join().unwrap();
        }
    }
}

/// What wakes a thread that has nothing to receive yet: the wake-up of a message that was received
/// in another way, or of a port that is not there any more.
#[test]
fn a_spurious_wake_ends_no_wait() {
    let _watchdog = Watchdog::start();
    let (mut peers, mut ports) = channels(3);
    let [first, second, third] = &mut ports[..] else { unreachable!() };
    let mut select = Select::new();
    let first = select.recv(first);
    let second = select.recv(second);
    let third = select.recv(third);
    for _ in 0..100 {
        assert_eq!(select.ready_timeout(Duration::from_micros(1)), None);
        // Both ring. Then one has nothing any more.
        peers[0].post_message(&1).unwrap();
        assert_eq!(*select[first].try_recv().unwrap(), 1);
        assert_eq!(select.ready_timeout(Duration::from_micros(1)), None);
    }
    peers[1].post_message(&1).unwrap();
    let second = select.remove(second).unwrap();
    assert_eq!(select.ready_timeout(Duration::from_micros(1)), None);
    peers[2].post_message(&1).unwrap();
    assert!(select.ready() == third);
    assert_eq!(*second.try_recv().unwrap(), 1);
}

#[test]
fn a_message_in_hand_is_answered_through_the_other_half() {
    let MessageChannel { port1: mut client, port2: mut server } =
        MessageChannel::<String, String>::new();
    let (sender, receiver) = server.split_mut();
    let mut select = Select::new();
    let requests = select.recv(receiver);
    client.post_message(&"tea".to_owned()).unwrap();
    assert!(select.ready() == requests);
    let request = select[requests].try_recv().unwrap();
    sender.post_message(&request.to_uppercase()).unwrap();
    drop(request);
    assert_eq!(client.recv().unwrap().as_str(), "TEA");
}

/// Ports that come and go leave the others alone.
#[test]
fn ports_come_and_go_between_waits() {
    let _watchdog = Watchdog::start();
    let (mut peers, mut ports) = channels(8);
    let mut select = Select::new();
    let mut present = Vec::new();
    let mut absent: Vec<_> = ports.iter_mut().enumerate().collect();
    for round in 0..if cfg!(miri) { 50 } else { 500usize } {
        if round % 3 != 0 && !absent.is_empty() {
            let (index, port) = absent.remove(round % absent.len());
            present.push((index, select.recv(port)));
        } else if !present.is_empty() {
            let (index, key) = present.remove(round % present.len());
            absent.push((index, select.remove(key).unwrap()));
        }
        if round % 2 == 0 {
            assert_eq!(select.ready_timeout(Duration::from_nanos(1)), None);
        }
        for peer in &mut peers {
            peer.post_message(&7).unwrap();
        }
        let mut seen = Vec::new();
        while let Some(ready) = select.try_ready() {
            let &(index, key) = present.iter().find(|&&(_, key)| ready == key).unwrap();
            assert_eq!(*select[key].try_recv().unwrap(), 7);
            seen.push(index);
        }
        seen.sort_unstable();
        let mut expected: Vec<_> = present.iter().map(|&(index, _)| index).collect();
        expected.sort_unstable();
        assert_eq!(seen, expected);
        for (_, port) in &mut absent {
            assert_eq!(*port.try_recv().unwrap(), 7);
        }
    }
}
