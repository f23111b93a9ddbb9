// A digit being read: sets the picture of irnn/show/reader.py in motion. Networks run here, in
// network.js; what is drawn becomes a digit in drawing.js; words, digits and names come with the page.

import { filled, make, within } from "./dom.js";
import { FIELD, SIDE, decode, encode, render } from "./drawing.js";
import { parse, read } from "./network.js";
import { paintAnswers, paintField, paintImage, paintPixels, paintUnits } from "./paint.js";

const STEPS = SIDE * SIDE;
const SECONDS = 12; // that reading takes
const PEN_STEP = 3; // of an arrow key, in points of the drawing field
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const GATES = ["i", "f", "o"]; // between 0 and 1

const percent = (value) => `${Math.round(100 * value)}%`;
const highest = (values) => values.indexOf(Math.max(...values));

class Reader {
  constructor(root, page, networks) {
    Object.assign(this, { root, page, networks, words: page.words });
    this.views = ["both", ...networks.map(({ model }) => model)];
    for (const digit of page.digits)
      digit.image = Float32Array.from(atob(digit.pixels), (byte) => byte.charCodeAt(0) / 255);
    this.build();
    this.follow(location.hash);
    const drawAll = () => {
      const ink = getComputedStyle(root).color;
      for (const { canvas, digit } of this.choices) paintImage(canvas, digit.image, STEPS, ink);
      this.draw();
    };
    new ResizeObserver(drawAll).observe(root);
    new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    addEventListener("hashchange", () => isOurs(location.hash) && this.follow(location.hash));
  }

  // --- what the page shows ---

  build() {
    const { words, root } = this;
    const button = (textContent, onclick) => make("button", { type: "button", textContent, onclick });
    this.status = root.querySelector(".irnn-reader-status");

    this.choices = this.page.digits.map((digit) => this.thumbnail(digit));
    this.drawButton = button(`✎ ${words.draw}`, () => this.edit());
    root.prepend(make("div", { className: "irnn-reader-choice", role: "group", ariaLabel: words.digits },
      ...this.choices.map(({ button }) => button), this.drawButton));

    this.canvas = make("canvas", { className: "irnn-reader-image", role: "img" });
    this.tools = make("div", { className: "irnn-reader-tools", hidden: true },
      button(words.read, () => this.readDrawing()),
      button(words.undo, () => this.undo()),
      button(words.clear, () => this.redraw([])));
    this.listenToPen();

    this.playButton = button("", () => (this.playing ? this.pause() : this.play()));
    this.position = make("span", { className: "irnn-reader-position" }); // not spoken at every pixel
    this.switches = this.views.map((name) =>
      button(words[name] ?? name.toUpperCase(), () => {
        this.chooseNetwork(name);
        this.draw();
        this.settle();
      }));
    this.slider = make("input", { type: "range", min: 1, max: STEPS, ariaLabel: words.slider,
      oninput: () => { this.pause(); this.show(this.slider.valueAsNumber); },
      onchange: () => this.settle() });
    this.pixels = make("canvas", { role: "img", ariaLabel: words.pixels });
    const time = make("div", { className: "irnn-reader-time" },
      make("div", { className: "irnn-reader-transport" }, this.playButton, this.position,
        make("div", { role: "group", ariaLabel: words.networks }, ...this.switches)),
      this.slider, make("small", { textContent: words.pixels }), this.pixels);

    this.panels = this.networks.map((network, k) => {
      const group = root.querySelectorAll(".irnn-reader-network")[k];
      const answers = make("canvas", { role: "img" });
      answers.ariaLabel = filled(words.sofar, { model: network.name });
      const band = make("div", {}, make("small", { textContent: answers.ariaLabel }), answers);
      const names = network.model === "lstm" ? ["h", "c", "i", "f", "o"] : ["h"];
      const maps = names.map((name) => ({ name, canvas: make("canvas", { role: "img", ariaLabel: words[name] }),
        scale: make("small", {}) }));
      group.append(make("div", { className: "irnn-reader-maps" }, ...maps.map(({ name, canvas, scale }) =>
        make("div", {}, canvas, make("span", { textContent: words[name] }), scale))));
      time.append(band);
      return { group, band, answers, maps, network, chart: group.querySelector("svg"),
        bars: [...group.querySelectorAll("rect")], digits: [...group.querySelectorAll("text")],
        answer: group.querySelector(".irnn-reader-answer") };
    });
    root.querySelector("svg.irnn-reader-image").replaceWith(make("div", { className: "irnn-reader-top" },
      make("div", {}, this.canvas, this.tools), time, this.status));
    root.classList.add("irnn-reader-live");
  }

  thumbnail(digit) {
    const canvas = make("canvas", { ariaHidden: true });
    const marks = digit.right.map((right, k) =>
      filled(this.words[right ? "right" : "wrong"], { model: this.networks[k].name }));
    const title = filled(this.words.choose, { ...digit, marks: marks.join(this.words.comma) });
    const dots = digit.right.map((right, k) => make("i", { className: right ? "right" : "wrong",
      style: `--color: ${this.networks[k].color}` }));
    const onclick = () => {
      this.choose({ digit });
      this.show(STEPS);
      this.settle();
    };
    const button = make("button", { type: "button", title, ariaLabel: title, onclick },
      canvas, make("span", { ariaHidden: true }, ...dots));
    return { button, canvas, digit };
  }

  /** Choose what is read: one of the page's digits, or the strokes of a drawing, if any. */
  choose({ digit, strokes = [], editing = false }) {
    this.pause();
    Object.assign(this, { digit, strokes, editing });
    this.image = digit?.image ?? (strokes.length ? render(strokes) : null);
    this.readings = this.image && this.networks.map((network) => read(network, this.image));
    this.tools.hidden = !editing;
    this.canvas.role = editing ? "application" : "img"; // so that keys reach it
    if (editing) this.canvas.tabIndex = 0;
    else this.canvas.removeAttribute("tabindex");
    for (const choice of this.choices) choice.button.ariaPressed = choice.digit === digit;
    this.drawButton.ariaPressed = !digit;
    this.panels.forEach(({ maps, digits }, k) => {
      digits.forEach((text, n) => text.classList.toggle("truth", n === digit?.label));
      for (const map of maps) {
        const values = this.readings?.[k][map.name] ?? new Float32Array(0);
        let most = 0; // of the values so far: early states of an IRNN are small beside late ones
        map.most = values.map((value) => (most = Math.max(most, Math.abs(value))));
      }
    });
  }

  show(t) {
    this.t = t;
    this.slider.value = t;
    this.position.textContent = filled(this.words.position, { t, steps: STEPS });
    this.slider.ariaValueText = this.position.textContent;
    this.panels.forEach(({ bars, answer }, k) => {
      const values = this.probabilities(k);
      const best = highest(values);
      answer.replaceChildren(`${this.readings ? best : "–"} `,
        make("small", { textContent: this.readings ? percent(values[best]) : "" }));
      bars.forEach((bar, digit) => {
        bar.setAttribute("height", values[digit]);
        bar.setAttribute("fill-opacity", digit === best ? 1 : 0.6);
      });
    });
    this.draw();
  }

  probabilities(k) {
    return this.readings?.[k].probabilities.subarray(10 * (this.t - 1), 10 * this.t) ?? new Float32Array(10);
  }

  draw() {
    const ink = getComputedStyle(this.root).color;
    const { image, t, words } = this;
    const pen = this.canvas.matches(":focus-visible") ? this.pen : null;
    if (this.editing) paintField(this.canvas, this.strokes, pen, ink);
    else paintImage(this.canvas, image, t, ink);
    paintPixels(this.pixels, image ?? [], t, ink);
    this.panels.forEach(({ answers, maps, network: { color, units } }, k) => {
      const reading = this.readings?.[k];
      paintAnswers(answers, reading?.probabilities ?? [], t, color, ink);
      for (const { canvas, name, most, scale } of maps) {
        const largest = GATES.includes(name) ? 1 : (most[units * t - 1] ?? 0);
        if (!GATES.includes(name))
          scale.textContent = reading ? filled(words.largest, { value: largest.toLocaleString(document.documentElement.lang, { maximumSignificantDigits: 2 }) }) : "";
        paintUnits(canvas, reading?.[name].subarray(units * (t - 1), units * t) ?? [], largest, color);
      }
    });
  }

  /** Say in words what is shown, after a note. */
  describe(note = "") {
    const { words, digit } = this;
    const says = this.panels.map(({ network: { name }, chart }, k) => {
      const values = this.probabilities(k);
      const all = Array.from(values, (value, n) => `${n}: ${percent(value)}`).join(words.comma);
      chart.ariaLabel = filled(words.bars, { model: name, values: all });
      const best = highest(values);
      return filled(words.says, { model: name, digit: best, percent: percent(values[best]) });
    });
    const after = filled(words.after, { t: this.t, steps: STEPS, answers: says.join(words.comma) });
    const truth = digit ? filled(words.truth, digit) : "";
    this.say([note, this.readings ? after : words.hint, truth].filter(Boolean).join(words.space));
    this.canvas.ariaLabel = digit ? filled(words.image, digit) : words[this.editing ? "field" : "drawn"];
  }

  /** Say what is shown, and put it into the address. */
  settle() {
    this.describe();
    const source = this.digit ? `digit=${this.digit.id}` : `drawing=${encode(this.strokes)}`;
    if (this.readings) history.replaceState(null, "", `#${source}&t=${this.t}&network=${this.shown}`);
  }

  chooseNetwork(name) {
    this.shown = name;
    this.views.forEach((view, k) => (this.switches[k].ariaPressed = view === name));
    for (const { group, band, network } of this.panels)
      group.hidden = band.hidden = name !== "both" && name !== network.model;
  }

  // --- playing ---

  play() {
    if (this.editing) return this.readDrawing();
    const from = this.t >= STEPS ? 0 : this.t;
    let start = null; // when reading began or, had it not been paused, would have begun
    const stride = matchMedia("(prefers-reduced-motion: reduce)").matches ? SIDE : 1;
    const frame = (now) => {
      if (!this.playing) return;
      start ??= now - (1000 * SECONDS * from) / STEPS;
      const t = Math.floor((STEPS * (now - start)) / (1000 * SECONDS) / stride) * stride;
      this.show(within(t, 1, STEPS));
      if (t < STEPS) requestAnimationFrame(frame);
      else this.pause();
    };
    this.setPlaying(true);
    this.status.textContent = "";
    requestAnimationFrame(frame);
  }

  pause() {
    if (this.playing) {
      this.setPlaying(false);
      this.settle();
    }
    this.setPlaying(false);
  }

  setPlaying(playing) {
    this.playing = playing;
    this.playButton.textContent = playing ? `❚❚ ${this.words.pause}` : `▶ ${this.words.play}`;
  }

  say(text) {
    this.status.textContent = text;
  }

  // --- drawing ---

  edit() {
    this.redraw(this.strokes);
    this.canvas.focus({ preventScroll: true });
  }

  /** Show strokes in the drawing field, and what the networks answer to them after all pixels. */
  redraw(strokes, pen = { at: [FIELD / 2, FIELD / 4], down: false }) {
    this.choose({ strokes, editing: true });
    this.pen = pen;
    this.show(STEPS);
    this.settle();
  }

  undo() {
    this.redraw(this.strokes.slice(0, -1), { ...this.pen, down: false });
  }

  readDrawing() {
    if (!this.strokes.length) return this.say(this.words.empty);
    this.choose({ strokes: this.strokes });
    this.playButton.focus({ preventScroll: true });
    this.play();
  }

  listenToPen() {
    const { canvas } = this;
    const point = ({ offsetX, offsetY }) => [offsetX / canvas.clientWidth, offsetY / canvas.clientHeight]
      .map((share) => within(Math.floor(FIELD * share), 0, FIELD - 1));
    canvas.onpointerdown = (event) => {
      if (!this.editing || !event.isPrimary) return;
      canvas.setPointerCapture(event.pointerId);
      this.pen = { at: point(event), down: false, drawing: true };
      this.strokes = [...this.strokes, [this.pen.at]];
      this.draw();
    };
    canvas.onpointermove = (event) => {
      if (this.editing && this.pen.drawing) this.movePen(point(event));
    };
    canvas.onpointerup = canvas.onpointercancel = () => {
      if (!this.editing || !this.pen.drawing) return;
      this.redraw(this.strokes, { ...this.pen, drawing: false });
    };
    canvas.onkeydown = (event) => {
      const arrow = ARROWS[event.key];
      if (!this.editing || (!arrow && ![" ", "Enter", "Backspace"].includes(event.key))) return;
      event.preventDefault();
      if (arrow) this.movePen(this.pen.at.map((value, k) => within(value + PEN_STEP * arrow[k], 0, FIELD - 1)));
      else if (event.key === " ") this.lowerOrLift();
      else if (event.key === "Enter") this.readDrawing();
      else this.undo();
    };
  }

  movePen(at) {
    const last = this.strokes.at(-1);
    if ((this.pen.down || this.pen.drawing) && String(at) !== String(last.at(-1))) last.push(at);
    this.pen.at = at;
    this.draw();
  }

  lowerOrLift() {
    const pen = { ...this.pen, down: !this.pen.down };
    this.redraw(pen.down ? [...this.strokes, [pen.at]] : this.strokes, pen);
  }

  // --- the address ---

  /** Show what an address asks for; what it does not say, or what is not here, as at first. */
  follow(hash) {
    const asked = new URLSearchParams(hash.slice(1));
    const first = this.page.digits.find(({ id }) => id === this.page.first);
    const wrong = [];
    const take = (name, find) => {
      const found = asked.has(name) ? find(asked.get(name)) : undefined;
      if (asked.has(name) && found == null) wrong.push(`${name}=${asked.get(name).slice(0, 40)}`);
      return found;
    };
    const digit = take("digit", (id) => this.page.digits.find((digit) => String(digit.id) === id));
    const strokes = take("drawing", decode);
    const t = take("t", (t) => (/^\d+$/.test(t) && t >= 1 && t <= STEPS ? Number(t) : null));
    const view = take("network", (name) => this.views.find((view) => view === name));
    this.choose(strokes && !digit ? { strokes } : { digit: digit ?? first });
    this.chooseNetwork(view ?? "both");
    this.show(t ?? STEPS);
    this.describe(wrong.length ? filled(this.words.unknown, { what: wrong.join("&") }) : "");
  }
}

const isOurs = (hash) => /[#&](digit|drawing|t|network)=/.test(hash);

async function load(known) {
  const answer = await fetch(new URL(`networks/${known.file}.safetensors`, import.meta.url));
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
  return { ...known, ...parse(await answer.arrayBuffer()) };
}

async function start(root) {
  const page = JSON.parse(root.querySelector("script").textContent);
  let networks;
  try {
    networks = await Promise.all(page.networks.map(load));
  } catch {
    root.append(make("p", { role: "status", textContent: page.words.missing }));
    return;
  }
  new Reader(root, page, networks);
}

const root = document.querySelector(".irnn-reader");
if (isOurs(location.hash)) start(root).then(() => root.scrollIntoView());
else
  new IntersectionObserver((entries, observer) => { // several, where an address leads to a part of the page
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    observer.disconnect();
    start(root);
  }, { rootMargin: "100% 0px" }).observe(root);
