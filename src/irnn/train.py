"""One run, on any Keras backend: trained epoch by epoch, stopped and taken up at any moment."""

import datetime
import json
import math
import os
import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

import irnn
from irnn import data, models, recurrent
from irnn.errors import InputError
from irnn.spec import RunSpec
from irnn.store import Run, Store

# Test images at a time: enough to be fast, few enough for the memory of a laptop.
TEST_BATCH = 1000

# What in the environment may change how fast a run is trained.
VARIABLES = ("XLA_FLAGS", "TF_XLA_FLAGS", "OMP_NUM_THREADS", "GLIBC_TUNABLES")

WEIGHTS = ("kernel", "recurrent_kernel", "bias", "dense_kernel", "dense_bias")


def train(
    spec: RunSpec,
    epochs: int,
    store: Store,
    mnist: str | os.PathLike | None = None,
    on_update: Callable[[Run, float], None] | None = None,
    on_epoch: Callable[[Run], None] = lambda run: None,
) -> Run:
    """Train a run to its number of epochs, from where the store has it.

    Every epoch's shuffle follows from (seed, epoch) alone and a checkpoint is kept after
    each, so that a run that was stopped equals one that was not. An epoch counts when its
    checkpoint is renamed into place. The checkpoint holds the lines of all epochs: what the
    record lacks of them follows, at the latest when the run is taken up.

    Args:
        spec: The run.
        epochs: The number of epochs that the run has in the end.
        store: Where the run is kept.
        mnist: MNIST's file, see `data.load_images`.
        on_update: Called after each update with the run so far and the accuracy of the
            epoch under way, for which the device must be waited for.
        on_epoch: Called after each epoch with the run so far.

    Returns:
        The run, with at least that many epochs.

    Raises:
        InputError: For data that cannot be had, a store that cannot be written, a record
            without its checkpoint, more than the GPU's memory holds.

    """
    with store.lock(spec):
        run = _settled(spec, store)
        if len(run) >= epochs:
            return run
        samples = data.load(spec, mnist)
        model = models.build(spec)
        _restore(model, store.checkpoint(spec), run)
        sitting = environment() | {"loop": recurrent.loop_name(spec)}
        store.append(spec, {"sitting": {"first_epoch": len(run) + 1} | sitting})
        while len(run) < epochs:
            try:
                line = _epoch(model, run, samples, on_update)
            except Exception as error:
                raise out_of_memory(spec, error) or error from None
            lines = [*run.epochs, line]
            state = _state(model) | {"epochs": np.array(json.dumps(lines))}
            store.save(store.checkpoint(spec), state)
            run = _settled(spec, store)
            on_epoch(run)
        return run


def _epoch(model, run: Run, samples: data.Data, on_update) -> dict:
    """Train the run's next epoch, test, and return its line of the record."""
    spec, epoch = run.spec, len(run) + 1
    callbacks = []
    if on_update:
        updated = lambda batch, logs: on_update(run, float(logs["accuracy"]))  # noqa: E731
        callbacks.append(keras.callbacks.LambdaCallback(on_train_batch_end=updated))
    order = np.random.default_rng((spec.seed, epoch)).permutation(len(samples.y_train))
    norms = model.optimizer.gradient_norms
    norms.assign(0)
    start = time.perf_counter()
    fitted = model.fit(
        samples.x_train[order],
        samples.y_train[order],
        batch_size=spec.batch_size,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    ).history
    seconds = time.perf_counter() - start
    tested = model.evaluate(
        samples.x_test, samples.y_test, batch_size=TEST_BATCH, verbose=0, return_dict=True
    )
    values = {
        "loss": fitted["loss"][0],
        "accuracy": fitted["accuracy"][0],
        "val_loss": tested["loss"],
        "val_accuracy": tested["accuracy"],
        "gradient_norm": float(keras.ops.convert_to_numpy(norms)) / spec.updates,
        "seconds": round(seconds, 3),
    }
    return {"epoch": epoch} | {k: v if math.isfinite(v) else None for k, v in values.items()}


def _settled(spec: RunSpec, store: Store) -> Run:
    """Return the recorded run, its record and weights brought up to its checkpoint."""
    run = store.read(spec)
    path = store.checkpoint(spec)
    if not path.exists():
        if run.epochs:
            raise InputError(
                f"{store.record(spec)} has {len(run)} epochs but no checkpoint beside it; "
                "delete it to start over, or train into another store (--runs-dir)"
            )
        return run
    try:
        with np.load(path) as checkpoint:
            lines = json.loads(str(checkpoint["epochs"]))
            weights = {name: checkpoint[f"v{i}"] for i, name in enumerate(WEIGHTS)}
    except data.UNREADABLE as error:
        raise InputError(
            f"the checkpoint {path} cannot be read ({error}); "
            "delete it and the run's record to start over"
        ) from None
    if lines[: len(run)] != run.epochs:
        raise InputError(
            f"{store.record(spec)} has {len(run)} epochs that are not the {len(lines)} of its "
            "checkpoint; delete both to start over"
        )
    if len(run) < len(lines):
        store.save(store.weights(spec), weights)
        store.append(spec, *lines[len(run) :])
        return store.read(spec)
    return run


def _state(model) -> dict[str, np.ndarray]:
    """Return the weights, in the order of `WEIGHTS`, then the optimizer's variables."""
    variables = model.trainable_variables + model.optimizer.variables
    return {f"v{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)}


def _restore(model, path: Path, run: Run) -> None:
    if not run.epochs:
        return
    variables = model.trainable_variables + model.optimizer.variables
    with np.load(path) as checkpoint:
        for i, variable in enumerate(variables):
            variable.assign(checkpoint[f"v{i}"])


def saved_bytes(spec: RunSpec) -> int:
    """Return how much of JAX's memory an update of the run takes, but for small change.

    The loop saves, in float32 for each step, row of the batch and unit, with the fused
    loop's padding: for an IRNN z, dz and h; for an LSTM four gates, their dz, c and h.
    """
    width = spec.units
    if recurrent.loop_name(spec) != "scan":
        from irnn.recurrent_gpu import width as padded

        width = padded(spec.units)
    return 4 * spec.steps * spec.batch_size * width * {"irnn": 3, "lstm": 10}[spec.model]


def out_of_memory(spec: RunSpec, error: Exception, runs: int = 1) -> InputError | None:
    """Return what to do when so many runs side by side took more memory than JAX has.

    None for any other error.
    """
    if "RESOURCE_EXHAUSTED" not in str(error):
        return None
    import jax

    takes = saved_bytes(spec)
    line = (
        f"out of memory: {runs} x {spec.model} with batch size {spec.batch_size} "
        f"saves about {runs * takes / 2**30:.1f} GiB an update"
    )
    has = (jax.devices()[0].memory_stats() or {}).get("bytes_limit")
    if has is None:
        return InputError(f"{line}; train fewer runs at once, or with a smaller batch")
    line += f", JAX has {has / 2**30:.1f} GiB"
    if runs > 1 and has >= takes:
        return InputError(f"{line}; train at most {min(has // takes, runs - 1)} runs at once")
    batch = max(1, min(has * spec.batch_size // takes, spec.batch_size - 1))
    return InputError(f"{line}; train with a batch size of at most {batch}")


def environment() -> dict:
    """Return what the epochs of a sitting are trained on."""
    backend = keras.backend.backend()
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "irnn": irnn.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "keras": keras.__version__,
        "numpy": np.__version__,
        "backend": backend,
        "backend_version": __import__(backend).__version__,
        "device": _device(backend),
        "cores": os.cpu_count(),
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def _commit() -> str | None:
    """Return the commit of this package, marked if the package was changed since."""

    def git(*arguments: str) -> str:
        command = ["git", "--no-optional-locks", "-C", str(Path(__file__).parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", ".")
        return git("rev-parse", "--short=12", "HEAD") + ("-dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _device(backend: str) -> str:
    """Return the name of the processor that trains: the GPU's, else the CPU's."""
    if backend == "jax":
        import jax

        device = jax.devices()[0]
        if device.platform != "cpu":
            return device.device_kind
    elif backend == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            return tf.config.experimental.get_device_details(gpus[0])["device_name"]
    elif backend == "torch":
        import torch

        if torch.cuda.is_available():
            return torch.cuda.get_device_name()
    return _cpu()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(": ", 1)[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
