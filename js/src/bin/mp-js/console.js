(function (write) {
  'use strict';
  const show = (value, depth, seen) => {
    if (typeof value === 'string') return depth === 0 ? value : JSON.stringify(value);
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'symbol') return String(value);
    if (Object.is(value, -0)) return '-0';
    if (typeof value === 'function') return `[Function: ${value.name || '(anonymous)'}]`;
    if (typeof value !== 'object' || value === null) return String(value);
    if (value instanceof Error) {
      const text = `${value}`;
      return value.stack ? `${text}\n${value.stack}`.trimEnd() : text;
    }
    if (value instanceof Date) return isNaN(value) ? 'Invalid Date' : value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (seen.includes(value)) return '[Circular]';
    if (depth > 4) return Array.isArray(value) ? '[Array]' : '[Object]';
    seen = [...seen, value];
    const inner = (item) => show(item, depth + 1, seen);
    const list = (items, [start, end]) => (items.length === 0 ? start + end : `${start} ${items.join(', ')} ${end}`);
    if (Array.isArray(value)) {
      const items = [];
      for (let i = 0; i < value.length && i < 100; i++) items.push(i in value ? inner(value[i]) : '<empty>');
      if (value.length > 100) items.push(`... ${value.length - 100} more`);
      return list(items, '[]');
    }
    const name = value.constructor?.name ?? '';
    if (value instanceof Map) return `Map(${value.size}) ${list([...value].map(([k, v]) => `${inner(k)} => ${inner(v)}`), '{}')}`;
    if (value instanceof Set) return `Set(${value.size}) ${list([...value].map(inner), '{}')}`;
    if (value instanceof ArrayBuffer) return `ArrayBuffer(${value.byteLength})`;
    if (ArrayBuffer.isView(value)) {
      const items = value.length === undefined ? [] : Array.from(value.subarray(0, 100), inner);
      return `${name}(${value.length ?? value.byteLength}) ${list(items, '[]')}`;
    }
    if (value instanceof Number || value instanceof String || value instanceof Boolean) return `[${name}: ${inner(value.valueOf())}]`;
    const key = (text) => (/^[A-Za-z_$][\w$]*$/.test(text) ? text : JSON.stringify(text));
    const items = Object.keys(value).map((k) => `${key(k)}: ${inner(value[k])}`);
    return `${name === 'Object' || name === '' ? '' : `${name} `}${list(items, '{}')}`;
  };
  const say = (isError) => (...values) => write(isError, values.map((value) => show(value, 0, [])).join(' '));
  const [out, err] = [say(false), say(true)];
  globalThis.console = { log: out, info: out, debug: out, dir: out, warn: err, error: err, trace: err };
})
