"""A cluster trains what is missing, even if a worker dies."""

import os
import re
import subprocess
import sys
import time

import distributed
import pytest

from irnn.chapters import experiment, reproduce
from irnn.errors import Unavailable
from irnn.training.cluster import work_on
from irnn.training.plan import planned

EPOCHS = 25
PLAN = planned(experiment(reproduce, units=8, epochs=EPOCHS, seeds=4))


def dask(*arguments):
    command = [sys.executable, "-m", "dask", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def cluster():
    """A scheduler's address and two workers, of a thread each."""
    scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    address = next(
        found[0] for line in scheduler.stderr if (found := re.search(r"tcp://127[.\d]+:\d+", line))
    )
    options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
    workers = [dask("worker", address, *options) for _ in range(2)]
    for worker in workers:
        next(line for line in worker.stderr if "Registered to" in line)
    yield address, workers
    for process in (*workers, scheduler):
        process.kill()
        process.communicate()


def train(store, address):
    command = [sys.executable, "-m", "irnn", "train", "reproduce", "--seeds", "4"]
    command += ["--epochs", str(EPOCHS), "--units", "8", "--runs-dir", store.root]
    return subprocess.Popen(
        [*command, "--cluster", address], stderr=subprocess.PIPE, text=True, env=os.environ
    )


def test_every_run_ends_complete_though_a_worker_is_killed(cluster, store):
    address, (doomed, _) = cluster
    process = train(store, address)
    while len([run for run in store.runs()[0] if len(run) > 1]) < 2:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    doomed.kill()
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 0, said
    sittings = []
    for spec in PLAN:
        run = store.read(spec)
        assert [epoch["epoch"] for epoch in run.epochs] == list(range(1, EPOCHS + 1))
        sittings.append(sorted(sitting["first_epoch"] for sitting in run.sittings))
    # the run whose worker was killed was gone on with; the others were trained in one sitting
    assert sorted(map(len, sittings)) == [1, 1, 1, 2]
    assert max(map(max, sittings)) > 1


def test_stopped_the_workers_let_go(cluster, store):
    address, _ = cluster
    process = train(store, address)
    while not any(len(run) for run in store.runs()[0]):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.terminate()
    assert process.wait(300) == 143
    deadline = time.monotonic() + 60
    while any(store.is_locked(spec) for spec in PLAN) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(store.is_locked(spec) for spec in PLAN)


def test_a_command_that_has_ended_does_not_stop_the_next(store, monkeypatch):
    monkeypatch.setattr("irnn.training.cluster.work", lambda task, stop: stop.is_set())
    with distributed.LocalCluster(1, processes=False, dashboard_address=None) as local:
        for _ in range(2):
            with work_on(local.scheduler_address, ["a task"], store) as (stopped,):
                assert not stopped.result()


def test_a_worker_that_does_not_see_the_store(store, monkeypatch):
    with distributed.LocalCluster(1, processes=False, dashboard_address=None) as local:
        monkeypatch.setattr(os.path, "isdir", lambda path: False)
        with (
            pytest.raises(
                Unavailable, match=r"does not see the store .* all of the cluster shares"
            ),
            work_on(local.scheduler_address, [], store),
        ):
            pass


def test_a_cluster_that_cannot_be_reached(store, command):
    done = command("train", "reproduce", "--runs-dir", store.root, "--cluster", "tcp://127.0.0.1:9")
    assert done.returncode == 2
    assert "no Dask scheduler answers at 'tcp://127.0.0.1:9'" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
