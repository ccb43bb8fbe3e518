//! A select allocates with its ports, not with what happens at them.

#[path = "common/meter.rs"]
mod meter;

use std::time::Duration;

use message_port::{MessageChannel, MessagePort, Select, SelectKey};

use meter::measure;

type Port = MessagePort<u64>;

/// So many peers, and their ports.
fn channels(number: usize) -> (Vec<Port>, Vec<Port>) {
    (0..number)
        .map(|_| MessageChannel::<u64>::with_capacity(64))
        .map(|channel| (channel.port1, channel.port2))
        .unzip()
}

/// Has each port wake the select, and takes what has come; all of them sleep before and afterwards.
fn round(select: &mut Select<'_>, peers: &mut [Port]) {
    for peer in &mut *peers {
        peer.post_message(&7).unwrap();
    }
    for _ in 0..peers.len() {
        let ready = select.ready();
        let key: SelectKey<Port> = select.key(ready).unwrap();
        assert_eq!(*select[key].try_recv().unwrap(), 7);
    }
    assert_eq!(select.ready_timeout(Duration::from_nanos(1)), None);
    assert_eq!(select.try_ready(), None);
}

#[test]
fn a_wait_allocates_nothing() {
    let (mut peers, mut ports) = channels(10);
    let mut select = Select::new();
    for port in &mut ports {
        select.recv(port);
    }
    assert_eq!(select.ready_timeout(Duration::from_millis(1)), None);
    round(&mut select, &mut peers);
    let ((), taken) = measure(|| (0..100).for_each(|_| round(&mut select, &mut peers)));
    assert_eq!((taken.allocations, taken.bytes), (0, 0));
}

/// A thread that sleeps, and is woken by another one.
#[test]
fn a_sleep_allocates_nothing() {
    let (mut peers, mut ports) = channels(2);
    let mut answering = peers.pop().unwrap();
    let echo = std::thread::spawn(move || {
        while let Ok(number) = answering.recv().map(|message| message.to_native()) {
            answering.post_message(&number).unwrap();
        }
    });
    let mut select = Select::new();
    let keys: Vec<_> = ports.iter_mut().map(|port| select.recv(port)).collect();
    let mut ask = || {
        select[keys[1]].post_message(&7).unwrap();
        assert!(select.ready() == keys[1]);
        assert_eq!(*select[keys[1]].try_recv().unwrap(), 7);
    };
    (0..10).for_each(|_| ask());
    let ((), taken) = measure(|| (0..1000).for_each(|_| ask()));
    assert_eq!(taken.allocations, 0);
    drop(select);
    drop(ports);
    echo.join().unwrap();
}

/// Ports that come and go take each other's place.
#[test]
fn ports_that_come_and_go_leave_nothing() {
    let (mut peers, mut ports) = channels(3);
    let [first, second, third] = &mut ports[..] else { unreachable!() };
    let mut select = Select::new();
    select.recv(first);
    select.recv(second);
    let mut port = Some(third);
    let mut come_and_go = |rings: bool| {
        let key = select.recv(port.take().unwrap());
        assert_eq!(select.ready_timeout(Duration::from_nanos(1)), None);
        if rings {
            peers[2].post_message(&7).unwrap();
        }
        let third = select.remove(key).unwrap();
        if rings {
            assert_eq!(*third.try_recv().unwrap(), 7);
        }
        port = Some(third);
    };
    (0..100).for_each(|n| come_and_go(n % 2 == 0));
    let ((), taken) = measure(|| (0..1000).for_each(|n| come_and_go(n % 2 == 0)));
    assert_eq!(taken.bytes, 0);
}
