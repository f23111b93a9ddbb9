"""2015 against today: what the defaults that changed in between do to the curves."""

from itertools import combinations

from irnn.chapters.irnn_vs_lstm import TUNED
from irnn.evidence import Runs, difference
from irnn.parameters import shared
from irnn.spec import make
from irnn.training.plan import Curve, Experiment

PARAMETERS = shared(seeds=3)

DERIVATIVES = (0.0, 0.5, 1.0)  # of relu at 0: today's, 2015's, and what JAX makes of 2015's formula

# What of an LSTM is as today, the rest as in 2015.
TODAY = {
    "neither": {},
    "scales": {"initial_weights": "today"},
    "gates": {"gates": "today"},
    "both": {"initial_weights": "today", "gates": "today"},
}

EPOCHS = {"relu": 10, "lstm": 5}


def experiment(
    dataset: str,
    epochs: int | None,
    seeds: int,
    units: int,
    batch_size: int,
    learning_rate: float,
) -> Experiment:
    """Return the IRNN over relu's derivative at 0, and the LSTM over what is as today.

    `irnn-relu-D`: at the shared rate. `lstm-WHAT`: at its own rate, with today's initial scales,
    gates, both or neither.
    """
    common = {"dataset": dataset, "units": units, "batch_size": batch_size}
    found = {}
    for derivative in DERIVATIVES:
        specs = [
            make(
                "irnn",
                relu_derivative_at_0=derivative,
                learning_rate=learning_rate,
                seed=seed,
                **common,
            )
            for seed in range(seeds)
        ]
        found[f"irnn-relu-{derivative:g}"] = Curve(tuple(specs), epochs or EPOCHS["relu"])
    for name, changes in TODAY.items():
        specs = [
            make("lstm", learning_rate=TUNED["lstm"], seed=seed, **common, **changes)
            for seed in range(seeds)
        ]
        found[f"lstm-{name}"] = Curve(tuple(specs), epochs or EPOCHS["lstm"])
    return found


# --- claims -----------------------------------------------------------------------------


def derivative_matters(runs: Runs) -> str:
    """Judge that relu's derivative at 0 changes what the IRNN reaches.

    Reproduced: of the three pairs of derivatives, one differs by more than chance, at a level of
    5% divided by three (Bonferroni).
    """
    curves = [runs[f"irnn-relu-{derivative:g}"] for derivative in DERIVATIVES]
    lowest = min(difference(a, b).p for a, b in combinations(curves, 2))
    return "reproduced" if lowest < 0.05 / 3 else "not reproduced"


def today_is_better(runs: Runs) -> str:
    """Judge that an LSTM with today's scales and gates is ahead of 2015's, by more than chance."""
    gap = difference(runs["lstm-both"], runs["lstm-neither"])
    return "reproduced" if gap.higher else "not reproduced" if gap.lower else "in part"
