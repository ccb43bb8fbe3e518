//! What whole ports and halves have in common, so that one program can use either.

use std::task::{Context, Poll};
use std::time::Duration;

use message_port::{
    CloseEvent, MessagePort, PostError, PostTimeoutError, Receiver, RecvError, RecvTimeoutError,
    Sender, TryPostError, TryRecvError,
};
use tokio::time::sleep;

use crate::load::Load;
use crate::taking::Taking;

/// What posts an `L`.
pub(crate) trait Posts<L: Load>: Send {
    fn post(&mut self, message: &L) -> Result<(), PostError>;
    fn try_post(&mut self, message: &L) -> Result<(), TryPostError>;
    fn post_within(&mut self, message: &L, time: Duration) -> Result<(), PostTimeoutError>;
    fn post_batch(&mut self, messages: &[L]) -> Result<usize, PostError>;
    fn post_archive(&mut self, archive: &[u8]) -> Result<(), PostError>;
    fn poll_post(&mut self, cx: &mut Context<'_>, message: &L) -> Poll<Result<(), PostError>>;
    fn post_soon(&mut self, message: &L) -> impl Future<Output = Result<(), PostError>> + Send;
    /// Waits until a timer of the runtime is ready.
    fn post_soon_within(
        &mut self,
        message: &L,
        time: Duration,
    ) -> impl Future<Output = Result<(), PostTimeoutError>> + Send;
    fn closed(&mut self) -> Option<CloseEvent>;
}

/// What receives an `L`.
pub(crate) trait Takes<L: Load>: Send {
    fn take(&mut self, taking: &mut Taking<L>) -> Result<(), RecvError>;
    fn try_take(&mut self, taking: &mut Taking<L>) -> Result<(), TryRecvError>;
    fn take_within(
        &mut self,
        taking: &mut Taking<L>,
        time: Duration,
    ) -> Result<(), RecvTimeoutError>;
    fn take_batch(&mut self, taking: &mut Taking<L>, limit: usize) -> Result<usize, TryRecvError>;
    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        taking: &mut Taking<L>,
    ) -> Poll<Result<(), RecvError>>;
    fn take_soon(
        &mut self,
        taking: &mut Taking<L>,
    ) -> impl Future<Output = Result<(), RecvError>> + Send;
    /// Waits until a timer of the runtime is ready.
    fn take_soon_within(
        &mut self,
        taking: &mut Taking<L>,
        time: Duration,
    ) -> impl Future<Output = Result<(), RecvTimeoutError>> + Send;
}

macro_rules! posts {
    ([$($generics:tt)*] $port:ty, $closed:expr) => {
        impl<$($generics)*> Posts<L> for $port {
            fn post(&mut self, message: &L) -> Result<(), PostError> {
                self.post_message(message)
            }

            fn try_post(&mut self, message: &L) -> Result<(), TryPostError> {
                self.try_post_message(message)
            }

            fn post_within(&mut self, message: &L, time: Duration) -> Result<(), PostTimeoutError> {
                self.post_message_timeout(message, time)
            }

            fn post_batch(&mut self, messages: &[L]) -> Result<usize, PostError> {
                self.post_messages(messages)
            }

            fn post_archive(&mut self, archive: &[u8]) -> Result<(), PostError> {
                self.post_archived(archive)
            }

            fn poll_post(
                &mut self,
                cx: &mut Context<'_>,
                message: &L,
            ) -> Poll<Result<(), PostError>> {
                self.poll_post_message(cx, message)
            }

            async fn post_soon(&mut self, message: &L) -> Result<(), PostError> {
                self.post_message_async(message).await
            }

            async fn post_soon_within(
                &mut self,
                message: &L,
                time: Duration,
            ) -> Result<(), PostTimeoutError> {
                self.post_message_async_until(message, sleep(time)).await
            }

            fn closed(&mut self) -> Option<CloseEvent> {
                let closed: fn(&mut Self) -> Option<CloseEvent> = $closed;
                closed(self)
            }
        }
    };
}
posts!([L: Load] Sender<L>, |sender| sender.close_event());
posts!([L: Load, In: Load] MessagePort<L, In>, |port| port.split_mut().0.close_event());

macro_rules! takes {
    ([$($generics:tt)*] $port:ty) => {
        impl<$($generics)*> Takes<L> for $port {
            fn take(&mut self, taking: &mut Taking<L>) -> Result<(), RecvError> {
                self.recv().map(|message| taking.guard(message))
            }

            fn try_take(&mut self, taking: &mut Taking<L>) -> Result<(), TryRecvError> {
                self.try_recv().map(|message| taking.guard(message))
            }

            fn take_within(
                &mut self,
                taking: &mut Taking<L>,
                time: Duration,
            ) -> Result<(), RecvTimeoutError> {
                self.recv_timeout(time).map(|message| taking.guard(message))
            }

            fn take_batch(
                &mut self,
                taking: &mut Taking<L>,
                limit: usize,
            ) -> Result<usize, TryRecvError> {
                self.recv_batch(limit, |message| taking.message(message))
            }

            fn poll_take(
                &mut self,
                cx: &mut Context<'_>,
                taking: &mut Taking<L>,
            ) -> Poll<Result<(), RecvError>> {
                self.poll_recv(cx).map_ok(|message| taking.guard(message))
            }

            async fn take_soon(&mut self, taking: &mut Taking<L>) -> Result<(), RecvError> {
                taking.guard(self.recv_async().await?);
                Ok(())
            }

            async fn take_soon_within(
                &mut self,
                taking: &mut Taking<L>,
                time: Duration,
            ) -> Result<(), RecvTimeoutError> {
                taking.guard(self.recv_async_until(sleep(time)).await?);
                Ok(())
            }
        }
    };
}
takes!([L: Load] Receiver<L>);
takes!([Out: Load, L: Load] MessagePort<Out, L>);
