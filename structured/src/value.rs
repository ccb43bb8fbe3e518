//! The message.

use rkyv::bytecheck::{self, CheckBytes};
use rkyv::rancor::{Fallible, Source};
use rkyv::rend::u32_le;
use rkyv::{Archive, Deserialize, Serialize};

use crate::builder::Builder;
use crate::node::{Tables, Words};
use crate::read::Ref;
use crate::verify::verify;

/// A value of JavaScript as a message: whatever the structured clone algorithm can carry.
///
/// It is flat: a table of nodes that name each other by index, a table of these indices, and bytes.
/// So objects keep their identity, cycles are nothing special, and nothing here recurses, however
/// deep the value is. A received one is checked as a whole, once; reading it needs no
/// further check, and no engine.
///
/// It is made by a [`Builder`], or from a Rust value [with `From`](#trait-implementations), and
/// read through [`root`](Self::root), which an archive has too. Two values are equal if they have
/// the same structure: the same primitives (`NaN` equals itself, `-0` differs from `0`), the same
/// properties in the same order, and the same objects at the same places, shared ones and cycles
/// included.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
/// use message_port_structured::{Builder, Value};
///
/// let mut builder = Builder::new();
/// let price = builder.number(4.5);
/// let order = builder.object_of([("price", price)]);
/// let order: Value = builder.finish(order)?;
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<Value>::new();
/// port1.post_message(&order)?;
/// let received = port2.recv()?; // read where it lies
/// assert_eq!(received.root().get("price").and_then(|price| price.as_f64()), Some(4.5));
/// assert_eq!(format!("{received:?}"), "MessageRef({price: 4.5})");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Archive, Serialize, Deserialize)]
#[rkyv(bytecheck(verify))]
pub struct Value {
    pub(crate) nodes: Vec<Words>,
    pub(crate) links: Vec<u32_le>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) root: u32_le,
}

impl Value {
    /// The value itself, to be read.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port_structured::Value;
    ///
    /// assert_eq!(Value::from(true).root().as_bool(), Some(true));
    /// ```
    pub fn root(&self) -> Ref<'_> {
        Ref::new(self.tables(), self.root.to_native())
    }

    /// How many nodes there are: objects, primitives and names of properties. The
    /// [identities](Ref::identity) of objects are below that.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port_structured::Value;
    ///
    /// assert_eq!(Value::from(7).node_count(), 1);
    /// ```
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// `undefined`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port_structured::Value;
    ///
    /// assert!(Value::undefined().root().is_undefined());
    /// ```
    pub fn undefined() -> Self {
        Self::primitive(Builder::undefined)
    }

    /// `null`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port_structured::Value;
    ///
    /// assert!(Value::null().root().is_null());
    /// ```
    pub fn null() -> Self {
        Self::primitive(Builder::null)
    }

    fn primitive(make: impl FnOnce(&mut Builder) -> crate::NodeId) -> Self {
        let mut builder = Builder::new();
        let root = make(&mut builder);
        builder.finish(root).expect("one primitive is not too large")
    }

    pub(crate) fn tables(&self) -> Tables<'_> {
        Tables { nodes: &self.nodes, links: &self.links, bytes: &self.bytes }
    }
}

impl ArchivedValue {
    /// The value itself, to be read in place.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use message_port_structured::Value;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<Value>::new();
    /// port1.post_message(&Value::from("tea"))?;
    /// assert_eq!(port2.recv()?.root().as_str().unwrap(), "tea");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn root(&self) -> Ref<'_> {
        Ref::new(self.tables(), self.root.to_native())
    }

    /// As [`Value::node_count`].
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn tables(&self) -> Tables<'_> {
        Tables { nodes: &self.nodes, links: &self.links, bytes: &self.bytes }
    }
}

// SAFETY: nothing is promised about memory. What reads a value does so by checked indices; that
// they are right is what is checked here, so that it does not panic.
#[allow(unsafe_code, reason = "the trait is `unsafe` for those who build references on it")]
unsafe impl<C> bytecheck::Verify<C> for ArchivedValue
where
    C: Fallible + ?Sized,
    C::Error: Source,
{
    fn verify(&self, _: &mut C) -> Result<(), C::Error> {
        verify(self.tables(), self.root.to_native()).map_err(C::Error::new)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::primitive(|builder| builder.bool(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::primitive(|builder| builder.number(value))
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::from(f64::from(value))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::from(f64::from(value))
    }
}

/// Panics if the text has more than a GiB.
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        let mut builder = Builder::new();
        let root = builder.string(value);
        builder.finish(root).expect("the text is too long")
    }
}

impl Default for Value {
    /// `undefined`.
    fn default() -> Self {
        Self::undefined()
    }
}

const _: () = {
    const fn is_checkable<
        T: for<'a> CheckBytes<rkyv::api::high::HighValidator<'a, rkyv::rancor::Error>>,
    >() {
    }
    is_checkable::<ArchivedValue>();
};
