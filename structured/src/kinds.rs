//! The constructors that a value may name.

/// An enumeration that is a byte in a node and has a name in JavaScript.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($variant:ident $(= $text:literal)?),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum $name { $(#[doc = concat!("`", stringify!($variant), "`.")] $variant),* }

        impl $name {
            /// All of them, in the order of their codes.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name of the constructor.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),* }
            }

            /// The one with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == name)
            }

            pub(crate) fn from_code(code: u8) -> Option<Self> {
                Self::ALL.get(usize::from(code)).copied()
            }
        }
    };
}

named! {
    /// The constructor of an error.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port_structured::ErrorKind;
    ///
    /// assert_eq!(ErrorKind::from_name("TypeError"), Some(ErrorKind::TypeError));
    /// assert_eq!(ErrorKind::from_name("MyError"), None);
    /// ```
    ErrorKind {
        Error,
        EvalError,
        RangeError,
        ReferenceError,
        SyntaxError,
        TypeError,
        URIError,
        AggregateError,
        SuppressedError,
    }
}

named! {
    /// The type of a view of a buffer.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port_structured::ViewKind;
    ///
    /// assert_eq!(ViewKind::Float16Array.element_size(), 2);
    /// assert_eq!(ViewKind::DataView.element_size(), 1);
    /// ```
    ViewKind {
        Int8Array,
        Uint8Array,
        Uint8ClampedArray,
        Int16Array,
        Uint16Array,
        Int32Array,
        Uint32Array,
        Float16Array,
        Float32Array,
        Float64Array,
        BigInt64Array,
        BigUint64Array,
        DataView,
    }
}

impl ViewKind {
    /// Bytes of an element; a `DataView` counts bytes.
    pub fn element_size(self) -> usize {
        match self {
            Self::Int8Array | Self::Uint8Array | Self::Uint8ClampedArray | Self::DataView => 1,
            Self::Int16Array | Self::Uint16Array | Self::Float16Array => 2,
            Self::Int32Array | Self::Uint32Array | Self::Float32Array => 4,
            Self::Float64Array | Self::BigInt64Array | Self::BigUint64Array => 8,
        }
    }
}
