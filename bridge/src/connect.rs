//! The connecting side.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use message_port::{Message, MessageChannel, MessagePort};
use zenoh::bytes::ZBytes;
use zenoh::pubsub::Subscriber;
use zenoh::qos::CongestionControl;
use zenoh::sample::{Sample, SampleKind};
use zenoh::{Session, Wait};

use crate::error::{ConnectError, LinkError, Mismatch};
use crate::lines::{self, Keys, Lines};
use crate::link::{self, Hold, Role};
use crate::options::Options;
use crate::report::{Link, Outcome, Report, Reporter};
use crate::terms;
use crate::wire::{self, Body, Greeting, LinkId, Refusal, Terms};

/// How often a greeting is repeated while nothing comes back: what is put before the subscription
/// of the other side is known here goes nowhere.
const REPEAT: Duration = Duration::from_millis(100);

/// Connects to the port that is exposed under `key`, and returns what is used in its place: a
/// port that posts and receives what the exposed one would.
///
/// Blocks until the link is there, for at most [`Options::timeout`]; from a task, call it where
/// blocking is allowed. The session is kept open until the link has ended.
///
/// # Errors
///
/// `Engaged` if the port has its peer already; `NotExposed` and `NoAnswer` if the time is up;
/// `Version` and `Mismatch` if the two sides would not understand each other, with what differs;
/// `Channel` if there is no channel with these options; `Key`, `Session` and `Thread` if something
/// about them fails.
///
/// # Examples
///
/// ```no_run
/// use message_port_zenoh::{Options, connect};
/// use zenoh::Wait;
///
/// let session = zenoh::open(zenoh::Config::default()).wait()?;
/// let mut port = connect::<u32, String>(&session, "shop/till", Options::new())?;
/// port.post_message(&7)?;
/// println!("{}", port.recv()?.as_str());
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
pub fn connect<Out, In>(
    session: &Session,
    key: &str,
    options: Options,
) -> Result<MessagePort<Out, In>, ConnectError>
where
    Out: Message + 'static,
    In: Message + 'static,
{
    connect_linked(session, key, options).map(|(port, _)| port)
}

/// [`connect`], and the link, to wait for its end and for the report.
///
/// # Errors
///
/// Those of [`connect`].
///
/// # Examples
///
/// ```no_run
/// use message_port_zenoh::{Options, connect_linked};
/// use zenoh::Wait;
///
/// let session = zenoh::open(zenoh::Config::default()).wait()?;
/// let (mut port, link) = connect_linked::<u32, String>(&session, "shop/till", Options::new())?;
/// port.post_message(&7)?;
/// port.close();
/// println!("{}", link.wait());
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[allow(clippy::needless_pass_by_value, reason = "as `connect`")]
pub fn connect_linked<Out, In>(
    session: &Session,
    key: &str,
    options: Options,
) -> Result<(MessagePort<Out, In>, Link), ConnectError>
where
    Out: Message + 'static,
    In: Message + 'static,
{
    let Some(keys) = Keys::new(key) else { return Err(ConnectError::Key(key.to_owned())) };
    let now = Instant::now();
    // A timeout that no clock can express ends in a century.
    let deadline = now.checked_add(options.timeout).unwrap_or(now + Duration::from_secs(1 << 31));
    let attempt = Attempt { session, key, keys: &keys, options: &options, deadline };
    let finder = Finder::declare(session, &keys).map_err(ConnectError::Session)?;
    let mut tried = Vec::new();
    let mut refused = None;
    loop {
        let exposer = match finder.room.find(&tried, refused.is_none().then_some(deadline)) {
            Found::Exposer(exposer) => exposer,
            Found::SessionClosed => return Err(ConnectError::Link(LinkError::SessionClosed)),
            Found::Nobody => {
                return Err(refused.unwrap_or_else(|| ConnectError::NotExposed {
                    key: key.to_owned(),
                    within: options.timeout,
                }));
            }
        };
        tried.push(exposer);
        match attempt.greet::<Out, In>(exposer, &finder.room, &tried)? {
            Ok(connected) => return Ok(connected),
            // Its token was about to go. Another one may come.
            Err(ConnectError::Link(LinkError::PeerGone)) => {}
            Err(error) => refused = Some(error),
        }
    }
}

/// Who exposes a port under the key.
struct Finder {
    room: Arc<Room>,
    _subscriber: Subscriber<()>,
}

#[derive(Default)]
struct Room {
    state: Mutex<RoomState>,
    news: Condvar,
}

#[derive(Default)]
struct RoomState {
    exposers: Vec<LinkId>,
    greeting: Option<Greeting>,
    closed: bool,
}

enum Found {
    Exposer(LinkId),
    Nobody,
    SessionClosed,
}

/// Says that the session has let go of a callback.
struct RoomHold(Arc<Room>);

impl Drop for RoomHold {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.news.notify_all();
    }
}

impl Finder {
    fn declare(session: &Session, keys: &Keys) -> zenoh::Result<Self> {
        let room = Arc::new(Room::default());
        let (hold, callback_keys) = (RoomHold(Arc::clone(&room)), keys.clone());
        let subscriber = session
            .liveliness()
            .declare_subscriber(keys.exposers())
            .history(true)
            .callback(move |sample: Sample| {
                let Some(id) = callback_keys.exposer_of(sample.key_expr().as_str()) else { return };
                hold.0.exposer(id, sample.kind());
            })
            .wait()?;
        Ok(Self { room, _subscriber: subscriber })
    }
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, RoomState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exposer(&self, id: LinkId, kind: SampleKind) {
        let mut state = self.lock();
        state.exposers.retain(|exposer| *exposer != id);
        if kind == SampleKind::Put {
            state.exposers.push(id);
        }
        drop(state);
        self.news.notify_all();
    }

    /// Somebody new; waits for one until the deadline, if there is one.
    fn find(&self, tried: &[LinkId], deadline: Option<Instant>) -> Found {
        let mut state = self.lock();
        loop {
            if state.closed {
                return Found::SessionClosed;
            }
            if let Some(id) = state.exposers.iter().find(|id| !tried.contains(id)) {
                return Found::Exposer(*id);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match left {
                Some(left) if !left.is_zero() => {
                    let waited = self.news.wait_timeout(state, left);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                _ => return Found::Nobody,
            }
        }
    }

    fn has_another(&self, tried: &[LinkId]) -> bool {
        self.lock().exposers.iter().any(|id| !tried.contains(id))
    }

    fn greet(&self, payload: &ZBytes) {
        // Whatever cannot be read was not meant for this version; the time will be up.
        if let Ok(greeting) = wire::decode_greeting(&payload.to_bytes()) {
            self.lock().greeting = Some(greeting);
            self.news.notify_all();
        }
    }

    /// The greeting that came, or `None` after a moment without one.
    fn greeting(&self, link: LinkId, moment: Duration) -> Option<Greeting> {
        let state = self.lock();
        let waited = self
            .news
            .wait_timeout_while(state, moment, |state| state.greeting.is_none() && !state.closed);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.greeting.take().filter(|greeting| match greeting {
            Greeting::Accept(to, _) | Greeting::Refuse(to, _) | Greeting::OtherVersion(to, _) => {
                *to == link
            }
            Greeting::Hello(..) => false,
        })
    }
}

fn is_greeting(payload: &ZBytes) -> bool {
    payload.slices().find_map(|slice| slice.first()).is_some_and(|first| wire::is_greeting(*first))
}

struct Attempt<'a> {
    session: &'a Session,
    key: &'a str,
    keys: &'a Keys,
    options: &'a Options,
    deadline: Instant,
}

type Connected<Out, In> = (MessagePort<Out, In>, Link);

impl Attempt<'_> {
    /// Greets one exposing side. The inner error lets another one be tried.
    fn greet<Out, In>(
        &self,
        exposer: LinkId,
        room: &Arc<Room>,
        tried: &[LinkId],
    ) -> Result<Result<Connected<Out, In>, ConnectError>, ConnectError>
    where
        Out: Message + 'static,
        In: Message + 'static,
    {
        let id = lines::random_id();
        let terms = terms::of::<Out, In>(self.options);
        let link = Arc::new(link::Link::<In>::new(Role::Connector, self.options, Box::new(|| ())));
        // Only for as long as this side has its token: nobody sends to it any more then.
        let (hold, callback_room) = (Hold(Arc::clone(&link)), Arc::clone(room));
        let frames = self
            .session
            .declare_subscriber(self.keys.down(exposer, id))
            .callback(move |sample: Sample| {
                if sample.kind() != SampleKind::Put {
                } else if is_greeting(sample.payload()) {
                    callback_room.greet(sample.payload());
                } else {
                    hold.0.arrive(sample.payload());
                }
            })
            .wait()
            .map_err(ConnectError::Session)?;
        let watch = lines::watch(self.session, self.keys.exposer_token(exposer), &link)
            .map_err(ConnectError::Session)?;
        let token = self
            .session
            .liveliness()
            .declare_token(self.keys.connector_token(exposer, id))
            .wait()
            .map_err(ConnectError::Session)?;
        let session = self.session.clone();
        let lines = Lines { token: Some(token), frames, watch, session };
        let hello = wire::encode_greeting(&Greeting::Hello(id, terms.clone()));
        let mut patience = 5;
        let there = loop {
            let put = self.session.put(self.keys.hello(exposer), hello.clone());
            let put = put.congestion_control(CongestionControl::Block).wait();
            put.map_err(ConnectError::Session)?;
            let left = self.deadline.saturating_duration_since(Instant::now());
            match room.greeting(id, left.min(REPEAT)) {
                Some(Greeting::Accept(_, there)) => break there,
                Some(Greeting::Refuse(_, refusal)) => {
                    return self.refused(refusal, &terms);
                }
                Some(Greeting::OtherVersion(_, there)) => {
                    return Err(ConnectError::Version { here: wire::VERSION, there });
                }
                Some(Greeting::Hello(..)) | None => {}
            }
            if let Some(error) = link.failure() {
                return match error {
                    LinkError::PeerGone => Ok(Err(ConnectError::Link(error))),
                    error => Err(ConnectError::Link(error)),
                };
            }
            // The token of one that died silently stays for a while.
            patience -= 1;
            if left.is_zero() || (patience <= 0 && room.has_another(tried)) {
                let (key, within) = (self.key.to_owned(), self.options.timeout);
                return Ok(Err(ConnectError::NoAnswer { key, within }));
            }
        };
        if let Some(mismatch) = Mismatch::between(&terms.format, &there.format) {
            return Err(ConnectError::Mismatch(mismatch));
        }
        self.engage(exposer, id, &link, lines, &there).map(Ok)
    }

    fn refused<T>(
        &self,
        refusal: Refusal,
        terms: &Terms,
    ) -> Result<Result<T, ConnectError>, ConnectError> {
        match refusal {
            Refusal::Engaged => Ok(Err(ConnectError::Engaged(self.key.to_owned()))),
            Refusal::Format(there) => match Mismatch::between(&terms.format, &there) {
                Some(mismatch) => Err(ConnectError::Mismatch(mismatch)),
                // It says so, and nothing differs.
                None => Err(ConnectError::NoAnswer {
                    key: self.key.to_owned(),
                    within: self.options.timeout,
                }),
            },
            Refusal::Version => {
                Err(ConnectError::Version { here: wire::VERSION, there: wire::VERSION })
            }
        }
    }

    /// Makes the channel and starts the threads.
    fn engage<Out, In>(
        &self,
        exposer: LinkId,
        id: LinkId,
        link: &Arc<link::Link<In>>,
        lines: Lines,
        there: &Terms,
    ) -> Result<Connected<Out, In>, ConnectError>
    where
        Out: Message + 'static,
        In: Message + 'static,
    {
        let longest = usize::try_from(there.max_message_len).unwrap_or(usize::MAX);
        let MessageChannel { port1, port2 } = MessageChannel::<Out, In>::builder()
            .capacity(self.options.capacity)
            .max_message_len(self.options.max_message_len.min(longest))
            .build()
            .map_err(ConnectError::Channel)?;
        let (sender, receiver) = port2.into_split();
        let publisher = lines::publisher(self.session, self.keys.up(exposer, id))
            .map_err(ConnectError::Session)?;
        link.open(publisher, there);
        link.start(sender);
        link.send(Body::Ready);
        let outcome = Arc::new(Outcome::default());
        terms::spawn("message-port in", {
            let link = Arc::clone(link);
            move || link::deliver(&link)
        })
        .map_err(ConnectError::Thread)?;
        let spawned = terms::spawn("message-port out", {
            let (link, reporter) = (Arc::clone(link), Reporter(Arc::clone(&outcome)));
            move || {
                let ended = link::carry(&link, receiver);
                lines.close();
                reporter.0.set(Report::of(ended));
            }
        });
        if let Err(error) = spawned {
            link.fail(LinkError::Aborted);
            return Err(ConnectError::Thread(error));
        }
        let give_up = Arc::clone(link);
        Ok((port1, Link::new(outcome, Arc::new(move || give_up.fail(LinkError::Aborted)))))
    }
}
