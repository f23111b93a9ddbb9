"""Runs trained together are recorded as if each had been trained alone."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from irnn.errors import Unavailable
from irnn.spec import make
from irnn.store import METRICS, Run, Store
from irnn.training.progress import Progress

on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="together is on JAX only")

SGD = {"optimizer": "sgd", "learning_rate": 1e-2, "clip_norm": 1.0}
GROUPS = {
    "irnn": [
        make("irnn", dataset="digits", units=16, learning_rate=rate, seed=seed, **others)
        for rate, seed, others in [
            (1e-4, 0, {}),
            (3e-4, 1, {"permutation": 5}),
            (1e-4, 2, {"bptt_steps": 9}),
            (1e-4, 3, {"bptt_steps": 40, "permutation": 1}),
        ]
    ],
    "lstm": [
        make("lstm", dataset="digits", units=12, learning_rate=1e-3, seed=seed, bptt_steps=steps)
        for seed, steps in [(0, 5), (1, 30)]
    ],
    "lstm today": [
        make("lstm", "today", dataset="digits", pooling=2, units=12, learning_rate=1e-2, seed=seed)
        for seed in range(2)
    ],
    "momentum": [
        make("irnn", dataset="digits", units=16, samples=500, **SGD | {"momentum": m, "seed": seed})
        for seed, m in enumerate([0.5, 0.9])
    ],
    "adam": [
        make(
            "lstm",
            dataset="digits",
            optimizer="adam",
            learning_rate=1e-3,
            units=12,
            held_out=97,
            delay=6,
            crop=1,
            order="columns",
            seed=seed,
            initial_weights="today",
            gates="today",
        )
        for seed in range(2)
    ],
    "adding": [
        make(
            "irnn", dataset="adding", length=12, samples=300, units=8, learning_rate=1e-3, seed=seed
        )
        for seed in range(2)
    ],
    "rmsprop with momentum": [
        make("irnn", dataset="digits", units=16, learning_rate=1e-4, momentum=0.8)
    ],
}


@on_jax
@pytest.mark.parametrize("name", GROUPS)
def test_an_epoch_together_equals_an_epoch_alone(name, tmp_path):
    from irnn.training.group import train_group
    from irnn.training.run import train_run

    both, alone = Store(tmp_path / "together"), Store(tmp_path / "alone")
    told, updates = [], []
    train_group(GROUPS[name], 1, both, None, lambda *said: updates.append(said), told.append)
    assert told == [both.read(spec) for spec in GROUPS[name]]
    assert all(0 <= accuracy <= 1 for _run, _count, accuracy in updates)
    for spec in GROUPS[name]:
        train_run(spec, 1, alone)
        a, b = both.read(spec), alone.read(spec)
        for metric in METRICS[:-1]:
            tolerance = 1e-3 if metric == "gradient_norm" else 1e-5
            assert a[metric] == pytest.approx(b[metric], rel=tolerance), metric
        with np.load(both.checkpoint_path(spec)) as x, np.load(alone.checkpoint_path(spec)) as y:
            assert x.files == y.files
            for key in x.files:
                if key.startswith("v"):
                    assert x[key].dtype == y[key].dtype
                    np.testing.assert_allclose(x[key], y[key], rtol=1e-3, atol=1e-5, err_msg=key)
        (sitting,) = a.sittings
        assert sitting["together"] == len(GROUPS[name])


@on_jax
def test_runs_change_between_alone_and_together(tmp_path):
    from irnn.training.group import train_group
    from irnn.training.run import train_run

    changing, alone = Store(tmp_path / "changing"), Store(tmp_path / "alone")
    specs = GROUPS["lstm today"]
    train_run(specs[0], 1, changing)
    train_group(specs, 2, changing)
    train_run(specs[0], 3, changing)
    for spec, epochs in zip(specs, (3, 2), strict=True):
        train_run(spec, epochs, alone)
        for metric, tolerance in (("loss", 1e-4), ("gradient_norm", 1e-2)):
            expected = pytest.approx(alone.read(spec)[metric], rel=tolerance)
            assert changing.read(spec)[metric] == expected
    assert [s.get("together") for s in changing.read(specs[0]).sittings] == [None, 2, None]


@pytest.mark.keras
@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX can")
def test_another_backend_is_told_so(store):
    pytest.importorskip("jax")
    from irnn.training.group import train_group

    with pytest.raises(Unavailable, match="set KERAS_BACKEND=jax"):
        train_group(GROUPS["lstm"], 1, store)
    assert not store.root.exists()


@on_jax
def test_stopped_together_and_gone_on_equals_not_stopped(tmp_path):
    from irnn.training.group import train_group

    stopped, straight = Store(tmp_path / "stopped"), Store(tmp_path / "straight")
    specs = [replace(spec, samples=300) for spec in GROUPS["lstm today"]]
    train_group(specs, 3, straight)
    for epochs in (1, 3):
        train_group(specs, epochs, stopped)
    for spec in specs:
        assert stopped.read(spec)["loss"].tolist() == straight.read(spec)["loss"].tolist()


def test_the_line_of_an_epoch_has_a_runs_share_of_the_time(store, capsys):
    spec = GROUPS["irnn"][0]
    epoch = dict.fromkeys(METRICS, 0.5) | {"epoch": 1, "seconds": 8.0}
    with Progress({spec: 1}, {spec: 1}, store) as progress:
        progress.epoch(Run(spec, [{"first_epoch": 1, "together": 4}], [epoch]))
    assert capsys.readouterr().err.endswith(", 2.0 s\n")
