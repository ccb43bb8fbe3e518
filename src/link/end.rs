//! A link as a half of a port holds it.

use std::ops::Deref;
use std::ptr::NonNull;

use super::wait::WaitCell;
use super::{Link, Side};
use crate::sync::Arc;

/// The link, with the cell in which the other end of the direction waits at hand: each message looks
/// there, and need not calculate where it is.
#[derive(Debug)]
pub(crate) struct LinkEnd {
    /// A cell of `link`.
    peer: NonNull<WaitCell>,
    link: Arc<Link>,
}

// SAFETY: `peer` is part of what `link` shares, and gives access to no more than that does.
unsafe impl Send for LinkEnd where Arc<Link>: Send {}

// SAFETY: as above.
unsafe impl Sync for LinkEnd where Arc<Link>: Sync {}

impl LinkEnd {
    /// For the half that posts at `side`.
    pub(crate) fn of_sender(link: Arc<Link>, side: Side) -> Self {
        Self { peer: link.receiver(side.peer()).into(), link }
    }

    /// For the half that receives at `side`.
    pub(crate) fn of_receiver(link: Arc<Link>, side: Side) -> Self {
        Self { peer: link.sender(side.peer()).into(), link }
    }

    /// Where the other end of the direction waits.
    #[inline(always)]
    pub(crate) fn peer(&self) -> &WaitCell {
        // SAFETY: the cell lies in the link, which stays where it is for as long as `self.link`
        // counts; nobody borrows a cell mutably while it is shared.
        unsafe { self.peer.as_ref() }
    }
}

impl Deref for LinkEnd {
    type Target = Link;

    #[inline(always)]
    fn deref(&self) -> &Link {
        &self.link
    }
}
