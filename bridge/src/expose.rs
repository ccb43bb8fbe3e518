//! The exposing side.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use message_port::{Message, MessagePort, Receiver, Sender};
use zenoh::bytes::ZBytes;
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::Subscriber;
use zenoh::qos::CongestionControl;
use zenoh::sample::{Sample, SampleKind};
use zenoh::{Session, Wait};

use crate::error::{ExposeError, LinkError, Mismatch};
use crate::lines::{self, Keys, Lines};
use crate::link::{self, Ended, Role};
use crate::options::Options;
use crate::report::{Link, Outcome, Report, Reporter};
use crate::terms;
use crate::wire::{self, Greeting, LinkId, Refusal, Terms};

/// Greetings that wait to be answered. More are let go: they are repeated.
const MAX_GREETINGS: usize = 32;

/// Bytes of the longest greeting that is looked at.
const MAX_GREETING: usize = 4096;

/// Exposes a port under `key`, for one [`connect`](crate::connect) from wherever the session
/// reaches. The port that `connect` returns takes the place of this one, with the same types.
///
/// Does not wait for it: what the other port of the channel posts meanwhile waits in its ring, as
/// with a port that nobody reads yet. Once the link has ended, nothing is exposed any more.
///
/// The session is kept open until the link has ended. Declares at the session, which takes a moment:
/// from a task, call it where blocking is allowed.
///
/// # Errors
///
/// `Key` if the key is no key expression or has wildcards; `Session` if Zenoh refuses to declare
/// something; `Thread` if the system refuses one. The port is dropped then, so that its peer is
/// `Disconnected`.
///
/// # Examples
///
/// ```no_run
/// use message_port::MessageChannel;
/// use message_port_zenoh::{Options, expose};
/// use zenoh::Wait;
///
/// let session = zenoh::open(zenoh::Config::default()).wait()?;
/// let MessageChannel { mut port1, port2 } = MessageChannel::<String, u32>::new();
/// expose(port2, &session, "shop/till", Options::new())?;
/// port1.post_message(&"tea".to_owned())?;
/// println!("{}", *port1.recv()?);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
pub fn expose<Out, In>(
    port: MessagePort<Out, In>,
    session: &Session,
    key: &str,
    options: Options,
) -> Result<Link, ExposeError>
where
    Out: Message + 'static,
    In: Message + 'static,
{
    let Some(keys) = Keys::new(key) else { return Err(ExposeError::Key(key.to_owned())) };
    let exposer = lines::random_id();
    let door = Arc::new(Door::default());
    let hold = DoorHold(Arc::clone(&door));
    let greetings = session
        .declare_subscriber(keys.hello(exposer))
        .callback(move |sample: Sample| {
            if sample.kind() == SampleKind::Put {
                hold.0.greet(sample.payload());
            }
        })
        .wait()
        .map_err(ExposeError::Session)?;
    let token = session
        .liveliness()
        .declare_token(keys.exposer_token(exposer))
        .wait()
        .map_err(ExposeError::Session)?;
    let outcome = Arc::new(Outcome::default());
    let porter = Porter {
        session: session.clone(),
        keys,
        exposer,
        terms: terms::of::<Out, In>(&options),
        options,
        door: Arc::clone(&door),
        halves: Some(port.into_split()),
        guest: None,
        _greetings: greetings,
        _token: token,
    };
    let reporter = Reporter(Arc::clone(&outcome));
    terms::spawn("message-port door", move || {
        let ended = porter.run();
        reporter.0.set(match ended {
            Ok(ended) => Report::of(ended),
            Err(error) => Report::failed(error),
        });
    })
    .map_err(ExposeError::Thread)?;
    Ok(Link::new(outcome, Arc::new(move || door.give_up(LinkError::Aborted))))
}

/// Where connectors greet, and where the link says that there is news.
#[derive(Default)]
struct Door {
    state: Mutex<DoorState>,
    news: Condvar,
}

#[derive(Default)]
struct DoorState {
    greetings: VecDeque<Greeting>,
    stirred: bool,
    given_up: Option<LinkError>,
    ended: Option<Result<Ended, LinkError>>,
}

/// Says that the session has let go of the callback.
struct DoorHold(Arc<Door>);

impl Drop for DoorHold {
    fn drop(&mut self) {
        self.0.give_up(LinkError::SessionClosed);
    }
}

impl Door {
    fn lock(&self) -> MutexGuard<'_, DoorState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn greet(&self, payload: &ZBytes) {
        if payload.len() > MAX_GREETING {
            return;
        }
        let Ok(greeting) = wire::decode_greeting(&payload.to_bytes()) else { return };
        let mut state = self.lock();
        if state.greetings.len() < MAX_GREETINGS {
            state.greetings.push_back(greeting);
            self.news.notify_all();
        }
    }

    fn stir(&self) {
        self.lock().stirred = true;
        self.news.notify_all();
    }

    fn give_up(&self, error: LinkError) {
        let mut state = self.lock();
        state.given_up.get_or_insert(error);
        state.stirred = true;
        self.news.notify_all();
    }

    fn end(&self, ended: Result<Ended, LinkError>) {
        self.lock().ended.get_or_insert(ended);
        self.news.notify_all();
    }
}

/// Does not leave the porter waiting, should the thread that carries panic.
struct Leave(Arc<Door>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.end(Err(LinkError::Panicked));
    }
}

/// Answers greetings until the link has ended.
struct Porter<Out, In> {
    session: Session,
    keys: Keys,
    exposer: LinkId,
    terms: Terms,
    options: Options,
    door: Arc<Door>,
    /// Until the link starts.
    halves: Option<(Sender<Out>, Receiver<In>)>,
    guest: Option<Guest<Out>>,
    _greetings: Subscriber<()>,
    _token: LivelinessToken,
}

/// The connector that was accepted.
struct Guest<Out> {
    id: LinkId,
    link: Arc<link::Link<Out>>,
    /// Until the link starts.
    lines: Option<Lines>,
    /// Until when it has to be ready.
    deadline: Option<Instant>,
}

impl<Out, In> Porter<Out, In>
where
    Out: Message + 'static,
    In: Message + 'static,
{
    fn run(mut self) -> Result<Ended, LinkError> {
        loop {
            let (greetings, given_up) = {
                let mut state = self.wait();
                if let Some(ended) = state.ended.take() {
                    return ended;
                }
                (std::mem::take(&mut state.greetings), state.given_up.clone())
            };
            if let Some(error) = given_up {
                match &self.guest {
                    // The link's own thread reports.
                    Some(guest) if self.halves.is_none() => guest.link.fail(error),
                    _ => {
                        let before = self
                            .halves
                            .as_ref()
                            .map(|(_, receiver)| Ended::before_it_began(error.clone(), receiver));
                        return before.ok_or(error);
                    }
                }
            }
            self.look_after_guest()?;
            for greeting in greetings {
                self.answer(greeting);
            }
        }
    }

    fn wait(&self) -> MutexGuard<'_, DoorState> {
        let deadline = self.guest.as_ref().and_then(|guest| guest.deadline);
        let mut state = self.door.lock();
        loop {
            if std::mem::take(&mut state.stirred)
                || state.ended.is_some()
                || !state.greetings.is_empty()
            {
                return state;
            }
            let news = &self.door.news;
            state = match deadline {
                None => news.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return state;
                    }
                    news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Starts the link once the connector is ready, or forgets it if it does not become so.
    fn look_after_guest(&mut self) -> Result<(), LinkError> {
        let Some(guest) = &mut self.guest else { return Ok(()) };
        if self.halves.is_none() {
            return Ok(());
        }
        let late = guest.deadline.is_some_and(|deadline| deadline <= Instant::now());
        if guest.link.is_ready() {
            guest.deadline = None;
            if let (Some(lines), Some(halves)) = (guest.lines.take(), self.halves.take()) {
                let door = Arc::clone(&self.door);
                start(&guest.link, lines, halves, door)?;
            }
        } else if late || guest.link.failure().is_some() {
            self.guest = None;
        }
        Ok(())
    }

    fn answer(&mut self, greeting: Greeting) {
        let (id, reply) = match greeting {
            Greeting::Hello(id, there) => (id, self.reply(id, &there)),
            Greeting::OtherVersion(id, _) => (id, Some(Greeting::Refuse(id, Refusal::Version))),
            Greeting::Accept(..) | Greeting::Refuse(..) => return,
        };
        let Some(reply) = reply else { return };
        // Whoever does not get it asks again; nobody who does not read may keep the others waiting.
        let put = self.session.put(self.keys.down(self.exposer, id), wire::encode_greeting(&reply));
        let _ = put.congestion_control(CongestionControl::Drop).wait();
    }

    fn reply(&mut self, id: LinkId, there: &Terms) -> Option<Greeting> {
        match &self.guest {
            Some(guest) if guest.id == id => return Some(Greeting::Accept(id, self.terms.clone())),
            Some(_) => return Some(Greeting::Refuse(id, Refusal::Engaged)),
            None => {}
        }
        if Mismatch::between(&self.terms.format, &there.format).is_some() {
            return Some(Greeting::Refuse(id, Refusal::Format(self.terms.format.clone())));
        }
        // If the session refuses, there is no answer.
        self.guest = self.admit(id, there).ok();
        self.guest.as_ref().map(|_| Greeting::Accept(id, self.terms.clone()))
    }

    fn admit(&self, id: LinkId, there: &Terms) -> zenoh::Result<Guest<Out>> {
        let door = Arc::clone(&self.door);
        let stir = Box::new(move || door.stir());
        let link = Arc::new(link::Link::new(Role::Exposer, &self.options, stir));
        let publisher = lines::publisher(&self.session, self.keys.down(self.exposer, id))?;
        link.open(publisher, there);
        let frames = lines::frames(&self.session, self.keys.up(self.exposer, id), &link)?;
        let token = self.keys.connector_token(self.exposer, id);
        let watch = lines::watch(&self.session, token, &link)?;
        let lines = Lines { token: None, frames, watch, session: self.session.clone() };
        let deadline = Instant::now().checked_add(self.options.timeout);
        Ok(Guest { id, link, lines: Some(lines), deadline })
    }
}

/// Starts the two threads of the link.
fn start<Out, In>(
    link: &Arc<link::Link<Out>>,
    lines: Lines,
    (sender, receiver): (Sender<Out>, Receiver<In>),
    door: Arc<Door>,
) -> Result<(), LinkError>
where
    Out: Message + 'static,
    In: Message + 'static,
{
    let no_thread = |error: std::io::Error| LinkError::Send(error.to_string());
    link.start(sender);
    terms::spawn("message-port in", {
        let link = Arc::clone(link);
        move || link::deliver(&link)
    })
    .map_err(no_thread)?;
    let spawned = terms::spawn("message-port out", {
        let (link, leave) = (Arc::clone(link), Leave(door));
        move || {
            let ended = link::carry(&link, receiver);
            lines.close();
            leave.0.end(Ok(ended));
        }
    });
    spawned.map_err(|error| {
        link.fail(LinkError::Aborted);
        no_thread(error)
    })
}
