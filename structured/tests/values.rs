//! Values through a channel, compared with what was posted.

use message_port::MessageChannel;
use message_port_structured::{Builder, ErrorKind, Kind, NodeId, Value, ViewKind};

fn value(make: impl FnOnce(&mut Builder) -> NodeId) -> Value {
    let mut builder = Builder::new();
    let root = make(&mut builder);
    builder.finish(root).unwrap()
}

/// Posts a value and checks that it arrives as it was, in place and owned; shows it.
fn through_a_channel(posted: &Value) -> String {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<Value>::builder().max_message_len(1 << 28).build().unwrap();
    port1.post_message(posted).unwrap();
    let received = port2.recv().unwrap();
    assert_eq!(*received, *posted);
    let owned = received.deserialize().unwrap();
    assert_eq!(owned, *posted);
    format!("{:?}", received.root())
}

fn shown(make: impl FnOnce(&mut Builder) -> NodeId) -> String {
    through_a_channel(&value(make))
}

#[test]
fn primitives_arrive() {
    assert_eq!(through_a_channel(&Value::undefined()), "undefined");
    assert_eq!(through_a_channel(&Value::null()), "null");
    assert_eq!(through_a_channel(&Value::from(true)), "true");
    assert_eq!(through_a_channel(&Value::from(-0.0)), "-0");
    assert_eq!(through_a_channel(&Value::from(f64::NAN)), "NaN");
    assert_eq!(through_a_channel(&Value::from(5e-324)), "5e-324");
    assert_eq!(shown(|b| b.bigint(true, &[0, 0, 1, 0])), "-65536n");
    assert_eq!(shown(|b| b.bigint(true, &[0])), "0n", "there is no negative zero");
    assert_eq!(shown(|b| b.bigint(false, &[1; 20])), format!("0x1{}n", "01".repeat(19)));
}

#[test]
fn strings_keep_every_unit() {
    for text in ["", "tea", "éÿ", "日本😀", "a\0b"] {
        let value = Value::from(text);
        through_a_channel(&value);
        assert_eq!(value.root().as_str().unwrap(), text);
        assert_eq!(value.root().as_str().unwrap().to_str().unwrap(), text);
    }
    let lone = value(|b| b.string_utf16(&[0x61, 0xd800, 0x62, 0xdc00]));
    assert_eq!(through_a_channel(&lone), r#""a\u{d800}b\u{dc00}""#);
    let text = lone.root().as_str().unwrap();
    assert_eq!(text.units().collect::<Vec<_>>(), [0x61, 0xd800, 0x62, 0xdc00]);
}

#[test]
fn latin_1_takes_a_byte_a_unit() {
    let text = Value::from("éÿ");
    assert_eq!(text.root().as_str().unwrap().as_latin1(), Some(&[0xe9, 0xff][..]));
    let wide = value(|b| b.string_utf16(&[0xe9, 0xff]));
    assert_eq!(wide, text);
}

#[test]
fn objects_of_every_kind_arrive() {
    let all = shown(|b| {
        let (one, text) = (b.number(1.0), b.string("t"));
        let (source, flags) = (b.string("a/b"), b.string("gi"));
        let buffer = b.resizable_array_buffer(&[1, 2, 3, 4], 16);
        let map = b.map();
        b.set_entries(map, &[(one, text)]);
        let set = b.set();
        b.set_members(set, &[text, one]);
        let error = b.error(ErrorKind::TypeError, text);
        b.set_error_fields(error, text, [Some(text), Some(one), None]);
        let code = b.name("code");
        b.set_properties(error, &[(code, one)]);
        let parts = [
            b.boxed(text),
            b.date(f64::NAN),
            b.regexp(source, flags),
            map,
            set,
            error,
            b.dom_exception(text, text, None),
            b.view(ViewKind::Uint16Array, buffer, 2, 1, true),
            buffer,
        ];
        b.array_of(parts)
    });
    assert_eq!(
        all,
        "[Object(\"t\"), Date(NaN), RegExp(/a/b/gi), Map {1 => \"t\"}, Set {\"t\", 1}, \
         TypeError(\"t\") {cause: 1, code: 1}, DOMException(t, \"t\"), \
         Uint16Array(<bytes 2..4> of &4 ArrayBuffer(<4 bytes of 16>)), *4]"
    );
}

#[test]
fn what_an_error_has_is_read_by_name() {
    let error = value(|b| {
        let (message, one, two) = (b.string("m"), b.number(1.0), b.number(2.0));
        let errors = b.array_of([one]);
        let error = b.error(ErrorKind::AggregateError, message);
        b.set_error_fields(error, message, [None, Some(two), Some(errors)]);
        error
    });
    let Kind::Error(error) = error.root().kind() else { panic!() };
    assert_eq!(error.kind(), ErrorKind::AggregateError);
    assert_eq!(error.message(), "m");
    assert!(error.stack().is_none());
    assert_eq!(error.cause().unwrap().as_f64(), Some(2.0));
    assert_eq!(error.errors().unwrap().at(0).unwrap().as_f64(), Some(1.0));
}

#[test]
fn views_share_their_buffer() {
    let views = value(|b| {
        let buffer = b.array_buffer(&[1, 2, 3, 4, 5, 6, 7, 8]);
        let views = [
            b.view(ViewKind::Uint8Array, buffer, 1, 3, false),
            b.view(ViewKind::DataView, buffer, 4, 4, false),
        ];
        b.array_of(views)
    });
    through_a_channel(&views);
    let [one, two] = [0, 1].map(|index| views.root().at(index).unwrap());
    assert_eq!(one.as_bytes(), Some(&[2, 3, 4][..]));
    assert_eq!(two.as_bytes(), Some(&[5, 6, 7, 8][..]));
    let (Kind::View(one), Kind::View(two)) = (one.kind(), two.kind()) else { panic!() };
    assert_eq!(one.buffer().identity(), two.buffer().identity());
}

#[test]
fn arrays_have_holes_and_properties() {
    let array = value(|b| {
        let (one, name) = (b.number(1.0), b.name("x"));
        let array = b.array();
        b.set_elements(array, &[Some(one), None, Some(one), None], &[(name, one)]);
        array
    });
    assert_eq!(through_a_channel(&array), "[1, <hole>, 1, <hole>, x: 1]");
    assert!(array.root().at(1).is_none());
    let sparse = value(|b| {
        let (one, name) = (b.number(1.0), b.name("1000000"));
        let array = b.array();
        b.set_sparse(array, 1_000_001, &[(name, one)]);
        array
    });
    assert_eq!(through_a_channel(&sparse), "[<length 1000001> 1000000: 1]");
    assert_eq!(sparse.root().at(1_000_000).unwrap().as_f64(), Some(1.0));
}

#[test]
fn cycles_and_sharing_arrive() {
    let cycle = value(|b| {
        let (object, name) = (b.object(), b.name("self"));
        b.set_properties(object, &[(name, object)]);
        object
    });
    assert_eq!(through_a_channel(&cycle), "&0 {self: *0}");
    let shared = value(|b| {
        let object = b.object();
        b.array_of([object, object])
    });
    let apart = value(|b| {
        let objects = [b.object(), b.object()];
        b.array_of(objects)
    });
    through_a_channel(&shared);
    assert_ne!(shared, apart, "sharing is structure");
}

#[test]
fn equality_is_by_structure() {
    assert_eq!(Value::from(f64::NAN), Value::from(-f64::NAN));
    assert_ne!(Value::from(0.0), Value::from(-0.0));
    let pair = |first: &str, second: &str| {
        value(|b| {
            let one = b.number(1.0);
            b.object_of([(first, one), (second, one)])
        })
    };
    assert_eq!(pair("a", "b"), pair("a", "b"));
    assert_ne!(pair("a", "b"), pair("b", "a"), "the order of properties is seen by scripts");
}

#[test]
fn many_levels_are_as_good_as_one() {
    let deep = |depth: u32| {
        value(|b| {
            let name = b.name("n");
            let mut object = b.object();
            for _ in 0..depth {
                let outer = b.object();
                b.set_properties(outer, &[(name, object)]);
                object = outer;
            }
            object
        })
    };
    let value = deep(200_000);
    assert!(through_a_channel(&value).starts_with("{n: {n: {n: {n:"));
    assert_ne!(value, deep(199_999));
}

#[test]
fn what_was_filled_twice_has_only_the_last() {
    let filled = value(|b| {
        let (one, two, name) = (b.number(1.0), b.number(2.0), b.name("n"));
        let object = b.object();
        b.set_properties(object, &[(name, one)]);
        b.set_properties(object, &[(name, two)]);
        object
    });
    assert_eq!(through_a_channel(&filled), "{n: 2}");
}

#[test]
fn a_recycled_builder_has_nothing_in_it() {
    let mut builder = Builder::recycle(Value::from("old"));
    let root = builder.number(7.0);
    let value = builder.finish(root).unwrap();
    assert_eq!((value.node_count(), value), (1, Value::from(7)));
}

#[test]
#[should_panic(expected = "another builder has made this node")]
fn a_node_of_another_builder_is_refused() {
    let mut other = Builder::new();
    other.null();
    let stranger = other.null();
    let mut builder = Builder::new();
    builder.array_of([stranger]);
}
