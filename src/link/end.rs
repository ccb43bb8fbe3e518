//! A link as a half of a port holds it.

use std::ops::Deref;
use std::ptr::NonNull;

use super::wait::WaitCell;
use super::{Link, Side};
use crate::sync::Arc;

/// The link, with a pointer to the cell in which the direction's other end waits. Each message reads
/// that cell and need not compute its place.
#[derive(Debug)]
pub(crate) struct LinkEnd {
    /// A cell of `link`.
    peer: NonNull<WaitCell>,
    link: Arc<Link>,
}

// SAFETY: `peer` points into what `link` shares, and gives access to nothing else.
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

    /// The cell in which the other end of the direction waits.
    #[inline(always)]
    pub(crate) fn peer(&self) -> &WaitCell {
        // SAFETY: the cell lies in the link, which does not move while `self.link` keeps it alive.
        // Nobody borrows a cell mutably while it is shared.
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
