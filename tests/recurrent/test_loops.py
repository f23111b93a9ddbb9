"""Every loop computes what Keras' own layers do, and is chosen where it can run."""

import re
import sys
from functools import cache, partial
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from irnn.errors import InputError
from irnn.spec import make

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="the loops are JAX's")


def layer(kind, semantics, units, own, dtype="float32"):
    """Return one of this package's layers, or Keras' own with the same activations."""
    from irnn.recurrent import layers
    from irnn.recurrent.activations import hard_sigmoid_2015, relu

    if kind == "irnn":
        cls = layers.SimpleRNN if own else keras.layers.SimpleRNN
        activations = {"activation": relu({"2015": 0.5, "today": 0}[semantics])}
    else:
        cls = layers.LSTM if own else keras.layers.LSTM
        gate = {"2015": hard_sigmoid_2015, "today": "sigmoid"}[semantics]
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


@pytest.fixture(params=["native", "interpret", "scan"])
def each_loop(request, monkeypatch):
    monkeypatch.setenv("IRNN_LOOP", request.param)
    return request.param


@pytest.mark.parametrize(
    ("kind", "semantics", "units", "batch", "steps", "features"),
    [
        ("irnn", "2015", 100, 32, 50, 1),
        ("irnn", "today", 33, 3, 7, 3),
        ("irnn", "2015", 5, 1, 1, 1),
        ("irnn", "2015", 8, 66, 5, 2),
        ("lstm", "2015", 100, 32, 50, 1),
        ("lstm", "today", 33, 3, 7, 3),
        ("lstm", "2015", 5, 1, 1, 1),
        ("lstm", "today", 8, 66, 5, 2),
    ],
)
def test_equals_keras_in_float64(kind, semantics, units, batch, steps, features, each_loop):
    arrays = random_arrays(kind, units, batch, steps, features)
    ours = outputs_and_gradients(layer(kind, semantics, units, own=True), arrays)
    theirs = keras_in_float64(kind, semantics, units, batch, steps, features)
    assert theirs[0].dtype == np.float64
    close(ours, theirs)


@pytest.mark.parametrize(
    "settings",
    [
        {"return_sequences": True},
        {"go_backwards": True},
        {"stateful": True},
        {"use_bias": False},
        {"dropout": 0.5},
        {"recurrent_dropout": 0.5},
        {"activation": "relu"},
        {"recurrent_activation": "hard_sigmoid"},
        {},  # with a mask
    ],
)
def test_what_no_loop_is_written_for_is_left_to_keras(settings, monkeypatch):
    from irnn.recurrent import layers

    monkeypatch.setattr(keras.layers.LSTM, "inner_loop", lambda *_: "left to Keras")
    rnn = layers.LSTM(4, **settings)
    rnn.build((2, 5, 3))
    mask = None if settings else np.arange(5) < [[3], [5]]
    assert rnn.inner_loop(np.zeros((2, 5, 3)), [np.zeros((2, 4))] * 2, mask) == "left to Keras"


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_a_simple_rnn_of_another_activation(activation, monkeypatch):
    from irnn.recurrent import layers

    monkeypatch.delenv("IRNN_LOOP", raising=False)
    ours, theirs = (
        outputs_and_gradients(
            cls(5, activation=activation, return_state=True), random_arrays("irnn", 5, 3, 7)
        )
        for cls in (layers.SimpleRNN, keras.layers.SimpleRNN)
    )
    close(ours, theirs)


@cache  # it is the same for each loop
def keras_in_float64(kind, semantics, units, batch, steps, features):
    import jax

    arrays = random_arrays(kind, units, batch, steps, features)
    with jax.enable_x64(True):
        stock = layer(kind, semantics, units, own=False, dtype="float64")
        return outputs_and_gradients(stock, arrays, "float64")


def test_derivative_of_a_pre_activation_at_0(each_loop):
    """With x, h and b 0, every pre-activation is 0: b's gradient counts the derivatives."""
    from irnn.recurrent.activations import ReLU
    from irnn.recurrent.layers import SimpleRNN

    units, steps, derivative = 5, 4, 0.25
    rnn = SimpleRNN(units, activation=ReLU(derivative), return_state=True)
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
def test_runs_side_by_side_equal_runs_one_by_one(kind, each_loop):
    runs = [random_arrays(kind, 5, 3, 7, seed=seed) for seed in range(3)]
    rnn = layer(kind, "2015", 5, own=True)
    one_by_one = [outputs_and_gradients(rnn, run) for run in runs]
    together = [np.stack(arrays) for arrays in zip(*runs, strict=True)]
    side_by_side = outputs_and_gradients(rnn, together, runs="vmap")
    close(side_by_side, [np.stack(arrays) for arrays in zip(*one_by_one, strict=True)], 1e-6)


@pytest.mark.parametrize("name", ["native", "interpret"])
@pytest.mark.parametrize(("model", "steps"), [("irnn", 7), ("lstm", 7), ("irnn", 1)])
def test_truncated_gradients_equal_the_plain_loop(model, steps, name, monkeypatch):
    from tests.test_models import batch, gradients, small

    spec = small(model, bptt_steps=steps)
    x, y = batch(spec)
    monkeypatch.setenv("IRNN_LOOP", "scan")
    plain, _ = gradients(spec, x, y)
    monkeypatch.setenv("IRNN_LOOP", name)
    other, _ = gradients(spec, x, y)
    close(other, plain)


@pytest.mark.parametrize("kind", ["irnn", "lstm"])
def test_a_gradient_through_so_many_last_steps(kind, each_loop):
    """As if the state that enters them were a constant; nothing flows before."""
    import jax
    import jax.numpy as jnp

    from irnn.recurrent import choice
    from irnn.recurrent.activations import hard_sigmoid_2015, relu

    x, *rest = [jnp.asarray(a, "float32") for a in random_arrays(kind, 5, 3, 13)]
    states, weights = rest[:-3], rest[-3:]
    loop = choice.loop(each_loop)
    loop = (
        partial(loop.simple_rnn, relu(0.5))
        if kind == "irnn"
        else partial(loop.lstm, hard_sigmoid_2015)
    )

    def last(x, states, weights, live=None):
        out = loop(x, *states, *weights, live=live)
        return out if kind == "lstm" else (out,)

    def total(out):
        return sum((k + 1) * (a**2).sum() for k, a in enumerate(out))

    def cut(x, weights, live):
        head = last(x[:, :-live], states, weights) if live < 13 else states
        return total(last(x[:, -live:], jax.lax.stop_gradient(head), weights))

    traced = jax.jit(jax.grad(lambda x, s, w, k: total(last(x, s, w, k)), (0, 2, 1)))
    for live in (1, 3, 8, 13):
        expected = jax.grad(cut, (0, 1))(x, weights, live)
        dx, dweights, dstates = traced(x, states, weights, live)
        assert not np.any(dx[:, :-live])
        ours = [np.array(a) for a in (dx[:, -live:], *dweights)]
        close(ours, [expected[0][:, -live:], *expected[1]])
        if live < 13:
            assert not any(np.any(d) for d in dstates)


@pytest.mark.parametrize(
    ("kind", "semantics"),
    [("irnn", "2015"), ("irnn", "today"), ("lstm", "2015"), ("lstm", "today")],
)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_passes_through(kind, semantics, value, monkeypatch):
    arrays = random_arrays(kind, 5, 3, 7)
    arrays[0][1, 4] = value
    results = []
    for name in ("scan", "native"):
        monkeypatch.setenv("IRNN_LOOP", name)
        rnn = layer(kind, semantics, 5, own=True)
        results.append(outputs_and_gradients(rnn, arrays)[: {"irnn": 1, "lstm": 2}[kind]])
    for plain, native in zip(*results, strict=True):
        assert np.allclose(native, plain, rtol=1e-5, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("kind", ["irnn", "lstm"])
@pytest.mark.parametrize("runs", [None, 4])
def test_lowers_for_a_gpu(kind, runs):
    """Real sizes become Triton programs, one forwards and one backwards."""
    import jax
    import jax.numpy as jnp

    from irnn.recurrent import choice
    from irnn.recurrent.activations import hard_sigmoid_2015, relu

    fused = choice.loop("fused")
    loop, activation = {
        "irnn": (fused.simple_rnn, relu(0.5)),
        "lstm": (fused.lstm, hard_sigmoid_2015),
    }[kind]

    def loss(*arrays):
        last = loop(activation, *arrays)
        return sum((a**2).sum() for a in jax.tree.leaves(last))

    shapes = [a.shape for a in random_arrays(kind, 100, 32, 784)]
    step = jax.grad(loss, range(len(shapes)))
    if runs:
        step, shapes = jax.vmap(step), [(runs, *shape) for shape in shapes]
    arrays = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    text = jax.jit(step).trace(*arrays).lower(lowering_platforms=("cuda",)).as_text()
    assert text.count("custom_call @__gpu$xla.gpu.triton") == 2


@pytest.mark.parametrize("name", ["irnn", "lstm"])
def test_follows_the_original_software(name, mnist, keras_2015, each_loop):
    from irnn import data, models
    from tests.test_reference import recorded_weights

    reference = np.load(keras_2015 / f"keras-2015-{name}.npz")
    images = data.load_images("mnist", mnist)
    x, y = data.sequences(images.x_train[:64], make("irnn")), images.y_train[:64]
    model = models.build(make(name, "2015", learning_rate=float(reference["learning_rate"])))
    model.set_weights(recorded_weights(name, reference))
    before = model.train_on_batch(x[:32], y[:32], return_dict=True)["loss"]
    after = model.test_on_batch(x[32:], y[32:], return_dict=True)["loss"]
    assert np.abs([before, after] - reference["losses"][:2]).max() < 1e-5


# --- the choice of a loop ---------------------------------------------------------------


def on_a_gpu(monkeypatch, capability="8.0"):
    from irnn.recurrent import choice

    device = SimpleNamespace(platform="gpu", compute_capability=capability)
    monkeypatch.setattr(choice, "_device", lambda: device)
    choice.say_once.cache_clear()
    choice._disagreement.cache_clear()
    # What the kernel computes, on this machine.
    loops = choice.loop
    monkeypatch.setattr(choice, "loop", lambda n: loops("interpret" if n == "fused" else n))


def test_the_choice_by_itself(monkeypatch, capsys):
    from irnn.recurrent import native
    from irnn.recurrent.choice import loop_name

    monkeypatch.delenv("IRNN_LOOP", raising=False)
    assert native.obstacle() is None
    capsys.readouterr()  # the first use says that it compiles
    assert loop_name(make("irnn")) == "native"
    assert capsys.readouterr().err == ""
    on_a_gpu(monkeypatch)
    assert loop_name(make("irnn", units=5)) == loop_name(make("lstm", units=5)) == "fused"
    assert capsys.readouterr().err == ""
    for _ in range(2):
        assert loop_name(make("lstm", units=400)) == "scan"
    line = "the plain loop trains, not the fused one: 400 units are more than the 128 that fit"
    assert capsys.readouterr().err.count(line) == 1
    on_a_gpu(monkeypatch, capability="7.5")
    assert loop_name(make("lstm", units=5)) == "scan"
    assert "7.5 is older than 8.0" in capsys.readouterr().err
    on_a_gpu(monkeypatch, capability="gfx942")  # AMD's
    assert (loop_name(make("lstm", units=5)), capsys.readouterr().err) == ("scan", "")


def wrong(change):
    """Return what gives a fused loop that is changed."""

    def fault(loops):
        loop = loops("interpret")
        changed = loop._replace(simple_rnn=partial(change, loop.simple_rnn))
        return lambda name: changed if name == "fused" else loops(name)

    return fault


def steeper(loop, activation, x, h, w, u, b):
    """Return a loop's outputs with a gradient of U alone that is wrong in the third digit."""
    from jax.lax import stop_gradient

    return loop(activation, x, h, w, u + 0.003 * (u - stop_gradient(u)), b)


def crash(loops):
    def loop(name):
        if name == "fused":
            raise RuntimeError("no such instruction\nand more")
        return loops(name)

    return loop


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("import", "it cannot be imported (ModuleNotFoundError: "),
        (crash, "it does not run here (RuntimeError: no such instruction)"),
        (
            wrong(lambda loop, *arguments: 1.001 * loop(*arguments)),
            "its results are 0.002 off the plain one's, more than 0.0001",
        ),
        (wrong(steeper), "its results are 0.003 off the plain one's"),
        (
            wrong(lambda loop, *arguments: np.nan * loop(*arguments)),
            "its results are inf off the plain one's",
        ),
    ],
)
def test_a_fused_loop_is_checked_before_it_trains(fault, said, monkeypatch, capsys):
    from irnn.recurrent import choice
    from irnn.recurrent.choice import loop_name

    monkeypatch.delenv("IRNN_LOOP", raising=False)
    plain = choice.loop
    on_a_gpu(monkeypatch)
    if fault == "import":
        monkeypatch.setitem(sys.modules, "irnn.recurrent.fused", None)
        monkeypatch.delattr("irnn.recurrent.fused", raising=False)
    else:
        monkeypatch.setattr(choice, "loop", fault(plain))
    spec = make("irnn", units=5)
    assert [loop_name(spec) for _ in range(2)] == ["scan", "scan"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"irnn: the plain loop trains, not the fused one: {said}")
    monkeypatch.setenv("IRNN_LOOP", "fused")
    with pytest.raises(InputError, match=f"^IRNN_LOOP=fused, but {re.escape(said)}"):
        loop_name(spec)


@pytest.mark.parametrize("units", [1, 2, 3])
def test_dead_units_do_not_fail_the_check(units, monkeypatch, capsys):
    from irnn.recurrent.choice import loop_name

    monkeypatch.delenv("IRNN_LOOP", raising=False)
    on_a_gpu(monkeypatch)
    assert (loop_name(make("irnn", units=units)), capsys.readouterr().err) == ("fused", "")


def test_a_check_while_a_program_is_traced(monkeypatch, capsys):
    import jax

    from irnn.recurrent.choice import loop_name

    monkeypatch.delenv("IRNN_LOOP", raising=False)
    on_a_gpu(monkeypatch)
    names = []
    jax.jit(lambda x: names.append(loop_name(make("lstm", units=5))) or x)(1.0)
    assert (names, capsys.readouterr().err) == (["fused"], "")


def test_a_loop_asked_for_by_name(monkeypatch):
    from irnn.recurrent.choice import loop_name

    monkeypatch.setenv("IRNN_LOOP", "fused")
    with pytest.raises(InputError, match="IRNN_LOOP=fused, but it needs an NVIDIA GPU"):
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
    monkeypatch.setenv("IRNN_LOOP", "native")
    with pytest.raises(InputError, match="IRNN_LOOP=native, but it is for processors"):
        loop_name(make("irnn"))


@pytest.mark.parametrize(
    ("settings", "features", "message"),
    [
        ({"activation": "elu"}, 1, "no activation but relu and tanh"),
        ({"dtype": "mixed_bfloat16"}, 1, "float32, not bfloat16"),
        ({}, 9, "9 features are more than 8"),
    ],
)
def test_what_the_fused_loop_cannot_compute(settings, features, message, interpret):
    from irnn.recurrent.layers import SimpleRNN

    with pytest.raises(InputError, match=message):
        SimpleRNN(3, **settings)(np.zeros((2, 4, features), dtype="float32"))


def test_a_fused_layer_is_saved_and_loaded(tmp_path, interpret):
    from irnn.recurrent.layers import LSTM, truncated_bptt

    model = keras.Sequential([keras.Input((5, 1)), truncated_bptt(LSTM(3), 2)])
    x = np.random.default_rng(0).random((2, 5, 1), dtype="float32")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))


def test_out_of_memory_says_what_fits(monkeypatch):
    import jax

    from irnn.recurrent import native
    from irnn.recurrent.choice import saved_bytes
    from irnn.training.run import out_of_memory

    monkeypatch.setenv("IRNN_LOOP", "scan")
    spec = make("lstm")
    assert saved_bytes(spec) == 4 * 784 * 32 * 100 * 10
    assert saved_bytes(make("irnn")) == 4 * 784 * 32 * 100 * 3
    monkeypatch.setenv("IRNN_LOOP", "interpret")  # is padded
    assert saved_bytes(spec) == 4 * 784 * 32 * 128 * 10
    monkeypatch.setenv("IRNN_LOOP", "native")
    assert saved_bytes(spec) == 4 * 784 * 32 * native.width(100) * 6
    monkeypatch.setenv("IRNN_LOOP", "scan")
    has = {"bytes_limit": int(3.5 * saved_bytes(spec))}
    device = SimpleNamespace(memory_stats=lambda: has)
    monkeypatch.setattr(jax, "devices", lambda: [device])
    full = partial(out_of_memory, error=RuntimeError("RESOURCE_EXHAUSTED: out of memory"))
    assert "at most 3 runs at once" in str(full(spec, runs=8))
    assert "batch size of at most 112" in str(full(make("lstm", batch_size=1024)))
    # what should have fitted
    assert "at most 2 runs at once" in str(full(spec, runs=3))
    assert "batch size of at most 31" in str(full(spec))
    has["bytes_limit"] = saved_bytes(spec) // 2
    assert "batch size of at most 16" in str(full(spec, runs=2))
    has = None
    assert str(full(spec)).endswith("train fewer runs at once, or with a smaller batch")
    assert out_of_memory(spec, RuntimeError("something else")) is None
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    assert str(full(spec)).endswith("1 x lstm with batch size 32; train with a smaller batch")
