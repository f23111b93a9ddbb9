"""What is to be trained: the runs of experiments, what a store lacks of them, and in what tasks."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import median

from irnn.spec import RunSpec
from irnn.store import Store


@dataclass(frozen=True)
class Curve:
    """Runs that are drawn together, each with its number of epochs."""

    specs: tuple[RunSpec, ...]
    epochs: int


Experiment = dict[str, Curve]


def planned(*experiments: Experiment) -> dict[RunSpec, int]:
    """Return each run of the experiments once, with the most epochs that a curve needs of it."""
    plan: dict[RunSpec, int] = {}
    for experiment in experiments:
        for curve in experiment.values():
            for spec in curve.specs:
                plan[spec] = max(curve.epochs, plan.get(spec, 0))
    return plan


BACKENDS = ("tensorflow", "jax")  # of Keras, those that are tested


@dataclass(frozen=True, kw_only=True)
class Resources:
    """With what runs are trained."""

    jobs: int | None = None  # processes at a time; None: one per core, or one for a GPU
    together: bool = False  # runs that `MAY_DIFFER` alone sets apart are one program (JAX)
    cluster: str | None = None  # address of a Dask scheduler
    device: str | None = None  # "cpu" or "gpu"; None: the backend's choice
    mnist: str | os.PathLike | None = None  # MNIST's file, see `data.load_images`

    def at_a_time(self, tasks: int) -> int:
        """Return in how many processes of this machine so many tasks are trained.

        One for a cluster: what is trained side by side there, its workers' threads decide.
        """
        if self.cluster:
            return 1
        return min(self.jobs or (1 if self.gpu else _cores()), tasks)

    @property
    def gpu(self) -> bool:
        """Whether this machine trains on an NVIDIA GPU."""
        return self.device != "cpu" and shutil.which("nvidia-smi") is not None


def _cores() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


# --- what is missing --------------------------------------------------------------------


def outlook(plan: dict[RunSpec, int], store: Store, resources: Resources) -> str:
    """Return in a line how many runs are recorded and missing, and how long their epochs take.

    How long a run takes to start and to compile is recorded nowhere.
    """
    missing = store.missing(plan)
    line = f"{len(plan) - len(missing)} of {len(plan)} runs recorded, {len(missing)} to train"
    if not missing:
        return line
    epochs = sum(missing.values())
    line += f", {epochs} epoch" + ("s" if epochs > 1 else "")
    seconds, unknown = _estimate(missing, store, resources.gpu)
    if seconds:
        jobs = resources.at_a_time(len(missing))
        line += f": about {_duration(seconds / jobs)} by recorded times"
        line += f", {jobs} at a time" if jobs > 1 else ""
        line += ", one after another" if resources.cluster else ""
        line += ", without starting and compiling"
    if unknown:
        line += f"; for {unknown} the time is not known, as no such run is recorded"
    return line


def _estimate(missing: dict[RunSpec, int], store: Store, gpu: bool) -> tuple[float, int]:
    """Return the seconds that missing epochs take, and of how many runs that is not known.

    Times of this store come first; for what it has not trained yet, those of the book's runs.
    """
    recorded = _times(Store(), gpu) | _times(store, gpu)
    known = [spec for spec in missing if _cost(spec) in recorded]
    seconds = sum(median(recorded[_cost(spec)]) * missing[spec] for spec in known)
    return seconds, len(missing) - len(known)


def _times(store: Store, gpu: bool) -> dict[tuple, list[float]]:
    """Return the seconds of the epochs that a GPU, or processors, trained, by `_cost`."""
    times: dict[tuple, list[float]] = {}
    for run in store.runs()[0]:
        for seconds, sitting in run.timed():
            if ("NVIDIA" in sitting.get("device", "")) == gpu:
                times.setdefault(_cost(run.spec), []).append(seconds)
    return times


def _cost(spec: RunSpec) -> tuple:
    """Return what the time of an epoch depends on."""
    return spec.model, spec.training_images, spec.steps, spec.units, spec.batch_size


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}" if unit == "h" else f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


# --- tasks ------------------------------------------------------------------------------

# In these, runs that are trained as one program may differ. A momentum of 0 counts as another
# program: without momentum there is nothing to keep.
MAY_DIFFER = {"seed": 0, "learning_rate": 1.0, "bptt_steps": None, "permutation": None}

TOGETHER = 32  # most runs in one program; its memory grows with their number


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a process trains: one run, or several side by side (`group.train_group`)."""

    specs: tuple[RunSpec, ...]
    epochs: int
    runs_dir: str
    mnist: str | None = None  # MNIST's file, see `data.load_images`
    device: str | None = None  # "cpu" or "gpu"; None: the backend's choice


def tasks(
    missing: Iterable[RunSpec], plan: dict[RunSpec, int], store: Store, resources: Resources
) -> list[Task]:
    """Return what processes train: a run each, or, together, runs that differ in `MAY_DIFFER`."""
    groups: dict[object, list[RunSpec]] = {}
    for spec in missing:
        shape = replace(spec, momentum=0.5 if spec.momentum else 0.0, **MAY_DIFFER)
        groups.setdefault((shape, plan[spec]) if resources.together else spec, []).append(spec)
    found = []
    for group in groups.values():
        size = min(TOGETHER, -(-len(group) // resources.at_a_time(len(group))))
        found += [tuple(group[i : i + size]) for i in range(0, len(group), size)]
    return [
        Task(
            specs=specs,
            epochs=plan[specs[0]],
            runs_dir=str(store.root.absolute()),
            mnist=str(resources.mnist) if resources.mnist else None,
            device=resources.device,
        )
        for specs in found
    ]
