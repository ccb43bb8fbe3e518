//! A select whose ports are posted to by other threads, many times.

#[path = "common/watchdog.rs"]
mod watchdog;

use std::thread;

use message_port::{MessageChannel, Select, TryRecvError};

use watchdog::Watchdog;

type Channel = MessageChannel<u64>;

/// Many threads, one of which waits for all of them: nothing is lost, nobody sleeps for ever.
#[test]
fn no_wake_up_is_lost_under_stress() {
    const PEERS: usize = 4;
    const MESSAGES: u64 = if cfg!(miri) { 50 } else { 5_000 };
    let _watchdog = Watchdog::start();
    // Two slots: both sides have to wait for each other all the time.
    let (peers, mut ports): (Vec<_>, Vec<_>) =
        (0..PEERS).map(|_| Channel::with_capacity(64)).map(|c| (c.port1, c.port2)).unzip();
    thread::scope(|scope| {
        for (index, mut peer) in peers.into_iter().enumerate() {
            scope.spawn(move || {
                for number in 0..MESSAGES {
                    peer.post_message(&number).unwrap();
                    if number % 5 == index as u64 {
                        thread::yield_now();
                    }
                    if number % 7 == 0 {
                        assert_eq!(*peer.recv().unwrap(), number);
                    }
                }
                if index % 2 == 0 {
                    peer.close();
                }
            });
        }
        let mut select = Select::new();
        let mut next = vec![0; PEERS];
        let keys: Vec<_> = ports.iter_mut().map(|port| select.recv(port)).collect();
        while !select.is_empty() {
            let ready = select.ready();
            let index = keys.iter().position(|&key| ready == key).unwrap();
            let received = select[keys[index]].try_recv().map(|message| message.to_native());
            match received {
                Ok(number) => {
                    assert_eq!(number, next[index]);
                    next[index] += 1;
                    if number % 7 == 0 {
                        select[keys[index]].post_message(&number).unwrap();
                    }
                }
                Err(TryRecvError::Empty) => panic!("ready, and empty"),
                Err(_) => drop(select.remove(keys[index]).unwrap()),
            }
        }
        assert_eq!(next, [MESSAGES; PEERS]);
    });
}
