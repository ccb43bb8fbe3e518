//! What the language promises: the model RC11 ("Repairing Sequential Consistency in C/C++11",
//! Lahav, Vafeiadis, Kang, Hur and Dreyer, PLDI 2017), with the release sequences of C++20, which
//! Rust has taken over: a later write of the same thread does not continue one.
//!
//! `models/rc11.cat` has the same for herd7.

use crate::execution::Execution;
use crate::program::Order;
use crate::relation::Relation;

/// What the axioms are about.
struct Derived {
    /// Happens-before.
    hb: Relation,
    /// The order in which a place is accessed, seen from its values.
    eco: Relation,
}

fn derived(x: &Execution) -> Derived {
    let releasing = x.set(|event| event.order.releases()) & !x.reads;
    let acquiring = x.set(|event| event.order.acquires()) & !x.writes;
    let fence = x.id(x.fences);
    // A release sequence: a write, and the read-modify-writes behind it.
    let rs = x.id(x.writes & x.atomic).then(&x.rf.then(&x.rmw).star());
    let sw = x
        .id(releasing)
        .then(&fence.then(&x.po).maybe())
        .then(&rs)
        .then(&x.rf)
        .then(&x.id(x.reads & x.atomic))
        .then(&x.po.then(&fence).maybe())
        .then(&x.id(acquiring));
    let hb = (&x.po | &sw).plus();
    let eco = (&(&x.rf | &x.co) | &x.fr).plus();
    Derived { hb, eco }
}

/// Whether the execution exists. `may_buffer_loads` leaves out the axiom that no value comes out
/// of thin air, and with it the promise that a load is done before a later store of its thread.
#[must_use]
pub fn is_consistent(x: &Execution, may_buffer_loads: bool) -> bool {
    let Derived { hb, eco } = derived(x);
    // COHERENCE
    if !hb.then(&eco.maybe()).is_irreflexive() {
        return false;
    }
    // ATOMICITY
    if !(&x.rmw & &x.fr.then(&x.co)).is_empty() {
        return false;
    }
    // SC
    let sc = x.set(|event| event.order == Order::SeqCst);
    let (access, fence) = (x.id(sc & !x.fences), x.id(sc & x.fences));
    let elsewhere = &x.po - &x.same_place;
    let scb = [&x.po, &elsewhere.then(&hb).then(&elsewhere), &(&hb & &x.same_place), &x.co, &x.fr]
        .into_iter()
        .fold(x.nothing(), |all, relation| &all | relation);
    let psc_base =
        (&access | &fence.then(&hb.maybe())).then(&scb).then(&(&access | &hb.maybe().then(&fence)));
    let psc_fences = fence.then(&(&hb | &hb.then(&eco).then(&hb))).then(&fence);
    if !(&psc_base | &psc_fences).is_acyclic() {
        return false;
    }
    // NO-THIN-AIR
    may_buffer_loads || (&x.po | &x.rf).is_acyclic()
}

/// Whether two threads access a place with nothing to order them, one of them by a write and one of
/// them by an access that is not atomic. That is undefined behaviour.
#[must_use]
pub fn has_race(x: &Execution) -> bool {
    let Derived { hb, .. } = derived(x);
    let accesses = (x.reads | x.writes) & !x.initial;
    let conflicts = &x.same_place.between(accesses, accesses) - &x.same_thread;
    let conflicts = &conflicts.between(x.writes, accesses) | &conflicts.between(accesses, x.writes);
    let both_atomic = x.same_place.between(x.atomic, x.atomic);
    let unordered = &(&(&conflicts - &both_atomic) - &hb) - &hb.inverse();
    !unordered.is_empty()
}
