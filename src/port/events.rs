//! Handlers, and the calls that run them.

use super::MessagePort;
use crate::archive::Message;
use crate::error::DispatchError;
use crate::half::CloseEvent;
use crate::link::wait::Deadline;
use crate::port::handlers::Turn;
use crate::port::{HandlerResult, MessageErrorEvent, MessageEvent};

/// The most messages that `run` has handled in a row. A sender that is faster than the handlers could
/// make a row without an end, whose events nobody could count.
const ROW: usize = 1 << 20;

impl<Out, In> MessagePort<Out, In> {
    /// Sets the handler for messages, and starts the port.
    ///
    /// Handlers run inside [`dispatch`](Self::dispatch) and [`run`](Self::run), on the thread that
    /// calls them, never inside a post or close of the peer. A handler returns nothing or a
    /// `Result`; one that uses `?` states the type, [`Handled`](crate::Handled).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.post_message(&"hello".to_owned())?;
    /// port2.set_onmessage(|event| println!("{}", event.data()));
    /// assert_eq!(port2.dispatch()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_onmessage<F, R>(&mut self, f: F)
    where
        Out: Message,
        In: Message,
        F: FnMut(&mut MessageEvent<'_, In, Out>) -> R + Send + 'static,
        R: HandlerResult,
    {
        self.handlers.set_message(f);
        self.start();
    }

    /// Sets the handler for messages that could not be handled: the message handler failed or
    /// panicked, or the archive is not valid. Does not start the port.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|_| Err("not today"));
    /// port2.set_onmessageerror(|event| eprintln!("{}", event.error()));
    /// port1.post_message(&7)?;
    /// assert_eq!(port2.dispatch()?, 2, "a message and its messageerror");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_onmessageerror<F, R>(&mut self, f: F)
    where
        Out: Message,
        In: Message,
        F: FnMut(&MessageErrorEvent<'_, In>) -> R + Send + 'static,
        R: HandlerResult,
    {
        self.handlers.set_message_error(f);
    }

    /// Sets the handler for the close of the channel. Does not start the port.
    ///
    /// The event is dispatched once, after the last message. Without a handler at that time, it
    /// waits for one.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onclose(|event| println!("closed by {:?}", event.closed_by()));
    /// port1.close();
    /// assert_eq!(port2.dispatch()?, 1);
    /// assert_eq!(port2.dispatch()?, 0);
    /// # Ok::<(), message_port::DispatchError>(())
    /// ```
    pub fn set_onclose<F, R>(&mut self, f: F)
    where
        Out: Message,
        In: Message,
        F: FnMut(&CloseEvent) -> R + Send + 'static,
        R: HandlerResult,
    {
        self.handlers.set_close(f);
    }

    /// Removes the handler for messages. The port stays started; messages wait for the next
    /// handler.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|_| unreachable!());
    /// port2.clear_onmessage();
    /// port1.post_message(&7)?;
    /// assert_eq!(port2.dispatch()?, 0);
    /// assert_eq!(port2.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear_onmessage(&mut self) {
        self.handlers.clear_message();
    }

    /// Removes the handler for messages that could not be handled. [`dispatch`](Self::dispatch) and
    /// [`run`](Self::run) then return failures again.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|_| Err("not today"));
    /// port2.set_onmessageerror(|_| ());
    /// port2.clear_onmessageerror();
    /// port1.post_message(&7)?;
    /// assert!(port2.dispatch().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear_onmessageerror(&mut self) {
        self.handlers.clear_message_error();
    }

    /// Removes the handler for the close of the channel.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, .. } = MessageChannel::<u64>::new();
    /// port1.set_onclose(|_| unreachable!());
    /// port1.clear_onclose();
    /// port1.close();
    /// assert_eq!(port1.dispatch()?, 0);
    /// # Ok::<(), message_port::DispatchError>(())
    /// ```
    pub fn clear_onclose(&mut self) {
        self.handlers.clear_close();
    }

    /// Starts the dispatch of messages. [`set_onmessage`](Self::set_onmessage) does so too;
    /// starting twice is a no-op. [`recv`](Self::recv) and its like work without it.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, .. } = MessageChannel::<u64>::new();
    /// port1.start();
    /// ```
    pub fn start(&mut self) {
        self.handlers.start();
    }

    /// Dispatches what is waiting now and returns the number of events. Never waits.
    ///
    /// For each message: `message`, then, if that failed, `messageerror`; after the last one
    /// `close`, if the channel was closed. Messages that arrive during the call are left for the
    /// next one.
    ///
    /// # Errors
    ///
    /// Fails with what nobody handled: a message handler's failure if there is no `messageerror`
    /// handler, or a failure of the `messageerror` or `close` handler. The event is consumed, and
    /// the next call goes on behind it.
    ///
    /// # Panics
    ///
    /// If the `messageerror` or the `close` handler panics, or the type's own check of an archive
    /// (`CheckBytes`). The panic unwinds through this call, and the port stays usable. The event is
    /// consumed.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|event| println!("{}", event.data()));
    /// for n in 0..3 {
    ///     port1.post_message(&n)?;
    /// }
    /// assert_eq!(port2.dispatch()?, 3);
    /// assert_eq!(port2.dispatch()?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dispatch(&mut self) -> Result<usize, DispatchError>
    where
        Out: Message,
        In: Message,
    {
        let mut messages = self.len();
        let mut dispatched = 0;
        loop {
            // Later messages are left for the next call, but the close is dispatched if none has
            // arrived.
            match self.turn(messages)? {
                Turn::Messages { messages: now, events } => {
                    messages -= now;
                    dispatched += events;
                }
                Turn::Close => dispatched += 1,
                Turn::Idle | Turn::Stuck | Turn::Ended => return Ok(dispatched),
            }
        }
    }

    /// Dispatches events until the channel has ended (closed or disconnected) and nothing is left
    /// to dispatch. Blocks while there is nothing to dispatch, with or without a message handler.
    ///
    /// # Errors
    ///
    /// As [`dispatch`](Self::dispatch); calling `run` again goes on with the next event.
    ///
    /// # Panics
    ///
    /// As [`dispatch`](Self::dispatch); and if the call would wait for ever [because there is no
    /// other thread](crate::WaitStrategy#where-there-is-no-other-thread).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::thread;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// let worker = thread::spawn(move || {
    ///     port2.set_onmessage(|event| println!("{}", event.data()));
    ///     port2.set_onclose(|_| println!("closed"));
    ///     port2.run()
    /// });
    /// port1.post_message(&7)?;
    /// port1.close();
    /// worker.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run(&mut self) -> Result<(), DispatchError>
    where
        Out: Message,
        In: Message,
    {
        loop {
            match self.handlers.turn(ROW, &mut self.receiver, &mut self.sender)? {
                Turn::Messages { .. } | Turn::Close => {}
                Turn::Idle => drop(self.receiver.incoming_mut().wait_for_news(Deadline::Never)),
                Turn::Stuck => drop(self.receiver.incoming_mut().wait_for_end(Deadline::Never)),
                Turn::Ended => return Ok(()),
            }
        }
    }

    /// Dispatches what comes next: the close, or up to `limit` messages.
    pub(super) fn turn(&mut self, limit: usize) -> Result<Turn, DispatchError>
    where
        Out: Message,
        In: Message,
    {
        self.handlers.turn(limit, &mut self.receiver, &mut self.sender)
    }
}
