"""`SimpleRNN` and `LSTM` on JAX, with a backward pass of their own.

Differentiated by JAX itself, a loop adds to the gradient of the recurrent matrix at every
step. Here the loop backwards keeps the gradients of the pre-activations of all steps, and
the weights' gradients are one matrix product over (steps x batch) at its end.

The loops over time are written twice: `recurrent_scan` for any device, `recurrent_gpu` with
all steps in one kernel. What both work on is padded to the units they ask for, with weights
of zero: a padded unit feeds no other, and its gradients are cut off again.
"""

from functools import partial

import jax
import jax.numpy as jnp

from irnn.recurrent_scan import Scan, dot


def loop(name: str):
    """Return the loops that `recurrent.loop_name` names: scan, fused or interpret."""
    if name == "scan":
        return Scan
    from irnn.recurrent_gpu import Fused  # Pallas, only where it is used

    return partial(Fused, interpret=name == "interpret")


def simple_rnn(activation, x, h, kernel, recurrent_kernel, bias, loop=Scan, live=None):
    """Return the last output of h <- activation(x W + b + h U).

    Shapes: x (batch, steps, features), h (batch, units), kernel W (features, units),
    recurrent_kernel U (units, units), bias b (units,). `live` (steps,) tells through which
    steps a gradient flows, see `last`; None: through all.
    """
    units = h.shape[1]
    loop = loop(units)
    pad = partial(_pad, units, loop.width)
    u = pad(pad(recurrent_kernel).T).T
    return _simple_rnn(loop, activation, x, pad(h), pad(kernel), u, pad(bias), live)[:, :units]


def lstm(gate, x, h, c, kernel, recurrent_kernel, bias, loop=Scan, live=None):
    """Return the last output and cell state of an LSTM with gates i, f, c, o side by side.

    Shapes as in `simple_rnn`, c (batch, units), and weights with 4 x units columns. `gate`
    is a key of `recurrent.GATES`.
    """
    units = h.shape[1]
    loop = loop(units)
    pad = partial(_pad, units, loop.width)
    u = pad(pad(recurrent_kernel).T).T
    h, c = _lstm(loop, gate, x, pad(h), pad(c), pad(kernel), u, pad(bias), live)
    return h[:, :units], c[:, :units]


def last(bptt_steps, steps):
    """Return (steps,) of booleans, true at the last `bptt_steps`, which may be traced."""
    return jnp.arange(steps) >= steps - bptt_steps


def _pad(units, width, a):
    """Return an array whose columns, blocks of `units`, are widened to blocks of `width`."""
    if width == units:
        return a
    blocks = a.reshape(*a.shape[:-1], -1, units)
    zeros = [(0, 0)] * (blocks.ndim - 1) + [(0, width - units)]
    return jnp.pad(blocks, zeros).reshape(*a.shape[:-1], -1)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _simple_rnn(loop, activation, x, h, w, u, b, live):
    return loop.rnn_forward(activation, x, h, w, u, b, save=False)[0]


def _simple_rnn_forward(loop, activation, x, h0, w, u, b, live):
    h, z = loop.rnn_forward(activation, x, h0, w, u, b, save=True)
    return h, (x, h0, w, u, z, live)


def _simple_rnn_backward(loop, activation, residuals, dh):
    x, h0, w, u, z, live = residuals
    # Far below zero, the slope of relu and of tanh is zero.
    dh, dz = loop.rnn_backward(activation, _where(live, z, -1e9), u, dh)
    h = jnp.concatenate([h0[None], activation(z[:-1])])
    dx, *weights = _gradients(x, h, w, dz)
    return dx, dh, *weights, None


_simple_rnn.defvjp(_simple_rnn_forward, _simple_rnn_backward)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _lstm(loop, gate, x, h, c, w, u, b, live):
    return loop.lstm_forward(gate, x, h, c, w, u, b, save=False)[0]


def _lstm_forward(loop, gate, x, h0, c0, w, u, b, live):
    last, saved = loop.lstm_forward(gate, x, h0, c0, w, u, b, save=True)
    return last, (x, h0, w, u, saved, live)


def _lstm_backward(loop, gate, residuals, gradients):
    x, h0, w, u, saved, live = residuals
    # Closed gates let no gradient through.
    alive = [_where(live, a, 0) for a in saved]
    dh, dc, dz = loop.lstm_backward(gate, alive, u, *gradients)
    h = loop.lstm_outputs(saved, h0)
    dx, *weights = _gradients(x, h, w, dz)
    return dx, dh, dc, *weights, None


_lstm.defvjp(_lstm_forward, _lstm_backward)


def _where(live, saved, otherwise):
    """Return what was saved of all steps (steps, batch, ...), replaced where none is live."""
    return saved if live is None else jnp.where(live[:, None, None], saved, otherwise)


def _gradients(x, h, w, dz):
    """Return the gradients of x, W, U and b.

    Shapes: x (batch, steps, features), previous outputs h (steps, batch, units) and
    gradients of the pre-activations dz (steps, batch, columns).
    """
    steps, batch, columns = dz.shape
    dx = dot(dz, w.T).swapaxes(0, 1)
    dz = dz.reshape(steps * batch, columns)
    dw = dot(x.swapaxes(0, 1).reshape(steps * batch, -1).T, dz)
    du = dot(h.reshape(steps * batch, -1).T, dz)
    return dx, dw, du, dz.sum(0)
