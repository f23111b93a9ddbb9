"""The runs behind every chapter, as functions of the chapter's parameters.

An experiment returns curves by name. The defaults of its arguments are the published values;
the notebooks and the command line take them from here.
"""

from collections.abc import Callable, Iterable

from irnn.spec import make, whole_number
from irnn.training.plan import Curve, Experiment

# Epochs of the published curves; the runs in book/runs have at least as many.
EPOCHS = {"irnn": 20, "lstm": 5, "tuned": 5}

# Learning rates searched, one epoch of each, and the ones that had the lowest training loss
# after it. A test holds them against the recorded search.
RATES = {"irnn": (1e-7, 1e-6, 1e-5, 1e-4), "lstm": (1e-5, 1e-4, 1e-3, 1e-2)}
TUNED = {"irnn": 1e-5, "lstm": 1e-4}


def irnn_vs_lstm(
    dataset: str = "mnist",
    epochs: int | None = None,
    seeds: int = 5,
    units: int = 100,
    batch_size: int = 32,
    learning_rate: float = 1e-6,
) -> Experiment:
    """Return the main experiment: both networks in 2015's semantics with RMSprop.

    `irnn`, `lstm`: at one learning rate, as in the post. `irnn-tuned`, `lstm-tuned`: each at
    its own. `irnn-search`, `lstm-search`: an epoch of the first seed at each of `RATES`.

    Args:
        dataset: "mnist" or "digits".
        epochs: Epochs of every curve; None: as many as published, see `EPOCHS`.
        seeds: Number of seeds, from 0 on.
        units: Units of the recurrent layer.
        batch_size: Images per update.
        learning_rate: The rate that both networks share.

    Raises:
        InputError: For a value out of range.

    """
    _check_counts(epochs, seeds)
    shared = {"dataset": dataset, "units": units, "batch_size": batch_size}

    def curve(model: str, rates: Iterable[float], seeds: int, epochs: int) -> Curve:
        specs = [
            make(model, "2015", learning_rate=rate, seed=seed, **shared)
            for rate in rates
            for seed in range(seeds)
        ]
        return Curve(tuple(specs), epochs)

    experiment = {}
    for model in ("irnn", "lstm"):
        experiment[model] = curve(model, [learning_rate], seeds, epochs or EPOCHS[model])
    for model in ("irnn", "lstm"):
        experiment[f"{model}-tuned"] = curve(
            model, [TUNED[model]], seeds, epochs or EPOCHS["tuned"]
        )
    for model in ("irnn", "lstm"):
        experiment[f"{model}-search"] = curve(model, RATES[model], 1, 1)
    return experiment


def reproduce(
    dataset: str = "digits",
    epochs: int | None = None,
    seeds: int = 1,
    units: int = 50,
    batch_size: int = 32,
    learning_rate: float = 3e-4,
) -> Experiment:
    """Return the small IRNN that a chapter trains while the page is built.

    Arguments and errors as in `irnn_vs_lstm`; `epochs` is 20 unless given.
    """
    _check_counts(epochs, seeds)
    shared = {"dataset": dataset, "units": units, "batch_size": batch_size}
    specs = [make("irnn", learning_rate=learning_rate, seed=s, **shared) for s in range(seeds)]
    return {"irnn": Curve(tuple(specs), epochs or 20)}


EXPERIMENTS: dict[str, Callable[..., Experiment]] = {
    "irnn-vs-lstm": irnn_vs_lstm,
    "reproduce": reproduce,
}


def _check_counts(epochs: int | None, seeds: int) -> None:
    if epochs is not None:
        whole_number("epochs", epochs, 1, 100_000)
    whole_number("seeds", seeds, 1, 100_000)
