// Pictures on canvases, in units of CSS pixels, on nothing: they suit a light and a dark page.

import { FIELD, SIDE } from "./drawing.js";

const UNREAD = 0.2; // how much of its ink a pixel shows that has not been read yet

/** Return a canvas' empty context and its size, in as many pixels as the screen has. */
function blank(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  const context = canvas.getContext("2d");
  context.scale(devicePixelRatio, devicePixelRatio);
  return { context, width, height };
}

/** Return k steps as a place where a pixel of the screen begins, so that neighbours do not overlap. */
const place = (k, step) => Math.round(k * step * devicePixelRatio) / devicePixelRatio;

/** Paint an image of SIDE × SIDE pixels, t of them read, a frame around the last one. */
export function paintImage(canvas, image, t, ink) {
  const { context, width } = blank(canvas);
  const cell = width / SIDE;
  context.fillStyle = ink;
  image?.forEach((value, at) => {
    const [column, row] = [at % SIDE, Math.floor(at / SIDE)];
    const [x, y] = [place(column, cell), place(row, cell)];
    context.globalAlpha = at < t ? 0.06 + 0.94 * value : UNREAD * value;
    context.fillRect(x, y, place(column + 1, cell) - x, place(row + 1, cell) - y);
  });
  if (!image || t >= image.length) return;
  context.globalAlpha = 1;
  context.lineWidth = 2;
  context.strokeStyle = ink;
  context.strokeRect(((t - 1) % SIDE) * cell - 1, Math.floor((t - 1) / SIDE) * cell - 1, cell + 2, cell + 2);
}

/** Paint the strokes of a drawing, and where the pen is, if it is given: dashed while it is up. */
export function paintField(canvas, strokes, pen, ink) {
  const { context, width } = blank(canvas);
  const cell = width / FIELD;
  const centre = ([x, y]) => [(x + 0.5) * cell, (y + 0.5) * cell];
  Object.assign(context, { strokeStyle: ink, lineWidth: 5 * cell, lineCap: "round", lineJoin: "round" });
  for (const stroke of strokes) {
    context.beginPath();
    context.moveTo(...centre(stroke[0]));
    for (const point of stroke) context.lineTo(...centre(point));
    context.stroke();
  }
  if (!pen) return;
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(...centre(pen.at), 4 * cell, 0, 2 * Math.PI);
  context.setLineDash(pen.down ? [] : [2, 2]);
  context.stroke();
}

/** Paint the pixels side by side, t of them read. */
export function paintPixels(canvas, image, t, ink) {
  const { context, width, height } = blank(canvas);
  const step = width / (SIDE * SIDE);
  context.fillStyle = ink;
  image.forEach((value, at) => {
    context.globalAlpha = at < t ? 0.9 : UNREAD;
    const x = place(at, step);
    context.fillRect(x, height * (1 - value), place(at + 1, step) - x, height * value);
  });
  context.globalAlpha = 1;
  context.fillRect(t * step - 1, 0, 1, height);
}

/** Paint the likeliest digit after each of the first t pixels, the likelier the stronger. */
export function paintAnswers(canvas, probabilities, t, color, ink) {
  const { context, width, height } = blank(canvas);
  const step = width / (SIDE * SIDE);
  Object.assign(context, { font: `600 ${0.6 * height}px ${getComputedStyle(canvas).fontFamily}`,
    textAlign: "center", textBaseline: "middle" });
  let begin = 0;
  let last = null;
  const name = (end) => {
    const room = (end - begin) * step;
    context.globalAlpha = 1;
    context.fillStyle = ink;
    if (begin) context.fillRect(begin * step, 0, 0.5, height);
    if (room > 0.6 * height) context.fillText(last, (begin + end) * step / 2, 0.53 * height);
  };
  const read = Math.min(t, probabilities.length / 10);
  for (let at = 0; at < read; at++) {
    const values = probabilities.subarray(10 * at, 10 * at + 10);
    const most = Math.max(...values);
    context.globalAlpha = 0.1 + 0.7 * most;
    context.fillStyle = color;
    const x = place(at, step);
    context.fillRect(x, 0, place(at + 1, step) - x, height);
    const best = values.indexOf(most);
    if (last !== null && best !== last) {
      name(at);
      begin = at;
    }
    last = best;
  }
  if (last !== null) name(read);
}

/**
 * Paint a square for each unit: its area is the value as a share of the largest, and a negative
 * value has an outline instead of ink (a Hinton diagram).
 */
export function paintUnits(canvas, values, most, color) {
  const { context, width } = blank(canvas);
  const columns = Math.ceil(Math.sqrt(values.length));
  const cell = width / columns;
  Object.assign(context, { fillStyle: color, strokeStyle: color });
  values.forEach((value, unit) => {
    const side = 0.95 * cell * Math.sqrt(Math.abs(value) / (most || 1));
    const [x, y] = [unit % columns, Math.floor(unit / columns)].map((k) => (k + 0.5) * cell - side / 2);
    if (value > 0) context.fillRect(x, y, side, side);
    else if (side > 1) context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
  });
}
