// What the rest uses, taken before any script can change it.
const { apply, construct, getPrototypeOf, defineProperty, ownKeys } = Reflect;
const uncurry = Function.prototype.bind.bind(Function.prototype.call);
const getter = (proto, name) => {
  const found = Object.getOwnPropertyDescriptor(proto, name);
  return found?.get ? uncurry(found.get) : () => undefined;
};
const { isArray } = Array;
const { hasOwn, freeze } = Object;
const toStringTag = uncurry(Object.prototype.toString);
const mapGet = uncurry(Map.prototype.get);
const mapSet = uncurry(Map.prototype.set);
const mapDelete = uncurry(Map.prototype.delete);
const mapForEach = uncurry(Map.prototype.forEach);
const setAdd = uncurry(Set.prototype.add);
const setForEach = uncurry(Set.prototype.forEach);
const functionText = uncurry(Function.prototype.toString);
const { now } = Date;
const origin = now();
// Appends without the setters that a script may have put on the prototype.
const append = (list, value) => {
  defineProperty(list, list.length, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
};

// Private fields on any object: `new Stamp(object, state)`.
class Same {
  constructor(object) {
    return object;
  }
}
class Stamp extends Same {
  #state;
  constructor(object, state) {
    super(object);
    this.#state = state;
  }
  // Throws a TypeError for what has none.
  static read(object) {
    return object.#state;
  }
  static isOn(object) {
    return #state in object;
  }
}
const stateOf = Stamp.read;

const defineHidden = (target, name, value) =>
  defineProperty(target, name, { __proto__: null, value, writable: true, enumerable: false, configurable: true });
const tag = (constructor, name) =>
  defineProperty(constructor.prototype, Symbol.toStringTag, { __proto__: null, value: name, configurable: true });
const enumerable = (constructor, names) => {
  for (let i = 0; i < names.length; i++) {
    defineProperty(constructor.prototype, names[i], { __proto__: null, enumerable: true });
  }
};
