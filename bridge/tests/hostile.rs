//! A far side that breaks the protocol: an error at both ends, nothing lost that came before, and
//! no panic.

mod common;

use common::Random;
use common::fake::{Attacked, LONGEST, WINDOW, archive, attacked};
use message_port_zenoh::wire::{Body, EndOfStream, Manner};
use message_port_zenoh::{LinkError, Violation};

/// Connects, posts something good, misbehaves, and returns what the near side makes of it.
fn violation(misbehave: impl FnOnce(&mut Attacked)) -> Violation {
    let mut a = attacked();
    a.fake.post(&[&archive(b"good")]);
    misbehave(&mut a);
    let report = a.link.wait();
    let Some(LinkError::Violation(violation)) = report.error() else { panic!("{report}") };
    // What came before is still there, and behind it nothing.
    assert_eq!(a.user.recv().unwrap().as_slice(), b"good");
    assert!(a.user.recv().unwrap_err().is_disconnected());
    assert!(a.user.post_message(&Vec::new()).unwrap_err().is_disconnected());
    let told = loop {
        let heard = a.fake.hear();
        if heard.starts_with("Abort") {
            break heard;
        }
    };
    let lost = matches!(violation, Violation::Lost { .. } | Violation::LostMessages { .. });
    let expected = if lost { "Abort(Lost)" } else { "Abort(Violation)" };
    assert_eq!(told, expected, "the other side is told");
    violation.clone()
}

#[test]
fn a_frame_beyond_every_limit_is_refused() {
    let violation = violation(|a| a.fake.put(vec![5; WINDOW.max(LONGEST) + 1000]));
    assert!(matches!(violation, Violation::FrameTooLong { .. }), "{violation}");
}

#[test]
fn an_archive_above_the_agreed_length_is_refused() {
    let violation = violation(|a| a.fake.post(&[&[0; LONGEST + 1]]));
    assert!(matches!(violation, Violation::TooLong { .. }), "{violation}");
}

#[test]
fn bytes_that_are_no_frame_are_refused() {
    let mut random = Random(42);
    for length in [0, 1, 16, 17, 30, 200] {
        let mut bytes = random.bytes(length);
        if let Some(first) = bytes.first_mut() {
            // No greeting, and no frame whose number could be good.
            *first = 200;
        }
        let violation = violation(|a| a.fake.put(bytes));
        assert!(matches!(violation, Violation::Wire(_)), "{violation}");
    }
}

#[test]
fn a_length_that_reaches_out_of_its_frame_is_refused() {
    let violation = violation(|a| {
        let mut frame = vec![5];
        frame.extend_from_slice(&a.fake.next_number().to_le_bytes());
        frame.extend_from_slice(&[0; 8]);
        frame.extend_from_slice(&u32::MAX.to_le_bytes());
        a.fake.put(frame);
    });
    assert!(matches!(violation, Violation::Wire(_)), "{violation}");
}

#[test]
fn more_than_there_is_credit_for_is_refused_and_never_held() {
    // The user reads nothing, so the ring fills up and acknowledgements stop.
    let mut a = attacked();
    let message = archive(&[1; 1000]);
    let mut sent = 0u64;
    while a.link.report().is_none() {
        a.fake.post(&[&message]);
        sent += 1;
    }
    let report = a.link.wait();
    let refused = matches!(report.error(), Some(LinkError::Violation(Violation::Credit { .. })));
    assert!(refused, "{report}");
    let mut kept = 0;
    while let Ok(message) = a.user.recv() {
        assert_eq!(message.as_slice(), [1; 1000]);
        kept += 1;
    }
    assert_eq!(kept, report.received_messages, "all that was taken is delivered");
    assert!(kept < sent);
    let bound = (a.user.capacity() + WINDOW) / 1000 + 1;
    assert!(kept <= bound as u64, "{kept} messages were held");
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_is_refused() {
    let violation = violation(|a| a.fake.say_acknowledging(Body::Ack, 1));
    assert!(matches!(violation, Violation::Acknowledgement { claimed: 1, .. }), "{violation}");
}

#[test]
fn an_acknowledgement_that_falls_is_refused() {
    let violation = violation(|a| {
        a.user.post_message(&b"out".to_vec()).unwrap();
        while !a.fake.hear().starts_with("Data") {}
        a.fake.say_acknowledging(Body::Ack, 1);
        a.fake.say_acknowledging(Body::Ack, 0);
    });
    assert!(matches!(violation, Violation::Acknowledgement { claimed: 0, .. }), "{violation}");
}

#[test]
fn a_gap_in_the_numbers_is_a_loss() {
    let violation = violation(|a| {
        a.fake.skip_number();
        a.fake.post(&[&archive(b"too late")]);
    });
    assert!(matches!(violation, Violation::Lost { .. }), "{violation}");
}

#[test]
fn a_frame_that_comes_twice_is_taken_once() {
    let mut a = attacked();
    let mut frame = message_port_zenoh::wire::DataFrame::with_room_for(0);
    frame.push(&archive(b"once"));
    let bytes = frame.finish(a.fake.next_number(), 0);
    a.fake.skip_number();
    for _ in 0..3 {
        a.fake.put(bytes.clone());
    }
    a.fake.post(&[&archive(b"then")]);
    assert_eq!(a.user.recv().unwrap().as_slice(), b"once");
    assert_eq!(a.user.recv().unwrap().as_slice(), b"then");
}

#[test]
fn a_message_behind_the_end_is_refused() {
    for manner in [Manner::Dropped, Manner::Closed { read_messages: 0, read_bytes: 0 }] {
        let mut a = attacked();
        a.fake.post(&[&archive(b"good")]);
        a.fake.say(Body::End(EndOfStream { manner, messages: 1 }));
        a.fake.post(&[&archive(b"behind")]);
        let report = a.link.wait();
        let refused = matches!(report.error(), Some(LinkError::Violation(Violation::AfterEnd)));
        assert!(refused, "{report}");
        assert_eq!(a.user.recv().unwrap().as_slice(), b"good");
        assert!(a.user.recv().is_err());
    }
}

#[test]
fn an_end_that_counts_other_messages_is_a_loss() {
    let end = EndOfStream { manner: Manner::Dropped, messages: 2 };
    let violation = violation(|a| a.fake.say(Body::End(end)));
    assert_eq!(violation, Violation::LostMessages { sent: 2, received: 1 });
}

#[test]
fn a_report_of_more_than_was_sent_is_refused() {
    let manner = Manner::Closed { read_messages: 1, read_bytes: 0 };
    let violation = violation(|a| a.fake.say(Body::End(EndOfStream { manner, messages: 1 })));
    assert!(matches!(violation, Violation::Report { claimed: 1, .. }), "{violation}");
}

#[test]
fn frames_where_they_mean_nothing_are_refused() {
    let answer = EndOfStream { manner: Manner::Answer, messages: 1 };
    for body in [Body::Ready, Body::Done, Body::End(answer)] {
        let violation = violation(|a| a.fake.say(body));
        assert_eq!(violation, Violation::OutOfOrder);
    }
}

#[test]
fn an_archive_that_does_not_validate_is_never_seen_by_the_user() {
    // A vector whose pointer leads out of the archive.
    let violation = violation(|a| a.fake.post(&[&[0xff; 8]]));
    assert_eq!(violation, Violation::InvalidArchive);
}

#[test]
fn an_invalid_archive_behind_a_full_ring_is_found_too() {
    let mut a = attacked();
    let filler = archive(&[3; 9000]);
    // Through the thread that waits for room, not at once: more than the ring holds.
    let mut sent = 0;
    while sent < 12 {
        a.fake.post(&[&filler]);
        sent += 1;
        if sent > 5 {
            assert_eq!(a.user.recv().unwrap().as_slice(), [3; 9000]);
        }
        while !a.fake.hear().starts_with("Ack") {}
    }
    a.fake.post(&[&[0xff; 8]]);
    let mut left = 0;
    while let Ok(message) = a.user.recv() {
        assert_eq!(message.as_slice(), [3; 9000]);
        left += 1;
    }
    assert_eq!(left, 5);
    let report = a.link.wait();
    let found = matches!(report.error(), Some(LinkError::Violation(Violation::InvalidArchive)));
    assert!(found, "{report}");
}

#[test]
fn an_abort_says_why() {
    use message_port_zenoh::wire::AbortReason;
    let mut a = attacked();
    a.fake.say(Body::Abort(AbortReason::InvalidArchive));
    let report = a.link.wait();
    let told = report.error().map(ToString::to_string).unwrap();
    assert!(told.ends_with("an archive that does not validate"), "{told}");
    assert!(a.user.recv().unwrap_err().is_disconnected());
}
