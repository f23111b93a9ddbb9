"""A run can be stopped and taken up at any moment, and ends as if it had not been."""

import json
import multiprocessing
import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from irnn.errors import InputError
from irnn.spec import make
from irnn.store import METRICS, Run, Store

pytestmark = pytest.mark.keras
SPEC = make("irnn", dataset="digits", pooling=2, units=8, learning_rate=1e-3, samples=300)


def train(spec, epochs, store, **callbacks):
    from irnn.training.run import train_run

    return train_run(spec, epochs, store, **callbacks)


def state(store, spec):
    with np.load(store.checkpoint_path(spec)) as file:
        return {name: file[name] for name in file.files if name != "epochs"}


def change_checkpoint(store, **changes):
    with np.load(store.checkpoint_path(SPEC)) as file:
        arrays = {name: file[name] for name in file.files}
    store.save(store.checkpoint_path(SPEC), arrays | changes)


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
    with np.load(straight.weights_path(SPEC)) as file:
        model.set_weights([file[name] for name in file.files])
    samples = data.load(SPEC)
    probabilities = model.predict(samples.x_test, verbose=0)
    accuracy = (probabilities.argmax(axis=1) == samples.y_test).mean()
    run = straight.read(SPEC)
    assert run["val_accuracy"][-1] == pytest.approx(accuracy)
    chosen = probabilities[np.arange(360), samples.y_test]
    assert run["val_loss"][-1] == pytest.approx(-np.log(chosen).mean(), rel=1e-4)


def test_the_order_of_an_epochs_samples_never_changes():
    """Or a recorded run goes on as if it were another."""
    from irnn.training.run import shuffle

    run = Run(make("irnn", seed=3))
    assert shuffle(run, 8).tolist() == [2, 1, 4, 0, 5, 7, 6, 3]
    run.epochs.append({})
    assert shuffle(run, 8).tolist() == [1, 7, 4, 0, 2, 6, 3, 5]


def test_norms_and_seconds_are_those_of_the_epoch_alone(store, monkeypatch):
    from irnn.training import run as training

    clock = iter((100.0, 107.5, 200.0, 201.25)).__next__
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=clock))
    small = {"dataset": "digits", "pooling": 4, "units": 4, "samples": 100, "batch_size": 100}
    still = make("lstm", learning_rate=1e-12, **small)  # each epoch is as the first one
    run = train(still, 2, store)
    assert run["seconds"].tolist() == [7.5, 1.25]
    assert run["gradient_norm"][0] > 0
    assert run["gradient_norm"][1] == pytest.approx(run["gradient_norm"][0], rel=1e-3)


def test_the_run_that_is_told_of_is_the_recorded_one(store):
    told = []
    train(SPEC, 1, store)
    done = train(SPEC, 3, store, on_epoch=lambda run: told.append((run, store.read(SPEC))))
    assert done == store.read(SPEC)
    assert len(told) == 2
    assert all(run == recorded for run, recorded in told)


def test_stop_and_go_on_equals_going_straight_through(straight, store):
    for epochs in (1, 2, 3):
        train(SPEC, epochs, store)
    assert_same(store, straight)
    assert [s["first_epoch"] for s in store.read(SPEC).sittings] == [1, 2, 3]


def test_stop_between_updates(straight, store):
    def stop(run, updates, accuracy):
        assert updates == 1
        assert 0 <= accuracy <= 1
        if len(run) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(SPEC, 3, store, on_update=stop)
    assert len(store.read(SPEC)) == 1
    train(SPEC, 3, store)
    assert_same(store, straight)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_leaves_no_checkpoint_without_its_record(store, monkeypatch, number):
    def stop(*_):
        raise KeyboardInterrupt

    def save(path, arrays, write=store.save):
        write(path, arrays)
        os.kill(os.getpid(), number)

    before = signal.signal(number, stop)
    monkeypatch.setattr(store, "save", save)
    try:
        with pytest.raises(KeyboardInterrupt):
            train(SPEC, 3, store)
        assert signal.getsignal(number) is stop
    finally:
        signal.signal(number, before)
    assert len(store.read(SPEC)) == 1
    assert store.weights_path(SPEC).exists()
    assert state(store, SPEC)["v5"] == SPEC.updates


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_in_a_finalizer_stops_after_the_epoch(store):
    class Finalized:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGINT)

    def once(*_):
        return None if store.read(SPEC) else Finalized()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # not so in the background
    try:
        with pytest.raises(KeyboardInterrupt):
            train(SPEC, 3, store, on_update=once)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(store.read(SPEC)) == 1


def test_kill_between_checkpoint_and_record(straight, store):
    train(SPEC, 2, store)
    path = store.record_path(SPEC)
    whole = path.read_text().splitlines(keepends=True)
    path.write_text("".join(whole[:-1]) + whole[-1][:30])
    store.weights_path(SPEC).unlink()
    assert len(train(SPEC, 2, store)) == 2
    assert store.weights_path(SPEC).exists()
    train(SPEC, 3, store)
    assert_same(store, straight)


def test_what_is_whole_of_a_damaged_record_is_gone_on_from(straight, store):
    train(SPEC, 3, store)
    path = store.record_path(SPEC)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:3], "damage\n", *lines[4:]]))
    with pytest.raises(InputError, match=r"line 4 of 5 is damaged.*runs --verify --repair"):
        train(SPEC, 3, store)
    path.write_text("".join(lines[:3]))
    assert len(train(SPEC, 3, store)) == 3
    assert_same(store, straight)


def train_and_die(root, epochs, at_write):
    """Train until killed: at a certain write, counted from 1, or from outside."""
    left = at_write

    def die_in_time(function, halfway=lambda *_: None):
        def call(*arguments, **options):
            nonlocal left
            left -= 1
            if left == 0:
                halfway(*arguments)
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    np.savez = die_in_time(np.savez, lambda file: file.write(b"half"))
    os.fsync = die_in_time(os.fsync)
    Path.replace = die_in_time(Path.replace)
    train(SPEC, epochs, Store(root))


@pytest.mark.skipif(os.environ["KERAS_BACKEND"] != "jax", reason="files are written alike")
def test_killed_at_twenty_moments_equals_not_killed(tmp_path):
    epochs, rng = 10_000, random.Random(0)  # more than any machine trains until it is killed
    killed, straight = Store(tmp_path / "killed"), Store(tmp_path / "straight")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["irnn.training.run"])
    # A sitting begins with a write and has nine an epoch. Eleven kills hit the first, the last
    # of an epoch and all of the next; nine come at any time.
    moments = [("write", n) for n in (1, *range(10, 20))]
    moments += [("time", rng.uniform(0, 0.5)) for _ in range(9)]
    rng.shuffle(moments)
    for kind, moment in moments:
        at_write = moment if kind == "write" else 0
        before = len(killed.read(SPEC).sittings)
        process = context.Process(target=train_and_die, args=(killed.root, epochs, at_write))
        process.start()
        if kind == "time":
            while len(killed.read(SPEC).sittings) == before:  # until the first update is near
                assert process.is_alive()
                time.sleep(0.001)
            time.sleep(moment)
            process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert len(killed.read(SPEC)) < epochs
    done = len(killed.read(SPEC))
    assert done >= 10
    assert len(killed.read(SPEC).sittings) > 10
    train(SPEC, done + 1, killed)
    train(SPEC, done + 1, straight)
    assert_same(killed, straight)
    assert not list(killed.root.glob("*.tmp"))


def test_what_is_recorded_is_not_trained_again(straight):
    before = straight.record_path(SPEC).read_bytes()
    assert len(train(SPEC, 2, straight)) == 3
    assert straight.record_path(SPEC).read_bytes() == before


def test_a_record_without_its_checkpoint_is_whole_but_cannot_be_gone_on_with(store):
    store.append(SPEC, {"epoch": 1} | dict.fromkeys(METRICS, 0.5))
    assert len(train(SPEC, 1, store)) == 1
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
    path = store.checkpoint_path(SPEC)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"checkpoint.npz cannot be read .*; delete it"):
        train(SPEC, 2, store)
    assert len(store.read(SPEC)) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": np.array(2)}, r"another version of this package \(format 2, not 1\)"),
        ({"spec": np.array(replace(SPEC, seed=1).canonical())}, "is of another spec; delete it"),
        ({"v6": np.zeros(3, "float32")}, "has other arrays than Keras"),
    ],
)
def test_a_checkpoint_from_elsewhere(store, changes, message):
    train(SPEC, 1, store)
    change_checkpoint(store, **changes)
    before = store.record_path(SPEC).read_bytes(), store.checkpoint_path(SPEC).read_bytes()
    with pytest.raises(InputError, match=message):
        train(SPEC, 2, store)
    assert (
        store.record_path(SPEC).read_bytes(),
        store.checkpoint_path(SPEC).read_bytes(),
    ) == before


def test_a_loss_that_is_not_a_number_is_recorded_as_such(store, monkeypatch):
    from irnn import data

    whole = data.load(SPEC)
    broken = whole._replace(x_train=whole.x_train * np.float32("nan"))
    monkeypatch.setattr(data, "load", lambda spec, path: broken)
    run = train(SPEC, 1, store)
    assert np.isnan(run["loss"]).all()
    for text in store.record_path(SPEC).read_text().splitlines():
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
