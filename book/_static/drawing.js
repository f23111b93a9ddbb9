// A digit drawn by hand: strokes on a field of FIELD × FIELD points, each stroke a list of [x, y].
// Here is no page.

export const FIELD = 64;
export const SIDE = 28; // of MNIST's images
const BOX = 20; // into which MNIST fits a digit, keeping its shape
const PEN = 1.2; // half the width of a line, in pixels: most of MNIST's are 2 to 3 wide

/**
 * Return a drawing as MNIST would have it: SIDE × SIDE numbers from 0 to 1, row by row, the digit
 * scaled to a box of 20 × 20 pixels, its centre of mass at the centre of the image.
 */
export function render(strokes) {
  const points = strokes.flat();
  const [left, top] = [0, 1].map((k) => Math.min(...points.map((point) => point[k])));
  const [right, bottom] = [0, 1].map((k) => Math.max(...points.map((point) => point[k])));
  const scale = (BOX - 2 * PEN) / Math.max(right - left, bottom - top, 1);
  const place = ([x, y]) => [(x - left) * scale + PEN, (y - top) * scale + PEN];
  const lines = strokes.flatMap((stroke) => {
    const placed = stroke.map(place);
    return placed.map((point, k) => [placed[Math.max(k - 1, 0)], point]);
  });
  const box = new Float32Array(BOX * BOX).map((_, at) => {
    const centre = [(at % BOX) + 0.5, Math.floor(at / BOX) + 0.5];
    const near = Math.min(...lines.map((line) => distance(centre, line)));
    return Math.min(Math.max(PEN + 0.5 - near, 0), 1);
  });
  return centred(box);
}

/** Return the distance of a point to a line between two points. */
function distance([x, y], [[x0, y0], [x1, y1]]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const along = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1);
  const on = Math.min(Math.max(along, 0), 1);
  return Math.hypot(x0 + on * dx - x, y0 + on * dy - y);
}

/** Return the image with the box in it, moved by whole pixels: its mass is around (14, 14). */
function centred(box) {
  let [mass, x, y] = [0, 0, 0];
  box.forEach((ink, at) => {
    mass += ink;
    x += ink * (at % BOX);
    y += ink * Math.floor(at / BOX);
  });
  const [right, down] = [x, y].map((sum) => Math.round(SIDE / 2 - sum / mass));
  const image = new Float32Array(SIDE * SIDE);
  box.forEach((ink, at) => {
    const [column, row] = [(at % BOX) + right, Math.floor(at / BOX) + down];
    if (column >= 0 && column < SIDE && row >= 0 && row < SIDE) image[row * SIDE + column] = ink;
  });
  return image;
}

const LONGEST = 4000; // text of a drawing, in letters
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Return a drawing as text for an address: a letter per coordinate, a dot between strokes. */
export function encode(strokes) {
  return strokes.map((stroke) => stroke.flat().map((value) => LETTERS[value]).join("")).join(".");
}

/** Return the drawing that a text stands for, null where it stands for none. */
export function decode(text) {
  if (text.length > LONGEST || !/^([\w-]{2})+(\.([\w-]{2})+)*$/.test(text)) return null;
  return text.split(".").map((stroke) =>
    stroke.match(/../g).map((pair) => [...pair].map((letter) => LETTERS.indexOf(letter))));
}
