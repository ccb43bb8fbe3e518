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
/// messages of one size in a row.
pub(super) trait OnMessage<In: Message, Out: Message>: Send {
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

pub(super) fn erased<In, Out, F, R>(handler: F) -> Box<dyn OnMessage<In, Out>>
where
    In: Message,
    Out: Message,
    F: FnMut(&mut MessageEvent<'_, In, Out>) -> R + Send + 'static,
    R: HandlerResult,
{
    let mut handler = handler;
    Box::new(move |event: &mut MessageEvent<'_, In, Out>| handler(event).into_result())
}

impl<In, Out, F> OnMessage<In, Out> for F
where
    In: Message,
    Out: Message,
    F: FnMut(&mut MessageEvent<'_, In, Out>) -> Handled + Send,
{
    fn handle(&mut self, event: &mut MessageEvent<'_, In, Out>) -> Handled {
        self(event)
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
            // A constant: for frames there is no loop to compile.
            unreachable!("messages in frames are handled one by one");
        }
        let (mut messages, mut events) = (0, 0);
        loop {
            events += on_message(frame, self, receiver, sender, errors)?;
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
    let events = on_message(frame, handler, receiver, sender, errors)?;
    Ok(Turn::Messages { messages: 1, events })
}

/// Runs `message`, then `messageerror` if it failed, then releases the message. Returns the number of
/// events.
#[inline(always)]
fn on_message<In: Message, Out: Message>(
    frame: Frame,
    handler: &mut impl FnMut(&mut MessageEvent<'_, In, Out>) -> Handled,
    receiver: &mut Receiver<In>,
    sender: &mut Sender<Out>,
    errors: &mut OnError<In>,
) -> Result<usize, DispatchError> {
    #[cfg_attr(not(message_port_teeth), allow(unused_mut, reason = "for a mutant"))]
    let mut message = match receiver.take(frame) {
        Ok(message) => message,
        Err(error) => {
            let error = HandlerError::InvalidArchive(error);
            tell(&error, sender);
            let event = MessageErrorEvent::new(&error, None);
            return match &mut errors.handler {
                Some(handler) => {
                    handler(&event).map_err(DispatchError::MessageError)?;
                    Ok(1)
                }
                None => Err(DispatchError::Message(error)),
            };
        }
    };
    let mut event = MessageEvent::new(&message, sender);
    // The handler is the user's code and answers for its own state after a panic. The event's
    // parts stay intact: a post that unwinds publishes nothing.
    let outcome = catch_unwind(AssertUnwindSafe(|| handler(&mut event)));
    event.finish();
    let error = match outcome {
        Ok(Ok(())) => {
            #[cfg(message_port_teeth)]
            errors.catch_up()?;
            return Ok(1);
        }
        Ok(Err(error)) => HandlerError::Returned(error),
        Err(payload) => HandlerError::Panicked(PanicPayload::new(payload)),
    };
    tell(&error, sender);
    #[cfg(message_port_teeth)]
    if active(Mutant::LateMessageError) {
        errors.late = Some(error);
        return Ok(1);
    }
    #[cfg(message_port_teeth)]
    if active(Mutant::EarlyErrorRelease) {
        message.release_early();
    }
    errors.report(error, &message)
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

    /// Runs the handler for a message that was handled without success. Returns the number of events.
    #[cold]
    fn report(
        &mut self,
        error: HandlerError,
        message: &MessageRef<'_, In>,
    ) -> Result<usize, DispatchError> {
        // The error belongs to the program: its drop must not unwind from here, whether the handler
        // below returns or panics.
        let error = Contained::new(error);
        let Some(handler) = &mut self.handler else {
            return Err(DispatchError::Message(error.into_inner()));
        };
        handler(&MessageErrorEvent::new(&error, Some(message)))
            .map_err(DispatchError::MessageError)?;
        Ok(2)
    }

    /// Reports what a mutant has kept.
    #[cfg(message_port_teeth)]
    fn catch_up(&mut self) -> Result<(), DispatchError> {
        if let (Some(error), Some(handler)) = (self.late.take(), &mut self.handler) {
            handler(&MessageErrorEvent::new(&error, None)).map_err(DispatchError::MessageError)?;
        }
        Ok(())
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
