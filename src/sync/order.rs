//! Every memory ordering of the crate, by the tag it has in `docs/protocol.md`.
//!
//! Code that needs an ordering calls the function of its tag, and so cannot pick another one. Under
//! `--cfg message_port_teeth` the environment variable `MESSAGE_PORT_MUTANT` names one [`Mutant`],
//! which is then weakened. This shows that the models can fail.

use super::Ordering;

macro_rules! mutants {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A way to break the protocol on purpose. Never active in an ordinary build.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(dead_code, reason = "the orderings name theirs through a macro")]
        pub(crate) enum Mutant {
            $($(#[$doc])* $name,)*
        }

        #[cfg(message_port_teeth)]
        const MUTANTS: &[Mutant] = &[$(Mutant::$name),*];
    };
}

mutants! {
    /// Weakens the tagged ordering to `Relaxed`.
    P1,
    /// As `P1`.
    P2,
    /// As `P1`.
    R1,
    /// As `P1`.
    R2,
    /// As `P1`.
    S1,
    /// As `P1`.
    S2,
    /// As `P1`.
    S3,
    /// As `P1`.
    S4,
    /// As `P1`.
    S5,
    /// As `P1`.
    S6,
    /// As `P1`.
    W1,
    /// As `P1`.
    W2,
    /// As `P1`.
    W3,
    /// As `P1`.
    W4,
    /// As `P1`.
    W5,
    /// As `P1`.
    Q1,
    /// As `P1`.
    Q2,
    /// As `P1`.
    Q3,
    /// As `P1`.
    Q4,
    /// As `P1`.
    V1,
    /// As `P1`.
    V2,
    /// As `P1`.
    L1,
    /// As `P1`.
    L2,
    /// As `P1`.
    L3,
    /// As `P1`.
    L4,
    /// Leaves out the publisher's half of the barrier between news and waiters.
    B1,
    /// Leaves out the waiter's half of the barrier between news and waiters.
    B2,
    /// Leaves out the receiver's half of the barrier between claim and close.
    B3,
    /// Leaves out the reporter's half of the barrier between claim and close.
    B4,
    /// Leaves out the receiver's half of the barrier between the end and a message that comes too
    /// late for it.
    B5,
    /// Leaves out the receiver's half of the barrier between a look ahead and what is given back.
    B6,
    /// Leaves out the publisher's fence where a waiter has asked for fences.
    B7,
    /// Leaves out the waiter's fence where it has asked its publishers for fences.
    B8,
    /// Takes an end that was passed, over a skip, for no end.
    StrictEnd,
    /// Takes an empty ring that was seen *before* the end for drained.
    NoSecondLook,
    /// Gives a message's bytes back before its guard is dropped.
    EarlyRelease,
    /// Dispatches `close` again on the turn after.
    CloseTwice,
    /// Dispatches `messageerror` after the next message.
    LateMessageError,
    /// Gives a message's bytes back before its `messageerror` is dispatched.
    EarlyErrorRelease,
    /// Delivers without claiming the message first.
    NoClaim,
    /// Lets each side decide by its own view what was read before a close.
    NoDecision,
    /// Does not clear the next header before committing.
    NoClear,
    /// Looks ahead at blocks that were never written.
    EarlyLookAhead,
    /// Uses the block that stays free.
    NoFreeBlock,
    /// Wakes nobody when the channel ends.
    SilentEnd,
    /// Does not return the buffer of a spilled message.
    NoHandBack,
    /// Does not free the buffers of spilled messages that nobody received.
    LeakSpilled,
    /// Counts unread messages only after they were given back.
    LateCount,
    /// Makes each message of a batch visible on its own.
    NoHoldBack,
    /// Publishes the blocks of a batch, except the first one, from the front on.
    FirstBlockFirst,
    /// Frees once more what a receiver was looking at that has gone since.
    FreeTwice,
    /// Follows the producer into the next segment without asking whether the end is settled.
    NoSwitchClaim,
    /// Gives a segment back before the last message in it.
    EarlyGiveBack,
    /// Takes room in an older segment for room in the newest one.
    NoFloor,
    /// Looks at the receiver's position only after looking at what the receiver has freed.
    LateHead,
    /// Leaves a receiver asleep in front of a switch that no message follows.
    SilentSwitch,
    /// Wakes a task by the waker of its first poll.
    KeepWaker,
    /// Lets a port wait for a port that waits for it.
    NoStall,
    /// Refuses to wait for a port that waits, even if that port already has what it waits for.
    HastyStall,
    /// Puts a port into the queue of its event loop, or select, without calling the owner.
    SilentBell,
    /// Makes an event loop, or a select, forget ports that rang while it looked at a port.
    LateBell,
    /// Lets an event loop rest without looking for what was left before.
    NoLookAtRest,
    /// Keeps ports that are left for an event loop that is gone.
    KeepArrivals,
    /// Makes a select treat a port that its owner has used as still asleep.
    ForgetLent,
    /// Makes a descriptor unreadable after its port was armed.
    LateDrain,
}

#[cfg(not(message_port_teeth))]
#[inline]
pub(crate) const fn active(_: Mutant) -> bool {
    false
}

#[cfg(message_port_teeth)]
pub(crate) fn active(mutant: Mutant) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<Mutant>> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let name = std::env::var("MESSAGE_PORT_MUTANT").ok().filter(|name| !name.is_empty())?;
        let known = MUTANTS.iter().find(|mutant| format!("{mutant:?}") == name);
        // A run that weakens nothing must not pass for one that does. Other code would still
        // run while a panic unwinds.
        Some(*known.unwrap_or_else(|| {
            eprintln!("no mutant `{name}`, but {MUTANTS:?}");
            std::process::exit(2)
        }))
    }) == Some(mutant)
}

macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident = $tag:ident: $ordering:ident;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub(crate) fn $name() -> Ordering {
            if active(Mutant::$tag) { Ordering::Relaxed } else { Ordering::$ordering }
        }
    )*};
}

tags! {
    /// ORDERING(P1): the producer publishes a frame; pairs with P2.
    commit = P1: Release;
    /// ORDERING(P2): the consumer polls for a frame; pairs with P1.
    poll = P2: Acquire;
    /// ORDERING(R1): the consumer gives bytes back; pairs with R2.
    release = R1: Release;
    /// ORDERING(R2): the producer learns which bytes are its own again; pairs with R1.
    refresh = R2: Acquire;
    /// ORDERING(S1): a port says that it closed or went away; pairs with S2.
    end = S1: Release;
    /// ORDERING(S2): a port sees the end and looks into the ring once more; pairs with S1.
    ended = S2: Acquire;
    /// ORDERING(S4): who finds the end fixed sees what is before it; pairs with S3.
    settled = S4: Acquire;
    /// ORDERING(S5): a consumer that passes a switch shows that it did; pairs with S6.
    pass = S5: Release;
    /// ORDERING(W1): a waiter hands over the means to wake it; pairs with W2.
    arm = W1: Release;
    /// ORDERING(W3): a notifier is done with the waker's slot; pairs with W4.
    give_back = W3: Release;
    /// ORDERING(W4): the waiter may use the waker's slot again, and sees the news of who has taken its
    /// cell; pairs with W3 and W5.
    regain = W4: Acquire;
    /// ORDERING(Q1): the consumer hands something back; pairs with Q2.
    put = Q1: Release;
    /// ORDERING(Q2): the producer finds what was handed back; pairs with Q1.
    find_item = Q2: Acquire;
    /// ORDERING(Q3): the producer has taken out what was handed back; pairs with Q4.
    leave_place = Q3: Release;
    /// ORDERING(Q4): the consumer finds a place to hand something back; pairs with Q3.
    find_place = Q4: Acquire;
    /// ORDERING(V1): the consumer is done looking at what it has not taken; pairs with V2.
    end_look = V1: Release;
    /// ORDERING(V2): the producer may free what the consumer never takes; pairs with V1.
    looked = V2: Acquire;
    /// ORDERING(L1): who calls an event loop shows what it left for it; pairs with L2.
    call = L1: Release;
    /// ORDERING(L2): an event loop that comes to rest finds what was left; pairs with L1.
    find_calls = L2: Acquire;
    /// ORDERING(L3): a port that rings shows which one rang before it; pairs with L4.
    ring = L3: Release;
    /// ORDERING(L4): an event loop takes those that rang; pairs with L3.
    hear = L4: Acquire;
}

/// ORDERING(S3): who fixes the end of a direction shows what is before it; pairs with S4.
/// ORDERING(S6): who fixes it sees which switches were passed; pairs with S5.
#[inline]
pub(crate) fn settle() -> Ordering {
    if active(Mutant::S3) {
        Ordering::Acquire
    } else if active(Mutant::S6) {
        Ordering::Release
    } else {
        Ordering::AcqRel
    }
}

/// ORDERING(W2): a notifier takes the means to wake a waiter; pairs with W1.
/// ORDERING(W5): it shows its news to the waiter, who may not be woken by it; pairs with W4.
#[inline]
pub(crate) fn take() -> Ordering {
    if active(Mutant::W2) {
        Ordering::Release
    } else if active(Mutant::W5) {
        Ordering::Acquire
    } else {
        Ordering::AcqRel
    }
}

/// An ordering for a value that only its writer's own thread, or nobody, needs in order.
pub(crate) const UNORDERED: Ordering = Ordering::Relaxed;
