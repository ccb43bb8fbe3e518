use super::*;
use crate::wire::{Body, DataFrame, decode};

/// Pseudo-random numbers, so that a run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn length(&mut self, limit: u64) -> usize {
        usize::try_from(self.below(limit)).unwrap()
    }
}

fn frame(lengths: &[usize]) -> Vec<u8> {
    let mut frame = DataFrame::with_room_for(0);
    for length in lengths {
        frame.push(&vec![0; *length]);
    }
    frame.finish(0, 0)
}

fn receive(books: &mut Incoming, lengths: &[usize]) -> Result<(), Violation> {
    let bytes = frame(lengths);
    let Body::Data(archives) = decode(&bytes).unwrap().body else { unreachable!() };
    books.receive(archives)
}

fn end(manner: Manner, messages: u64) -> EndOfStream {
    EndOfStream { manner, messages }
}

/// Two honest sides, with frames under way in both directions for any time.
#[test]
fn honest_sides_never_meet_a_violation_and_never_get_stuck() {
    for seed in 1..200 {
        let mut random = Random(seed << 32 | 0x9e37_79b9);
        let (window, longest) = (1000 + random.below(5000), 1 + random.below(9000));
        let mut outgoing = Outgoing::new(window, tells_at(window), longest);
        let mut incoming = Incoming::new(window, longest);
        let (mut data, mut acknowledgements) = (VecDeque::new(), VecDeque::new());
        let mut queued = VecDeque::new();
        let mut to_send = 200;
        let mut next = random.length(longest + 1);
        while incoming.delivered().messages < 200 {
            match random.below(5) {
                0 if to_send > 0 && outgoing.has_credit(next) => {
                    outgoing.send(next);
                    data.push_back(next);
                    next = random.length(longest + 1);
                    to_send -= 1;
                }
                1 => {
                    if let Some(length) = data.pop_front() {
                        receive(&mut incoming, &[length]).unwrap();
                        queued.push_back(length);
                        let held: u64 = queued.iter().map(|length| wire::cost(*length)).sum();
                        assert!(held <= window.max(wire::cost(length)), "memory is bounded");
                    }
                }
                2 => {
                    if let Some(length) = queued.pop_front() {
                        incoming.deliver(length);
                    }
                }
                3 => {
                    // The rule of the delivering thread: in time, and at the latest when nothing
                    // is left to be posted.
                    if incoming.should_tell() || (queued.is_empty() && incoming.has_news()) {
                        acknowledgements.push_back(incoming.tell());
                        assert!(!incoming.has_news());
                    }
                }
                _ => {
                    if let Some(messages) = acknowledgements.pop_front() {
                        outgoing.acknowledge(messages).unwrap();
                    }
                }
            }
            let idle = data.is_empty() && queued.is_empty() && acknowledgements.is_empty();
            if idle && !incoming.has_news() && to_send > 0 {
                assert!(outgoing.has_credit(next), "nothing is under way, so there is credit");
            }
        }
        outgoing.acknowledge(incoming.tell()).unwrap_or_else(|violation| panic!("{violation}"));
        assert_eq!(outgoing.undelivered(), Count::default());
        incoming.end(end(Manner::Dropped, outgoing.sent().messages)).unwrap();
    }
}

#[test]
fn whatever_comes_the_books_stay_within_their_bounds() {
    for seed in 1..500 {
        let mut random = Random(seed);
        let (window, longest) = (4096, 6000);
        let mut outgoing = Outgoing::new(window, tells_at(window), longest);
        let mut incoming = Incoming::new(window, longest);
        let mut held = 0;
        for _ in 0..200 {
            match random.below(6) {
                0 => {
                    let length = random.length(8000);
                    if receive(&mut incoming, &[length]).is_ok() {
                        held += wire::cost(length);
                        assert!(length <= 6000);
                    }
                    assert!(held <= window + wire::cost(6000));
                }
                1 => {
                    let length = random.length(1000);
                    if outgoing.has_credit(length) {
                        outgoing.send(length);
                    }
                }
                2 => {
                    let _ = outgoing.acknowledge(random.below(20));
                }
                3 => {
                    let read = Count { messages: random.below(50), bytes: random.below(50_000) };
                    if outgoing.read_by_closer(read).is_ok() {
                        assert!(read.messages <= outgoing.sent().messages);
                    }
                }
                4 => {
                    let _ = incoming.number(random.below(5));
                }
                _ => {
                    let _ = incoming.end(end(Manner::Dropped, 1 + random.below(500)));
                }
            }
            assert!(outgoing.undelivered().messages <= outgoing.sent().messages);
            assert!(outgoing.owed <= window.max(wire::cost(1000)));
            assert!(outgoing.unacknowledged.len() as u64 <= window / wire::MESSAGE_COST + 1);
        }
    }
}

#[test]
fn a_message_above_the_window_goes_alone() {
    let mut outgoing = Outgoing::new(1000, tells_at(1000), 5000);
    assert!(outgoing.has_credit(5000), "while nothing else is under way");
    outgoing.send(5000);
    assert!(!outgoing.has_credit(0));
    assert_eq!(outgoing.acknowledge(1), Ok(true));
    outgoing.send(0);
    assert!(!outgoing.has_credit(5000));
    let mut incoming = Incoming::new(1000, 5000);
    receive(&mut incoming, &[5000]).unwrap();
    assert_eq!(receive(&mut incoming, &[0]), Err(Violation::Credit { window: 1000 }));
}

#[test]
fn one_frame_cannot_bring_more_than_the_window() {
    let mut incoming = Incoming::new(1000, 5000);
    let refused = receive(&mut incoming, &[100; 7]);
    assert_eq!(refused, Err(Violation::Credit { window: 1000 }));
    let mut incoming = Incoming::new(1000, 5000);
    assert_eq!(receive(&mut incoming, &[100; 6]), Ok(()));
}

#[test]
fn the_number_of_a_frame_tells_repetition_from_loss() {
    let mut incoming = Incoming::new(1000, 1000);
    assert_eq!(incoming.number(0), Ok(true));
    assert_eq!(incoming.number(0), Ok(false));
    assert_eq!(incoming.number(2), Err(Violation::Lost { expected: 1, number: 2 }));
    assert_eq!(incoming.number(1), Ok(true));
}

#[test]
fn what_the_closer_has_read_counts_more_than_what_was_acknowledged() {
    let mut outgoing = Outgoing::new(10_000, tells_at(10_000), 1000);
    (0..10).for_each(|_| outgoing.send(100));
    outgoing.acknowledge(8).unwrap();
    assert_eq!(outgoing.undelivered(), Count { messages: 2, bytes: 200 });
    outgoing.read_by_closer(Count { messages: 3, bytes: 300 }).unwrap();
    outgoing.discard(50);
    assert_eq!(outgoing.undelivered(), Count { messages: 8, bytes: 750 });
    let claimed = Count { messages: 11, bytes: 0 };
    assert_eq!(outgoing.read_by_closer(claimed), Err(Violation::Report { claimed: 11, sent: 10 }));
}
