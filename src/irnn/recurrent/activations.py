"""The activations of 2015, and the slopes of gates."""

from dataclasses import dataclass

import keras
from keras import ops


def relu(derivative_at_0: float):
    """Return max(x, 0) whose derivative at 0 is the given one.

    2015's `(x + abs(x)) / 2` had 0.5 there, today's `relu` has 0. While the biases are still
    zero, an IRNN sits exactly at 0 on every leading blank pixel, so that it matters.
    """
    if derivative_at_0 == 0:
        return keras.activations.relu
    return ReLU(derivative_at_0)


@dataclass(frozen=True)
class ReLU:
    """max(x, 0) with any derivative at 0; equal ones are compiled once."""

    derivative_at_0: float

    def __call__(self, x):
        """Return max(x, 0)."""
        if self.derivative_at_0 == 0.5 and keras.backend.backend() != "jax":
            # 2015's own, in fewer operations. JAX's derivative would be 1.
            return 0.5 * (x + ops.abs(x))
        step = ops.heaviside(ops.stop_gradient(x), self.derivative_at_0)
        return x * step


def hard_sigmoid_2015(x):
    """Return clip(0.2 x + 0.5, 0, 1); today's is clip(x / 6 + 0.5, 0, 1).

    On TensorFlow, `clip` takes longer than this.
    """
    return ops.minimum(ops.relu(0.2 * x + 0.5), 1)


def gate(semantics: str):
    """Return the activation of an LSTM's gates in the semantics "2015" or "today"."""
    return {"2015": hard_sigmoid_2015, "today": keras.activations.sigmoid}[semantics]


# Gate activations and their derivatives, as functions of the activated value.
SLOPES = {
    keras.activations.sigmoid: lambda a: a * (1 - a),
    hard_sigmoid_2015: lambda a: 0.2 * ops.cast((a > 0) & (a < 1), a.dtype),
}
