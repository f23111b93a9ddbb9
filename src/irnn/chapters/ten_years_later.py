"""2015 against today: what the defaults that changed in between do to the accuracy."""

from itertools import combinations

from irnn.evidence import Claim, Runs, difference
from irnn.parameters import Parameter, shared
from irnn.show.picture import Picture
from irnn.show.plots import final_accuracies
from irnn.show.text import joined, percent, rate
from irnn.spec import make
from irnn.training.plan import Curve, Experiment

PARAMETERS = shared({"learning_rate": "of the IRNN, of RMSprop"}, seeds=3) | {
    "pooling": Parameter(2, "of the LSTM: side of the squares of pixels that are averaged"),
    "lstm_rate": Parameter(1e-3, "learning rate of the LSTM, of RMSprop"),
}

DERIVATIVES = (0.0, 0.5, 1.0)  # of relu at 0: today's, 2015's, and what JAX makes of 2015's formula

# What of an LSTM is as today, the rest as in 2015.
TODAY = {
    "neither": {},
    "scales": {"initial_weights": "today"},
    "gates": {"gates": "today"},
    "both": {"initial_weights": "today", "gates": "today"},
}

EPOCHS = {"relu": 10, "lstm": 4}

SIGNIFICANT = 0.05 / 3  # for the best of three pairs of derivatives (Bonferroni)

ALT = {
    "relu": {
        "en": "Test accuracy of the IRNN by the derivative of its ReLU at 0",
        "ja": "ReLU の 0 での微分係数ごとの、IRNN のテスト正解率",
    },
    "today": {
        "en": "Test accuracy of the LSTM by which of its defaults are those of today",
        "ja": "どの既定値を現在のものにしたかごとの、LSTM のテスト正解率",
    },
}

CAPTIONS = {
    "relu": {
        "en": "Accuracy on the test set of an IRNN that differs in one number, the derivative of "
        "the ReLU where its input is exactly zero. A small mark is a seed, a large one the mean of "
        "the seeds.",
        "ja": "入力がちょうど 0 のときの ReLU の微分係数だけを変えた IRNN の、テストデータでの"
        "正解率。小さな印は個々のシード、大きな印はその平均。",
    },
    "today": {
        "en": "Accuracy on the test set of an LSTM with the initial scales and the gates of 2015 "
        "or of today. A small mark is a seed, a large one the mean of the seeds.",
        "ja": "重みの初期値のスケールとゲートを、2015 年のもの、または現在のものにした LSTM の、"
        "テストデータでの正解率。小さな印は個々のシード、大きな印はその平均。",
    },
}

WORDS = {
    "en": {
        "derivative": "derivative {derivative:g}",
        "neither": "all as in 2015",
        "scales": "initial scales of today",
        "gates": "gates of today",
        "both": "both of today",
    },
    "ja": {
        "derivative": "微分係数 {derivative:g}",
        "neither": "すべて 2015 年のもの",
        "scales": "初期値のスケールが現在のもの",
        "gates": "ゲートが現在のもの",
        "both": "両方とも現在のもの",
    },
}


def experiment(
    dataset: str,
    epochs: int | None,
    seeds: int,
    units: int,
    batch_size: int,
    learning_rate: float,
    pooling: int,
    lstm_rate: float,
) -> Experiment:
    """Return the IRNN over relu's derivative at 0, and the LSTM over what is as today.

    `irnn-relu-D`: on all pixels. `lstm-WHAT`: on pooled ones, with the initial scales of today,
    its gates, both or neither.
    """
    common = {"dataset": dataset, "units": units, "batch_size": batch_size}

    def curve(model: str, epochs: int, **changes) -> Curve:
        specs = [make(model, seed=seed, **common, **changes) for seed in range(seeds)]
        return Curve(tuple(specs), epochs)

    found = {}
    for derivative in DERIVATIVES:
        changes = {"relu_derivative_at_0": derivative, "learning_rate": learning_rate}
        found[f"irnn-relu-{derivative:g}"] = curve("irnn", epochs or EPOCHS["relu"], **changes)
    for what, changes in TODAY.items():
        setting = {"pooling": pooling, "learning_rate": lstm_rate}
        found[f"lstm-{what}"] = curve("lstm", epochs or EPOCHS["lstm"], **setting, **changes)
    return found


def numbers(runs: Runs, language: str) -> dict[str, str | int]:
    """Return the numbers of the prose by name."""
    relu, lstm = runs["irnn-relu-0"], runs["lstm-neither"]
    found = {
        "seeds": len(relu),
        "irnn_steps": relu[0].spec.steps,
        "irnn_epochs": len(relu[0]),
        "irnn_rate": rate(relu[0].spec.learning_rate),
        "lstm_steps": lstm[0].spec.steps,
        "lstm_epochs": len(lstm[0]),
        "lstm_rate": rate(lstm[0].spec.learning_rate),
        "p": f"{_lowest(runs):.2g}",
        "level": f"{SIGNIFICANT:.2g}",
    }
    for name, derivative in zip(("zero", "half", "one"), DERIVATIVES, strict=True):
        found[f"relu_{name}"] = percent(runs[f"irnn-relu-{derivative:g}"], language)
    for what in TODAY:
        found[f"lstm_{what}"] = percent(runs[f"lstm-{what}"], language)
    return found


def relu(runs: Runs, language: str) -> Picture:
    """Draw what the IRNN reaches with each derivative of relu at 0."""
    words = WORDS[language]["derivative"]
    rows = {words.format(derivative=d): [runs[f"irnn-relu-{d:g}"]] for d in DERIVATIVES}
    return final_accuracies(rows, language, ALT["relu"][language])


def today(runs: Runs, language: str) -> Picture:
    """Draw what the LSTM reaches with the scales and gates of 2015 and of today."""
    rows = {WORDS[language][what]: [runs[f"lstm-{what}"]] for what in TODAY}
    return final_accuracies(rows, language, ALT["today"][language])


# --- claims -----------------------------------------------------------------------------


def _lowest(runs: Runs) -> float:
    """Return the lowest p of the three pairs of derivatives."""
    curves = [runs[f"irnn-relu-{derivative:g}"] for derivative in DERIVATIVES]
    return min(difference(a, b).p for a, b in combinations(curves, 2))


def derivative_matters(runs: Runs) -> str:
    """Judge that relu's derivative at 0 changes what the IRNN reaches.

    Reproduced: of the three pairs of derivatives, one differs by more than chance, at a level of
    5% divided by three (Bonferroni).
    """
    return "reproduced" if _lowest(runs) < SIGNIFICANT else "not reproduced"


def today_is_better(runs: Runs) -> str:
    """Judge that an LSTM with today's scales and gates is ahead of 2015's, by more than chance."""
    gap = difference(runs["lstm-both"], runs["lstm-neither"])
    return "reproduced" if gap.higher else "not reproduced" if gap.lower else "in part"


def _derivatives(runs: Runs, language: str) -> str:
    words = WORDS[language]["derivative"]
    return joined(
        (
            f"{words.format(derivative=d)}: {percent(runs[f'irnn-relu-{d:g}'], language)}"
            for d in DERIVATIVES
        ),
        language,
    )


def _both(runs: Runs, language: str) -> str:
    return joined(
        (
            f"{WORDS[language][what]}: {percent(runs[f'lstm-{what}'], language)}"
            for what in ("neither", "both")
        ),
        language,
    )


CLAIMS = (
    Claim("relu-derivative-matters", derivative_matters, _derivatives),
    Claim("today-is-better", today_is_better, _both),
)
