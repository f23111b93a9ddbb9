"""What the loops share of a step: products in full float32, and an LSTM's gradients."""

from functools import partial

import jax
import jax.numpy as jnp

from irnn.recurrent.activations import SLOPES

# Full float32: on a GPU, JAX would round the factors to tf32.
dot = partial(jnp.dot, precision=jax.lax.Precision.HIGHEST)


def lstm_gradients(gate, gates, c, t, dh, dc):
    """Return the gradients of a step's four pre-activations and of the c before it.

    `gates` are i, f, g and o, activated, `c` the state before the step and `t` tanh of the
    one after it; dh and dc are the gradients of what comes out of the step.
    """
    i, f, g, o = gates
    slope = SLOPES[gate]
    dc = dc + dh * o * (1 - t * t)
    dz = [dc * g * slope(i), dc * c * slope(f), dc * i * (1 - g * g), dh * t * slope(o)]
    return dz, dc * f
