"""A sitting of training: what a store lacks, on the cores, the GPU or the cluster at hand."""

import os
import shutil
import sys
from collections.abc import Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from statistics import median

from tqdm import tqdm

from irnn import data, workers
from irnn.errors import InputError, Unavailable
from irnn.experiments import Experiment, planned
from irnn.spec import RunSpec
from irnn.store import Run, Store
from irnn.workers import Outcome, Task

# In these, runs that are trained as one program may differ. A momentum of 0 counts as another
# program: without momentum there is nothing to keep.
NUMBERS = {"seed": 0, "learning_rate": 1.0, "bptt_steps": None, "permutation": None}

TOGETHER = 32  # most runs in one program; its memory grows with their number


@dataclass(frozen=True, kw_only=True)
class Means:
    """With what runs are trained."""

    jobs: int | None = None  # processes at a time; None: one per core, or one for a GPU
    together: bool = False  # runs that differ in numbers only are one program (JAX)
    cluster: str | None = None  # address of a Dask scheduler
    device: str | None = None  # "cpu" or "gpu"; None: the backend's choice
    mnist: str | os.PathLike | None = None  # MNIST's file, see `data.load_images`

    def at_a_time(self, tasks: int) -> int:
        """Return in how many processes so many tasks are trained on this machine."""
        gpu = self.device != "cpu" and shutil.which("nvidia-smi")
        return min(self.jobs or (1 if gpu else _cores()), tasks)


def _cores() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


def obtain(
    experiment: Experiment, store: Store, train: bool = False, command: str = "python -m irnn train"
) -> dict[str, list[Run]]:
    """Return an experiment's runs by curve, each with the epochs that its curve has.

    With `train`, what the store lacks is trained first, in this process. Raises `MissingRuns`
    without, naming the command that trains them, and `InputError` for what fails with it.
    """
    plan = planned(experiment)
    if train:
        for message in train_missing(plan, store, Means(jobs=1)).values():
            raise InputError(message)
    store.require(plan, command)
    return {
        name: [store.read(spec).until(curve.epochs) for spec in curve.specs]
        for name, curve in experiment.items()
    }


# --- what is missing --------------------------------------------------------------------


def outlook(plan: dict[RunSpec, int], store: Store, means: Means) -> str:
    """Return in a line how many runs are recorded and missing, and how long these take."""
    missing = store.missing(plan)
    line = f"{len(plan) - len(missing)} of {len(plan)} runs recorded, {len(missing)} to train"
    if not missing:
        return line
    line += f", {sum(missing.values())} epochs"
    seconds, unknown = _estimate(missing, store)
    if seconds:
        jobs = 1 if means.cluster else means.at_a_time(len(missing))
        line += f": about {_duration(seconds / jobs)} by the times recorded here"
        line += f", {jobs} at a time" if jobs > 1 else ""
        line += ", one after another" if means.cluster else ""
    if unknown:
        line += f"; how long {unknown} of them take is not known, no run like them is recorded"
    return line


def _estimate(missing: dict[RunSpec, int], store: Store) -> tuple[float, int]:
    """Return the seconds that missing epochs take, and of how many runs that is not known."""
    recorded: dict[tuple, list[float]] = {}
    for run in store.runs()[0]:
        for seconds, sitting in run.timed():
            recorded.setdefault(_cost(run.spec), []).append(seconds / sitting.get("together", 1))
    known = [spec for spec in missing if _cost(spec) in recorded]
    seconds = sum(median(recorded[_cost(spec)]) * missing[spec] for spec in known)
    return seconds, len(missing) - len(known)


def _cost(spec: RunSpec) -> tuple:
    """Return what the time of an epoch depends on."""
    return spec.model, spec.training_images, spec.steps, spec.units, spec.batch_size


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}" if unit == "h" else f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def tasks(
    missing: Iterable[RunSpec], plan: dict[RunSpec, int], store: Store, means: Means
) -> list[Task]:
    """Return what processes train: a run each, or, together, runs that differ in `NUMBERS`."""
    groups: dict[object, list[RunSpec]] = {}
    for spec in missing:
        shape = replace(spec, momentum=0.5 if spec.momentum else 0.0, **NUMBERS)
        groups.setdefault((shape, plan[spec]) if means.together else spec, []).append(spec)
    found = []
    for group in groups.values():
        size = min(TOGETHER, -(-len(group) // means.at_a_time(len(group))))
        found += [tuple(group[i : i + size]) for i in range(0, len(group), size)]
    return [
        Task(
            specs=specs,
            epochs=plan[specs[0]],
            runs_dir=str(store.root.absolute()),
            mnist=str(means.mnist) if means.mnist else None,
            device=means.device,
        )
        for specs in found
    ]


# --- training ---------------------------------------------------------------------------


def train_missing(plan: dict[RunSpec, int], store: Store, means: Means) -> dict[RunSpec, str]:
    """Train every run to its planned number of epochs; progress goes to standard error.

    A run that another process trains comes last, and is not trained twice.

    Returns:
        What went wrong, by run; the others were trained all the same.

    Raises:
        Unavailable: For what no run can do without.

    """
    print(outlook(plan, store, means), file=sys.stderr, flush=True)
    missing = store.missing(plan)
    if not missing:
        return {}
    for dataset in {spec.dataset for spec in missing}:
        data.load_images(dataset, means.mnist)  # once, rather than first in every process
    todo = tasks(missing, plan, store, means)
    jobs = means.at_a_time(len(todo))
    with Progress(plan, missing, store) as progress:
        if means.cluster:
            with workers.cluster(means.cluster, todo, store) as futures:
                return _finish(_watched(futures, progress), missing, plan, store)
        if jobs > 1:
            with workers.processes(jobs, todo, store) as futures:
                return _finish(_watched(futures, progress), missing, plan, store)
        on_update = progress.update if progress.terminal else None
        order = workers.free_first(todo, store)
        outcomes = (workers.train(task, on_update, progress.epoch) for task in order)
        return _finish(outcomes, missing, plan, store)


def _watched(futures: list[Future], progress: "Progress") -> Iterable[Outcome]:
    """Yield the outcomes of tasks as they end; show the progress of those under way."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=1)
        progress.refresh()
        for future in done:
            yield future.result()


def _finish(
    outcomes: Iterable[Outcome], missing: dict[RunSpec, int], plan: dict[RunSpec, int], store: Store
) -> dict[RunSpec, str]:
    """Return what went wrong, by run, once all tasks have ended."""
    failures = {}
    for outcome in outcomes:
        if outcome.how == "unavailable":
            raise Unavailable(outcome.message)
        for spec in outcome.task.specs:
            if outcome.how == "failed":
                failures[spec] = outcome.message
            elif len(store.read(spec)) < plan[spec]:
                failures[spec] = f"it was trained, but not into {store.root}"
    return failures


class Progress:
    """How far missing runs are: bars on a terminal, else a line per epoch.

    Args:
        plan: The number of epochs that each run has in the end.
        missing: The runs that are trained, with the epochs that they lack.
        store: Where they are kept.

    """

    def __init__(self, plan: dict[RunSpec, int], missing: dict[RunSpec, int], store: Store):
        self.plan = plan
        self.missing = missing
        self.store = store
        self.titles = {spec: f"{n}/{len(missing)} {spec}" for n, spec in enumerate(missing, 1)}
        self.runs = {spec: store.read(spec) for spec in missing}
        self.within = dict.fromkeys(missing, 0)  # updates since a run's last epoch
        self.bars: dict[RunSpec, tqdm] = {}
        self.terminal = sys.stderr.isatty()
        self.all = tqdm(
            total=sum(epochs * spec.updates for spec, epochs in missing.items()),
            desc="all",
            unit="update",
            disable=not self.terminal or len(missing) == 1,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for bar in (*self.bars.values(), self.all):
            bar.close()

    def refresh(self) -> None:
        """Show what other processes have recorded since, and how long it has taken."""
        for spec, before in self.runs.items():
            if len(before) < self.plan[spec]:
                run = self.store.read(spec)
                for epochs in range(len(before) + 1, len(run) + 1):
                    self.epoch(run.until(epochs))
                if len(run) == len(before) and len(run.sittings) > len(before.sittings):
                    self.update(run, 0)  # it has begun
        for bar in (*self.bars.values(), self.all):
            bar.refresh()

    def update(self, run: Run, updates: int, accuracy: float | None = None) -> None:
        """Show that updates are done, and the accuracy of the epoch under way."""
        if self.terminal:
            self.within[run.spec] += updates
            note = f"epoch {len(run) + 1}/{self.plan[run.spec]}"
            self._show(run, note if accuracy is None else f"{note}, accuracy {accuracy:.3f}")

    def epoch(self, run: Run) -> None:
        """Show that another epoch is done."""
        self.runs[run.spec] = run
        self.within[run.spec] = 0
        note = (
            f"epoch {len(run)}/{self.plan[run.spec]}, loss {run['loss'][-1]:.4f}, "
            f"test accuracy {run['val_accuracy'][-1]:.4f}"
        )
        if self.terminal:
            self._show(run, note)
        else:
            seconds = run["seconds"][-1]
            print(f"{self.titles[run.spec]}: {note}, {seconds:.1f} s", file=sys.stderr, flush=True)

    def _show(self, run: Run, note: str) -> None:
        """Bring the bars up to date; those of finished runs go."""
        spec = run.spec
        total = self.missing[spec] * spec.updates
        lacking = (self.plan[spec] - len(run)) * spec.updates
        if spec not in self.bars:
            self.bars[spec] = tqdm(total=total, desc=self.titles[spec], unit="update", leave=False)
        step = total - lacking + self.within[spec] - self.bars[spec].n
        self.bars[spec].set_postfix_str(note, refresh=False)
        self.bars[spec].update(step)
        self.all.update(step)
        if not lacking:
            self.bars.pop(spec).close()
