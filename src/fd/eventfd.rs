//! An object that is readable or not: an `eventfd` or, in a model, its stand-in.

#[cfg(not(message_port_loom))]
mod imp {
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

    use rustix::event::{EventfdFlags, eventfd};

    /// A kernel counter: readable while it is not zero.
    #[derive(Debug)]
    pub(crate) struct EventFd(OwnedFd);

    impl EventFd {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
        }

        /// Makes it readable. Does not block; it can only fail if the counter is full, and that is
        /// readable.
        pub(crate) fn signal(&self) {
            let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
        }

        /// Makes it unreadable. A counter that is already zero refuses, without blocking.
        pub(crate) fn drain(&self) {
            let _ = rustix::io::read(&self.0, &mut [0; 8]);
        }
    }

    impl AsFd for EventFd {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }
}

/// The kernel's lock orders the calls for one counter; so does this one.
#[cfg(message_port_loom)]
mod imp {
    use std::io;
    use std::sync::PoisonError;

    use crate::sync::{Condvar, Mutex};

    pub(crate) struct EventFd {
        is_readable: Mutex<bool>,
        signalled: Condvar,
    }

    impl EventFd {
        #[allow(clippy::unnecessary_wraps, reason = "a system may refuse")]
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self { is_readable: Mutex::new(false), signalled: Condvar::new() })
        }

        fn set(&self, is_readable: bool) {
            *self.is_readable.lock().unwrap_or_else(PoisonError::into_inner) = is_readable;
        }

        pub(crate) fn signal(&self) {
            self.set(true);
            self.signalled.notify_all();
        }

        pub(crate) fn drain(&self) {
            self.set(false);
        }

        pub(crate) fn wait_readable(&self) {
            let mut is_readable = self.is_readable.lock().unwrap_or_else(PoisonError::into_inner);
            while !*is_readable {
                is_readable =
                    self.signalled.wait(is_readable).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

pub(crate) use imp::EventFd;
