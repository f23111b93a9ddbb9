"""The networks compute what July 2015 computed, or what Keras 3 does, as their spec says."""

import dataclasses

import numpy as np
import pytest

from irnn.checkpoint import WEIGHTS
from irnn.spec import make

pytestmark = pytest.mark.keras


def small(model, semantics="2015", **changes):
    return make(model, semantics, dataset="digits", pooling=2, **{"units": 12} | changes)


def batch(spec, n=6):
    rng = np.random.default_rng(5)
    return rng.random((n, spec.steps, 1), dtype="float32"), rng.integers(0, 10, n)


def blank_batch(spec):
    """Return a batch whose first and last pixels are blank: there a unit can be exactly at 0."""
    x, y = batch(spec)
    x[:, :4] = x[:, -2:] = 0
    return x, y


def gradients(spec, x, y):
    """Return each weight's gradient, which is SGD's first velocity, and the weights."""
    from irnn import models

    spec = dataclasses.replace(
        spec, optimizer="sgd", rho=None, epsilon=None, learning_rate=1, momentum=0.5
    )
    model = models.build(spec)
    weights = model.get_weights()
    model.train_on_batch(x, y)
    return [-np.array(velocity) for velocity in model.optimizer.momentums], weights


def irnn_gradients(weights, x, y, steps, derivative_at_0):
    """Backpropagation through the last `steps` of an IRNN, in NumPy and float64."""
    w, u, b, v, c = (a.astype("float64") for a in weights)
    h, zs, hs = np.zeros((len(x), len(u))), [], []
    for t in range(x.shape[1]):
        hs.append(h)
        zs.append(x[:, t] @ w + b + h @ u)
        h = np.maximum(zs[-1], 0)
    p = np.exp(h @ v + c)
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    p /= len(y)
    dh, dw, du, db = p @ v.T, 0 * w, 0 * u, 0 * b
    for t in reversed(range(x.shape[1] - steps, x.shape[1])):
        dz = dh * np.heaviside(zs[t], derivative_at_0)
        dw, du, db = dw + x[:, t].T @ dz, du + hs[t].T @ dz, db + dz.sum(axis=0)
        dh = dz @ u.T
    return dw, du, db, h.T @ p, p.sum(axis=0)


@pytest.mark.parametrize(
    ("steps", "derivative"), [(None, 0.5), (16, 0.5), (5, 0.5), (5, 0.0), (5, 1.0), (1, 0.5)]
)
def test_gradient_of_an_irnn_through_the_last_steps(steps, derivative):
    spec = small("irnn", bptt_steps=steps, relu_derivative_at_0=derivative)
    x, y = blank_batch(spec)
    got, weights = gradients(spec, x, y)
    for a, b in zip(got, irnn_gradients(weights, x, y, steps or 16, derivative), strict=True):
        assert np.linalg.norm(a - b) <= 1e-5 * max(1e-3, np.linalg.norm(b))


@pytest.mark.parametrize(("derivative", "wakes"), [(0.0, False), (0.5, True)])
def test_a_unit_that_starts_below_zero_wakes_only_with_a_derivative_at_zero(derivative, wakes):
    from irnn import models

    spec = small("irnn", relu_derivative_at_0=derivative, learning_rate=1e-3)
    model = models.build(spec)
    x, y = blank_batch(spec)
    before = model.get_weights()[:3]
    below = before[0][0] < 0
    assert 0 < below.sum() < spec.units
    for _ in range(5):
        model.train_on_batch(x, y)
    for old, new in zip(before, model.get_weights(), strict=False):
        moved = np.any(np.atleast_2d(old != new), axis=0)  # by unit: columns of W, U and b
        assert moved[~below].all()
        assert moved[below].any() == wakes


@pytest.mark.parametrize(("derivative", "stay"), [(0.0, True), (0.5, False)])
def test_the_first_update_leaves_no_unit_exactly_at_zero_with_a_derivative_there(derivative, stay):
    from irnn import forward, models

    spec = small("irnn", relu_derivative_at_0=derivative, learning_rate=1e-3)
    model = models.build(spec)
    x, y = blank_batch(spec)

    def ties():
        weights = dict(zip(WEIGHTS, model.get_weights(), strict=True))
        return np.mean([step["z"] == 0 for step in forward.states(spec, weights, x[:, :, 0])])

    assert ties() > 0.2
    model.train_on_batch(x, y)
    assert (ties() > 0.05) == stay


@pytest.mark.parametrize("semantics", ["2015", "today"])
def test_truncation_at_the_full_length_changes_nothing(semantics):
    full, cut, short = (small("lstm", semantics, bptt_steps=k) for k in (None, 16, 3))
    x, y = batch(full)
    (a, _), (b, _), (c, _) = (gradients(spec, x, y) for spec in (full, cut, short))
    assert all(np.allclose(p, q, rtol=1e-4, atol=1e-9) for p, q in zip(a, b, strict=True))
    assert not np.allclose(a[1], c[1], rtol=1e-2)


@pytest.mark.parametrize("steps", [None, 7])
@pytest.mark.parametrize(
    ("model", "semantics"), [("irnn", "2015"), ("lstm", "2015"), ("lstm", "today")]
)
def test_own_backward_pass_equals_keras(model, semantics, steps, monkeypatch):
    import keras

    from irnn.recurrent import layers

    if keras.backend.backend() != "jax":
        pytest.skip("the layers have a backward pass of their own on JAX only")
    spec = small(model, semantics, bptt_steps=steps)
    x, y = batch(spec)
    own, _ = gradients(spec, x, y)
    monkeypatch.setattr(layers, "_on_jax", lambda layer, mask: False)
    plain, _ = gradients(spec, x, y)
    for a, b in zip(own, plain, strict=True):
        assert np.linalg.norm(a - b) <= 1e-5 * max(1e-3, np.linalg.norm(b))


def test_a_seed_starts_the_same_network_on_every_backend():
    from irnn import models

    weights = models.build(small("irnn", seed=3)).get_weights()
    assert weights[0][0, :3] == pytest.approx([0.00204092, -0.00255567, 0.0004181], abs=1e-7)
    assert np.array_equal(weights[1], np.eye(12, dtype="float32"))
    again = models.build(small("irnn", seed=3)).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(weights, again, strict=True))
    other = models.build(small("irnn", seed=4)).get_weights()
    assert not np.array_equal(weights[0], other[0])


@pytest.mark.parametrize(
    ("semantics", "kernel", "recurrent", "dense"),
    [
        ("2015", (-0.337131, -0.284977), (-0.577789, -0.931945), (-0.313234, -0.361949)),
        ("today", (-0.323905, -0.273797), (0.197189, -0.040615), (-0.542537, -0.626914)),
    ],
)
def test_a_seed_starts_the_same_lstm_on_every_backend(semantics, kernel, recurrent, dense):
    from irnn import models

    spec = make("lstm", semantics, dataset="digits", pooling=4, units=3, seed=2)
    weights = dict(zip(WEIGHTS, models.build(spec).get_weights(), strict=True))
    for name, start in (
        ("kernel", kernel),
        ("recurrent_kernel", recurrent),
        ("dense_kernel", dense),
    ):
        drawn = weights[name][0, :2]
        if name == "recurrent_kernel":  # LAPACK chooses the signs of singular vectors
            drawn, start = np.abs(drawn), np.abs(start)
        assert drawn == pytest.approx(start, abs=1e-5), name


def test_initial_weights_of_2015():
    from irnn import models

    kernel, recurrent, bias, dense, _ = models.build(make("lstm", "2015")).get_weights()
    for gate in np.split(recurrent, 4, axis=1):
        assert np.allclose(gate.T @ gate, 1.1**2 * np.eye(100), atol=1e-5)
    assert 0.95 < np.abs(kernel).max() / np.sqrt(2 / 101) <= 1
    assert 0.95 < np.abs(dense).max() / np.sqrt(2 / 110) <= 1
    assert bias.tolist() == [0] * 100 + [1] * 100 + [0] * 200
    today = models.build(make("lstm", "2015", initial_weights="today")).get_weights()
    assert np.allclose(today[1] @ today[1].T, np.eye(100), atol=1e-5)


def test_initial_weights_of_today_are_those_of_keras():
    import keras

    from irnn import models

    ours = models.build(make("lstm", "today")).get_weights()
    keras.utils.set_random_seed(1)
    theirs = keras.Sequential(
        [keras.Input((784, 1)), keras.layers.LSTM(100), keras.layers.Dense(10)]
    ).get_weights()
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert np.abs(a).max() == pytest.approx(np.abs(b).max(), rel=0.2)
        assert a.std() == pytest.approx(b.std(), rel=0.1)
    assert np.allclose(ours[1] @ ours[1].T, theirs[1] @ theirs[1].T, atol=1e-5)


def test_hard_sigmoid_of_2015():
    from keras import ops

    from irnn.recurrent.activations import hard_sigmoid_2015

    x = np.array([-3, -2.5, -1, 0, 1, 2.5, 3], dtype="float32")
    y = ops.convert_to_numpy(hard_sigmoid_2015(ops.convert_to_tensor(x)))
    assert np.allclose(y, [0, 0, 0.3, 0.5, 0.7, 1, 1])


def test_clipping_is_over_all_gradients_together():
    spec = small("irnn")
    x, y = batch(spec)
    free, _ = gradients(spec, x, y)
    clipped, _ = gradients(small("irnn", clip_norm=0.1), x, y)
    norm = np.sqrt(sum((g**2).sum() for g in free))
    assert norm > 0.1
    for a, b in zip(free, clipped, strict=True):
        assert np.allclose(a * 0.1 / norm, b, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("sgd", {"momentum": 0.7}),
        ("rmsprop", {"momentum": 0.7, "rho": 0.8, "epsilon": 1e-3}),
        ("adam", {"beta_1": 0.8, "beta_2": 0.98, "epsilon": 1e-3}),
    ],
)
def test_an_optimizer_has_the_numbers_of_its_spec(name, own):
    from irnn import models

    found = models.optimizer(small("irnn", optimizer=name, clip_norm=0.1, **own)).get_config()
    assert {"global_clipnorm": 0.1, **own}.items() <= found.items()


def test_a_sum_is_right_within_four_hundredths():
    from keras import ops

    from irnn.models import is_close

    answers = np.array([[1.03], [0.97], [1.05], [0.95]], "float32")
    right = is_close(np.ones((4, 1), "float32"), answers)
    assert ops.convert_to_numpy(right).tolist() == [1, 1, 0, 0]


def test_truncation_changes_no_output():
    import keras

    from irnn.recurrent.layers import LSTM, TruncatedBPTT

    rnn = LSTM(3, return_state=True)
    x = np.random.default_rng(0).random((2, 5, 1), dtype="float32")
    plain = keras.ops.convert_to_numpy(rnn(x)[0])
    for steps in (1, 4, 5, 6):
        cut = keras.ops.convert_to_numpy(TruncatedBPTT(rnn, steps)(x))
        assert np.allclose(cut, plain, atol=1e-6)


def test_a_truncated_layer_is_saved_and_loaded():
    import keras

    from irnn.recurrent.layers import LSTM, TruncatedBPTT

    layer = TruncatedBPTT(LSTM(3), 2)
    x = np.random.default_rng(0).random((2, 5, 1), dtype="float32")
    y = keras.ops.convert_to_numpy(layer(x))
    again = TruncatedBPTT.from_config(layer.get_config())
    again.build(x.shape)
    again.set_weights(layer.get_weights())
    assert np.allclose(keras.ops.convert_to_numpy(again(x)), y)
    assert again.steps == 2
