//! Tasks on the runtimes of others, and futures that are dropped before they are ready. Each test
//! file uses its own part of it.
#![allow(dead_code)]

use std::future::{Future, poll_fn};
use std::task::Poll;

use futures_lite::future::race;

/// A task of tokio's, on one of several threads.
pub(crate) mod tokio {
    use super::Future;

    pub(crate) fn run<F: Future<Output: Send> + Send + 'static>(future: F) -> F::Output {
        let runtime =
            ::tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async { ::tokio::spawn(future).await.unwrap() })
    }
}

/// A task of smol's, on the thread of its executor.
pub(crate) mod smol {
    use super::Future;

    /// Miri has not all that the reactor asks of the system; there it is a plain executor.
    pub(crate) fn run<F: Future<Output: Send> + Send + 'static>(future: F) -> F::Output {
        if cfg!(miri) {
            return futures_lite::future::block_on(future);
        }
        ::smol::block_on(::smol::spawn(future))
    }
}

/// Ready at the poll after so many others, as a timer is: it wakes the task itself.
async fn countdown(mut polls: u64) {
    poll_fn(|cx| {
        if polls == 0 {
            return Poll::Ready(());
        }
        polls -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What `select!` does with `future` and one that is ready after `polls` others, be it at once:
/// either is polled first, and `None` says that `future` was dropped, polled or not.
pub(crate) async fn cancelled_after<F: Future>(polls: u64, future: F) -> Option<F::Output> {
    race(async { Some(future.await) }, async {
        countdown(polls).await;
        None
    })
    .await
}
