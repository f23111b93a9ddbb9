"""`SimpleRNN` and `LSTM`, and truncated backpropagation through time.

Both are Keras' layers: the same weights, configuration and results. On JAX they run a loop
of this package's, which `choice` picks.
"""

import keras
from keras import layers, ops

from irnn.recurrent import choice
from irnn.recurrent.activations import SLOPES


@keras.saving.register_keras_serializable("irnn")
class SimpleRNN(layers.SimpleRNN):
    """Keras' `SimpleRNN`, with a faster backward pass on JAX."""

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Return the last output, the outputs (here the last alone) and the last state."""
        if not _on_jax(self, mask):
            return super().inner_loop(sequences, initial_state, mask, training)
        cell = self.cell
        layer = choice.Layer(
            1, self.units, sequences.shape[-1], self.compute_dtype, cell.activation
        )
        weights = cell.kernel.value, cell.recurrent_kernel.value, cell.bias.value
        h = layer.loop().simple_rnn(cell.activation, sequences, initial_state[0], *weights)
        return h, h[:, None], [h]


@keras.saving.register_keras_serializable("irnn")
class LSTM(layers.LSTM):
    """Keras' `LSTM`, with a faster backward pass on JAX for tanh and gates in `SLOPES`."""

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Return the last output, the outputs (here the last alone) and the last states."""
        cell = self.cell
        known = cell.activation is keras.activations.tanh and cell.recurrent_activation in SLOPES
        if not (known and _on_jax(self, mask)):
            return super().inner_loop(sequences, initial_state, mask, training)
        gate = cell.recurrent_activation
        layer = choice.Layer(4, self.units, sequences.shape[-1], self.compute_dtype, gate)
        weights = cell.kernel.value, cell.recurrent_kernel.value, cell.bias.value
        h, c = layer.loop().lstm(gate, sequences, *initial_state, *weights)
        return h, h[:, None], [h, c]


def _on_jax(layer: layers.RNN, mask) -> bool:
    """Tell whether the layer's settings are those that the loops on JAX are written for."""
    plain = not (layer.return_sequences or layer.go_backwards or layer.stateful or layer.unroll)
    dropout = layer.dropout or layer.recurrent_dropout
    jax = keras.backend.backend() == "jax"
    return jax and plain and not dropout and layer.use_bias and mask is None


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
