"""The loops of `SimpleRNN` and `LSTM` on JAX, each with a backward pass of its own.

Differentiated by JAX itself, a loop adds to the gradient of the recurrent matrix at every
step. Here the loop backwards keeps the gradients of the pre-activations of all steps, and
the weights' gradients are one matrix product over (steps x batch) at its end.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax.lax import optimization_barrier, scan

from irnn import recurrent


def simple_rnn(activation, x, h, kernel, recurrent_kernel, bias, live=None):
    """Return the last output of h <- activation(x W + b + h U).

    Shapes: x (batch, steps, features), h (batch, units), kernel W (features, units),
    recurrent_kernel U (units, units), bias b (units,). `live` (steps,) is 1 at steps with a
    gradient and 0 at those before them, see `last`; None: all have one.
    """
    return _simple_rnn(activation, x.swapaxes(0, 1), h, kernel, recurrent_kernel, bias, live)


def lstm(gate, x, h, c, kernel, recurrent_kernel, bias, live=None):
    """Return the last output and cell state of an LSTM with gates i, f, c, o side by side.

    Shapes as in `simple_rnn`, c (batch, units), and weights with 4 x units columns. `gate`
    is a key of `recurrent.GATES`.
    """
    return _lstm(gate, x.swapaxes(0, 1), h, c, kernel, recurrent_kernel, bias, live)


def last(bptt_steps, steps):
    """Return (steps,) of 1 at the last `bptt_steps` steps, which may be traced, else 0."""
    return (jnp.arange(steps) >= steps - bptt_steps).astype("float32")


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _simple_rnn(activation, x, h, w, u, b, live):
    return _simple_rnn_forward(activation, x, h, w, u, b, live)[0]


def _simple_rnn_forward(activation, x, h0, w, u, b, live):
    def step(h, x):
        z = x @ w + b + h @ u
        return activation(z), z

    h, z = scan(step, h0, x)
    return h, (x, h0, w, u, z, live)


def _simple_rnn_backward(activation, residuals, dh):
    x, h0, w, u, z, live = residuals
    transposed = optimization_barrier(u.T)  # once, not at every step

    def step(dh, saved):
        z, live = saved
        (dz,) = jax.vjp(activation, z)[1](dh if live is None else dh * live)
        return dz @ transposed, dz

    dh, dz = scan(step, dh, (z, live), reverse=True)
    h = jnp.concatenate([h0[None], activation(z[:-1])])
    return dz @ w.T, dh, *_weights(x, h, dz), None


_simple_rnn.defvjp(_simple_rnn_forward, _simple_rnn_backward)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _lstm(gate, x, h, c, w, u, b, live):
    return _lstm_forward(gate, x, h, c, w, u, b, live)[0]


def _lstm_forward(gate, x, h0, c0, w, u, b, live):
    def step(state, x):
        h, c = state
        i, f, g, o = jnp.split(x @ w + b + h @ u, 4, axis=1)
        i, f, g, o = gate(i), gate(f), jnp.tanh(g), gate(o)
        c_next = f * c + i * g
        t = jnp.tanh(c_next)
        return (o * t, c_next), (i, f, g, o, t, c, h)

    state, (*saved, h) = scan(step, (h0, c0), x)
    return state, (x, w, u, saved, h, live)


def _lstm_backward(gate, residuals, gradients):
    x, w, u, saved, h, live = residuals
    slope = recurrent.GATES[gate]
    transposed = optimization_barrier(u.T)

    def step(gradients, saved):
        (i, f, g, o, t, c), live = saved
        dh, dc = gradients if live is None else (gradients[0] * live, gradients[1] * live)
        dc = dc + dh * o * (1 - t * t)
        dz = jnp.concatenate(
            [
                dc * g * slope(i),
                dc * c * slope(f),
                dc * i * (1 - g * g),
                dh * t * slope(o),
            ],
            axis=1,
        )
        return (dz @ transposed, dc * f), dz

    (dh, dc), dz = scan(step, gradients, (saved, live), reverse=True)
    return dz @ w.T, dh, dc, *_weights(x, h, dz), None


_lstm.defvjp(_lstm_forward, _lstm_backward)


def _weights(x, h, dz):
    """Return the gradients of W, U and b from inputs, previous outputs and pre-activations.

    All three are (steps, batch, ...).
    """
    steps, batch, columns = dz.shape
    dz = dz.reshape(steps * batch, columns)
    dw = x.reshape(steps * batch, -1).T @ dz
    du = h.reshape(steps * batch, -1).T @ dz
    return dw, du, dz.sum(0)
