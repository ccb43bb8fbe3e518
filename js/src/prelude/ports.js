// MessageChannel and MessagePort. A port is an object of the host: it owns an end of a channel, and
// the host says when it delivers what. Here are its listeners.
const onListeners = (state, type) => {
  const messages = listOf(state, 'message');
  const count = messages === undefined ? 0 : messages.length;
  let all = 0;
  const types = ownKeys(state.lists);
  for (let i = 0; i < types.length; i++) all += state.lists[types[i]].length;
  if (type === 'message') setOnlyListener(state);
  native.listeners(state.port, type === 'message', state.attribute, count, all);
};

// A function that is all there is to call is called by the host.
const setOnlyListener = (state) => {
  const list = listOf(state, 'message');
  const record = list !== undefined && list.length === 1 ? list[0] : undefined;
  const isOnly = record !== undefined && !record.once && typeof record.callback === 'function';
  native.onlyListener(state.port, isOnly ? record.callback : null);
};

const newPort = () => {
  const port = native.port(ports, MessagePort.prototype);
  new Stamp(port, { __proto__: null, lists: null, changed: onListeners, port, attribute: false });
  return port;
};

const portState = (port) => {
  const state = stateOf(port);
  if (state.port !== port) throw new TypeError('Illegal invocation');
  return state;
};

const refuseList = () => {
  throw new Error('Transfer list is not supported');
};

// Accepts what asks for no transfer.
const checkTransfer = (options) => {
  if (options === null) return;
  if (!isObject(options)) throw new TypeError('the options are neither an array nor an object');
  if (isArray(options)) {
    if (options.length > 0) refuseList();
    return;
  }
  const { transfer } = options;
  if (transfer !== undefined) {
    if (!isArray(transfer)) throw new TypeError('the transfer list is not an array');
    if (transfer.length > 0) refuseList();
    return;
  }
  const iterate = options[Symbol.iterator];
  if (typeof iterate === 'function' && !apply(iterate, options, []).next().done) refuseList();
};

const cannotClone = (why) => {
  throw new DOMException(why, 'DataCloneError');
};

class MessagePort extends EventTarget {
  constructor() {
    throw new TypeError('Illegal constructor');
  }

  start() {
    native.start(portState(this).port);
  }

  close() {
    native.close(portState(this).port);
  }
}
defineHidden(MessagePort.prototype, 'postMessage', native.postMessage);
tag(MessagePort, 'MessagePort');
enumerable(MessagePort, ['postMessage', 'start', 'close']);
defineHandler(MessagePort, 'message', (state, value) => {
  state.attribute = isObject(value);
  setOnlyListener(state);
  if (state.attribute) native.start(state.port);
});
defineHandler(MessagePort, 'messageerror');
defineHandler(MessagePort, 'close');

class MessageChannel {
  #port1;
  #port2;
  constructor() {
    const one = newPort(), two = newPort();
    native.entangle(one, two);
    this.#port1 = one;
    this.#port2 = two;
  }
  get port1() { return this.#port1; }
  get port2() { return this.#port2; }
  static isOne(object) { return #port1 in object; }
}
const { isOne: isChannel } = MessageChannel;
delete MessageChannel.isOne;
tag(MessageChannel, 'MessageChannel');
enumerable(MessageChannel, ['port1', 'port2']);

const fireError = (port, data) => void fire(stateOf(port), makeEvent(MessageEvent, 'messageerror', data));

const ports = native.ports(settings, {
  __proto__: null,
  origin,
  helpers,
  messageEvent: MessageEvent.prototype,
  newPort,
  checkTransfer,
  cannotClone,
  makeInfo,
  settleInfo,
  dispatch: (port, event) => {
    const thrown = fire(stateOf(port), event);
    if (thrown !== FINE) fireError(port, thrown.value);
  },
  failed: (port, error) => {
    report(error);
    fireError(port, error);
  },
  doThrow: () => { throw null; },
  unreadable: (port) => fireError(port, null),
  fireClose: (port) => void fire(stateOf(port), makeEvent(Event, 'close', null)),
});
