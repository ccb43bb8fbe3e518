//! What a link declares at the session, and under which keys.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use message_port::Message;
use zenoh::key_expr::KeyExpr;
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::CongestionControl;
use zenoh::sample::{Sample, SampleKind};
use zenoh::{Session, Wait};

use crate::link::{Hold, Link};
use crate::wire::LinkId;

/// A chunk that no wildcard matches.
const CHUNK: &str = "@message-port";

/// The keys below a program's key.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    base: String,
}

impl Keys {
    /// `None` if the program's key is none, or has wildcards.
    pub(crate) fn new(key: &str) -> Option<Self> {
        let checked = KeyExpr::try_from(key).ok()?;
        (!checked.is_wild()).then(|| Self { base: format!("{key}/{CHUNK}") })
    }

    /// The tokens of everybody who exposes a port here.
    pub(crate) fn exposers(&self) -> String {
        format!("{}/*/alive", self.base)
    }

    /// Whose token this is.
    pub(crate) fn exposer_of(&self, token: &str) -> Option<LinkId> {
        let chunk = token.strip_prefix(&*self.base)?.strip_prefix('/')?.strip_suffix("/alive")?;
        let mut id = [0; 16];
        if chunk.len() != 2 * id.len() || !chunk.is_ascii() {
            return None;
        }
        for (byte, digits) in id.iter_mut().zip(chunk.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(LinkId(id))
    }

    pub(crate) fn exposer_token(&self, exposer: LinkId) -> String {
        format!("{}/{exposer}/alive", self.base)
    }

    pub(crate) fn hello(&self, exposer: LinkId) -> String {
        format!("{}/{exposer}/hello", self.base)
    }

    pub(crate) fn connector_token(&self, exposer: LinkId, link: LinkId) -> String {
        format!("{}/{exposer}/{link}/alive", self.base)
    }

    pub(crate) fn up(&self, exposer: LinkId, link: LinkId) -> String {
        format!("{}/{exposer}/{link}/up", self.base)
    }

    pub(crate) fn down(&self, exposer: LinkId, link: LinkId) -> String {
        format!("{}/{exposer}/{link}/down", self.base)
    }
}

/// 128 random bits. They tell links apart; nothing is secret about them.
pub(crate) fn random_id() -> LinkId {
    let mut id = [0; 16];
    for half in id.chunks_exact_mut(8) {
        // Each state has keys of its own, from the system's randomness.
        half.copy_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
    }
    // States of one thread differ by one; the process, the thread and the moment tell the rest.
    let mut more = RandomState::new().build_hasher();
    more.write_u32(std::process::id());
    let moment = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    more.write_u128(moment.map_or(0, |moment| moment.as_nanos()));
    for (byte, other) in id.iter_mut().zip(more.finish().to_le_bytes()) {
        *byte ^= other;
    }
    LinkId(id)
}

/// What a link keeps declared. Dropped or closed, it takes everything back.
pub(crate) struct Lines {
    pub(crate) token: Option<LivelinessToken>,
    pub(crate) frames: Subscriber<()>,
    pub(crate) watch: Subscriber<()>,
    /// Keeps the session open.
    pub(crate) session: Session,
}

/// Where a side puts frames.
pub(crate) fn publisher(session: &Session, key: String) -> zenoh::Result<Publisher<'static>> {
    session.declare_publisher(key).congestion_control(CongestionControl::Block).wait()
}

/// Hands frames to a link.
pub(crate) fn frames<P: Message + 'static>(
    session: &Session,
    key: String,
    link: &Arc<Link<P>>,
) -> zenoh::Result<Subscriber<()>> {
    let hold = Hold(Arc::clone(link));
    session
        .declare_subscriber(key)
        .callback(move |sample: Sample| {
            if sample.kind() == SampleKind::Put {
                hold.0.arrive(sample.payload());
            }
        })
        .wait()
}

/// Tells a link whether the other side's token is there.
pub(crate) fn watch<P: 'static + Message>(
    session: &Session,
    key: String,
    link: &Arc<Link<P>>,
) -> zenoh::Result<Subscriber<()>> {
    let hold = Hold(Arc::clone(link));
    session
        .liveliness()
        .declare_subscriber(key)
        .history(true)
        .callback(move |sample: Sample| match sample.kind() {
            SampleKind::Put => hold.0.peer_alive(),
            SampleKind::Delete => hold.0.peer_gone(),
        })
        .wait()
}

impl Lines {
    /// Takes everything back. What cannot be taken back is gone with its session.
    pub(crate) fn close(self) {
        let Self { token, frames, watch, session } = self;
        if let Some(token) = token {
            let _ = token.undeclare().wait();
        }
        let _ = watch.undeclare().wait();
        let _ = frames.undeclare().wait();
        drop(session);
    }
}
