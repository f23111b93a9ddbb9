"""Recurrent layers: the activations of 2015, a faster loop on JAX, truncated backpropagation.

`SimpleRNN` and `LSTM` are Keras' layers: the same weights, configuration and results. On JAX
their loop has a backward pass of its own, which keeps the gradients of the weights out of
the loop: they become one large matrix product at the end. On an NVIDIA GPU all steps of the
loop run in one kernel, where the layer fits.
"""

import functools
import os
import sys
from dataclasses import dataclass

import keras
from keras import layers, ops

from irnn.errors import InputError, one_of
from irnn.spec import RunSpec

# --- activations ------------------------------------------------------------------------


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
        return x * ops.heaviside(ops.stop_gradient(x), self.derivative_at_0)


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
        from irnn import recurrent_jax

        cell = self.cell
        known = isinstance(cell.activation, ReLU) or cell.activation in ACTIVATIONS
        name = _loop_name(1, self.units, sequences.shape[-1], self.compute_dtype, known)
        h = recurrent_jax.simple_rnn(
            cell.activation,
            sequences,
            initial_state[0],
            cell.kernel.value,
            cell.recurrent_kernel.value,
            cell.bias.value,
            recurrent_jax.loop(name),
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
        from irnn import recurrent_jax

        name = _loop_name(4, self.units, sequences.shape[-1], self.compute_dtype)
        h, c = recurrent_jax.lstm(
            cell.recurrent_activation,
            sequences,
            *initial_state,
            cell.kernel.value,
            cell.recurrent_kernel.value,
            cell.bias.value,
            recurrent_jax.loop(name),
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


# --- the choice of a loop ---------------------------------------------------------------

# Activations, next to `ReLU`, that the fused loop of `SimpleRNN` can compute.
ACTIVATIONS = (keras.activations.relu, keras.activations.tanh)


def loop_name(spec: RunSpec) -> str:
    """Return which loop trains the spec: "fused", "interpret", "scan", or Keras' own "keras".

    Fused is one kernel for all steps, on an NVIDIA GPU; interpret is the same program on any
    device, slowly; scan is a step at a time. The environment variable IRNN_LOOP asks for one
    of these three; without it, the layer is fused where it can be.

    Raises `InputError` where the loop that is asked for cannot run.
    """
    if keras.backend.backend() != "jax":
        asked = os.environ.get("IRNN_LOOP")
        if asked:
            raise InputError(f"IRNN_LOOP={asked} needs KERAS_BACKEND=jax; set it, or unset both")
        return "keras"
    return _loop_name({"irnn": 1, "lstm": 4}[spec.model], spec.units)


def _loop_name(blocks, units, features=1, dtype="float32", known=True) -> str:
    """Return `loop_name` on JAX, for so many blocks of units in the columns of the weights."""
    asked = os.environ.get("IRNN_LOOP")
    if asked:
        one_of("IRNN_LOOP", asked, ("fused", "interpret", "scan"))
    gpu = asked != "scan" and _nvidia_gpu()
    if asked == "fused" and not gpu:
        raise InputError("IRNN_LOOP=fused needs an NVIDIA GPU that JAX sees; unset it")
    if asked == "scan" or not (asked or gpu):
        return "scan"
    obstacle = _obstacle(gpu, blocks, units, features, dtype, known)
    if not obstacle:
        return asked or "fused"
    if asked:
        raise InputError(f"IRNN_LOOP={asked}, but {obstacle}; unset it for the plain loop")
    _say_once(f"the recurrent loop is not fused: {obstacle}")
    return "scan"


def _obstacle(gpu, blocks, units, features, dtype, known) -> str | None:
    """Return why the fused loop cannot compute a layer."""
    from irnn import recurrent_gpu

    most = recurrent_gpu.most_units(blocks)
    if units > most:
        return f"{units} units are more than the {most} that fit a multiprocessor"
    if features > recurrent_gpu.MOST_FEATURES:
        return f"{features} features are more than {recurrent_gpu.MOST_FEATURES}"
    if dtype != "float32":
        return f"it computes in float32, not {dtype}"
    if not known:
        return "it knows no activation but relu and tanh"
    if gpu and float(gpu.compute_capability) < 8:
        return f"a GPU of compute capability {gpu.compute_capability} is older than 8.0"
    return None


def _nvidia_gpu():
    """Return the device that JAX computes on, if it is an NVIDIA GPU; AMD's say "gfx..."."""
    import jax

    device = jax.devices()[0]
    nvidia = device.platform == "gpu" and device.compute_capability[0].isdigit()
    return device if nvidia else None


@functools.cache
def _say_once(line: str) -> None:
    print(line, file=sys.stderr)


# --- truncated backpropagation ----------------------------------------------------------


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
