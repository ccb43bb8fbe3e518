//! What the compiler refuses, and with which words.
//!
//! The texts are those of Rust 1.95. Where another compiler has other words for the same refusals,
//! `TRYBUILD=overwrite` writes them down anew.

#[test]
fn misuse_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile_fail/alignment_16.rs");
    cases.compile_fail("tests/compile_fail/alignment_32.rs");
    cases.compile_fail("tests/compile_fail/alignment_32_archived.rs");
    cases.compile_fail("tests/compile_fail/alignment_32_received.rs");
    cases.compile_fail("tests/compile_fail/builder_of_a_subtype.rs");
    cases.compile_fail("tests/compile_fail/call_no_derive.rs");
    cases.compile_fail("tests/compile_fail/data_outlives_handler.rs");
    cases.compile_fail("tests/compile_fail/field_without.rs");
    cases.compile_fail("tests/compile_fail/generic_deserialize.rs");
    cases.compile_fail("tests/compile_fail/guard_across_post.rs");
    cases.compile_fail("tests/compile_fail/guard_of_a_subtype.rs");
    cases.compile_fail("tests/compile_fail/guard_outlives_port.rs");
    cases.compile_fail("tests/compile_fail/handler_borrows.rs");
    cases.compile_fail("tests/compile_fail/handler_no_derive.rs");
    cases.compile_fail("tests/compile_fail/handler_not_send.rs");
    cases.compile_fail("tests/compile_fail/no_derive.rs");
    cases.compile_fail("tests/compile_fail/only_archive.rs");
    cases.compile_fail("tests/compile_fail/owned_no_deserialize.rs");
    cases.compile_fail("tests/compile_fail/port_as_message.rs");
    cases.compile_fail("tests/compile_fail/port_of_a_subtype.rs");
    cases.compile_fail("tests/compile_fail/port_shared.rs");
    cases.compile_fail("tests/compile_fail/str_for_string.rs");
    cases.compile_fail("tests/compile_fail/two_guards.rs");
    cases.compile_fail("tests/compile_fail/wrong_type.rs");
}
