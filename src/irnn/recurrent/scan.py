"""The plain loops over time: one `scan` each, on any device that JAX knows."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.lax import optimization_barrier, scan

from irnn.recurrent.step import dot, lstm_gradients


@dataclass(frozen=True)
class Scan:
    """The loops of a layer with this many units; `choice.Loop` says what they compute."""

    units: int

    @property
    def width(self) -> int:
        """Units of the arrays that the loops work on."""
        return self.units

    def rnn_forward(self, activation, x, h, w, u, b, save: bool):
        """Return the last h and, to be saved, the pre-activations of all steps."""

        def step(h, x):
            z = dot(x, w) + b + dot(h, u)
            return activation(z), z if save else None

        return scan(step, h, x.swapaxes(0, 1))

    def rnn_backward(self, activation, z, u, dh):
        """Return the gradients of the first h and of all pre-activations."""
        transposed = optimization_barrier(u.T)  # once, not at every step

        def step(dh, z):
            (dz,) = jax.vjp(activation, z)[1](dh)
            return dot(dz, transposed), dz

        return scan(step, dh, z, reverse=True)

    def lstm_forward(self, gate, x, h, c, w, u, b, save: bool):
        """Return the last (h, c) and, to be saved, what `lstm_backward` needs of all steps."""

        def step(state, x):
            h, before = state
            i, f, g, o = jnp.split(dot(x, w) + b + dot(h, u), 4, axis=1)
            i, f, g, o = gate(i), gate(f), jnp.tanh(g), gate(o)
            c = f * before + i * g
            t = jnp.tanh(c)
            return (o * t, c), (i, f, g, o, before, t, h) if save else None

        return scan(step, (h, c), x.swapaxes(0, 1))

    def lstm_outputs(self, saved, h):
        """Return the outputs before each step, the first of which is h."""
        return saved[-1]

    def lstm_backward(self, gate, saved, u, dh, dc):
        """Return the gradients of the first h and c and of all pre-activations."""
        transposed = optimization_barrier(u.T)

        def step(gradients, saved):
            *gates, c, t = saved
            dz, dc = lstm_gradients(gate, gates, c, t, *gradients)
            dz = jnp.concatenate(dz, axis=1)
            return (dot(dz, transposed), dc), dz

        (dh, dc), dz = scan(step, (dh, dc), tuple(saved[:-1]), reverse=True)
        return dh, dc, dz
