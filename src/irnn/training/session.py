"""A sitting of training: what a store lacks, on the cores, the GPU or the cluster at hand."""

import sys
from collections.abc import Iterable
from concurrent.futures import Future, wait

from tqdm import tqdm

from irnn import data
from irnn.errors import InputError, Unavailable
from irnn.spec import IMAGES, RunSpec
from irnn.store import Run, Store
from irnn.training import cluster, processes
from irnn.training.plan import Experiment, Resources, outlook, planned, tasks
from irnn.training.processes import Outcome
from irnn.training.progress import Progress


def obtain(
    experiment: Experiment, store: Store, train: bool = False, command: str = ""
) -> dict[str, list[Run]]:
    """Return an experiment's runs by curve, each with the epochs that its curve has.

    With `train`, what the store lacks is trained first, in this process. Raises `MissingRuns`
    without, naming the command that trains them if there is one, and `InputError` for a store
    that is not there; with it `InputError` for what fails.
    """
    plan = planned(experiment)
    store.must_be_possible("the parameter runs_dir")
    if train:
        for message in train_missing(plan, store, Resources(jobs=1)).values():
            raise InputError(message)
    else:
        store.must_exist("the parameter runs_dir, or set train to True")
    store.require(plan, command)
    return {
        name: [store.read(spec).until(curve.epochs) for spec in curve.specs]
        for name, curve in experiment.items()
    }


def train_missing(
    plan: dict[RunSpec, int], store: Store, resources: Resources
) -> dict[RunSpec, str]:
    """Train every run to its planned number of epochs; progress goes to standard error.

    A run that another process trains comes last, and is not trained twice.

    Returns:
        What went wrong, by run; the others were trained all the same.

    Raises:
        Unavailable: For what no run can do without.

    """
    print(outlook(plan, store, resources), file=sys.stderr, flush=True)
    missing = store.missing(plan)
    if not missing:
        return {}
    for dataset in {spec.dataset for spec in missing} & IMAGES.keys():
        data.load_images(dataset, resources.mnist)  # once, rather than first in every process
    todo = tasks(missing, plan, store, resources)
    jobs = resources.at_a_time(len(todo))
    with Progress(plan, missing, store) as progress:
        if resources.cluster:
            with cluster.work_on(resources.cluster, todo, store) as futures:
                return _finish(_watched(futures, progress), missing, plan, store)
        if jobs > 1:
            with processes.work_on(jobs, todo, store) as futures:
                return _finish(_watched(futures, progress), missing, plan, store)
        on_update = progress.update if progress.terminal else None
        order = processes.free_first(todo, store)
        outcomes = (processes.train_task(task, on_update, progress.epoch) for task in order)
        return _finish(outcomes, missing, plan, store)


def _watched(futures: list[Future], progress: Progress) -> Iterable[Outcome]:
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
        if outcome.trace:
            tqdm.write(outcome.trace, file=sys.stderr, end="")
        if outcome.how == "unavailable":
            raise Unavailable(outcome.message)
        for spec in outcome.task.specs:
            if outcome.how == "failed":
                failures[spec] = outcome.message
            elif len(store.read(spec)) < plan[spec]:
                failures[spec] = f"it was trained, but not into {store.root}"
    return failures
