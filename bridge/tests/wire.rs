//! Frames and greetings: what is written is read again, and anything else is an error.

mod common;
mod frames;

use common::Random;
use common::fake::terms;
use message_port_zenoh::wire;
use message_port_zenoh::wire::{
    AbortReason, Body, DataFrame, EndOfStream, Frame, Greeting, LinkId, Manner, Refusal, WireError,
    decode, decode_greeting, encode, encode_greeting,
};

fn written_frames() -> Vec<Vec<u8>> {
    let closed = Manner::Closed { read_messages: 5, read_bytes: 500 };
    let end = |manner| Body::End(EndOfStream { manner, messages: 9 });
    let bodies = [
        Body::Ready,
        Body::Ack,
        Body::Want,
        Body::Stop,
        end(Manner::Dropped),
        end(closed),
        end(Manner::Answer),
        Body::Done,
        Body::Abort(AbortReason::Asked),
        Body::Abort(AbortReason::Lost),
    ];
    let mut all: Vec<_> = bodies
        .into_iter()
        .map(|body| {
            let frame = Frame { number: 1 << 40, acknowledged: 77, body };
            let mut bytes = Vec::new();
            encode(&frame, &mut bytes);
            assert_eq!(decode(&bytes), Ok(frame));
            bytes
        })
        .collect();
    let mut data = DataFrame::with_room_for(3);
    assert!(data.is_empty());
    for archive in [&b"one"[..], b"", b"three"] {
        data.push(archive);
    }
    all.push(data.finish(3, 4));
    all
}

fn greetings() -> Vec<Vec<u8>> {
    let id = LinkId(*b"0123456789abcdef");
    let all = [
        Greeting::Hello(id, terms()),
        Greeting::Accept(id, terms()),
        Greeting::Refuse(id, Refusal::Engaged),
        Greeting::Refuse(id, Refusal::Format(terms().format)),
        Greeting::Refuse(id, Refusal::Version),
        Greeting::OtherVersion(id, 2),
    ];
    all.into_iter()
        .map(|greeting| {
            let bytes = encode_greeting(&greeting);
            assert_eq!(decode_greeting(&bytes), Ok(greeting));
            bytes
        })
        .collect()
}

#[test]
fn what_is_written_is_read_again() {
    let all = written_frames();
    let data = decode(all.last().unwrap()).unwrap();
    assert_eq!((data.number, data.acknowledged), (3, 4));
    let Body::Data(archives) = data.body else { panic!("{data:?}") };
    assert_eq!(archives.iter().collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
    greetings();
}

#[test]
fn nothing_that_is_cut_off_or_longer_is_read() {
    for bytes in written_frames() {
        for length in 0..bytes.len() {
            // Where a frame of messages is cut between two of them, the rest is a frame.
            if let Ok(frame) = decode(&bytes[..length]) {
                assert!(matches!(frame.body, Body::Data(_)), "{frame:?}");
            }
        }
        let longer = [&bytes[..], b"x"].concat();
        assert!(decode(&longer).is_err(), "{longer:?}");
    }
    for bytes in greetings() {
        for length in 0..bytes.len() {
            assert!(decode_greeting(&bytes[..length]).is_err());
        }
        // What follows the link in another version is nobody's business.
        let other = matches!(decode_greeting(&bytes), Ok(Greeting::OtherVersion(..)));
        let longer = decode_greeting(&[&bytes[..], b"x"].concat());
        assert_eq!(longer.is_ok(), other);
    }
}

#[test]
fn a_frame_of_no_messages_is_none() {
    let frame = DataFrame::with_room_for(0).finish(1, 1);
    assert_eq!(decode(&frame), Err(WireError::NoMessages));
}

#[test]
fn random_bytes_are_read_without_a_panic_and_mean_the_same_when_written_again() {
    let mut random = Random(0x5eed);
    let seeds: Vec<_> = written_frames().into_iter().chain(greetings()).collect();
    let mut read = 0;
    for round in 0..200_000 {
        let mut bytes = if round % 2 == 0 {
            let length = random.below(80);
            let mut bytes = random.bytes(length);
            if let Some(first) = bytes.first_mut() {
                *first %= 13;
            }
            bytes
        } else {
            seeds[random.below(seeds.len())].clone()
        };
        for _ in 0..random.below(4) {
            if bytes.is_empty() {
                break;
            }
            let place = random.below(bytes.len());
            match random.below(3) {
                0 => bytes[place] = random.next().to_le_bytes()[0],
                1 => bytes.truncate(place),
                _ => bytes.insert(place, random.next().to_le_bytes()[0]),
            }
        }
        read += frames::check(&bytes).unwrap_or_else(|objection| panic!("{objection}: {bytes:?}"));
    }
    assert!(read > 1000, "the seeds are good ones");
}
