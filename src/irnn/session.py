"""A sitting of training: what a store lacks of an experiment, one run after another."""

import os
import sys

from tqdm import tqdm

from irnn.errors import InputError
from irnn.experiments import Experiment, planned
from irnn.spec import RunSpec
from irnn.store import Run, Store


def obtain(
    experiment: Experiment, store: Store, train: bool = False, command: str = "python -m irnn train"
) -> dict[str, list[Run]]:
    """Return an experiment's runs by curve, each with the epochs that its curve has.

    With `train`, what the store lacks is trained first. Raises `MissingRuns` without, naming
    the command that trains them, and what `train.train` raises with it.
    """
    if train:
        train_missing(planned(experiment), store)
    store.require(planned(experiment), command)
    return {
        name: [store.read(spec).until(curve.epochs) for spec in curve.specs]
        for name, curve in experiment.items()
    }


def train_missing(
    plan: dict[RunSpec, int], store: Store, mnist: str | os.PathLike | None = None
) -> None:
    """Train every run to its planned number of epochs; progress goes to standard error.

    A run that another process trains is waited for, not trained twice. Raises `InputError`
    as `train.train` does.
    """
    missing = {spec: epochs for spec, epochs in plan.items() if len(store.read(spec)) < epochs}
    _say(f"{len(plan) - len(missing)} of {len(plan)} runs recorded, {len(missing)} to train")
    if not missing:
        return
    _say("starting Keras")
    try:
        from irnn import train
    except (ImportError, ValueError) as error:
        raise InputError(
            f"Keras does not start ({error}); set KERAS_BACKEND to tensorflow or jax"
        ) from None

    for number, (spec, epochs) in enumerate(missing.items(), 1):
        with Progress(f"{number}/{len(missing)} {spec}", epochs) as progress:
            on_update = progress.update if sys.stderr.isatty() else None
            train.train(spec, epochs, store, mnist, on_update, progress.epoch)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Progress:
    """How far a run is: a bar on a terminal, a line per epoch elsewhere.

    Args:
        title: What is trained.
        epochs: The number of epochs that the run has in the end.

    """

    def __init__(self, title: str, epochs: int):
        self.title = title
        self.epochs = epochs
        self.bar = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.bar is not None:
            self.bar.close()

    def update(self, run: Run, accuracy: float) -> None:
        """Show that another update is done, and the epoch's accuracy so far."""
        if self.bar is None:
            left = (self.epochs - len(run)) * run.spec.updates
            self.bar = tqdm(total=left, desc=self.title, unit="update")
        self.bar.set_postfix_str(
            f"epoch {len(run) + 1}/{self.epochs}, accuracy {accuracy:.3f}", refresh=False
        )
        self.bar.update()

    def epoch(self, run: Run) -> None:
        """Show that another epoch is done."""
        if self.bar is None:
            _say(
                f"{self.title}: epoch {len(run)}/{self.epochs}, "
                f"loss {run['loss'][-1]:.4f}, test accuracy {run['val_accuracy'][-1]:.4f}, "
                f"{run['seconds'][-1]:.1f} s"
            )
