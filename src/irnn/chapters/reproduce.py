"""A small IRNN that is trained while the page is built."""

from irnn.parameters import shared
from irnn.show.picture import Picture
from irnn.show.plots import Runs, learning_curves
from irnn.show.text import percent
from irnn.spec import make
from irnn.training.plan import Curve, Experiment

EPOCHS = 20

PARAMETERS = shared(
    dataset="digits",
    seeds=1,
    units=50,
    learning_rate=3e-4,
    train=True,
    help={
        "epochs": "None: as many as published",
        "learning_rate": "of RMSprop",
        "runs_dir": 'the store, a folder of runs; "": a new temporary folder',
    },
)

ALT = {
    "curves": {
        "en": "Test accuracy by epoch of the small IRNN trained while this page was built",
        "ja": "このページの生成時に学習した小さな IRNN の、エポックごとのテスト正解率",
    },
}

CAPTIONS = {
    "curves": {
        "en": "Accuracy on the test set after every epoch of the run that was trained while this "
        "page was built.",
        "ja": "このページの生成時に学習したランの、各エポック後のテストデータでの正解率。",
    },
}


def experiment(
    dataset: str,
    epochs: int | None,
    seeds: int,
    units: int,
    batch_size: int,
    learning_rate: float,
) -> Experiment:
    """Return the small IRNN in one curve."""
    common = {"dataset": dataset, "units": units, "batch_size": batch_size}
    specs = [make("irnn", learning_rate=learning_rate, seed=s, **common) for s in range(seeds)]
    return {"irnn": Curve(tuple(specs), epochs or EPOCHS)}


def numbers(runs: Runs, language: str) -> dict[str, str | int]:
    """Return the numbers of the prose by name."""
    first = runs["irnn"][0]
    return {
        "run_id": first.spec.id,
        "epochs": len(first),
        "accuracy": percent(runs["irnn"], language),
        "seconds": f"{first['seconds'].sum():.1f}",
        "backend": first.sittings[-1]["backend"],
    }


def curves(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy by epoch."""
    return learning_curves(runs, ["irnn"], language, ALT["curves"][language])
