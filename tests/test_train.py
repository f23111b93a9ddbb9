"""A run can be stopped and taken up at any moment, and ends as if it had not been."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from irnn.errors import InputError
from irnn.spec import make
from irnn.store import METRICS, Store

pytestmark = pytest.mark.keras
SPEC = make("irnn", dataset="digits", pooling=2, units=8, learning_rate=1e-3, samples=300)


def train(spec, epochs, store, **callbacks):
    from irnn.train import train

    return train(spec, epochs, store, **callbacks)


def state(store, spec):
    with np.load(store.checkpoint(spec)) as file:
        return {name: file[name] for name in file.files if name != "epochs"}


def assert_same(store, other, spec=SPEC):
    a, b = store.read(spec), other.read(spec)
    assert len(a) == len(b)
    for metric in METRICS:
        if metric != "seconds":
            assert a[metric].tolist() == b[metric].tolist(), metric
    one, two = state(store, spec), state(other, spec)
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[name], two[name]) for name in one)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A store in which the run was trained for three epochs without a stop."""
    store = Store(tmp_path_factory.mktemp("straight"))
    train(SPEC, 3, store)
    return store


def test_a_run_learns_and_is_recorded(straight):
    run = straight.read(SPEC)
    assert len(run) == 3
    assert run["loss"][2] < run["loss"][0]
    assert all(np.isfinite(run[metric]).all() for metric in METRICS)
    (sitting,) = run.sittings
    assert sitting["first_epoch"] == 1
    assert {"keras", "backend", "backend_version", "device", "commit", "date"} <= sitting.keys()


def test_recorded_metrics_are_those_of_the_weights(straight):
    from irnn import data, models

    model = models.build(SPEC)
    with np.load(straight.weights(SPEC)) as file:
        model.set_weights([file[name] for name in file.files])
    samples = data.load(SPEC)
    probabilities = model.predict(samples.x_test, verbose=0)
    accuracy = (probabilities.argmax(axis=1) == samples.y_test).mean()
    run = straight.read(SPEC)
    assert run["val_accuracy"][-1] == pytest.approx(accuracy)
    chosen = probabilities[np.arange(360), samples.y_test]
    assert run["val_loss"][-1] == pytest.approx(-np.log(chosen).mean(), rel=1e-4)


def test_stop_and_go_on_equals_going_straight_through(straight, store):
    for epochs in (1, 2, 3):
        train(SPEC, epochs, store)
    assert_same(store, straight)
    assert [s["first_epoch"] for s in store.read(SPEC).sittings] == [1, 2, 3]


def test_stop_between_updates(straight, store):
    def stop(run, accuracy):
        if len(run) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(SPEC, 3, store, on_update=stop)
    assert len(store.read(SPEC)) == 1
    train(SPEC, 3, store)
    assert_same(store, straight)


def test_kill_between_checkpoint_and_record(straight, store):
    train(SPEC, 2, store)
    path = store.record(SPEC)
    whole = path.read_text().splitlines(keepends=True)
    path.write_text("".join(whole[:-1]) + whole[-1][:30])
    store.weights(SPEC).unlink()
    assert len(train(SPEC, 2, store)) == 2
    assert store.weights(SPEC).exists()
    train(SPEC, 3, store)
    assert_same(store, straight)


def test_what_is_whole_of_a_damaged_record_is_gone_on_from(straight, store):
    train(SPEC, 3, store)
    path = store.record(SPEC)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:3], "damage\n", *lines[4:]]))
    with pytest.raises(InputError, match=r"line 4 of 5 is damaged.*head -n 3"):
        train(SPEC, 3, store)
    path.write_text("".join(lines[:3]))  # what the message says to do
    assert len(train(SPEC, 3, store)) == 3
    assert_same(store, straight)


def test_killed_by_the_system(straight, store):
    code = (
        "import tests.test_train as t; from irnn.store import Store; import sys;"
        "t.train(t.SPEC, 1000, Store(sys.argv[1]))"
    )
    root = os.path.dirname(os.path.dirname(__file__))
    process = subprocess.Popen([sys.executable, "-c", code, str(store.root)], cwd=root)
    deadline = time.monotonic() + 120
    while len(store.read(SPEC)) < 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(store.read(SPEC))
    assert 1 <= done < 1000
    train(SPEC, max(3, done + 1), store)
    run = store.read(SPEC).until(3)
    assert run["loss"].tolist() == straight.read(SPEC)["loss"].tolist()


def test_what_is_recorded_is_not_trained_again(straight):
    before = straight.record(SPEC).read_bytes()
    assert len(train(SPEC, 2, straight)) == 3
    assert straight.record(SPEC).read_bytes() == before


def test_a_record_without_its_checkpoint(store):
    store.append(SPEC, {"epoch": 1} | dict.fromkeys(METRICS, 0.5))
    with pytest.raises(InputError, match="has 1 epochs but no checkpoint beside it; delete it"):
        train(SPEC, 2, store)


def test_a_record_that_claims_more_than_its_checkpoint(store):
    train(SPEC, 1, store)
    store.append(SPEC, *[{"epoch": n} | dict.fromkeys(METRICS, 0.5) for n in (2, 3)])
    with pytest.raises(
        InputError, match="has 3 epochs that are not the 1 of its checkpoint; delete both"
    ):
        train(SPEC, 4, store)


def test_a_checkpoint_that_cannot_be_read(store):
    train(SPEC, 1, store)
    path = store.checkpoint(SPEC)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"checkpoint.npz cannot be read .*; delete it"):
        train(SPEC, 2, store)
    assert len(store.read(SPEC)) == 1


def test_a_loss_that_is_not_a_number_is_recorded_as_such(store, monkeypatch):
    from irnn import data

    whole = data.load(SPEC)
    broken = whole._replace(x_train=whole.x_train * np.float32("nan"))
    monkeypatch.setattr(data, "load", lambda spec, path: broken)
    run = train(SPEC, 1, store)
    assert np.isnan(run["loss"]).all()
    for text in store.record(SPEC).read_text().splitlines():
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_truncated_and_permuted_runs_train(store):
    spec = make(
        "lstm",
        "today",
        dataset="digits",
        pooling=4,
        units=4,
        samples=100,
        bptt_steps=2,
        permutation=1,
    )
    assert len(train(spec, 1, store)) == 1
