//! The handler for messages, and what follows if it fails.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Turn;
use crate::archive::{self, Message};
use crate::error::{Contained, DispatchError, HandlerError, PanicPayload};
use crate::half::{MessageRef, Receiver, Sender};
use crate::insight::event;
use crate::port::{Handled, HandlerResult, MessageErrorEvent, MessageEvent};
use crate::ring::{Frame, Layout};
#[cfg(message_port_teeth)]
use crate::sync::order::{Mutant, active};

/// A handler for messages whose type is erased.
///
/// A call through a pointer for each message costs as much as receiving one, so one call handles
/// messages of one size in a row. Each kind of message has one of these methods, with one call of the
/// handler in it, so that the compiler makes the handler part of the loop.
pub(super) trait OnMessage<In: Message, Out: Message>: Send {
    /// For messages in frames.
    fn handle(&mut self, event: &mut MessageEvent<'_, In, Out>) -> Handled;

    /// Handles the message in `frame`, which was found, and those behind it that lie in place: up to
    /// `limit` in all. For messages in blocks.
    fn handle_row(
        &mut self,
        frame: Frame,
        limit: usize,
        receiver: &mut Receiver<In>,
        sender: &mut Sender<Out>,
        errors: &mut OnError<In>,
    ) -> Result<Turn, DispatchError>;
}

pub(super) fn erased<In, Out, F, R>(mut handler: F) -> Box<dyn OnMessage<In, Out>>
where
    In: Message,
    Out: Message,
    F: FnMut(&mut MessageEvent<'_, In, Out>) -> R + Send + 'static,
    R: HandlerResult,
{
    Box::new(move |event: &mut MessageEvent<'_, In, Out>| handler(event).into_result())
}

impl<In, Out, F> OnMessage<In, Out> for F
where
    In: Message,
    Out: Message,
    F: FnMut(&mut MessageEvent<'_, In, Out>) -> Handled + Send,
{
    fn handle(&mut self, event: &mut MessageEvent<'_, In, Out>) -> Handled {
        match const { archive::layout::<In>() } {
            Layout::Frames => self(event),
            Layout::Blocks(_) => unreachable!("messages in blocks are handled in rows"),
        }
    }

    fn handle_row(
        &mut self,
        mut frame: Frame,
        limit: usize,
        receiver: &mut Receiver<In>,
        sender: &mut Sender<Out>,
        errors: &mut OnError<In>,
    ) -> Result<Turn, DispatchError> {
        let layout = const { archive::layout::<In>() };
        if layout == Layout::Frames {
            unreachable!("messages in frames are handled one by one");
        }
        let (mut messages, mut events) = (0, 0);
        loop {
            events += match on_message(frame, self, receiver, sender, errors) {
                None => 1,
                Some(failed) => failed?,
            };
            messages += 1;
            if messages == limit {
                break;
            }
            let Some(next) = receiver.incoming_mut().ready(layout) else { break };
            frame = next;
        }
        Ok(Turn::Messages { messages, events })
    }
}

/// Handles the message in `frame`, which was found, whose check is too long to be part of a loop.
pub(super) fn handle_one<In: Message, Out: Message>(
    frame: Frame,
    handler: &mut dyn OnMessage<In, Out>,
    receiver: &mut Receiver<In>,
    sender: &mut Sender<Out>,
    errors: &mut OnError<In>,
) -> Result<Turn, DispatchError> {
    let handler = &mut |event: &mut MessageEvent<'_, In, Out>| handler.handle(event);
    let failed = on_message(frame, handler, receiver, sender, errors);
    Ok(Turn::Messages { messages: 1, events: failed.unwrap_or(Ok(1))? })
}

/// Runs `message`, then `messageerror` if it failed, then releases the message. `None` if the handler
/// has succeeded, which is one event; otherwise the number of events.
#[inline(always)]
fn on_message<In: Message, Out: Message>(
    frame: Frame,
    handler: &mut impl FnMut(&mut MessageEvent<'_, In, Out>) -> Handled,
    receiver: &mut Receiver<In>,
    sender: &mut Sender<Out>,
    errors: &mut OnError<In>,
) -> Option<Result<usize, DispatchError>> {
    #[cfg_attr(not(message_port_teeth), allow(unused_mut, reason = "for a mutant"))]
    let mut message = match receiver.take(frame) {
        Ok(message) => message,
        Err(error) => {
            let error = HandlerError::InvalidArchive(error);
            tell(&error, sender);
            return Some(errors.report(error, None));
        }
    };
    let mut event = MessageEvent::new(&message, sender);
    // The handler is the user's code and answers for its own state after a panic. The event's
    // parts stay intact: a post that unwinds publishes nothing.
    let outcome = catch_unwind(AssertUnwindSafe(|| handler(&mut event)));
    event.finish();
    let error = match outcome {
        #[cfg(message_port_teeth)]
        Ok(Ok(())) => return errors.catch_up(),
        #[cfg(not(message_port_teeth))]
        Ok(Ok(())) => return None,
        Ok(Err(error)) => HandlerError::Returned(error),
        Err(payload) => HandlerError::Panicked(PanicPayload::new(payload)),
    };
    tell(&error, sender);
    #[cfg(message_port_teeth)]
    if active(Mutant::LateMessageError) {
        errors.late = Some(error);
        return None;
    }
    #[cfg(message_port_teeth)]
    if active(Mutant::EarlyErrorRelease) {
        message.release_early();
    }
    Some(errors.report(error, Some(&message)))
}

type Handler<In> = dyn FnMut(&MessageErrorEvent<'_, In>) -> Handled + Send;

/// The handler for messages that could not be handled.
pub(super) struct OnError<In> {
    pub(super) handler: Option<Box<Handler<In>>>,
    #[cfg(message_port_teeth)]
    late: Option<HandlerError>,
}

impl<In> OnError<In> {
    pub(super) fn new() -> Self {
        Self {
            handler: None,
            #[cfg(message_port_teeth)]
            late: None,
        }
    }

    /// Runs the handler for a message that was handled without success, or is `None` since it was
    /// invalid. Returns the number of events.
    #[cold]
    fn report(
        &mut self,
        error: HandlerError,
        message: Option<&MessageRef<'_, In>>,
    ) -> Result<usize, DispatchError> {
        // The error belongs to the program: its drop must not unwind from here, whether the handler
        // below returns or panics.
        let error = Contained::new(error);
        let Some(handler) = &mut self.handler else {
            return Err(DispatchError::Message(error.into_inner()));
        };
        handler(&MessageErrorEvent::new(&error, message)).map_err(DispatchError::MessageError)?;
        Ok(if message.is_some() { 2 } else { 1 })
    }

    /// Reports what a mutant has kept.
    #[cfg(message_port_teeth)]
    fn catch_up(&mut self) -> Option<Result<usize, DispatchError>> {
        let (error, handler) = (self.late.take()?, self.handler.as_mut()?);
        let reported = handler(&MessageErrorEvent::new(&error, None));
        Some(reported.map(|()| 1).map_err(DispatchError::MessageError))
    }
}

/// Traces a `messageerror`, handled or not, without the error's text: that belongs to the program.
#[cfg_attr(not(feature = "tracing"), allow(unused_variables, reason = "there is nobody to tell"))]
fn tell<Out>(error: &HandlerError, sender: &Sender<Out>) {
    event!(
        warn,
        channel = sender.outgoing().link().channel,
        port = sender.outgoing().side().number(),
        cause = match error {
            HandlerError::Returned(_) => "error returned",
            HandlerError::Panicked(_) => "panic",
            HandlerError::InvalidArchive(_) => "invalid archive",
        },
        "messageerror"
    );
}
