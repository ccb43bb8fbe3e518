//! What no script has posted, and random values.

use message_port_js::rquickjs::Function;
use message_port_js::{Endpoint, Host, Options};
use message_port_structured::{ArchivedValue, Builder, ErrorKind, NodeId, Value, ViewKind};
use rkyv::rancor::Error;

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

/// A random value of Rust.
fn random_value(random: &mut Random) -> Value {
    let mut b = Builder::new();
    let mut nodes: Vec<NodeId> = vec![b.undefined()];
    let mut texts: Vec<NodeId> = vec![b.string("a")];
    let mut fills = Vec::new();
    for _ in 0..=random.below(12) {
        let one = nodes[random.below(nodes.len())];
        let text = texts[random.below(texts.len())];
        let node = match random.below(17) {
            0 => b.null(),
            1 => b.bool(random.below(2) == 0),
            #[allow(clippy::cast_precision_loss, reason = "any number will do")]
            2 => b.number(
                [0.5, -0.0, f64::NAN, 1e300, 7.0, -3.0][random.below(6)] * (random.below(3) as f64),
            ),
            3 => b.bigint(random.below(2) == 0, &random.next().to_le_bytes()[..random.below(9)]),
            4 => {
                let units: Vec<u16> = (0..random.below(5))
                    .map(|_| [0x61, 0xe9, 0x65e5, 0xd800, 0xdc00, 0][random.below(6)])
                    .collect();
                let node = b.string_utf16(&units);
                texts.push(node);
                node
            }
            5 => b.boxed(text),
            6 => b.date([f64::NAN, 0.0, 1234.0][random.below(3)]),
            7 => {
                let (source, flags) = (
                    b.string(["a", "(", "[", "a{2}"][random.below(4)]),
                    b.string(["", "g", "zz"][random.below(3)]),
                );
                b.regexp(source, flags)
            }
            8 => b.dom_exception(text, text, None),
            9 => {
                let buffer = b.array_buffer(&random.next().to_le_bytes());
                b.view(
                    ViewKind::ALL[random.below(13)],
                    buffer,
                    0,
                    u32::from(random.below(2) == 0),
                    false,
                )
            }
            10 => b.resizable_array_buffer(&[1, 2], 9),
            11 => b.error(ErrorKind::ALL[random.below(9)], text),
            12 => b.map(),
            13 => b.set(),
            14 => b.array(),
            15 => b.array_of([one, text]),
            _ => b.object(),
        };
        if random.below(2) == 0 {
            fills.push(node);
        }
        nodes.push(node);
    }
    // Whatever can be filled is filled with anything, cycles included.
    let root = b.array();
    let elements: Vec<_> =
        nodes.iter().map(|node| (random.below(9) > 0).then_some(*node)).collect();
    b.set_elements(root, &elements, &[(texts[0], root)]);
    b.finish(root).unwrap()
}

/// A host whose script posts back what it gets, and a messageerror as the string "messageerror".
fn echo() -> (Host, message_port::MessagePort<Value>) {
    let (one, other) = Endpoint::pair();
    let host = Host::new(&Options::default().on_uncaught(|_| ())).unwrap();
    let port = host.connect(one).unwrap();
    host.set_global("port", &port).unwrap();
    host.eval(
        "port.onmessage = ({ data }) => port.postMessage(data);
         port.onmessageerror = ({ data }) => port.postMessage('messageerror');",
    )
    .unwrap();
    (host, other.into_port())
}

/// The text with the names of objects replaced by their order.
fn numbered(text: &str) -> String {
    let mut names: Vec<String> = Vec::new();
    let mut rest = text;
    let mut whole = String::new();
    while let Some(at) = rest.find(['&', '*']) {
        let (before, name) = rest.split_at(at + 1);
        let digits = name.len() - name.trim_start_matches(|char: char| char.is_ascii_digit()).len();
        let (name, after) = name.split_at(digits);
        let known = names.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        });
        whole.push_str(before);
        whole.push_str(&number.to_string());
        rest = after;
    }
    whole + rest
}

#[test]
fn random_values_of_rust_come_back_from_a_script_as_they_were() {
    let (host, mut port) = echo();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut same, mut refused) = (0, 0);
    for _ in 0..2000 {
        let value = random_value(&mut random);
        port.post_message(&value).unwrap();
        host.run_until_idle().unwrap();
        let back = port.try_recv().unwrap();
        if back.root().as_str().is_some_and(|text| text == "messageerror") {
            // An expression that is none.
            refused += 1;
            continue;
        }
        // What differs is what an engine adds: stacks, expressions in normal form.
        let shown = |text: String| numbered(&text.replace("(?:)", ""));
        assert_eq!(shown(format!("{:?}", back.root())), shown(format!("{:?}", value.root())));
        same += 1;
    }
    assert!(same > 500 && refused > 50, "{same} {refused}");
}

#[test]
fn changed_archives_go_into_the_engine_without_a_crash() {
    let (host, mut port) = echo();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut delivered = 0;
    for _ in 0..300 {
        let archive = rkyv::to_bytes::<Error>(&random_value(&mut random)).unwrap();
        for _ in 0..20 {
            let mut changed = archive.clone();
            for _ in 0..=random.below(3) {
                let position = random.below(changed.len());
                changed[position] = random.next().to_le_bytes()[2] & [0xff, 0x0f][random.below(2)];
            }
            let Ok(archived) = rkyv::access::<ArchivedValue, Error>(&changed) else { continue };
            let value = rkyv::deserialize::<Value, Error>(archived).unwrap();
            port.post_message(&value).unwrap();
            host.run_until_idle().unwrap();
            delivered += 1;
            while port.try_recv().is_ok() {}
        }
    }
    assert!(delivered > 300, "{delivered}");
    port.post_message(&Value::from(7)).unwrap();
    host.run_until_idle().unwrap();
    assert_eq!(port.try_recv().unwrap().root().as_f64(), Some(7.0));
}

#[test]
fn an_expression_that_is_none_is_a_messageerror_at_the_receiver() {
    let host = Host::new(&Options::default()).unwrap();
    let (one, other) = Endpoint::pair();
    let port = host.connect(one).unwrap();
    host.set_global("port", &port).unwrap();
    host.eval(
        "var log = [];
         port.onmessage = ({ data }) => log.push(data);
         port.onmessageerror = ({ type, data, isTrusted }) => log.push(`${type} ${data} ${isTrusted}`);",
    )
    .unwrap();
    let mut builder = Builder::new();
    let (source, flags) = (builder.string("("), builder.string(""));
    let regexp = builder.regexp(source, flags);
    let mut port = other.into_port();
    port.post_message(&builder.finish(regexp).unwrap()).unwrap();
    port.post_message(&Value::from("next")).unwrap();
    host.run().unwrap();
    host.with(|ctx| {
        assert_eq!(ctx.eval::<String, _>("log.join()").unwrap(), "messageerror null true,next");
    });
}

#[test]
fn a_script_that_runs_while_a_message_is_read_may_do_anything() {
    for act in ["port.postMessage(1)", "port.close()", "port.onmessage = null", "gc()"] {
        let host = Host::new(&Options::default().on_uncaught(|_| ())).unwrap();
        host.with(|ctx| {
            let gc =
                Function::new(ctx.clone(), |ctx: message_port_js::rquickjs::Ctx<'_>| ctx.run_gc());
            ctx.globals().set("gc", gc).unwrap();
        });
        let (one, other) = Endpoint::pair();
        let port = host.connect(one).unwrap();
        host.set_global("port", &port).unwrap();
        host.eval(&format!(
            "port.onmessage = () => {{}}; port.onmessageerror = () => {{ globalThis.failed = true; }};
             Error.prepareStackTrace = () => {{ {act}; return 'mine'; }};"
        ))
        .unwrap();
        let mut builder = Builder::new();
        let (source, flags) = (builder.string("("), builder.string(""));
        let regexp = builder.regexp(source, flags);
        let mut other = other.into_port();
        other.post_message(&builder.finish(regexp).unwrap()).unwrap();
        other.post_message(&Value::from("next")).unwrap();
        host.run_until_idle().unwrap();
        host.with(|ctx| assert!(ctx.eval::<bool, _>("failed").unwrap(), "{act}"));
        assert_eq!(other.is_closed(), act == "port.close()", "{act}");
    }
}

/// Makes a value in script from random numbers, and compares a clone with it, structure and all.
const RANDOM_SCRIPT: &str = r"
    const pick = (...all) => all[below(all.length)];
    const text = () => pick('', 'a', 'é', '日本', 'a\ud800', 'x'.repeat(50), '__proto__', '0');
    const make = (depth, made) => {
        if (made.length > 0 && below(8) === 0) return pick(...made);
        const note = (v) => { made.push(v); return v; };
        const inner = () => make(depth - 1, made);
        switch (below(depth > 0 ? 15 : 8)) {
            case 0: return pick(undefined, null, true, false);
            case 1: return pick(0, -0, NaN, 1.5, 2 ** 31, -(2 ** 31), 1e300);
            case 2: return text();
            case 3: return BigInt(below(1000)) ** BigInt(below(20)) * pick(1n, -1n);
            case 4: return note(new Date(pick(0, NaN, 12345)));
            case 5: return note(pick(/a/g, /(?:)/, /[\d]+/iu));
            case 6: return note(Object(pick(1, 'x', true, 2n)));
            case 7: return note(new Uint8Array([below(256), below(256)]).buffer);
            case 8: { const o = note({}); for (let i = below(5); i > 0; i--) Object.defineProperty(o, text(), { value: inner(), enumerable: true, configurable: true, writable: true }); return o; }
            case 9: { const a = note([]); for (let i = below(5); i > 0; i--) { if (below(4) === 0) a.length++; else a.push(inner()); } return a; }
            case 10: { const m = note(new Map()); for (let i = below(4); i > 0; i--) m.set(inner(), inner()); return m; }
            case 11: { const s = note(new Set()); for (let i = below(4); i > 0; i--) s.add(inner()); return s; }
            case 12: { const e = note(new (pick(Error, TypeError, RangeError))(text())); if (below(2)) e.cause = inner(); return e; }
            case 13: return note(new (pick(Uint16Array, DataView, Float32Array))(new ArrayBuffer(8), 4));
            default: { const a = note([]); a[below(1000)] = inner(); return a; }
        }
    };
    const same = (a, b, pairs) => {
        if (typeof a !== 'object' || a === null) return Object.is(a, b);
        if (typeof b !== 'object' || b === null) return false;
        if (pairs.has(a)) return pairs.get(a) === b;
        pairs.set(a, b);
        const tag = (v) => Object.prototype.toString.call(v);
        if (tag(a) !== tag(b) || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
        if (a instanceof Map || a instanceof Set) {
            const [x, y] = [[...a], [...b]];
            if (x.length !== y.length) return false;
            return x.every((v, i) => a instanceof Map ? same(v[0], y[i][0], pairs) && same(v[1], y[i][1], pairs) : same(v, y[i], pairs));
        }
        if (a instanceof Date) return Object.is(a.getTime(), b.getTime());
        if (a instanceof RegExp) return String(a) === String(b);
        if (a instanceof ArrayBuffer) return [...new Uint8Array(a)].join() === [...new Uint8Array(b)].join();
        if (ArrayBuffer.isView(a)) return a.byteOffset === b.byteOffset && a.byteLength === b.byteLength && same(a.buffer, b.buffer, pairs);
        if (/Number|String|Boolean|BigInt/.test(tag(a))) return Object.is(a.valueOf(), b.valueOf());
        if (a instanceof Error && (a.message !== b.message || a.stack !== b.stack)) return false;
        const [k, l] = [Object.keys(a), Object.keys(b)];
        return a.length === b.length && k.join('|') === l.join('|') && k.every((key) => same(a[key], b[key], pairs));
    };
    const { port1, port2 } = new MessageChannel();
    const posted = [];
    port2.onmessage = ({ data }) => { if (!same(posted.shift(), data, new Map())) wrong(); else right(); };
    for (let i = 0; i < 1000; i++) { const v = make(4, []); posted.push(v); port1.postMessage(v); }
";

#[test]
fn random_values_of_a_script_arrive_as_they_were() {
    let host = Host::new(&Options::default()).unwrap();
    host.with(|ctx| {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let below = move |limit: u32| u32::try_from(random.below(limit as usize)).unwrap();
        let below = Function::new(ctx.clone(), message_port_js::rquickjs::function::MutFn::new(below));
        ctx.globals().set("below", below).unwrap();
        ctx.eval::<(), _>("globalThis.count = [0, 0]; globalThis.wrong = () => count[0]++; globalThis.right = () => count[1]++;")
            .unwrap();
    });
    host.eval(&format!("{{{RANDOM_SCRIPT}}}")).unwrap();
    host.run().unwrap();
    host.with(|ctx| assert_eq!(ctx.eval::<String, _>("count.join()").unwrap(), "0,1000"));
}

#[test]
fn a_stack_that_is_an_exception_may_be_as_deep_as_it_likes() {
    let (ours, theirs) = Endpoint::pair();
    let host = Host::new(&Options::default()).unwrap();
    let port = host.connect(theirs).unwrap();
    host.set_global("port", &port).unwrap();
    host.eval(
        "let depth = 0;
         port.onmessage = ({ data }) => { for (; data instanceof DOMException; data = data.stack) depth++; };",
    )
    .unwrap();
    let mut builder = Builder::new();
    let text = builder.string("");
    let mut stack = None;
    for _ in 0..100_000 {
        stack = Some(builder.dom_exception(text, text, stack));
    }
    let value = builder.finish(stack.unwrap()).unwrap();
    let mut port = ours.into_port();
    port.post_message(&value).unwrap();
    host.run_until_idle().unwrap();
    let depth: u32 = host.with(|ctx| ctx.eval("depth").unwrap());
    assert_eq!(depth, 100_000);
}

#[test]
fn a_text_may_be_a_name_and_a_value() {
    let (ours, theirs) = Endpoint::pair();
    let host = Host::new(&Options::default()).unwrap();
    let port = host.connect(theirs).unwrap();
    host.set_global("port", &port).unwrap();
    host.eval("let got = ''; port.onmessage = ({ data }) => { got += JSON.stringify(data); };")
        .unwrap();
    let mut port = ours.into_port();
    for text in ["a", "é", "日本", "0"] {
        let mut builder = Builder::new();
        let text = builder.string(text);
        let inner = builder.object();
        builder.set_properties(inner, &[(text, text)]);
        let outer = builder.object();
        builder.set_properties(outer, &[(text, inner)]);
        let list = builder.array_of([text, outer, text, inner]);
        port.post_message(&builder.finish(list).unwrap()).unwrap();
    }
    host.run_until_idle().unwrap();
    let got: String = host.with(|ctx| ctx.eval("got").unwrap());
    let expected = ["a", "é", "日本", "0"].map(|text| {
        format!(r#"["{text}",{{"{text}":{{"{text}":"{text}"}}}},"{text}",{{"{text}":"{text}"}}]"#)
    });
    assert_eq!(got, expected.concat());
}
