//! Which ports are looked at, and when: tested with ports that count their looks.

use std::sync::Arc;
use std::task::Waker;

use super::turns::{Sleeper, Turns};
use super::watch::Watch;
use super::{Parker, Ready};

/// A port that counts how often it is looked at.
#[derive(Default)]
struct Counting {
    messages: usize,
    looks: usize,
    armed: Option<Waker>,
}

impl Counting {
    fn post(&mut self) {
        self.messages += 1;
        if let Some(waker) = self.armed.take() {
            waker.wake();
        }
    }
}

impl Watch for Counting {
    fn has_news(&mut self) -> bool {
        self.looks += 1;
        self.messages > 0
    }

    fn wake_for_news(&mut self, waker: &Waker) -> bool {
        self.armed = Some(waker.clone());
        self.messages > 0
    }

    fn forget_task(&mut self) {
        self.armed = None;
    }
}

fn turns<'a>(parker: &Parker) -> Turns<'a> {
    Turns::new(Sleeper::new(parker.unparker().clone()))
}

fn port<'t>(turns: &'t mut Turns<'_>, name: Ready) -> &'t mut Counting {
    let port: &mut dyn std::any::Any = turns.lend(name).unwrap();
    port.downcast_mut().unwrap()
}

/// How often each port was looked at since the last call.
fn looks(turns: &mut Turns<'_>, names: &[Ready]) -> Vec<usize> {
    names.iter().map(|&name| std::mem::take(&mut port(turns, name).looks)).collect()
}

#[test]
fn only_ports_that_were_woken_or_used_are_looked_at() {
    const PORTS: usize = 1000;
    let parker = Parker::new();
    let mut ports: Vec<_> = (0..PORTS).map(|_| Counting::default()).collect();
    let mut turns = turns(&parker);
    let names: Vec<_> = ports.iter_mut().map(|port| turns.add(port)).collect();
    assert!(turns.find(true).is_none());
    assert_eq!(looks(&mut turns, &names), [1; PORTS]);
    // They have all been used, to see how often they were looked at.
    assert!(turns.find(true).is_none());
    assert!(turns.find(true).is_none(), "nobody has a turn any more");

    for _ in 0..10 {
        port(&mut turns, names[7]).post();
        assert_eq!(turns.find(true), Some(names[7]));
        port(&mut turns, names[7]).messages = 0;
        assert!(turns.find(true).is_none());
    }
    let mut expected = [1; PORTS];
    expected[7] += 2 * 10;
    assert_eq!(looks(&mut turns, &names), expected);
}

#[test]
fn a_port_that_is_ready_is_behind_the_others_the_next_time() {
    let parker = Parker::new();
    let mut ports = [(); 4].map(|()| Counting::default());
    let mut turns = turns(&parker);
    let names: Vec<_> = ports.iter_mut().map(|port| turns.add(port)).collect();
    for &name in &names[..3] {
        port(&mut turns, name).post();
    }
    for round in 0..3 {
        for &name in &names[..3] {
            assert_eq!(turns.find(round % 2 == 0), Some(name));
        }
    }
    // A port that wakes up comes before ports that were returned since it could have been.
    assert_eq!(turns.find(true), Some(names[0]));
    port(&mut turns, names[3]).post();
    let next: Vec<_> = (0..4).map(|_| turns.find(true).unwrap()).collect();
    assert!(next.contains(&names[3]), "it waits for more than one round");
}

#[test]
fn a_call_that_does_not_wait_arms_nothing() {
    let parker = Parker::new();
    let mut quiet = Counting::default();
    let mut turns = turns(&parker);
    let name = turns.add(&mut quiet);
    for _ in 0..3 {
        assert!(turns.find(false).is_none());
        assert!(port(&mut turns, name).armed.is_none());
    }
    assert!(turns.find(true).is_none());
    assert!(port(&mut turns, name).armed.is_some());
}

#[test]
fn a_port_that_leaves_lets_go_of_its_waker_and_leaves_no_turn() {
    let parker = Parker::new();
    let (mut first, mut second) = (Counting::default(), Counting::default());
    let mut turns = turns(&parker);
    let name = turns.add(&mut first);
    assert!(turns.find(true).is_none());
    // It rings, and is gone before the bell is heard.
    port(&mut turns, name).post();
    let port: &mut dyn std::any::Any = turns.remove(name).unwrap();
    let first: &mut Counting = port.downcast_mut().unwrap();
    assert!(first.armed.is_none());
    assert!(turns.find(true).is_none());

    let other = turns.add(&mut second);
    assert!(turns.lend(name).is_none(), "a name is not used again");
    assert!(turns.remove(name).is_none());
    assert_eq!(turns.len(), 1);
    assert!(turns.find(true).is_none());
    assert!(turns.lend(other).is_some());
    drop(turns);
    assert!(second.armed.is_none());
}

#[test]
fn the_thread_that_waits_is_the_one_that_is_called() {
    let parker = Parker::new();
    let sleeper = Sleeper::new(parker.unparker().clone());
    let mut port = Counting::default();
    let mut turns = Turns::new(Arc::clone(&sleeper));
    let name = turns.add(&mut port);
    assert!(turns.find(true).is_none());
    super::tests::port(&mut turns, name).post();
    parker.park(); // the token is there
    assert!(!sleeper.rung.is_empty());
}
