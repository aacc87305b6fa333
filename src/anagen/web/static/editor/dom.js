/** Small helpers to make elements; never from text as HTML. */

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  draw: "M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19l-4 1zM14 7l3 3",
  erase: "M8 20h12M5.5 17.5l-2-2a1.8 1.8 0 0 1 0-2.5L13 3.5a1.8 1.8 0 0 1 2.5 0l4 4a1.8 1.8 0 0 1 0 2.5L12 17.5M8.5 8l7 7",
  move: "M12 3v18M3 12h18M12 3l-2.6 2.6M12 3l2.6 2.6M12 21l-2.6-2.6M12 21l2.6-2.6M3 12l2.6-2.6M3 12l2.6 2.6M21 12l-2.6-2.6M21 12l-2.6 2.6",
  split: "M12 2.5v3M12 8.5v3M12 14.5v3M12 20.5v1M8.5 6C5 6.5 3 9 3 12s2 5.500 5.500 6M15.500 6c3.500.5 5.500 3 5.500 6s-2 5.500-5.500 6",
  merge: "M9 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 6a6 6 0 1 1 0 12 6 6 0 0 1 0-12z",
  regrowth: "M5 20c0-5 .5-8 2-12M12 20c0-6 0-10 1-15M19 20c0-4-.5-7-2-10M3 20.500h18",
  hand: "M12 3.500a8.500 8.500 0 1 0 8.500 8.500M20.500 12l-2.500-2.600M20.500 12l2-3M12 3.500c-3 2.500-4 5.500-4 8.500s1 6 4 8.500",
  pan: "M8 12V6.500a1.500 1.500 0 0 1 3 0V11M11 10.500V5a1.500 1.500 0 0 1 3 0v5.500M14 11V6.500a1.500 1.500 0 0 1 3 0V14c0 4-2 7-5.500 7-3 0-4.500-1.500-6-4.500L4 13.500a1.500 1.500 0 0 1 2.600-1.400L8 14",
  undo: "M9 7L4 12l5 5M4 12h10a6 6 0 0 1 6 6",
  redo: "M15 7l5 5-5 5M20 12H10a6 6 0 0 0-6 6",
  zoom_in: "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.500 15.500L21 21M10.500 7.500v6M7.500 10.500h6",
  zoom_out: "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.500 15.500L21 21M7.500 10.500h6",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  help: "M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400M12 18v.01M12 2.500a9.500 9.500 0 1 0 0 19 9.500 9.500 0 0 0 0-19z",
};

/** Element with attributes (functions become listeners) and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Line drawing of 24 by 24. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", ICONS[name]);
  drawing.append(line);
  return drawing;
}

/** Button of a form that never sends it. */
export function button(label, work, attributes = {}, ...children) {
  return make("button", { type: "button", onclick: work, ...attributes },
    ...(children.length ? children : [label]));
}

/** Labelled field. */
export function field(label, input) {
  return make("label", { class: "ae-field" }, make("span", {}, label), input);
}
