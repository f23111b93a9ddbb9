"""Processes that train, one for each task.

A process ends with the one that started it, at once and without loss: what a run has, it has
in the store. `python -m irnn.training.processes` is such a process; it is told its task on
standard input.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from typing import Literal, NamedTuple

from tqdm import tqdm

from irnn.errors import InputError, Unavailable, one_line
from irnn.spec import RunSpec
from irnn.store import Run, Store
from irnn.training.plan import BACKENDS, Task

# One thread a process: many processes share the cores better than one process's threads do
# (benchmarks/results/jobs.csv). On a GPU, each takes the memory that it needs and no more.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
HIDE_GPUS = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


COMMAND = (sys.executable, "-m", __spec__.name)

# What TensorFlow logs as it starts, though ENVIRONMENT asks it not to: nobody can act on that.
LOGGED = re.compile(r"[IW]\d{4} \d\d:\d\d:|WARNING: All log messages before absl::")

BACKEND_REMEDY = (
    "set KERAS_BACKEND to tensorflow or jax, and install it with: pip install "
    '--editable ".[tensorflow,jax]"'
)


class Outcome(NamedTuple):
    """How a task ended. `unavailable`: with what no other run could do without either."""

    task: Task
    how: Literal["trained", "failed", "unavailable"]
    message: str = ""
    trace: str = ""  # the traceback of what was not foreseen


def train_task(
    task: Task,
    on_update: Callable[[Run, int, float], None] | None = None,
    on_epoch: Callable[[Run], None] = lambda run: None,
) -> Outcome:
    """Train a task in this process; the callbacks are those of `run.train_run`.

    What goes wrong is in the outcome.
    """
    try:
        _train(task, on_update, on_epoch)
    except Unavailable as error:
        return Outcome(task, "unavailable", str(error))
    except InputError as error:
        return Outcome(task, "failed", str(error))
    except Exception as error:
        reason = (str(error).strip() or "no message").splitlines()[0]
        message = f"{type(error).__name__}: {reason}"
        return Outcome(task, "failed", message, traceback.format_exc())
    return Outcome(task, "trained")


def _train(task: Task, on_update, on_epoch) -> None:
    if task.device == "cpu":
        os.environ.update(HIDE_GPUS)  # before the backend starts
    _, gpu = start()
    if task.device == "gpu" and not gpu:
        raise Unavailable(
            'a GPU was asked for (--device gpu), but Keras\' backend sees none; see "GPUs" in '
            "book/en/scale.md, or leave the option out"
        )
    store = Store(task.runs_dir)
    from irnn.training import environment

    if len(task.specs) == 1 and not environment.fit_leaves_gaps():
        from irnn.training import run

        run.train_run(task.specs[0], task.epochs, store, task.mnist, on_update, on_epoch)
        return
    from irnn.training import group

    group.train_group(task.specs, task.epochs, store, task.mnist, on_update, on_epoch)


def start() -> tuple[str, str | None]:
    """Start Keras; return its backend, and the GPU that this sees if any.

    Raises `Unavailable` where it does not start, and for a backend that cannot train.
    """
    chosen = os.environ.get("KERAS_BACKEND", "")
    try:
        import keras

        backend = keras.backend.backend()
        if backend in BACKENDS:
            from irnn.training import environment

            return backend, environment.gpu()
    except Exception as error:  # a backend that finds no device raises almost anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        platforms = os.environ.get("JAX_PLATFORMS")
        asked = f" with JAX_PLATFORMS={platforms}" if platforms else ""
        raise Unavailable(
            f"Keras does not start on {chosen or 'its backend'}{asked} ({reason}); {BACKEND_REMEDY}"
        ) from None
    raise Unavailable(f"Keras' backend {backend} cannot train; {BACKEND_REMEDY}")


def free_first(tasks: list[Task], store: Store) -> Iterator[Task]:
    """Yield tasks in their order, but those whose run another process trains last."""
    waiting = list(tasks)
    while waiting:
        free = (t for t in waiting if not any(store.is_locked(spec) for spec in t.specs))
        task = next(free, waiting[0])
        waiting.remove(task)
        yield task


# --- a process for each task ------------------------------------------------------------


def variables() -> dict[str, str]:
    """Return the environment variables of a process that trains: this one's, and `ENVIRONMENT`."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} {ENVIRONMENT['XLA_FLAGS']}".strip()
    return ENVIRONMENT | os.environ | {"XLA_FLAGS": flags}


def _say(line: str) -> None:
    tqdm.write(line, file=sys.stderr)  # bars stay whole


def work(task: Task, stop: threading.Event, say: Callable[[str], None] = _say) -> Outcome:
    """Train a task in a process of its own; end the process at once if `stop` is set.

    `say` gets what the process writes to standard error, line by line, but for TensorFlow's log.
    """
    last = ""

    def listen() -> None:
        nonlocal last
        for line in process.stderr:
            if not LOGGED.match(line):
                last = one_line(line.rstrip())
                say(last)

    with (
        tempfile.TemporaryFile("w+", errors="backslashreplace") as output,  # of any length
        subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.PIPE,
            env=variables(),
            text=True,
            errors="backslashreplace",
        ) as process,
    ):
        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            process.stdin.write(json.dumps(asdict(task)) + "\n")
            process.stdin.flush()
            while process.poll() is None:
                if stop.wait(0.2):
                    return Outcome(task, "failed", "stopped")
            output.seek(0)
            *_, answer = ["", *output]
        finally:
            process.kill()
            listener.join()
        if process.returncode == 0:
            return Outcome(task, **json.loads(answer))
        if process.returncode < 0:
            name = signal.Signals(-process.returncode).name
            return Outcome(task, "failed", f"its process was ended by {name}")
        return Outcome(task, "failed", f"its process ended with {process.returncode}: {last}")


@contextmanager
def work_on(jobs: int, tasks: list[Task], store: Store) -> Iterator[list[Future]]:
    """Work on tasks in so many processes at a time; the futures' results are outcomes.

    Tasks whose run another process trains come last. What the processes write to standard
    error goes to this one's, a line that several have once. At the context's end, what still
    works is ended.
    """
    stop, turn, said = threading.Event(), threading.Lock(), set()
    order = free_first(tasks, store)

    def say_once(line: str) -> None:
        with turn:
            if line not in said:
                said.add(line)
                _say(line)

    def work_on_next() -> Outcome:
        with turn:
            task = next(order)
        return work(task, stop, say_once)

    with ThreadPoolExecutor(jobs) as pool:
        try:
            yield [pool.submit(work_on_next) for _ in tasks]
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


def main() -> None:
    """Train the task on standard input's first line; print the outcome as JSON."""
    output, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no outcome
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to act on
    given = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    specs = tuple(RunSpec(**spec) for spec in given.pop("specs"))
    _, how, message, trace = train_task(Task(specs=specs, **given))
    print(json.dumps({"how": how, "message": message, "trace": trace}), file=output)


def _end_with_parent() -> None:
    sys.stdin.read()  # returns when the parent has closed the pipe, by dying if need be
    os._exit(1)


if __name__ == "__main__":
    main()
