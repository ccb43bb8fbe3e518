//! Rust values into nodes.

use serde::ser::{self, Serialize};

use super::{ConvertError, MAX_DEPTH};
use crate::builder::{Builder, NodeId};
use crate::value::Value;

/// Makes a value of anything that implements serde's `Serialize`.
///
/// Structs and maps with text for keys become objects, other maps become maps, sequences and tuples
/// arrays, bytes an `ArrayBuffer`, `None` and `()` `null`. An integer that a number cannot express
/// exactly becomes a `BigInt`. A variant is its name, or an object with its name as the only
/// property.
///
/// # Errors
///
/// Fails if the type's own `Serialize` fails, if the value is more than 128 levels deep, or too
/// large for a message.
///
/// # Examples
///
/// ```
/// use message_port_structured::to_value;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Order { item: &'static str, prices: Vec<f64> }
///
/// let value = to_value(&Order { item: "tea", prices: vec![3.0, 4.5] })?;
/// assert_eq!(format!("{value:?}"), r#"{item: "tea", prices: [3, 4.5]}"#);
/// # Ok::<(), message_port_structured::ConvertError>(())
/// ```
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, ConvertError> {
    let mut builder = Builder::new();
    let root = value.serialize(ToNode { builder: &mut builder, depth: 0 })?;
    builder.finish(root).map_err(|error| ConvertError::new(error.to_string()))
}

struct ToNode<'b> {
    builder: &'b mut Builder,
    depth: usize,
}

impl<'b> ToNode<'b> {
    fn list(self, variant: Option<&'static str>) -> Result<Parts<'b>, ConvertError> {
        if self.depth >= MAX_DEPTH {
            return Err(ConvertError::too_deep());
        }
        Ok(Parts {
            builder: self.builder,
            depth: self.depth + 1,
            variant,
            items: Vec::new(),
            pairs: Vec::new(),
            key: None,
        })
    }

    fn integer(self, value: i128) -> NodeId {
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "exact in this range"
        )]
        if value.unsigned_abs() <= 1 << 53 {
            return self.builder.number(value as i64 as f64);
        }
        self.builder.bigint(value < 0, &value.unsigned_abs().to_le_bytes())
    }
}

/// What a compound value is made of so far.
#[allow(unreachable_pub, reason = "it stands in an associated type")]
pub struct Parts<'b> {
    builder: &'b mut Builder,
    depth: usize,
    variant: Option<&'static str>,
    items: Vec<NodeId>,
    pairs: Vec<(NodeId, NodeId)>,
    key: Option<NodeId>,
}

impl Parts<'_> {
    fn node<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<NodeId, ConvertError> {
        value.serialize(ToNode { builder: self.builder, depth: self.depth })
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ConvertError> {
        let node = self.node(value)?;
        self.items.push(node);
        Ok(())
    }

    fn property<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), ConvertError> {
        let value = self.node(value)?;
        let name = self.builder.name(name);
        self.pairs.push((name, value));
        Ok(())
    }

    fn wrap(self, node: NodeId) -> NodeId {
        match self.variant {
            Some(name) => self.builder.object_of([(name, node)]),
            None => node,
        }
    }

    fn array(mut self) -> NodeId {
        let items = std::mem::take(&mut self.items);
        let node = self.builder.array_of(items);
        self.wrap(node)
    }

    fn object(self) -> NodeId {
        let all_text = self.pairs.iter().all(|(key, _)| self.builder.is_string(*key));
        let node = if all_text {
            let node = self.builder.object();
            self.builder.set_properties(node, &self.pairs);
            node
        } else {
            let node = self.builder.map();
            self.builder.set_entries(node, &self.pairs);
            node
        };
        self.wrap(node)
    }
}

macro_rules! integers {
    ($($method:ident($type:ty))*) => {
        $(fn $method(self, value: $type) -> Result<NodeId, ConvertError> {
            Ok(self.integer(i128::from(value)))
        })*
    };
}

impl<'b> ser::Serializer for ToNode<'b> {
    type Ok = NodeId;
    type Error = ConvertError;
    type SerializeSeq = Parts<'b>;
    type SerializeTuple = Parts<'b>;
    type SerializeTupleStruct = Parts<'b>;
    type SerializeTupleVariant = Parts<'b>;
    type SerializeMap = Parts<'b>;
    type SerializeStruct = Parts<'b>;
    type SerializeStructVariant = Parts<'b>;

    integers! {
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_i128(i128)
    }

    fn serialize_u128(self, value: u128) -> Result<NodeId, ConvertError> {
        match i128::try_from(value) {
            Ok(value) => Ok(self.integer(value)),
            Err(_) => Ok(self.builder.bigint(false, &value.to_le_bytes())),
        }
    }

    fn serialize_bool(self, value: bool) -> Result<NodeId, ConvertError> {
        Ok(self.builder.bool(value))
    }

    fn serialize_f32(self, value: f32) -> Result<NodeId, ConvertError> {
        Ok(self.builder.number(f64::from(value)))
    }

    fn serialize_f64(self, value: f64) -> Result<NodeId, ConvertError> {
        Ok(self.builder.number(value))
    }

    fn serialize_char(self, value: char) -> Result<NodeId, ConvertError> {
        Ok(self.builder.string(value.encode_utf8(&mut [0; 4])))
    }

    fn serialize_str(self, value: &str) -> Result<NodeId, ConvertError> {
        Ok(self.builder.string(value))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<NodeId, ConvertError> {
        Ok(self.builder.array_buffer(value))
    }

    fn serialize_none(self) -> Result<NodeId, ConvertError> {
        Ok(self.builder.null())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<NodeId, ConvertError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<NodeId, ConvertError> {
        Ok(self.builder.null())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<NodeId, ConvertError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<NodeId, ConvertError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<NodeId, ConvertError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<NodeId, ConvertError> {
        let mut parts = self.list(None)?;
        parts.property(variant, value)?;
        Ok(parts.object())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'b>, ConvertError> {
        self.list(None)
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'b>, ConvertError> {
        self.list(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'b>, ConvertError> {
        self.list(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'b>, ConvertError> {
        self.list(Some(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'b>, ConvertError> {
        self.list(None)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'b>, ConvertError> {
        self.list(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'b>, ConvertError> {
        self.list(Some(variant))
    }
}

macro_rules! sequences {
    ($($trait:ident::$method:ident)*) => {$(
        impl ser::$trait for Parts<'_> {
            type Ok = NodeId;
            type Error = ConvertError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ConvertError> {
                self.item(value)
            }

            fn end(self) -> Result<NodeId, ConvertError> {
                Ok(self.array())
            }
        }
    )*};
}

sequences! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

macro_rules! structs {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Parts<'_> {
            type Ok = NodeId;
            type Error = ConvertError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), ConvertError> {
                self.property(name, value)
            }

            fn end(self) -> Result<NodeId, ConvertError> {
                Ok(self.object())
            }
        }
    )*};
}

structs! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Parts<'_> {
    type Ok = NodeId;
    type Error = ConvertError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ConvertError> {
        self.key = Some(self.node(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ConvertError> {
        let value = self.node(value)?;
        let key = self.key.take().ok_or_else(|| ConvertError::new("a value without a key"))?;
        self.pairs.push((key, value));
        Ok(())
    }

    fn end(self) -> Result<NodeId, ConvertError> {
        Ok(self.object())
    }
}
