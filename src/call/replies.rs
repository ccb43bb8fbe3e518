//! How a server answers: which call an answer is for, and what is sent where there is none.

use super::dropped::{Dropped, Handle};
use super::envelope::{ArchivedEnvelope, Envelope};
use crate::archive;
use crate::archive::Message;
use crate::error::{DataCloneError, InvalidArchiveError, PostError, RecvError};
use crate::half::Sender;
use crate::half::Standing;
use crate::half::{Verdict, Wants};
use rkyv::Archived;

/// What an archive of a text has besides the text and its root: padding.
const PADDING: usize = 16;

/// What a server knows of its calls. The numbers are explained where the client keeps
/// [its own](super::flight).
#[derive(Debug)]
pub(super) struct Replies {
    /// The number of the next request.
    received: u64,
    /// The call that an answer is for, if nothing else is said.
    next: u64,
    /// Whether a request was taken and not looked at: its check panicked.
    is_lost: bool,
    dropped: Dropped,
    /// Bytes that a text may have.
    max_text: usize,
}

/// The bytes that an archive may have at least, so that a failure can be sent.
pub(super) const fn min_len<Ans: Message>() -> usize {
    size_of::<ArchivedEnvelope<Ans>>() + PADDING + 64
}

impl Replies {
    /// For so many calls at a time, and archives of up to `max_len` bytes, which are at least
    /// [`min_len`].
    pub(super) fn new<Ans: Message>(calls: usize, max_len: usize) -> Self {
        Self {
            received: 0,
            next: 0,
            is_lost: false,
            dropped: Dropped::new(calls),
            max_text: max_len.saturating_sub(size_of::<ArchivedEnvelope<Ans>>() + PADDING),
        }
    }

    /// The call of the request that was received last.
    pub(super) fn current(&self) -> u64 {
        self.received - 1
    }

    pub(super) fn handle(&self, call: u64) -> Handle {
        self.dropped.handle(call)
    }

    /// The call that a handle names; see [`Dropped::call`].
    pub(super) fn call(&self, handle: &Handle) -> u64 {
        self.dropped.call(handle)
    }

    /// Answers the calls that nobody else will answer. Comes first, whatever the server does.
    #[inline]
    pub(super) fn tidy<Ans: Message>(
        &mut self,
        sender: &mut Sender<Envelope<Ans>>,
        standing: Standing,
    ) {
        if self.is_lost || !self.dropped.is_empty() {
            self.answer_dropped(sender, standing);
        }
    }

    #[cold]
    fn answer_dropped<Ans: Message>(
        &mut self,
        sender: &mut Sender<Envelope<Ans>>,
        standing: Standing,
    ) {
        let lost = std::mem::take(&mut self.is_lost).then(|| self.current());
        let mut next = lost.or_else(|| self.dropped.next());
        while let Some(call) = next {
            // If the channel has ended, the caller knows.
            let _ = self.answer(sender, standing, call, &Envelope::Unanswered);
            next = self.dropped.next();
        }
    }

    /// Tells the caller of a request that it could not be read.
    #[cold]
    pub(super) fn refuse<Ans: Message>(
        &mut self,
        sender: &mut Sender<Envelope<Ans>>,
        standing: Standing,
        error: &RecvError,
    ) {
        if let RecvError::InvalidArchive(error) = error {
            let refusal = Envelope::InvalidRequest(self.text(error.to_string()));
            let _ = self.answer(sender, standing, self.current(), &refusal);
        }
    }

    /// Sends an answer, or what stands in for one.
    ///
    /// There is room for it: the client has sent the request because there is. If it cannot be sent
    /// for what it is, the caller is told so instead, and the server as well.
    #[inline]
    pub(super) fn answer<Ans: Message>(
        &mut self,
        sender: &mut Sender<Envelope<Ans>>,
        standing: Standing,
        call: u64,
        answer: &Envelope<Ans>,
    ) -> Result<(), PostError> {
        let posted = self.post(sender, standing, call, answer);
        let Some(instead) = self.instead_of(&posted) else { return posted };
        // Whatever else there is to tell, there is room to tell that there is no answer.
        let told = self.post(sender, standing, call, &instead);
        if self.instead_of::<Ans>(&told).is_some() {
            let _ = self.post(sender, standing, call, &Envelope::Unanswered);
        }
        posted
    }

    #[inline]
    fn post<Ans: Message>(
        &mut self,
        sender: &mut Sender<Envelope<Ans>>,
        standing: Standing,
        call: u64,
        answer: &Envelope<Ans>,
    ) -> Result<(), PostError> {
        refuse_cut(answer)?;
        if call != self.next {
            sender.post_waiting(&Envelope::Next(call), || standing)?;
            self.next = call;
        }
        sender.post_waiting(answer, || standing)?;
        self.next += 1;
        Ok(())
    }

    /// The same as [`answer`](Self::answer), in a task.
    pub(super) async fn answer_async<Ans: Message>(
        &mut self,
        sender: &mut Sender<Envelope<Ans>>,
        standing: Standing,
        call: u64,
        answer: &Envelope<Ans>,
    ) -> Result<(), PostError> {
        let posted = self.post_async(sender, standing, call, answer).await;
        let Some(instead) = self.instead_of(&posted) else { return posted };
        let told = self.post_async(sender, standing, call, &instead).await;
        if self.instead_of::<Ans>(&told).is_some() {
            let _ = self.post_async(sender, standing, call, &Envelope::Unanswered).await;
        }
        posted
    }

    async fn post_async<Ans: Message>(
        &mut self,
        sender: &mut Sender<Envelope<Ans>>,
        standing: Standing,
        call: u64,
        answer: &Envelope<Ans>,
    ) -> Result<(), PostError> {
        refuse_cut(answer)?;
        if call != self.next {
            sender.post_async(&Envelope::Next(call), standing).await?;
            self.next = call;
        }
        sender.post_async(answer, standing).await?;
        self.next += 1;
        Ok(())
    }

    /// What is sent where an answer could not be.
    #[inline]
    fn instead_of<Ans>(&self, posted: &Result<(), PostError>) -> Option<Envelope<Ans>> {
        match posted {
            Err(PostError::TooLarge { needed, .. }) => Some(Envelope::TooLarge(*needed as u64)),
            Err(PostError::DataClone(error)) => {
                Some(Envelope::DataClone(self.text(error.to_string())))
            }
            _ => None,
        }
    }

    /// A text, as far as there is room for it.
    pub(super) fn text(&self, mut text: String) -> String {
        if text.len() > self.max_text {
            let mut end = self.max_text;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
        }
        text
    }
}

/// An answer that is itself a number which needs more bits than it has in an archive is refused, as
/// it would be as a message.
#[inline(always)]
fn refuse_cut<Ans: Message>(answer: &Envelope<Ans>) -> Result<(), PostError> {
    match answer {
        Envelope::Answer(answer) if archive::is_cut(answer) => Err(DataCloneError::narrow().into()),
        _ => Ok(()),
    }
}

/// Takes whatever request comes.
pub(super) struct Any<'a>(pub(super) &'a mut Replies);

impl<Req: Message> Wants<Req> for Any<'_> {
    type Stop = RecvError;

    #[inline(always)]
    fn taken(&mut self) {
        self.0.received += 1;
        self.0.is_lost = true;
    }

    #[inline(always)]
    fn look(&mut self, _: &Archived<Req>, _: &[u8]) -> Verdict<RecvError> {
        self.0.is_lost = false;
        Verdict::Take
    }

    #[cold]
    fn invalid(&mut self, error: InvalidArchiveError) -> Option<RecvError> {
        self.0.is_lost = false;
        Some(error.into())
    }
}
