//! The handlers of a port, and the order in which one turn runs them.

mod message;

use std::fmt;

use crate::archive::{self, Message};
use crate::error::{BoxError, DispatchError};
use crate::half::CloseEvent;
use crate::half::{Next, Receiver, Sender};
use crate::port::{HandlerResult, MessageErrorEvent, MessageEvent};
use crate::ring::Layout;
#[cfg(message_port_teeth)]
use crate::sync::order::{Mutant, active};
use message::{OnError, OnMessage};

type OnClose = Box<dyn FnMut(&CloseEvent) -> Result<(), BoxError> + Send>;

/// The outcome of a turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// So many messages were dispatched, with so many events.
    Messages { messages: usize, events: usize },
    /// The close event was dispatched.
    Close,
    /// There is nothing to dispatch yet.
    Idle,
    /// Messages wait for a handler; nothing else can be dispatched before them.
    Stuck,
    /// The channel has ended, and nothing is left to dispatch.
    Ended,
}

/// The handlers of one port. That for messages is looked up once for a row, the others for each event.
pub(crate) struct Handlers<In, Out> {
    message: Option<Box<dyn OnMessage<In, Out>>>,
    message_error: OnError<In>,
    close: Option<OnClose>,
    /// Whether messages may be dispatched at all.
    started: bool,
    /// Whether the one close event was dispatched.
    close_dispatched: bool,
    #[cfg(message_port_teeth)]
    closed_again: bool,
}

impl<In, Out> Handlers<In, Out> {
    pub(crate) fn new() -> Self {
        Self {
            message: None,
            message_error: OnError::new(),
            close: None,
            started: false,
            close_dispatched: false,
            #[cfg(message_port_teeth)]
            closed_again: false,
        }
    }

    pub(crate) fn set_message<F, R>(&mut self, handler: F)
    where
        In: Message,
        Out: Message,
        F: FnMut(&mut MessageEvent<'_, In, Out>) -> R + Send + 'static,
        R: HandlerResult,
    {
        self.message = Some(message::erased(handler));
    }

    pub(crate) fn set_message_error<F, R>(&mut self, mut handler: F)
    where
        F: FnMut(&MessageErrorEvent<'_, In>) -> R + Send + 'static,
        R: HandlerResult,
    {
        self.message_error.handler = Some(Box::new(move |event| handler(event).into_result()));
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
        self.message_error.handler = None;
    }

    pub(crate) fn clear_close(&mut self) {
        self.close = None;
    }

    pub(crate) fn start(&mut self) {
        self.started = true;
    }
}

impl<In: Message, Out: Message> Handlers<In, Out> {
    /// Dispatches what comes next: the close, or up to `limit` messages, with their errors.
    #[inline(always)]
    pub(crate) fn turn(
        &mut self,
        limit: usize,
        receiver: &mut Receiver<In>,
        sender: &mut Sender<Out>,
    ) -> Result<Turn, DispatchError> {
        let handler = self.message.as_mut().filter(|_| self.started && limit > 0);
        let incoming = receiver.incoming_mut();
        let layout = const { archive::layout::<In>() };
        match if handler.is_some() { incoming.next(layout) } else { incoming.look() } {
            Next::Message(frame) => {
                let errors = &mut self.message_error;
                match (handler, layout) {
                    (Some(handler), Layout::Blocks(_)) => {
                        handler.handle_row(frame, limit, receiver, sender, errors)
                    }
                    (Some(handler), Layout::Frames) => {
                        message::handle_one(frame, &mut **handler, receiver, sender, errors)
                    }
                    (None, _) if receiver.has_ended() => Ok(Turn::Ended),
                    (None, _) => Ok(Turn::Stuck),
                }
            }
            Next::Empty => Ok(Turn::Idle),
            Next::Closed => self.on_close(sender),
            Next::Disconnected => Ok(Turn::Ended),
        }
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

#[cfg_attr(message_port_teeth, allow(clippy::missing_fields_in_debug, reason = "for mutants"))]
impl<In, Out> fmt::Debug for Handlers<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers")
            .field("onmessage", &self.message.is_some())
            .field("onmessageerror", &self.message_error.handler.is_some())
            .field("onclose", &self.close.is_some())
            .field("started", &self.started)
            .field("close_dispatched", &self.close_dispatched)
            .finish()
    }
}
