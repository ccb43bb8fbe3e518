//! What only messages in blocks do: several with one header, laps without clearing, looking ahead.

use loom_tests::Barriers::{Full, Heavy};
use loom_tests::layouts::{Filling, Numbered};
use loom_tests::steps::{post, receive};
use loom_tests::{Model, Run, SMALLEST, thread};
use message_port::{MessageChannel, MessagePort, TryRecvError};

/// Two to a block. The smallest ring has two blocks, and one that stays free.
type Pair = [u64; 3];

/// One to a block. The smallest ring has three blocks, and one that stays free: just enough to look
/// one block ahead.
type Single = [u64; 4];

/// Blocks of the smallest ring of [`Single`]s.
const BLOCKS: u64 = 4;

/// Bytes of a ring in which a receiver looks as much as three blocks ahead.
const WIDE: usize = 4 * SMALLEST;

/// Blocks of that ring, if the messages are [`Single`]s.
const WIDE_BLOCKS: u64 = 13;

/// Posts and receives the messages from `from` to `to`, one by one.
fn pass<M: Numbered>(port1: &mut MessagePort<M>, port2: &mut MessagePort<M>, from: u64, to: u64) {
    for number in from..to {
        port1.try_post_message(&M::of(number)).unwrap();
        assert_eq!(M::number(&port2.try_recv().unwrap()), number);
    }
}

fn assert_empty<M: Numbered>(port: &mut MessagePort<M>) {
    let next = port.try_recv();
    assert!(next.is_err_and(|error| error.is_empty()), "a message came that nobody posted");
}

/// Receives the messages from `from` to `to`, and nothing else.
fn receive_all<M: Numbered>(port: &mut MessagePort<M>, from: u64, to: u64) {
    for number in from..to {
        let read = receive(port, M::number).unwrap();
        assert_eq!(read, number, "a message is out of order");
    }
    assert_empty(port);
}

/// Messages of one block, which one header announces, are visible with their bytes, whether the
/// receiver finds them one by one or several at a time.
#[test]
fn messages_of_one_block_are_visible_with_their_bytes() {
    let cases = &["one by one", "several at once"];
    Model::with(Heavy).preemptions(3).reaches(cases).check(|run| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<u64>::with_capacity(SMALLEST);
        let sender = thread::spawn(move || {
            for number in 0..3 {
                port1.try_post_message(&number).unwrap();
            }
            port1
        });
        run.reached(cases[usize::from(port2.len() > 1)]);
        receive_all(&mut port2, 0, 3);
        sender.join().unwrap();
    });
}

/// Has a sender go over a ring that is full but for what the receiver is giving back.
fn goes_over_a_full_ring<M: Numbered>(run: &Run, posted: u64, more: u64) {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
    for number in 0..posted {
        port1.try_post_message(&M::of(number)).unwrap();
    }
    assert!(port1.try_post_message(&M::of(posted)).is_err(), "no block stays free");
    let sender = thread::spawn({
        let run = run.clone();
        move || {
            for number in posted..posted + more {
                if port1.try_post_message(&M::of(number)).is_err() {
                    run.reached("full");
                    post(&mut port1, &M::of(number)).unwrap();
                } else {
                    run.reached("had room");
                }
            }
            port1
        }
    });
    receive_all(&mut port2, 0, posted + more);
    sender.join().unwrap();
}

/// A block is entered in the next lap when all that was in it is given back, and not before. The
/// receiver finds its way although the headers of the lap before are still there.
#[test]
fn a_block_is_read_before_it_is_written_in_the_next_lap() {
    Model::with(Heavy).preemptions(3).reaches(&["full", "had room"]).check(|run| {
        goes_over_a_full_ring::<Filling>(run, 1, 2);
    });
}

/// The same with blocks of several messages: a block whose first message only was given back is not
/// entered, and its header stays what the receiver polls.
#[test]
fn a_block_of_several_is_given_back_before_it_is_entered() {
    Model::with(Heavy).preemptions(1).reaches(&["full", "had room"]).check(|run| {
        goes_over_a_full_ring::<Pair>(run, 4, 3);
    });
}

/// The receiver is in the middle of a block, and knows no more of it than the first message. However far
/// the sender goes on, it finds the others.
#[test]
fn the_header_that_is_polled_is_not_written_in_the_next_lap() {
    Model::with(Heavy).preemptions(3).reaches(&["the ring was full"]).check(|run| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Pair>::with_capacity(SMALLEST);
        pass(&mut port1, &mut port2, 0, 1);
        let sender = thread::spawn(move || {
            let mut next = 1;
            while next < 7 && port1.try_post_message(&Pair::of(next)).is_ok() {
                next += 1;
            }
            (next, port1)
        });
        let received = u64::from(port2.try_recv().is_ok());
        let (posted, _port1) = sender.join().unwrap();
        if posted == 5 {
            run.reached("the ring was full");
        }
        for number in 1 + received..posted {
            let next = port2.try_recv();
            assert!(next.is_ok_and(|next| Pair::number(&next) == number), "a message is lost");
        }
        assert_empty(&mut port2);
    });
}

/// What memory held before is no message, in the first lap and at the step into the second one.
#[test]
fn what_memory_held_before_is_no_message() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Filling>::with_capacity(SMALLEST);
        assert_empty(&mut port2);
        let sender = thread::spawn(move || {
            for number in 0..3 {
                post(&mut port1, &Filling::of(number)).unwrap();
            }
            port1
        });
        receive_all(&mut port2, 0, 3);
        sender.join().unwrap();
    });
}

/// What a receiver finds by looking ahead is visible with its bytes.
#[test]
fn what_is_found_ahead_is_visible_with_its_bytes() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Single>::with_capacity(SMALLEST);
        pass(&mut port1, &mut port2, 0, BLOCKS);
        let sender = thread::spawn(move || {
            for number in BLOCKS..BLOCKS + 3 {
                port1.try_post_message(&Single::of(number)).unwrap();
            }
            port1
        });
        receive_all(&mut port2, BLOCKS, BLOCKS + 3);
        sender.join().unwrap();
    });
}

/// Looking ahead does not reach what the sender has not written in this lap.
#[test]
fn nothing_is_found_ahead_that_is_of_the_lap_before() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Single>::with_capacity(SMALLEST);
        pass(&mut port1, &mut port2, 0, BLOCKS);
        for number in BLOCKS..BLOCKS + 3 {
            port1.try_post_message(&Single::of(number)).unwrap();
        }
        let sender = thread::spawn(move || {
            for number in BLOCKS + 3..BLOCKS + 5 {
                post(&mut port1, &Single::of(number)).unwrap();
            }
            port1
        });
        receive_all(&mut port2, BLOCKS, BLOCKS + 5);
        sender.join().unwrap();
    });
}

/// In the first lap nobody looks ahead: what stands there may look like a header.
#[test]
fn nothing_is_found_ahead_in_the_first_lap() {
    Model::with(Heavy).preemptions(2).check(|_| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<Single>::with_capacity(WIDE);
        let sender = thread::spawn(move || {
            for number in 0..4 {
                port1.try_post_message(&Single::of(number)).unwrap();
            }
            port1
        });
        receive_all(&mut port2, 0, 4);
        sender.join().unwrap();
    });
}

/// A batch that begins in the middle of a block and ends in the middle of another one is visible all at
/// once.
#[test]
fn a_batch_over_several_blocks_is_visible_all_at_once() {
    Model::with(Heavy).preemptions(4).check(|_| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Pair>::with_capacity(2 * SMALLEST);
        pass(&mut port1, &mut port2, 0, 1);
        let sender = thread::spawn(move || {
            let batch: Vec<_> = (1..5).map(Pair::of).collect();
            assert_eq!(port1.post_messages(&batch).unwrap(), 4);
            port1
        });
        assert_eq!(receive(&mut port2, Pair::number).unwrap(), 1);
        for number in 2..5 {
            let next = port2.try_recv();
            assert!(
                next.is_ok_and(|next| Pair::number(&next) == number),
                "a part of a batch is visible"
            );
        }
        sender.join().unwrap();
    });
}

/// A receiver that looks ahead may come upon a batch from behind, while it is published. It finds all
/// of it then, too.
#[test]
fn a_batch_that_is_found_ahead_is_visible_all_at_once() {
    let cases = &["nothing yet", "all of it"];
    Model::with(Heavy).preemptions(4).reaches(cases).check(|run| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<Single>::with_capacity(WIDE);
        pass(&mut port1, &mut port2, 0, WIDE_BLOCKS);
        let first = WIDE_BLOCKS;
        // Of two full blocks, it finds the second one ahead, and looks at two from then on.
        for number in first..first + 2 {
            port1.try_post_message(&Single::of(number)).unwrap();
        }
        for number in first..first + 2 {
            assert_eq!(Single::number(&port2.try_recv().unwrap()), number);
        }
        port1.try_post_message(&Single::of(first + 2)).unwrap();
        let sender = thread::spawn(move || {
            let batch: Vec<_> = (first + 3..first + 6).map(Single::of).collect();
            assert_eq!(port1.post_messages(&batch).unwrap(), 3);
            port1
        });
        assert_eq!(Single::number(&port2.try_recv().unwrap()), first + 2);
        let mut found = 0;
        while port2.try_recv().is_ok() {
            found += 1;
        }
        assert!(found == 0 || found == 3, "a part of a batch is visible");
        run.reached(cases[usize::from(found > 0)]);
        let _port1 = sender.join().unwrap();
        receive_all(&mut port2, first + 3 + found, first + 6);
    });
}

/// What is received in a batch is read before its blocks are entered again.
#[test]
fn a_received_batch_is_read_before_its_blocks_are_entered_again() {
    Model::with(Heavy).preemptions(3).reaches(&["several"]).check(|run| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<[u64; 5]>::with_capacity(SMALLEST);
        // Two fill the ring.
        port1.try_post_message(&[0; 5]).unwrap();
        port1.try_post_message(&[1; 5]).unwrap();
        let sender = thread::spawn(move || {
            post(&mut port1, &[2; 5]).unwrap();
            post(&mut port1, &[3; 5]).unwrap();
            port1
        });
        let mut read = Vec::new();
        while read.len() < 4 {
            match port2.recv_batch(4, |message| read.push(<[u64; 5]>::number(message))) {
                Ok(2..) => run.reached("several"),
                Ok(_) => {}
                Err(TryRecvError::Empty) => thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(read, [0, 1, 2, 3], "a message changed while it was read");
        sender.join().unwrap();
    });
}

/// Has a batch go over a switch, with `before` messages posted and `received` of them received ahead of
/// it. It is visible all at once.
fn batch_over_a_switch(before: u64, received: u64, batch: u64) {
    Model::with(Heavy).preemptions(3).reaches(&["not yet", "all of it"]).check(move |run| {
        let builder = MessageChannel::<Pair>::builder().capacity(SMALLEST);
        let MessageChannel { mut port1, mut port2 } =
            builder.growable(4 * SMALLEST).build().unwrap();
        for number in 0..before {
            port1.try_post_message(&Pair::of(number)).unwrap();
        }
        for number in 0..received {
            assert_eq!(Pair::number(&port2.try_recv().unwrap()), number);
        }
        let sender = thread::spawn(move || {
            let messages: Vec<_> = (before..before + batch).map(Pair::of).collect();
            assert_eq!(port1.post_messages(&messages).unwrap(), messages.len());
            port1
        });
        for number in received..before {
            assert_eq!(Pair::number(&port2.try_recv().unwrap()), number);
        }
        run.reached(if port2.is_empty() { "not yet" } else { "all of it" });
        assert_eq!(receive(&mut port2, Pair::number).unwrap(), before);
        for number in before + 1..before + batch {
            let next = port2.try_recv();
            assert!(
                next.is_ok_and(|next| Pair::number(&next) == number),
                "a part of a batch is visible"
            );
        }
        let _port1 = sender.join().unwrap();
        assert_empty(&mut port2);
    });
}

/// The batch begins in the middle of a block, and the segment ends behind a block.
#[test]
fn a_batch_of_several_blocks_over_a_switch_is_visible_all_at_once() {
    batch_over_a_switch(3, 0, 2);
}

/// The batch begins in the block in which the segment ends, with the switch behind its first message.
#[test]
fn a_batch_with_a_switch_in_its_first_block_is_visible_all_at_once() {
    batch_over_a_switch(4, 1, 3);
}

/// The segment ends in the middle of the second block of the batch.
#[test]
fn a_batch_with_a_switch_in_its_second_block_is_visible_all_at_once() {
    batch_over_a_switch(3, 1, 4);
}

/// A segment that ends in the middle of a block is left behind with it, and what comes in the next one
/// follows. One half closes meanwhile: each message is delivered or counted.
#[test]
fn the_report_is_exact_around_a_switch_in_a_block() {
    let cases = &["none", "one", "two", "three"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        let builder = MessageChannel::<Pair>::builder().capacity(SMALLEST);
        let MessageChannel { mut port1, mut port2 } =
            builder.growable(4 * SMALLEST).build().unwrap();
        // Four fill the ring; with one given back a fifth one begins the block that ends it.
        for number in 0..4 {
            port1.try_post_message(&Pair::of(number)).unwrap();
        }
        assert_eq!(Pair::number(&port2.try_recv().unwrap()), 0);
        for number in 4..6 {
            port1.try_post_message(&Pair::of(number)).unwrap();
        }
        for number in 1..3 {
            assert_eq!(Pair::number(&port2.try_recv().unwrap()), number);
        }
        let (mut sender, mut receiver) = port2.into_split();
        let receiving = thread::spawn(move || {
            let mut delivered = 0;
            while let Ok(message) = receiver.try_recv() {
                assert_eq!(Pair::number(&message), 3 + delivered, "a message is out of order");
                delivered += 1;
            }
            delivered
        });
        sender.close();
        let event = port1.split_mut().0.close_event().unwrap();
        let delivered = receiving.join().unwrap();
        let counted = event.undelivered_messages();
        assert_eq!(delivered + counted, 3, "a message is lost, or counted and delivered");
        assert_eq!(event.undelivered_bytes(), size_of::<Pair>() as u64 * counted);
        run.reached(cases[usize::try_from(delivered).unwrap()]);
    });
}
