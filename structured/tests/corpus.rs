//! The corpus of the fuzz targets, replayed without a fuzzer.

mod archives;
#[path = "../../tests/common/corpus.rs"]
mod corpus;

use message_port_structured::{ArchivedValue, Builder, ErrorKind, NodeId, Value, ViewKind};
use rkyv::rancor::Error;

#[test]
fn value() {
    let mut valid = 0;
    let replayed = corpus::replay("value", |input| {
        archives::check(input)?;
        let archive = archives::input::archive(input);
        valid += usize::from(rkyv::access::<ArchivedValue, Error>(&archive).is_ok());
        Ok(())
    });
    assert!(valid > 10 && replayed > valid, "{valid} of {replayed} inputs are values");
}

/// A value of each kind, alone or with what it needs.
fn samples() -> Vec<Value> {
    let makes: [fn(&mut Builder) -> NodeId; 14] = [
        Builder::undefined,
        |b| b.number(-0.0),
        |b| b.bigint(true, &[0, 1, 2]),
        |b| b.string_utf16(&[0x65e5, 0xd800, 0x61]),
        |b| {
            let text = b.string("é");
            b.boxed(text)
        },
        |b| {
            let (source, flags) = (b.string("a+(?:b|c)"), b.string("giu"));
            b.regexp(source, flags)
        },
        |b| {
            let (one, two) = (b.bool(true), b.date(f64::NAN));
            b.object_of([("one", one), ("0", two), ("__proto__", one)])
        },
        |b| {
            let (text, array) = (b.string("x"), b.array());
            b.set_elements(array, &[Some(text), None, Some(array)], &[(text, array)]);
            array
        },
        |b| {
            let (map, one) = (b.map(), b.number(1.5));
            b.set_entries(map, &[(map, one), (one, map)]);
            map
        },
        |b| {
            let (set, none) = (b.set(), b.null());
            b.set_members(set, &[none, set]);
            set
        },
        |b| {
            let text = b.string("text");
            let error = b.error(ErrorKind::RangeError, text);
            b.set_error_fields(error, text, [Some(text), Some(error), Some(text)]);
            error
        },
        |b| {
            let (name, text) = (b.string("AbortError"), b.string(""));
            b.dom_exception(name, text, Some(text))
        },
        |b| {
            let buffer = b.resizable_array_buffer(&[1, 2, 3, 4], 16);
            b.view(ViewKind::Uint16Array, buffer, 2, 1, true)
        },
        |b| {
            let buffer = b.array_buffer(&[0; 16]);
            b.view(ViewKind::Float64Array, buffer, 8, 1, false)
        },
    ];
    let values = makes.map(|make| {
        let mut builder = Builder::new();
        let root = make(&mut builder);
        builder.finish(root).expect("a sample")
    });
    values.into()
}

/// Valid archives of every kind, changed in one place at a time, and cut.
#[test]
fn damaged_archives() {
    for value in samples() {
        let archive = rkyv::to_bytes::<Error>(&value).expect("an archive");
        let input = [&[archives::input::AS_IT_IS], archive.as_slice()].concat();
        archives::check(&input).expect("a valid archive");
        for at in 1..input.len() {
            for flip in [1, 0x80, 0xff] {
                let mut damaged = input.clone();
                damaged[at] ^= flip;
                if let Err(objection) = archives::check(&damaged) {
                    panic!("{flip:#x} at {at} of {input:?}: {objection}");
                }
            }
            archives::check(&input[..at]).expect("a cut archive");
        }
    }
}

/// Writes the inputs that fuzzing begins with:
/// `cargo test -p message-port-structured --test corpus -- --ignored`.
#[test]
#[ignore = "writes into the source tree"]
fn write_the_first_inputs() {
    let samples = samples();
    let valid = samples.iter().map(|value| {
        let archive = rkyv::to_bytes::<Error>(value).expect("an archive");
        [&[archives::input::AS_IT_IS], archive.as_slice()].concat()
    });
    corpus::write("value", "valid", valid.collect());
    // An object with a property, as tables.
    let nodes = [[10, 0, 0, 0, 0, 1, 0], [5, 0, 0, 0, 0, 1, 0], [0; 7]].concat();
    let object = [&[1, 3, 2, 0], nodes.as_slice(), &[1, 2, b'a']].concat();
    let tables = [0, 1, 3].map(|nodes| {
        let mut input = object.clone();
        input[1] = nodes;
        input
    });
    corpus::write("value", "tables", tables.into());
}
