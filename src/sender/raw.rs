//! Posting archives that were made elsewhere.

use super::{Sender, post_error};
use crate::archive;
use crate::error::PostError;
use crate::message::Message;
use crate::outgoing::{Length, Manner, Refusal};
use crate::wait::Deadline;

impl<Out: Message> Sender<Out> {
    /// Posts an archive that was made elsewhere; see
    /// [`MessagePort::post_archived`](crate::MessagePort::post_archived).
    ///
    /// # Errors
    ///
    /// Those of [`PostError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u32>::new();
    /// port1.split_mut().0.post_archived(&[7, 0, 0, 0])?;
    /// assert_eq!(*port2.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn post_archived(&mut self, archive: &[u8]) -> Result<(), PostError> {
        self.post_bytes(archive, self.whole)
    }

    /// [`post_archived`](Self::post_archived); `alone` as in [`Manner`].
    pub(crate) fn post_bytes(&mut self, archive: &[u8], alone: bool) -> Result<(), PostError> {
        // First of all: bytes that are never posted are neither copied nor checked.
        let (needed, max) = (archive.len(), self.outgoing.max_message());
        if needed > max {
            return Err(PostError::TooLarge { needed, max });
        }
        if !archive::is_aligned(archive)
            && let Some(posted) = self.post_bytes_at_once(archive)
        {
            return posted;
        }
        archive::validate::<Out>(archive, &mut self.scratch)?;
        let manner = Manner { deadline: Deadline::Never, alone, batched: false };
        let posted = self.outgoing.post(
            Length::Exact(archive.len()),
            false,
            || manner,
            |place| {
                if let Some(place) = place.get_mut(..archive.len()) {
                    place.copy_from_slice(archive);
                }
                Ok(archive.len())
            },
        );
        posted.map_err(post_error)
    }

    /// Posts an archive that lies unaligned, if there is room now: it is checked where it is
    /// aligned, in its place. `None` if it was not looked at.
    fn post_bytes_at_once(&mut self, archive: &[u8]) -> Option<Result<(), PostError>> {
        let Self { outgoing, scratch, .. } = self;
        let manner = Manner { deadline: Deadline::Now, alone: false, batched: false };
        let mut is_checked = false;
        let posted = outgoing.post(
            Length::Unknown,
            false,
            || manner,
            |place| {
                if let Some(place) = place.get_mut(..archive.len()) {
                    place.copy_from_slice(archive);
                    archive::validate::<Out>(place, scratch)?;
                    is_checked = true;
                }
                Ok(archive.len())
            },
        );
        match posted {
            Err(Refusal::TimedOut) => None,
            // What is wrong with the bytes comes first.
            Err(Refusal::Closed | Refusal::Disconnected) if !is_checked => None,
            posted => Some(posted.map_err(post_error)),
        }
    }
}
