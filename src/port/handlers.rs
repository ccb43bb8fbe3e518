//! The handlers of a port, and the order in which one turn runs them.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::archive::{self, Message};
use crate::error::{BoxError, Contained, DispatchError, HandlerError, PanicPayload};
use crate::half::CloseEvent;
use crate::half::{Next, Receiver, Sender};
use crate::insight::event;
use crate::port::{HandlerResult, MessageErrorEvent, MessageEvent};
use crate::ring::{Frame, Layout};
#[cfg(message_port_teeth)]
use crate::sync::order::{Mutant, active};

type OnMessage<In, Out> =
    Box<dyn FnMut(&mut MessageEvent<'_, In, Out>) -> Result<(), BoxError> + Send>;
type OnMessageError<In> = Box<dyn FnMut(&MessageErrorEvent<'_, In>) -> Result<(), BoxError> + Send>;
type OnClose = Box<dyn FnMut(&CloseEvent) -> Result<(), BoxError> + Send>;

/// The outcome of a turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// A message was dispatched, with this many events.
    Message(usize),
    /// The close event was dispatched.
    Close,
    /// There is nothing to dispatch yet.
    Idle,
    /// Messages wait for a handler; nothing else can be dispatched before them.
    Stuck,
    /// The channel has ended, and nothing is left to dispatch.
    Ended,
}

/// The handlers of one port. They are looked up for each event.
pub(crate) struct Handlers<In, Out> {
    message: Option<OnMessage<In, Out>>,
    message_error: Option<OnMessageError<In>>,
    close: Option<OnClose>,
    /// Whether messages may be dispatched at all.
    started: bool,
    /// Whether the one close event was dispatched.
    close_dispatched: bool,
    #[cfg(message_port_teeth)]
    late: Option<HandlerError>,
    #[cfg(message_port_teeth)]
    closed_again: bool,
}

impl<In, Out> Handlers<In, Out> {
    pub(crate) fn new() -> Self {
        Self {
            message: None,
            message_error: None,
            close: None,
            started: false,
            close_dispatched: false,
            #[cfg(message_port_teeth)]
            late: None,
            #[cfg(message_port_teeth)]
            closed_again: false,
        }
    }

    pub(crate) fn set_message<F, R>(&mut self, mut handler: F)
    where
        F: FnMut(&mut MessageEvent<'_, In, Out>) -> R + Send + 'static,
        R: HandlerResult,
    {
        self.message = Some(Box::new(move |event| handler(event).into_result()));
    }

    pub(crate) fn set_message_error<F, R>(&mut self, mut handler: F)
    where
        F: FnMut(&MessageErrorEvent<'_, In>) -> R + Send + 'static,
        R: HandlerResult,
    {
        self.message_error = Some(Box::new(move |event| handler(event).into_result()));
    }

    pub(crate) fn set_close<F, R>(&mut self, mut handler: F)
    where
        F: FnMut(&CloseEvent) -> R + Send + 'static,
        R: HandlerResult,
    {
        self.close = Some(Box::new(move |event| handler(event).into_result()));
    }

    pub(crate) fn clear_message(&mut self) {
        self.message = None;
    }

    pub(crate) fn clear_message_error(&mut self) {
        self.message_error = None;
    }

    pub(crate) fn clear_close(&mut self) {
        self.close = None;
    }

    pub(crate) fn start(&mut self) {
        self.started = true;
    }
}

impl<In: Message, Out: Message> Handlers<In, Out> {
    /// Dispatches what comes next: a message with its error, only if `messages` is set, or the
    /// close.
    #[inline(always)]
    pub(crate) fn turn(
        &mut self,
        messages: bool,
        receiver: &mut Receiver<In>,
        sender: &mut Sender<Out>,
    ) -> Result<Turn, DispatchError> {
        let takes_messages = messages && self.started && self.message.is_some();
        let incoming = receiver.incoming_mut();
        let layout = const { archive::layout::<In>() };
        match if takes_messages { incoming.next(layout) } else { incoming.look() } {
            Next::Message(frame) if takes_messages => match layout {
                Layout::Blocks(_) => self.on_message(frame, receiver, sender),
                Layout::Frames => self.on_checked_message(frame, receiver, sender),
            },
            Next::Message(_) if receiver.has_ended() => Ok(Turn::Ended),
            Next::Message(_) => Ok(Turn::Stuck),
            Next::Empty => Ok(Turn::Idle),
            Next::Closed => self.on_close(sender),
            Next::Disconnected => Ok(Turn::Ended),
        }
    }

    /// [`on_message`](Self::on_message), for messages whose check is too long to be part of a loop.
    fn on_checked_message(
        &mut self,
        frame: Frame,
        receiver: &mut Receiver<In>,
        sender: &mut Sender<Out>,
    ) -> Result<Turn, DispatchError> {
        self.on_message(frame, receiver, sender)
    }

    /// Runs `message`, then `messageerror` if it failed, then releases the message.
    #[inline(always)]
    fn on_message(
        &mut self,
        frame: Frame,
        receiver: &mut Receiver<In>,
        sender: &mut Sender<Out>,
    ) -> Result<Turn, DispatchError> {
        #[cfg_attr(not(message_port_teeth), allow(unused_mut, reason = "for a mutant"))]
        let mut message = match receiver.take(frame) {
            Ok(message) => message,
            Err(error) => {
                let error = HandlerError::InvalidArchive(error);
                tell(&error, sender);
                let event = MessageErrorEvent::new(&error, None);
                return match &mut self.message_error {
                    Some(handler) => {
                        handler(&event).map_err(DispatchError::MessageError)?;
                        Ok(Turn::Message(1))
                    }
                    None => Err(DispatchError::Message(error)),
                };
            }
        };
        let Some(handler) = &mut self.message else { return Ok(Turn::Stuck) };
        let mut event = MessageEvent::new(&message, sender);
        // The handler is the user's code and answers for its own state after a panic. The event's
        // parts stay intact: a post that unwinds publishes nothing.
        let outcome = catch_unwind(AssertUnwindSafe(|| handler(&mut event)));
        event.finish();
        let error = match outcome {
            Ok(Ok(())) => return self.after_success(),
            Ok(Err(error)) => HandlerError::Returned(error),
            Err(payload) => HandlerError::Panicked(PanicPayload::new(payload)),
        };
        tell(&error, sender);
        // The error belongs to the program: its drop must not unwind from here, whether the handler
        // below returns or panics.
        let error = Contained::new(error);
        #[cfg(message_port_teeth)]
        if active(Mutant::LateMessageError) {
            self.late = Some(error.into_inner());
            return Ok(Turn::Message(1));
        }
        #[cfg(message_port_teeth)]
        if active(Mutant::EarlyErrorRelease) {
            message.release_early();
        }
        let Some(handler) = &mut self.message_error else {
            return Err(DispatchError::Message(error.into_inner()));
        };
        handler(&MessageErrorEvent::new(&error, Some(&message)))
            .map_err(DispatchError::MessageError)?;
        Ok(Turn::Message(2))
    }

    #[cfg_attr(not(message_port_teeth), allow(clippy::unused_self, clippy::unnecessary_wraps))]
    fn after_success(&mut self) -> Result<Turn, DispatchError> {
        #[cfg(message_port_teeth)]
        if let (Some(error), Some(handler)) = (self.late.take(), &mut self.message_error) {
            handler(&MessageErrorEvent::new(&error, None)).map_err(DispatchError::MessageError)?;
        }
        Ok(Turn::Message(1))
    }

    fn on_close(&mut self, sender: &mut Sender<Out>) -> Result<Turn, DispatchError> {
        #[cfg(message_port_teeth)]
        if active(Mutant::CloseTwice)
            && self.close_dispatched
            && !std::mem::replace(&mut self.closed_again, true)
        {
            self.close_dispatched = false;
        }
        if self.close_dispatched {
            return Ok(Turn::Ended);
        }
        let Some(handler) = &mut self.close else { return Ok(Turn::Ended) };
        let Some(event) = sender.close_event() else { return Ok(Turn::Ended) };
        sender.give_back();
        self.close_dispatched = true;
        handler(&event).map_err(DispatchError::Close)?;
        Ok(Turn::Close)
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

#[cfg_attr(message_port_teeth, allow(clippy::missing_fields_in_debug, reason = "for mutants"))]
impl<In, Out> fmt::Debug for Handlers<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers")
            .field("onmessage", &self.message.is_some())
            .field("onmessageerror", &self.message_error.is_some())
            .field("onclose", &self.close.is_some())
            .field("started", &self.started)
            .field("close_dispatched", &self.close_dispatched)
            .finish()
    }
}
