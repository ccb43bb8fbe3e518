//! Posting archives that were made elsewhere.

use super::{Sender, post_error};
use crate::archive::{self, Length, Message};
use crate::error::PostError;
use crate::half::outgoing::{Manner, Refusal, Standing};
use crate::link::wait::Deadline;
use crate::ring::Layout;

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
        self.post_bytes(archive, self.standing())
    }

    /// [`post_archived`](Self::post_archived); `standing` as in [`Manner`].
    pub(crate) fn post_bytes(
        &mut self,
        archive: &[u8],
        standing: Standing,
    ) -> Result<(), PostError> {
        self.post_checked(archive, Deadline::Never, standing).map_err(post_error)
    }

    /// Checks an archive and posts it.
    pub(super) fn post_checked(
        &mut self,
        archive: &[u8],
        deadline: Deadline<'_>,
        standing: Standing,
    ) -> Result<(), Refusal> {
        // First of all: bytes that can never be posted are neither copied nor checked.
        let (needed, max) = (archive.len(), self.outgoing.max_message());
        if needed > max {
            return Err(Refusal::TooLarge { needed, max });
        }
        let manner = Manner { deadline, standing, batched: false };
        let Self { outgoing, scratch, .. } = self;
        let layout = const { archive::layout::<Out>() };
        // Unaligned bytes are checked where they are aligned: in their place in the ring, if they
        // have one. Without one, no room is made for what may be no archive.
        let in_place = layout == Layout::Frames
            && !archive::is_aligned(archive)
            && outgoing.fits_here(layout, needed);
        if !in_place {
            archive::validate::<Out>(archive, scratch).map_err(Refusal::DataClone)?;
        }
        let archive = if in_place { archive } else { archive::last_bytes::<Out>(archive) };
        let needed = archive.len();
        let length = if in_place { Length::Unknown } else { Length::Exact(needed) };
        outgoing.post(
            layout,
            length,
            false,
            || manner,
            |place| {
                if let Some(place) = place.get_mut(..needed) {
                    let place = archive::put(place, archive);
                    if in_place {
                        archive::validate::<Out>(place, scratch)?;
                    }
                }
                Ok(needed)
            },
        )
    }
}
