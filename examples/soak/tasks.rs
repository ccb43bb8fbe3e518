//! Ports that tasks use: a task for each half, or one for the whole port.

use std::sync::Arc;

use message_port::{MessagePort, Receiver, Sender};

use crate::judge::Report;
use crate::load::Load;
use crate::plan::Side;
use crate::posting::{Posting, Step};
use crate::taking::Taking;
use crate::threads::{
    Posted, Taken, count_close_events, finish_posting, finish_taking, finish_whole,
};
use crate::watch::Progress;

pub(crate) async fn post<L: Load>(
    mut sender: Sender<L>,
    side: Side,
    progress: Arc<Progress>,
) -> Posted {
    let mut posting = Posting::new(&side, &progress);
    let mut ended = false;
    while !ended && !posting.is_done() {
        ended = match posting.some_soon(&mut sender).await {
            Step::Later if !posting.is_done() => {
                posting.wait_one_soon(&mut sender).await == Step::Ended
            }
            step => step == Step::Ended,
        };
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
        drained = match taking.some_soon(&mut receiver, true).await {
            Step::Later => taking.wait_one_soon(&mut receiver).await == Step::Ended,
            step => step == Step::Ended,
        };
    }
    finish_taking(receiver, &taking, drained, &side)
}

/// One task posts and reads in turn, and ends the port after its last post.
pub(crate) async fn whole<A: Load, B: Load>(
    mut port: MessagePort<A, B>,
    side: Side,
    progress: Arc<Progress>,
) -> Report {
    let (mut posting, mut taking) = (Posting::new(&side, &progress), Taking::new(&side, &progress));
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
            Step::Later => drained = taking.wait_a_moment_soon(&mut port).await == Step::Ended,
            Step::Ended => drained = true,
        }
        if drained {
            break side.after_reading;
        }
    };
    finish_whole(port, &events, end, [posting.accepted, taking.read], drained)
}
