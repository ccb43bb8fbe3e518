//! The orderings of the library, as `src/sync/order.rs` and the table of `docs/protocol.md` have them.

use std::collections::{BTreeMap, BTreeSet};

use crate::program::{Half, Order, Role, Statement, Tagged, Test};
use crate::sites::{Operation, barrier, operation, sites};

/// What a tag stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// Half of an ordering.
    Half(Half),
    /// A barrier.
    Barrier(Role),
    /// A step that must not be left out.
    Step,
}

/// The orderings of the standard library's lock, which no tag of the library covers.
const LOCK: [(&str, Meaning); 2] =
    [("LOCK", Meaning::Half(Half::Acquire)), ("UNLOCK", Meaning::Half(Half::Release))];

/// Every tag, and every other way to break the protocol, by its name.
#[derive(Debug)]
pub struct Source {
    meanings: BTreeMap<String, Meaning>,
    sites: BTreeMap<String, BTreeSet<Operation>>,
}

impl Source {
    /// Reads `order.rs`, `protocol.md`, and the code that has the tags.
    ///
    /// # Errors
    ///
    /// Says what it does not understand, or where they disagree.
    pub fn read(order: &str, protocol: &str, code: &[String]) -> Result<Self, String> {
        let mut halves = tagged_functions(order)?;
        halves.extend(composed_functions(order)?);
        let table = table(protocol);
        let mut meanings = BTreeMap::new();
        for name in mutants(order)? {
            let row = table.get(&name).map(String::as_str);
            let meaning = match (halves.remove(&name), row) {
                (Some(Half::Acquire), Some("Acquire")) => Meaning::Half(Half::Acquire),
                (Some(Half::Release), Some("Release")) => Meaning::Half(Half::Release),
                (None, Some("full barrier, light side")) => Meaning::Barrier(Role::Light),
                (None, Some("full barrier, heavy side")) => Meaning::Barrier(Role::Heavy),
                (None, Some("full fence")) => Meaning::Barrier(Role::Fence),
                (None, None) if !is_tag(&name) => Meaning::Step,
                (half, row) => {
                    return Err(format!(
                        "{name} is {half:?} in the code, and {row:?} in the table"
                    ));
                }
            };
            meanings.insert(name, meaning);
        }
        if let Some(name) = halves.keys().chain(table.keys()).find(|&n| !meanings.contains_key(n)) {
            return Err(format!("{name} has no mutant"));
        }
        if !order.contains("const UNORDERED: Ordering = Ordering::Relaxed;") {
            return Err("what is unordered is not `Relaxed`".to_owned());
        }
        let sites = sites(code)?;
        for (name, meaning) in &meanings {
            let found = sites.get(name);
            let is_right = match meaning {
                Meaning::Half(_) => found.is_some(),
                Meaning::Barrier(role) => found == Some(&BTreeSet::from([barrier(*role)])),
                Meaning::Step => true,
            };
            if !is_right {
                return Err(format!("{name} is {meaning:?}, and in the code {found:?}"));
            }
        }
        meanings.extend(LOCK.map(|(name, meaning)| (name.to_owned(), meaning)));
        Ok(Self { meanings, sites })
    }

    /// The tags of the table of orderings.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.meanings.keys().map(String::as_str).filter(|name| is_tag(name))
    }

    /// What a tag stands for.
    #[must_use]
    pub fn meaning(&self, tag: &str) -> Option<Meaning> {
        self.meanings.get(tag).copied()
    }

    /// Checks that each ordering of a test is the one that its tags have in the library, for an operation
    /// that has them there, and says of each fence what it is made of.
    ///
    /// # Errors
    ///
    /// Says which is not.
    pub fn apply(&self, test: &mut Test) -> Result<(), String> {
        let mut wrong = Vec::new();
        test.for_each(&mut |statement| {
            let is_fence = matches!(statement, Statement::Fence { .. });
            for tagged in statement.orders() {
                if let Err(why) = self.check(tagged, is_fence) {
                    wrong.push(why);
                }
                for tag in &tagged.tags {
                    if let (Some(found), Some(done)) = (self.sites.get(tag), operation(statement))
                        && !found.contains(&done)
                    {
                        wrong.push(format!("{tag} is {found:?} in the code, not {done:?}"));
                    }
                }
            }
        });
        if !wrong.is_empty() {
            return Err(wrong.join("; "));
        }
        for thread in &mut test.threads {
            self.give_roles(&mut thread.code);
        }
        Ok(())
    }

    fn check(&self, tagged: &Tagged, is_fence: bool) -> Result<(), String> {
        let (mut acquires, mut releases, mut barriers) = (false, false, 0);
        for tag in &tagged.tags {
            match self.meaning(tag) {
                None => return Err(format!("{tag} is not in order.rs")),
                Some(Meaning::Half(Half::Acquire)) => acquires = true,
                Some(Meaning::Half(Half::Release)) => releases = true,
                Some(Meaning::Barrier(_)) => barriers += 1,
                Some(Meaning::Step) => {}
            }
        }
        if (barriers == 1) != is_fence {
            return Err(format!("{:?} is no tag of this statement", tagged.tags));
        }
        let shipped = if is_fence { Order::SeqCst } else { Order::of_halves(acquires, releases) };
        let is_plain = tagged.order == Order::Plain && shipped == Order::Relaxed;
        if shipped == tagged.order || is_plain {
            return Ok(());
        }
        Err(format!("{:?} is {shipped} in order.rs, not {}", tagged.tags, tagged.order))
    }

    fn give_roles(&self, code: &mut [Statement]) {
        for statement in code {
            match statement {
                Statement::Fence { order, role } => {
                    for tag in &order.tags {
                        if let Some(Meaning::Barrier(made_of)) = self.meaning(tag) {
                            *role = made_of;
                        }
                    }
                }
                Statement::If { then, otherwise, .. } => {
                    self.give_roles(then);
                    self.give_roles(otherwise);
                }
                _ => {}
            }
        }
    }
}

/// A letter and a digit; other mutants have longer names.
fn is_tag(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_uppercase())
        && chars.next().is_some_and(|c| c.is_ascii_digit())
        && chars.next().is_none()
}

/// What is between `open` and the next line with nothing but a brace.
fn block<'a>(text: &'a str, open: &str) -> Result<&'a str, String> {
    let start = text.find(&format!("\n{open}\n")).ok_or(format!("order.rs has no `{open}`"))?;
    let inside = &text[start + open.len() + 2..];
    let end = inside.find("\n}\n").ok_or(format!("`{open}` does not end"))?;
    Ok(&inside[..=end])
}

/// Lines that are no comments, without the white space around them.
fn lines(block: &str) -> impl Iterator<Item = &str> {
    block.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"))
}

fn mutants(order: &str) -> Result<Vec<String>, String> {
    let names = lines(block(order, "mutants! {")?);
    names
        .map(|line| line.strip_suffix(',').map(str::to_owned).ok_or(format!("no mutant: {line}")))
        .collect()
}

/// `commit = P1: Release;` in `tags!`.
fn tagged_functions(order: &str) -> Result<BTreeMap<String, Half>, String> {
    lines(block(order, "tags! {")?)
        .map(|line| {
            let parts = line.strip_suffix(';').and_then(|line| line.split_once(" = "));
            let (tag, order) = parts
                .and_then(|(_, tagged)| tagged.split_once(": "))
                .ok_or(format!("no ordering: {line}"))?;
            match order {
                "Acquire" => Ok((tag.to_owned(), Half::Acquire)),
                "Release" => Ok((tag.to_owned(), Half::Release)),
                _ => Err(format!("{tag} is {order}, of which there is no half to weaken")),
            }
        })
        .collect()
}

/// Functions with two tags: without one, the half is left that the other one stands for.
fn composed_functions(order: &str) -> Result<BTreeMap<String, Half>, String> {
    let mut halves = BTreeMap::new();
    for function in order.split("\npub(crate) fn ").skip(1) {
        let name = function.split('(').next().unwrap_or_default();
        let Some(body) = function[name.len()..].strip_prefix("() -> Ordering {\n") else {
            continue;
        };
        let body: String =
            body.split("\n}\n").next().unwrap_or_default().split_whitespace().collect();
        let branches = body.split("active(Mutant::").skip(1);
        let left: Vec<(&str, &str)> = branches
            .filter_map(|branch| branch.split_once("){Ordering::"))
            .map(|(tag, order)| (tag, order.split('}').next().unwrap_or_default()))
            .collect();
        if left.len() != 2 || !body.ends_with("else{Ordering::AcqRel}") {
            return Err(format!("`{name}` is neither in `tags!` nor made of two tags"));
        }
        for (tag, left) in left {
            let half = match left {
                "Acquire" => Half::Release,
                "Release" => Half::Acquire,
                _ => return Err(format!("without {tag}, `{name}` is {left}")),
            };
            halves.insert(tag.to_owned(), half);
        }
    }
    if halves.is_empty() {
        Err("there is no function with two tags".to_owned())
    } else {
        Ok(halves)
    }
}

/// The third column of the table of orderings, by the first one.
fn table(protocol: &str) -> BTreeMap<String, String> {
    let rows = protocol.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    cells
        .filter(|cells| cells.len() == 5 && is_tag(cells[0]))
        .map(|cells| (cells[0].to_owned(), cells[2].to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    const ORDER: &str = "
mutants! {
    /// Weakens the tagged ordering to `Relaxed`.
    P1,
    P2,
    S3,
    S6,
    B1,
    /// Something else.
    NoClear,
}

tags! {
    /// ORDERING(P1): prose.
    commit = P1: Release;
    poll = P2: Acquire;
}

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

pub(crate) const UNORDERED: Ordering = Ordering::Relaxed;
";
    const TABLE: &str = "
| tag | where | ordering | pairs with | breaks without it |
| P1 | a | Release | P2 | b |
| P2 | a | Acquire | P1 | b |
| S3 | a | Release | S4 | b |
| S6 | a | Acquire | S5 | b |
| B1 | a | full barrier, light side | B2 | b |
";

    const CODE: &str = "
// ORDERING(P1): Release; pairs with P2.
header.store(word, order::commit());
// ORDERING(P2): Acquire; pairs with P1.
header.load(order::poll())
// ORDERING(S3): Release; pairs with S4.
// ORDERING(S6): Acquire; pairs with S5.
match settled.compare_exchange(UNSETTLED, proposal, order::settle(), order::settled()) {
// ORDERING(B1): full barrier between the news and this look; pairs with B2.
barrier.light(Mutant::B1);
";

    fn read(order: &str, table: &str, code: &str) -> Result<Source, String> {
        Source::read(order, table, &[code.to_owned()])
    }

    #[test]
    fn orderings_are_read_from_the_code_and_the_table() {
        let source = read(ORDER, TABLE, CODE).unwrap();
        assert_eq!(source.tags().collect::<Vec<_>>(), ["B1", "P1", "P2", "S3", "S6"]);
        assert_eq!(source.meaning("P1"), Some(Meaning::Half(Half::Release)));
        assert_eq!(source.meaning("S3"), Some(Meaning::Half(Half::Release)));
        assert_eq!(source.meaning("S6"), Some(Meaning::Half(Half::Acquire)));
        assert_eq!(source.meaning("B1"), Some(Meaning::Barrier(Role::Light)));
        assert_eq!(source.meaning("NoClear"), Some(Meaning::Step));
        assert_eq!(source.meaning("P3"), None);
    }

    #[test]
    fn code_and_table_must_agree() {
        let stale = [
            (ORDER.replace("P1: Release", "P1: Acquire"), TABLE.to_owned()),
            (ORDER.replace("P1: Release", "P1: SeqCst"), TABLE.to_owned()),
            (ORDER.replace("    P2,\n", ""), TABLE.to_owned()),
            (ORDER.replace("    P2,\n", "    P2,\n    P3,\n"), TABLE.to_owned()),
            (ORDER.replace("= Ordering::Relaxed", "= Ordering::Acquire"), TABLE.to_owned()),
            (ORDER.replace("Ordering::AcqRel", "Ordering::SeqCst"), TABLE.to_owned()),
            (ORDER.to_owned(), TABLE.replace("| S6 | a | Acquire", "| S6 | a | Release")),
            (ORDER.to_owned(), TABLE.replace("| B1 | a | full", "| B1 | a | half")),
            (ORDER.to_owned(), TABLE.replace("| B1 |", "| B2 |")),
        ];
        for (order, table) in stale {
            assert!(read(&order, &table, CODE).is_err(), "{order}{table}");
        }
        let stale = [
            CODE.replace("ORDERING(P1)", "ORDERING(P2)"),
            CODE.replace("barrier.light(", "barrier.heavy("),
            CODE.replace("header.load(", "header.peek("),
            CODE.replace("// ORDERING(S6)", "// S6"),
        ];
        for code in stale {
            assert!(read(ORDER, TABLE, &code).is_err(), "{code}");
        }
    }

    #[test]
    fn a_test_must_have_the_orderings_of_the_library() {
        let source = read(ORDER, TABLE, CODE).unwrap();
        let apply = |statement: &str| {
            let text =
                format!("C t\n{{ }}\nP0 (atomic_int* x, int* e) {{\n{statement}\n}}\nexists (x=0)");
            source.apply(&mut parse(&text).unwrap())
        };
        let cas =
            |orders: &str| format!("atomic_compare_exchange_strong_explicit(x, e, 1, {orders}");
        let right = [
            "atomic_store_explicit(x, 1, memory_order_release); // P1",
            "atomic_store_explicit(x, 1, memory_order_release); // P1: it is published",
            "atomic_store_explicit(x, 1, memory_order_relaxed); // NoClear",
            "atomic_store_explicit(x, 1, memory_order_relaxed); // nothing is published",
            "int r = atomic_load_explicit(x, memory_order_acquire); // P2",
            "atomic_thread_fence(memory_order_seq_cst); // B1",
            &cas("memory_order_acq_rel, memory_order_relaxed); // S3 S6"),
        ];
        for statement in right {
            apply(statement).unwrap();
        }
        let wrong = [
            "atomic_store_explicit(x, 1, memory_order_relaxed); // P1",
            "atomic_store_explicit(x, 1, memory_order_release);",
            "atomic_store_explicit(x, 1, memory_order_release); // P2",
            "atomic_store_explicit(x, 1, memory_order_release); // P9",
            "atomic_store_explicit(x, 1, memory_order_release); // P1 B1",
            "int r = atomic_load_explicit(x, memory_order_acquire); // P1",
            "atomic_thread_fence(memory_order_seq_cst);",
            "atomic_thread_fence(memory_order_acquire); // P2",
            "atomic_thread_fence(memory_order_release); // B1",
            &cas("memory_order_acq_rel, memory_order_relaxed); // S3"),
            &cas("memory_order_acq_rel, memory_order_acquire); // S3 S6"),
            &cas("memory_order_acq_rel, memory_order_acquire); // S3 S6, P2"),
            "int r = atomic_exchange_explicit(x, 1, memory_order_release); // P1",
        ];
        for statement in wrong {
            assert!(apply(statement).is_err(), "{statement}");
        }
    }
}
