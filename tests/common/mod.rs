//! What several test files share. Each of them uses its own part of it.
#![allow(dead_code)]

pub(crate) mod clone;
pub(crate) mod drops;
pub(crate) mod hostile;
pub(crate) mod log;
pub(crate) mod small;
