// What is measured, the same code in every engine: `measure(here, elsewhere, scale, log)` with ends
// of two channels whose other ends `serve`, one on this thread, one on another. Calls `log` with a
// line for each row: its name and the nanoseconds of a message, or of a round trip.
const text = 'x'.repeat(50);
const payloads = {
  number: 42,
  'small object': { id: 7, name: 'tea', price: 4.5, tags: ['a', 'b'] },
  '1 KiB object': Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`field${i}`, { n: i, text }])),
  '1 MiB buffer': new ArrayBuffer(1 << 20),
};
const json = { name: 'JSON text', encode: JSON.stringify, decode: JSON.parse };
const cloned = { name: 'cloned', encode: (value) => value, decode: (value) => value };

// What the other end does: echoes, or counts and says when it has all.
export function serve(port) {
  let mode = 'idle', left = 0, decode = cloned.decode, encode = cloned.encode;
  port.onmessage = ({ data }) => {
    if (mode === 'idle') {
      ({ mode, left } = data);
      const codec = data.json ? json : cloned;
      ({ encode, decode } = codec);
      port.postMessage('ready');
      return;
    }
    const value = decode(data);
    if (mode === 'echo') port.postMessage(encode(value));
    if (--left === 0) {
      if (mode === 'sink') port.postMessage('done');
      mode = 'idle';
    }
  };
}

const next = (port) => new Promise((resolve) => { port.onmessage = ({ data }) => resolve(data); });
const begin = async (port, mode, left, codec) => {
  port.postMessage({ mode, left, json: codec === json });
  await next(port);
};

async function roundTrips(port, value, count, codec) {
  await begin(port, 'echo', count, codec);
  const start = performance.now();
  await new Promise((resolve) => {
    let left = count;
    port.onmessage = ({ data }) => {
      codec.decode(data);
      if (--left === 0) resolve();
      else port.postMessage(codec.encode(value));
    };
    port.postMessage(codec.encode(value));
  });
  return (performance.now() - start) * 1e6 / count;
}

async function oneWay(port, value, count, codec) {
  await begin(port, 'sink', count, codec);
  const start = performance.now();
  const done = next(port);
  for (let i = 0; i < count; i++) port.postMessage(codec.encode(value));
  await done;
  return (performance.now() - start) * 1e6 / count;
}

export async function measure(here, elsewhere, scale, log) {
  for (const [where, port] of [['one thread', here], ['two threads', elsewhere]]) {
    for (const [name, value] of Object.entries(payloads)) {
      const isBuffer = value instanceof ArrayBuffer;
      const count = Math.max(1, Math.round((isBuffer ? 100 : 10_000) * scale));
      for (const codec of isBuffer ? [cloned] : [cloned, json]) {
        for (const [way, run] of [['round trip', roundTrips], ['one way', oneWay]]) {
          await run(port, value, Math.ceil(count / 10), codec); // warm
          const times = [];
          for (let i = 0; i < 9; i++) times.push(await run(port, value, count, codec));
          log(`${where}/${way}/${name}/${codec.name}\t${Math.round(Math.min(...times))}`);
        }
      }
    }
  }
}
