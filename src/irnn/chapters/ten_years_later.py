"""2015 against today: what the defaults that changed in between do to the accuracy."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, NamedTuple

from irnn.errors import one_of
from irnn.evidence import (
    SIGNIFICANT,
    Claim,
    Difference,
    Runs,
    accuracies,
    difference,
    epochs_ahead,
    is_ahead,
    rank_p,
)
from irnn.parameters import AVERAGED, Parameter, shared, switch
from irnn.show.picture import Picture, columns
from irnn.show.plots import final_accuracies, learning_curves
from irnn.show.style import COLORS, MARKERS, legend, logarithmic, new_figure
from irnn.show.text import described, joined, of_epochs, p_value, percent, rate
from irnn.show.words import SHARED
from irnn.spec import IMAGES, MODELS, make
from irnn.store import Run
from irnn.training.plan import Curve, Experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARAMETERS = shared({"learning_rate": "of the IRNN, of RMSprop"}, seeds=3) | {
    "pooling": replace(
        AVERAGED["pooling"],
        help="side of the squares of pixels that are averaged, but for relu's runs",
    ),
    "lstm_rate": AVERAGED["lstm_rate"],
    "fair": Parameter(True, "add searches on held-out images, and what they chose", switch),
}


DERIVATIVES = (0.0, 0.5, 1.0)  # of relu at 0: today's, 2015's, and what JAX makes of 2015's formula

# What of an LSTM is as today, the rest as in 2015.
TODAY = {
    "neither": {},
    "scales": {"initial_weights": "today"},
    "gates": {"gates": "today"},
    "both": {"initial_weights": "today", "gates": "today"},
}

EPOCHS = {"relu": 10, "lstm": 2, "carried": 3}
EPOCHS |= {"fair-search": 2, "fair": 12, "full-search": 3, "full": 24}

HELD_OUT = 1 / 6  # of the training images


class Search(NamedTuple):
    """Settings that are tried on held-out training images, with one seed, for a comparison."""

    rates: dict[str, tuple[float, ...]]  # by network
    clips: tuple[float | None, ...]
    chosen: dict[str, tuple[float, float | None]]  # rate and clipping of the highest accuracy
    pooled: bool
    added: int = 0  # seeds of what was chosen, for an order that the chapter's leave open
    looks: tuple[tuple[int, int], ...] = ()  # seeds and epochs with which it was judged before

    @property
    def level(self) -> float:
        """The level of the comparison, by Bonferroni."""
        return SIGNIFICANT / (len(self.looks) + 1)


SEARCHES = {
    "fair": Search(
        {"irnn": (1e-5, 3e-5, 1e-4, 3e-4), "lstm": (3e-4, 1e-3, 3e-3, 1e-2)},
        (None, 1.0),
        {"irnn": (1e-4, 1.0), "lstm": (1e-2, 1.0)},
        pooled=True,
    ),
    "full": Search(
        {"irnn": (3e-6, 1e-5, 3e-5, 1e-4, 3e-4), "lstm": (1e-4, 3e-4, 1e-3, 3e-3)},
        (1.0,),
        {"irnn": (1e-4, 1.0), "lstm": (3e-4, 1.0)},
        pooled=False,
        added=2,
        looks=((3, 12), (3, 16), (5, 16), (5, 20)),
    ),
}

# The level for the best of three pairs of derivatives, by Bonferroni.
THREE_PAIRS = SIGNIFICANT / 3

ALT = {
    "relu": {
        "en": "Test accuracy of the IRNN by the derivative of its ReLU at 0",
        "ja": "ReLU の 0 での微分係数ごとの、IRNN のテスト正解率",
    },
    "search": {
        "en": "Accuracy on held-out training images over the learning rate, with and without "
        "clipping",
        "ja": "学習率に対する、取り分けた学習用画像での正解率。クリッピングの有無ごとに示す",
    },
    "fair": {
        "en": "Test accuracy by epoch of IRNN and LSTM, each at the rate that its search chose",
        "ja": "探索で選んだ学習率での、IRNN と LSTM のエポックごとのテスト正解率",
    },
    "full_search": {
        "en": "Accuracy on held-out training images of full size over the learning rate",
        "ja": "学習率に対する、学習用画像から取り分けた縮小しない画像での正解率",
    },
    "full": {
        "en": "Test accuracy by epoch of IRNN and LSTM on all pixels, each at the rate that its "
        "search chose",
        "ja": "縮小しない画像を読み、探索で選んだ学習率で学習した、IRNN と LSTM のエポックごとの"
        "テスト正解率",
    },
    "today": {
        "en": "Test accuracy of the LSTM by which of its defaults are those of today",
        "ja": "どのデフォルトを現在のものにしたかごとの、LSTM のテスト正解率",
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
    "search": {
        "en": "Accuracy on training images that were held out, over the learning rate, of one seed "
        "each. Filled: no clipping. Hollow: the norm of the gradient clipped at 1.",
        "ja": "検証用に取り分けた学習用画像での正解率を、学習率に対して示す。シードはそれぞれ"
        "一つ。塗りつぶしはクリッピングなし、白抜きは勾配のノルムを 1 でクリップしたもの。",
    },
    "fair": {
        "en": "Accuracy on the test set after every epoch, with the rate and the clipping that the "
        "search chose. A thin line is a seed, a thick one the mean of the seeds.",
        "ja": "探索で選んだ学習率とクリッピングでの、各エポック後のテストデータでの正解率。細い線は"
        "個々のシード、太い線はその平均。",
    },
    "full_search": {
        "en": "Accuracy on training images of full size that were held out, over the learning "
        "rate, of one seed each, with the norm of the gradient clipped at 1.",
        "ja": "学習用画像から取り分けた、縮小しない画像での正解率を、学習率に対して示す。"
        "シードはそれぞれ一つ。勾配のノルムは 1 でクリップした。",
    },
    "full": {
        "en": "Accuracy on the test set after every epoch, on the images in full size, with the "
        "norm of the gradient clipped at 1 and at the rates that the search on these chose. A thin "
        "line is a seed, a thick one the mean of the seeds.",
        "ja": "縮小しない画像での、各エポック後のテストデータでの正解率。勾配のノルムを 1 で"
        "クリップし、学習率はこの画像での探索で選んだ。細い線は個々のシード、太い線はその平均。",
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
        "learning rate": "learning rate (logarithmic)",
        "held out": "accuracy on held-out images",
        "clipped": "{model}, clipped",
        "best": "{model}: highest at {rate}{clipped}, with {accuracy:.1%}",
        "and clipped": " with clipping",
        "derivative": "derivative {derivative:g}",
        "neither": "all as in 2015",
        "scales": "initial scales of today",
        "gates": "gates of today",
        "both": "both of today",
        "look": "{seeds} seeds after {epochs} epochs ({p})",
        "and then": ", ",
    },
    "ja": {
        "learning rate": "学習率（対数目盛）",
        "held out": "取り分けた画像での正解率",
        "clipped": "{model}（クリップ）",
        "best": "{model} の最高の正解率は {accuracy:.1%}（学習率 {rate}{clipped}）",
        "and clipped": "、クリッピングあり",
        "derivative": "微分係数 {derivative:g}",
        "neither": "すべて 2015 年のもの",
        "scales": "初期値のスケールが現在のもの",
        "gates": "ゲートが現在のもの",
        "both": "両方とも現在のもの",
        "look": "{epochs} エポック後に {seeds} 通り（{p}）",
        "and then": "、",
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
    fair: bool,
) -> Experiment:
    """Return the IRNN over relu's derivative at 0, and the LSTM over what is as today.

    `irnn-relu-D`: on all pixels. `lstm-WHAT`: on pooled ones, with the initial scales of today,
    its gates, both or neither. `fair` adds `MODEL-fair-search`, which is tested on held-out
    training images, `MODEL-fair`, at the rate and clipping that won, and `lstm-carried`, the first
    of the LSTM's on all pixels; `MODEL-full-search` and `MODEL-full` are the same on all pixels.
    """
    one_of("dataset", dataset, IMAGES)
    common = {"dataset": dataset, "units": units, "batch_size": batch_size}

    def curve(model: str, epochs: int, added: int = 0, **changes) -> Curve:
        specs = [make(model, seed=seed, **common, **changes) for seed in range(seeds + added)]
        return Curve(tuple(specs), epochs)

    found = {}
    for derivative in DERIVATIVES:
        changes = {"relu_derivative_at_0": derivative, "learning_rate": learning_rate}
        found[f"irnn-relu-{derivative:g}"] = curve("irnn", epochs or EPOCHS["relu"], **changes)
    for what, changes in TODAY.items():
        setting = {"pooling": pooling, "learning_rate": lstm_rate}
        found[f"lstm-{what}"] = curve("lstm", epochs or EPOCHS["lstm"], **setting, **changes)
    for name, search in SEARCHES.items() if fair else ():
        size = {"pooling": pooling if search.pooled else 1}
        held_out = round(HELD_OUT * IMAGES[dataset][1])
        for model in MODELS:
            specs = [
                make(model, learning_rate=r, clip_norm=c, held_out=held_out, **size, **common)
                for c in search.clips
                for r in search.rates[model]
            ]
            length = epochs or EPOCHS[f"{name}-search"]
            found[f"{model}-{name}-search"] = Curve(tuple(specs), length)
            r, c = search.chosen[model]
            setting = {"learning_rate": r, "clip_norm": c} | size
            found[f"{model}-{name}"] = curve(model, epochs or EPOCHS[name], search.added, **setting)
    if fair:
        carried = (replace(found["lstm-fair"].specs[0], pooling=1),)
        found["lstm-carried"] = Curve(carried, epochs or EPOCHS["carried"])
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
        "zero_half_p": p_value(_apart(runs, 0.0, 0.5).p),
        "half_one_p": p_value(_apart(runs, 0.5, 1.0).p),
        "level": f"{THREE_PAIRS:.3g}",
    }
    for name, derivative in zip(("zero", "half", "one"), DERIVATIVES, strict=True):
        found[f"relu_{name}"] = percent(runs[f"irnn-relu-{derivative:g}"], language)
    for what in TODAY:
        found[f"lstm_{what}"] = percent(runs[f"lstm-{what}"], language)
        found[f"lstm_{what}_p"] = p_value(difference(runs[f"lstm-{what}"], lstm).p)
    if "lstm-carried" in runs:
        carried = runs["lstm-carried"]
        found |= {
            "carried_steps": carried[0].spec.steps,
            "carried_epochs": len(carried[0]),
            "lstm_carried": percent(carried, language),
        }
    for name in SEARCHES if "irnn-fair" in runs else ():
        found |= _searched_numbers(runs, name, language)
    return found


def _searched_numbers(runs: Runs, name: str, language: str) -> dict[str, str | int]:
    """Return the numbers of one of `SEARCHES` and of the runs at what it chose."""
    both = [runs[f"{model}-{name}"] for model in MODELS]
    found: dict[str, str | int] = {
        f"{name}_epochs": len(both[0][0]),
        f"{name}_seeds": len(both[0]),
        f"{name}_level": f"{SEARCHES[name].level:.3g}",
        f"{name}_steps": both[0][0].spec.steps,
        f"{name}_p": p_value(difference(*both).p),
        f"{name}_ahead": of_epochs(epochs_ahead(*both), len(both[0][0]), language),
        f"{name}_rank_p": p_value(rank_p(*both)),
        f"{name}_looks": len(SEARCHES[name].looks) + 1,
        f"{name}_looked": _looked(SEARCHES[name].looks, *both, language),
    }
    early = len(runs[f"{MODELS[0]}-{name}-search"][0])
    found[f"{name}_early_p"] = p_value(difference(*both, early - 1).p)
    for model, chosen in zip(MODELS, both, strict=True):
        searched = runs[f"{model}-{name}-search"]
        found |= {
            f"{name}_held_out": f"{searched[0].spec.held_out:,}",
            f"{name}_search_epochs": early,
            f"{model}_{name}": percent(chosen, language),
            f"{model}_{name}_rate": rate(chosen[0].spec.learning_rate),
            f"{model}_{name}_early": percent(chosen, language, epoch=early - 1),
            f"{model}_{name}_fall": f"{100 * max(map(_fall, chosen)):.0f}",
            f"{model}_{name}_searched": percent([best(searched)], language),
        }
        second = best([run for run in searched if run is not best(searched)])
        found |= {
            f"{model}_{name}_second": percent([second], language),
            f"{model}_{name}_second_rate": rate(second.spec.learning_rate),
        }
        unclipped = _unclipped(searched)
        if unclipped:
            found[f"{model}_{name}_unclipped"] = percent([unclipped], language)
    return found


def _looked(
    looks: Sequence[tuple[int, int]], runs: list[Run], others: list[Run], language: str
) -> str:
    """Say with how many seeds, after how many epochs two groups were compared before, and p."""
    text = WORDS[language]
    parts = []
    for seeds, epochs in looks:
        then = ([run.until(epochs) for run in some[:seeds]] for some in (runs, others))
        p = difference(*then).p
        parts.append(text["look"].format(seeds=seeds, epochs=epochs, p=p_value(p)))
    return text["and then"].join(parts)


def _fall(run: Run) -> float:
    """Return the largest fall of a run's test accuracy from an epoch to the next."""
    return max((a - b for a, b in pairwise(run["val_accuracy"])), default=0.0)


def relu(runs: Runs, language: str) -> Picture:
    """Draw what the IRNN reaches with each derivative of relu at 0."""
    words = WORDS[language]["derivative"]
    rows = {words.format(derivative=d): [runs[f"irnn-relu-{d:g}"]] for d in DERIVATIVES}
    return final_accuracies(rows, language, ALT["relu"][language])


def today(runs: Runs, language: str) -> Picture:
    """Draw what the LSTM reaches with the scales and gates of 2015 and of today."""
    rows = {WORDS[language][what]: [runs[f"lstm-{what}"]] for what in TODAY}
    return final_accuracies(rows, language, ALT["today"][language])


def best(searched: list[Run]) -> Run:
    """Return the run of a search with the highest accuracy on the held-out images."""
    return max(searched, key=lambda run: run["val_accuracy"][-1])


def _unclipped(searched: list[Run]) -> Run | None:
    """Return the run of a search that is as the best one but for clipping, if there is one."""
    spec = replace(best(searched).spec, clip_norm=None)
    return next((run for run in searched if run.spec == spec), None)


def search(runs: Runs, language: str) -> Picture:
    """Draw the accuracy on held-out images over the rate, with and without clipping."""
    return _over_rates(runs, "fair", language, ALT["search"][language])


def full_search(runs: Runs, language: str) -> Picture:
    """Draw the same on all pixels."""
    return _over_rates(runs, "full", language, ALT["full_search"][language])


def _over_rates(runs: Runs, name: str, language: str, alt: str) -> Picture:
    """Draw the accuracy on held-out images of one of `SEARCHES`."""
    text = WORDS[language]
    found = {
        (model, clip): [run for run in runs[f"{model}-{name}-search"] if run.spec.clip_norm == clip]
        for model in MODELS
        for clip in SEARCHES[name].clips
    }

    def draw(wide: bool) -> "Figure":
        figure = new_figure(3.4 if wide else 4.4, wide)
        axes = figure.add_subplot()
        for (model, clip), some in found.items():
            name = model.upper()
            axes.plot(
                [run.spec.learning_rate for run in some],
                accuracies(some),
                color=COLORS[model],
                marker=MARKERS[model],
                markerfacecolor="none" if clip else None,
                linestyle="--" if clip else "-",
                label=text["clipped"].format(model=name) if clip else name,
                gid=" ".join(run.spec.id for run in some),
            )
        logarithmic(axes.xaxis)
        axes.set(xlabel=text["learning rate"], ylabel=text["held out"], ylim=(0, 1))
        axes.yaxis.set_major_formatter("{x:.0%}")
        legend(figure, wide)
        return figure

    findings = []
    for model in MODELS:
        run = best(runs[f"{model}-{name}-search"])
        findings.append(
            text["best"].format(
                model=model.upper(),
                rate=rate(run.spec.learning_rate),
                clipped=text["and clipped"] if run.spec.clip_norm else "",
                accuracy=run["val_accuracy"][-1],
            )
        )
    every = tuple(run for some in found.values() for run in some)
    values = [
        columns(run.spec) | {"clip_norm": run.spec.clip_norm, "accuracy": run["val_accuracy"][-1]}
        for run in every
    ]
    alt = described(alt, findings, language)
    return Picture(draw, alt, language, every, values=values)


def fair(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy of both networks by epoch, each as its search chose."""
    return _as_chosen(runs, "fair", language)


def full(runs: Runs, language: str) -> Picture:
    """Draw the same on all pixels."""
    return _as_chosen(runs, "full", language)


def _as_chosen(runs: Runs, name: str, language: str) -> Picture:
    curves = [f"{model}-{name}" for model in MODELS]
    return learning_curves(runs, curves, language, ALT[name][language])


# --- claims -----------------------------------------------------------------------------


def _lowest(runs: Runs) -> float:
    """Return the lowest p of the three pairs of derivatives."""
    return min(_apart(runs, a, b).p for a, b in combinations(DERIVATIVES, 2))


def _apart(runs: Runs, derivative: float, other: float) -> Difference:
    """Return the difference of what two derivatives of relu at 0 reach."""
    return difference(runs[f"irnn-relu-{derivative:g}"], runs[f"irnn-relu-{other:g}"])


def derivative_matters(runs: Runs) -> str:
    """Judge that relu's derivative at 0 changes what the IRNN reaches.

    Reproduced: of the three pairs of derivatives, one differs by more than chance, at a level of
    5% divided by three (Bonferroni).
    """
    return "reproduced" if _lowest(runs) < THREE_PAIRS else "not reproduced"


def today_is_better(runs: Runs) -> str:
    """Judge that an LSTM with today's scales and gates is ahead of 2015's, by more than chance."""
    return is_ahead(runs["lstm-both"], runs["lstm-neither"])


def irnn_is_ahead_searched(runs: Runs, name: str) -> str:
    """Judge that the IRNN ends ahead of the LSTM, as one of `SEARCHES` chose, beyond chance."""
    both = runs[f"irnn-{name}"], runs[f"lstm-{name}"]
    return is_ahead(*both, level=SEARCHES[name].level)


def _derivatives(runs: Runs, language: str) -> str:
    name = WORDS[language]["derivative"]
    curves = {f"irnn-relu-{d:g}": name.format(derivative=d) for d in DERIVATIVES}
    return _reached(runs, curves, language)


def _both(runs: Runs, language: str) -> str:
    curves = {f"lstm-{what}": WORDS[language][what] for what in ("neither", "both")}
    return _reached(runs, curves, language)


def _both_searched(runs: Runs, language: str, name: str) -> str:
    return _reached(runs, {f"{model}-{name}": model.upper() for model in MODELS}, language)


def _reached(runs: Runs, curves: dict[str, str], language: str) -> str:
    """Say what some curves reach, each by its name."""
    text = SHARED[language]["point"]
    points = [
        text.format(name=name, value=percent(runs[curve], language))
        for curve, name in curves.items()
    ]
    return joined(points, language)


CLAIMS = (
    Claim(
        "irnn-ahead-searched",
        partial(irnn_is_ahead_searched, name="fair"),
        partial(_both_searched, name="fair"),
        reviewed="not reproduced",
    ),
    Claim(
        "irnn-ahead-searched-at-full-length",
        partial(irnn_is_ahead_searched, name="full"),
        partial(_both_searched, name="full"),
        reviewed="undecided",
    ),
    Claim("relu-derivative-matters", derivative_matters, _derivatives, reviewed="reproduced"),
    Claim("today-is-better", today_is_better, _both, reviewed="undecided"),
)
