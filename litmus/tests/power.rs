//! The check fails where it should.

use message_port_litmus::check::{Report, check};
use message_port_litmus::source::Source;

const ORDER: &str = "
mutants! {
    P1,
    P2,
    S3,
    S6,
}

tags! {
    commit = P1: Release;
    poll = P2: Acquire;
}

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
| P1 | a | Release | P2 | b |
| P2 | a | Acquire | P1 | b |
| S3 | a | Release | S4 | b |
| S6 | a | Acquire | S5 | b |
";
const CODE: &str = "
// ORDERING(P1): Release; pairs with P2.
header.store(word, order::commit());
// ORDERING(P2): Acquire; pairs with P1.
header.load(order::poll())
// ORDERING(S3): Release; pairs with S4.
// ORDERING(S6): Acquire; pairs with S5.
match settled.compare_exchange(UNSETTLED, proposal, order::settle(), order::settled()) {
";
const EXCEPTIONS: &str = "# A remark.\nS3: a reason\nS6: a reason\n";
const TEST: &str = "C t
\"A claim.\"
P1=language hardware
P2=language hardware
{ x=0; y=0; }
P0 (int* x, atomic_int* y) {
  *x = 1;
  atomic_store_explicit(y, 1, memory_order_release); // P1
}
P1 (int* x, atomic_int* y) {
  int r1 = 1;
  int r0 = atomic_load_explicit(y, memory_order_acquire); // P2
  if (r0 == 1) {
    r1 = *x;
  }
}
exists (1:r1=0)
";

fn report(test: &str, exceptions: &str) -> Report {
    let source = Source::read(ORDER, TABLE, &[CODE.to_owned()]).unwrap();
    check(&[("t.litmus".to_owned(), test.to_owned())], exceptions, &source)
}

fn failure(test: &str, exceptions: &str) -> String {
    let failures = report(test, exceptions).failures;
    assert!(!failures.is_empty(), "{test} {exceptions}");
    failures.join("\n")
}

#[test]
fn a_right_test_passes() {
    let report = report(TEST, EXCEPTIONS);
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    assert_eq!((report.tests, report.variants), (1, 3));
    assert_eq!((report.forbidden, report.allowed), (4, 8));
    assert_eq!(report.rows.len(), 2);
}

#[test]
fn what_must_not_happen_and_can_is_a_failure() {
    let broken = TEST.replace("  if (r0 == 1) {\n    r1 = *x;\n  }\n", "  r1 = *x;\n");
    assert!(failure(&broken, EXCEPTIONS).contains("as it is shipped it is allowed by [\"rc11\""));
}

#[test]
fn what_is_allowed_as_shipped_is_an_exception_with_a_reason() {
    let open = TEST.replace("  if (r0 == 1) {\n    r1 = *x;\n  }\n", "  r1 = *x;\n");
    let open = open.replace("P1=", "Shipped=language hardware\nP1=");
    assert!(failure(&open, EXCEPTIONS).contains("t: allowed as it is shipped, and no exception"));
    let report = report(&open, &format!("{EXCEPTIONS}t: a reason\n"));
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    assert!(report.allowed_as_shipped.contains("t"));
    assert!(failure(TEST, &format!("{EXCEPTIONS}t: a reason\n")).contains("t is no tag"));
}

#[test]
fn an_ordering_that_does_nothing_is_a_failure() {
    // Nothing is passed on.
    let idle = TEST.replace("    r1 = *x;\n", "    r1 = 1;\n");
    assert!(failure(&idle, EXCEPTIONS).contains("without P1 it is allowed by []"));
    let unexpected = idle.replace("P1=language hardware\nP2=language hardware\n", "");
    let failure = failure(&unexpected, EXCEPTIONS);
    assert!(failure.contains("P1: no test needs it") && failure.contains("P2: no test needs it"));
}

#[test]
fn an_ordering_that_is_not_the_librarys_is_a_failure() {
    let strong = TEST.replace("memory_order_acquire); // P2", "memory_order_seq_cst); // P2");
    assert!(failure(&strong, EXCEPTIONS).contains("[\"P2\"] is memory_order_acquire in order.rs"));
    let weak = TEST.replace("memory_order_release); // P1", "memory_order_relaxed); // P1");
    assert!(failure(&weak, EXCEPTIONS).contains("[\"P1\"] is memory_order_release in order.rs"));
    let untagged = TEST.replace(" // P1", "");
    assert!(failure(&untagged, EXCEPTIONS).contains("is memory_order_relaxed in order.rs"));
    let other = TEST
        .replace("int r0 = atomic_load_explicit(y, ", "int r0 = atomic_exchange_explicit(y, 0, ");
    assert!(failure(&other, EXCEPTIONS).contains("P2 is {Load} in the code, not Exchange"));
    let unknown = TEST.replace("// P1", "// P7");
    assert!(failure(&unknown, EXCEPTIONS).contains("P7 is not in order.rs"));
}

#[test]
fn an_expectation_that_is_not_met_is_a_failure() {
    let less = TEST.replace("P1=language hardware", "P1=language");
    assert!(failure(&less, EXCEPTIONS).contains("without P1"));
    let absent = TEST.replace("P1=language hardware", "P1=language hardware\nP3=language");
    assert!(failure(&absent, EXCEPTIONS).contains("P3 is expected to matter, and does not occur"));
    let model = TEST.replace("P1=language hardware", "P1=language software");
    assert!(failure(&model, EXCEPTIONS).contains("there is no model software"));
    let renamed = TEST.replace("C t\n", "C u\n");
    assert!(failure(&renamed, EXCEPTIONS).contains("it calls itself u"));
}

#[test]
fn an_exception_has_a_reason_and_is_one() {
    assert!(failure(TEST, "S3: a reason\n").contains("S6: no test needs it"));
    assert!(failure(TEST, "S3: a reason\nS6\n").contains("not `NAME: reason`"));
    assert!(
        failure(TEST, &format!("{EXCEPTIONS}P1: a reason\n")).contains("P1: an exception that")
    );
    assert!(
        failure(TEST, &format!("{EXCEPTIONS}T1: a reason\n")).contains("T1 is no tag, and no test")
    );
}
