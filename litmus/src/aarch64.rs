//! What the hardware promises: the AArch64 model (Arm Architecture Reference Manual, B2.3;
//! "Simplifying ARM Concurrency", Pulte, Flur, Deacon, French, Sarkar and Sewell, POPL 2018), of a
//! program that is compiled as rustc does it.
//!
//! Where there is a choice, the one that promises less is taken, so what is forbidden here is so on
//! every such machine:
//!
//! - a load that acquires is `LDAPR`, as on machines that have it, and not `LDAR`;
//! - a read-modify-write is a loop of `LDXR` and `STXR`, or of `LDAXR` and `STLXR`, not one
//!   instruction, which would be a full barrier if it acquires and releases;
//! - of the dependencies those count that the program's text has: of values and of branches.
//!
//! The last one promises more than the language: a compiler may replace a branch. What only a branch
//! orders is not shown here to be safe; [the language](crate::language) has to forbid it too.

use crate::execution::{Execution, range};
use crate::program::{Order, Role};
use crate::relation::{Relation, Set};
use crate::run::Kind;

/// How barriers of two sides are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barriers {
    /// Both sides execute a fence.
    Fences,
    /// The light side executes nothing, and the heavy one has the system execute a fence on all threads.
    System,
}

/// Whether the execution exists.
#[must_use]
pub fn is_consistent(x: &Execution, barriers: Barriers) -> bool {
    // Internal visibility.
    let po_place = &x.po & &x.same_place;
    if !(&(&po_place | &x.rf) | &(&x.co | &x.fr)).is_acyclic() {
        return false;
    }
    // Atomicity. (`rmw & fre; coe` would do, but the other writes are ruled out above.)
    if !(&x.rmw & &x.fr.then(&x.co)).is_empty() {
        return false;
    }
    let external = |relation: &Relation| relation - &x.same_thread;
    let observed = &(&external(&x.rf) | &external(&x.fr)) | &external(&x.co);
    let internal_rf = &x.rf & &x.same_thread;

    let acquires = x.set(|event| event.acquires_as_compiled) & x.reads;
    // `LDAXR`, and `LDAR` where it is sequentially consistent: a release in front of it comes first.
    // `LDAPR` does not wait for that.
    let sc = x.set(|event| event.order == Order::SeqCst);
    let strong_acquires = acquires & (x.rmw.inverse().range() | sc);
    let releases = x.set(|event| event.order.releases()) & x.writes;
    let accesses = x.reads | x.writes;

    let dependencies = &x.data | &x.control.between(x.reads, x.writes);
    let dependencies = &dependencies | &x.data.then(&internal_rf);
    let read_modify_write =
        &x.rmw | &x.id(x.rmw.range()).then(&internal_rf).between(accesses, acquires);
    // A write comes behind what its thread has done at the same place.
    let successors = po_place.between(accesses, x.writes);
    let half_barriers = [
        x.po.between(releases, strong_acquires),
        x.po.between(acquires, accesses),
        x.po.between(accesses, releases),
    ];
    let ordered = half_barriers
        .into_iter()
        .chain([observed, dependencies, read_modify_write, successors, fences(x, barriers)])
        .fold(x.nothing(), |all, relation| &all | &relation);

    match barriers {
        Barriers::Fences => ordered.is_acyclic(),
        Barriers::System => {
            let calls = x.set(|event| event.kind == Kind::Fence(Role::Heavy));
            some_moment_fits(x, &ordered, calls)
        }
    }
}

/// What the fences order that the threads execute themselves.
fn fences(x: &Execution, barriers: Barriers) -> Relation {
    let accesses = x.reads | x.writes;
    let mut ordered = x.nothing();
    for (number, event) in x.events.iter().enumerate() {
        let Kind::Fence(role) = event.kind else { continue };
        if barriers == Barriers::System && role == Role::Light {
            continue;
        }
        // `DMB ISHLD` for a fence that only acquires, `DMB ISH` for every other one.
        let before = if event.order == Order::Acquire { x.reads } else { accesses };
        let before = x.po.between(before, 1 << number).inverse().range();
        let after = x.po.between(1 << number, accesses).range();
        ordered.insert_all(before, after);
    }
    ordered
}

/// Whether there is a moment in each thread at which it executes its part of each call, so that the
/// rest is in order. What the caller did before comes before what the other thread does after
/// its part, what the other thread did before comes before what the caller does after the call, and
/// the part itself is a full barrier.
fn some_moment_fits(x: &Execution, ordered: &Relation, calls: Set) -> bool {
    if calls == 0 {
        return ordered.is_acyclic();
    }
    let call = calls.trailing_zeros() as usize;
    let others = x.threads.iter().copied().filter(|&(first, end)| !(first..end).contains(&call));
    let parts: Vec<(usize, usize)> = others.collect();
    moments_of(x, ordered, call, &parts, calls & (calls - 1))
}

fn moments_of(
    x: &Execution,
    ordered: &Relation,
    call: usize,
    threads: &[(usize, usize)],
    calls: Set,
) -> bool {
    // Whatever the other moments are, it only becomes worse.
    if !ordered.is_acyclic() {
        return false;
    }
    let Some((&(first, end), rest)) = threads.split_first() else {
        return some_moment_fits(x, ordered, calls);
    };
    let accesses = x.reads | x.writes;
    let before_call = x.po.inverse().between(1 << call, accesses).range();
    let after_call = x.po.between(1 << call, accesses).range();
    (first..=end).any(|moment| {
        let before = range(first, moment) & accesses;
        let after = range(moment, end) & accesses;
        let mut ordered = ordered.clone();
        ordered.insert_all(before_call | before, after);
        ordered.insert_all(before, after_call);
        moments_of(x, &ordered, call, rest, calls)
    })
}
