// What nobody caught: first the global's `error` and `unhandledrejection` events, then the host.
class ErrorEvent extends Event {
  #error;
  #message;
  constructor(type, init = undefined) {
    super(type, init);
    const { error = undefined, message = '' } = init ?? {};
    this.#error = error;
    this.#message = `${message}`;
  }
  get error() { return this.#error; }
  get message() { return this.#message; }
  get filename() { return ''; }
  get lineno() { return 0; }
  get colno() { return 0; }
}
tag(ErrorEvent, 'ErrorEvent');

class PromiseRejectionEvent extends Event {
  #promise;
  #reason;
  constructor(type, init = undefined) {
    super(type, init);
    this.#promise = init?.promise;
    this.#reason = init?.reason;
  }
  get promise() { return this.#promise; }
  get reason() { return this.#reason; }
}
tag(PromiseRejectionEvent, 'PromiseRejectionEvent');

const globalState = newTargetState();

// Nobody is told twice: what an `error` listener throws goes to the host alone.
let reporting = false;

const tellGlobal = (event, kind, value) => {
  const info = infoOf(event);
  info[BITS] |= TRUSTED;
  if (!reporting && listOf(globalState, info[TYPE]) !== undefined) {
    reporting = true;
    try {
      dispatch(globalThis, globalState, event, info);
    } finally {
      reporting = false;
    }
    if (info[BITS] & CANCELED) return;
  }
  native.uncaught(kind, value);
};

const report = (error) => {
  let message = '';
  try {
    message = `Uncaught ${error}`;
  } catch {
    // It cannot even be shown.
  }
  tellGlobal(new ErrorEvent('error', { __proto__: null, error, message, cancelable: true }), 0, error);
};

// Promises that were rejected while nobody listened, until the end of the turn's microtasks.
let rejected = new Map();
let hasRejected = false;

const onRejection = (promise, reason, handled) => {
  if (handled) {
    mapDelete(rejected, promise);
  } else {
    mapSet(rejected, promise, reason);
    hasRejected = true;
  }
};

// Whether somebody was told, so that there may be microtasks again.
const tellRejections = () => {
  if (!hasRejected) return false;
  const all = rejected;
  rejected = new Map();
  hasRejected = false;
  let told = false;
  mapForEach(all, (reason, promise) => {
    told = true;
    const init = { __proto__: null, promise, reason, cancelable: true };
    tellGlobal(new PromiseRejectionEvent('unhandledrejection', init), 1, reason);
  });
  return told;
};
