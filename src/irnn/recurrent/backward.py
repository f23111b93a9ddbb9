"""The backward pass that the loops of `scan` and `fused` share.

Differentiated by JAX itself, a loop adds to the gradient of the recurrent matrix at every
step. Here the loop backwards keeps the gradients of the pre-activations of all steps, and
the weights' gradients are one matrix product over (steps x batch) at its end.

What both loops work on is padded to the units they ask for, with weights of zero: a padded
unit feeds no other, and its gradients are cut off again.
"""

from functools import partial

import jax
import jax.numpy as jnp

from irnn.recurrent.step import dot


def simple_rnn(loop, activation, x, h, kernel, recurrent_kernel, bias, live=None):
    """Return the last output of h <- activation(x W + b + h U), as `choice.Loop` says."""
    units = h.shape[1]
    loop = loop(units)
    pad = partial(_pad, units, loop.width)
    u = pad(pad(recurrent_kernel).T).T
    return _simple_rnn(loop, activation, x, pad(h), pad(kernel), u, pad(bias), live)[:, :units]


def lstm(loop, gate, x, h, c, kernel, recurrent_kernel, bias, live=None):
    """Return the last output and cell state of an LSTM, as `choice.Loop` says."""
    units = h.shape[1]
    loop = loop(units)
    pad = partial(_pad, units, loop.width)
    u = pad(pad(recurrent_kernel).T).T
    h, c = _lstm(loop, gate, x, pad(h), pad(c), pad(kernel), u, pad(bias), live)
    return h[:, :units], c[:, :units]


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
    """Return what was saved of all steps (steps, batch, ...), replaced but for the last `live`."""
    if live is None:
        return saved
    return jnp.where(jnp.arange(len(saved))[:, None, None] >= len(saved) - live, saved, otherwise)


def _gradients(x, h, w, dz):
    """Return the gradients of x, W, U and b.

    Shapes: x (batch, steps, features), previous outputs h
    (steps, batch, units) and gradients of the pre-activations dz
    (steps, batch, columns).
    """
    steps, batch, columns = dz.shape
    dx = dot(dz, w.T).swapaxes(0, 1)
    dz = dz.reshape(steps * batch, columns)
    dw = dot(x.swapaxes(0, 1).reshape(steps * batch, -1).T, dz)
    du = dot(h.reshape(steps * batch, -1).T, dz)
    return dx, dw, du, dz.sum(0)
