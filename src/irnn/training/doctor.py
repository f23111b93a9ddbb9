"""What this machine can do: what training needs, what there is of it, how long an epoch takes.

The backend is looked at by a process of its own, `python -m irnn.training.doctor`, which starts
as one that trains: with its threads, and with a failure that ends nothing else.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from irnn import data
from irnn.errors import InputError, Unavailable, one_line
from irnn.recurrent import cache
from irnn.spec import MODELS, RunSpec, make
from irnn.store import Store
from irnn.training import processes
from irnn.training.plan import BACKENDS, Resources

CUDA = {
    "jax": 'pip install "jax[cuda13]"',
    "tensorflow": 'pip install "tensorflow[and-cuda]"',
}
COMMAND = (sys.executable, "-m", "irnn.training.doctor")
LIMIT = 20  # seconds for measuring, with what is compiled for it
BUDGET = 3  # seconds of updates that a network is timed for
LEAST_FREE = 0.1  # GiB, in the store's folder


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    Args:
        name: The thing.
        text: What was found, in a line.
        remedy: What to do about it, if something is missing or could be faster.
        ready: Whether training can do with that.
        value: The number in the text, for programs: seconds or GiB.

    """

    name: str
    text: str
    remedy: str | None = None
    ready: bool = True
    value: float | None = None

    def __str__(self) -> str:
        mark = "" if self.ready else "MISSING: "
        remedy = f"; {self.remedy}" if self.remedy else ""
        return one_line(f"{self.name:8} {mark}{self.text}{remedy}")


def findings(store: Store, mnist: str | os.PathLike | None = None) -> Iterator[Finding]:
    """Yield what is found, each as soon as it is known: the quick first.

    Args:
        store: Where runs would be kept.
        mnist: MNIST's file, see `data.load_images`.

    """
    images = _images(mnist)
    yield images
    yield _cores()
    yield _disk(store)
    yield _cache()
    yield from _of_the_backend(images.text if images.ready else "")


def _images(path: str | os.PathLike | None) -> Finding:
    """Look for MNIST where training would, but do not download it."""
    path = path or os.environ.get("MNIST_NPZ")
    home = Path("~").expanduser()
    home = Path(os.environ.get("KERAS_HOME") or home / ".keras")
    kept = home.expanduser() / "datasets" / "mnist.npz"
    if not (path or kept.exists()):
        return Finding(
            "MNIST",
            "it is not on this machine",
            "training downloads 11 MB where there is internet; elsewhere set MNIST_NPZ to the path "
            "of a file with Keras' four MNIST arrays",
            ready=False,
        )
    try:
        data.load_images("mnist", path or kept)
    except InputError as error:
        return Finding("MNIST", str(error), ready=False)
    return Finding("MNIST", str(path or kept))


def _cores() -> Finding:
    jobs = Resources().at_a_time(sys.maxsize)
    plural = "processes train" if jobs > 1 else "process trains"
    return Finding("cores", f"{os.cpu_count()}, {jobs} {plural} at a time", value=os.cpu_count())


def _disk(store: Store) -> Finding:
    folder = store.root.absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free / 2**30
    if not (there.is_dir() and os.access(there, os.W_OK)):
        text, remedy = f"{folder} cannot be written", "name another folder with --runs-dir"
    elif free < LEAST_FREE:
        text, remedy = f"{folder} has only {free:.2f} GiB free", "free some, or see --runs-dir"
    else:
        return Finding("store", f"{folder}, {free:.1f} GiB free", value=free)
    return Finding("store", text, remedy, ready=False, value=free)


def _cache() -> Finding:
    try:
        folder = cache.folder("native").parent
    except OSError as error:
        return Finding("cache", f"nothing that is compiled can be kept: {error}")
    free = shutil.disk_usage(folder).free / 2**30
    return Finding("cache", f"{folder}, {free:.1f} GiB free", value=free)


# --- the backend, in a process of its own -----------------------------------------------


def _of_the_backend(mnist: str) -> Iterator[Finding]:
    """Yield what that process finds, and how it ended if that was before its end."""
    found, stopped = set(), threading.Event()
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            [*COMMAND, mnist],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=processes.variables(),
            text=True,
        ) as process,
    ):
        timer = threading.Timer(LIMIT, lambda: (stopped.set(), process.kill()))
        timer.daemon = True
        try:
            for line in process.stdout:
                finding = Finding(**json.loads(line))
                found.add(finding.name)
                yield finding
                if finding.name == "loop":
                    timer.start()
            process.wait()
        finally:
            timer.cancel()
            process.kill()
        errors.seek(0)
        *_, last = ["no message", *filter(None, map(str.strip, errors))]
    if stopped.is_set():
        for name in set(map(str.upper, MODELS)) - found:
            yield Finding(name, f"an epoch was not measured: that takes more than {LIMIT} s")
    elif process.returncode:
        yield Finding(
            "backend", f"its process ended with {process.returncode} ({last})", ready=False
        )


def of_the_backend(mnist: str) -> Iterator[Finding]:
    """Yield what is found of the backend, in this process.

    `mnist` is MNIST's file, or empty where there is none.
    """
    try:
        import keras

        from irnn.training import environment
    except (ImportError, ValueError) as error:
        yield Finding("backend", f"Keras does not start ({error})", _bring(error), ready=False)
        return
    where = environment.environment()
    yield Finding(
        "backend",
        f"{where['backend']} {where['backend_version']}, Keras {where['keras']}, "
        f"Python {where['python']}, NumPy {where['numpy']}",
    )
    name = keras.backend.backend()
    yield _device(where["device"], environment.gpu() is not None, name)
    yield _loop(name)
    for network in MODELS:
        yield _epoch(make(network), mnist)


def _bring(error: Exception) -> str:
    """Return what to do about a backend that does not start."""
    if not isinstance(error, ModuleNotFoundError):
        return "set KERAS_BACKEND to tensorflow or jax"
    others = [name for name in BACKENDS if name != error.name and find_spec(name)]
    other = f", or set KERAS_BACKEND={others[0]}" if error.name in BACKENDS and others else ""
    return f"pip install {error.name}{other}"


def _device(name: str, gpu: bool, backend: str) -> Finding:
    if gpu:
        size = _gpu_memory(backend)
    else:
        try:
            size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        except (AttributeError, ValueError, OSError):  # not POSIX
            size = None
    text = f"{name}, {size:.1f} GiB of memory" if size else name
    if not gpu and shutil.which("nvidia-smi"):
        remedy = f"for the NVIDIA GPU: {CUDA.get(backend, 'KERAS_BACKEND=jax')}"
        return Finding("device", text, remedy, value=size)
    return Finding("device", text, value=size)


def _gpu_memory(backend: str) -> float | None:
    """Return the GiB that JAX may use of a GPU's memory; other backends do not say."""
    if backend != "jax":
        return None
    import jax

    limit = (jax.devices()[0].memory_stats() or {}).get("bytes_limit")
    return limit and limit / 2**30


def _loop(backend: str) -> Finding:
    from irnn.recurrent import choice

    try:
        if backend != "jax":
            choice.loop_name(make("irnn"))  # raises for IRNN_LOOP
            get = "" if find_spec("jax") else "pip install jax, and "
            return Finding("loop", "Keras' own", f"faster: {get}KERAS_BACKEND=jax")
        chosen = {network: choice.of(make(network)).chosen() for network in MODELS}
    except InputError as error:
        return Finding("loop", str(error), ready=False)
    names = dict.fromkeys(name for name, _ in chosen.values())
    why = dict.fromkeys(filter(None, (why for _, why in chosen.values())))
    if why:
        return Finding("loop", f"{' and '.join(names)}: {'; '.join(why)}")
    asked = (
        "IRNN_LOOP asks for it" if os.environ.get("IRNN_LOOP") else "the fastest for this device"
    )
    return Finding("loop", f"{' and '.join(names)}, {asked}")


def _epoch(spec: RunSpec, mnist: str) -> Finding:
    """Measure about how long an epoch takes."""
    name = spec.model.upper()
    try:
        updates, seconds = measure(trainer(spec, mnist))
    except Unavailable as error:
        return Finding(name, f"an epoch was not measured: {error}")
    except Exception as error:
        reason = (str(error).strip() or "no message").splitlines()[0]
        return Finding(
            name, f"it cannot be trained ({type(error).__name__}: {reason})", ready=False
        )
    epoch = spec.updates * seconds / updates
    about = f"{epoch:,.0f}" if epoch >= 10 else f"{epoch:.2g}"
    text = f"an epoch takes about {about} s ({updates} of {spec.updates} updates, {seconds:.1f} s)"
    return Finding(name, text, value=epoch)


def trainer(spec: RunSpec, mnist: str) -> Callable[[int], object]:
    """Return the function that trains a run so many updates, as `processes` does.

    Raises `Unavailable` where that needs MNIST and there is none.
    """
    from irnn.training import environment

    if not environment.fit_leaves_gaps():
        from irnn import models

        network, rng = models.build(spec), np.random.default_rng(0)

        def fit(updates: int) -> None:
            x = rng.random((updates * spec.batch_size, spec.steps, 1), "float32")
            y = rng.integers(0, 10, len(x))
            network.fit(x, y, batch_size=spec.batch_size, shuffle=False, verbose=0)

        return fit
    if not mnist:
        raise Unavailable("on a GPU that needs MNIST")
    import jax

    from irnn.store import Run
    from irnn.training.group import Group

    group = Group([spec], mnist)
    state = group.start([Run(spec)])
    rows = np.arange(spec.batch_size, dtype="int32")[None, None]

    def update(updates: int) -> None:
        nonlocal state
        for _ in range(updates):
            state, _ = group.updates(state, group.differing, rows, group.x_train, group.y_train)
        jax.block_until_ready(state)

    return update


def measure(train: Callable[[int], object], clock=time.perf_counter) -> tuple[int, float]:
    """Return a number of updates and their seconds, about `BUDGET` or those of two updates."""
    train(2)  # compiles
    updates = 2
    while True:
        start = clock()
        train(updates)
        seconds = clock() - start
        if seconds >= BUDGET / 2 or updates >= 1000:
            return updates, seconds
        updates = min(1000, max(2 * updates, int(BUDGET / 2 / max(seconds, 1e-9) * updates)))


def main() -> None:
    """Print what is found of the backend, a line of JSON each."""
    output, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no finding
    for finding in of_the_backend(sys.argv[1]):
        print(json.dumps(asdict(finding)), file=output, flush=True)


if __name__ == "__main__":
    main()
