//! How to choose and to combine what the crate offers.
//!
//! For somebody who has used crossbeam-channel or tokio's channels and has read the example of the
//! [crate]. Each program can be copied as it is.
//!
//! | page | about |
//! |---|---|
//! | [`archived`] | what a received message is: matching, comparing and printing it, owned values |
//! | [`room`] | choosing a capacity, back-pressure, two ends that post at once, growing |
//! | [`receiving`] | waiting, handlers or pull, handlers that fail, tasks, many ports on one thread, file descriptors |
//! | [`calls`] | request and reply: many calls at once, timeouts, answers in any order, room |
//! | [`practice`] | passing archives on, shutting down, watching a channel, testing with loom, tuning |
//! | [`migrating`] | the calls of crossbeam-channel, `std`, tokio, flume, rtrb and the web, and what differs |

#[doc = include_str!("../docs/guide/archived.md")]
pub mod archived {}

#[doc = include_str!("../docs/guide/room.md")]
pub mod room {}

#[doc = include_str!("../docs/guide/receiving.md")]
pub mod receiving {}

#[doc = include_str!("../docs/guide/calls.md")]
pub mod calls {}

#[doc = include_str!("../docs/guide/practice.md")]
pub mod practice {}

#[doc = include_str!("../docs/guide/migrating.md")]
pub mod migrating {}
