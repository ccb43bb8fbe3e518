//! Ports in tasks: on several executors, against threads, and until the end of the channel.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/parcel.rs"]
#[allow(dead_code, reason = "no archive is measured here")]
mod parcel;
#[path = "common/random.rs"]
#[allow(dead_code, reason = "only what makes the bytes of a parcel")]
mod random;
#[path = "common/wakes.rs"]
mod wakes;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::thread;

use futures_lite::future::{block_on, zip};
use message_port::rkyv::{Archive, Serialize};
use message_port::{
    Message, MessageChannel, MessagePort, PostError, RecvError, TryRecvError, WaitStrategy,
};

use asleep::spawn_asleep;
use parcel::Parcel;
use wakes::{Wakes, poll};
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

/// A small ring, so that both ends wait again and again.
const CAPACITY: usize = 512;
const PARCELS: u64 = if cfg!(miri) { 20 } else { 2000 };

/// Most of them are short; now and then one is spilled.
fn parcel(number: u64) -> Parcel {
    let length = match number % 97 {
        0 => {
            if cfg!(miri) {
                600
            } else {
                3000
            }
        }
        n => usize::try_from(n).unwrap(),
    };
    Parcel::new(number, length)
}

fn channel() -> (MessagePort<Parcel>, MessagePort<Parcel>) {
    let MessageChannel { port1, port2 } = MessageChannel::with_capacity(CAPACITY);
    (port1, port2)
}

/// Posts all parcels and closes.
async fn post(mut port: MessagePort<Parcel>) {
    for number in 0..PARCELS {
        port.post_message_async(&parcel(number)).await.unwrap();
    }
    port.close();
}

/// Receives all parcels and the end.
async fn receive(mut port: MessagePort<Parcel>) {
    for number in 0..PARCELS {
        port.recv_async().await.unwrap().check(number);
    }
    assert!(port.recv_async().await.is_err_and(|error| error.is_closed()));
}

/// Posts and receives all parcels at the same time.
async fn exchange(port: MessagePort<Parcel>) {
    let (mut sender, mut receiver) = port.into_split();
    let posting = async {
        for number in 0..PARCELS {
            sender.post_message_async(&parcel(number)).await.unwrap();
        }
    };
    let receiving = async {
        for number in 0..PARCELS {
            receiver.recv_async().await.unwrap().check(number);
        }
    };
    zip(posting, receiving).await;
}

/// What [`exchange`] does, by blocking.
fn exchange_blocking(port: MessagePort<Parcel>) {
    let (mut sender, mut receiver) = port.into_split();
    thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..PARCELS {
                sender.post_message(&parcel(number)).unwrap();
            }
        });
        for number in 0..PARCELS {
            receiver.recv().unwrap().check(number);
        }
    });
}

#[test]
fn tokio_with_several_threads() -> Outcome {
    let _watchdog = Watchdog::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    runtime.block_on(async {
        let (port1, port2) = channel();
        let (posting, receiving) = (tokio::spawn(post(port1)), tokio::spawn(receive(port2)));
        posting.await?;
        receiving.await?;
        let (port1, port2) = channel();
        let (one, other) = (tokio::spawn(exchange(port1)), tokio::spawn(exchange(port2)));
        one.await?;
        other.await?;
        Ok(())
    })
}

#[test]
fn tokio_with_one_thread() -> Outcome {
    let _watchdog = Watchdog::start();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let (port1, port2) = channel();
        let posting = tokio::spawn(post(port1));
        receive(port2).await;
        posting.await?;
        let (port1, port2) = channel();
        let other = tokio::spawn(exchange(port1));
        exchange(port2).await;
        other.await?;
        Ok(())
    })
}

#[test]
#[cfg_attr(miri, ignore = "the reactor of smol needs what Miri does not have")]
fn smol_with_its_own_threads() {
    let _watchdog = Watchdog::start();
    smol::block_on(async {
        let (port1, port2) = channel();
        let posting = smol::spawn(post(port1));
        receive(port2).await;
        posting.await;
        let (port1, port2) = channel();
        let other = smol::spawn(exchange(port1));
        exchange(port2).await;
        other.await;
    });
}

#[test]
fn no_executor_at_all() {
    let _watchdog = Watchdog::start();
    let (port1, port2) = channel();
    let posting = thread::spawn(|| block_on(post(port1)));
    block_on(receive(port2));
    posting.join().unwrap();
    let (port1, port2) = channel();
    block_on(zip(exchange(port1), exchange(port2)));
}

#[test]
fn a_thread_posts_to_a_task() {
    let _watchdog = Watchdog::start();
    let (mut port1, port2) = channel();
    let posting = thread::spawn(move || {
        for number in 0..PARCELS {
            port1.post_message(&parcel(number)).unwrap();
        }
        port1.close();
    });
    block_on(receive(port2));
    posting.join().unwrap();
}

#[test]
fn a_task_posts_to_a_thread() {
    let _watchdog = Watchdog::start();
    let (port1, mut port2) = channel();
    let posting = thread::spawn(|| block_on(post(port1)));
    for number in 0..PARCELS {
        port2.recv().unwrap().check(number);
    }
    assert!(port2.recv().is_err_and(|error| error.is_closed()));
    posting.join().unwrap();
}

#[test]
fn a_task_and_threads_exchange() {
    let _watchdog = Watchdog::start();
    let (port1, port2) = channel();
    let other = thread::spawn(|| exchange_blocking(port1));
    block_on(exchange(port2));
    other.join().unwrap();
}

/// Spinning is for threads: a task is woken all the same.
#[test]
fn a_task_is_woken_also_where_threads_spin() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { port1, mut port2 } = MessageChannel::<Parcel>::builder()
        .capacity(CAPACITY)
        .wait_strategy(WaitStrategy::Spin)
        .build()?;
    let posting = thread::spawn(|| block_on(post(port1)));
    for number in 0..PARCELS {
        block_on(port2.recv_async())?.check(number);
    }
    posting.join().unwrap();
    Ok(())
}

#[test]
fn m4_a_sleeping_thread_is_woken_by_a_task() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    let receiver = spawn_asleep(move || port2.recv().map(|number| number.to_native()));
    block_on(port1.post_message_async(&7))?;
    assert_eq!(receiver.join().unwrap()?, 7);

    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    while port1.try_post_message(&7).is_ok() {}
    let sender = spawn_asleep(move || port1.post_message(&8));
    assert!(!sender.is_finished());
    block_on(async {
        while *port2.recv_async().await? == 7 {}
        Ok::<(), RecvError>(())
    })?;
    sender.join().unwrap()?;
    Ok(())
}

/// How the other side ends the channel in the tests below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Close,
    Drop,
}

impl End {
    fn of<Out: Message, In: Message>(self, mut port: MessagePort<Out, In>) {
        if self == Self::Close {
            port.close();
        }
    }
}

const ENDS: [End; 2] = [End::Close, End::Drop];

#[test]
fn m4_the_end_wakes_a_task_that_receives() {
    for end in ENDS {
        let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
        let (calls, waker) = Wakes::watched();
        let mut receiving = pin!(port2.recv_async());
        assert!(poll(receiving.as_mut(), &waker).is_pending());
        end.of(port1);
        assert_eq!(calls.count(), 1, "{end:?}");
        let Poll::Ready(Err(error)) = poll(receiving.as_mut(), &waker) else { panic!("{end:?}") };
        assert_eq!((error.is_closed(), error.is_disconnected()), by(end));
    }
}

#[test]
fn m4_the_end_wakes_a_task_that_posts() {
    for end in ENDS {
        let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::with_capacity(64);
        while port1.try_post_message(&7).is_ok() {}
        let (calls, waker) = Wakes::watched();
        let mut posting = pin!(port1.post_message_async(&7));
        assert!(poll(posting.as_mut(), &waker).is_pending());
        end.of(port2);
        assert_eq!(calls.count(), 1, "{end:?}");
        let Poll::Ready(Err(error)) = poll(posting.as_mut(), &waker) else { panic!("{end:?}") };
        assert_eq!((error.is_closed(), error.is_disconnected()), by(end));
    }
}

#[test]
fn m4_the_end_wakes_a_task_that_runs_handlers() {
    for (end, with_handler) in ENDS.into_iter().flat_map(|end| [(end, true), (end, false)]) {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
        if with_handler {
            port2.set_onmessage(|_| ());
        }
        let (calls, waker) = Wakes::watched();
        let mut running = pin!(port2.run_async());
        port1.post_message(&7).unwrap();
        assert!(poll(running.as_mut(), &waker).is_pending());
        end.of(port1);
        assert_eq!(calls.count(), 1, "{end:?}, {with_handler}");
        assert!(matches!(poll(running.as_mut(), &waker), Poll::Ready(Ok(()))));
    }
}

/// Which predicates of an error hold: closed, disconnected.
fn by(end: End) -> (bool, bool) {
    (end == End::Close, end == End::Drop)
}

#[test]
fn m4_each_half_in_a_task_is_woken_when_the_other_half_closes() {
    let MessageChannel { mut port1, port2: _open } = MessageChannel::<u64>::with_capacity(64);
    while port1.try_post_message(&7).is_ok() {}
    let (mut sender, mut receiver) = port1.into_split();
    let (calls, waker) = Wakes::watched();
    let mut posting = pin!(sender.post_message_async(&7));
    assert!(poll(posting.as_mut(), &waker).is_pending());
    receiver.close();
    assert_eq!(calls.count(), 1);
    assert!(matches!(poll(posting.as_mut(), &waker), Poll::Ready(Err(PostError::Closed))));

    let MessageChannel { port1, port2: _open } = MessageChannel::<u64>::new();
    let (mut sender, mut receiver) = port1.into_split();
    let (calls, waker) = Wakes::watched();
    let mut receiving = pin!(receiver.recv_async());
    assert!(poll(receiving.as_mut(), &waker).is_pending());
    sender.close();
    assert_eq!(calls.count(), 1);
    assert!(matches!(poll(receiving.as_mut(), &waker), Poll::Ready(Err(RecvError::Closed))));
}

/// What waits when the peer ends is still received in a task, before the end.
#[test]
fn c8_a_task_drains_before_the_end() -> Outcome {
    for end in ENDS {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
        port1.post_messages(&[1, 2])?;
        end.of(port1);
        assert_eq!(*block_on(port2.recv_async())?, 1);
        assert_eq!(*block_on(port2.recv_async())?, 2);
        let error = block_on(port2.recv_async()).unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), by(end));
    }
    Ok(())
}

/// E1 and E2 hold in tasks too: the errors that need no waiting come at the first poll.
#[test]
fn errors_are_ready_at_once() {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<Vec<u8>>::builder().max_message_len(100).build().unwrap();
    let too_large = vec![0; 200];
    let noop = Waker::noop();
    let posted = poll(pin!(port1.post_message_async(&too_large)), noop);
    assert!(matches!(posted, Poll::Ready(Err(PostError::TooLarge { max: 100, .. }))));
    assert!(matches!(port2.try_recv(), Err(TryRecvError::Empty)));
    port2.close();
    let posted = poll(pin!(port1.post_message_async(&vec![0; 2])), noop);
    assert!(matches!(posted, Poll::Ready(Err(PostError::Closed))));
    assert!(matches!(poll(pin!(port2.recv_async()), noop), Poll::Ready(Err(RecvError::Closed))));
}

/// The value is archived when there is room: then it is cloned, and not before.
#[test]
fn a_pending_post_publishes_nothing() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    while port1.try_post_message(&7).is_ok() {}
    let waiting = port2.len();
    let (calls, waker) = Wakes::watched();
    let mut posting = pin!(port1.post_message_async(&8));
    assert!(poll(posting.as_mut(), &waker).is_pending());
    assert_eq!(port2.len(), waiting);
    assert_eq!(*port2.recv()?, 7);
    assert_eq!((calls.count(), port2.len()), (1, waiting - 1), "room alone posts nothing");
    assert!(matches!(poll(posting.as_mut(), &waker), Poll::Ready(Ok(()))));
    assert_eq!(port2.len(), waiting);
    Ok(())
}

/// Says whether a future may move between threads; a method of the type itself comes before one
/// of a trait.
struct MayMove<T>(PhantomData<T>);

impl<T: Send> MayMove<T> {
    #[allow(clippy::unused_self, reason = "the compiler looks for it by the value")]
    fn answer(&self) -> bool {
        true
    }
}

trait Otherwise {
    fn answer(&self) -> bool {
        false
    }
}

impl<T> Otherwise for MayMove<T> {}

macro_rules! may_move {
    ($future:expr) => {{
        fn type_of<F: Future>(_: &F) -> PhantomData<F> {
            PhantomData
        }
        MayMove(type_of(&$future)).answer()
    }};
}

/// Its archive is neither `Send` nor `Sync`.
#[derive(Archive, Serialize)]
struct Unsent(u32, PhantomData<*const u32>);

#[test]
fn futures_are_send_where_their_parts_are() {
    let MessageChannel { port1: mut port, .. } = MessageChannel::<String, Unsent>::new();
    let text = String::new();
    assert!(may_move!(port.post_message_async(&text)));
    assert!(may_move!(port.recv_async()), "no message is held while it is pending");
    assert!(may_move!(port.run_async()), "handlers are `Send`");
    let (mut sender, mut receiver) = port.into_split();
    assert!(may_move!(sender.post_message_async(&text)));
    assert!(may_move!(receiver.recv_async()));

    // The future of a post borrows the value.
    let MessageChannel { port1: mut port, .. } = MessageChannel::<Rc<str>>::new();
    let local: Rc<str> = Rc::from("not to be shared");
    assert!(!may_move!(port.post_message_async(&local)));
    assert!(may_move!(port.recv_async()));
    assert!(may_move!(port.run_async()));
}
