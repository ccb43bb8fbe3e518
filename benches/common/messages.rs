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

/// Structs of one size: their archives are their bytes, which the derive sees only where the fields are
/// in the order of the archive's (`repr(C)`) and the type has no parameters.
macro_rules! structs {
    ($($name:ident: $others:literal;)*) => {$(
        #[derive(Clone, Copy, Archive, Serialize, Deserialize)]
        #[repr(C)]
        pub(crate) struct $name {
            pub(crate) id: u64,
            pub(crate) others: [u64; $others],
        }

        impl $name {
            pub(crate) fn new(id: u64) -> Self {
                Self { id, others: [id; $others] }
            }
        }

        const _: () = assert!(<$name as Archive>::COPY_OPTIMIZATION.is_enabled());
    )*};
}

// Of 16, 24, 64 and 200 bytes.
structs! {
    Pair: 1;
    Tick: 2;
    Quote: 7;
    Snapshot: 24;
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
