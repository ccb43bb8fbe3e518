//! The way back: what the consumer is done with and the producer may reuse.
//!
//! A bounded queue with one end on each side. No operation waits for the other side, even if that
//! was stopped in the middle of its own operation: an item that is not quite there counts as absent,
//! and a place that is not quite free counts as taken.

use crate::sync::{Cell, PositionWord, Statistic, order};

/// What goes from the consumer back to the producer.
#[derive(Debug)]
pub(super) struct Returns<T> {
    /// A power of two of places, or none. Item number `n` has its place at `n` modulo their number.
    places: Box<[Cell<Option<T>>]>,
    /// The consumer uses no more places than this at a time. A hint of the producer's.
    offered: Statistic,
    /// What the items in here may weigh together, if they are several.
    share: usize,
    /// The weight of all items put in so far, wrapping. Written by the consumer.
    weight_in: Statistic,
    /// The weight of all items taken out so far, wrapping. Written by the producer.
    weight_out: Statistic,
    /// Items put in so far, wrapping. Written by the consumer.
    pushed: PositionWord,
    /// Items taken out so far, wrapping. Written by the producer.
    popped: PositionWord,
}

// SAFETY: only the producer accesses the places between `popped` and `pushed`, and only the consumer
// accesses all others. Q1 and Q2 hand a place over in one direction, Q3 and Q4 in the other.
unsafe impl<T: Send> Sync for Returns<T> {}

impl<T> Returns<T> {
    /// A queue with that many places: a power of two, or none if nothing will be put in.
    pub(super) fn new(places: usize) -> Self {
        assert!(places == 0 || places.is_power_of_two());
        Self {
            places: (0..places).map(|_| Cell::new(None)).collect(),
            offered: Statistic::new(places),
            share: usize::MAX,
            weight_in: Statistic::new(0),
            weight_out: Statistic::new(0),
            pushed: PositionWord::new(0),
            popped: PositionWord::new(0),
        }
    }

    /// Lets several items weigh so much together. A single one may weigh more.
    pub(super) fn sharing(self, share: usize) -> Self {
        Self { share, ..self }
    }

    /// Asks the consumer to use only so many places from now on; those in use stay in use.
    pub(super) fn offer(&self, places: usize) {
        if self.offered.get() != places {
            self.offered.set(places);
        }
    }

    /// Puts an item in, or returns it if there is no place, or if those in here would weigh too much
    /// with it. Takes the same few steps whatever the producer does.
    ///
    /// # Safety
    ///
    /// The caller is the consumer.
    pub(super) unsafe fn push(&self, item: T, weight: usize) -> Result<(), T> {
        // SAFETY: the caller promises this.
        let number = unsafe { self.put(item, weight) }?;
        // ORDERING(Q1): Release; pairs with Q2 in `take`: the item is in its place.
        self.pushed.store(number.wrapping_add(1), order::put());
        Ok(())
    }

    /// The first half of [`push`](Self::push): the item is in its place, but not yet in the queue.
    ///
    /// # Safety
    ///
    /// The caller is the consumer.
    unsafe fn put(&self, item: T, weight: usize) -> Result<usize, T> {
        let pushed = self.pushed.load(order::UNORDERED);
        // ORDERING(Q4): Acquire; pairs with Q3 in `pop`: the item before was taken out.
        let popped = self.popped.load(order::find_place());
        let items = pushed.wrapping_sub(popped);
        let is_light = items == 0 || weight <= self.share.saturating_sub(self.weight());
        if items >= self.places.len().min(self.offered.get()) || !is_light {
            return Err(item);
        }
        self.weight_in.set(self.weight_in.get().wrapping_add(weight));
        self.place(pushed).with_mut(|place| {
            // SAFETY: this is the consumer, and the place is not in the queue.
            unsafe { *place = Some(item) }
        });
        Ok(pushed)
    }

    /// Takes an item out, if there is one. Takes the same few steps whatever the consumer does.
    ///
    /// # Safety
    ///
    /// The caller is the producer, or the last user of the queue.
    pub(super) unsafe fn pop(&self) -> Option<T> {
        // SAFETY: the caller promises this.
        let (number, item) = unsafe { self.take() }?;
        // ORDERING(Q3): Release; pairs with Q4 in `put`: the item was taken out.
        self.popped.store(number.wrapping_add(1), order::leave_place());
        Some(item)
    }

    /// The first half of [`pop`](Self::pop): the item is out of its place, but that is not yet free.
    ///
    /// # Safety
    ///
    /// The caller is the producer, or the last user of the queue.
    unsafe fn take(&self) -> Option<(usize, T)> {
        let popped = self.popped.load(order::UNORDERED);
        // ORDERING(Q2): Acquire; pairs with Q1 in `push`: the item is in its place.
        if self.pushed.load(order::find_item()) == popped {
            return None;
        }
        let item = self.place(popped).with_mut(|place| {
            // SAFETY: this is the producer, and the place is in the queue.
            unsafe { (*place).take() }
        });
        Some((popped, item?))
    }

    /// Records that an item of this weight was taken out. For the producer, if it goes on.
    pub(super) fn lighten(&self, weight: usize) {
        self.weight_out.set(self.weight_out.get().wrapping_add(weight));
    }

    /// What the items in here weigh together; while the other side is active, a hint.
    pub(super) fn weight(&self) -> usize {
        self.weight_in.get().wrapping_sub(self.weight_out.get())
    }

    /// Whether there is nothing to take out. For either side, and for code that shares a thread or a
    /// lock with one.
    pub(super) fn is_empty(&self) -> bool {
        self.pushed.load(order::UNORDERED) == self.popped.load(order::UNORDERED)
    }

    fn place(&self, number: usize) -> &Cell<Option<T>> {
        &self.places[number & (self.places.len() - 1)]
    }
}

#[cfg(all(test, not(message_port_loom)))]
mod tests {
    use super::*;

    /// Both ends, on the one thread of a test.
    fn push<T>(queue: &Returns<T>, item: T) -> Result<(), T> {
        // SAFETY: nobody else uses the queue.
        unsafe { queue.push(item, 0) }
    }

    fn pop<T>(queue: &Returns<T>) -> Option<T> {
        // SAFETY: nobody else uses the queue.
        unsafe { queue.pop() }
    }

    #[test]
    fn items_come_in_order_and_places_are_used_again() {
        for places in [1, 8] {
            let queue = Returns::new(places);
            for round in 0..3 {
                assert!(queue.is_empty());
                for item in 0..places {
                    push(&queue, round * places + item).unwrap();
                }
                assert_eq!(push(&queue, 100), Err(100));
                for item in 0..places {
                    assert_eq!(pop(&queue), Some(round * places + item));
                }
                assert_eq!(pop(&queue), None);
            }
        }
    }

    #[test]
    fn no_more_places_are_used_than_offered() {
        let queue = Returns::new(8);
        for offered in [1, 5, 2] {
            queue.offer(offered);
            for item in 0..offered {
                push(&queue, item).unwrap();
            }
            assert_eq!(push(&queue, 100), Err(100));
            while pop(&queue).is_some() {}
        }
        queue.offer(3);
        (0..3).for_each(|item| push(&queue, item).unwrap());
        queue.offer(1);
        assert_eq!(pop(&queue), Some(0));
        assert_eq!(push(&queue, 100), Err(100), "two places are in use");
    }

    #[test]
    fn several_items_share_a_weight() {
        let queue = Returns::new(8).sharing(100);
        // SAFETY: nobody else uses the queue.
        let push = |weight| unsafe { queue.push(weight, weight) };
        let pop = || pop(&queue).inspect(|weight| queue.lighten(*weight));
        assert_eq!((push(usize::MAX), push(1)), (Ok(()), Err(1)));
        assert_eq!(pop(), Some(usize::MAX));
        assert_eq!([60, 41, 40, 1].map(push), [Ok(()), Err(41), Ok(()), Err(1)]);
        assert_eq!((queue.weight(), pop()), (100, Some(60)));
        assert_eq!((push(61), push(60)), (Err(61), Ok(())));
    }

    /// The consumer stops in the middle of handing something back.
    #[test]
    fn half_a_push_is_no_item() {
        let queue = Returns::new(1);
        // SAFETY: nobody else uses the queue.
        let number = unsafe { queue.put(1, 0) }.unwrap();
        assert_eq!(pop(&queue), None);
        assert!(queue.is_empty());
        queue.pushed.store(number + 1, order::put());
        assert_eq!(pop(&queue), Some(1));
    }

    /// The producer stops in the middle of taking something out.
    #[test]
    fn half_a_pop_is_no_place() {
        let queue = Returns::new(1);
        push(&queue, 1).unwrap();
        // SAFETY: nobody else uses the queue.
        let (number, item) = unsafe { queue.take() }.unwrap();
        assert_eq!(item, 1);
        assert_eq!(push(&queue, 2), Err(2));
        queue.popped.store(number + 1, order::leave_place());
        push(&queue, 2).unwrap();
        assert_eq!(pop(&queue), Some(2));
    }

    #[test]
    fn what_is_left_is_freed() {
        let item = std::rc::Rc::new(());
        let queue = Returns::new(8);
        for _ in 0..5 {
            push(&queue, item.clone()).unwrap();
        }
        drop(pop(&queue));
        assert_eq!(std::rc::Rc::strong_count(&item), 5);
        drop(queue);
        assert_eq!(std::rc::Rc::strong_count(&item), 1);
    }

    #[test]
    fn the_counts_wrap() {
        let mut queue = Returns::new(8);
        queue.pushed = PositionWord::new(usize::MAX - 2);
        queue.popped = PositionWord::new(usize::MAX - 2);
        for item in 0..8 {
            push(&queue, item).unwrap();
        }
        assert_eq!(push(&queue, 8), Err(8));
        for item in 0..8 {
            assert_eq!(pop(&queue), Some(item));
        }
        assert!(queue.is_empty());
    }
}
