"""The forward pass in NumPy gives what Keras gives: states at every pixel, and answers."""

import numpy as np
import pytest

from irnn import forward
from irnn.checkpoint import WEIGHTS, shapes
from irnn.spec import make

SPECS = [
    make("irnn", "2015", units=12),
    make("lstm", "2015", units=12),
    make("lstm", "today", units=12),
    make("lstm", "2015", units=12, gates="today"),
]


def keras_states_in_float64(spec, weights, sequences):
    """Return what `keras_states` does, in double precision; on JAX."""
    import jax

    weights = {name: array.astype("float64") for name, array in weights.items()}
    with jax.enable_x64(True):  # jnp's tanh: Keras' own is single, whatever it is given
        options = {"dtype": "float64", "activation": jax.numpy.tanh}
        return keras_states(spec, weights, sequences.astype("float64"), **options)


def keras_states(spec, weights, sequences, dtype="float32", activation="tanh"):
    """Return Keras' hidden states (n, T, units), an LSTM's last memory cells, and answers."""
    import keras

    from irnn.recurrent.activations import gate

    kernel, recurrent, bias, dense, dense_bias = (weights[name] for name in WEIGHTS)
    options = {"return_sequences": True, "return_state": True, "dtype": dtype}
    if spec.model == "irnn":
        layer = keras.layers.SimpleRNN(spec.units, activation="relu", **options)
    else:
        options |= {"activation": activation}
        gates = gate(spec.gates or spec.semantics)
        layer = keras.layers.LSTM(spec.units, recurrent_activation=gates, **options)
    layer.build((None, None, 1))
    layer.set_weights([kernel, recurrent, bias])
    h, _, *cell = (np.array(part) for part in layer(sequences[:, :, None]))
    answers = keras.activations.softmax(h[:, -1] @ dense + dense_bias)
    return h, cell[0] if cell else None, np.array(answers)


@pytest.mark.keras
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.model}-{spec.semantics}")
def test_states_and_answers_are_those_of_keras(spec):
    from irnn import models

    rng = np.random.default_rng(3)
    arrays = [rng.normal(0, 0.3, array.shape) for array in models.build(spec).get_weights()]
    weights = dict(zip(WEIGHTS, [array.astype("float32") for array in arrays], strict=True))
    sequences = rng.random((5, 40), dtype="float32")
    h, c, answers = keras_states(spec, weights, sequences)
    states = list(forward.states(spec, weights, sequences))
    assert np.allclose([state["h"] for state in states], h.swapaxes(0, 1), rtol=1e-4, atol=1e-6)
    assert np.allclose(forward.answers(spec, weights, sequences), answers, rtol=1e-4, atol=1e-6)
    if c is not None:
        assert np.allclose(states[-1]["c"], c, rtol=1e-4, atol=1e-6)
        for state in states:
            assert np.allclose(state["o"] * np.tanh(state["c"]), state["h"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_sums_do_not_overflow(dtype):
    spec = make("lstm", "today", units=2)
    weights = {
        name: np.full(shape, -500, dtype) for name, shape in zip(WEIGHTS, shapes(spec), strict=True)
    }
    with np.errstate(all="raise"):
        (state,) = forward.states(spec, weights, np.ones((1, 1), dtype))
    assert state["i"].dtype == dtype
    assert (state["i"] < 1e-30).all()
