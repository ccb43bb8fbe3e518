//! Blocking calls: what wakes them, when they give up, and what they cost meanwhile.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::thread;
use std::time::Duration;

use message_port::{
    MessageChannel, MessagePort, PostError, PostTimeoutError, RecvError, RecvTimeoutError,
    WaitStrategy,
};

use asleep::spawn_asleep;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;
type Port = MessagePort<Vec<u8>>;

const CAPACITY: usize = 256;

fn channel() -> (Port, Port) {
    let MessageChannel { port1, port2 } = MessageChannel::with_capacity(CAPACITY);
    (port1, port2)
}

/// Posts until there is no room for another such message, and says how many that were.
fn fill(port: &mut Port, length: usize) -> usize {
    let message = vec![1; length];
    let mut posted = 0;
    while port.try_post_message(&message).is_ok() {
        posted += 1;
    }
    assert!(port.try_post_message(&message).unwrap_err().is_full());
    posted
}

/// Short messages wait for room in the ring, long ones for a buffer.
const LENGTHS: [usize; 2] = [30, if cfg!(miri) { 700 } else { 3000 }];

#[test]
fn m4_recv_is_woken_by_a_message() -> Outcome {
    let _watchdog = Watchdog::start();
    for length in LENGTHS {
        let (mut port1, mut port2) = channel();
        let receiver = spawn_asleep(move || port2.recv().map(|message| message.len()));
        port1.post_message(&vec![1; length])?;
        assert_eq!(receiver.join().unwrap()?, length);
    }
    Ok(())
}

#[test]
fn m4_recv_is_woken_by_the_end() {
    let _watchdog = Watchdog::start();
    for closes in [true, false] {
        let (mut port1, mut port2) = channel();
        let receiver = spawn_asleep(move || port2.recv().map(drop));
        if closes {
            port1.close();
        } else {
            drop(port1);
        }
        let error = receiver.join().unwrap().unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
    }
}

#[test]
fn m4_post_is_woken_by_room() -> Outcome {
    let _watchdog = Watchdog::start();
    for length in LENGTHS {
        let (mut port1, mut port2) = channel();
        let waiting = fill(&mut port1, length);
        let sender = spawn_asleep(move || port1.post_message(&vec![2; length]));
        assert!(!sender.is_finished());
        for _ in 0..waiting {
            assert_eq!(**port2.recv()?, *vec![1; length]);
        }
        assert_eq!(**port2.recv()?, *vec![2; length]);
        sender.join().unwrap()?;
    }
    Ok(())
}

/// A large frame waits for more room than the first release gives.
#[test]
fn m4_post_is_woken_when_there_is_enough_room() -> Outcome {
    let _watchdog = Watchdog::start();
    for length in [0, 40, 80, 100, 5000] {
        let (mut port1, mut port2) = channel();
        let waiting = fill(&mut port1, 0);
        let sender = spawn_asleep(move || port1.post_message(&vec![2; length]));
        assert!(!sender.is_finished());
        for _ in 0..waiting {
            assert!(port2.recv()?.is_empty());
        }
        sender.join().unwrap()?;
        assert_eq!(**port2.try_recv()?, *vec![2; length]);
    }
    Ok(())
}

/// The drop of the guard gives the room, not the receiving.
#[test]
fn m4_post_is_woken_by_the_drop_of_the_guard() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut port1, mut port2) = channel();
    let length = 100;
    fill(&mut port1, length);
    let guard = port2.recv()?;
    let sender = spawn_asleep(move || port1.post_message(&vec![2; length]));
    assert!(!sender.is_finished());
    drop(guard);
    sender.join().unwrap()?;
    Ok(())
}

#[test]
fn m4_post_is_woken_by_the_end() {
    let _watchdog = Watchdog::start();
    for length in LENGTHS {
        for closes in [true, false] {
            let (mut port1, mut port2) = channel();
            fill(&mut port1, length);
            let sender = spawn_asleep(move || port1.post_message(&vec![2; length]));
            assert!(!sender.is_finished());
            if closes {
                port2.close();
            } else {
                drop(port2);
            }
            let error = sender.join().unwrap().unwrap_err();
            assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
        }
    }
}

#[test]
fn m4_each_half_is_woken_when_the_other_half_of_its_port_closes() {
    let _watchdog = Watchdog::start();
    let (port1, _port2) = channel();
    let (mut sender, mut receiver) = port1.into_split();
    let waiting = spawn_asleep(move || receiver.recv().map(drop));
    sender.close();
    assert!(matches!(waiting.join().unwrap(), Err(RecvError::Closed)));

    let (mut port1, _port2) = channel();
    fill(&mut port1, 30);
    let (mut sender, mut receiver) = port1.into_split();
    let waiting = spawn_asleep(move || sender.post_message(&vec![1; 30]));
    receiver.close();
    assert!(matches!(waiting.join().unwrap(), Err(PostError::Closed)));
}

#[test]
fn m4_each_half_is_woken_when_its_counterpart_is_dropped() {
    let _watchdog = Watchdog::start();
    let (port1, port2) = channel();
    let (sender1, _receiver1) = port1.into_split();
    let (_sender2, mut receiver2) = port2.into_split();
    let waiting = spawn_asleep(move || receiver2.recv().map(drop));
    drop(sender1);
    assert!(matches!(waiting.join().unwrap(), Err(RecvError::Disconnected)));

    let (mut port1, port2) = channel();
    fill(&mut port1, 30);
    let (mut sender1, _receiver1) = port1.into_split();
    let (_sender2, receiver2) = port2.into_split();
    let waiting = spawn_asleep(move || sender1.post_message(&vec![1; 30]));
    drop(receiver2);
    assert!(matches!(waiting.join().unwrap(), Err(PostError::Disconnected)));
}

#[test]
fn m4_both_halves_of_a_port_may_wait_at_once() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut port1, mut port2) = channel();
    let waiting = fill(&mut port1, 30);
    let (mut sender, mut receiver) = port1.into_split();
    let posting = spawn_asleep(move || sender.post_message(&vec![2; 30]));
    let receiving = spawn_asleep(move || receiver.recv().map(|message| message.len()));
    assert!(!posting.is_finished() && !receiving.is_finished());
    for _ in 0..waiting {
        port2.recv()?;
    }
    posting.join().unwrap()?;
    assert!(!receiving.is_finished(), "room is no message");
    port2.post_message(&vec![3; 12])?;
    assert_eq!(receiving.join().unwrap()?, 12);
    Ok(())
}

#[test]
fn m4_run_is_woken_by_messages_and_by_the_end() -> Outcome {
    let _watchdog = Watchdog::start();
    for closes in [true, false] {
        let (mut port1, mut port2) = channel();
        port2.set_onmessage(|event| {
            let reply = event.data().to_vec();
            event.target().post_message(&reply)
        });
        let runner = spawn_asleep(move || port2.run());
        for n in 0..if cfg!(miri) { 10 } else { 100 } {
            port1.post_message(&vec![n; usize::from(n)])?;
            assert_eq!(**port1.recv()?, *vec![n; usize::from(n)]);
        }
        if closes {
            port1.close();
        } else {
            drop(port1);
        }
        runner.join().unwrap()?;
    }
    Ok(())
}

/// Messages that nobody handles must not keep `run` from noticing the end.
#[test]
fn m4_run_with_messages_and_no_handler_is_woken_by_the_end() -> Outcome {
    let _watchdog = Watchdog::start();
    for closes in [true, false] {
        let (mut port1, mut port2) = channel();
        port1.post_message(&vec![1])?;
        let runner = spawn_asleep(move || {
            port2.run().unwrap();
            port2.len()
        });
        assert!(!runner.is_finished());
        if closes {
            port1.close();
        } else {
            drop(port1);
        }
        assert_eq!(runner.join().unwrap(), 1);
    }
    Ok(())
}

/// Every message and every release finds the other side going to sleep, asleep, or waking up.
#[test]
fn m4_no_wake_up_is_lost_in_a_long_exchange() -> Outcome {
    let _watchdog = Watchdog::start();
    let parked = if cfg!(miri) { 50 } else { 10_000 };
    for (strategy, exchanges) in [(WaitStrategy::Park, parked), (WaitStrategy::Spin, 50)] {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<u64>::builder().capacity(64).wait_strategy(strategy).build()?;
        let echo = thread::spawn(move || {
            while let Ok(number) = port2.recv().map(|number| number.to_native()) {
                for reply in 0..number % 7 {
                    port2.post_message(&reply).unwrap();
                }
            }
        });
        for number in 0..exchanges {
            port1.post_message(&number)?;
            for reply in 0..number % 7 {
                assert_eq!(*port1.recv()?, reply);
            }
        }
        port1.close();
        echo.join().unwrap();
    }
    Ok(())
}

#[test]
fn a_timeout_of_zero_takes_what_is_there() -> Outcome {
    for strategy in [WaitStrategy::Park, WaitStrategy::Spin] {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::builder()
            .capacity(CAPACITY)
            .wait_strategy(strategy)
            .build()?;
        for timeout in [Duration::ZERO, Duration::from_nanos(1)] {
            assert!(port2.recv_timeout(timeout).unwrap_err().is_timeout());
            port1.post_message_timeout(&vec![1], timeout)?;
            assert_eq!(**port2.recv_timeout(timeout)?, [1]);
            let waiting = fill(&mut port1, 30);
            assert!(port1.post_message_timeout(&vec![1; 30], timeout).unwrap_err().is_timeout());
            assert_eq!(port2.len(), waiting, "what timed out was not posted");
            for _ in 0..waiting {
                port2.recv_timeout(timeout)?;
            }
        }
    }
    Ok(())
}

#[test]
fn a_timeout_may_be_longer_than_the_clock_can_tell() -> Outcome {
    let _watchdog = Watchdog::start();
    let huge = [Duration::MAX, Duration::from_secs(u64::MAX / 4), Duration::from_secs(1 << 40)];
    for timeout in huge {
        let (mut port1, mut port2) = channel();
        let waiting = fill(&mut port1, 30);
        let sender = spawn_asleep(move || {
            port1.post_message_timeout(&vec![2; 30], timeout).unwrap();
            port1
        });
        for _ in 0..waiting {
            port2.recv_timeout(timeout)?;
        }
        let mut port1 = sender.join().unwrap();
        assert_eq!(port2.recv_timeout(timeout)?.len(), 30);
        let receiver =
            spawn_asleep(move || port2.recv_timeout(timeout).map(|message| message.len()));
        assert!(!receiver.is_finished());
        port1.post_message_timeout(&vec![3; 7], timeout)?;
        assert_eq!(receiver.join().unwrap()?, 7);
    }
    Ok(())
}

#[test]
fn a_wait_with_a_timeout_is_woken_by_the_end() {
    let _watchdog = Watchdog::start();
    let (mut port1, mut port2) = channel();
    let receiver = spawn_asleep(move || port2.recv_timeout(Duration::MAX).map(drop));
    port1.close();
    assert!(matches!(receiver.join().unwrap(), Err(RecvTimeoutError::Closed)));

    let (mut port1, port2) = channel();
    fill(&mut port1, 30);
    let sender = spawn_asleep(move || port1.post_message_timeout(&vec![1; 30], Duration::MAX));
    drop(port2);
    assert!(matches!(sender.join().unwrap(), Err(PostTimeoutError::Disconnected)));
}

/// After a wait that timed out the end works as before.
#[test]
fn a_port_is_usable_after_timeouts() -> Outcome {
    let (mut port1, mut port2) = channel();
    let short = Duration::from_millis(1);
    for round in 0..if cfg!(miri) { 5 } else { 20 } {
        assert!(port2.recv_timeout(short).unwrap_err().is_timeout());
        let waiting = fill(&mut port1, 30 + round);
        assert!(port1.post_message_timeout(&vec![2; 40 + round], short).unwrap_err().is_timeout());
        for _ in 0..waiting {
            assert_eq!(port2.recv_timeout(short)?.len(), 30 + round);
        }
    }
    Ok(())
}

/// What the calling thread has used of a CPU so far, where the system tells.
fn cpu_time() -> Option<Duration> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(statistics.split(' ').next()?.parse().ok()?))
}

#[test]
#[cfg_attr(miri, ignore = "what a thread has used of a CPU is the system's to tell")]
fn m3_a_waiting_thread_leaves_the_cpu_alone() {
    let Some(start) = cpu_time() else {
        eprintln!("skipped: the system does not tell the CPU time of a thread");
        return;
    };
    let wait = Duration::from_millis(200);
    let (mut port1, mut port2) = channel();
    assert!(port2.recv_timeout(wait).unwrap_err().is_timeout());
    for length in LENGTHS {
        fill(&mut port1, length);
        assert!(port1.post_message_timeout(&vec![1; length], wait).unwrap_err().is_timeout());
    }
    let used = cpu_time().unwrap().saturating_sub(start);
    // Three waits of which each spins for some microseconds; a coarse bound for a busy machine.
    assert!(used < wait / 2, "{used:?} of CPU time in {:?} of waiting", wait * 3);
}
