//! One half of a port closes while the other one receives: whatever the receiver is just passing is
//! delivered, or counted in the peer's close report, and never both.

use loom_tests::Barriers::Full;
use loom_tests::layouts::{Framed, Numbered};
use loom_tests::{Model, SMALLEST, both_layouts, thread};
use message_port::{CloseEvent, Message, MessageChannel, MessagePort, Receiver};

/// Has `receive` race with a close by the other half of its port, and says what it returned and
/// what was reported to the peer.
fn race<T: Message + Send + 'static>(
    mut peer: MessagePort<T>,
    port: MessagePort<T>,
    receive: impl FnOnce(&mut Receiver<T>) -> usize + Send + 'static,
) -> (usize, CloseEvent) {
    let (mut sender, mut receiver) = port.into_split();
    let receiving = thread::spawn(move || {
        let result = receive(&mut receiver);
        (result, receiver)
    });
    sender.close();
    let report = peer.split_mut().0.close_event().unwrap();
    let (result, _receiver) = receiving.join().unwrap();
    (result, report)
}

/// The cases by the number of messages that were delivered.
const CASES: &[&str] = &["none", "one", "two", "three"];

/// A message is claimed before it is delivered, and may be the first that comes too late.
fn a_message_is_delivered_or_counted<M: Numbered>() {
    Model::with(Full).preemptions(4).reaches(&CASES[..3]).check(|run| {
        let MessageChannel { mut port1, port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        port1.try_post_message(&M::of(0)).unwrap();
        port1.try_post_message(&M::of(1)).unwrap();
        let (delivered, report) = race(port1, port2, |receiver| {
            let mut delivered = 0;
            while let Ok(message) = receiver.try_recv() {
                assert_eq!(M::number(&message), delivered as u64, "a message is out of order");
                delivered += 1;
            }
            delivered
        });
        let counted = usize::try_from(report.undelivered_messages()).unwrap();
        assert_eq!(delivered + counted, 2, "a message is lost, or counted and delivered");
        assert_eq!(report.undelivered_bytes(), 8 * report.undelivered_messages());
        run.reached(CASES[delivered]);
    });
}

/// Each message of a batch is claimed on its own, and may be the first that comes too late.
fn a_received_batch_stops_where_the_report_begins<M: Numbered>() {
    Model::with(Full).preemptions(4).reaches(CASES).check(|run| {
        let MessageChannel { mut port1, port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        port1.post_messages(&[0, 1, 2].map(M::of)).unwrap();
        let (delivered, report) =
            race(port1, port2, |receiver| receiver.recv_batch(3, |_| ()).unwrap_or(0));
        let counted = usize::try_from(report.undelivered_messages()).unwrap();
        assert_eq!(delivered + counted, 3, "a message is lost, or counted and delivered");
        run.reached(CASES[delivered]);
    });
}

/// A batch goes on in the next segment, and gives the one before back only where the report does
/// not look.
fn a_received_batch_over_a_switch_stops_where_the_report_begins<M: Numbered>() {
    Model::with(Full).preemptions(4).reaches(CASES).check(|run| {
        let builder = MessageChannel::<M>::builder().capacity(SMALLEST);
        let MessageChannel { mut port1, port2 } = builder.growable(4 * SMALLEST).build().unwrap();
        // Two fill the first segment, and one is behind the switch.
        for number in 0..3 {
            port1.try_post_message(&M::of(number)).unwrap();
        }
        let (delivered, report) =
            race(port1, port2, |receiver| receiver.recv_batch(3, |_| ()).unwrap_or(0));
        let counted = usize::try_from(report.undelivered_messages()).unwrap();
        assert_eq!(delivered + counted, 3, "a message is lost, or counted and delivered");
        assert_eq!(report.undelivered_bytes(), 40 * report.undelivered_messages());
        run.reached(CASES[delivered]);
    });
}

/// The report reads the length of a spilled message from its frame while the receiver takes the
/// buffer out of it.
#[test]
fn the_report_reads_a_spilled_frame_while_it_is_taken() {
    Model::with(Full).preemptions(4).reaches(&CASES[..3]).check(|run| {
        let builder = MessageChannel::<Vec<u8>>::builder().capacity(2 * SMALLEST);
        let MessageChannel { mut port1, port2 } = builder.max_message_len(256).build().unwrap();
        // With their lengths and a pointer, that is 128 and 152 bytes.
        let messages = [vec![1; 120], vec![2; 144]];
        for message in &messages {
            port1.try_post_message(message).unwrap();
        }
        let (delivered, report) = race(port1, port2, |receiver| {
            let mut delivered = 0;
            while let Ok(message) = receiver.try_recv() {
                delivered += 1;
                assert!(message.iter().all(|byte| usize::from(*byte) == delivered));
            }
            delivered
        });
        let counted = usize::try_from(report.undelivered_messages()).unwrap();
        assert_eq!(delivered + counted, 2, "a message is lost, or counted and delivered");
        let bytes = [280, 152, 0][delivered];
        assert_eq!(report.undelivered_bytes(), bytes, "the bytes are those of other messages");
        run.reached(CASES[delivered]);
    });
}

/// The same where the frame is in a segment that the receiver gives back.
#[test]
fn the_report_reads_a_spilled_frame_in_front_of_a_switch() {
    Model::with(Full).preemptions(4).reaches(&CASES[..3]).check(|run| {
        let builder = MessageChannel::<Framed<[u64; 16]>>::builder().capacity(SMALLEST);
        let MessageChannel { mut port1, mut port2 } =
            builder.growable(16 * SMALLEST).build().unwrap();
        // Two of these frames fit a segment.
        for number in 0..3 {
            port1.try_post_message(&Framed([number; 16])).unwrap();
        }
        drop(port2.try_recv().unwrap());
        let (delivered, report) = race(port1, port2, |receiver| {
            let mut delivered = 0;
            while let Ok(message) = receiver.try_recv() {
                delivered += 1;
                assert_eq!(message[15], delivered as u64);
            }
            delivered
        });
        let counted = usize::try_from(report.undelivered_messages()).unwrap();
        assert_eq!(delivered + counted, 2, "a message is lost, or counted and delivered");
        assert_eq!(report.undelivered_bytes(), 128 * report.undelivered_messages());
        run.reached(CASES[delivered]);
    });
}

both_layouts! {
    (u64, Framed<u64>): a_message_is_delivered_or_counted, a_received_batch_stops_where_the_report_begins;
    ([u64; 5], Framed<[u64; 5]>): a_received_batch_over_a_switch_stops_where_the_report_begins;
}
