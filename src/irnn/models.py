"""The networks in Keras 3, as July 2015 computed them and as today's defaults do.

`semantics` says which: "2015" is Keras 0.1 over Theano, "today" is Keras 3 under the same
names. Initial weights are drawn with NumPy, so that a seed gives the same network on every
backend.
"""

import keras
import numpy as np
from keras import ops
from keras.layers import Dense

from irnn.recurrent.activations import gate, relu
from irnn.recurrent.layers import LSTM, SimpleRNN, truncated_bptt
from irnn.spec import IMAGES, RunSpec

CLOSE = 0.04  # an answer this far from the sum is right (Hochreiter and Schmidhuber, 1997)


def irnn(spec: RunSpec) -> keras.Sequential:
    """Return a ReLU RNN that starts as the identity."""
    rng = np.random.default_rng(spec.seed)
    rnn = SimpleRNN(
        spec.units,
        activation=relu(spec.relu_derivative_at_0),
        kernel_initializer=normal(rng, stddev=0.001),
        recurrent_initializer="identity",
    )
    return classifier(rnn, rng, spec)


def lstm(spec: RunSpec) -> keras.Sequential:
    """Return an LSTM whose forget biases start at one."""
    rng = np.random.default_rng(spec.seed)
    rnn = LSTM(
        spec.units,
        activation="tanh",
        recurrent_activation=gate(spec.gates or spec.semantics),
        kernel_initializer=by_gate(glorot_uniform, rng, scales(spec)),
        recurrent_initializer=by_gate(orthogonal, rng, scales(spec)),
        unit_forget_bias=True,
    )
    return classifier(rnn, rng, spec)


def classifier(rnn, rng, spec: RunSpec) -> keras.Sequential:
    """Return a network that answers at the end: with a digit or a sum."""
    return keras.Sequential(
        [
            keras.Input((spec.steps, spec.features)),
            truncated_bptt(rnn, spec.bptt_steps),
            Dense(
                spec.outputs,
                activation="softmax" if spec.dataset in IMAGES else None,
                kernel_initializer=glorot_uniform(rng, scales(spec)),
            ),
        ]
    )


def build(spec: RunSpec) -> keras.Sequential:
    """Return the spec's network, compiled with its optimizer."""
    model = {"irnn": irnn, "lstm": lstm}[spec.model](spec)
    if spec.dataset in IMAGES:
        model.compile(optimizer(spec), "sparse_categorical_crossentropy", metrics=["accuracy"])
    else:
        right = keras.metrics.MeanMetricWrapper(is_close, name="accuracy")
        model.compile(optimizer(spec), "mean_squared_error", metrics=[right])
    model.optimizer.build(model.trainable_variables)
    return model


def is_close(sums, answers):
    """Tell which answers (n, 1) are within `CLOSE` of the sums, as 0 and 1: (n,)."""
    off = ops.abs(ops.reshape(answers, (-1,)) - ops.reshape(sums, (-1,)))
    return ops.cast(off < CLOSE, "float32")


# --- initial weights --------------------------------------------------------------------


def scales(spec: RunSpec) -> str:
    """Return in which semantics the run's initial weights are drawn."""
    return spec.initial_weights or spec.semantics


def normal(rng: np.random.Generator, stddev: float):
    """Return an initializer that draws from N(0, stddev²)."""

    def initialize(shape, dtype=None):
        return rng.normal(0, stddev, shape).astype("float32")

    return initialize


def glorot_uniform(rng: np.random.Generator, semantics: str):
    """Return an initializer that draws from U(-a, a), a = sqrt(s / (fan_in + fan_out)).

    s = 6 as in Glorot and Bengio (2010); before 10 July 2015, Keras had 2.
    """
    scale = {"2015": 2, "today": 6}[semantics]

    def initialize(shape, dtype=None):
        limit = np.sqrt(scale / sum(shape))
        return rng.uniform(-limit, limit, shape).astype("float32")

    return initialize


def orthogonal(rng: np.random.Generator, semantics: str):
    """Return an initializer of orthonormal rows or columns, up to a gain.

    As in Saxe et al. (2014): the singular vectors of a normal matrix.
    The gain is 1; in 2015's Keras it was 1.1.
    """
    gain = {"2015": 1.1, "today": 1.0}[semantics]

    def initialize(shape, dtype=None):
        matrix = rng.normal(size=shape)
        u, _, v = np.linalg.svd(matrix, full_matrices=False)
        chosen = u if u.shape == tuple(shape) else v
        return (gain * chosen).astype("float32")

    return initialize


def by_gate(initializer, rng: np.random.Generator, semantics: str):
    """Return an initializer of the four gates' weights side by side.

    2015 had a matrix per gate, each drawn by itself; today one matrix
    is drawn as a whole.
    """
    draw = initializer(rng, semantics)
    if semantics == "today":
        return draw

    def initialize(shape, dtype=None):
        rows, columns = shape
        each = [draw((rows, columns // 4)) for _ in range(4)]
        return np.concatenate(each, axis=1)

    return initialize


# --- optimizers -------------------------------------------------------------------------


def optimizer(spec: RunSpec) -> keras.optimizers.Optimizer:
    """Return the spec's optimizer, which also sums its gradients' norms.

    2015's `clipnorm` was the norm over all gradients together, today's
    `global_clipnorm`.
    """
    if spec.optimizer == "sgd":
        return SGD(
            spec.learning_rate,
            momentum=spec.momentum,
            global_clipnorm=spec.clip_norm,
        )
    if spec.optimizer == "adam":
        return Adam(
            spec.learning_rate,
            beta_1=spec.beta_1,
            beta_2=spec.beta_2,
            epsilon=spec.epsilon,
            global_clipnorm=spec.clip_norm,
        )
    return RMSprop(
        spec.learning_rate,
        rho=spec.rho,
        momentum=spec.momentum,
        epsilon=spec.epsilon,
        global_clipnorm=spec.clip_norm,
    )


class SumsGradientNorms:
    """Makes an optimizer sum the norm over all gradients, before clipping, of each update."""

    def build(self, variables):
        """Make the optimizer's variables, the sum of norms among them."""
        if not self.built:
            super().build(variables)
            self.gradient_norms = self.add_variable((), name="gradient_norms")

    def apply(self, grads, trainable_variables=None):
        """Add the gradients' norm to the sum, then update the weights."""
        squares = [ops.sum(ops.square(gradient)) for gradient in grads]
        self.assign_add(self.gradient_norms, ops.sqrt(sum(squares)))
        return super().apply(grads, trainable_variables)


class RMSprop(SumsGradientNorms, keras.optimizers.RMSprop):
    """Keras' RMSprop, with its gradients' norms summed."""


class SGD(SumsGradientNorms, keras.optimizers.SGD):
    """Keras' SGD, with its gradients' norms summed."""


class Adam(SumsGradientNorms, keras.optimizers.Adam):
    """Keras' Adam, with its gradients' norms summed."""
