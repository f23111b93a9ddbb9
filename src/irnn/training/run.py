"""One run, on any Keras backend: trained epoch by epoch, stopped and taken up at any moment."""

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import keras
import numpy as np

from irnn import checkpoint, data, models
from irnn.errors import InputError
from irnn.recurrent.choice import saved_bytes
from irnn.spec import RunSpec
from irnn.store import Run, Store
from irnn.training.environment import sitting
from irnn.training.stop import Stop

# Test images at a time: enough to be fast, few enough for the memory of a laptop.
TEST_BATCH = 1000


def train_run(
    spec: RunSpec,
    epochs: int,
    store: Store,
    mnist: str | os.PathLike | None = None,
    on_update: Callable[[Run, int, float], None] | None = None,
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
        on_update: Called after some updates with the run so far, their number and the
            accuracy of the epoch under way, for which the device must be waited for.
        on_epoch: Called after each epoch with the run so far.

    Returns:
        The run, with at least that many epochs.

    Raises:
        Unavailable: For data that cannot be had and a store that cannot be written.
        InputError: For a record and a checkpoint that do not belong together, and for more
            than the GPU's memory holds.

    """
    with Stop() as stop, store.lock(spec):
        run = settled(spec, store, epochs)
        if len(run) >= epochs:
            return run
        samples = data.load(spec, mnist)
        model = models.build(spec)
        variables = model.trainable_variables + model.optimizer.variables
        for variable, value in zip(variables, restored(run, store, variables), strict=True):
            variable.assign(value)
        store.append(spec, sitting(run))
        run = store.read(spec)
        while len(run) < epochs:
            try:
                epoch = _epoch(model, run, samples, on_update)
            except Exception as error:
                raise out_of_memory(spec, error) or error from None
            values = [keras.ops.convert_to_numpy(v) for v in variables]
            with stop.after():
                run = keep(run, epoch, values, store)
            on_epoch(run)
        return run


def _epoch(model, run: Run, samples: data.Data, on_update) -> dict:
    """Train the run's next epoch, test, and return its line of the record."""
    spec = run.spec
    callbacks = []
    if on_update:
        updated = lambda batch, logs: on_update(run, 1, float(logs["accuracy"]))  # noqa: E731
        callbacks.append(keras.callbacks.LambdaCallback(on_train_batch_end=updated))
    order = shuffle(run, len(samples.y_train))
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
    return {
        "loss": fitted["loss"][0],
        "accuracy": fitted["accuracy"][0],
        "val_loss": tested["loss"],
        "val_accuracy": tested["accuracy"],
        "gradient_norm": float(keras.ops.convert_to_numpy(norms)) / spec.updates,
        "seconds": seconds,
    }


def shuffle(run: Run, samples: int) -> np.ndarray:
    """Return the order of the training samples in the run's next epoch."""
    return np.random.default_rng((run.spec.seed, len(run) + 1)).permutation(samples)


def keep(run: Run, epoch: dict[str, float], state: Sequence[np.ndarray], store: Store) -> Run:
    """Add an epoch to a run in the store, checkpoint, weights and record, and return the run.

    Args:
        run: The run before the epoch, as its record has it.
        epoch: The epoch's metrics.
        state: The weights after it, in the order of `checkpoint.WEIGHTS`, then the
            optimizer's variables.
        store: Where the run is kept; `train_run` raises what it raises.

    """
    line = {k: v if math.isfinite(v) else None for k, v in epoch.items()}
    line = {"epoch": len(run) + 1} | line | {"seconds": round(epoch["seconds"], 3)}
    texts = {
        "format": np.array(checkpoint.FORMAT),
        "spec": np.array(run.spec.canonical()),
        "epochs": np.array(json.dumps([*run.epochs, line])),
    }
    arrays = {f"v{i}": array for i, array in enumerate(state)}
    store.save(store.checkpoint_path(run.spec), texts | arrays)
    store.save(store.weights_path(run.spec), dict(zip(checkpoint.WEIGHTS, state, strict=False)))
    store.append(run.spec, line)
    return replace(run, epochs=[*run.epochs, line])


def settled(spec: RunSpec, store: Store, epochs: int = 0) -> Run:
    """Return the recorded run, its record and weights brought up to its checkpoint.

    A run without a checkpoint is what its record says. Raises `InputError` where the
    checkpoint is not this run's or cannot be read, and where there is none though the run
    is to be trained to `epochs`.
    """
    run = store.read(spec)
    path = store.checkpoint_path(spec)
    if not path.exists():
        if 0 < len(run) < epochs:
            raise InputError(
                f"training cannot go on: {store.record_path(spec)} has {len(run)} epochs but no "
                "checkpoint beside it; delete it to start over, or train into another store "
                "(--runs-dir)"
            )
        return run
    kept = checkpoint.read(spec, path)
    if kept.lines[: len(run)] != run.epochs:
        raise InputError(
            f"{store.record_path(spec)} has {len(run)} epochs that are not the "
            f"{len(kept.lines)} of its checkpoint; delete both to start over"
        )
    if len(run) < len(kept.lines):
        store.save(store.weights_path(spec), kept.weights)
        store.append(spec, *kept.lines[len(run) :])
        return store.read(spec)
    return run


def restored(run: Run, store: Store, variables: list) -> list[np.ndarray]:
    """Return the values that a network's variables have where the run goes on.

    Before the first epoch they are the variables' own. Raises `InputError` for a checkpoint
    whose arrays are not of the variables' shapes.
    """
    if not run.epochs:
        return [keras.ops.convert_to_numpy(variable) for variable in variables]
    path = store.checkpoint_path(run.spec)
    values = checkpoint.read(run.spec, path).state
    if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
        raise InputError(
            f"the checkpoint {path} has other arrays than Keras {keras.__version__} makes for "
            "this run; use the version that its record names, or train into another store "
            "(--runs-dir)"
        )
    return values


def out_of_memory(spec: RunSpec, error: Exception, runs: int = 1) -> InputError | None:
    """Return what to do when so many runs side by side took more memory than there is.

    On JAX with the memory that it has. None for any other error.
    """
    if "RESOURCE_EXHAUSTED" not in str(error):
        return None
    line = f"out of memory: {runs} x {spec.model} with batch size {spec.batch_size}"
    if keras.backend.backend() != "jax":
        return InputError(f"{line}; train with a smaller batch")
    import jax

    takes = saved_bytes(spec)
    line += f" saves about {runs * takes / 2**30:.1f} GiB an update"
    has = (jax.devices()[0].memory_stats() or {}).get("bytes_limit")
    if has is None:
        return InputError(f"{line}; train fewer runs at once, or with a smaller batch")
    line += f", JAX has {has / 2**30:.1f} GiB"
    if runs > 1 and has >= takes:
        return InputError(f"{line}; train at most {min(has // takes, runs - 1)} runs at once")
    batch = max(1, min(has * spec.batch_size // takes, spec.batch_size - 1))
    return InputError(f"{line}; train with a batch size of at most {batch}")
