//! Streams and sinks that are polled by hand. Each test file uses its own part of it.
#![allow(dead_code)]

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_sink::Sink;

pub(crate) fn next<S: Stream + Unpin>(stream: &mut S, waker: &Waker) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(waker))
}

pub(crate) fn ready<T, S: Sink<T> + Unpin>(
    sink: &mut S,
    waker: &Waker,
) -> Poll<Result<(), S::Error>> {
    Pin::new(sink).poll_ready(&mut Context::from_waker(waker))
}

pub(crate) fn flush<T, S: Sink<T> + Unpin>(
    sink: &mut S,
    waker: &Waker,
) -> Poll<Result<(), S::Error>> {
    Pin::new(sink).poll_flush(&mut Context::from_waker(waker))
}

/// Sends into a sink that is ready.
pub(crate) fn send<T, S: Sink<T> + Unpin>(sink: &mut S, message: T) -> Result<(), S::Error> {
    assert!(matches!(ready(sink, Waker::noop()), Poll::Ready(Ok(()))));
    Pin::new(sink).start_send(message)
}
