//! The public errors as values: texts, predicates, sources, conversions.

mod common;

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use common::clone::{Doubtful, Ending, Refused, Unsteady};
use common::hostile::Hostile;
use message_port::{
    BoxError, BuildError, DataCloneError, DeserializeError, DispatchError, HandlerError,
    InvalidArchiveError, MessageChannel, MessagePort, PanicPayload, PostError, PostTimeoutError,
    RecvError, RecvTimeoutError, TryPostError, TryRecvError, call,
};
use static_assertions::assert_impl_all;

assert_impl_all!(BuildError: Error, Send, Sync, Clone, Copy, PartialEq);
assert_impl_all!(DataCloneError: Error, Send, Sync);
assert_impl_all!(DeserializeError: Error, Send, Sync);
assert_impl_all!(DispatchError: Error, Send, Sync);
assert_impl_all!(HandlerError: Error, Send, Sync);
assert_impl_all!(InvalidArchiveError: Error, Send, Sync);
assert_impl_all!(PanicPayload: std::fmt::Debug, Send, Sync);
assert_impl_all!(PostError: Error, Send, Sync);
assert_impl_all!(PostTimeoutError: Error, Send, Sync);
assert_impl_all!(RecvError: Error, Send, Sync);
assert_impl_all!(RecvTimeoutError: Error, Send, Sync);
assert_impl_all!(TryPostError: Error, Send, Sync);
assert_impl_all!(TryRecvError: Error, Send, Sync);

/// The texts of what an error was caused by, the nearest first.
fn sources(error: &dyn Error) -> Vec<String> {
    std::iter::successors(error.source(), |&error| error.source())
        .map(ToString::to_string)
        .collect()
}

fn data_clone_error() -> DataCloneError {
    let MessageChannel { mut port1, .. } = MessageChannel::<Doubtful>::new();
    match port1.post_message(&Doubtful::new(&[], Ending::Error)) {
        Err(PostError::DataClone(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn invalid_archive_error() -> InvalidArchiveError {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::new();
    port1.post_message(&Hostile::lying(&[1])).unwrap();
    match port2.recv() {
        Err(RecvError::InvalidArchive(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// What `dispatch` returns when the message handler returns this error.
fn returned(error: impl Into<BoxError>) -> DispatchError {
    let error = error.into();
    let mut error = Some(error);
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<()>::new();
    port2.set_onmessage(move |_| error.take().map_or(Ok(()), Err));
    port1.post_message(&()).unwrap();
    port2.dispatch().unwrap_err()
}

/// One error of every kind that its enum has, with the text and the name of the predicate.
macro_rules! check {
    ($($error:expr, $text:expr, { $($predicate:ident),* } $is:ident;)*) => {$(
        let error = $error;
        assert_eq!(error.to_string(), $text);
        $(assert_eq!(
            error.$predicate(),
            stringify!($predicate) == stringify!($is),
            "{} of {error:?}", stringify!($predicate)
        );)*
    )*};
}

const CLOSED: &str = "posting on a closed channel";
const DISCONNECTED: &str = "posting on a disconnected channel";
const TOO_LARGE: &str = "posting a message of 5 bytes where at most 4 are accepted";
const UNCLONEABLE: &str = "the message could not be cloned: refused";

#[test]
fn a_failed_post_says_what_happened_in_words_and_by_predicates() {
    check! {
        PostError::Closed, CLOSED,
            { is_closed, is_disconnected, is_too_large, is_data_clone } is_closed;
        PostError::Disconnected, DISCONNECTED,
            { is_closed, is_disconnected, is_too_large, is_data_clone } is_disconnected;
        PostError::TooLarge { needed: 5, max: 4 }, TOO_LARGE,
            { is_closed, is_disconnected, is_too_large, is_data_clone } is_too_large;
        PostError::DataClone(data_clone_error()), UNCLONEABLE,
            { is_closed, is_disconnected, is_too_large, is_data_clone } is_data_clone;

        TryPostError::Full, "posting on a full channel",
            { is_full, is_closed, is_disconnected, is_too_large, is_data_clone } is_full;
        TryPostError::Closed, CLOSED,
            { is_full, is_closed, is_disconnected, is_too_large, is_data_clone } is_closed;
        TryPostError::Disconnected, DISCONNECTED,
            { is_full, is_closed, is_disconnected, is_too_large, is_data_clone } is_disconnected;
        TryPostError::TooLarge { needed: 5, max: 4 }, TOO_LARGE,
            { is_full, is_closed, is_disconnected, is_too_large, is_data_clone } is_too_large;
        TryPostError::DataClone(data_clone_error()), UNCLONEABLE,
            { is_full, is_closed, is_disconnected, is_too_large, is_data_clone } is_data_clone;

        PostTimeoutError::Timeout, "timed out waiting for room in the channel",
            { is_timeout, is_closed, is_disconnected, is_too_large, is_data_clone } is_timeout;
        PostTimeoutError::Closed, CLOSED,
            { is_timeout, is_closed, is_disconnected, is_too_large, is_data_clone } is_closed;
        PostTimeoutError::Disconnected, DISCONNECTED,
            { is_timeout, is_closed, is_disconnected, is_too_large, is_data_clone } is_disconnected;
        PostTimeoutError::TooLarge { needed: 5, max: 4 }, TOO_LARGE,
            { is_timeout, is_closed, is_disconnected, is_too_large, is_data_clone } is_too_large;
        PostTimeoutError::DataClone(data_clone_error()), UNCLONEABLE,
            { is_timeout, is_closed, is_disconnected, is_too_large, is_data_clone } is_data_clone;
    }
}

#[test]
fn a_failed_receive_says_what_happened_in_words_and_by_predicates() {
    const CLOSED: &str = "receiving on a closed channel";
    const DISCONNECTED: &str = "receiving on an empty and disconnected channel";
    // The text says where in memory the fault was found, so each error has its own.
    let [(first, first_text), (second, second_text), (third, third_text)] = [(); 3].map(|()| {
        let error = invalid_archive_error();
        let text = error.to_string();
        (error, text)
    });
    check! {
        RecvError::Closed, CLOSED, { is_closed, is_disconnected, is_invalid_archive } is_closed;
        RecvError::Disconnected, DISCONNECTED,
            { is_closed, is_disconnected, is_invalid_archive } is_disconnected;
        RecvError::InvalidArchive(first), first_text,
            { is_closed, is_disconnected, is_invalid_archive } is_invalid_archive;

        TryRecvError::Empty, "receiving on an empty channel",
            { is_empty, is_closed, is_disconnected, is_invalid_archive } is_empty;
        TryRecvError::Closed, CLOSED,
            { is_empty, is_closed, is_disconnected, is_invalid_archive } is_closed;
        TryRecvError::Disconnected, DISCONNECTED,
            { is_empty, is_closed, is_disconnected, is_invalid_archive } is_disconnected;
        TryRecvError::InvalidArchive(second), second_text,
            { is_empty, is_closed, is_disconnected, is_invalid_archive } is_invalid_archive;

        RecvTimeoutError::Timeout, "timed out waiting for a message",
            { is_timeout, is_closed, is_disconnected, is_invalid_archive } is_timeout;
        RecvTimeoutError::Closed, CLOSED,
            { is_timeout, is_closed, is_disconnected, is_invalid_archive } is_closed;
        RecvTimeoutError::Disconnected, DISCONNECTED,
            { is_timeout, is_closed, is_disconnected, is_invalid_archive } is_disconnected;
        RecvTimeoutError::InvalidArchive(third), third_text,
            { is_timeout, is_closed, is_disconnected, is_invalid_archive } is_invalid_archive;
    }
}

#[test]
fn a_channel_that_cannot_be_built_says_why() {
    let build = |bytes| MessageChannel::<u64>::builder().capacity(bytes).build().unwrap_err();
    assert_eq!(build(0), BuildError::ZeroCapacity);
    assert_eq!(build(0).to_string(), "a capacity of zero bytes holds no message");
    assert_eq!(build(1), BuildError::TooSmall { capacity: 1, min: 64 });
    assert_eq!(build(32).to_string(), "a capacity of 32 bytes is below the minimum of 64");
    assert_eq!(build(usize::MAX), BuildError::TooLarge { capacity: usize::MAX });
    let text = format!("a capacity of {} bytes is not representable", usize::MAX);
    assert_eq!(build(usize::MAX).to_string(), text);
    let error = BuildError::OutOfMemory { capacity: 1 << 30 };
    assert_eq!(error.to_string(), "no memory for a capacity of 1073741824 bytes");
    assert!(error.source().is_none());
}

/// The capacity is not to blame where the calls are.
#[test]
fn a_call_channel_that_cannot_be_built_says_why() {
    let build = |capacity, calls, bytes| {
        let builder = call::builder::<u64, u64>().capacity(capacity);
        builder.calls_in_flight(calls).max_message_len(bytes).build().err()
    };
    for (calls, max_message_len) in [(usize::MAX, 1000), ((1 << 20) + 1, 1000), (2, usize::MAX)] {
        let error = BuildError::TooManyCalls { calls, max_message_len };
        assert_eq!(build(4096, calls, max_message_len), Some(error));
    }
    let text = BuildError::TooManyCalls { calls: 8, max_message_len: 9 }.to_string();
    assert_eq!(text, "8 calls in flight with messages of up to 9 bytes are too many");
    for capacity in [usize::MAX, usize::MAX / 4] {
        assert_eq!(build(capacity, 1, 0), Some(BuildError::TooLarge { capacity }));
    }
    assert_eq!(build(0, 1, 0), Some(BuildError::ZeroCapacity));
    assert_eq!(build(1, 1, 0), Some(BuildError::TooSmall { capacity: 1, min: 64 }));
    assert_eq!(build(64, 1, 0), None);
}

#[test]
fn a_failed_dispatch_says_whose_failure_it_was() {
    let texts = [
        (returned("odd"), "the message handler failed: odd"),
        (DispatchError::MessageError("odd".into()), "the messageerror handler failed: odd"),
        (DispatchError::Close("odd".into()), "the close handler failed: odd"),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
        assert_eq!(sources(&error), ["odd"]);
    }
    let error = invalid_archive_error();
    let text = error.to_string();
    assert_eq!(DispatchError::Message(error.into()).to_string(), text);
}

/// Starts with what it is about, says what rkyv found, and ends like every other error here.
#[test]
fn an_invalid_archive_says_what_is_wrong_with_it() {
    let text = invalid_archive_error().to_string();
    let found = text.strip_prefix("the archive is not valid: ").unwrap();
    assert!(found.contains("subtree pointer overran range"), "{found}");
    assert!(!text.ends_with('.') && !text.contains('\n'), "{text}");
}

#[test]
fn a_value_without_a_stable_archive_says_so() {
    let MessageChannel { mut port1, .. } = MessageChannel::<Unsteady>::with_capacity(64);
    let error = port1.post_message(&Unsteady::new(|call| 100 * call as usize)).unwrap_err();
    let text = "its archive grows each time it is serialised";
    assert_eq!(error.to_string(), format!("the message could not be cloned: {text}"));
    assert!(sources(&error).is_empty());
}

#[test]
fn the_values_own_error_is_found_behind_the_error_as_it_was() {
    let error = PostError::from(data_clone_error());
    let mut chain = std::iter::successors(error.source(), |&error| error.source());
    assert!(chain.any(|error| error.downcast_ref::<Refused>().is_some()));
}

#[test]
fn what_a_handler_returned_is_found_behind_the_error_as_it_was() {
    let error = returned(Refused);
    let found = error.source().and_then(|source| source.downcast_ref::<Refused>());
    assert_eq!(found, Some(&Refused));
    let DispatchError::Message(HandlerError::Returned(error)) = error else { panic!("{error}") };
    assert_eq!(*error.downcast::<Refused>().unwrap(), Refused);
}

#[test]
fn errors_without_a_cause_have_no_source() {
    let errors: [&dyn Error; 8] = [
        &PostError::Closed,
        &TryPostError::Full,
        &PostTimeoutError::Timeout,
        &RecvError::Disconnected,
        &TryRecvError::Empty,
        &RecvTimeoutError::Timeout,
        &PostError::TooLarge { needed: 2, max: 1 },
        &BuildError::ZeroCapacity,
    ];
    for error in errors {
        assert!(error.source().is_none(), "{error}");
    }
}

/// The wrappers add no text of their own, so they must not add a step to the chain either.
#[test]
fn a_wrapped_error_has_the_sources_of_the_error_itself() {
    let own = sources(&data_clone_error());
    assert_eq!(own[0], "refused");
    assert_eq!(sources(&PostError::from(data_clone_error())), own);
    assert_eq!(sources(&TryPostError::from(data_clone_error())), own);
    assert_eq!(sources(&PostTimeoutError::from(data_clone_error())), own);
    let wrappers: [fn(InvalidArchiveError) -> BoxError; 5] = [
        |error| Box::new(RecvError::from(error)),
        |error| Box::new(TryRecvError::from(error)),
        |error| Box::new(RecvTimeoutError::from(error)),
        |error| Box::new(HandlerError::from(error)),
        |error| Box::new(DispatchError::Message(error.into())),
    ];
    for wrap in wrappers {
        let error = invalid_archive_error();
        let own = sources(&error);
        assert!(!own.is_empty());
        assert_eq!(sources(&*wrap(error)), own);
    }
}

#[test]
fn narrower_errors_convert_into_wider_ones_variant_by_variant() {
    let posts = || {
        [
            PostError::Closed,
            PostError::Disconnected,
            PostError::TooLarge { needed: 5, max: 4 },
            PostError::DataClone(data_clone_error()),
        ]
    };
    for (narrow, again) in posts().into_iter().zip(posts()) {
        let debug = format!("{narrow:?}");
        assert_eq!(format!("{:?}", TryPostError::from(narrow)), debug);
        assert_eq!(format!("{:?}", PostTimeoutError::from(again)), debug);
    }
    let receives = || {
        [
            RecvError::Closed,
            RecvError::Disconnected,
            RecvError::InvalidArchive(invalid_archive_error()),
        ]
    };
    for (narrow, again) in receives().into_iter().zip(receives()) {
        let is_invalid = narrow.is_invalid_archive();
        let (narrow_kind, text) = (std::mem::discriminant(&narrow), narrow.to_string());
        assert_eq!(narrow_kind, std::mem::discriminant(&again));
        let wide = TryRecvError::from(narrow);
        assert_eq!(wide.is_invalid_archive(), is_invalid);
        let wider = RecvTimeoutError::from(again);
        assert_eq!(wider.is_closed(), wide.is_closed());
        assert_eq!(wider.is_disconnected(), wide.is_disconnected());
        assert_eq!(wider.is_invalid_archive(), is_invalid);
        if !is_invalid {
            assert_eq!((wide.to_string(), wider.to_string()), (text.clone(), text));
        }
    }
}

/// Both ports of the channel wait for room, the first one in a task; what the second one is told.
fn would_deadlock<R>(second: impl FnOnce(&mut MessagePort<u64>) -> R) -> R {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    for port in [&mut port1, &mut port2] {
        while port.try_post_message(&7).is_ok() {}
    }
    let mut first = pin!(port1.post_message_async(&7));
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    second(&mut port2)
}

/// Who does not wait finds the channel full; who waits for a time would wait in vain.
#[test]
fn a_refused_wait_converts_into_what_the_wider_call_would_say() {
    let refused = || would_deadlock(|port| port.post_message(&7)).unwrap_err();
    let error = refused();
    assert!(error.is_would_deadlock() && !error.is_closed() && !error.is_disconnected());
    assert!(error.source().is_none());
    let text = error.to_string();
    assert_eq!(text, "posting would deadlock: both ports wait for room");

    let timed = PostTimeoutError::from(error);
    assert!(timed.is_would_deadlock() && !timed.is_timeout());
    assert_eq!(timed.to_string(), text);
    let by_the_call = would_deadlock(|port| port.post_message_timeout(&7, Duration::MAX));
    assert!(by_the_call.unwrap_err().is_would_deadlock());

    let tried = TryPostError::from(refused());
    assert!(tried.is_full(), "{tried}");
    assert!(would_deadlock(|port| port.try_post_message(&7)).unwrap_err().is_full());
}

#[test]
fn every_error_goes_through_a_question_mark_into_a_box() {
    fn round_trip() -> Result<(), BoxError> {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<u64>::builder().capacity(64).build()?;
        port2.set_onmessage(|event| -> Result<(), Box<dyn Error + Send + Sync>> {
            event.deserialize()?;
            event.target().post_message(&1)?;
            event.target().try_post_message(&2)?;
            event.target().post_message_timeout(&3, Duration::ZERO)?;
            Err("then this".into())
        });
        port1.post_message(&0)?;
        let error: BoxError = port2.dispatch().unwrap_err().into();
        assert_eq!(error.to_string(), "the message handler failed: then this");
        assert_eq!(*port1.recv()?, 1);
        assert_eq!(*port1.try_recv()?, 2);
        assert_eq!(*port1.recv_timeout(Duration::ZERO)?, 3);
        port1.post_message(&0)?;
        port2.dispatch()?;
        Ok(())
    }
    let error = round_trip().unwrap_err();
    assert!(error.is::<DispatchError>());
    assert_eq!(error.to_string(), "the message handler failed: then this");
}

#[test]
fn a_panic_payload_can_be_unwound_with_again() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<()>::new();
    port2.set_onmessage(|_| std::panic::panic_any(Refused));
    port1.post_message(&()).unwrap();
    let error = port2.dispatch().unwrap_err();
    assert_eq!(error.to_string(), "the message handler panicked: a panic without a text");
    assert!(error.source().is_none());
    let DispatchError::Message(HandlerError::Panicked(payload)) = error else { panic!("{error}") };
    assert_eq!(format!("{payload:?}"), "PanicPayload(\"a panic without a text\")");
    let again = std::panic::catch_unwind(|| std::panic::resume_unwind(payload.into_inner()));
    assert_eq!(again.unwrap_err().downcast_ref::<Refused>(), Some(&Refused));
}
