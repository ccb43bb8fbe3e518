//! Values through the clone algorithm: what arrives is what the algorithm says.

#![allow(clippy::needless_raw_string_hashes, reason = "scripts, of which some have quotes")]

use crate::logged;

/// Shows a value so that everything that should survive a clone is seen.
const SHOW: &str = r#"
    const objects = new Map();
    const show = (v) => {
        if (Object.is(v, -0)) return '-0';
        if (typeof v === 'bigint') return `${v}n`;
        if (typeof v === 'string') return JSON.stringify(v);
        if (typeof v !== 'object' || v === null) return String(v);
        if (objects.has(v)) return `@${objects.get(v)}`;
        objects.set(v, objects.size);
        const tag = Object.prototype.toString.call(v).slice(8, -1), own = Object.keys(v);
        const props = (keys) => keys.map((k) => `${k}:${show(v[k])}`).join();
        if (v instanceof Error && tag !== 'DOMException') {
            const rest = own.length ? `+{${props(own.filter((k) => k !== 'cause'))}}` : '';
            const has = (k) => Object.hasOwn(v, k);
            return `${Object.getPrototypeOf(v).constructor.name}{name=${v.name} message=${has('message') ? 'own ' : ''}${show(v.message)}` +
                ` stack=${typeof v.stack}${has('cause') ? ` cause=${show(v.cause)}` : ''}${has('errors') ? ` errors=${show(v.errors)}` : ''}}${rest}`;
        }
        if (v instanceof DOMException) return `DOMException ${v.name} ${v.message} ${v.code}`;
        if (ArrayBuffer.isView(v)) {
            const items = v instanceof DataView ? '' : ` [${Array.from(v, show)}]`;
            return `${tag}(off ${v.byteOffset} len ${v.length ?? v.byteLength} ${show(v.buffer)}${items})`;
        }
        switch (tag) {
            case 'Array': {
                const items = [];
                for (let i = 0; i < v.length && i < 20; i++) items.push(i in v ? show(v[i]) : 'hole');
                const rest = own.filter((k) => !(k >>> 0 < v.length && String(k >>> 0) === k));
                return `[${items}]${rest.length ? `+{${props(rest)}}` : ''}`;
            }
            case 'Map': return `Map(${[...v].map(([k, x]) => `${show(k)}=>${show(x)}`)})`;
            case 'Set': return `Set(${[...v].map(show)})`;
            case 'Date': return `Date(${v.getTime()})`;
            case 'RegExp': return `RegExp(${v} li=${v.lastIndex})`;
            case 'ArrayBuffer': return `AB(${v.byteLength}${v.resizable ? ` max ${v.maxByteLength}` : ''})`;
            case 'Boolean': case 'Number': case 'String': return `${tag}(${show(v.valueOf())})`;
            case 'BigInt': return `BigInt(${show(v.valueOf())})`;
        }
        const plain = Object.getPrototypeOf(v) === Object.prototype ? '' : '?';
        return `${plain}{${props(own)}}`;
    };
    const clone = (make) => {
        objects.clear();
        let v;
        try { v = make(); } catch (error) { return `n/a ${error.name}`; }
        try { return show(structuredClone(v)); } catch (error) { return `throws ${error.name}`; }
    };
    // The same by a channel.
    const posted = async (make) => {
        const { port1, port2 } = new MessageChannel();
        try { port1.postMessage(make()); } catch (error) { return `throws ${error.name}`; }
        return new Promise((resolve) => {
            port2.onmessage = ({ data }) => { objects.clear(); resolve(show(data)); };
            port2.onmessageerror = () => resolve('messageerror');
        });
    };
"#;

/// Whether it is the body of a function, and not an expression.
fn is_body(text: &str) -> bool {
    (text.starts_with("const ") || text.starts_with("class ")) && text.contains("return ")
}

/// Checks each line `expression → what arrives`, by `structuredClone` and by a channel.
fn check(cases: &str) {
    let mut wrong = Vec::new();
    for case in cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (expression, expected) = case.split_once(" → ").unwrap();
        let script = format!(
            "{SHOW} const make = () => {{ {} }};
             log(clone(make)); log(await posted(make));",
            if is_body(expression) {
                expression.to_owned()
            } else {
                format!("return ({expression})")
            }
        );
        let expected = format!("{expected} · {expected}");
        let log = logged(&script);
        if log != expected {
            wrong.push(format!("{expression}\n    gives {log}\n    not   {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn primitives() {
    check(
        r#"
        undefined → undefined
        null → null
        true → true
        NaN → NaN
        -0 → -0
        -Infinity → -Infinity
        2**53 → 9007199254740992
        5e-324 → 5e-324
        2**31 → 2147483648
        -(2**31) → -2147483648
        -1606938044258990275541962092341162602522202993782792835301376n → -1606938044258990275541962092341162602522202993782792835301376n
        0n → 0n
        -1n → -1n
        '' → ""
        'éÿ' → "éÿ"
        '日本😀' → "日本😀"
        'a\ud800b\udc00' → "a\ud800b\udc00"
        'a\u0000b' → "a\u0000b"
        '"\\\n\u2028\ud800' → "\"\\\n
\ud800"
    "#
        .replace("\n\\ud800", "\u{2028}\\ud800")
        .as_str(),
    );
}

#[test]
fn long_strings() {
    check(
        "
        'x'.repeat(10485760).length + structuredClone('x'.repeat(10485760)).length → 20971520
        [structuredClone('日'.repeat(5242880)).length] → [5242880]
        structuredClone('\\ud800'.repeat(5000)) === '\\ud800'.repeat(5000) → true
        ['y'.repeat(100), 'y'.repeat(100)].map((s) => s.length) → [100,100]
    ",
    );
}

#[test]
fn wrappers_dates_and_expressions() {
    check(
        "
        new Boolean(false) → Boolean(false)
        new Number(-0) → Number(-0)
        new String('s') → String(\"s\")
        Object(1n) → BigInt(1n)
        Object.assign(new String('s'), { p: 1 }) → String(\"s\")
        Object(Symbol()) → throws DataCloneError
        new Date(1234) → Date(1234)
        new Date(NaN) → Date(NaN)
        Object.assign(new Date(5), { p: 1 }) → Date(5)
        const r = /a\\/b/giu; r.lastIndex = 3; return r → RegExp(/a\\/b/giu li=0)
        /[a--b]/v → RegExp(/[a--b]/v li=0)
        /a/dsy → RegExp(/a/dsy li=0)
        new RegExp('') → RegExp(/(?:)/ li=0)
    ",
    );
}

#[test]
fn buffers_and_views() {
    check(
        "
        new ArrayBuffer(3) → AB(3)
        new ArrayBuffer(0) → AB(0)
        new ArrayBuffer(4, { maxByteLength: 16 }) → AB(4 max 16)
        new Uint8Array([1, 255]) → Uint8Array(off 0 len 2 AB(2) [1,255])
        new Uint8Array([1,2,3,4,5,6,7,8]).subarray(2, 5) → Uint8Array(off 2 len 3 AB(8) [3,4,5])
        new Int8Array([-1]) → Int8Array(off 0 len 1 AB(1) [-1])
        new Uint8ClampedArray([300]) → Uint8ClampedArray(off 0 len 1 AB(1) [255])
        new Int16Array([-300]) → Int16Array(off 0 len 1 AB(2) [-300])
        new Uint16Array([65535]) → Uint16Array(off 0 len 1 AB(2) [65535])
        new Int32Array([-1]) → Int32Array(off 0 len 1 AB(4) [-1])
        new Uint32Array([-1]) → Uint32Array(off 0 len 1 AB(4) [4294967295])
        new Float16Array([1.5, NaN]) → Float16Array(off 0 len 2 AB(4) [1.5,NaN])
        new Float32Array([1.5, -0]) → Float32Array(off 0 len 2 AB(8) [1.5,-0])
        new Float64Array([NaN, -0, 5e-324]) → Float64Array(off 0 len 3 AB(24) [NaN,-0,5e-324])
        new BigInt64Array([-1n]) → BigInt64Array(off 0 len 1 AB(8) [-1n])
        new BigUint64Array([-1n]) → BigUint64Array(off 0 len 1 AB(8) [18446744073709551615n])
        new DataView(new ArrayBuffer(8), 2, 4) → DataView(off 2 len 4 AB(8))
        const b = new ArrayBuffer(16); return { b, u8: new Uint8Array(b, 1, 3), f: new Float32Array(b, 8, 2) } → {b:AB(16),u8:Uint8Array(off 1 len 3 @1 [0,0,0]),f:Float32Array(off 8 len 2 @1 [0,0])}
        const b = new ArrayBuffer(2); return [new Uint8Array(b), b] → [Uint8Array(off 0 len 2 AB(2) [0,0]),@2]
        Object.assign(new Uint8Array(1), { p: 1 }).length → 1
        const b = new ArrayBuffer(4); b.transfer(); return b → throws DataCloneError
        const b = new ArrayBuffer(4), v = new Uint8Array(b); b.transfer(); return v → throws DataCloneError
        const b = new ArrayBuffer(8, { maxByteLength: 8 }), v = new Uint8Array(b, 4, 4); b.resize(4); return v → throws DataCloneError
        new ArrayBuffer(67108864).byteLength → 67108864
        structuredClone(new ArrayBuffer(67108864)).byteLength → 67108864
    ",
    );
}

#[test]
fn a_view_that_tracks_its_buffer_does_so_in_the_clone() {
    for (length, max) in [(4, 16), (16, 16), (24, 24)] {
        let script = format!(
            "const buffer = new ArrayBuffer({length}, {{ maxByteLength: {max} }});
             new Uint8Array(buffer).fill(7);
             const [tracks, fixed, tail] = structuredClone([new Uint8Array(buffer), new Uint8Array(buffer, 0, {length}),
                 new Uint8Array(buffer, {length} - 1, 1)]);
             log([buffer.byteLength, tracks.length, new Uint8Array(buffer).every((n) => n === 7)].join());
             tracks.buffer.resize(2); log([tracks.length, fixed.length, tail.length].join());"
        );
        assert_eq!(logged(&script), format!("{length},{length},true · 2,0,0"));
    }
}

#[test]
fn a_view_of_one_element_that_tracks_its_buffer_does_so_in_the_clone() {
    let script = "
        for (const [kind, size] of [[Uint8Array, 1], [Float64Array, 8], [DataView, 1]]) {
            const buffer = new ArrayBuffer(size, { maxByteLength: size });
            const [tracks, fixed] = structuredClone([new kind(buffer), new kind(buffer, 0, 1)]);
            tracks.buffer.resize(0);
            const isIn = (view) => attempt(() => view instanceof DataView ? view.byteLength : view.at(0)) === 'ok';
            log(`${isIn(tracks)} ${isIn(fixed)}`);
        }
    ";
    assert_eq!(logged(script), "true false · true false · true false");
}

#[test]
fn collections() {
    check(
        "
        new Map([['a', 1], [{ k: 1 }, new Set([1, 'x'])], [NaN, -0]]) → Map(\"a\"=>1,{k:1}=>Set(1,\"x\"),NaN=>-0)
        new Set([3, 1, 2, undefined, NaN]) → Set(3,1,2,undefined,NaN)
        const m = new Map(); m.set(m, m); return m → Map(@0=>@0)
        const s = new Set(); s.add(s); return s → Set(@0)
        class M extends Map {} return new M([[1, 2]]) → Map(1=>2)
        Object.assign(new Map([[1, 2]]), { p: 1 }) → Map(1=>2)
        const m = new Map(); m.set(1, { get g() { m.set(2, 2); return 1; } }); return m → Map(1=>{g:1})
        new WeakMap() → throws DataCloneError
        new WeakSet() → throws DataCloneError
        new Map().keys() → throws DataCloneError
    ",
    );
}

#[test]
fn identity_and_cycles() {
    check(
        "
        const o = { a: 1 }; o.self = o; return o → {a:1,self:@0}
        const a = [1]; a.push(a); return a → [1,@0]
        const a = {}, b = { a }; a.b = b; return [a, b] → [{b:{a:@1}},@2]
        const x = { x: 1 }; return [x, x, { s: x }] → [{x:1},@1,{s:@1}]
        const d = new Date(1), m = new Map(), b = new ArrayBuffer(1); return [d, d, m, m, b, b] → [Date(1),@1,Map(),@2,AB(1),@3]
        const n = new Number(1), r = /r/; return [n, n, r, r] → [Number(1),@1,RegExp(/r/ li=0),@2]
    ",
    );
}

#[test]
fn arrays() {
    check(
        "
        [1, , 3, , ,] → [1,hole,3,hole,hole]
        Object.assign([1], { x: 2, '-1': 3 }) → [1]+{x:2,-1:3}
        const a = [1, 2]; a.length = 1000001; a[1000000] = 3; return [a.length, structuredClone(a).length, structuredClone(a)[1000000], Object.keys(structuredClone(a)).length] → [1000001,1000001,3,3]
        const a = new Array(100); a[99] = 1; a.x = 2; const c = structuredClone(a); return [c.length, 98 in c, c[99], c.x] → [100,false,1,2]
        const a = Array.from({ length: 100000 }, (_, i) => i); const c = structuredClone(a); return [c.length, c[99999]] → [100000,99999]
        class A extends Array {} return A.from([1, 2, 3]) → [1,2,3]
        const a = [0, 1, 2, 3]; Object.defineProperty(a, 0, { get() { a.length = 2; return 'g'; }, enumerable: true }); return a → [\"g\",1,hole,hole]
        [undefined, null, [undefined]] → [undefined,null,[undefined]]
        new Array(4294967295).length → 4294967295
        structuredClone(new Array(4294967295)).length → 4294967295
        (function () { return arguments; })(1) → throws DataCloneError
    ",
    );
}

#[test]
fn objects() {
    check(
        "
        ({ b: 1, 2: 2, a: 3, 1: 1 }) → {1:1,2:2,b:1,a:3}
        ({ get g() { return 5; } }) → {g:5}
        ({ set s(v) {} }) → {s:undefined}
        Object.defineProperty({ a: 1 }, 'h', { value: 2 }) → {a:1}
        Object.freeze({ a: 1 }) → {a:1}
        class C { constructor() { this.x = 1; } m() {} } return new C() → {x:1}
        class P { #secret = 1; constructor() { this.y = 2; } } return new P() → {y:2}
        Object.assign(Object.create(null), { a: 1 }) → {a:1}
        Object.assign(Object.create({ inherited: 1 }), { own: 2 }) → {own:2}
        Object.defineProperty({ a: 1 }, '__proto__', { value: { x: 1 }, enumerable: true }) → {a:1,__proto__:{x:1}}
        const o = { get a() { delete o.b; return 1; }, b: 2, c: 3 }; return o → {a:1,c:3}
        const o = { get a() { o.z = 9; return 1; }, b: 2 }; return o → {a:1,b:2}
        class D { get a() { return 0; } } const o = new D(); o.x = { get g() { delete o.y; return 1; } }; o.y = 2; return o → {x:{g:1}}
        ({ a: 1, [Symbol.toStringTag]: 'X' }) → {a:1}
        ({ a: 2, [Symbol()]: 1 }) → {a:2}
        ({ a: undefined }) → {a:undefined}
        ({ '': 1 }) → {:1}
        ({ '4294967294': 3, '01': 1, '4294967295': 2, '-1': 4, '1.5': 5 }) → {4294967294:3,01:1,4294967295:2,-1:4,1.5:5}
        Math.abs(Object.keys(structuredClone({ 'a\\ud800': 1 }))[0].charCodeAt(1) - 0xd800) → 0
        Math → ?{}
        JSON → ?{}
        new Proxy({}, {}) → throws DataCloneError
        new Promise(() => {}) → throws DataCloneError
        () => {} → throws DataCloneError
        class {} → throws DataCloneError
        Symbol() → throws DataCloneError
        [Symbol.iterator] → throws DataCloneError
        [][Symbol.iterator]() → throws DataCloneError
        (function* () {})() → throws DataCloneError
        new WeakRef({}) → throws DataCloneError
        new FinalizationRegistry(() => {}) → throws DataCloneError
        globalThis → throws DataCloneError
    "
        .replace("?{}", "{}")
        .as_str(),
    );
}

#[test]
fn errors() {
    check(
        "
        new Error('m') → Error{name=Error message=own \"m\" stack=string}
        new TypeError('m') → TypeError{name=TypeError message=own \"m\" stack=string}
        new RangeError('m') → RangeError{name=RangeError message=own \"m\" stack=string}
        new EvalError('m') → EvalError{name=EvalError message=own \"m\" stack=string}
        new ReferenceError('m') → ReferenceError{name=ReferenceError message=own \"m\" stack=string}
        new SyntaxError('m') → SyntaxError{name=SyntaxError message=own \"m\" stack=string}
        new URIError('m') → URIError{name=URIError message=own \"m\" stack=string}
        new Error('m', { cause: { c: 1 } }) → Error{name=Error message=own \"m\" stack=string cause={c:1}}+{}
        new Error('m', { cause: undefined }) → Error{name=Error message=own \"m\" stack=string cause=undefined}+{}
        new Error('a', { cause: new TypeError('b') }) → Error{name=Error message=own \"a\" stack=string cause=TypeError{name=TypeError message=own \"b\" stack=string}}+{}
        new Error('m', { cause: () => {} }) → throws DataCloneError
        new AggregateError([new Error('x'), 1], 'agg') → AggregateError{name=AggregateError message=own \"agg\" stack=string errors=[Error{name=Error message=own \"x\" stack=string},1]}
        class MyErr extends Error { constructor(m) { super(m); this.name = 'MyErr'; this.extra = 1; } } return new MyErr('m') → Error{name=MyErr message=own \"m\" stack=string}+{name:\"MyErr\",extra:1}
        Object.assign(new Error('m'), { name: 'TypeError' }) → TypeError{name=TypeError message=own \"m\" stack=string}
        Object.assign(new TypeError('m'), { name: 'Foo' }) → Error{name=Foo message=own \"m\" stack=string}+{name:\"Foo\"}
        new Error() → Error{name=Error message=own \"\" stack=string}
        const e = new Error('m'); e.message = {}; return e → throws DataCloneError
        Object.assign(new Error('x'), { code: 'E1' }) → Error{name=Error message=own \"x\" stack=string}+{code:\"E1\"}
        Object.defineProperty(new Error('x'), 'message', { get: () => 'got' }) → Error{name=Error message=own \"got\" stack=string}
        new DOMException('m', 'AbortError') → DOMException AbortError m 20
        Object.defineProperty(new Error('x'), 'stack', { value: 7 }) → Error{name=Error message=own \"x\" stack=number}
        const e = new Error('x'), s = e.stack; return [structuredClone(e).stack === s] → [true]
    ",
    );
}

#[test]
fn deep_values_pass() {
    let script = "
        for (const [wrap, unwrap] of [[(v) => ({ v }), (v) => v.v], [(v) => [v], (v) => v[0]],
            [(v) => new Map([[0, v]]), (v) => v.get(0)], [(v) => new Error('', { cause: v }), (v) => v.cause]]) {
            let value = 'bottom';
            for (let i = 0; i < 20000; i++) value = wrap(value);
            let clone = structuredClone(value), depth = 0;
            value = null;
            while (clone !== 'bottom') { clone = unwrap(clone); depth++; }
            log(String(depth));
        }
    ";
    assert_eq!(logged(script), "20000 · 20000 · 20000 · 20000");
}

#[test]
fn wide_values_pass() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = ({ data }) => log(`${Object.keys(data).length} ${data.k99999}`);
        const object = {};
        for (let i = 0; i < 100000; i++) object[`k${i}`] = i;
        p1.postMessage(object);
    ";
    assert_eq!(logged(script), "100000 99999");
}
