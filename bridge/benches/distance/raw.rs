//! Bare Zenoh: a publisher and a subscriber at each side, each put reliable and blocking, each
//! message received by a user's thread that waits for it.

use std::thread;
use std::time::{Duration, Instant};

use zenoh::handlers::FifoChannelHandler;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::CongestionControl;
use zenoh::sample::Sample;
use zenoh::{Session, Wait};

use crate::protocol::{COUNT, ECHO, LAST};
use crate::{Far, Subject, Way};

const THERE: &str = "bench/there";
const BACK: &str = "bench/back";

pub(crate) struct Raw {
    publisher: Publisher<'static>,
    subscriber: Subscriber<FifoChannelHandler<Sample>>,
}

fn publisher(session: &Session, key: &'static str) -> Publisher<'static> {
    let publisher = session.declare_publisher(key);
    publisher.congestion_control(CongestionControl::Block).wait().expect("a publisher")
}

impl Raw {
    pub(crate) fn new(session: &Session, _far: &mut Far) -> Self {
        let subscriber = session.declare_subscriber(BACK).wait().expect("a subscriber");
        let raw = Self { publisher: publisher(session, THERE), subscriber };
        // Until the two know of each other, puts go nowhere.
        loop {
            raw.put(&[ECHO; 8]);
            if let Ok(Some(_)) = raw.subscriber.recv_timeout(Duration::from_millis(200)) {
                break;
            }
        }
        while let Ok(Some(_)) = raw.subscriber.recv_timeout(Duration::from_millis(200)) {}
        raw
    }

    fn put(&self, message: &[u8]) {
        self.publisher.put(message).wait().expect("a put");
    }

    fn receive(&self, size: usize) {
        let sample = self.subscriber.recv().expect("an answer");
        assert_eq!(sample.payload().to_bytes().len(), size);
    }
}

/// Answers as `protocol` says, in a thread.
pub(crate) fn answer(session: &Session) {
    let subscriber = session.declare_subscriber(THERE).wait().expect("a subscriber");
    let publisher = publisher(session, BACK);
    thread::spawn(move || {
        while let Ok(sample) = subscriber.recv() {
            let bytes = sample.payload().to_bytes();
            if matches!(bytes.first(), Some(&(ECHO | LAST))) {
                let put = publisher.put(&*bytes).wait();
                if put.is_err() {
                    return;
                }
            }
        }
    });
}

impl Subject for Raw {
    fn name(&self) -> &'static str {
        "bare Zenoh, put and subscribe"
    }

    fn measure(&mut self, way: Way, size: usize, count: u64) -> Duration {
        let mut message = vec![ECHO; size];
        let start = Instant::now();
        match way {
            Way::RoundTrip => {
                for _ in 0..count {
                    self.put(&message);
                    self.receive(size);
                }
            }
            Way::OneWay => {
                message[0] = COUNT;
                for _ in 1..count {
                    self.put(&message);
                }
                message[0] = LAST;
                self.put(&message);
                self.receive(size);
            }
        }
        start.elapsed()
    }
}
