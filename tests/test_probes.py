"""Probes: gradients are Keras', what is recorded is read back whole or refused in one line."""

import numpy as np
import pytest

from irnn import probes
from irnn.checkpoint import WEIGHTS, shapes
from irnn.spec import make

SPECS = [
    make("irnn", "2015", units=8),
    make("irnn", "today", units=8),
    make("lstm", "2015", units=8),
    make("lstm", "today", units=8),
    make("lstm", "2015", units=8, gates="today"),
]


def random_weights(spec, seed=3):
    rng = np.random.default_rng(seed)
    return {
        name: rng.normal(0, 0.4, shape).astype("float32")
        for name, shape in zip(WEIGHTS, shapes(spec), strict=True)
    }


def keras_gradients(spec, weights, sequences, labels):
    """Return JAX's gradients by Keras' cells with respect to the states after each step.

    Zeros are added to every state; the gradient with respect to them is the state's.
    """
    import jax
    from keras.layers import LSTMCell, SimpleRNNCell

    from irnn.recurrent.activations import gate, relu

    if spec.model == "irnn":
        cell = SimpleRNNCell(spec.units, activation=relu(spec.relu_derivative_at_0))
    else:
        cell = LSTMCell(spec.units, recurrent_activation=gate(spec.gates or spec.semantics))
    kernel, recurrent, bias, dense, dense_bias = (weights[name] for name in WEIGHTS)
    cell.build((None, 1))
    cell.set_weights([kernel, recurrent, bias])

    def loss(zeros):
        state = [np.zeros((len(sequences), spec.units), "float32") for _ in zeros[0]]
        for x, added in zip(sequences.T[:, :, None], zeros, strict=True):
            _, state = cell(x, state)
            state = [part + zero for part, zero in zip(state, added, strict=True)]
        scores = jax.nn.log_softmax(state[0] @ dense + dense_bias)
        return -scores[np.arange(len(labels)), labels].sum()

    count, steps = {"irnn": 1, "lstm": 2}[spec.model], sequences.shape[1]
    zeros = np.zeros((steps, count, len(sequences), spec.units), "float32")
    return np.array(jax.grad(loss)(zeros))


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: f"{s.model}-{s.semantics}-{s.gates}")
def test_gradients_are_those_of_keras(spec):
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("JAX differentiates Keras' cells")
    weights = random_weights(spec)
    weights["bias"][:] = 0
    sequences = np.random.default_rng(1).random((5, 12), dtype="float32")
    sequences[:, :4] = 0  # there an IRNN is exactly at the corner of its ReLU
    labels = np.array([3, 1, 4, 1, 5])
    found = [[*each.values()] for each in probes.gradients(spec, weights, sequences, labels)]
    theirs = keras_gradients(spec, weights, sequences, labels)[::-1]
    assert np.abs(theirs[7]).max() > 0  # of the first step with ink
    for ours, right in zip(found, theirs, strict=True):
        assert np.allclose(ours, right, rtol=1e-4, atol=1e-4 * np.abs(right).max())
