"""The fused loops compute what Keras' own layers do, and are chosen where they can run."""

from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from irnn.errors import InputError
from irnn.spec import make

pytestmark = [
    pytest.mark.keras,
    pytest.mark.skipif(keras.backend.backend() != "jax", reason="the fused loops are JAX's"),
]


def layer(kind, semantics, units, own, dtype="float32"):
    """Return one of this package's layers, or Keras' own with the same activations."""
    from irnn import recurrent

    if kind == "irnn":
        cls = recurrent.SimpleRNN if own else keras.layers.SimpleRNN
        activations = {"activation": recurrent.relu({"2015": 0.5, "today": 0}[semantics])}
    else:
        cls = recurrent.LSTM if own else keras.layers.LSTM
        gate = {"2015": recurrent.hard_sigmoid_2015, "today": "sigmoid"}[semantics]
        activations = {"recurrent_activation": gate}
    return cls(units, dtype=dtype, return_state=True, **activations)


def outputs_and_gradients(rnn, arrays, dtype="float32", runs=None):
    """Return the last states and the gradients of x, initial states and weights.

    `runs` is "vmap" for arrays with a leading axis of runs.
    """
    import jax
    import jax.numpy as jnp

    x, *rest = [jnp.asarray(a, dtype) for a in arrays]
    count = len(rest) - 3
    rnn.build(x.shape[1:] if runs else x.shape)
    constant = [v.value for v in rnn.non_trainable_variables]

    def loss(x, *rest):
        states, weights = list(rest[:count]), list(rest[count:])
        (_, *last), _ = rnn.stateless_call(weights, constant, x, initial_state=states)
        return sum((k + 1) * (a**2).sum() for k, a in enumerate(last)), last

    step = jax.value_and_grad(loss, range(len(arrays)), has_aux=True)
    (_, last), gradients = jax.jit(jax.vmap(step) if runs else step)(x, *rest)
    return [np.array(a) for a in (*last, *gradients)]


def random_arrays(kind, units, batch, steps, features=1, seed=0):
    """Draw x, the initial states, W, U and b."""
    rng = np.random.default_rng(seed)
    columns = units * {"irnn": 1, "lstm": 4}[kind]
    shapes = [(batch, steps, features)] + [(batch, units)] * {"irnn": 1, "lstm": 2}[kind]
    scale = 0.5 * units**-0.5
    return [rng.normal(size=shape) for shape in shapes] + [
        rng.normal(size=(features, columns)),
        scale * rng.normal(size=(units, columns)),
        rng.normal(size=columns),
    ]


def close(ours, theirs, limit=1e-5):
    for a, b in zip(ours, theirs, strict=True):
        assert np.linalg.norm(a - b) <= limit * np.linalg.norm(b)


@pytest.fixture
def interpret(monkeypatch):
    monkeypatch.setenv("IRNN_LOOP", "interpret")


@pytest.mark.parametrize(
    ("kind", "semantics", "units", "batch", "steps", "features"),
    [
        ("irnn", "2015", 100, 32, 50, 1),
        ("irnn", "today", 33, 3, 7, 3),
        ("irnn", "2015", 5, 1, 1, 1),
        ("lstm", "2015", 100, 32, 50, 1),
        ("lstm", "today", 33, 3, 7, 3),
        ("lstm", "2015", 5, 1, 1, 1),
    ],
)
def test_equals_keras_in_float64(kind, semantics, units, batch, steps, features, interpret):
    import jax

    arrays = random_arrays(kind, units, batch, steps, features)
    ours = outputs_and_gradients(layer(kind, semantics, units, own=True), arrays)
    with jax.enable_x64(True):
        stock = layer(kind, semantics, units, own=False, dtype="float64")
        theirs = outputs_and_gradients(stock, arrays, "float64")
    assert theirs[0].dtype == np.float64
    close(ours, theirs)


def test_derivative_of_a_pre_activation_at_0(interpret):
    """With x, h and b 0, every pre-activation is 0: b's gradient counts the derivatives."""
    from irnn import recurrent

    units, steps, derivative = 5, 4, 0.25
    rnn = recurrent.SimpleRNN(units, activation=recurrent.ReLU(derivative), return_state=True)
    rnn.build((1, steps, 1))

    import jax
    import jax.numpy as jnp

    def loss(bias):
        weights = [jnp.ones((1, units)), jnp.eye(units), bias]
        constant = [v.value for v in rnn.non_trainable_variables]
        return rnn.stateless_call(weights, constant, jnp.zeros((1, steps, 1)))[0][0].sum()

    expected = sum(derivative**k for k in range(1, steps + 1))
    assert np.allclose(jax.grad(loss)(jnp.zeros(units)), expected)


@pytest.mark.parametrize("kind", ["irnn", "lstm"])
def test_runs_side_by_side_equal_runs_one_by_one(kind, interpret):
    runs = [random_arrays(kind, 5, 3, 7, seed=seed) for seed in range(3)]
    rnn = layer(kind, "2015", 5, own=True)
    one_by_one = [outputs_and_gradients(rnn, run) for run in runs]
    together = [np.stack(arrays) for arrays in zip(*runs, strict=True)]
    side_by_side = outputs_and_gradients(rnn, together, runs="vmap")
    close(side_by_side, [np.stack(arrays) for arrays in zip(*one_by_one, strict=True)], 1e-6)


@pytest.mark.parametrize(("model", "steps"), [("irnn", 7), ("lstm", 7), ("irnn", 1)])
def test_truncated_gradients_equal_the_plain_loop(model, steps, monkeypatch):
    from tests.test_models import batch, gradients, small

    spec = small(model, bptt_steps=steps)
    x, y = batch(spec)
    monkeypatch.setenv("IRNN_LOOP", "scan")
    plain, _ = gradients(spec, x, y)
    monkeypatch.setenv("IRNN_LOOP", "interpret")
    fused, _ = gradients(spec, x, y)
    close(fused, plain)


@pytest.mark.parametrize("kind", ["irnn", "lstm"])
@pytest.mark.parametrize("runs", [None, 4])
def test_lowers_for_a_gpu(kind, runs):
    """Real sizes become Triton programs, one forwards and one backwards."""
    import jax
    import jax.numpy as jnp

    from irnn import recurrent, recurrent_jax

    entry, activation = {
        "irnn": (recurrent_jax.simple_rnn, recurrent.relu(0.5)),
        "lstm": (recurrent_jax.lstm, recurrent.hard_sigmoid_2015),
    }[kind]

    def loss(*arrays):
        last = entry(activation, *arrays, loop=recurrent_jax.loop("fused"))
        return sum((a**2).sum() for a in jax.tree.leaves(last))

    shapes = [a.shape for a in random_arrays(kind, 100, 32, 784)]
    step = jax.grad(loss, range(len(shapes)))
    if runs:
        step, shapes = jax.vmap(step), [(runs, *shape) for shape in shapes]
    arrays = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    text = jax.jit(step).trace(*arrays).lower(lowering_platforms=("cuda",)).as_text()
    assert text.count("custom_call @__gpu$xla.gpu.triton") == 2


@pytest.mark.parametrize("name", ["irnn", "lstm"])
def test_follows_the_original_software(name, mnist, keras_2015, interpret):
    from irnn import data, models
    from tests.test_reference import recorded_weights

    reference = np.load(keras_2015 / f"keras-2015-{name}.npz")
    images = data.load_images("mnist", mnist)
    x, y = data.sequences(images.x_train[:64]), images.y_train[:64]
    model = models.build(make(name, "2015", learning_rate=float(reference["learning_rate"])))
    model.set_weights(recorded_weights(name, reference))
    for k in range(2):
        batch = slice(32 * k, 32 * k + 32)
        loss = model.train_on_batch(x[batch], y[batch], return_dict=True)["loss"]
        assert abs(loss - reference["losses"][k]) < 1e-5


# --- the choice of a loop ---------------------------------------------------------------


def on_a_gpu(monkeypatch, capability="9.0"):
    from irnn import recurrent

    device = SimpleNamespace(compute_capability=capability)
    monkeypatch.setattr(recurrent, "_nvidia_gpu", lambda: device)
    recurrent._say_once.cache_clear()


def test_the_choice_by_itself(monkeypatch, capsys):
    from irnn.recurrent import loop_name

    monkeypatch.delenv("IRNN_LOOP", raising=False)
    monkeypatch.setattr("irnn.recurrent._nvidia_gpu", lambda: None)
    assert loop_name(make("irnn")) == "scan"
    assert capsys.readouterr().err == ""
    on_a_gpu(monkeypatch)
    assert loop_name(make("irnn")) == loop_name(make("lstm")) == "fused"
    assert capsys.readouterr().err == ""
    for _ in range(2):
        assert loop_name(make("lstm", units=400)) == "scan"
    line = "the recurrent loop is not fused: 400 units are more than the 128 that fit"
    assert capsys.readouterr().err.count(line) == 1
    on_a_gpu(monkeypatch, capability="7.5")
    assert loop_name(make("lstm")) == "scan"
    assert "7.5 is older than 8.0" in capsys.readouterr().err


def test_a_loop_asked_for_by_name(monkeypatch):
    from irnn.recurrent import loop_name

    monkeypatch.setattr("irnn.recurrent._nvidia_gpu", lambda: None)
    monkeypatch.setenv("IRNN_LOOP", "fused")
    with pytest.raises(InputError, match="IRNN_LOOP=fused needs an NVIDIA GPU"):
        loop_name(make("irnn"))
    monkeypatch.setenv("IRNN_LOOP", "interpret")
    assert loop_name(make("irnn")) == "interpret"
    with pytest.raises(InputError, match="400 units are more than the 256"):
        loop_name(make("irnn", units=400))
    monkeypatch.setenv("IRNN_LOOP", "fussed")
    with pytest.raises(InputError, match="did you mean fused"):
        loop_name(make("irnn"))
    on_a_gpu(monkeypatch)
    monkeypatch.setenv("IRNN_LOOP", "scan")
    assert loop_name(make("irnn")) == "scan"


@pytest.mark.parametrize(
    ("settings", "features", "message"),
    [
        ({"activation": "elu"}, 1, "no activation but relu and tanh"),
        ({"dtype": "mixed_bfloat16"}, 1, "float32, not bfloat16"),
        ({}, 9, "9 features are more than 8"),
    ],
)
def test_what_the_fused_loop_cannot_compute(settings, features, message, interpret):
    from irnn.recurrent import SimpleRNN

    with pytest.raises(InputError, match=message):
        SimpleRNN(3, **settings)(np.zeros((2, 4, features), dtype="float32"))


def test_a_fused_layer_is_saved_and_loaded(tmp_path, interpret):
    from irnn.recurrent import LSTM, truncated_bptt

    model = keras.Sequential([keras.Input((5, 1)), truncated_bptt(LSTM(3), 2)])
    x = np.random.default_rng(0).random((2, 5, 1), dtype="float32")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))


def test_out_of_memory_says_what_fits(monkeypatch):
    import jax

    from irnn.train import out_of_memory, saved_bytes

    monkeypatch.setenv("IRNN_LOOP", "scan")
    spec = make("lstm")
    assert saved_bytes(spec) == 4 * 784 * 32 * 100 * 10
    has = 3.5 * saved_bytes(spec)
    device = SimpleNamespace(memory_stats=lambda: {"bytes_limit": int(has)})
    monkeypatch.setattr(jax, "devices", lambda: [device])
    full = partial(out_of_memory, error=RuntimeError("RESOURCE_EXHAUSTED: out of memory"))
    assert "at most 3 runs at once" in str(full(spec, runs=8))
    assert "batch size of at most 112" in str(full(make("lstm", batch_size=1024)))
    assert out_of_memory(spec, RuntimeError("something else")) is None
