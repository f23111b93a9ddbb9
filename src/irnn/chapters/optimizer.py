"""RMSprop against SGD: what learns, what stalls and what diverges."""

import math
from collections.abc import Iterable

from irnn.errors import one_of
from irnn.evidence import Runs
from irnn.parameters import Parameter, shared, switch
from irnn.spec import DATASETS, make
from irnn.store import Run
from irnn.training.plan import Curve, Experiment

PARAMETERS = shared(seeds=1, without=["learning_rate"]) | {
    "pooling": Parameter(2, "side of the squares of pixels that are averaged: 1, 2 or 4"),
    "samples": Parameter(None, "training images; None: a sixth of them"),
    "paper": Parameter(False, "add the paper's own setting, at 784 steps", switch),
}

MODELS = ("irnn", "lstm")
EPOCHS = {"map": 3, "paper": 2}

SGD_RATES = tuple(10.0**exponent for exponent in range(-9, 0))
RMSPROP_RATES = tuple(10.0**exponent for exponent in range(-7, 0))
MOMENTA = (0.0, 0.5, 0.9, 0.99)
CLIPS = (None, 1.0)

# The paper's own setting, at 784 steps.
PAPER = {"irnn": 1e-8, "lstm": 1e-2}
PAPER_SEEDS = 3

# Above this test accuracy a setting is said to learn: twice what guessing gives.
LEARNS = 0.2
CLOSE = 0.05


def curve_name(model: str, momentum: float, clip: float | None) -> str:
    """Return the name of the curve of SGD over its rates: "irnn-sgd-0.9-clipped"."""
    return f"{model}-sgd-{momentum:g}{'' if clip is None else '-clipped'}"


def experiment(
    dataset: str,
    epochs: int | None,
    seeds: int,
    units: int,
    batch_size: int,
    pooling: int,
    samples: int | None,
    paper: bool,
) -> Experiment:
    """Return SGD over rate, momentum and clipping, and RMSprop over its rate, for both networks.

    They are trained on a part of the images. `paper` adds the paper's own setting: all images,
    no pooling, batches of 16, gradients clipped at 1.
    """
    one_of("dataset", dataset, DATASETS)
    common = {"dataset": dataset, "units": units, "batch_size": batch_size}
    common |= {"pooling": pooling, "samples": samples or DATASETS[dataset][1] // 6}
    length = epochs or EPOCHS["map"]

    def curve(model: str, rates: Iterable[float], **changes) -> Curve:
        specs = [
            make(model, learning_rate=rate, seed=seed, **common, **changes)
            for rate in rates
            for seed in range(seeds)
        ]
        return Curve(tuple(specs), length)

    found = {}
    for model in MODELS:
        found[f"{model}-rmsprop"] = curve(model, RMSPROP_RATES)
        for clip in CLIPS:
            for momentum in MOMENTA:
                setting = {"optimizer": "sgd", "momentum": momentum, "clip_norm": clip}
                found[curve_name(model, momentum, clip)] = curve(model, SGD_RATES, **setting)
    if paper:
        for model, rate in PAPER.items():
            setting = {"optimizer": "sgd", "learning_rate": rate, "clip_norm": 1.0}
            specs = [
                make(model, dataset=dataset, units=units, batch_size=16, seed=seed, **setting)
                for seed in range(PAPER_SEEDS)
            ]
            found[f"{model}-paper"] = Curve(tuple(specs), epochs or EPOCHS["paper"])
    return found


def sgd(runs: Runs, model: str, clips: Iterable[float | None] = CLIPS) -> list[Run]:
    """Return all runs of a network with SGD, with and without clipping."""
    return [
        run
        for clip in clips
        for momentum in MOMENTA
        for run in runs[curve_name(model, momentum, clip)]
    ]


def outcome(run: Run) -> str:
    """Return what became of a run: "diverged" for a loss that is not finite or above where it was.

    "learned" above `LEARNS`, "stalled" otherwise.
    """
    if run["val_accuracy"][-1] > LEARNS:
        return "learned"
    last = run["loss"][-1]
    return "stalled" if math.isfinite(last) and last < 2 * math.log(10) else "diverged"


def best(runs: Iterable[Run]) -> Run:
    """Return the run with the highest test accuracy at its end."""
    return max(runs, key=lambda run: run["val_accuracy"][-1])


# --- claims -----------------------------------------------------------------------------


def sgd_cannot(runs: Runs) -> str:
    """Judge that plain SGD, without clipping as in the post, never trains the IRNN.

    Reproduced: at no rate and momentum does it learn. In part: nowhere to half of what RMSprop
    reaches.
    """
    reached = best(sgd(runs, "irnn", clips=[None]))["val_accuracy"][-1]
    if reached <= LEARNS:
        return "reproduced"
    with_rmsprop = best(runs["irnn-rmsprop"])["val_accuracy"][-1]
    return "in part" if reached < with_rmsprop / 2 else "not reproduced"


def depends_on_momentum(runs: Runs) -> str:
    """Judge that momentum decides whether SGD trains the IRNN.

    Reproduced: at some rate, one momentum learns and another stalls or diverges, though the same
    step size would not: the rate over 1 - momentum is within a factor of ten for both. In part:
    only where it is not.
    """
    learned, failed = set(), set()
    for run in sgd(runs, "irnn"):
        key = run.spec.learning_rate, run.spec.clip_norm
        step = math.log10(run.spec.learning_rate / (1 - run.spec.momentum))
        (learned if outcome(run) == "learned" else failed).add((*key, step))
    pairs = [(a, b) for a in learned for b in failed if a[:2] == b[:2]]
    if any(abs(a[2] - b[2]) < 1 for a, b in pairs):
        return "reproduced"
    return "in part" if pairs else "not reproduced"


def rmsprop_is_faster(runs: Runs) -> str:
    """Judge that RMSprop at its best rate is ahead of SGD at its best, by more than `CLOSE`."""
    ahead = [
        best(runs[f"{model}-rmsprop"])["val_accuracy"][-1]
        - best(sgd(runs, model))["val_accuracy"][-1]
        for model in MODELS
    ]
    held = sum(gap > CLOSE for gap in ahead)
    return {2: "reproduced", 1: "in part", 0: "not reproduced"}[held]


def rmsprop_is_steadier(runs: Runs) -> str:
    """Judge that RMSprop learns over more decades of its rate than SGD at its best momentum."""

    def decades(some: Iterable[Run]) -> int:
        return len({run.spec.learning_rate for run in some if outcome(run) == "learned"})

    held = sum(
        decades(runs[f"{model}-rmsprop"])
        > max(decades(runs[curve_name(model, m, clip)]) for m in MOMENTA for clip in CLIPS)
        for model in MODELS
    )
    return {2: "reproduced", 1: "in part", 0: "not reproduced"}[held]
