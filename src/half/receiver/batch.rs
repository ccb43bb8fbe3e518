//! Receiving many messages at once.

use std::ptr::NonNull;

use rkyv::Archived;

use super::Receiver;
use crate::archive::{self, Message};
use crate::error::TryRecvError;
use crate::ring::{Layout, Payload};

impl<In: Message> Receiver<In> {
    /// Receives up to `limit` of the messages that are waiting now; see
    /// [`MessagePort::recv_batch`](crate::MessagePort::recv_batch).
    ///
    /// # Errors
    ///
    /// Those of [`TryRecvError`], if not even one message was received.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_messages(&[1, 2, 3])?;
    /// assert_eq!(port2.split_mut().1.recv_batch(10, |number| println!("{number}"))?, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_batch(
        &mut self,
        limit: usize,
        mut f: impl FnMut(&Archived<In>),
    ) -> Result<usize, TryRecvError> {
        if limit == 0 {
            return Ok(0);
        }
        // Later messages are left for the next call: a sender that keeps posting, or `f` itself,
        // must not keep this one going. The first message may be one that arrives just now.
        let limit = self.incoming.foresee(limit).max(1);
        // The first message may be of any kind, or an error; the others must be of the common kind.
        f(&*self.try_recv()?);
        let mut received = 1;
        let trusted = self.trusted;
        let layout = const { archive::layout::<In>() };
        let mut batch = self.incoming.batch();
        while received < limit {
            let Some(frame) = batch.ready(layout) else { break };
            if let Layout::Blocks(shape) = layout {
                let known = &mut self.known;
                // SAFETY: the payload keeps the bytes readable and unwritten while its root is in
                // use; `new` was promised that whoever set `trusted` vouches for the archives.
                let check = |payload: &Payload| unsafe {
                    archive::root::<In>(payload.as_ptr(), trusted, known).ok()
                };
                // SAFETY: the message stays in place until the batch is dropped or takes more.
                let deliver = |root: NonNull<Archived<In>>| f(unsafe { root.as_ref() });
                let (taken, goes_on) =
                    batch.take_from_blocks(shape, limit - received, check, deliver);
                received += taken;
                if !goes_on {
                    break;
                }
                continue;
            }
            let payload = batch.payload(layout, frame);
            // SAFETY: the payload keeps the bytes readable and unwritten; `new` was promised that
            // whoever set `trusted` vouches for the archives.
            let root = unsafe { archive::root::<In>(payload.as_ptr(), trusted, &mut self.known) };
            let Ok(root) = root else {
                // The next call reports it.
                break;
            };
            if !batch.claim(layout, frame, payload.as_ptr().len()) {
                break;
            }
            received += 1;
            // SAFETY: the payload keeps the archive in place.
            f(unsafe { root.as_ref() });
        }
        Ok(received)
    }
}
