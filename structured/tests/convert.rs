//! Conversions from and to Rust types.

#![cfg(feature = "serde")]

use std::collections::BTreeMap;

use message_port_structured::{Builder, Value, from_value, to_value};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
enum Shape {
    Empty,
    Circle(f64),
    Line(i8, i8),
    Rectangle { width: u64, height: Option<u32> },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Everything {
    shapes: Vec<Shape>,
    names: BTreeMap<String, char>,
    numbers: BTreeMap<u16, i64>,
    large: (u64, i64, u128),
    unit: (),
    text: String,
}

#[test]
fn a_struct_comes_back_as_it_was() {
    let everything = Everything {
        shapes: vec![
            Shape::Empty,
            Shape::Circle(-0.5),
            Shape::Line(-1, 2),
            Shape::Rectangle { width: u64::MAX, height: None },
            Shape::Rectangle { width: 1, height: Some(7) },
        ],
        names: [("é".to_owned(), '日')].into(),
        numbers: [(7, i64::MIN)].into(),
        large: (1 << 60, -(1 << 60), 1 << 100),
        unit: (),
        text: "tea".to_owned(),
    };
    let value = to_value(&everything).unwrap();
    assert_eq!(from_value::<Everything>(value.root()).unwrap(), everything);
}

#[test]
fn it_looks_as_a_script_would_expect() {
    let value = to_value(&(Shape::Line(1, 2), 1_u64 << 60, [0_u8; 0], None::<u8>)).unwrap();
    assert_eq!(format!("{value:?}"), "[{Line: [1, 2]}, 1152921504606846976n, [], null]");
}

#[derive(Deserialize, Debug)]
#[allow(dead_code, reason = "only its shape counts")]
struct Nested(Vec<Nested>);

#[test]
fn a_cycle_is_an_error() {
    let mut builder = Builder::new();
    let array = builder.array();
    builder.set_elements(array, &[Some(array)], &[]);
    let value = builder.finish(array).unwrap();
    let error = from_value::<Nested>(value.root()).unwrap_err();
    assert_eq!(error.to_string(), "the value is too deep, or has a cycle");
}

#[test]
fn what_is_no_number_is_no_integer() {
    assert!(from_value::<u8>(Value::from(0.5).root()).is_err());
    assert!(from_value::<u8>(Value::from(256).root()).is_err());
    assert!(from_value::<u64>(Value::from(1e300).root()).is_err());
    assert_eq!(from_value::<f64>(Value::from(7).root()).unwrap().to_string(), "7");
}

#[test]
fn bytes_of_a_view_are_bytes() {
    #[derive(Debug, PartialEq)]
    struct Bytes(Vec<u8>);
    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl serde::de::Visitor<'_> for Visitor {
                type Value = Bytes;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("bytes")
                }
                fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                    Ok(Bytes(bytes.to_vec()))
                }
            }
            deserializer.deserialize_bytes(Visitor)
        }
    }
    let mut builder = Builder::new();
    let buffer = builder.array_buffer(&[1, 2, 3]);
    let view = builder.view(message_port_structured::ViewKind::Uint8Array, buffer, 1, 2, false);
    let value = builder.finish(view).unwrap();
    assert_eq!(from_value::<Bytes>(value.root()).unwrap(), Bytes(vec![2, 3]));
}
