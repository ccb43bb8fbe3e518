// MessageChannel and MessagePort. A port is an object of the host: it owns an end of a channel.
const UNSTARTED = 0, STARTED = 1, BUFFERING = 2;

// Tasks in the order in which their messages were posted: a port for each message of a started
// one, and a closing for the end of a port. A list without a prototype, so that no script is in it.
let tasks = Object.setPrototypeOf([], null);
let firstTask = 0, taskCount = 0;
class Closing {
  constructor(state) {
    this.state = state;
  }
}
const pushTask = (task) => {
  if (firstTask >= 4096) {
    // What has been done is let go of.
    const rest = Object.setPrototypeOf([], null);
    for (let i = firstTask; i < taskCount; i++) rest[i - firstTask] = tasks[i];
    taskCount -= firstTask;
    firstTask = 0;
    tasks = rest;
  }
  tasks[taskCount++] = task;
};
const schedule = (state) => {
  state.scheduled++;
  pushTask(state);
};
// A turn of a port whose peer is elsewhere takes no more than this before the others have theirs.
const BATCH = 64;
const scheduleAll = (state) => {
  if (state.remote) {
    news(state);
    // One that has ended may have kept something.
    if (!state.ended || state.scheduled > 0) return;
  }
  const count = native.available(state.port);
  while (state.scheduled < count) schedule(state);
};

// Ports whose peers are elsewhere, by the number that the host knows them by. One with a listener
// is kept alive here, as the other side may post to it.
const remotes = new Map();
const keep = (state) => {
  if (!state.remote) return;
  if (state.ended || state.listeners === 0) mapDelete(remotes, state.id);
  else mapSet(remotes, state.id, state);
  native.listens(state.port, !state.ended && listOf(state, 'message')?.length > 0);
};

const onListeners = (state, type) => {
  if (type === 'message') {
    const some = listOf(state, 'message').length > 0;
    if (!some && state.hadListener && state.started === STARTED) {
      state.started = BUFFERING;
    } else if (some) {
      state.hadListener = true;
      if (state.started === BUFFERING || (state.started === UNSTARTED && (!settings.strict || state.attribute))) start(state);
    }
  }
  if (state.remote) {
    state.listeners = 0;
    const types = ownKeys(state.lists);
    for (let i = 0; i < types.length; i++) state.listeners += state.lists[types[i]].length;
    keep(state);
    if (state.listeners > 0) news(state);
  }
};

const start = (state) => {
  if (state.started === STARTED) return;
  state.started = STARTED;
  scheduleAll(state);
};

const newPort = (id) => {
  const port = native.port(MessagePort.prototype);
  const state = {
    __proto__: null, lists: null, changed: onListeners, port, id, peer: null, remote: false,
    started: UNSTARTED, hadListener: false, attribute: false, listeners: 0, scheduled: 0, closed: false, ended: false,
  };
  new Stamp(port, state);
  return state;
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

  postMessage(value, options = undefined) {
    const state = portState(this);
    if (options !== undefined) checkTransfer(options);
    const why = native.post(this, value, helpers);
    if (why !== undefined) cannotClone(why);
    const { peer } = state;
    if (peer !== null && !state.closed && peer.started === STARTED) schedule(peer);
  }

  start() {
    start(portState(this));
  }

  close() {
    close(portState(this));
  }
}
tag(MessagePort, 'MessagePort');
enumerable(MessagePort, ['postMessage', 'start', 'close']);
defineHandler(MessagePort, 'message', (state, value) => {
  state.attribute = isObject(value);
  if (state.attribute) start(state);
});
defineHandler(MessagePort, 'messageerror');
defineHandler(MessagePort, 'close');
// A web's port has no arguments in front of `postMessage`'s optional ones.
defineProperty(MessagePort.prototype.postMessage, 'length', { __proto__: null, value: 1, configurable: true });

const fireClose = (state) => {
  state.ended = true;
  keep(state);
  fire(state, makeTrusted('close'));
};

// Ends both ports. What has been posted to a started one is on its way and arrives.
const close = (state) => {
  if (state.closed) return;
  const { peer } = state;
  state.closed = true;
  native.close(state.port, state.started === STARTED);
  if (peer !== null) {
    peer.closed = true;
    native.close(peer.port, peer.started === STARTED || settings.keepUnstarted);
    fireClose(peer);
  }
  fireClose(state);
};

class MessageChannel {
  #port1;
  #port2;
  constructor() {
    const one = newPort(0), two = newPort(0);
    native.entangle(one.port, two.port);
    one.peer = two;
    two.peer = one;
    this.#port1 = one.port;
    this.#port2 = two.port;
  }
  get port1() { return this.#port1; }
  get port2() { return this.#port2; }
  static isOne(object) { return #port1 in object; }
}
const { isOne: isChannel } = MessageChannel;
delete MessageChannel.isOne;
tag(MessageChannel, 'MessageChannel');
enumerable(MessageChannel, ['port1', 'port2']);

// Delivers one message.
const deliver = (state) => {
  const { port } = state;
  let data;
  try {
    data = native.take(port, helpers);
  } catch {
    // It cannot be made here: an expression that this engine does not know, no memory.
    fire(state, makeMessageEvent('messageerror', null));
    return;
  }
  if (data === port) return;
  const thrown = fire(state, makeMessageEvent('message', data));
  if (thrown !== FINE) fire(state, makeMessageEvent('messageerror', thrown.value));
};

// Does what is to be done next, if anything is.
const step = (isFirst) => {
  if (firstTask === taskCount) return false;
  if (isFirst) batchTime = now() - origin;
  const state = tasks[firstTask];
  tasks[firstTask++] = undefined;
  if (firstTask === taskCount) firstTask = taskCount = 0;
  if (state instanceof Closing) {
    endRemote(state.state);
    return true;
  }
  state.scheduled--;
  if (state.started === STARTED) {
    const list = listOf(state, 'message');
    if (list !== undefined && list.length > 0) deliver(state);
    else if (!state.hadListener) native.skip(state.port);
  }
  if (state.remote && state.scheduled === 0) news(state);
  return true;
};

const endRemote = (state) => {
  if (state.closed) return;
  state.closed = true;
  native.close(state.port, settings.keepUnstarted);
  fireClose(state);
};

// Looks what has come from elsewhere, and has the host ring when there is more.
const news = (state) => {
  if (!state.remote || state.ended || state.scheduled > 0) return;
  const found = native.poll(state.port, state.started === STARTED);
  if (found > 0) {
    const count = found < BATCH ? found : BATCH;
    while (state.scheduled < count) schedule(state);
  } else if (found === -1) {
    pushTask(new Closing(state));
  } else if (found === -2) {
    state.ended = true;
    keep(state);
  }
};
