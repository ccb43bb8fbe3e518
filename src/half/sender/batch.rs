//! Posting many messages at once.

use super::{Sender, post_error};
use crate::archive::{self, Message};
use crate::error::PostError;
use crate::half::outgoing::{Manner, Refusal, Standing};
use crate::link::wait::Deadline;
use crate::ring::{Layout, Shape};

/// Publishes what was accepted when it is dropped, even if an iterator or a serializer panics.
struct Batch<'a, Out>(&'a mut Sender<Out>);

impl<Out> Drop for Batch<'_, Out> {
    fn drop(&mut self) {
        let _ = self.0.outgoing.flush();
        self.0.outgoing.take_too_late();
    }
}

impl<Out: Message> Sender<Out> {
    /// [`post_messages`](Self::post_messages); `standing` as in [`Manner`].
    pub(crate) fn post_batch<'m>(
        &mut self,
        messages: impl IntoIterator<Item = &'m Out>,
        standing: Standing,
    ) -> Result<usize, PostError>
    where
        Out: 'm,
    {
        let batch = Batch(self);
        let manner = Manner { deadline: Deadline::Never, standing, batched: true };
        let mut posted = 0;
        let messages = messages.into_iter();
        let put = match const { archive::layout::<Out>() } {
            Layout::Blocks(shape) => batch.0.put_in_blocks(messages, shape, manner, &mut posted),
            Layout::Frames => batch.0.put(messages, manner, &mut posted),
        };
        let refusal = batch.0.outgoing.flush().err().or(put.err());
        posted -= batch.0.outgoing.take_too_late();
        match refusal {
            Some(refusal) if posted == 0 => Err(post_error(refusal)),
            _ => Ok(posted),
        }
    }

    fn put<'m>(
        &mut self,
        messages: impl Iterator<Item = &'m Out>,
        manner: Manner<'_>,
        posted: &mut usize,
    ) -> Result<(), Refusal>
    where
        Out: 'm,
    {
        for message in messages {
            self.post_in(message, true, || manner)?;
            *posted += 1;
        }
        Ok(())
    }

    /// The same, with as little work as possible for each message while there is room.
    fn put_in_blocks<'m>(
        &mut self,
        mut messages: impl Iterator<Item = &'m Out>,
        shape: Shape,
        manner: Manner<'_>,
        posted: &mut usize,
    ) -> Result<(), Refusal>
    where
        Out: 'm,
    {
        while let Some(last) = self.outgoing.fill(shape, |filling| {
            for message in messages.by_ref() {
                if !filling.has_room() {
                    return Some(message);
                }
                filling.add(|place| archive::copy(message, place));
                *posted += 1;
            }
            None
        }) {
            // It had no room, or the channel has ended.
            self.post_in(last, true, || manner)?;
            *posted += 1;
        }
        Ok(())
    }
}
