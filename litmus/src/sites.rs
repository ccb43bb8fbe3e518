//! Where the library's code has a tag, and what it does there.

use std::collections::{BTreeMap, BTreeSet};

use crate::program::{Modify, Role, Statement};

/// What is done at the place of a tag.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Operation {
    Load,
    Store,
    Exchange,
    CompareExchange,
    Fetch,
    LightBarrier,
    HeavyBarrier,
    Fence,
}

/// How the code calls them.
const CALLS: &[(&str, Operation)] = &[
    (".load(", Operation::Load),
    (".store(", Operation::Store),
    (".swap(", Operation::Exchange),
    (".compare_exchange(", Operation::CompareExchange),
    (".fetch_or(", Operation::Fetch),
    (".fetch_update(", Operation::Fetch),
    ("barrier.light(", Operation::LightBarrier),
    ("barrier.heavy(", Operation::HeavyBarrier),
    ("barrier.heavy_in_the_end(", Operation::HeavyBarrier),
    ("barrier.fence(", Operation::Fence),
];

/// So many lines behind its tag an operation is looked for.
const REACH: usize = 12;

/// The operations that have a tag, by the remarks `// ORDERING(TAG):` in the code.
///
/// # Errors
///
/// If there is no operation near a remark.
pub fn sites(code: &[String]) -> Result<BTreeMap<String, BTreeSet<Operation>>, String> {
    let mut sites: BTreeMap<String, BTreeSet<Operation>> = BTreeMap::new();
    for text in code {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (number, line) in lines.iter().enumerate() {
            let Some(remark) = line.strip_prefix("// ORDERING(") else { continue };
            let tag = remark.split(')').next().unwrap_or_default();
            let behind = &lines[number..lines.len().min(number + REACH)];
            // Remarks that follow one another are about the same operation; a later one is not.
            let is_code = |line: &&str| !line.starts_with("//");
            let remarks = behind.iter().position(is_code).unwrap_or(behind.len());
            let behind = behind.iter().skip(remarks);
            let behind = behind.take_while(|line| !line.starts_with("// ORDERING("));
            let operation = behind.copied().filter(is_code).find_map(|line| {
                let calls = CALLS.iter().filter_map(|&(call, what)| Some((line.find(call)?, what)));
                calls.min().map(|(_, operation)| operation)
            });
            let operation = operation.ok_or(format!("no operation behind `{line}`"))?;
            sites.entry(tag.to_owned()).or_default().insert(operation);
        }
    }
    Ok(sites)
}

/// What a step of a test does.
#[must_use]
pub fn operation(statement: &Statement) -> Option<Operation> {
    Some(match statement {
        Statement::Load { .. } => Operation::Load,
        Statement::Store { .. } => Operation::Store,
        Statement::Modify { how: Modify::Exchange, .. } => Operation::Exchange,
        Statement::Modify { how: Modify::Fetch(_), .. } => Operation::Fetch,
        Statement::CompareExchange(_) => Operation::CompareExchange,
        Statement::Assign { .. } | Statement::Fence { .. } | Statement::If { .. } => return None,
    })
}

/// What a barrier of this role is in the code.
#[must_use]
pub fn barrier(role: Role) -> Operation {
    match role {
        Role::Fence => Operation::Fence,
        Role::Light => Operation::LightBarrier,
        Role::Heavy => Operation::HeavyBarrier,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_behind_a_tag_is_found() {
        let code = "
            // ORDERING(S3): Release; pairs with S4, as `.load(` does.
            // ORDERING(S4): Acquire; pairs with S3.
            if other {
                return;
            }
            match settled.compare_exchange(UNSETTLED, proposal, order::settle(), order::settled()) {
            // ORDERING(B1): full barrier; pairs with B2.
            barrier.light(Mutant::B1);
            let state = self.state.load(order::UNORDERED);
        ";
        let sites = sites(&[code.to_owned()]).unwrap();
        assert_eq!(sites["S3"], BTreeSet::from([Operation::CompareExchange]));
        assert_eq!(sites["S4"], sites["S3"]);
        assert_eq!(sites["B1"], BTreeSet::from([Operation::LightBarrier]));
        assert_eq!(sites.len(), 3);
    }

    #[test]
    fn a_tag_without_an_operation_is_refused() {
        assert!(
            sites(&["// ORDERING(P1): Release; pairs with P2.\nlet x = 1;".to_owned()]).is_err()
        );
    }
}
