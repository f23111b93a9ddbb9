"""A sitting trains what is missing, however many processes it takes, and says what it does."""

import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from irnn.__main__ import main
from irnn.chapters import experiment, reproduce
from irnn.store import METRICS
from irnn.training import processes
from irnn.training.plan import Resources, outlook, planned, tasks
from irnn.training.session import train_missing

SMALL = ("--units", "8", "--epochs", "2")


def plan(seeds, epochs=2):
    return planned(experiment(reproduce, units=8, epochs=epochs, seeds=seeds))


def record(store, spec, epochs, seconds, sitting=()):
    metrics = dict.fromkeys(METRICS, 0.5) | {"seconds": seconds}
    lines = [{"epoch": n + 1} | metrics for n in range(epochs)]
    store.append(spec, {"sitting": {"first_epoch": 1} | dict(sitting)}, *lines)


def train(command, store, *options, **others):
    return command("train", "reproduce", "--runs-dir", store.root, *options, **others)


def start(store, *arguments):
    """Start training and return the process and its first run once that has begun."""
    command = [sys.executable, "-m", "irnn", "train", "reproduce", "--runs-dir", store.root]
    process = subprocess.Popen(
        [*command, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        # Tests that a shell runs in the background have Ctrl-C ignored, and pass that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not any(len(run) for run in store.runs()[0]):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    return process


# --- what is missing --------------------------------------------------------------------


def test_a_dry_run_says_what_is_missing_and_trains_nothing(command, store):
    first, second, third = plan(3)
    record(store, first, 2, 60)
    record(store, second, 1, 100, {"together": 2})
    record(store, replace(first, seed=9), 2, 1, {"device": "NVIDIA H200"})  # not this machine's
    done = train(command, store, *SMALL, "--seeds", 3, "--dry-run", "--jobs", 1)
    assert done.returncode == 0
    said = done.stdout.splitlines()
    # three epochs are missing; the median of 60, 60 and 100 / 2 seconds is 60
    assert said[0] == (
        "1 of 3 runs recorded, 2 to train, 3 epochs: about 3 min by recorded times, "
        "without starting and compiling"
    )
    assert said[1:] == [f"{second}: 1 of 2 epochs to train", f"{third}: 2 of 2 epochs to train"]
    assert len(store.runs()[0]) == 3


def test_times_that_nothing_recorded_tells_are_not_guessed(store):
    line = outlook(plan(2), store, Resources())
    assert line == (
        "0 of 2 runs recorded, 2 to train, 4 epochs; for 2 the time is not known, "
        "as no such run is recorded"
    )
    assert ", 1 to train, 1 epoch; for 1 the time" in outlook(plan(1, 1), store, Resources())


def test_none_is_a_value_as_the_help_says(capsys, store):
    options = ["--epochs", "None", "--dry-run", "--runs-dir", str(store.root)]
    assert main(["train", "reproduce", *options]) == 0
    assert "1 to train, 20 epochs" in capsys.readouterr().out


def test_several_experiments_are_one_plan(command, store):
    options = ("--seeds", 2, "--dry-run", "--runs-dir", store.root)
    done = command("train", "irnn-vs-lstm", "reproduce", *options)
    assert done.stdout.startswith("0 of 19 runs recorded")


def test_runs_of_one_shape_are_grouped(store):
    runs = planned(
        experiment(reproduce, units=8, seeds=3),
        experiment(reproduce, units=8, seeds=2, learning_rate=1e-3),
    )
    other = planned(experiment(reproduce, units=9, seeds=1))
    one, two = (Resources(jobs=jobs, together=True) for jobs in (1, 2))
    grouped = tasks(runs | other, runs | other, store, one)
    assert [len(task.specs) for task in grouped] == [5, 1]
    assert [len(task.specs) for task in tasks(runs, runs, store, two)] == [3, 2]
    cluster = Resources(cluster="tcp://127.0.0.1:9", together=True)  # whatever cores are here
    assert [len(task.specs) for task in tasks(runs, runs, store, cluster)] == [5]


# --- training ---------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failed_run_does_not_hold_up_the_others(command, store, jobs):
    first, broken, third = plan(3)
    record(store, broken, 1, 1)  # it has no checkpoint
    done = train(command, store, *SMALL, "--seeds", 3, "--jobs", jobs)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("0 of 3 runs recorded, 3 to train, 5 epochs")
    assert f"irnn: {broken} failed: " in done.stderr
    assert "no checkpoint beside it" in done.stderr
    assert "Traceback" not in done.stderr
    assert [len(store.read(spec)) for spec in (first, third)] == [2, 2]
    assert f"1/3 {first}: epoch 2/2, loss" in done.stderr


def test_a_run_that_another_process_trains_comes_last(store):
    first, second = plan(2)
    with store.lock(first):
        process = start(store, *SMALL, "--seeds", "2", "--jobs", "1")
        while len(store.read(second)) < 2:
            assert process.poll() is None
            time.sleep(0.02)
        assert len(store.read(first)) == 0
    assert process.wait(60) == 0
    assert [len(store.read(spec)) for spec in (first, second)] == [2, 2]


@pytest.mark.parametrize(
    ("backend", "jobs", "number"),
    [
        *[
            ("jax", jobs, number)
            for jobs in ("1", "2")
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
        ],
        ("tensorflow", "1", signal.SIGINT),  # in the middle of Keras' `fit`
    ],
)
def test_stopped_at_once_and_nothing_goes_on(store, monkeypatch, backend, jobs, number):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    process = start(store, "--epochs", "1000", "--units", "8", "--seeds", "2", "--jobs", jobs)
    process.send_signal(number)
    said = process.communicate(timeout=300)[1]
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert said.endswith("irnn: stopped; every finished epoch is kept\n")
        assert "Traceback" not in said
    deadline = time.monotonic() + 60
    while any(store.is_locked(spec) for spec in plan(2, 1000)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(store.is_locked(spec) for spec in plan(2, 1000))  # no process is left behind
    runs, errors = store.runs()
    assert 0 < sum(map(len, runs)) < 1000  # neither run has ended
    assert not errors


# --- bad input --------------------------------------------------------------------------


def test_a_full_disk_stops_with_one_line_and_a_store_that_reads(store, command):
    (spec,) = plan(1)
    assert train(command, store, *SMALL).returncode == 0
    size = store.checkpoint_path(spec).stat().st_size
    limit = (size // 2, size // 2)
    done = train(
        command,
        store,
        *("--units", 8, "--epochs", 9),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert done.returncode == 2
    *_, said = done.stderr.splitlines()
    assert said.startswith(f"irnn: the store {store.root} cannot be written (File too large)")
    assert "Traceback" not in done.stderr
    assert len(store.read(spec)) == 2
    assert train(command, store, "--units", 8, "--epochs", 3).returncode == 0
    assert len(store.read(spec)) == 3


@pytest.mark.keras
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_gpu_that_is_not_there(command, store, jobs):
    hidden = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    done = train(command, store, "--seeds", 2, "--jobs", jobs, "--device", "gpu", **hidden)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("irnn: a GPU was asked for (--device gpu), but")
    assert "Traceback" not in done.stderr
    assert not list(store.root.glob("*.jsonl"))


def test_together_records_what_a_run_alone_does(command, store):
    assert train(command, store, *SMALL, "--seeds", 3, "--together", "--jobs", 1).returncode == 0
    for spec in plan(3):
        run = store.read(spec)
        assert len(run) == 2
        assert run.sittings[0]["together"] == 3
        assert store.weights_path(spec).exists()


def test_a_backend_that_is_not_installed(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    (task,) = tasks(plan(1), plan(1), store, Resources())
    outcome = processes.train_task(task)
    assert outcome.how == "unavailable"
    assert "Keras does not start" in outcome.message
    assert 'pip install --editable ".[tensorflow,jax]"' in outcome.message


@pytest.fixture
def trained_by(monkeypatch, store):
    """Train three runs with some code in place of `_train`; return what went wrong."""

    def run(jobs, *lines):
        program = "from irnn.training import processes\ndef _train(task, *_):\n import os, sys\n"
        program += "\n".join(f" {line}" for line in lines) + "\nprocesses._train = _train\n"
        monkeypatch.setattr(processes, "_train", processes._train)  # put back at the end
        exec(program, {})
        command = (sys.executable, "-c", f"{program}processes.main()")
        monkeypatch.setattr(processes, "COMMAND", command)
        return train_missing(plan(3), store, Resources(jobs=jobs))

    return run


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_nobody_foresaw_is_shown_whole(trained_by, capsys, jobs):
    failures = trained_by(jobs, "raise RuntimeError('no luck')")
    assert set(failures.values()) == {"RuntimeError: no luck"}
    said = capsys.readouterr().err
    assert said.count("Traceback (most recent call last):\n  File ") == 3
    assert said.count("\nRuntimeError: no luck\n") == 3


def test_what_tensorflow_logs_is_no_news(trained_by, capsys):
    lines = [
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
        "I0000 00:00:1795809645.216160   29650 port.cc:153] oneDNN custom operations are on.",
        "W0000 00:00:1795809645.216160   29650 cudart_stub.cc:31] Could not find cuda drivers.",
    ]
    trained_by(2, *(f"print({line!r}, file=sys.stderr)" for line in [*lines, "I say this"]))
    said = capsys.readouterr().err
    assert "I say this\n" in said
    assert not any(line in said for line in lines)


def test_what_processes_say_is_passed_on_line_by_line_and_once(trained_by, capsys):
    trained_by(2, "print('a \\x1b[31mred line', file=sys.stderr)", "print(task.specs[0].seed)")
    said = capsys.readouterr().err.splitlines()
    assert sorted(said[1:]) == ["0", "1", "2", "a \\x1b[31mred line"]


def test_a_process_that_dies_is_named_with_its_last_words(trained_by, capsys):
    failures = trained_by(2, "print('worn out', file=sys.stderr, flush=True)", "os._exit(3)")
    assert set(failures.values()) == {"its process ended with 3: worn out"}
    failures = trained_by(2, "os.kill(os.getpid(), 9)")
    assert set(failures.values()) == {"its process was ended by SIGKILL"}


def test_a_process_may_print_as_much_as_it_likes(trained_by, capsys):
    failures = trained_by(2, "print('x' * 200_000)")
    assert all("but not into" in message for message in failures.values())  # it has ended


def test_a_failure_may_be_as_long_as_it_likes(trained_by):
    failures = trained_by(2, "raise RuntimeError('no luck\\n' + 'x' * 200_000)")
    assert set(failures.values()) == {"RuntimeError: no luck"}


def test_together_on_another_backend(monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert main(["train", "reproduce", "--seeds", "1", "--together"]) == 2
    assert "--together is for JAX, not tensorflow" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--jobs", "0"), "jobs is 0"),
        (("--jobs", "two"), "jobs is 'two'"),
        (("--device", "gpus"), "unknown device 'gpus'; did you mean gpu?"),
    ],
)
def test_bad_resources_get_one_line(capsys, options, message):
    assert main(["train", "reproduce", *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
