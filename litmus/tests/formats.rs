//! What is read is what is written, and what is no test is refused.

use std::fs;
use std::path::PathBuf;

use message_port_litmus::parse::parse;
use message_port_litmus::program::{Half, Order};
use message_port_litmus::verdict::Verdicts;
use message_port_litmus::{assembly, print};

fn all_tests() -> Vec<(PathBuf, String)> {
    let directories = ["/shapes", "/tests"];
    let all = directories.iter().flat_map(|directory| {
        fs::read_dir(format!("{}{directory}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    });
    let files = all.map(|file| file.unwrap().path());
    let tests = files.filter(|file| file.extension().is_some_and(|e| e == "litmus"));
    tests.map(|file| (file.clone(), fs::read_to_string(file).unwrap())).collect()
}

#[test]
fn a_test_that_is_printed_and_read_again_says_the_same() {
    for (file, text) in all_tests() {
        let test = parse(&text).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let again =
            parse(&print::c(&test)).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let (one, two) = (Verdicts::of(&test), Verdicts::of(&again));
        assert_eq!(one.verdicts, two.verdicts, "{}", file.display());
        assert_eq!(one.candidates, two.candidates, "{}", file.display());
    }
}

#[test]
fn message_passing_is_compiled_as_rustc_does_it() {
    let text = "C MP\n{ x=0; y=0; }\n\
        P0 (int* x, atomic_int* y) { *x = 1; atomic_store_explicit(y, 1, memory_order_release); }\n\
        P1 (int* x, atomic_int* y) { int r0 = atomic_load_explicit(y, memory_order_acquire);\n\
        atomic_thread_fence(memory_order_seq_cst); int r1 = *x; }\n\
        exists (1:r0=1 /\\ 1:r1=0)";
    let compiled = assembly::of(&parse(text).unwrap());
    for line in ["STR W2,[X0]", "STLR W2,[X1]", "LDAPR W2,[X1]", "DMB ISH", "LDR W3,[X0]"] {
        assert!(compiled.contains(line), "{line}: {compiled}");
    }
    assert!(compiled.ends_with("exists ((1:X2=1 /\\ 1:X3=0))\n"), "{compiled}");
}

#[test]
fn what_is_no_test_is_refused() {
    let program = |code: &str, exists: &str| {
        parse(&format!("C t\n{{ x=0; }}\nP0 (atomic_int* x, int* e) {{ {code} }}\n{exists}"))
    };
    program("int r = atomic_load_explicit(x, memory_order_relaxed);", "exists (0:r=0)").unwrap();
    let store = "atomic_store_explicit(x, 1, memory_order_relaxed);";
    for (code, exists) in [
        ("int r = atomic_load_explicit(x, memory_order_consume);", "exists (0:r=0)"),
        ("int r = atomic_load_explicit(x);", "exists (0:r=0)"),
        ("int r = atomic_load(x);", "exists (0:r=0)"),
        ("int r = 1", "exists (0:r=0)"),
        ("int r = q;", "exists (0:r=0)"),
        ("int r; int r;", "exists (0:r=0)"),
        ("while (1) { }", "exists (x=0)"),
        (store, "exists (1:r=0)"),
        (store, "exists (0:r=0)"),
        (store, "exists (z=0)"),
        (store, "exists (x=0) x"),
        (store, "forall (x=0)"),
        ("int r; // P1\n", "exists (x=0)"),
        ("atomic_store_explicit(x, 1, memory_order_relaxed); // P1, P2\n", "exists (x=0)"),
        ("@", "exists (x=0)"),
    ] {
        assert!(program(code, exists).is_err(), "{code} {exists}");
    }
    assert!(parse("AArch64 t\n{ }\nexists (x=0)").is_err());
}

#[test]
fn an_ordering_is_weakened_by_halves() {
    assert_eq!(Order::AcqRel.without(Half::Acquire), Order::Release);
    assert_eq!(Order::AcqRel.without(Half::Release), Order::Acquire);
    assert_eq!(Order::Release.without(Half::Release), Order::Relaxed);
    assert_eq!(Order::Release.without(Half::Acquire), Order::Release);
}
