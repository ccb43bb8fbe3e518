//! Takes one ordering away.

use crate::program::{Statement, Tagged, Test};
use crate::source::{Meaning, Source};

/// The test without what a tag stands for: its half of an ordering, a barrier, or a step.
#[must_use]
pub fn weaken(test: &Test, tag: &str, source: &Source) -> Test {
    let mut weakened = test.clone();
    let meaning = source.meaning(tag).expect("the tags of a test are in the source");
    for thread in &mut weakened.threads {
        weaken_code(&mut thread.code, tag, meaning);
    }
    weakened
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
