// A figure that answers: hover, touch or arrow keys show a curve's values, seed and run, the legend
// hides curves, and the x axis changes its unit. Without this script the figure is complete. Words,
// values and places come with it, from irnn/show/curves.py; places are in the SVG's units.

import { filled, make, within } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const TICKS_APART = 45;
const SUPERSCRIPTS = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹";

const makeSvg = (tag, attributes, text = "") => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
};
const last = (values) => values[values.length - 1];

/** Return round numbers from 0 to at most `high`, no more than `most` steps of 1, 2 or 5 times a power of ten. */
export function ticks(high, most) {
  const least = high / most;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= least);
  return Array.from({ length: Math.floor(high / step) + 1 }, (_, n) => n * step);
}

/** Tell where on an axis a value lies: 0 at its beginning, 1 at its end. */
export function share(value, { from, to, log }) {
  const at = log ? Math.log : Number;
  return (at(value) - at(from)) / (at(to) - at(from));
}

/** Write a number in scientific notation, as irnn/show/text.py does: 10⁻⁴, 5 × 10⁻⁴. */
function scientific(value) {
  const [factor, exponent] = Number(value.toPrecision(4)).toExponential().split("e");
  const power = `${Number(exponent)}`.replace(/./g, (sign) => SUPERSCRIPTS["-0123456789".indexOf(sign)]);
  return `${factor === "1" ? "" : `${factor} × `}10${power}`;
}

/** Write a value as its axis does, other than whole numbers to four digits. */
export function written(value, { percent, power }, language) {
  if (power && value) return scientific(value);
  if (percent) return value.toLocaleString(language, { style: "percent", minimumFractionDigits: 1 });
  if (Number.isInteger(value)) return value.toLocaleString(language);
  if (Math.abs(value) < 0.001) return scientific(value);
  return value.toLocaleString(language, { maximumSignificantDigits: 4 });
}

class Figure {
  constructor(root, page) {
    Object.assign(this, page); // words, units, seeds, curves
    this.language = document.documentElement.lang;
    this.hidden = new Set(); // labels
    this.unit = null; // one of units; null: what the SVG shows
    const image = root.querySelector("[role=img]");
    this.drawings = page.drawings.map((places, n) => new Drawing(this, image.children[n], places));
    for (const { svg } of this.drawings) Object.assign(svg, { role: "img", ariaLabel: image.ariaLabel });
    image.removeAttribute("role"); // it now holds controls
    image.removeAttribute("aria-label");
    image.classList.add("irnn-curves");
    if (this.units.length) this.offerUnits(root.querySelector(".irnn-units"));
  }

  offerUnits(place) {
    const names = [this.drawings[0].plots[0].x.name, ...this.units.map(({ name }) => name)];
    const buttons = names.map((textContent, n) => make("button", { type: "button", textContent,
      ariaPressed: n === 0,
      onclick: () => {
        this.unit = this.units[n - 1] ?? null;
        buttons.forEach((button, m) => { button.ariaPressed = m === n; });
        for (const drawing of this.drawings) drawing.draw();
      } }));
    Object.assign(place, { role: "group", ariaLabel: this.words.units });
    place.append(make("span", { ariaHidden: true, textContent: this.words.units }), ...buttons);
  }

  toggle(label) {
    if (!this.hidden.delete(label)) this.hidden.add(label);
    for (const drawing of this.drawings) drawing.draw();
  }

  /** Return how much of the chosen unit a curve's x of 1 is, undefined for what has no such x. */
  factor({ label }) {
    return this.unit ? this.unit.of[label] : 1;
  }

  /** Return the x axis of a panel in the chosen unit, as full as it is in the SVG. */
  axis({ x }) {
    if (!this.unit) return x;
    const known = this.curves.filter((curve) => curve.x.length && this.factor(curve));
    const ends = known.map((curve) => last(curve.x));
    const to = Math.max(...known.map((curve, n) => ends[n] * this.factor(curve)));
    return { name: this.unit.name, from: 0, to: to * x.to / Math.max(...ends) };
  }
}

class Drawing {
  constructor(figure, root, { plots, entries }) {
    Object.assign(this, { figure, plots, entries });
    this.svg = root.querySelector("svg");
    [this.width, this.height] = this.svg.getAttribute("viewBox").split(" ").slice(2).map(Number);
    this.parts = figure.curves.map((_, n) => this.find("curve", n)); // none of what is not drawn
    const inside = (parts, what) => parts.flatMap((part) => [...part.querySelectorAll(what)]);
    this.paths = this.parts.map((parts) =>
      inside(parts, ":scope > path").map((path) => [path, path.getAttribute("d")]));
    this.marks = this.parts.map((parts) =>
      inside(parts, "use").map((mark) => [mark, Number(mark.getAttribute("x"))]));
    this.ring = makeSvg("circle", { class: "irnn-ring", r: 5 });
    this.answer = make("output", { className: "irnn-answer" });
    const panels = plots.map((_, n) => this.panel(n)).filter(Boolean);
    this.buttons = entries.map((entry) => this.button(entry));
    const legend = make("div", { role: "group", ariaLabel: figure.words.legend }, ...this.buttons);
    root.append(...panels, ...(entries.length ? [legend] : []), this.answer);
  }

  find(part, n) {
    return [...this.svg.querySelectorAll(`[data-${part}="${n}"]`)];
  }

  /** Lay an element over a box of the SVG. */
  lay(element, [left, top, right, bottom]) {
    Object.assign(element.style, {
      left: `${100 * left / this.width}%`, width: `${100 * (right - left) / this.width}%`,
      top: `${100 * top / this.height}%`, height: `${100 * (bottom - top) / this.height}%`,
    });
    return element;
  }

  button({ label, box: [left, top, right, bottom] }) {
    const button = make("button", { type: "button", ariaLabel: label, ariaPressed: true,
      title: this.figure.words.toggle, onclick: () => this.figure.toggle(label) });
    return this.lay(button, [left, top - 5, right, bottom + 5]);
  }

  panel(n) {
    const { box, title } = this.plots[n];
    if (!this.lines(n).length) return null;
    const { plot, point } = this.figure.words;
    const ask = (event) => this.ask(n, event);
    return this.lay(make("div", { className: "irnn-panel", role: "application", tabIndex: 0,
      ariaLabel: title ? filled(point, { name: title, value: plot }) : plot,
      onpointermove: ask, onpointerdown: ask,
      onpointerleave: ({ pointerType }) => pointerType === "mouse" && this.show(null),
      onkeydown: (event) => this.move(n, event),
      onfocus: ({ target }) => target.matches(":focus-visible") && this.show(this.first(n)),
      onblur: () => this.show(null) }), box);
  }

  /** Return the curves of a panel that are seen and have values. */
  lines(n) {
    const { curves, hidden } = this.figure;
    return curves.filter(({ plot, label, x }) => plot === n && x.length && !hidden.has(label));
  }

  /** Return the end of the first mean of a panel, or of its first curve. */
  first(n) {
    const lines = this.lines(n);
    const curve = lines.find(({ mean }) => mean) ?? lines[0];
    return curve ? { curve, k: curve.x.length - 1 } : null;
  }

  /** Return where a point of a curve lies. */
  at(curve, k) {
    const { box: [left, top, right, bottom], y, ...plot } = this.plots[curve.plot];
    const x = curve.x[k] * this.figure.factor(curve);
    return [left + (right - left) * share(x, this.figure.axis(plot)),
      bottom - (bottom - top) * share(curve.y[k], y)];
  }

  ask(n, { clientX, clientY }) {
    const { left, top, width, height } = this.svg.getBoundingClientRect();
    const [x, y] = [(clientX - left) * this.width / width, (clientY - top) * this.height / height];
    let nearest = null;
    let least = Infinity;
    for (const curve of this.lines(n))
      for (const k of curve.x.keys()) {
        const [px, py] = this.at(curve, k);
        const distance = Math.hypot(px - x, py - y);
        if (distance <= least) [nearest, least] = [{ curve, k }, distance];
      }
    this.show(nearest);
  }

  move(n, event) {
    if (event.key === "Escape") return this.show(null);
    const { curve, k } = this.asked ?? this.first(n) ?? {};
    const keys = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
    if (!curve || !keys.includes(event.key)) return;
    event.preventDefault();
    const to = (place) => this.show({ curve, k: within(place, 0, curve.x.length - 1) });
    if (event.key === "ArrowLeft") return to(k - 1);
    if (event.key === "ArrowRight") return to(k + 1);
    if (event.key === "Home") return to(0);
    if (event.key === "End") return to(Infinity);
    const lines = this.lines(n);
    const step = event.key === "ArrowDown" ? 1 : lines.length - 1;
    const other = lines[(lines.indexOf(curve) + step) % lines.length];
    const apart = other.x.map((x) => Math.abs(x - curve.x[k]));
    this.show({ curve: other, k: apart.indexOf(Math.min(...apart)) });
  }

  /** Answer for a point of a curve, or for none. */
  show(asked) {
    if (asked?.curve === this.asked?.curve && asked?.k === this.asked?.k) return;
    this.asked = asked;
    this.parts.forEach((parts, n) => {
      for (const part of parts) part.classList.toggle("irnn-asked", this.figure.curves[n] === asked?.curve);
    });
    this.ring.remove();
    this.answer.replaceChildren();
    if (!asked) return;
    const [x, y] = this.at(asked.curve, asked.k);
    this.ring.setAttribute("cx", x);
    this.ring.setAttribute("cy", y);
    this.svg.append(this.ring);
    this.answer.append(...this.said(asked).filter(Boolean).map((line, n) =>
      make(n ? "span" : "b", { textContent: line })));
    const [across, down] = [x / this.width, y / this.height];
    // Beside the point, not over the curve: on the side, and above or below, where there is more room.
    Object.assign(this.answer.style, { left: `${100 * across}%`, top: `${100 * down}%`,
      maxWidth: `calc(${100 * Math.max(across, 1 - across)}% - 0.8rem)`,
      translate: [across, down].map((at) => at < 0.5 ? "0.8rem" : "calc(-100% - 0.8rem)").join(" ") });
  }

  said({ curve, k }) {
    const { words, seeds, unit, language } = this.figure;
    const { x, y } = this.plots[curve.plot];
    const run = curve.runs.length > 1 ? curve.runs[k] : curve.runs[0];
    const value = (axis, number) =>
      axis.name && filled(words.point, { name: axis.name, value: written(number, axis, language) });
    return [
      curve.label,
      run ? filled(words["of run"], { seed: seeds[run], run }) : curve.mean && words["of mean"],
      value(x, curve.x[k]),
      unit && value(unit, curve.x[k] * this.figure.factor(curve)),
      value(y, curve.y[k]),
    ];
  }

  /** Show what is not hidden, in the chosen unit. */
  draw() {
    const { curves, hidden } = this.figure;
    this.show(null);
    this.parts.forEach((parts, n) => {
      for (const part of parts) part.style.display = hidden.has(curves[n].label) ? "none" : "";
      this.stretch(n);
    });
    this.entries.forEach(({ label }, n) => {
      this.buttons[n].ariaPressed = !hidden.has(label);
      for (const part of this.find("entry", n)) part.style.opacity = hidden.has(label) ? 0.35 : "";
    });
    this.plots.forEach((_, n) => this.drawAxis(n));
  }

  /** Move a curve's points to where they lie in the chosen unit. */
  stretch(n) {
    const curve = this.figure.curves[n];
    const plot = this.plots[curve.plot];
    const factor = this.figure.factor(curve);
    const times = factor ? factor * plot.x.to / this.figure.axis(plot).to : 1;
    const [left] = plot.box;
    const moved = (x) => left + (x - left) * times;
    for (const [path, d] of this.paths[n])
      path.setAttribute("d", d.replace(/([ML] )(-?[\d.]+)/g, (_, to, x) => to + moved(Number(x))));
    for (const [mark, x] of this.marks[n]) mark.setAttribute("x", moved(x));
  }

  /** Draw the axis of the chosen unit in the place of the SVG's. */
  drawAxis(n) {
    const { box: [left, top, right, bottom], ...plot } = this.plots[n];
    const [own] = this.find("x-axis", n);
    const { unit, language } = this.figure;
    for (const part of [own, ...this.find("at-x", n)]) part.style.display = unit ? "none" : "";
    for (const old of this.find("unit", n)) old.remove();
    if (!unit) return;
    const axis = this.figure.axis(plot);
    const group = makeSvg("g", { "data-unit": n, class: "irnn-axis" });
    for (const value of ticks(axis.to, Math.floor((right - left) / TICKS_APART))) {
      const x = left + (right - left) * share(value, axis);
      group.append(makeSvg("path", { d: `M${x} ${top}V${bottom}`, "stroke-opacity": 0.15 }),
        makeSvg("path", { d: `M${x} ${bottom}v3.5` }),
        makeSvg("text", { x, y: bottom + 14.6 }, written(value, {}, language)));
    }
    group.append(makeSvg("text", { x: (left + right) / 2, y: bottom + 28 }, axis.name));
    own.after(group);
  }
}

for (const root of globalThis.document?.querySelectorAll(".irnn-figure") ?? []) {
  const page = root.querySelector(":scope > script[type='application/json']");
  try {
    if (page) new Figure(root, JSON.parse(page.textContent));
  } catch (error) {
    reportError(error); // the others answer
  }
}
