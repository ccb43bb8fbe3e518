//! Litmus tests, and the executions that memory models allow them.
//!
//! A [test](program::Test) is [read](parse) from a subset of the C litmus format of herd7.
//! [`run`] finds out what each thread may do, whatever its reads return; [`execution`] joins
//! that to candidate executions, exhaustively; [`language`] and [`aarch64`] say which of those
//! exist; [`verdict`] puts the answer together. [`source`] ties a test to the orderings of the
//! library, and [`weaken`] takes one of them away.

pub mod aarch64;
pub mod assembly;
pub mod check;
pub mod execution;
pub mod language;
pub mod lex;
pub mod parse;
pub mod print;
pub mod program;
pub mod relation;
pub mod run;
pub mod sites;
pub mod source;
pub mod verdict;
pub mod weaken;
