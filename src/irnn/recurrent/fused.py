"""The loops over time as one kernel each (Pallas, Triton), for NVIDIA GPUs.

Step by step, a GPU spends its time on starting kernels: at 100 units a step is far shorter
than a launch. Here one program runs all steps of one row of the batch on one multiprocessor,
so that 32 rows keep 32 of them busy, and many runs side by side (`vmap`) the others.

What a step then costs is reading the recurrent matrix and waiting at barriers, so that

- the matrix stays in registers. At 100 units, an IRNN's 100 x 128 values are 100 registers
  of each of 128 threads; an LSTM's 100 x 512 values are 200 of each of 256 threads, of 255
  that a thread may have: 200 KB of the 256 KB that a multiprocessor has.
- a thread's part of the matrix is whole columns or, where it loads several adjacent values at
  once, a few columns of some rows: then it reads fewer values of the vector from shared memory,
  whose bandwidth all threads share, but adding up a column takes other threads. The length of
  the rows decides: Triton loads as many values at once as it is a multiple of.
- the vector is cut in pieces, each for its rows of the matrix: a chain of multiply-adds, and
  none of them for the padding.

Which of this is fastest only measuring tells; `CHOSEN` is what did best.
"""

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from irnn.recurrent.step import lstm_gradients

# Values of the recurrent matrix, with its columns' padding, that fill a multiprocessor's
# registers: IRNNs of up to 256 units, LSTMs of up to 128. What then lacks room beside the
# rest of a step is spilled to memory, close by in the first cache.
MOST_VALUES = 65536

# Values per thread that leave a step the registers it needs, and the most warps of which
# each thread may have 255 registers.
VALUES_PER_THREAD = 208
MOST_WARPS = 8

# A program keeps a row of W in registers for each feature.
MOST_FEATURES = 8


def width(units: int) -> int:
    """Return the units with their padding: Triton's arrays are powers of two."""
    return max(32, pl.next_power_of_2(units))


def most_units(blocks: int) -> int:
    """Return how many units fit, with so many blocks of them in the columns of the matrix."""
    return max(n for n in range(1, 4097) if n * blocks * width(n) <= MOST_VALUES)


class Tiling(NamedTuple):
    """How the threads of a program share the recurrent matrix."""

    adjacent: int  # columns that a thread loads at once: 1, 2 or 4
    rows: int  # in a piece, a power of two
    warps: int | None = None  # None: as many as keep the matrix in registers


class Tilings(NamedTuple):
    """The tiling of each loop."""

    rnn_forward: Tiling
    rnn_backward: Tiling
    lstm_forward: Tiling
    lstm_backward: Tiling


# The fastest of the few that were tried on an H200; benchmarks/fused.py tries more.
CHOSEN = Tilings(
    rnn_forward=Tiling(1, 4),
    rnn_backward=Tiling(1, 4),
    lstm_forward=Tiling(2, 2),
    lstm_backward=Tiling(1, 4),
)


@dataclass(frozen=True)
class Fused:
    """The loops of a layer with this many units; `choice.Loop` says what they compute."""

    units: int
    interpret: bool = False  # on any device, slowly: for tests
    tilings: Tilings = CHOSEN

    @property
    def width(self) -> int:
        """Units of the arrays that the loops work on."""
        return width(self.units)

    def rnn_forward(self, activation, x, h, w, u, b, save: bool):
        """Return the last h and, to be saved, the pre-activations of all steps."""
        batch, steps, features = x.shape
        tiling = self.tilings.rnn_forward

        def kernel(x, h, w, b, u, z):
            read = _input(x, w, b, features)
            tiles = self._tiles(u, tiling.rows)

            def step(t, h):
                now = read(t)
                z[t if save else 0] = now = now + self._product([h], [tiles])
                return activation(now)

            lax.fori_loop(0, steps, step, h[...])

        saved = (steps if save else 1, batch, self.width)
        (z,) = self._run(kernel, [_flat(x), h], [w, b], u, [saved], tiling)
        return activation(z[-1]), z

    def rnn_backward(self, activation, z, u, dh):
        """Return the gradients of the first h and of all pre-activations."""
        steps, tiling = len(z), self.tilings.rnn_backward

        def kernel(dh, z, u, dh_first, dz):
            tiles = self._tiles(u, tiling.rows)

            def step(k, state):
                dh, now = state
                t = steps - 1 - k
                before = z[jnp.maximum(t - 1, 0)]  # read while this step computes
                dz[t] = d = jax.vjp(activation, now)[1](dh)[0]
                return self._product([d], [tiles]), before

            dh_first[...], _ = lax.fori_loop(0, steps, step, (dh[...], z[steps - 1]))

        return self._run(kernel, [dh, z], [], u.T, [dh.shape, z.shape], tiling)

    def lstm_forward(self, gate, x, h, c, w, u, b, save: bool):
        """Return the last (h, c) and, to be saved, all gates and the c before each step."""
        batch, steps, features = x.shape
        tiling = self.tilings.lstm_forward

        def kernel(x, h, c, w, b, u, gates, before):
            read = _input(x, w, b, features)
            tiles = self._tiles(u, tiling.rows)

            def step(t, state):
                h, c = state
                z = read(t) + self._product([h], [tiles])
                i, f, g, o = jnp.split(z, 4)
                i, f, g, o = gate(i), gate(f), jnp.tanh(g), gate(o)
                at = t if save else 0
                before[at] = c
                for block, a in zip(self._blocks, (i, f, g, o), strict=True):
                    gates[at, block] = a
                c = f * c + i * g
                return o * jnp.tanh(c), c

            lax.fori_loop(0, steps, step, (h[...], c[...]))

        saved = [(steps if save else 1, batch, columns) for columns in (4 * self.width, self.width)]
        gates, c = self._run(kernel, [_flat(x), h, c], [w, b], u, saved, tiling)
        i, f, g, o = jnp.split(gates[-1], 4, axis=1)
        last = f * c[-1] + i * g
        return (o * jnp.tanh(last), last), (gates, c)

    def lstm_outputs(self, saved, h):
        """Return the outputs before each step, the first of which is h."""
        gates, c = saved
        o = jnp.split(gates[:-1], 4, axis=2)[3]
        return jnp.concatenate([h[None], o * jnp.tanh(c[1:])])

    def lstm_backward(self, gate, saved, u, dh, dc):
        """Return the gradients of the first h and c and of all pre-activations."""
        gates, c = saved
        steps, tiling = len(gates), self.tilings.lstm_backward

        def kernel(dh, dc, gates, c, u, dh_first, dc_first, dz):
            tiles = [self._tiles(u, tiling.rows, block.start) for block in self._blocks]

            def read(t):
                return [gates[t, block] for block in self._blocks], c[t]

            def step(k, state):
                gradients, now = state
                t = steps - 1 - k
                before = read(jnp.maximum(t - 1, 0))  # while this step computes
                (i, f, g, o), c = now
                t_of_c = jnp.tanh(f * c + i * g)
                d, dc = lstm_gradients(gate, (i, f, g, o), c, t_of_c, *gradients)
                for block, gradient in zip(self._blocks, d, strict=True):
                    dz[t, block] = gradient
                return (self._product(d, tiles), dc), before

            state = (dh[...], dc[...]), read(steps - 1)
            (dh_first[...], dc_first[...]), _ = lax.fori_loop(0, steps, step, state)

        shapes = [dh.shape, dc.shape, gates.shape]
        return self._run(kernel, [dh, dc, gates, c], [], u.T, shapes, tiling)

    @property
    def _blocks(self):
        """The columns of each gate."""
        return [pl.ds(k * self.width, self.width) for k in range(4)]

    def _tiles(self, u, piece: int, start: int = 0):
        """Read the rows of the units, in pieces, from a row of the matrix on."""
        columns = pl.ds(0, u.shape[1] // self.width * self.width)
        return [u[pl.ds(row, piece), columns] for row in range(start, start + self.units, piece)]

    def _product(self, vectors, tiles):
        """Return the sum of products of vectors with matrices that are given in tiles.

        The padding of a vector is the pieces that have no tile.
        """
        count = self.width // len(tiles[0][0])
        products = [
            piece[:, None] * tile
            for vector, rows in zip(vectors, tiles, strict=True)
            for piece, tile in zip(jnp.split(vector, count), rows, strict=False)
        ]
        return reduce(add, products).sum(0)

    def _run(self, kernel, arrays, weights, matrix, shapes, tiling):
        """Run a program for each row of the batch; return arrays of the shapes.

        The batch is the last axis but one of `arrays` and of what is returned: a program
        sees its row of them, all of the weights, and the matrix in rows whose length is a
        multiple of the tiling's adjacent columns, and of no more.
        """
        inputs = [*arrays, *weights, jnp.pad(matrix, ((0, 0), (0, tiling.adjacent)))]
        return pl.pallas_call(
            kernel,
            grid=(shapes[-1][-2],),
            in_specs=[_row(a.shape) for a in arrays] + [pl.BlockSpec()] * (len(weights) + 1),
            out_specs=[_row(shape) for shape in shapes],
            out_shape=[jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes],
            interpret=self.interpret,
            compiler_params=triton.CompilerParams(
                num_warps=tiling.warps or self._warps(*matrix.shape), num_stages=1
            ),
        )(*inputs)

    def _warps(self, rows: int, columns: int) -> int:
        """Return a thread for each column, and as many as hold the matrix, up to the most."""
        threads = max(columns, self.units * rows // self.width * columns // VALUES_PER_THREAD)
        return min(MOST_WARPS, pl.next_power_of_2(pl.cdiv(threads, 32)))


def _flat(x):
    """Return (batch, steps, features) as (batch, steps x features)."""
    return x.reshape(len(x), -1)


def _input(x, w, b, features: int):
    """Return the function of t that reads x W + b."""
    rows, b = [w[k] for k in range(features)], b[...]
    return lambda t: reduce(add, (x[t * features + k] * row for k, row in enumerate(rows)), b)


def _row(shape) -> pl.BlockSpec:
    """Return the block that one row of the batch is, of an array (..., batch, columns)."""
    *before, _, columns = shape
    return pl.BlockSpec((*before, None, columns), lambda i: (*[0] * len(before), i, 0))
