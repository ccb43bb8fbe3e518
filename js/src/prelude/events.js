// Event, EventTarget, MessageEvent.
const TRUSTED = 1, BUBBLES = 2, CANCELABLE = 4, COMPOSED = 8, CANCELED = 16, STOPPED = 32, STOPPED_NOW = 64, BUSY = 128;

// What an event is, in a list that the host keeps for it. The host makes the events of messages, and
// asks for their lists only when a script asks for more than the data.
const { info: infoOf, isEvent } = native;
class Base {
  constructor(info) {
    return native.event(getPrototypeOf(this), info);
  }
}

// A list, since the engine makes one faster than an object of as many properties.
const TYPE = 0, BITS = 1, TARGET = 2, CURRENT = 3, TIME = 4, DATA = 5, INIT = 6;
const newInfo = (type, bits, data, time) => [type, bits, null, null, time, data, null];

const bitsOf = (init) => {
  if (init === undefined || init === null) return 0;
  if (!isObject(init)) throw new TypeError('the options are not an object');
  return (init.bubbles ? BUBBLES : 0) | (init.cancelable ? CANCELABLE : 0) | (init.composed ? COMPOSED : 0);
};

class Event extends Base {
  constructor(type, init = undefined) {
    if (arguments.length === 0) throw new TypeError('an event needs a type');
    super(newInfo(`${type}`, bitsOf(init), null, now() - origin));
  }

  get type() { return infoOf(this)[TYPE]; }
  get target() { return infoOf(this)[TARGET]; }
  get srcElement() { return infoOf(this)[TARGET]; }
  get currentTarget() { return infoOf(this)[CURRENT]; }
  get eventPhase() { return infoOf(this)[CURRENT] === null ? 0 : 2; }
  get bubbles() { return (infoOf(this)[BITS] & BUBBLES) !== 0; }
  get cancelable() { return (infoOf(this)[BITS] & CANCELABLE) !== 0; }
  get composed() { return (infoOf(this)[BITS] & COMPOSED) !== 0; }
  get defaultPrevented() { return (infoOf(this)[BITS] & CANCELED) !== 0; }
  get returnValue() { return (infoOf(this)[BITS] & CANCELED) === 0; }
  set returnValue(value) { if (!value) cancel(infoOf(this)); }
  get cancelBubble() { return (infoOf(this)[BITS] & STOPPED) !== 0; }
  set cancelBubble(value) { if (value) infoOf(this)[BITS] |= STOPPED; }
  get isTrusted() { return (infoOf(this)[BITS] & TRUSTED) !== 0; }
  get timeStamp() { return infoOf(this)[TIME]; }
  composedPath() {
    const current = infoOf(this)[CURRENT];
    return current === null ? [] : [current];
  }
  preventDefault() { cancel(infoOf(this)); }
  stopPropagation() { infoOf(this)[BITS] |= STOPPED; }
  stopImmediatePropagation() { infoOf(this)[BITS] |= STOPPED | STOPPED_NOW; }
  static get NONE() { return 0; }
  static get CAPTURING_PHASE() { return 1; }
  static get AT_TARGET() { return 2; }
  static get BUBBLING_PHASE() { return 3; }
}
// What it extends is nobody's business.
Object.setPrototypeOf(Event.prototype, Object.prototype);
tag(Event, 'Event');
enumerable(Event, ['type', 'target', 'srcElement', 'currentTarget', 'eventPhase', 'bubbles', 'cancelable', 'composed',
  'defaultPrevented', 'returnValue', 'cancelBubble', 'isTrusted', 'timeStamp', 'composedPath', 'preventDefault',
  'stopPropagation', 'stopImmediatePropagation']);

const cancel = (info) => {
  if (info[BITS] & CANCELABLE) info[BITS] |= CANCELED;
};

class MessageEvent extends Event {
  constructor(type, init = undefined) {
    if (arguments.length === 0) throw new TypeError('an event needs a type');
    super(type, init);
    if (init === undefined || init === null) return;
    const info = infoOf(this);
    const { data = null, origin = '', lastEventId = '', source = null, ports = undefined } = init;
    info[DATA] = data;
    info[INIT] = {
      __proto__: null, origin: `${origin}`, lastEventId: `${lastEventId}`, source,
      ports: ports === undefined ? null : freeze([...ports]),
    };
  }

  get origin() { return infoOf(this)[INIT]?.origin ?? ''; }
  get lastEventId() { return infoOf(this)[INIT]?.lastEventId ?? ''; }
  get source() { return infoOf(this)[INIT]?.source ?? null; }
  get ports() {
    const info = infoOf(this);
    info[INIT] ??= { __proto__: null, ports: null };
    return (info[INIT].ports ??= freeze([]));
  }
}
// Read for each message, so it is the host's.
defineProperty(MessageEvent.prototype, 'data', { __proto__: null, get: native.data, set: undefined, configurable: true });
tag(MessageEvent, 'MessageEvent');
enumerable(MessageEvent, ['data', 'origin', 'lastEventId', 'source', 'ports']);

const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

const makeEvent = (constructor, type, data) =>
  native.event(constructor.prototype, newInfo(type, TRUSTED, data, now() - origin));
const makeInfo = (data, time, port, isCurrent) => {
  const info = newInfo('message', TRUSTED | (isCurrent ? BUSY : 0), data, time);
  info[TARGET] = port;
  if (isCurrent) info[CURRENT] = port;
  return info;
};
const settleInfo = (info) => {
  info[BITS] &= ~(BUSY | STOPPED | STOPPED_NOW);
  info[CURRENT] = null;
};

// The listeners of a target: a list for each type. Lists are copied when they change, so that a
// dispatch goes on with the one that it began with.
const newTargetState = () => ({ __proto__: null, lists: null, changed: null });

const listOf = (state, type) => (state.lists === null ? undefined : state.lists[type]);

const setList = (state, type, list) => {
  state.lists ??= { __proto__: null };
  state.lists[type] = list;
  if (state.changed !== null) state.changed(state, type);
};

const addRecord = (state, type, record) => {
  const old = listOf(state, type);
  const list = [];
  if (old !== undefined) for (let i = 0; i < old.length; i++) append(list, old[i]);
  append(list, record);
  setList(state, type, list);
};

const removeRecord = (state, type, record) => {
  const old = listOf(state, type);
  record.removed = true;
  const list = [];
  for (let i = 0; i < old.length; i++) if (old[i] !== record) append(list, old[i]);
  setList(state, type, list);
};

const findRecord = (state, type, callback, capture) => {
  const list = listOf(state, type);
  if (list === undefined) return undefined;
  for (let i = 0; i < list.length; i++) {
    const record = list[i];
    if (!record.attribute && record.callback === callback && record.capture === capture) return record;
  }
  return undefined;
};

const captureOf = (options) => (isObject(options) ? !!options.capture : !!options);

class EventTarget {
  constructor() {
    new Stamp(this, newTargetState());
  }

  addEventListener(type, callback, options = undefined) {
    const state = stateOf(this === undefined ? globalThis : this);
    if (arguments.length < 2) throw new TypeError('addEventListener needs a type and a listener');
    type = `${type}`;
    const capture = captureOf(options);
    const once = isObject(options) && !!options.once;
    if (callback === null || callback === undefined) return;
    if (!isObject(callback)) throw new TypeError('the listener is neither a function nor an object');
    if (findRecord(state, type, callback, capture) !== undefined) return;
    addRecord(state, type, { __proto__: null, callback, capture, once, attribute: false, removed: false });
  }

  removeEventListener(type, callback, options = undefined) {
    const state = stateOf(this === undefined ? globalThis : this);
    if (arguments.length < 2) throw new TypeError('removeEventListener needs a type and a listener');
    type = `${type}`;
    const record = findRecord(state, type, callback, captureOf(options));
    if (record !== undefined) removeRecord(state, type, record);
  }

  dispatchEvent(event) {
    const target = this === undefined ? globalThis : this;
    const state = stateOf(target);
    if (!isObject(event) || !isEvent(event)) throw new TypeError('it is not an event');
    const info = infoOf(event);
    if (info[BITS] & BUSY) throw new DOMException('the event is being dispatched', 'InvalidStateError');
    dispatch(target, state, event, info);
    return (info[BITS] & CANCELED) === 0;
  }
}
tag(EventTarget, 'EventTarget');
enumerable(EventTarget, ['addEventListener', 'removeEventListener', 'dispatchEvent']);

const FINE = { __proto__: null };

// Calls the listeners; what they throw is reported. Returns what the first of them threw, or FINE.
const dispatch = (target, state, event, info) => {
  const list = listOf(state, info[TYPE]);
  let thrown = FINE;
  info[TARGET] = target;
  if (list === undefined) return thrown;
  info[CURRENT] = target;
  info[BITS] |= BUSY;
  for (let i = 0; i < list.length; i++) {
    const record = list[i];
    if (record.removed) continue;
    if (info[BITS] & STOPPED_NOW) break;
    if (record.once) removeRecord(state, info[TYPE], record);
    const { callback } = record;
    try {
      if (typeof callback === 'function') apply(callback, target, [event]);
      else if (!record.attribute) callObject(callback, event);
    } catch (error) {
      if (thrown === FINE) thrown = { __proto__: null, value: error };
      report(error);
    }
  }
  settleInfo(info);
  return thrown;
};

const callObject = (listener, event) => {
  const { handleEvent } = listener;
  if (typeof handleEvent !== 'function') throw new TypeError('handleEvent is not a function');
  apply(handleEvent, listener, [event]);
};

// Dispatches an event of the host.
const fire = (state, event) => dispatch(state.port, state, event, infoOf(event));

// An event handler attribute: `onmessage` and its like. It keeps its place among the listeners.
const defineHandler = (constructor, type, onSet = undefined) => {
  const name = `on${type}`;
  const find = (state) => {
    const list = listOf(state, type);
    if (list !== undefined) for (let i = 0; i < list.length; i++) if (list[i].attribute) return list[i];
    return undefined;
  };
  const accessors = {
    get [name]() {
      return find(stateOf(this))?.callback ?? null;
    },
    set [name](value) {
      const state = stateOf(this);
      const record = find(state);
      if (!isObject(value)) {
        if (record !== undefined) removeRecord(state, type, record);
      } else if (record !== undefined) {
        record.callback = value;
      } else {
        addRecord(state, type, { __proto__: null, callback: value, capture: false, once: false, attribute: true, removed: false });
      }
      if (onSet !== undefined) onSet(state, value);
    },
  };
  const { get, set } = Object.getOwnPropertyDescriptor(accessors, name);
  defineProperty(constructor.prototype, name, { __proto__: null, get, set, enumerable: true, configurable: true });
};
