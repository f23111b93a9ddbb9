"""Recurrent layers: the activations of 2015, a faster loop on JAX, truncated backpropagation.

`SimpleRNN` and `LSTM` are Keras' layers: the same weights, configuration and results. On JAX
their loop has a backward pass of its own, which keeps the gradients of the weights out of
the loop: they become one large matrix product at the end.
"""

import keras
from keras import layers, ops

# --- activations ------------------------------------------------------------------------


def relu(derivative_at_0: float):
    """Return max(x, 0) whose derivative at 0 is the given one.

    2015's `(x + abs(x)) / 2` had 0.5 there, today's `relu` has 0. While the biases are still
    zero, an IRNN sits exactly at 0 on every leading blank pixel, so that it matters.
    """
    if derivative_at_0 == 0:
        return keras.activations.relu

    def relu_with_derivative(x):
        return x * ops.heaviside(ops.stop_gradient(x), derivative_at_0)

    return relu_with_derivative


def hard_sigmoid_2015(x):
    """Return clip(0.2 x + 0.5, 0, 1); today's `hard_sigmoid` is clip(x / 6 + 0.5, 0, 1)."""
    return ops.clip(0.2 * x + 0.5, 0, 1)


# --- layers -----------------------------------------------------------------------------


@keras.saving.register_keras_serializable("irnn")
class SimpleRNN(layers.SimpleRNN):
    """Keras' `SimpleRNN`, with a faster backward pass on JAX."""

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Return the last output, the outputs (here the last alone) and the last state."""
        if not _on_jax(self, mask):
            return super().inner_loop(sequences, initial_state, mask, training)
        cell = self.cell
        h = _jax().simple_rnn(
            cell.activation,
            sequences,
            initial_state[0],
            cell.kernel.value,
            cell.recurrent_kernel.value,
            cell.bias.value,
        )
        return h, h[:, None], [h]


@keras.saving.register_keras_serializable("irnn")
class LSTM(layers.LSTM):
    """Keras' `LSTM`, with a faster backward pass on JAX for tanh and gates in `GATES`."""

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Return the last output, the outputs (here the last alone) and the last states."""
        cell = self.cell
        known = cell.activation is keras.activations.tanh and cell.recurrent_activation in GATES
        if not (known and _on_jax(self, mask)):
            return super().inner_loop(sequences, initial_state, mask, training)
        h, c = _jax().lstm(
            cell.recurrent_activation,
            sequences,
            *initial_state,
            cell.kernel.value,
            cell.recurrent_kernel.value,
            cell.bias.value,
        )
        return h, h[:, None], [h, c]


# Gate activations and their derivatives, as functions of the activated value.
GATES = {
    keras.activations.sigmoid: lambda a: a * (1 - a),
    hard_sigmoid_2015: lambda a: 0.2 * ops.cast((a > 0) & (a < 1), a.dtype),
}


def _on_jax(layer: layers.RNN, mask) -> bool:
    """Tell whether the layer's settings are those that the loops on JAX are written for."""
    plain = not (layer.return_sequences or layer.go_backwards or layer.stateful or layer.unroll)
    dropout = layer.dropout or layer.recurrent_dropout
    jax = keras.backend.backend() == "jax"
    return jax and plain and not dropout and layer.use_bias and mask is None


def _jax():
    """Import the loops on JAX only where JAX is Keras' backend."""
    from irnn import recurrent_jax

    return recurrent_jax


def truncated_bptt(rnn: layers.RNN, steps: int | None) -> layers.Layer:
    """Return the layer with its gradient through the last `steps` only; None: all of them."""
    return rnn if steps is None else TruncatedBPTT(rnn, steps)


@keras.saving.register_keras_serializable("irnn")
class TruncatedBPTT(layers.Layer):
    """A recurrent layer whose gradient flows through the last K steps only.

    The forward pass is the layer's own, on inputs (batch, T, features) for any T. The state
    that enters the last K steps counts as a constant, which is what Theano's
    `scan(truncate_gradient=K)` computes: no steps before the last K, no gradient from them.
    K >= T is the plain layer.
    """

    def __init__(self, rnn: layers.RNN, steps: int, **kwargs):
        super().__init__(**kwargs)
        self.rnn = rnn
        self.steps = steps
        self.rnn.return_state = True

    def build(self, input_shape):
        """Make the layer's weights."""
        self.rnn.build(input_shape)
        self.built = True

    def call(self, x):
        """Return the last output, (batch, units)."""
        head, tail = x[:, : -self.steps], x[:, -self.steps :]
        states = None
        if head.shape[1] > 0:
            _, *states = self.rnn(head)
            states = [ops.stop_gradient(state) for state in states]
        output, *_ = self.rnn(tail, initial_state=states)
        return output

    def compute_output_shape(self, input_shape):
        """Return (batch, units)."""
        return (input_shape[0], self.rnn.units)

    def get_config(self):
        """Return what `from_config` makes the layer from."""
        return super().get_config() | {
            "rnn": keras.saving.serialize_keras_object(self.rnn),
            "steps": self.steps,
        }

    @classmethod
    def from_config(cls, config):
        """Return the layer that `get_config` describes."""
        return cls(keras.saving.deserialize_keras_object(config.pop("rnn")), **config)
