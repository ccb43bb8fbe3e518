//! Nodes into Rust values.

use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};

use super::{ConvertError, MAX_DEPTH};
use crate::read::{Kind, Ref};

/// Makes of a value anything that implements serde's `Deserialize`.
///
/// It understands what [`to_value`](super::to_value) makes. Beside that, views of bytes are bytes,
/// sets are sequences, a wrapper is what it wraps, a date the number of its milliseconds, an error
/// its message; `undefined` is like `null`, and so are holes.
///
/// # Errors
///
/// Fails if the value is not what the type asks for, or is more than 128 levels deep, as one with a
/// cycle is.
///
/// # Examples
///
/// ```
/// use message_port_structured::{Builder, from_value};
/// use serde::Deserialize;
///
/// #[derive(Deserialize, PartialEq, Debug)]
/// struct Order { item: String, prices: Vec<f64> }
///
/// let mut builder = Builder::new();
/// let (item, price) = (builder.string("tea"), builder.number(3.0));
/// let prices = builder.array_of([price]);
/// let order = builder.object_of([("item", item), ("prices", prices)]);
/// let value = builder.finish(order)?;
/// let order: Order = from_value(value.root())?;
/// assert_eq!(order, Order { item: "tea".to_owned(), prices: vec![3.0] });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn from_value<T: DeserializeOwned>(value: Ref<'_>) -> Result<T, ConvertError> {
    T::deserialize(FromNode { value: Some(value), depth: 0 })
}

/// A value, or a hole.
struct FromNode<'a> {
    value: Option<Ref<'a>>,
    depth: usize,
}

impl<'a> FromNode<'a> {
    fn inner(&self, value: impl Into<Option<Ref<'a>>>) -> Self {
        Self { value: value.into(), depth: self.depth + 1 }
    }
}

/// The number as an integer, if it is one.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "compared with what it was"
)]
fn as_integer(number: f64) -> Option<i64> {
    let integer = number as i64;
    let exact = integer as f64 == number && number.abs() <= 9_007_199_254_740_992.0;
    (exact && (integer != 0 || number.is_sign_positive())).then_some(integer)
}

impl<'de> de::Deserializer<'de> for FromNode<'_> {
    type Error = ConvertError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConvertError> {
        if self.depth > MAX_DEPTH {
            return Err(ConvertError::too_deep());
        }
        let Some(value) = self.value else { return visitor.visit_unit() };
        match value.kind() {
            Kind::Undefined | Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(value),
            Kind::Number(number) => match as_integer(number) {
                Some(integer) if integer >= 0 => visitor.visit_u64(integer.unsigned_abs()),
                Some(integer) => visitor.visit_i64(integer),
                None => visitor.visit_f64(number),
            },
            Kind::BigInt(number) => match number.to_i128() {
                Some(number) => match (u64::try_from(number), i64::try_from(number)) {
                    (Ok(number), _) => visitor.visit_u64(number),
                    (_, Ok(number)) => visitor.visit_i64(number),
                    _ => visitor.visit_i128(number),
                },
                None => visitor.visit_string(number.to_string()),
            },
            Kind::String(text) => visitor.visit_string(text.to_string()),
            Kind::Boxed(primitive) => self.inner(primitive).deserialize_any(visitor),
            Kind::Date(time) => visitor.visit_f64(time),
            Kind::RegExp { source, flags } => visitor.visit_string(format!("/{source}/{flags}")),
            Kind::Array(array) if array.is_dense() => {
                let elements = array.elements().map(|element| self.inner(element));
                visitor.visit_seq(de::value::SeqDeserializer::new(elements.map(Item)))
            }
            Kind::Array(array) => {
                // A length of which most is holes is not to be believed.
                let properties = array.properties().map(|(name, value)| (name.to_string(), value));
                let pairs = properties.map(|(name, value)| (name, Item(self.inner(value))));
                visitor.visit_map(de::value::MapDeserializer::new(pairs))
            }
            Kind::Set(set) => {
                let members = set.members().map(|member| Item(self.inner(member)));
                visitor.visit_seq(de::value::SeqDeserializer::new(members))
            }
            Kind::Object(object) => {
                let pairs = object
                    .properties()
                    .map(|(name, value)| (name.to_string(), Item(self.inner(value))));
                visitor.visit_map(de::value::MapDeserializer::new(pairs))
            }
            Kind::Map(map) => {
                let pairs = map
                    .entries()
                    .map(|(key, value)| (Item(self.inner(key)), Item(self.inner(value))));
                visitor.visit_map(de::value::MapDeserializer::new(pairs))
            }
            Kind::Error(error) => visitor.visit_string(error.message().to_string()),
            Kind::DomException(error) => visitor.visit_string(error.message().to_string()),
            Kind::ArrayBuffer(buffer) => visitor.visit_bytes(buffer.bytes()),
            Kind::View(view) => visitor.visit_bytes(view.bytes()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConvertError> {
        match self.value {
            Some(value) if !value.is_null() && !value.is_undefined() => visitor.visit_some(self),
            _ => visitor.visit_none(),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ConvertError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConvertError> {
        let value = self.value.map(Ref::kind);
        match value {
            Some(Kind::String(name)) => visitor.visit_enum(name.to_string().into_deserializer()),
            Some(Kind::Object(object)) if object.properties().len() == 1 => {
                let pairs = object
                    .properties()
                    .map(|(name, value)| (name.to_string(), Item(self.inner(value))));
                let variant = de::value::MapDeserializer::new(pairs);
                visitor.visit_enum(de::value::MapAccessDeserializer::new(variant))
            }
            _ => Err(ConvertError::new("a variant is its name, or an object with its name")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// An element on its way into serde's adaptors.
struct Item<'a>(FromNode<'a>);

impl<'a> IntoDeserializer<'_, ConvertError> for Item<'a> {
    type Deserializer = FromNode<'a>;

    fn into_deserializer(self) -> FromNode<'a> {
        self.0
    }
}
