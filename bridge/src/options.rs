//! What a program may choose.

use std::time::Duration;

const DEFAULT_CAPACITY: usize = 64 << 10;
const DEFAULT_MAX_MESSAGE_LEN: usize = 16 << 20;
const DEFAULT_WINDOW: usize = 1 << 20;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const MIN_WINDOW: usize = 4096;

/// How a port is exposed or connected to.
///
/// There is nothing here that would trust the archives of the other side: they are always
/// validated.
///
/// # Examples
///
/// ```
/// use message_port_zenoh::Options;
/// use std::time::Duration;
///
/// let options = Options::new()
///     .window(256 << 10)
///     .max_message_len(1 << 20)
///     .names("shop/order/1", "shop/total/1")
///     .put_from_posts(true)
///     .timeout(Duration::from_secs(3));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) capacity: usize,
    pub(crate) window: usize,
    pub(crate) max_message_len: usize,
    pub(crate) timeout: Duration,
    pub(crate) names: Option<(String, String)>,
    pub(crate) put_from_posts: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            capacity: DEFAULT_CAPACITY,
            window: DEFAULT_WINDOW,
            max_message_len: DEFAULT_MAX_MESSAGE_LEN,
            timeout: DEFAULT_TIMEOUT,
            names: None,
            put_from_posts: false,
        }
    }
}

impl Options {
    /// The defaults: rings of 64 KiB, a window of 1 MiB, archives of up to 16 MiB, ten seconds,
    /// the compiler's names of the types, and a thread that puts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the bytes per direction of the channel that [`connect`](crate::connect) makes; an
    /// exposed port has its own.
    #[must_use]
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.capacity = bytes;
        self
    }

    /// Sets the bytes that the other side may send ahead: what this side's bridge holds at
    /// most, beside one archive that is longer. At least 4096; less counts as that.
    ///
    /// A link with a long way needs a window of its rate times its round trip to be busy all the
    /// time.
    #[must_use]
    pub fn window(mut self, bytes: usize) -> Self {
        self.window = bytes.max(MIN_WINDOW);
        self
    }

    /// Sets the longest archive, in bytes, that this side takes.
    ///
    /// A connected port refuses to post what the other side does not take, as `TooLarge`. An
    /// exposed port was made before; give its channel a
    /// [`max_message_len`](message_port::Builder::max_message_len) that the other side takes,
    /// since a longer message breaks the link.
    #[must_use]
    pub fn max_message_len(mut self, bytes: usize) -> Self {
        self.max_message_len = bytes;
        self
    }

    /// Sets how long [`connect`](crate::connect) may take in all, and how long an exposed port
    /// waits for a connector that has been accepted and says nothing more.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Names the two types: what the connector posts, and what it receives. Both sides must give
    /// the same names, of up to 512 bytes.
    ///
    /// Without this the names are the compiler's, which contain the crate and the module; two
    /// different programs rarely agree on them. A name with a version in it tells types apart that
    /// have the same size and alignment.
    #[must_use]
    pub fn names(mut self, connector_posts: &str, connector_receives: &str) -> Self {
        self.names = Some((connector_posts.to_owned(), connector_receives.to_owned()));
        self
    }

    /// Sets whether a post at this side puts its message itself. By default it does not: it wakes a
    /// thread that does.
    ///
    /// That saves a wake-up for each message. Each side decides for itself. The thread is there all the
    /// same, and carries what a post cannot carry at once: streams, whose messages share frames, and
    /// whatever comes while there is no credit.
    ///
    /// # What it costs
    ///
    /// A put waits while Zenoh's queue is full, until Zenoh closes the connection
    /// (`transport/link/tx/queue/congestion_control/block/wait_before_close`, 5 seconds by default). With
    /// this option, so does the post that puts. That also concerns a post that should not wait
    /// (`try_post_message`, or in a task), or only for some time, and `close()` and the drop of a port, which
    /// put what they find. So do not choose it where a thread must go on whatever the network does, as
    /// that of an async runtime or of an event loop.
    ///
    /// If both ends of the link are in one session, Zenoh delivers in the thread that puts. So the far
    /// user's waker runs inside the post, and must not wait for a lock that the poster holds.
    ///
    /// Do not post from a callback of your own in a Zenoh session: it keeps a thread of the session from
    /// making the room that it waits for. A waker that posts when a message arrives is no such case, since
    /// the bridge then leaves what it posts to the thread.
    #[must_use]
    pub fn put_from_posts(mut self, put: bool) -> Self {
        self.put_from_posts = put;
        self
    }
}
