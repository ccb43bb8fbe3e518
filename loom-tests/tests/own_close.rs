//! A half posts while the other half of its own port closes, on another thread: what the post does
//! beside writing a frame (growing, spilling, publishing a batch) is delivered or refused as well.

use loom_tests::Barriers::{Both, Full};
use loom_tests::layouts::{Filling, Framed, FramedFilling, Numbered};
use loom_tests::{Model, Run, SMALLEST, both_layouts, thread};
use message_port::{Message, MessageChannel, MessagePort, Receiver, Sender};

/// An archive that is spilled: it is as long as the ring.
type Large = Framed<[u64; 16]>;

/// Receives until the end, and says how many there were.
fn count<T: Message>(port: &mut MessagePort<T>) -> usize {
    let mut messages = 0;
    while port.recv().is_ok() {
        messages += 1;
    }
    messages
}

/// Has `post` race with a close by the other half of its port. It returns how many messages were
/// accepted, of `posts`; the peer finds so many, and `before`.
fn delivered_or_refused<T: Message + Send + 'static>(
    run: &Run,
    halves: (Sender<T>, Receiver<T>),
    mut peer: MessagePort<T>,
    before: usize,
    posts: usize,
    post: impl FnOnce(&mut Sender<T>) -> usize + Send + 'static,
) {
    let (mut sender, mut receiver) = halves;
    let sending = thread::spawn(move || post(&mut sender));
    let receiving = thread::spawn(move || count(&mut peer));
    receiver.close();
    let accepted = sending.join().unwrap();
    let delivered = receiving.join().unwrap();
    assert_eq!(delivered, before + accepted, "accepted and not delivered, or refused");
    run.reached(if accepted == posts { "delivered" } else { "refused" });
}

/// A post that appends a segment for itself, and leaves a switch behind if it is refused.
fn a_post_that_grows_while_its_port_closes_is_delivered_or_refused<M: Numbered>() {
    Model::with(Full).preemptions(2).reaches(&["delivered", "refused"]).check(|run| {
        let builder = MessageChannel::<M>::builder().capacity(SMALLEST);
        let MessageChannel { mut port1, port2 } = builder.growable(4 * SMALLEST).build().unwrap();
        port1.try_post_message(&M::of(0)).unwrap();
        delivered_or_refused(run, port1.into_split(), port2, 1, 1, |sender| {
            usize::from(sender.try_post_message(&M::of(1)).is_ok())
        });
    });
}

/// A post that was refused may have left a switch. The end is found behind that too, also where a
/// message before it was accepted while its own port closed.
fn the_end_is_found_behind_a_switch_that_nothing_follows<M: Numbered>() {
    let cases = &["both accepted", "the second one refused", "both refused"];
    Model::with(Both).preemptions(3).reaches(cases).check(|run| {
        let builder = MessageChannel::<M>::builder().capacity(SMALLEST);
        let MessageChannel { port1, mut port2 } = builder.growable(4 * SMALLEST).build().unwrap();
        let (mut sender, mut receiver) = port1.into_split();
        let sending = thread::spawn(move || {
            [0, 1].map(|number| usize::from(sender.try_post_message(&M::of(number)).is_ok()))
        });
        receiver.close();
        let accepted: usize = sending.join().unwrap().iter().sum();
        let mut delivered = 0;
        let end = loop {
            match port2.try_recv() {
                Ok(_) => delivered += 1,
                Err(end) => break end,
            }
        };
        assert!(!end.is_empty(), "a closed channel is merely empty");
        assert_eq!(delivered, accepted, "accepted and not delivered");
        run.reached(cases[2 - delivered]);
    });
}

/// A message in a heap buffer. Refused or delivered, the buffer is freed once.
#[test]
fn a_spilled_post_while_its_port_closes_is_delivered_or_refused() {
    Model::with(Full).preemptions(2).reaches(&["delivered", "refused"]).check(|run| {
        let MessageChannel { port1, port2 } = MessageChannel::<Large>::with_capacity(SMALLEST);
        delivered_or_refused(run, port1.into_split(), port2, 0, 1, |sender| {
            usize::from(sender.try_post_message(&Framed([1; 16])).is_ok())
        });
    });
}

/// A batch that is published before a spilled message in its middle may come in time, and the spilled
/// message too late.
#[test]
fn a_spilled_message_behind_a_batch_is_delivered_or_refused() {
    let cases = &["delivered", "refused"];
    Model::with(Full).preemptions(2).reaches(cases).check(|run| {
        let MessageChannel { port1, port2 } = MessageChannel::<Vec<u8>>::with_capacity(SMALLEST);
        delivered_or_refused(run, port1.into_split(), port2, 0, 2, |sender| {
            sender.post_messages(&[vec![1; 8], vec![2; 100]]).unwrap_or(0)
        });
    });
}

/// A batch of which the second half is in another segment.
fn a_batch_over_a_switch_while_its_port_closes_is_delivered_or_refused<M: Numbered>() {
    Model::with(Full).preemptions(2).reaches(&["delivered", "refused"]).check(|run| {
        let builder = MessageChannel::<M>::builder().capacity(SMALLEST);
        let MessageChannel { port1, port2 } = builder.growable(4 * SMALLEST).build().unwrap();
        delivered_or_refused(run, port1.into_split(), port2, 0, 2, |sender| {
            sender.post_messages(&[1, 2].map(M::of)).unwrap_or(0)
        });
    });
}

both_layouts! {
    (Filling, FramedFilling):
        a_post_that_grows_while_its_port_closes_is_delivered_or_refused,
        the_end_is_found_behind_a_switch_that_nothing_follows,
        a_batch_over_a_switch_while_its_port_closes_is_delivered_or_refused;
}
