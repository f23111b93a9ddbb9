// A trained network's forward pass: no page, no library. src/irnn/forward.py has the same formulas.

const DIGITS = 10;

// The gates' activation by semantics: 2015's hard sigmoid, today's sigmoid.
const GATES = {
  2015: (x) => Math.min(Math.max(0.2 * x + 0.5, 0), 1),
  today: (x) => 1 / (1 + Math.exp(-x)),
};

/**
 * Return the network in a .safetensors file: {run, model, gates, units, weights}, its weights
 * as Float32Arrays by name. Throws an error for anything else.
 */
export function parse(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const { __metadata__: about, ...arrays } = header;
  const weights = {};
  for (const [name, { data_offsets: [begin, end] }] of Object.entries(arrays))
    weights[name] = new Float32Array(buffer, 8 + length + begin, (end - begin) / 4);
  return { ...about, units: arrays.recurrent_kernel.shape[0], weights };
}

/**
 * Read a sequence of T pixels. Returns Float32Arrays, a row per pixel: the hidden state `h` of
 * T × units numbers, for an LSTM also its memory cell `c` and its gates `i`, `f` and `o`, and
 * `probabilities`, T × 10, which the network would answer with if the sequence ended there.
 */
export function read(network, pixels) {
  const { model, units, weights } = network;
  const step = model === "lstm" ? lstm : irnn;
  const names = model === "lstm" ? ["h", "c", "i", "f", "o"] : ["h"];
  const found = { probabilities: new Float32Array(pixels.length * DIGITS) };
  for (const name of names) found[name] = new Float32Array(pixels.length * units);
  let state = { h: new Float32Array(units), c: new Float32Array(units) };
  pixels.forEach((x, t) => {
    state = step(network, x, state);
    for (const name of names) found[name].set(state[name], t * units);
    const scores = product(weights.dense_bias, state.h, weights.dense_kernel);
    found.probabilities.set(softmax(scores), t * DIGITS);
  });
  return found;
}

function irnn({ weights }, x, { h }) {
  const z = product(weights.bias, h, weights.recurrent_kernel);
  return { h: z.map((value, j) => Math.max(value + x * weights.kernel[j], 0)) };
}

function lstm({ weights, units, gates }, x, before) {
  const gate = GATES[gates];
  const z = product(weights.bias, before.h, weights.recurrent_kernel);
  z.forEach((value, j) => (z[j] = value + x * weights.kernel[j]));
  const part = (k) => z.subarray(k * units, (k + 1) * units); // side by side: i, f, new, o
  const [i, f, o] = [part(0).map(gate), part(1).map(gate), part(3).map(gate)];
  const c = part(2).map((value, j) => f[j] * before.c[j] + i[j] * Math.tanh(value));
  return { h: c.map((value, j) => o[j] * Math.tanh(value)), c, i, f, o };
}

/** Return bias + row · matrix, in double precision; a matrix is stored row after row. */
function product(bias, row, matrix) {
  const sum = Float64Array.from(bias);
  const columns = sum.length;
  for (let i = 0; i < row.length; i++) {
    const value = row[i];
    if (value) for (let j = 0, at = i * columns; j < columns; j++, at++) sum[j] += value * matrix[at];
  }
  return sum;
}

function softmax(scores) {
  const highest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - highest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}
