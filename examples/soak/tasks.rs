//! Ports that tasks use: a task for each half, or one for the whole port.

use std::sync::Arc;

use message_port::{MessagePort, Receiver, Sender};
use tokio::task::yield_now;

use crate::judge::Report;
use crate::load::Load;
use crate::plan::Side;
use crate::posting::{Posting, Step};
use crate::taking::Taking;
use crate::threads::{
    Posted, Taken, count_close_events, finish_posting, finish_taking, finish_whole,
};
use crate::watch::Progress;

pub(crate) async fn post<L: Load>(mut sender: Sender<L>, side: Side) -> Posted {
    let mut posting = Posting::new(&side);
    let mut ended = false;
    while !ended && !posting.is_done() {
        match posting.some_soon(&mut sender).await {
            Step::More => {}
            Step::Later => yield_now().await,
            Step::Ended => ended = true,
        }
    }
    finish_posting(sender, posting.accepted, &side)
}

pub(crate) async fn take<L: Load>(
    mut receiver: Receiver<L>,
    side: Side,
    progress: Arc<Progress>,
) -> Taken {
    let mut taking = Taking::new(&side, &progress);
    let mut drained = false;
    while !drained && !taking.is_done() {
        match taking.some_soon(&mut receiver, true).await {
            Step::More => {}
            Step::Later => yield_now().await,
            Step::Ended => drained = true,
        }
    }
    finish_taking(receiver, &taking, drained, &side)
}

/// One task posts and reads in turn, and ends the port after its last post.
pub(crate) async fn whole<A: Load, B: Load>(
    mut port: MessagePort<A, B>,
    side: Side,
    progress: Arc<Progress>,
) -> Report {
    let (mut posting, mut taking) = (Posting::new(&side), Taking::new(&side, &progress));
    let events = count_close_events(&mut port);
    let (mut ended, mut drained) = (false, false);
    let end = loop {
        if taking.is_done() {
            break side.after_reading;
        }
        let mut posted = Step::Later;
        if !ended && !posting.is_done() {
            posted = posting.some_soon(&mut port).await;
            ended = posted == Step::Ended;
        } else if !ended {
            break side.after_posting;
        }
        match taking.some_soon(&mut port, ended).await {
            Step::More => {}
            Step::Later if posted != Step::Later => {}
            Step::Later => yield_now().await,
            Step::Ended => {
                drained = true;
                break side.after_reading;
            }
        }
    };
    finish_whole(port, &events, end, [posting.accepted, taking.read], drained)
}
