//! Answering while the message is in hand.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/wakes.rs"]
mod wakes;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::future::ready;
use std::pin::pin;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use futures_lite::future::block_on;
use message_port::{MessageChannel, PostError, ReceivedEvent};

use asleep::spawn_asleep;
use wakes::poll;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

const LONG: Duration = Duration::from_secs(3600);

fn doubled(message: &str) -> String {
    message.repeat(2)
}

#[test]
fn every_way_to_receive_lends_the_sending_half() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    let post = |port: &mut message_port::MessagePort<String>| port.post_message(&"a".to_owned());
    let answer = |mut event: ReceivedEvent<'_, String, String>| event.reply(&doubled(&event));

    for _ in 0..6 {
        post(&mut port1)?;
    }
    answer(port2.recv_event()?)?;
    answer(port2.try_recv_event()?)?;
    answer(port2.recv_event_timeout(LONG)?)?;
    answer(port2.recv_event_deadline(Instant::now())?)?;
    answer(block_on(port2.recv_event_async())?)?;
    answer(block_on(port2.recv_event_async_until(ready(())))?)?;
    for _ in 0..6 {
        assert_eq!(port1.recv()?.as_str(), "aa");
    }
    Ok(())
}

#[test]
fn the_message_stays_in_place_until_the_answer_is_posted() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>, u64>::new();
    port1.post_message(&vec![7; 100])?;
    let in_flight = port1.bytes_in_flight();
    {
        let mut event = port2.recv_event()?;
        event.reply(&(event.len() as u64))?;
        let first = u64::from(event[0]);
        event.target().try_post_message(&first)?;
        let (message, target) = event.split_mut();
        block_on(target.post_message_async(&(message.as_bytes().len() as u64)))?;
        block_on(event.reply_async(&4))?;
        assert_eq!(port1.bytes_in_flight(), in_flight, "its bytes are still in use");
    }
    assert_eq!(port1.bytes_in_flight(), 0);
    let answers = std::array::from_fn(|_| port1.recv().map(|answer| answer.to_native()).unwrap());
    assert_eq!(answers, [100, 7, 108, 4]);
    Ok(())
}

#[test]
fn the_ends_of_the_channel_are_those_of_recv() {
    for closes in [true, false] {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
        assert!(port1.try_recv_event().unwrap_err().is_empty());
        assert!(port1.recv_event_timeout(Duration::ZERO).unwrap_err().is_timeout());
        if closes {
            port2.close();
        } else {
            drop(port2);
        }
        let error = port1.recv_event().unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
        let error = port1.try_recv_event().unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
        let error = block_on(port1.recv_event_async()).unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
    }
}

#[test]
fn an_answer_to_a_peer_that_has_gone_is_refused_and_the_message_stays_readable() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    port1.post_message(&"last words".to_owned())?;
    drop(port1);
    let mut event = port2.recv_event()?;
    assert!(event.reply(&"too late".to_owned()).unwrap_err().is_disconnected());
    assert_eq!(event.as_str(), "last words");
    Ok(())
}

#[test]
fn the_port_can_be_closed_with_the_message_in_hand() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_messages(&[1, 2])?;
    let mut event = port2.recv_event()?;
    event.target().close();
    assert_eq!(*event, 1);
    drop(event);
    assert!(port2.recv_event().unwrap_err().is_closed());
    Ok(())
}

/// E5: nobody can receive here while the answer waits for room.
#[test]
fn e5_an_answer_is_refused_while_the_peer_waits_for_ever() {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    for port in [&mut port1, &mut port2] {
        while port.try_post_message(&7).is_ok() {}
    }
    let mut event = port2.recv_event().unwrap();
    let waiting = spawn_asleep(move || {
        let mut posted = 0;
        let error = loop {
            match port1.post_message(&8) {
                Ok(()) => posted += 1,
                Err(error) => break error,
            }
        };
        (posted, error)
    });
    assert!(matches!(event.reply(&8), Err(PostError::WouldDeadlock)));
    assert_eq!(*event, 7);
    drop(event);
    drop(port2);
    let (_, error) = waiting.join().unwrap();
    assert!(error.is_disconnected());
}

/// E5: once the message is gone, or forgotten, somebody else may receive again.
#[test]
fn e5_a_half_is_on_its_own_again_after_an_answer() {
    for forgets in [false, true] {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
        for port in [&mut port1, &mut port2] {
            while port.try_post_message(&7).is_ok() {}
        }
        let mut event = port2.recv_event().unwrap();
        event.target();
        if forgets {
            std::mem::forget(event);
        } else {
            drop(event);
        }
        while port1.try_post_message(&7).is_ok() {}
        let mut first = pin!(port1.post_message_async(&8));
        assert!(poll(first.as_mut(), Waker::noop()).is_pending());
        // The receiving half could make room at any time.
        let (sender, _receiver) = port2.split_mut();
        assert!(poll(pin!(sender.post_message_async(&8)), Waker::noop()).is_pending());
    }
}

#[test]
fn an_event_goes_to_another_thread_with_its_port() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    port1.post_message(&"there".to_owned())?;
    let mut event = port2.recv_event()?;
    std::thread::scope(|scope| scope.spawn(move || event.reply(&doubled(&event))).join().unwrap())?;
    assert_eq!(port1.recv()?.as_str(), "therethere");
    Ok(())
}

#[test]
fn a_handler_answers_with_its_event() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    port2.set_onmessage(|event| event.reply(&doubled(event.data())));
    port1.post_message(&"b".to_owned())?;
    assert_eq!(port2.dispatch()?, 1);
    assert_eq!(port1.recv()?.as_str(), "bb");
    Ok(())
}

#[test]
fn a_dropped_future_of_an_event_loses_nothing() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    assert!(matches!(poll(pin!(port2.recv_event_async()), Waker::noop()), Poll::Pending));
    port1.post_message(&7)?;
    drop(port2.recv_event_async());
    assert_eq!(*port2.recv_event()?, 7);
    Ok(())
}
