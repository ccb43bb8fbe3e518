// Timers, and what is put on the global.
const timers = new Map();
let lastTimer = 0;
const setTimer = (callback, delay, args, repeat) => {
  if (typeof callback !== 'function') throw new TypeError('the callback is not a function');
  delay = +delay;
  if (!(delay >= 0)) delay = 0;
  const id = ++lastTimer;
  mapSet(timers, id, { __proto__: null, callback, args, delay, repeat });
  native.timer(id, delay);
  return id;
};
function setTimeout(callback, delay = 0, ...args) {
  return setTimer(callback, delay, args, false);
}
function setInterval(callback, delay = 0, ...args) {
  return setTimer(callback, delay, args, true);
}
const clear = (id) => {
  id = +id;
  if (mapDelete(timers, id)) native.clear(id);
};
function clearTimeout(id = undefined) {
  clear(id);
}
function clearInterval(id = undefined) {
  clear(id);
}
const fireTimer = (id) => {
  const timer = mapGet(timers, id);
  if (timer === undefined) return;
  if (!timer.repeat) mapDelete(timers, id);
  try {
    apply(timer.callback, globalThis, timer.args);
  } catch (error) {
    report(error);
  }
  if (timer.repeat && mapGet(timers, id) === timer) native.timer(id, timer.delay);
};

function structuredClone(value, options = undefined) {
  if (arguments.length === 0) throw new TypeError('structuredClone needs a value');
  if (isObject(options) && !isArray(options)) checkTransfer({ __proto__: null, transfer: options.transfer });
  return native.clone(ports, value);
}
function reportError(error) {
  if (arguments.length === 0) throw new TypeError('reportError needs a value');
  report(error);
}
const then = uncurry(Promise.prototype.then);
const resolved = Promise.resolve();
function queueMicrotask(callback) {
  if (typeof callback !== 'function') throw new TypeError('the callback is not a function');
  then(resolved, () => {
    try {
      callback();
    } catch (error) {
      report(error);
    }
  });
}

const provide = (name, value) => {
  if (!hasOwn(globalThis, name)) defineHidden(globalThis, name, value);
};
provide('Event', Event);
provide('EventTarget', EventTarget);
provide('MessageEvent', MessageEvent);
provide('ErrorEvent', ErrorEvent);
provide('PromiseRejectionEvent', PromiseRejectionEvent);
if (settings.expose) {
  provide('MessageChannel', MessageChannel);
  provide('MessagePort', MessagePort);
}
provide('structuredClone', structuredClone);
provide('reportError', reportError);
provide('queueMicrotask', queueMicrotask);
provide('setTimeout', setTimeout);
provide('setInterval', setInterval);
provide('clearTimeout', clearTimeout);
provide('clearInterval', clearInterval);
if (!('addEventListener' in globalThis)) {
  new Stamp(globalThis, globalState);
  const { addEventListener, removeEventListener, dispatchEvent } = EventTarget.prototype;
  provide('addEventListener', addEventListener);
  provide('removeEventListener', removeEventListener);
  provide('dispatchEvent', dispatchEvent);
}

return {
  __proto__: null,
  ports,
  fire: fireTimer,
  onRejection,
  tellRejections,
  report,
  MessageChannel,
  MessagePort,
};
