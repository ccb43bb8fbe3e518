// Event, EventTarget, MessageEvent.
const TRUSTED = 1, BUBBLES = 2, CANCELABLE = 4, COMPOSED = 8, CANCELED = 16, STOPPED = 32, STOPPED_NOW = 64, BUSY = 128;

// What only the code here may do with an event.
let eventBits, setEventBits, clearBusy, setEventTarget, isEvent;

class Event {
  #type;
  #bits = 0;
  #target = null;
  #current = null;
  #time = now() - origin;

  constructor(type, init = undefined) {
    if (arguments.length === 0) throw new TypeError('an event needs a type');
    this.#type = `${type}`;
    if (init !== undefined && init !== null) {
      if (typeof init !== 'object' && typeof init !== 'function') throw new TypeError('the options are not an object');
      this.#bits = (init.bubbles ? BUBBLES : 0) | (init.cancelable ? CANCELABLE : 0) | (init.composed ? COMPOSED : 0);
    }
  }

  static {
    eventBits = (event) => event.#bits;
    setEventBits = (event, bits) => void (event.#bits |= bits);
    clearBusy = (event) => void (event.#bits &= ~(BUSY | STOPPED | STOPPED_NOW));
    setEventTarget = (event, target, current) => {
      event.#target = target;
      event.#current = current;
    };
    isEvent = (value) => #bits in value;
  }

  get type() { return this.#type; }
  get target() { return this.#target; }
  get srcElement() { return this.#target; }
  get currentTarget() { return this.#current; }
  get eventPhase() { return this.#current === null ? 0 : 2; }
  get bubbles() { return (this.#bits & BUBBLES) !== 0; }
  get cancelable() { return (this.#bits & CANCELABLE) !== 0; }
  get composed() { return (this.#bits & COMPOSED) !== 0; }
  get defaultPrevented() { return (this.#bits & CANCELED) !== 0; }
  get returnValue() { return (this.#bits & CANCELED) === 0; }
  set returnValue(value) { if (!value) this.preventDefault(); }
  get cancelBubble() { return (this.#bits & STOPPED) !== 0; }
  set cancelBubble(value) { if (value) this.#bits |= STOPPED; }
  get isTrusted() { return (this.#bits & TRUSTED) !== 0; }
  get timeStamp() { return this.#time; }
  composedPath() { return this.#current === null ? [] : [this.#current]; }
  preventDefault() { if (this.#bits & CANCELABLE) this.#bits |= CANCELED; }
  stopPropagation() { this.#bits |= STOPPED; }
  stopImmediatePropagation() { this.#bits |= STOPPED | STOPPED_NOW; }
  static get NONE() { return 0; }
  static get CAPTURING_PHASE() { return 1; }
  static get AT_TARGET() { return 2; }
  static get BUBBLING_PHASE() { return 3; }
}
tag(Event, 'Event');
enumerable(Event, ['type', 'target', 'srcElement', 'currentTarget', 'eventPhase', 'bubbles', 'cancelable', 'composed',
  'defaultPrevented', 'returnValue', 'cancelBubble', 'isTrusted', 'timeStamp', 'composedPath', 'preventDefault',
  'stopPropagation', 'stopImmediatePropagation']);

const makeTrusted = (type) => {
  const event = new Event(type);
  setEventBits(event, TRUSTED);
  return event;
};

let makeMessageEvent;

class MessageEvent extends Event {
  #data = null;
  #rest = null;
  #ports = null;

  constructor(type, init = undefined) {
    if (arguments.length === 0) throw new TypeError('an event needs a type');
    super(type, init);
    if (init !== undefined && init !== null && init !== trustedInit) {
      const { data = null, origin = '', lastEventId = '', source = null, ports = undefined } = init;
      this.#data = data;
      this.#rest = { __proto__: null, origin: `${origin}`, lastEventId: `${lastEventId}`, source };
      if (ports !== undefined) this.#ports = freeze([...ports]);
    }
  }

  static {
    makeMessageEvent = (type, data) => {
      const event = new MessageEvent(type, trustedInit);
      event.#data = data;
      setEventBits(event, TRUSTED);
      return event;
    };
  }

  get data() { return this.#data; }
  get origin() { return this.#rest === null ? '' : this.#rest.origin; }
  get lastEventId() { return this.#rest === null ? '' : this.#rest.lastEventId; }
  get source() { return this.#rest === null ? null : this.#rest.source; }
  get ports() { return (this.#ports ??= freeze([])); }
}
const trustedInit = { __proto__: null };
tag(MessageEvent, 'MessageEvent');
enumerable(MessageEvent, ['data', 'origin', 'lastEventId', 'source', 'ports']);

// The listeners of a target: a list for each type. Lists are copied when they change, so that a
// dispatch goes on with the one that it began with.
const newTargetState = () => ({ __proto__: null, lists: null, changed: null });

const listOf = (state, type) => (state.lists === null ? undefined : mapGet(state.lists, type));

const setList = (state, type, list) => {
  state.lists ??= new Map();
  mapSet(state.lists, type, list);
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

const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';
const captureOf = (options) => (isObject(options) ? !!options.capture : !!options);

class EventTarget {
  constructor() {
    stateOf.stamp(this, newTargetState());
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
    if (eventBits(event) & BUSY) throw new DOMException('the event is being dispatched', 'InvalidStateError');
    dispatch(target, state, event);
    return (eventBits(event) & CANCELED) === 0;
  }
}
tag(EventTarget, 'EventTarget');
enumerable(EventTarget, ['addEventListener', 'removeEventListener', 'dispatchEvent']);

const FINE = { __proto__: null };

// Calls the listeners; what they throw is reported. Returns what the first of them threw, or FINE.
const dispatch = (target, state, event) => {
  const type = eventType(event);
  const list = listOf(state, type);
  setEventTarget(event, target, target);
  let thrown = FINE;
  if (list !== undefined) {
    setEventBits(event, BUSY);
    for (let i = 0; i < list.length; i++) {
      const record = list[i];
      if (record.removed) continue;
      if (eventBits(event) & STOPPED_NOW) break;
      if (record.once) removeRecord(state, type, record);
      const { callback } = record;
      try {
        if (typeof callback === 'function') {
          apply(callback, target, [event]);
        } else if (!record.attribute) {
          const { handleEvent } = callback;
          if (typeof handleEvent !== 'function') throw new TypeError('handleEvent is not a function');
          apply(handleEvent, callback, [event]);
        }
      } catch (error) {
        if (thrown === FINE) thrown = { __proto__: null, value: error };
        report(error);
      }
    }
    clearBusy(event);
  }
  setEventTarget(event, target, null);
  return thrown;
};
const eventType = getter(Event.prototype, 'type');

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
