//! Messages of the usual kinds.

use rkyv::{Archive, Deserialize, Serialize};

/// A cache line of numbers.
#[derive(Clone, Copy, Archive, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) numbers: [u64; 8],
}

impl Line {
    pub(crate) fn new(n: u64) -> Self {
        Self { numbers: [n; 8] }
    }
}

/// A message with parts on the heap.
#[derive(Clone, Archive, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) customer: String,
    pub(crate) article: String,
    pub(crate) amounts: Vec<u32>,
    pub(crate) remark: Option<String>,
    pub(crate) price: f64,
}

impl Order {
    pub(crate) fn new(id: u64) -> Self {
        Self {
            id,
            customer: "a customer with a longish name".into(),
            article: "article 4711".into(),
            amounts: vec![1, 2, 3, 5, 8, 13],
            remark: Some("to be left with the neighbour".into()),
            price: 12.5,
        }
    }
}
