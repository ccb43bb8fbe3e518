//! Posts that put: several threads on both sides, little credit, ends at any moment.

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use common::{Random, key, listening, sessions};
use message_port::{
    ClosedBy, MessageChannel, MessagePort, PostTimeoutError, Receiver, Sender, TryPostError,
};
use message_port_zenoh::{LinkError, Options, connect, connect_linked, expose};
use zenoh::{Session, Wait};

/// Messages of each side, if nobody ends the link before.
const COUNT: u64 = 200;

/// Links at a time.
const LINKS: u64 = 3;

fn options() -> Options {
    Options::new().put_from_posts(true).capacity(4096).window(4096)
}

/// What a thread does behind its last message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Goes on to the end, or waits for it.
    Nothing,
    Close,
    Drop,
}

/// What one side has read so far; everything, once it reads no more.
type Progress = Arc<AtomicU64>;

/// Posts messages of any length, in every way, now at once and now when the last one was read. Returns how
/// many were accepted.
fn post(
    mut sender: Sender<Vec<u8>>,
    seed: u64,
    read: Progress,
    limit: u64,
    then: Then,
) -> JoinHandle<(u64, Option<Sender<Vec<u8>>>)> {
    thread::spawn(move || {
        let mut random = Random(seed);
        let mut accepted = 0;
        while accepted < limit {
            if random.below(2) == 0 {
                while read.load(Ordering::Acquire) < accepted {
                    thread::yield_now();
                }
            }
            let mut message = accepted.to_le_bytes().to_vec();
            let longest = if random.below(4) == 0 { 3000 } else { 50 };
            message.resize(8 + random.below(longest), 7);
            let posted = match random.below(4) {
                0 => sender.post_message(&message).map(|()| 1).map_err(|_| ()),
                1 => match sender.try_post_message(&message) {
                    Ok(()) => Ok(1),
                    Err(TryPostError::Full) => Ok(0),
                    Err(_) => Err(()),
                },
                2 => match sender.post_message_timeout(&message, Duration::from_micros(300)) {
                    Ok(()) => Ok(1),
                    Err(PostTimeoutError::Timeout) => Ok(0),
                    Err(_) => Err(()),
                },
                _ => {
                    let batch: Vec<Vec<u8>> =
                        (accepted..limit).take(5).map(|n| n.to_le_bytes().to_vec()).collect();
                    sender.post_messages(&batch).map(|posted| posted as u64).map_err(|_| ())
                }
            };
            match posted {
                Ok(more) => accepted += more,
                Err(()) => break,
            }
        }
        match then {
            Then::Nothing => {}
            Then::Close => sender.close(),
            Then::Drop => return (accepted, None),
        }
        (accepted, Some(sender))
    })
}

/// Reads messages in order. Returns how many there were.
fn read(
    mut receiver: Receiver<Vec<u8>>,
    progress: Progress,
    limit: u64,
    then: Then,
) -> JoinHandle<u64> {
    thread::spawn(move || {
        let mut count = 0;
        while count < limit {
            let Ok(message) = receiver.recv() else { break };
            assert_eq!(message[..8], count.to_le_bytes(), "in order, none lost or doubled");
            assert!(message[8..].iter().all(|byte| *byte == 7));
            drop(message);
            count += 1;
            progress.store(count, Ordering::Release);
        }
        progress.store(u64::MAX, Ordering::Release);
        if then == Then::Close {
            receiver.close();
        }
        count
    })
}

/// One link, from its beginning to its end at some moment, at one of its four halves.
fn live(near: &Session, far: &Session, seed: u64) {
    let mut random = Random(seed);
    let key = key();
    let MessageChannel { port1, port2 } = MessageChannel::<Vec<u8>>::with_capacity(4096);
    let mut links = vec![expose(port2, near, &key, options()).unwrap()];
    let (port2, link) = connect_linked::<Vec<u8>, Vec<u8>>(far, &key, options()).unwrap();
    links.push(link);
    // The side that ends the link comes first.
    let mut halves = [port1, port2].map(MessagePort::into_split);
    if random.below(2) == 0 {
        halves.reverse();
        links.reverse();
    }
    let [first, second] = halves;
    let moment = random.next() % COUNT;
    let (posts, reads, closes) = match random.below(3) {
        0 => ((moment, Then::Close), (u64::MAX, Then::Nothing), true),
        1 => ((COUNT, Then::Nothing), (moment, Then::Close), true),
        _ => ((moment, Then::Drop), (u64::MAX, Then::Nothing), false),
    };
    let [read_first, read_second] = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
    let poster_first = post(first.0, seed + 1, Arc::clone(&read_second), posts.0, posts.1);
    let reader_first = read(first.1, Arc::clone(&read_first), reads.0, reads.1);
    let then = if closes { Then::Nothing } else { Then::Drop };
    let poster_second = post(second.0, seed + 2, read_first, COUNT, then);
    let reader_second = read(second.1, read_second, u64::MAX, Then::Nothing);
    let (accepted_first, _sender_first) = poster_first.join().unwrap();
    let (accepted_second, sender_second) = poster_second.join().unwrap();
    let (read_first, read_second) = (reader_first.join().unwrap(), reader_second.join().unwrap());
    let reports = [links[0].wait(), links[1].wait()];
    assert_eq!(read_second, accepted_first, "what the closer posted arrives; {reports:?}");
    assert!(reports.iter().all(|report| report.error().is_none()), "{reports:?}");
    if !closes {
        // What is not known to have arrived is reported all the same.
        assert_eq!(read_first, accepted_second, "nobody closed; {reports:?}");
        return;
    }
    assert_eq!(reports[0].undelivered_messages, 0, "{reports:?}");
    let event = sender_second.and_then(|sender| sender.close_event()).unwrap();
    assert_eq!(event.closed_by(), ClosedBy::Peer);
    let unread = event.undelivered_messages() + reports[1].undelivered_messages;
    assert_eq!(accepted_second, read_first + unread, "the reports are exact; {reports:?}");
}

fn stress(near: &Session, far: &Session, rounds: u64) {
    for round in 0..rounds {
        thread::scope(|scope| {
            for link in 0..LINKS {
                scope.spawn(move || live(near, far, (round * LINKS + link + 1) * 0x9e37_79b9));
            }
        });
    }
}

#[test]
fn links_between_two_sessions_end_at_any_moment_with_everything_accounted_for() {
    let sessions = sessions();
    stress(&sessions.near, &sessions.far, 40);
}

#[test]
fn links_within_one_session_end_at_any_moment_with_everything_accounted_for() {
    let (session, _endpoint) = listening();
    stress(&session, &session, 40);
}

/// A channel linked within one session.
fn within(session: &Session) -> (MessagePort<u64>, MessagePort<u64>) {
    let key = key();
    let MessageChannel { port1, port2 } = MessageChannel::<u64>::with_capacity(4096);
    expose(port2, session, &key, options()).unwrap();
    (port1, connect(session, &key, options()).unwrap())
}

#[test]
fn a_linked_port_may_be_exposed_again_and_again() {
    let (session, _endpoint) = listening();
    let (mut near, mut far) = within(&session);
    for _ in 0..3 {
        let key = key();
        expose(far, &session, &key, options()).unwrap();
        far = connect(&session, &key, options()).unwrap();
    }
    let echo = thread::spawn(move || {
        while let Ok(n) = far.recv().map(|n| n.to_native()) {
            far.post_message(&(n * 2)).unwrap();
        }
    });
    for n in 0..200 {
        near.post_message(&n).unwrap();
        assert_eq!(*near.recv().unwrap(), n * 2);
    }
    near.close();
    echo.join().unwrap();
}

/// A user whose waker passes on what arrives, wherever it is called.
struct PassOn {
    from: Mutex<Receiver<u64>>,
    to: Mutex<Sender<u64>>,
}

impl Wake for PassOn {
    fn wake(self: Arc<Self>) {
        let waker = Waker::from(Arc::clone(&self));
        let mut from = self.from.lock().unwrap();
        while let Poll::Ready(Ok(n)) = from.poll_recv(&mut Context::from_waker(&waker)) {
            self.to.lock().unwrap().post_message(&(*n + 1)).unwrap();
        }
    }
}

#[test]
fn a_waker_may_post_to_another_link_of_the_session() {
    let (session, _endpoint) = listening();
    let [(mut near, first), (second, third), (fourth, last)] = [(); 3].map(|()| within(&session));
    let [first, second, third, fourth, last] =
        [first, second, third, fourth, last].map(MessagePort::into_split);
    // Round in a circle: out by three links, and back by the first.
    for (from, to) in [(first.1, second.0), (third.1, fourth.0), (last.1, first.0)] {
        Arc::new(PassOn { from: Mutex::new(from), to: Mutex::new(to) }).wake();
    }
    for n in 0..200 {
        near.post_message(&n).unwrap();
        assert_eq!(*near.recv().unwrap(), n + 3);
    }
    drop((second.1, third.0, fourth.1, last.0));
}

/// A user whose waker posts, whatever it is called for.
struct Post(Mutex<Sender<u64>>);

impl Wake for Post {
    fn wake(self: Arc<Self>) {
        let _ = self.0.lock().unwrap().post_message(&1);
    }
}

#[test]
fn a_waker_may_post_while_its_own_link_breaks() {
    let (session, _endpoint) = listening();
    for _ in 0..20 {
        let key = key();
        let MessageChannel { port1, port2 } = MessageChannel::<u64>::new();
        let link = expose(port2, &session, &key, options()).unwrap();
        let _far = connect::<u64, u64>(&session, &key, options()).unwrap();
        let (sender, mut receiver) = port1.into_split();
        let waker = Waker::from(Arc::new(Post(Mutex::new(sender))));
        assert!(receiver.poll_recv(&mut Context::from_waker(&waker)).is_pending());
        link.abort();
        assert!(matches!(link.wait().error(), Some(LinkError::Aborted)), "{link:?}");
        assert!(receiver.recv().unwrap_err().is_disconnected());
    }
}

#[test]
fn a_panic_on_the_way_ends_the_link_and_not_the_post() {
    let (session, _endpoint) = listening();
    let key = key();
    let MessageChannel { port1: mut near, port2 } = MessageChannel::<u64>::new();
    let link = expose(port2, &session, &key, options()).unwrap();
    let mut far = connect::<u64, u64>(&session, &key, options()).unwrap();
    // The session calls this in the thread that puts.
    let me = thread::current().id();
    let posted = Arc::new(AtomicBool::new(false));
    let panics = Arc::clone(&posted);
    session
        .declare_subscriber(format!("{key}/@message-port/*/*/down"))
        .callback(move |_| {
            let is_post = thread::current().id() == me;
            assert!(!is_post || panics.swap(true, Ordering::Relaxed), "a panic as planned");
        })
        .background()
        .wait()
        .unwrap();
    let mut accepted = 0;
    while !posted.load(Ordering::Relaxed) {
        near.post_message(&accepted).unwrap();
        accepted += 1;
        let _ = far.recv();
    }
    assert!(near.recv().unwrap_err().is_disconnected());
    let report = link.wait();
    assert!(matches!(report.error(), Some(LinkError::Panicked)), "{report}");
    assert!(report.undelivered_messages <= 1, "{report}");
    assert!(report.sent_messages == accepted, "{report}");
    assert!(far.recv().unwrap_err().is_disconnected());
}
