"""Recorded runs survive what happens to files."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from irnn.errors import InputError
from irnn.spec import make
from irnn.store import METRICS, MissingRuns, Store

SPEC = make("irnn", dataset="digits")


def line(epoch, **changes):
    return {"epoch": epoch} | dict.fromkeys(METRICS, 0.5) | changes


def record(store, epochs):
    store.append(SPEC, {"sitting": {"first_epoch": 1}}, *[line(n + 1) for n in range(epochs)])
    return store.record_path(SPEC)


def test_a_run_shows_the_sittings_that_trained_it(store):
    store.append(SPEC, {"sitting": {"first_epoch": 1}}, line(1), {"sitting": {"first_epoch": 2}})
    assert len(store.read(SPEC).sittings) == 2
    assert [s["first_epoch"] for s in store.read(SPEC).until(1).sittings] == [1]


def test_a_run_is_trained_by_one_process_and_waited_for_by_another(store):
    code = (
        "import sys; from irnn.store import Store; from irnn.spec import make;"
        "store = Store(sys.argv[1])\n"
        "with store.lock(make('irnn', dataset='digits')): print('mine', flush=True)"
    )
    command = [sys.executable, "-c", code, str(store.root)]
    with store.lock(SPEC):
        other = subprocess.Popen(command, stdout=-1, stderr=-1, text=True)
        assert "another process trains irnn digits" in other.stderr.readline()
        assert other.poll() is None
    assert other.communicate(timeout=30)[0] == "mine\n"


def test_a_run_that_has_begun_has_a_sitting_and_no_epochs(store):
    store.append(SPEC, {"sitting": {"first_epoch": 1, "device": "CPU"}})
    run = store.read(SPEC)
    assert (len(run), [s["device"] for s in run.sittings]) == (0, ["CPU"])


def test_what_is_appended_is_read(store):
    record(store, 2)
    store.append(SPEC, line(3, loss=None, accuracy=0.25))
    run = Store(store.root).read(SPEC)
    assert run.spec == SPEC
    assert len(run) == 3
    assert [s["first_epoch"] for s in run.sittings] == [1]
    assert run["accuracy"].tolist() == [0.5, 0.5, 0.25]
    assert np.isnan(run["loss"][2])
    assert len(run.until(2)) == 2


def test_a_run_that_is_not_recorded_has_no_epochs(store):
    assert len(store.read(SPEC)) == 0
    assert store.runs() == ([], [])
    assert not store.root.exists()


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_line_cut_off_by_a_kill_is_left_out(store, cut):
    path = record(store, 2)
    whole = path.read_bytes()
    path.write_bytes(whole + json.dumps(line(3)).encode()[:cut])
    assert len(store.read(SPEC)) == 2
    store.append(SPEC, line(3))
    assert len(store.read(SPEC)) == 3
    assert path.read_bytes().startswith(whole)


def test_what_a_kill_left_is_cut_off_even_if_longer_than_what_follows(store):
    path = record(store, 2)
    whole = path.read_bytes()
    path.write_bytes(whole + json.dumps({"sitting": {"device": "CPU" * 200}}).encode()[:-1])
    store.append(SPEC, line(3))
    assert path.read_bytes() == whole + json.dumps(line(3)).encode() + b"\n"
    assert len(store.read(SPEC)) == 3


def test_a_kill_before_the_first_whole_line(store):
    path = record(store, 1)
    for start in (b"", path.read_bytes()[:20]):
        path.write_bytes(start)
        assert len(store.read(SPEC)) == 0
        assert store.runs() == ([], [])
        record(store, 1)
        assert len(store.read(SPEC)) == 1


@pytest.mark.parametrize(
    "damage",
    [
        "{",
        '{"epoch": 3}',
        json.dumps(line(3, loss="low")),
        json.dumps(line(2)),
        json.dumps(line(7)),
        '{"epoch": 3\udcff}',  # a byte that is no UTF-8
        "[]",
        "null",
    ],
)
def test_a_damaged_line_is_named_and_nothing_is_touched(store, damage):
    path = record(store, 3)
    lines = path.read_text().splitlines()
    lines[4] = damage
    path.write_text("\n".join(lines) + "\n", "utf-8", "surrogateescape")
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"jsonl: line 5 of 5 is damaged \(.*\); mend it"):
        store.read(SPEC)
    store.append(make("irnn", dataset="digits", seed=1), line(1))
    (run,), (error,) = store.runs()
    assert len(run) == 1
    assert "line 5 of 5 is damaged" in str(error)
    assert path.read_bytes() == before


def test_the_command_that_mends_a_store_can_be_pasted(tmp_path):
    store = Store(tmp_path / "my runs")
    store.append(SPEC, line(7))
    with pytest.raises(InputError, match=f"--repair --runs-dir '{store.root}'$"):
        store.read(SPEC)


def test_runs_are_in_the_order_of_their_names(store):
    specs = [make("irnn", dataset="digits", seed=seed) for seed in range(5)]
    for spec in sorted(specs, key=lambda spec: spec.name, reverse=True):
        store.append(spec, line(1))
    assert [run.spec.name for run in store.runs()[0]] == sorted(spec.name for spec in specs)


def test_a_lock_that_cannot_be_had_is_found_out_by_who_takes_it(store):
    (store.root / f"{SPEC.name}.lock").mkdir(parents=True)
    assert not store.is_locked(SPEC)


def test_a_record_under_another_runs_name(store):
    path = record(store, 1)
    other = make("irnn", dataset="digits", seed=1)
    path.rename(store.record_path(other))
    with pytest.raises(InputError, match="line 1 is not the spec"):
        store.read(other)


def test_missing_runs_are_listed_with_their_remedy(store):
    record(store, 2)
    plan = {make("irnn", dataset="digits", seed=seed): 3 for seed in range(4)}
    with pytest.raises(MissingRuns) as error:
        store.require(plan, "train them")
    message = str(error.value)
    assert "irnn digits 2015 rmsprop 1e-06 seed 0 (2 of 3 epochs)" in message
    assert "and 1 more" in message
    assert "or run: train them" in message
    with pytest.raises(MissingRuns, match="or name a store that has them with runs_dir"):
        store.require(plan, "")
    store.require({SPEC: 2}, "")


def test_a_store_that_cannot_be_written(tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    store = Store(file / "runs")
    for write in (
        lambda: store.append(SPEC, line(1)),
        lambda: store.save(store.checkpoint_path(SPEC), {"a": np.zeros(1)}),
        lambda: store.lock(SPEC).__enter__(),
    ):
        with pytest.raises(InputError, match=r"file/runs cannot be written .*--runs-dir"):
            write()
    assert file.read_text() == "in the way"


def test_a_file_is_saved_whole_or_not_at_all(store, monkeypatch):
    path = store.checkpoint_path(SPEC)
    store.save(path, {"a": np.zeros(3)})
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match="No space left on device"):
        store.save(path, {"a": np.ones(3)})
    monkeypatch.setattr(np, "savez", stop)
    with pytest.raises(KeyboardInterrupt):
        store.save(path, {"a": np.ones(3)})
    assert path.read_bytes() == before
    assert [p.name for p in store.root.iterdir()] == [path.name]


def test_what_is_written_outlasts_a_power_cut(store, monkeypatch):
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(os.fstat(file)), fsync(file)))
    path = store.checkpoint_path(SPEC)
    store.save(path, {"a": np.zeros(3)})
    # the file, then its name in the folder
    assert [status.st_ino for status in synced] == [p.stat().st_ino for p in (path, store.root)]
    path = record(store, 1)
    assert (synced[-1].st_ino, synced[-1].st_size) == (path.stat().st_ino, path.stat().st_size)


def test_the_umask_decides_who_shares_a_store(store):
    before = os.umask(0o002)
    try:
        with store.lock(SPEC):
            store.append(SPEC, line(1))
            store.save(store.weights_path(SPEC), {"w": np.zeros(1)})
            store.rewrite(store.read(SPEC))
            modes = {path.suffix: path.stat().st_mode & 0o777 for path in store.root.iterdir()}
    finally:
        os.umask(before)
    assert modes == {".jsonl": 0o664, ".npz": 0o664, ".lock": 0o664}
