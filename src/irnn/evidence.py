"""What runs say of a claim: the difference of two groups of seeds, and verdicts.

A difference is called one where Welch's t-test on the final test accuracies of the seeds gives
p < `SIGNIFICANT`; seeds are taken as independent draws. With one seed nothing is told apart.
Verdicts rest on this test alone; `rank_p` is for the prose, where a single seed decides it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from irnn.spec import RunSpec
from irnn.store import Run, Store
from irnn.training.plan import Experiment

SIGNIFICANT = 0.05
LEARNS = 0.2  # above this test accuracy a network is said to learn: twice what guessing gives
WAYS = 10_000  # that a test goes through; seven seeds and seven part in 3,432

VERDICTS = ("reproduced", "in part", "undecided", "not reproduced", "not tested")

Runs = Mapping[str, list[Run]]


@dataclass(frozen=True)
class Difference:
    """How much higher the mean test accuracy of some runs is than that of others."""

    value: float
    p: float  # of Welch's two-sided t-test; 1 where a group has one seed

    @property
    def significant(self) -> bool:
        """Whether the seeds' spread allows to call it a difference."""
        return self.p < SIGNIFICANT

    @property
    def higher(self) -> bool:
        """Whether the first runs are better by more than chance."""
        return self.significant and self.value > 0

    @property
    def lower(self) -> bool:
        """Whether the first runs are worse by more than chance."""
        return self.significant and self.value < 0


def accuracies(runs: Sequence[Run], epoch: int = -1) -> np.ndarray:
    """Return the test accuracy of each run after an epoch, (runs,)."""
    return np.array([run["val_accuracy"][epoch] for run in runs])


def epochs_ahead(runs: Sequence[Run], others: Sequence[Run]) -> int:
    """Return after how many epochs the mean test accuracy of runs is above that of others."""
    return _epochs_where(lambda a, b: a.mean() > b.mean(), runs, others)


def epochs_apart(runs: Sequence[Run], others: Sequence[Run]) -> int:
    """Return after how many epochs every run's test accuracy is above that of all others."""
    return _epochs_where(lambda a, b: a.min() > b.max(), runs, others)


def _epochs_where(holds: Callable, runs: Sequence[Run], others: Sequence[Run]) -> int:
    """Return after how many epochs that both have something holds of their test accuracies."""
    epochs = min(len(run) for run in (*runs, *others))
    both = ((accuracies(runs, epoch), accuracies(others, epoch)) for epoch in range(epochs))
    return sum(bool(holds(*reached)) for reached in both)


def difference(runs: Sequence[Run], others: Sequence[Run], epoch: int = -1) -> Difference:
    """Return the difference of the mean test accuracies of runs and of others.

    Welch (1947): the means' difference over its standard error, in a t-distribution with the
    degrees of freedom of Welch and Satterthwaite.
    """
    from scipy.special import stdtr  # scipy.stats has the test, and takes most of a second to load

    both = accuracies(runs, epoch), accuracies(others, epoch)
    value = float(both[0].mean() - both[1].mean())
    if min(map(len, both)) < 2:
        return Difference(value, 1.0)
    squared = np.array([a.var(ddof=1) / len(a) for a in both])  # standard errors
    if not squared.any():
        return Difference(value, float(value == 0))
    freedom = squared.sum() ** 2 / sum(squared**2 / [len(a) - 1 for a in both])
    t = value / np.sqrt(squared.sum())
    return Difference(value, float(2 * stdtr(freedom, -abs(t))))


def rank_p(runs: Sequence[Run], others: Sequence[Run], epoch: int = -1) -> float:
    """Return the p of the two-sided rank-sum test (Wilcoxon, 1945) of test accuracies.

    It is exact where there are at most `WAYS` to part the seeds in two such groups: the share of
    them in which the sum of the ranks is at least as far from its mean. With more, the sum is
    taken as normally distributed.
    """
    groups = accuracies(runs, epoch), accuracies(others, epoch)
    both = np.concatenate(groups)
    if comb(len(both), len(runs)) > WAYS:
        from scipy.stats import mannwhitneyu  # takes most of a second to load

        return float(mannwhitneyu(*groups, method="asymptotic").pvalue)
    ranks = np.array([((both < a).sum() + (both <= a).sum() + 1) / 2 for a in both])
    sums = np.array([sum(some) for some in combinations(ranks, len(runs))])
    off = np.abs(sums - sums.mean())
    return float((off >= off[0] - 1e-9).mean())  # the first way is that of the seeds


def is_ahead(
    runs: Sequence[Run], others: Sequence[Run], epoch: int = -1, level: float = SIGNIFICANT
) -> str:
    """Judge that runs are ahead of others, undecided where p is not below a level."""
    gap = difference(runs, others, epoch)
    if not gap.p < level:  # nor where an accuracy is not finite
        return "undecided"
    return "reproduced" if gap.value > 0 else "not reproduced"


def all_or_some(held: Iterable[bool]) -> str:
    """Return the verdict on a claim that says several things, as on either network."""
    held = list(held)
    return "reproduced" if all(held) else "in part" if any(held) else "not reproduced"


class NotRecorded(KeyError):
    """A run that a rule looks at is not recorded, or has fewer epochs than its curve."""


class Recorded(Mapping):
    """The runs of an experiment by curve, read when they are asked for.

    `seen` has the runs that were. A curve whose runs are not all there raises `NotRecorded`, and
    so does one that the experiment does not have with its parameters.
    """

    def __init__(self, experiment: Experiment, store: Store):
        self.experiment, self.store = experiment, store
        self.seen: dict[RunSpec, Run] = {}

    def __getitem__(self, name: str) -> list[Run]:
        if name not in self.experiment:
            raise NotRecorded(name)
        curve = self.experiment[name]
        runs = [self.store.read(spec).until(curve.epochs) for spec in curve.specs]
        if any(len(run) < curve.epochs for run in runs):
            raise NotRecorded(name)
        self.seen |= {run.spec: run for run in runs}
        return runs

    def __iter__(self) -> Iterator[str]:
        return iter(self.experiment)

    def __len__(self) -> int:
        return len(self.experiment)


@dataclass(frozen=True)
class Claim:
    """A claim of the post or of a paper; its words are in the ledger's notebooks.

    Args:
        name: Its name in the ledger, unique.
        rule: Returns a verdict of `VERDICTS` for an experiment's runs by curve.
        measured: Returns what was measured, in a language.
        reviewed: The verdict that the book's prose was written for. A test compares it with what
            the recorded runs say: where that changes, read the prose that speaks of the claim,
            then change it here.

    """

    name: str
    rule: Callable[[Runs], str]
    measured: Callable[[Runs, str], str]
    reviewed: str = "not tested"
