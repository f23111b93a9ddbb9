"""What runs say of a claim: the difference of two groups of seeds, and verdicts.

A difference is called one where Welch's t-test on the final test accuracies of the seeds gives
p < `SIGNIFICANT`; seeds are taken as independent draws. With one seed nothing is told apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from irnn.store import Run

SIGNIFICANT = 0.05

VERDICTS = ("reproduced", "in part", "not reproduced", "not tested")

Runs = dict[str, list[Run]]


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


def difference(runs: Sequence[Run], others: Sequence[Run], epoch: int = -1) -> Difference:
    """Return the difference of the mean test accuracies of runs and of others.

    Welch (1947): the means' difference over its standard error, in a t-distribution with the
    degrees of freedom of Welch and Satterthwaite.
    """
    from scipy.stats import ttest_ind

    a, b = accuracies(runs, epoch), accuracies(others, epoch)
    value = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return Difference(value, 1.0)
    if a.std() == b.std() == 0:
        return Difference(value, float(value == 0))
    return Difference(value, float(ttest_ind(a, b, equal_var=False).pvalue))


@dataclass(frozen=True)
class Claim:
    """A claim of the post or of a paper, and the rule that gives a verdict on it.

    Args:
        name: Its name in the ledger, unique.
        who: Who made it, and where: a text in both languages.
        claim: The claim in this book's words, in both languages.
        test: How it is tested here, in both languages.
        curves: The names of the experiment's curves that the rule reads.
        rule: Returns a verdict of `VERDICTS` for the runs by curve.
        measured: Returns what was measured, in a language.
        exploratory: What had been looked at before the rule was written, in both languages.

    """

    name: str
    who: dict[str, str]
    claim: dict[str, str]
    test: dict[str, str]
    curves: tuple[str, ...]
    rule: Callable[[Runs], str]
    measured: Callable[[Runs, str], str]
    exploratory: dict[str, str] | None = None

    def verdict(self, runs: Runs) -> str:
        """Return the verdict; without all of the runs it is "not tested"."""
        if not all(runs.get(name) and all(len(run) for run in runs[name]) for name in self.curves):
            return "not tested"
        return self.rule(runs)
