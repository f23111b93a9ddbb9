// What scripts share: of figures, of the reader and of the catalogue.

/** Return a new element with properties and children. */
export function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Return a text with values in the place of their {names}. */
export const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

/** Return the nearest value that is neither lower nor higher. */
export const within = (value, low, high) => Math.min(Math.max(value, low), high);
