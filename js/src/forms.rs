//! Shapes of the objects that messages had lately.
//!
//! The engine shares the shape of objects with the same properties, and lets go of it with the last
//! of them. Objects of messages are short-lived, so each would make its shapes anew, one for each
//! property: that takes longer than the rest. An object for each of the shapes is kept here.

use std::cell::RefCell;

use rquickjs::class::{Trace, Tracer};
use rquickjs::{Object, Result};

/// Places for forms. Each form has one, which it shares with others: the latest has it.
const PLACES: usize = 64;

/// Properties of the largest objects whose shapes are kept.
pub(crate) const LARGEST: usize = 16;

struct Form<'js> {
    hash: u32,
    /// None until the form was met twice.
    objects: Vec<Object<'js>>,
}

pub(crate) struct Forms<'js>(RefCell<Vec<Form<'js>>>);

/// A hash of the names of an object, in order.
#[derive(Clone, Copy, Default)]
pub(crate) struct FormHash(u32);

impl FormHash {
    pub(crate) fn add(&mut self, number: u32) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9);
    }
}

impl<'js> Forms<'js> {
    pub(crate) fn new() -> Self {
        let empty = || Form { hash: 0, objects: Vec::new() };
        Self(RefCell::new(std::iter::repeat_with(empty).take(PLACES).collect()))
    }

    /// An object of that form was made. `make` makes the objects to keep; no script may run in
    /// there.
    pub(crate) fn met(
        &self,
        form: FormHash,
        make: impl FnOnce() -> Result<Vec<Object<'js>>>,
    ) -> Result<()> {
        let place = form.0 as usize % PLACES;
        let (is_known, is_kept) = {
            let known = &self.0.borrow()[place];
            (known.hash == form.0, !known.objects.is_empty())
        };
        if is_known && is_kept {
            return Ok(());
        }
        let objects = if is_known { make()? } else { Vec::new() };
        // What is replaced is dropped only when the list may be used again.
        let new = Form { hash: form.0, objects };
        let _replaced = std::mem::replace(&mut self.0.borrow_mut()[place], new);
        Ok(())
    }
}

impl<'js> Trace<'js> for Forms<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        if let Ok(forms) = self.0.try_borrow() {
            forms.iter().flat_map(|form| &form.objects).for_each(|object| object.trace(tracer));
        }
    }
}
