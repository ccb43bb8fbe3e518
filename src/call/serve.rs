//! Answering every request by a function.

use std::fmt::Display;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use super::envelope::Envelope;
use super::request::Request;
use super::server::Server;
use crate::archive::Message;
use crate::error::{PanicPayload, PostError, RecvError};
use rkyv::Archived;

impl<Req, Ans> Server<Req, Ans> {
    /// Answers requests by `handler`, in the order in which they were sent, until the client is gone
    /// or one of the two has closed the channel.
    ///
    /// Blocks while there is no request, and never for the client to read an answer. All requests
    /// that the client had sent before it went or closed are handled, although nobody hears of their
    /// answers.
    ///
    /// The caller gets what the handler returns. An error reaches it as
    /// [`CallError::Handler`](super::CallError::Handler) with the error's text, a panic as
    /// [`CallError::Panicked`](super::CallError::Panicked), where panics unwind; then the next
    /// request is handled. The same holds for an answer that is too large or fails to be serialised.
    ///
    /// # Errors
    ///
    /// [`PostError::WouldDeadlock`], if the allocator refuses the memory for an answer while the
    /// client waits for room likewise. The call that was to be answered is left without an answer.
    ///
    /// # Panics
    ///
    /// As [`recv`](Self::recv). The caller of a request whose check panicked is told with the server's
    /// next call.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    /// use std::thread;
    ///
    /// let (mut client, mut server) = call::channel::<[u64; 2], u64>();
    /// let server = thread::spawn(move || {
    ///     server.serve(|[a, b]| a.to_native().checked_div(b.to_native()).ok_or("division by zero"))
    /// });
    /// assert_eq!(*client.call(&[6, 2])?, 3);
    /// assert!(client.call(&[1, 0]).unwrap_err().is_handler());
    /// drop(client);
    /// server.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn serve<E: Display>(
        &mut self,
        mut handler: impl FnMut(&Archived<Req>) -> Result<Ans, E>,
    ) -> Result<(), PostError>
    where
        Req: Message,
        Ans: Message,
    {
        loop {
            let answered = match self.recv() {
                Ok(request) => answer(request, &mut handler),
                // Its caller knows.
                Err(RecvError::InvalidArchive(_)) => Ok(()),
                Err(RecvError::Closed | RecvError::Disconnected) => return Ok(()),
            };
            stuck(answered)?;
        }
    }

    /// Answers requests by `handler` in a task; see [`serve`](Self::serve).
    ///
    /// The handler may await. Requests wait meanwhile: one is handled at a time, and answered in
    /// order. To handle several at once, take [`recv_async`](Self::recv_async) and
    /// [`Request::later`]. Dropping the future leaves a request that is being handled without an
    /// answer, as its caller is told, and loses nothing else.
    ///
    /// # Errors
    ///
    /// Those of [`serve`](Self::serve).
    ///
    /// # Panics
    ///
    /// As [`serve`](Self::serve).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (mut client, mut server) = call::channel::<String, u64>();
    /// let server = tokio::spawn(async move {
    ///     server
    ///         .serve_async(async |name| {
    ///             tokio::task::yield_now().await;
    ///             name.parse::<u64>()
    ///         })
    ///         .await
    /// });
    /// assert_eq!(*client.call_async(&"42".to_owned()).await?, 42);
    /// drop(client);
    /// server.await??;
    /// # Ok(()) }
    /// ```
    pub async fn serve_async<E: Display>(
        &mut self,
        mut handler: impl AsyncFnMut(&Archived<Req>) -> Result<Ans, E>,
    ) -> Result<(), PostError>
    where
        Req: Message,
        Ans: Message,
    {
        loop {
            let answered = match self.recv_async().await {
                Ok(request) => answer_async(request, &mut handler).await,
                Err(RecvError::InvalidArchive(_)) => Ok(()),
                Err(RecvError::Closed | RecvError::Disconnected) => return Ok(()),
            };
            stuck(answered)?;
        }
    }
}

/// What ends a server: its callers know of everything else.
fn stuck(answered: Result<(), PostError>) -> Result<(), PostError> {
    match answered {
        Err(PostError::WouldDeadlock) => answered,
        _ => Ok(()),
    }
}

/// Answers a request by what `handler` comes to.
#[inline(always)]
fn answer<Req: Message, Ans: Message, E: Display>(
    mut request: Request<'_, Req, Ans>,
    handler: &mut impl FnMut(&Archived<Req>) -> Result<Ans, E>,
) -> Result<(), PostError> {
    // The handler is the program's own, and so are the text of an error and what serialises an
    // answer. What the panic leaves half done is theirs; a request is answered or it is not.
    let answered = catch_unwind(AssertUnwindSafe(|| {
        let answer = match handler(&request) {
            Ok(answer) => Envelope::Answer(answer),
            Err(error) => request.failure(&error),
        };
        request.reply(&answer)
    }));
    answered.unwrap_or_else(|payload| {
        let panicked = request.panicked(PanicPayload::new(payload).message());
        if request.is_over() { Ok(()) } else { request.reply(&panicked) }
    })
}

/// The same in a task.
async fn answer_async<Req: Message, Ans: Message, E: Display>(
    mut request: Request<'_, Req, Ans>,
    handler: &mut impl AsyncFnMut(&Archived<Req>) -> Result<Ans, E>,
) -> Result<(), PostError> {
    let message: &Archived<Req> = &request;
    let outcome = contain(async {
        // As a text at once: the error may be bound to its thread.
        handler(message).await.map_err(|error| error.to_string())
    })
    .await;
    let answered = match outcome {
        Ok(returned) => {
            let answer = match returned {
                Ok(answer) => Envelope::Answer(answer),
                Err(text) => request.failure(&text),
            };
            contain(request.reply_async(&answer)).await
        }
        Err(text) => Err(text),
    };
    match answered {
        Ok(answered) => answered,
        Err(_) if request.is_over() => Ok(()),
        Err(text) => {
            let panicked = request.panicked(text);
            request.reply_async(&panicked).await
        }
    }
}

/// What a future comes to, or the text of its panic.
async fn contain<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(payload) => Poll::Ready(Err(PanicPayload::new(payload).message())),
    })
    .await
}
