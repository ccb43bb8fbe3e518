//! Takes one ordering away.

use crate::program::{Role, Statement, Tagged, Test};
use crate::source::{Meaning, Source};

/// The test without what a tag stands for: its half of an ordering, a barrier, or a step.
///
/// # Panics
///
/// If the source does not have the tag. A test that the source was [applied](Source::apply) to has no
/// such tags.
#[must_use]
pub fn weaken(test: &Test, tag: &str, source: &Source) -> Test {
    let mut weakened = test.clone();
    let meaning = source.meaning(tag).expect("the tags of a test are in the source");
    for thread in &mut weakened.threads {
        weaken_code(&mut thread.code, tag, meaning);
    }
    weakened
}

/// The test without the light side of a barrier, as a compiler may change it then: the accesses on
/// its two sides have changed places. `None` if the tag is for something else.
///
/// Where the system executes the barrier, the light side is no instruction, and this is all that it
/// prevents.
#[must_use]
pub fn exchange(test: &Test, tag: &str, source: &Source) -> Option<Test> {
    if source.meaning(tag) != Some(Meaning::Barrier(Role::Light)) {
        return None;
    }
    let mut exchanged = test.clone();
    for thread in &mut exchanged.threads {
        exchange_code(&mut thread.code, tag);
    }
    Some(exchanged)
}

fn exchange_code(code: &mut Vec<Statement>, tag: &str) {
    let is_fence = |statement: &Statement| matches!(statement, Statement::Fence { order, .. } if order.tags.iter().any(|t| t == tag));
    if let Some(fence) = code.iter().position(is_fence) {
        code.remove(fence);
        if let Some([before, after]) = code.get(fence.wrapping_sub(1)..=fence)
            && before.place().is_some_and(|place| after.place().is_some_and(|p| p != place))
        {
            code.swap(fence - 1, fence);
        }
    }
    for statement in code {
        if let Statement::If { then, otherwise, .. } = statement {
            exchange_code(then, tag);
            exchange_code(otherwise, tag);
        }
    }
}

fn weaken_code(code: &mut Vec<Statement>, tag: &str, meaning: Meaning) {
    if !matches!(meaning, Meaning::Half(_)) {
        let has_tag = |tagged: &&Tagged| tagged.tags.iter().any(|other| other == tag);
        code.retain(|statement| !statement.orders().iter().any(has_tag));
    }
    let weaken_order = |tagged: &mut Tagged| {
        if let Meaning::Half(half) = meaning
            && tagged.tags.iter().any(|other| other == tag)
        {
            tagged.order = tagged.order.without(half);
            tagged.tags.retain(|other| other != tag);
        }
    };
    for statement in code {
        match statement {
            Statement::Load { order, .. }
            | Statement::Store { order, .. }
            | Statement::Modify { order, .. }
            | Statement::Fence { order, .. } => weaken_order(order),
            Statement::CompareExchange(step) => {
                weaken_order(&mut step.success);
                weaken_order(&mut step.failure);
            }
            Statement::If { then, otherwise, .. } => {
                weaken_code(then, tag, meaning);
                weaken_code(otherwise, tag, meaning);
            }
            Statement::Assign { .. } => {}
        }
    }
}
