//! Archives that nobody sane has made.

#[path = "archives/tables.rs"]
mod tables;
#[path = "archives/walk.rs"]
mod walk;

use message_port_structured::{ArchivedValue, Builder, ErrorKind, Value, ViewKind};
use rkyv::rancor::Error;
use rkyv::rend::u32_le;

use tables::Tables;
use walk::walk;

fn tables(nodes: &[[u32; 4]], links: &[u32], bytes: &[u8], root: u32) -> Tables {
    Tables {
        nodes: nodes.iter().map(|words| words.map(u32_le::from_native)).collect(),
        links: links.iter().map(|link| u32_le::from_native(*link)).collect(),
        bytes: bytes.to_vec(),
        root: u32_le::from_native(root),
    }
}

fn verdict(tables: &Tables) -> Result<String, String> {
    let bytes = rkyv::to_bytes::<Error>(tables).unwrap();
    match rkyv::access::<ArchivedValue, Error>(&bytes) {
        Ok(value) => {
            walk(value.root(), value.node_count());
            Ok(format!("{value:?}"))
        }
        Err(error) => Err(error.to_string()),
    }
}

const UNDEFINED: [u32; 4] = [0, 0, 0, 0];
const STRING: [u32; 4] = [5, 0, 1, 0];

#[test]
fn the_twin_is_taken_for_a_value() {
    let object = tables(&[[10, 0, 1, 0], STRING, UNDEFINED], &[1, 2], b"a", 0);
    assert_eq!(verdict(&object).unwrap(), "{a: undefined}");
}

#[test]
fn each_rule_is_checked() {
    let cases: &[(&str, Tables)] = &[
        ("the root is not there", tables(&[], &[], &[], 0)),
        ("the root is not there", tables(&[UNDEFINED], &[], &[], 1)),
        ("no such kind", tables(&[[18, 0, 0, 0]], &[], &[], 0)),
        ("no such kind", tables(&[[0x1_0000, 0, 0, 0]], &[], &[], 0)),
        ("a detail that means nothing", tables(&[[0x100, 0, 0, 0]], &[], &[], 0)),
        ("neither true nor false", tables(&[[0x202, 0, 0, 0]], &[], &[], 0)),
        ("leading zeros", tables(&[[4, 0, 2, 0]], &[], &[1, 0], 0)),
        ("a sign that is none", tables(&[[0x104, 0, 0, 0]], &[], &[], 0)),
        ("more links or bytes", tables(&[[5, 0, 2, 0]], &[], b"a", 0)),
        ("beyond the end", tables(&[[5, 1, 1, 0]], &[], b"a", 0)),
        ("beyond the end", tables(&[[5, u32::MAX, 1, 0]], &[], b"a", 0)),
        ("more links or bytes", tables(&[[6, 0, u32::MAX, 0]], &[], b"a", 0)),
        ("more links or bytes", tables(&[STRING, STRING], &[], b"a", 0)),
        ("not in front of it", tables(&[[7, 0, 0, 0]], &[], &[], 0)),
        ("it wraps what has no wrapper", tables(&[UNDEFINED, [7, 0, 0, 0]], &[], &[], 1)),
        ("an expression that is no text", tables(&[UNDEFINED, [9, 0, 0, 0]], &[], &[], 1)),
        ("a property without a name", tables(&[[10, 0, 1, 0]], &[0, 0], &[], 0)),
        ("a property without a name", tables(&[[10, 0, 1, 0]], &[7, 0], &[], 0)),
        ("a property without a name", tables(&[[10, 0, 1, 0], STRING], &[1, u32::MAX], b"a", 0)),
        ("more links or bytes", tables(&[[10, 0, u32::MAX, 0]], &[], &[], 0)),
        ("more links or bytes", tables(&[[0x10b, 0, u32::MAX, u32::MAX]], &[], &[], 0)),
        ("neither dense nor sparse", tables(&[[0x20b, 0, 0, 0]], &[], &[], 0)),
        ("a link leads nowhere", tables(&[[0x10b, 0, 0, 1]], &[1], &[], 0)),
        ("a hole outside of an array", tables(&[[12, 0, 1, 0]], &[0, u32::MAX], &[], 0)),
        ("a hole outside of an array", tables(&[[13, 0, 1, 0]], &[u32::MAX], &[], 0)),
        ("more links or bytes", tables(&[[13, 0, 1, 0], [13, 0, 1, 0]], &[0], &[], 0)),
        ("no such error", tables(&[[0x90e, 0, 0, 0]], &[0], &[], 0)),
        ("no such field", tables(&[[14, 0, 0, 8]], &[0, 0], &[], 0)),
        ("a text that is none", tables(&[[14, 0, 0, 0]], &[0], &[], 0)),
        ("a hole outside", tables(&[[14, 0, 0, 2], STRING], &[1, u32::MAX], b"a", 0)),
        ("a text that is none", tables(&[[15, 0, 0, 0]], &[0, 0], &[], 0)),
        ("longer than it may be", tables(&[[0x110, 0, 2, 1]], &[], b"ab", 0)),
        ("longer than it may be", tables(&[[16, 0, 1, 1]], &[], b"a", 0)),
        ("a view of what is no buffer", tables(&[UNDEFINED, [0x111, 0, 0, 0]], &[], &[], 1)),
        ("no such view", tables(&[[16, 0, 0, 0], [0xd11, 0, 0, 0]], &[], &[], 1)),
        ("a view beyond", tables(&[[16, 0, 1, 0], [0x111, 0, 1, 1]], &[], b"a", 1)),
        ("a view beyond", tables(&[[16, 0, 1, 0], [0x911, 0, 0, u32::MAX]], &[], b"a", 1)),
        ("not aligned", tables(&[[16, 0, 4, 0], [0x311, 0, 1, 1]], &[], b"abcd", 1)),
        ("tracks a length", tables(&[[16, 0, 1, 0], [0x8111, 0, 0, 1]], &[], b"a", 1)),
    ];
    for (reason, tables) in cases {
        let error = verdict(tables).expect_err(reason);
        assert!(error.contains(reason), "{error} is not: {reason}");
    }
}

/// A generator of numbers, always the same ones.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}

fn sample() -> Value {
    let mut b = Builder::new();
    let (text, one) = (b.string("text"), b.bigint(false, &[1, 2]));
    let wide = b.string_utf16(&[0x65e5, 0xd800]);
    let buffer = b.resizable_array_buffer(&[1, 2, 3, 4, 5, 6, 7, 8], 16);
    let view = b.view(ViewKind::Uint16Array, buffer, 2, 3, true);
    let (map, set, object) = (b.map(), b.set(), b.object());
    b.set_entries(map, &[(text, view), (one, wide)]);
    b.set_members(set, &[map, object]);
    b.set_properties(object, &[(text, set), (wide, buffer)]);
    let error = b.error(ErrorKind::RangeError, text);
    b.set_error_fields(error, text, [Some(text), Some(object), Some(set)]);
    let (boxed, date, regexp) = (b.boxed(one), b.date(7.0), b.regexp(text, text));
    let dom = b.dom_exception(text, wide, Some(text));
    let array = b.array();
    b.set_elements(
        array,
        &[Some(error), None, Some(boxed), Some(date), Some(regexp), Some(dom), Some(object)],
        &[(text, array)],
    );
    b.finish(array).unwrap()
}

#[test]
fn changed_archives_are_refused_or_read_without_a_panic() {
    let archive = rkyv::to_bytes::<Error>(&sample()).unwrap();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut valid = 0;
    for _ in 0..20_000 {
        let mut changed = archive.clone();
        for _ in 0..=random.below(3) {
            let position = random.below(changed.len());
            changed[position] = random.next().to_le_bytes()[3] & [0xff, 0x1f][random.below(2)];
        }
        if let Ok(value) = rkyv::access::<ArchivedValue, Error>(&changed) {
            walk(value.root(), value.node_count());
            assert_eq!(*value, *value);
            valid += 1;
        }
    }
    assert!(valid > 100, "too few of the changes leave a value: {valid}");
}

#[test]
fn random_tables_are_refused_or_read_without_a_panic() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut valid = 0;
    for _ in 0..20_000 {
        let count = 1 + random.below(4);
        let mut word = |limit: usize| u32::try_from(random.below(limit)).unwrap();
        let nodes: Vec<_> = (0..count)
            .map(|_| [word(18) | (word(6) / 4) << 8, word(4), word(2), word(2)])
            .collect();
        let links: Vec<_> = (0..8).map(|_| if word(8) == 0 { u32::MAX } else { word(4) }).collect();
        valid += usize::from(verdict(&tables(&nodes, &links, &[7; 8], 0)).is_ok());
    }
    assert!(valid > 200, "too few are values: {valid}");
}
