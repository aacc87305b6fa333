// What an island reads and writes, where no notebook brings one.

/** Plain model for an island: values, and listeners to their changes. @param {Record<string, any>} values */
export function makeModel(values) {
  const listeners = new Map();
  return {
    get: (/** @type {string} */ name) => values[name],
    set: (/** @type {string} */ name, /** @type {any} */ value) => {
      values[name] = value;
      for (const one of listeners.get(`change:${name}`) ?? []) one();
    },
    on: (/** @type {string} */ name, /** @type {() => void} */ work) => {
      listeners.set(name, [...(listeners.get(name) ?? []), work]);
    },
    off: () => listeners.clear(),
    save_changes: () => {},
  };
}
