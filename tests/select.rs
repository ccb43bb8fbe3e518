//! Waiting for whichever of several ports has something: what is ready, and which one is next.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/hostile.rs"]
#[allow(dead_code)]
mod hostile;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::time::{Duration, Instant};

use message_port::{MessageChannel, MessagePort, Ready, Receiver, Select, SelectKey, TryRecvError};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use asleep::spawn_asleep;
use watchdog::Watchdog;

type Channel = MessageChannel<u64>;
type Port = MessagePort<u64>;

// A select may move to the thread that waits; names go anywhere.
assert_impl_all!(Select<'static>: Send);
assert_not_impl_any!(Select<'static>: Sync, Clone);
assert_impl_all!(Ready: Send, Sync, Copy);
assert_impl_all!(SelectKey<Port>: Send, Sync, Copy, Eq, std::hash::Hash);

/// So many channels.
fn channels(number: usize) -> (Vec<Port>, Vec<Port>) {
    (0..number).map(|_| Channel::new()).map(|channel| (channel.port1, channel.port2)).unzip()
}

#[test]
fn ports_and_receivers_of_any_types_are_told_apart() {
    let MessageChannel { port1: mut texts, port2: mut first } =
        MessageChannel::<String, u64>::new();
    let Channel { port1: mut numbers, port2 } = Channel::new();
    let (_sender, mut second) = port2.into_split();

    let mut select = Select::new();
    let first = select.recv(&mut first);
    let second = select.recv(&mut second);
    assert_eq!(select.len(), 2);
    assert_eq!(select.try_ready(), None);

    texts.post_message(&"tea".to_owned()).unwrap();
    let ready = select.ready();
    assert_eq!(ready, first);
    assert_ne!(ready, second);
    assert_eq!(first, ready);
    assert_eq!(select[first].try_recv().unwrap().as_str(), "tea");
    assert_eq!(select.try_ready(), None);

    numbers.post_message(&7).unwrap();
    let ready = select.ready();
    assert_eq!(ready, second);
    assert_ne!(ready, first);
    assert!(select.key::<Port>(ready).is_none(), "a receiver is no port");
    let key = select.key::<Receiver<u64>>(ready).unwrap();
    assert_eq!(key, second);
    assert_eq!(*select[key].try_recv().unwrap(), 7);
    assert_eq!(select.try_ready(), None);
}

/// What is found ready is never `Empty`, and it stays ready until it has been received.
#[test]
fn a_port_stays_ready_until_it_is_empty() {
    let Channel { mut port1, mut port2 } = Channel::new();
    let mut select = Select::new();
    let port = select.recv(&mut port2);
    port1.post_messages(&[1, 2, 3]).unwrap();
    for number in 1..=3 {
        for _ in 0..3 {
            assert!(select.ready() == port);
            assert!(select.try_ready().is_some());
            assert!(select.ready_timeout(Duration::ZERO).is_some());
        }
        assert_eq!(*select[port].try_recv().unwrap(), number);
    }
    assert_eq!(select.try_ready(), None);
}

#[test]
fn an_end_is_ready_and_stays_so_until_its_port_is_removed() {
    let (mut peers, mut ports) = channels(4);
    let mut select = Select::new();
    let keys: Vec<_> = ports.iter_mut().map(|port| select.recv(port)).collect();
    assert_eq!(select.ready_timeout(Duration::from_millis(1)), None);

    // Closed by the peer, behind a message; closed here; dropped; and one that stays quiet.
    peers[0].post_message(&7).unwrap();
    peers[0].close();
    select[keys[1]].close();
    drop(peers.remove(2));

    let mut seen = [0; 4];
    for _ in 0..6 {
        let ready = select.ready();
        let index = keys.iter().position(|&key| ready == key).unwrap();
        seen[index] += 1;
        match (index, select[keys[index]].try_recv()) {
            (0, Ok(message)) => assert!(*message == 7 && seen[0] == 1),
            (0 | 1, Err(TryRecvError::Closed)) | (2, Err(TryRecvError::Disconnected)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, [2, 2, 2, 0], "each has its turn");
    for &key in &keys[..3] {
        assert!(select.remove(key).is_some());
    }
    assert_eq!(select.try_ready(), None);
    assert_eq!(select.len(), 1);
}

#[test]
fn a_message_that_does_not_validate_is_ready() {
    let Channel { port1: mut good, port2: mut quiet } = Channel::new();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<hostile::Hostile, String>::new();
    let mut select = Select::new();
    let quiet = select.recv(&mut quiet);
    let port = select.recv(&mut port2);
    port1.post_message(&hostile::Hostile::lying(&[7; 8])).unwrap();
    assert!(select.ready() == port);
    assert!(select[port].try_recv().unwrap_err().is_invalid_archive());
    assert_eq!(select.try_ready(), None);
    good.post_message(&7).unwrap();
    assert!(select.ready() == quiet);
}

/// Two ports that always have something starve neither each other nor one that wakes up.
#[test]
fn busy_ports_take_turns() {
    const PORTS: usize = 5;
    let (mut peers, mut ports) = channels(PORTS);
    let mut select = Select::new();
    let keys: Vec<_> = ports.iter_mut().map(|port| select.recv(port)).collect();
    let mut waited = [0; PORTS];
    for round in 0..if cfg!(miri) { 100 } else { 1000 } {
        for (index, peer) in peers.iter_mut().enumerate() {
            // All but the first two have something now and then only.
            if peer.bytes_in_flight() == 0 && (index < 2 || round % (7 * index) == 0) {
                peer.post_message(&round.try_into().unwrap()).unwrap();
            }
        }
        let ready = select.ready();
        let index = keys.iter().position(|&key| ready == key).unwrap();
        select[keys[index]].try_recv().unwrap();
        for (other, waited) in waited.iter_mut().enumerate() {
            *waited += usize::from(other != index && !select[keys[other]].is_empty());
            assert!(*waited < PORTS, "port {other} waits for more than one round of the others");
        }
        waited[index] = 0;
    }
}

#[test]
fn a_deadline_that_has_passed_finds_what_is_there() {
    let Channel { mut port1, mut port2 } = Channel::new();
    let mut select = Select::new();
    let port = select.recv(&mut port2);
    let past = Instant::now();
    assert_eq!(select.ready_deadline(past), None);
    assert_eq!(select.ready_timeout(Duration::ZERO), None);
    assert_eq!(select.ready_deadline(Instant::now() + Duration::from_millis(1)), None);
    assert_eq!(select.ready_timeout(Duration::from_millis(1)), None);
    port1.post_message(&7).unwrap();
    assert!(select.ready_deadline(past).unwrap() == port);
    assert!(select.ready_timeout(Duration::ZERO).unwrap() == port);
    assert!(select.ready_timeout(Duration::MAX).unwrap() == port);
    assert!(select.ready_deadline(Instant::now() + Duration::from_secs(3600)).unwrap() == port);
}

#[test]
fn an_endless_timeout_is_ended_by_a_message() {
    let _watchdog = Watchdog::start();
    for timeout in [Duration::MAX, Duration::from_secs(3600)] {
        let Channel { mut port1, mut port2 } = Channel::new();
        let waiting = spawn_asleep(move || {
            let mut select = Select::new();
            let port = select.recv(&mut port2);
            assert!(select.ready_timeout(timeout).unwrap() == port);
        });
        port1.post_message(&7).unwrap();
        waiting.join().unwrap();
    }
}

/// A sleeping select is woken by whatever comes next at one of its ports, and knows which one.
#[test]
fn a_post_a_close_and_a_drop_wake_the_thread() {
    type Happening = fn(&mut Vec<Port>);
    let _watchdog = Watchdog::start();
    let happenings: [(Happening, Option<TryRecvError>); 3] = [
        (|peers| peers[1].post_message(&7).unwrap(), None),
        (|peers| peers[1].close(), Some(TryRecvError::Closed)),
        (|peers| drop(peers.remove(1)), Some(TryRecvError::Disconnected)),
    ];
    for (happen, end) in happenings {
        let (mut peers, mut ports) = channels(3);
        let waiting = spawn_asleep(move || {
            let mut select = Select::new();
            let keys: Vec<_> = ports.iter_mut().map(|port| select.recv(port)).collect();
            assert!(select.ready() == keys[1]);
            let received = select[keys[1]].try_recv().map(|message| message.to_native());
            assert_eq!(format!("{received:?}"), format!("{:?}", end.map_or(Ok(7), Err)));
        });
        happen(&mut peers);
        waiting.join().unwrap();
    }
}

#[test]
#[should_panic(expected = "a select without ports waits for nothing")]
fn a_select_without_ports_does_not_wait_for_ever() {
    Select::new().ready();
}

#[test]
fn a_select_without_ports_times_out() {
    let mut select = Select::default();
    assert_eq!(select.try_ready(), None);
    assert_eq!(select.ready_timeout(Duration::from_millis(1)), None);
    assert_eq!(format!("{select:?}"), "Select { ports: 0, .. }");
}

#[test]
fn keys_name_nothing_elsewhere_or_afterwards() {
    let (mut peers, mut ports) = channels(2);
    let [first, second] = &mut ports[..] else { unreachable!() };
    let (mut one, mut other) = (Select::new(), Select::new());
    let key = one.recv(first);
    let foreign = other.recv(second);
    assert_ne!(key, foreign);
    assert!(one.remove(foreign).is_none());
    assert!(other.key::<Port>(key_of(&mut one, &mut peers[0])).is_none());

    let first = one.remove(key).unwrap();
    assert!(one.remove(key).is_none() && one.is_empty());
    let again = one.recv(first);
    assert_ne!(key, again, "a name is not used again");
    let misused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one[key].is_empty()));
    assert!(misused.is_err());
    let misused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one[key].close()));
    assert!(misused.is_err());
    assert!(!one[again].is_closed());
}

/// The name of the port that is ready.
fn key_of(select: &mut Select<'_>, peer: &mut Port) -> Ready {
    peer.post_message(&7).unwrap();
    select.ready()
}
