// What the clone algorithm asks of objects of the engine, whatever scripts have made of them.
const typedArray = getPrototypeOf(Uint8Array.prototype);
const { prototype: bufferPrototype } = ArrayBuffer;
const bufferResizable = getter(bufferPrototype, 'resizable');
const bufferLength = getter(bufferPrototype, 'byteLength');
const bufferMax = getter(bufferPrototype, 'maxByteLength');
const bufferResize = bufferPrototype.resize ? uncurry(bufferPrototype.resize) : undefined;
const sharedLength = typeof SharedArrayBuffer === 'function' ? getter(SharedArrayBuffer.prototype, 'byteLength') : () => 0;
const viewBuffer = getter(typedArray, 'buffer');
const viewOffset = getter(typedArray, 'byteOffset');
const viewLength = getter(typedArray, 'length');
const dataBuffer = getter(DataView.prototype, 'buffer');
const dataOffset = getter(DataView.prototype, 'byteOffset');
const dataLength = getter(DataView.prototype, 'byteLength');
const viewAt = uncurry(typedArray.at);
const setBytes = uncurry(typedArray.set);
const sliceBytes = uncurry(typedArray.slice);
const regexpSource = getter(RegExp.prototype, 'source');
const regexpFlags = [
  ['d', 'hasIndices'], ['g', 'global'], ['i', 'ignoreCase'], ['m', 'multiline'],
  ['s', 'dotAll'], ['u', 'unicode'], ['v', 'unicodeSets'], ['y', 'sticky'],
].map(([flag, name]) => ({ flag, get: getter(RegExp.prototype, name) }));
const exceptionField = (name) => getter(DOMException.prototype, name);
const exceptionName = exceptionField('name'), exceptionMessage = exceptionField('message');
const bigText = uncurry(BigInt.prototype.toString);
const unboxed = {
  __proto__: null,
  Number: uncurry(Number.prototype.valueOf),
  String: uncurry(String.prototype.valueOf),
  Boolean: uncurry(Boolean.prototype.valueOf),
  BigInt: uncurry(BigInt.prototype.valueOf),
};
const dateValue = uncurry(Date.prototype.getTime);
const Constructors = { __proto__: null };
for (const name of ['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError',
  'AggregateError', 'SuppressedError', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array',
  'Uint32Array', 'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'DataView',
  'Map', 'Set', 'Date', 'RegExp', 'ArrayBuffer', 'DOMException']) {
  Constructors[name] = globalThis[name];
}
const Uint8 = Uint8Array, Wrap = Object, Big = BigInt, Text = String, Fault = Error;
const fromCharCode = String.fromCharCode;
const stringify = JSON.stringify;

// Whether the view follows its resizable buffer: seen by resizing that by an element, and back.
const tracksLength = (buffer, length, view, element) => {
  try {
    if (!bufferResizable(buffer)) return false;
  } catch {
    return false; // Shared memory.
  }
  const size = bufferLength(buffer), before = length(view);
  if (size + element <= bufferMax(buffer)) {
    bufferResize(buffer, size + element);
    const tracks = length(view) !== before;
    bufferResize(buffer, size);
    return tracks;
  }
  if (before === 0) return false;
  const tail = sliceBytes(new Uint8(buffer, size - element));
  bufferResize(buffer, size - element);
  let tracks = false;
  try {
    // One of fixed length that has lost its end is out of bounds.
    tracks = length(view) !== before;
    if (tracks && length !== dataLength) viewAt(view, 0);
  } catch {
    tracks = false;
  }
  bufferResize(buffer, size);
  setBytes(new Uint8(buffer), tail, size - element);
  return tracks;
};

const helpers = {
  __proto__: null,
  objectPrototype: Object.prototype,
  hasOwn,
  isHost: (object) => isEvent(object) || Stamp.isOn(object) || isChannel(object),
  describe: (value) => {
    if (typeof value === 'function') return functionText(value);
    if (typeof value === 'symbol') return 'a symbol';
    try {
      return `#<${value.constructor.name}>`;
    } catch {
      return toStringTag(value);
    }
  },
  bigText: (value) => bigText(value, 16),
  big: (digits, negative) => (negative ? -Big(digits) : Big(digits)),
  unbox: (object, name) => unboxed[name](object),
  box: (value) => Wrap(value),
  dateValue,
  date: (time) => new Constructors.Date(time),
  regexp: (source, flags) => new Constructors.RegExp(source, flags),
  regexpSource,
  regexpFlags: (object) => {
    let flags = '';
    for (let i = 0; i < regexpFlags.length; i++) if (regexpFlags[i].get(object)) flags += regexpFlags[i].flag;
    return flags;
  },
  entries: (map) => {
    const list = [];
    mapForEach(map, (value, key) => {
      append(list, key);
      append(list, value);
    });
    return list;
  },
  members: (set) => {
    const list = [];
    setForEach(set, (value) => append(list, value));
    return list;
  },
  map: () => new Constructors.Map(),
  mapSet: (map, key, value) => void mapSet(map, key, value),
  set: () => new Constructors.Set(),
  setAdd: (set, value) => void setAdd(set, value),
  prototype: (name) => (Constructors[name] ?? Fault).prototype,
  exceptionName,
  exceptionMessage,
  exception: (message, name) => new Constructors.DOMException(message, name),
  sharedLength,
  maxLength: (buffer) => (bufferResizable(buffer) ? bufferMax(buffer) : undefined),
  resizable: (bytes, maxByteLength) => {
    const buffer = new Constructors.ArrayBuffer(bufferLength(bytes), { __proto__: null, maxByteLength });
    setBytes(new Uint8(buffer), new Uint8(bytes));
    return buffer;
  },
  // Buffer, offset, length, whether the length follows that of the buffer.
  view: (view, isData, element) => {
    const buffer = isData ? dataBuffer(view) : viewBuffer(view);
    const length = isData ? dataLength : viewLength;
    const offset = isData ? dataOffset(view) : viewOffset(view);
    if (!isData && length(view) === 0) viewAt(view, 0); // Throws if it is out of bounds.
    return [buffer, offset, length(view), tracksLength(buffer, length, view, element)];
  },
  makeView: (name, buffer, offset, length) => new Constructors[name](buffer, offset, length),
  units: (...units) => fromCharCode(...units),
  join: (one, other) => one + other,
  // A text with lone surrogates, each as an escape that Rust can read.
  escaped: (text) => stringify(text),
  toText: (value) => Text(value),
};
