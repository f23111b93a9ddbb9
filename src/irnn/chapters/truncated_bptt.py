"""How far back the gradient has to flow: accuracy against the truncation length K."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from irnn.chapters.irnn_vs_lstm import TUNED
from irnn.chapters.ten_years_later import SEARCHES
from irnn.evidence import LEARNS, Claim, Runs, accuracies, all_or_some, difference, epochs_ahead
from irnn.measurements import Loss, find
from irnn.parameters import AVERAGED, Parameter, shared, switch
from irnn.show.curves import of_runs
from irnn.show.picture import Picture, columns
from irnn.show.style import COLORS, INK, MARKERS, legend, new_figure
from irnn.show.text import described, joined, p_value, percent, rate
from irnn.show.words import SHARED
from irnn.spec import MODELS, make
from irnn.store import Run
from irnn.training.plan import Curve, Experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARAMETERS = (
    shared(without=["learning_rate"])
    | AVERAGED
    | {
        "long": Parameter(
            True,
            "add longer training for some K, and K without pooling, up to three seeds",
            switch,
        ),
    }
)

ORDERS = ("rows", "permuted")
EPOCHS = {"short": 4, "later": 12, "long": 4, "longer": 12, "trinh": 4}

# K as a share of the sequence's length T, by the name that numbers have it under. A row of the
# image is 1/14 of T = 196; 300 of 784 is what Trinh et al. (2018) have.
SHARES = {
    "pair": 1 / 98,
    "row": 1 / 14,
    "rows": 1 / 7,
    "quarter": 1 / 4,
    "trinh": 300 / 784,
    "half": 1 / 2,
    "three_quarters": 3 / 4,
    "all": 1,
}

# The shares that are also trained for longer, row by row, from this seed on: of the sweep's seeds
# before it, no checkpoint was kept to go on from.
LATER = ("row", "quarter", "half", "all")  # the last one is what they are compared with
LATER_FIRST = 3

# K at T = 784, row by row: a row of the image, four of them, Trinh et al.'s 300, and all.
LONG = (28, 112, 300, 784)
LONG_SEEDS = 3  # at most, of all that takes long
FULL_LENGTH = ("long", "longer")

# The setting of Trinh et al., in which they cut an LSTM at 300 steps; it is tried with one seed.
TRINH = {"semantics": "today", "optimizer": "adam", "learning_rate": 1e-3, "units": 128}
TRINH_LENGTHS = (300, 784)

# Two accuracies less than this apart count as the same, where the seeds' spread allows no more.
CLOSE = 0.05

ALT = {
    "by_length": {
        "en": "Test accuracy over the truncation length K: IRNN and LSTM, by rows and permuted",
        "ja": "打ち切り長 K に対する IRNN と LSTM のテスト正解率。行ごとに読む場合と"
        "シャッフルした場合",
    },
    "later": {
        "en": "Test accuracy over the truncation length K of IRNN and LSTM, early and late in "
        "training",
        "ja": "学習の早い時期と遅い時期の、打ち切り長 K に対する IRNN と LSTM のテスト正解率",
    },
    "long": {
        "en": "Test accuracy over the truncation length K without pooling, for IRNN and LSTM",
        "ja": "縮小しない画像での、打ち切り長 K に対する IRNN と LSTM のテスト正解率",
    },
    "longer": {
        "en": "Test accuracy over the truncation length K without pooling, after longer training "
        "with clipping, for IRNN and LSTM",
        "ja": "縮小しない画像で、クリッピングを使ってより長く学習させた場合の、打ち切り長 K に"
        "対する IRNN と LSTM のテスト正解率",
    },
    "puzzle": {
        "en": "Loss by update in the software of 2015, truncate_gradient 784 as a line and -1 as "
        "markers, for IRNN and LSTM",
        "ja": "2015 年のソフトウェアでの更新ごとの損失。IRNN と LSTM のそれぞれについて、"
        "truncate_gradient = 784 を線、−1 を点で示す",
    },
}

CAPTIONS = {
    "by_length": {
        "en": "Accuracy on the test set when the gradient is cut after the last K steps, for pixels"
        " read row by row and in a permuted order. A dot is a seed, a line goes through the means.",
        "ja": "勾配を最後の K ステップで打ち切ったときの、テストデータでの正解率。画素を行ごとに"
        "読む場合と、シャッフルした順序で読む場合を示す。点は個々のシード、線はその平均。",
    },
    "later": {
        "en": "Accuracy on the test set over K for some of these K, row by row, after as many "
        "epochs as above and after longer training. A dot is a seed, a line goes through the "
        "means.",
        "ja": "上の K のいくつかについて、行ごとに読み、上と同じエポック数の後と、より長い学習の"
        "後に測った、テストデータでの正解率。点は個々のシード、線はその平均。",
    },
    "long": {
        "en": "The same on the images in full size, row by row, at the learning rates of the main "
        "chapter.",
        "ja": "縮小しない画像を行ごとに読んだ場合の、同じ実験の結果。学習率は本編と同じ。",
    },
    "longer": {
        "en": "Accuracy on the test set over K on the images in full size, row by row, after "
        "longer training with the norm of the gradient clipped at 1, at the learning rates that a "
        "search with clipping chose. A dot is a seed, a line goes through the means.",
        "ja": "縮小しない画像を行ごとに読み、より長く学習させた場合の、K に対するテストデータでの"
        "正解率。勾配のノルムを 1 でクリップし、学習率はクリッピングを使った探索で選んだ。点は"
        "個々のシード、線はその平均。",
    },
    "puzzle": {
        "en": "Loss of each batch before its update, in Keras 0.2 on Theano-PyMC: 784 is the line, "
        "−1 the markers. For each network, both start from the same weights.",
        "ja": "Keras 0.2 と Theano-PyMC での、各バッチの更新前の損失。線が 784、点が −1。"
        "ネットワークごとに、同じ重みから始めている。",
    },
}

WORDS = {
    "en": SHARED["en"]
    | {
        "rows": "row by row",
        "permuted": "permuted",
        "k": "K, the last of {steps} steps",
        "after": "after {epochs} epochs",
        "from k": "{model}, {panel}: {first} at K = {low}, {last} at K = {steps}",
        "update": "update",
        "loss": "loss of the batch",
        "apart": "{model}: largest difference between the two {off}",
    },
    "ja": SHARED["ja"]
    | {
        "rows": "行ごと",
        "permuted": "シャッフル",
        "k": "打ち切り長 K（全 {steps} ステップ中）",
        "after": "{epochs} エポック後",
        "from k": "{model}（{panel}）は K = {low} で {first}、K = {steps} で {last}",
        "update": "更新",
        "loss": "バッチの損失",
        "apart": "{model} では両者の差は最大で {off}",
    },
}


def length(run: Run) -> int:
    """Return a run's K, which is T without truncation."""
    return run.spec.bptt_steps or run.spec.steps


def _order(run: Run) -> str:
    return "rows" if run.spec.permutation is None else "permuted"


def experiment(
    dataset: str,
    epochs: int | None,
    seeds: int,
    units: int,
    batch_size: int,
    pooling: int,
    irnn_rate: float,
    lstm_rate: float,
    long: bool,
) -> Experiment:
    """Return both networks over K, row by row and permuted, in 2015's semantics with RMSprop.

    `MODEL-ORDER-SHARE`, with a name of `SHARES`: the sweep. Each seed has a permutation of its
    own, the same for all K. K = T is a run without truncation. `irnn-all`, `lstm-all`: the
    first seed with `bptt_steps` = T, to show that it is the same. `long` adds, with `LONG_SEEDS`
    at most, `MODEL-later-SHARE`, row by row with more epochs, of the seeds from `LATER_FIRST` on;
    `MODEL-long-K` without pooling, at the rates of the main chapter, for K of 784 steps, or
    the same share of other lengths, `MODEL-longer-K`, clipped, at the rates that the search of
    `ten_years_later` chose; and, with one seed, `lstm-trinh-K`, in `TRINH`'s setting.
    """
    common = {"dataset": dataset, "units": units, "batch_size": batch_size}
    rates = {"irnn": irnn_rate, "lstm": lstm_rate}
    few = min(seeds, LONG_SEEDS)
    found = {}

    def curve(
        model: str,
        k: int,
        seeds: int,
        epochs: int,
        order: str = "rows",
        first: int = 0,
        **changes,
    ) -> Curve:
        setting = common | changes
        specs = [
            make(
                model,
                bptt_steps=None if k == make(model, **setting).steps else k,
                permutation=seed if order == "permuted" else None,
                seed=seed,
                **setting,
            )
            for seed in range(first, first + seeds)
        ]
        return Curve(tuple(specs), epochs)

    def cut(k: int) -> int:
        """Return the share of all steps that K is of 784."""
        return round(k / max(LONG) * make("lstm", **common).steps)

    for model in MODELS:
        setting = {"pooling": pooling, "learning_rate": rates[model]}
        steps = make(model, **common, **setting).steps
        for order in ORDERS:
            for name, share in SHARES.items():
                k = max(1, round(share * steps))
                found[f"{model}-{order}-{name}"] = curve(
                    model, k, seeds, epochs or EPOCHS["short"], order, **setting
                )
        for name in LATER if long else ():
            k = max(1, round(SHARES[name] * steps))
            found[f"{model}-later-{name}"] = curve(
                model, k, few, epochs or EPOCHS["later"], first=LATER_FIRST, **setting
            )
        all_steps = make(model, bptt_steps=steps, **common, **setting)
        found[f"{model}-all"] = Curve((all_steps,), 1)
    for model in MODELS if long else ():
        searched, clip = SEARCHES["full"].chosen[model]
        settings = {
            "long": {"learning_rate": TUNED[model]},
            "longer": {"learning_rate": searched, "clip_norm": clip},
        }
        for name, setting in settings.items():
            for k in LONG:
                length = epochs or EPOCHS[name]
                found[f"{model}-{name}-{k}"] = curve(model, cut(k), few, length, **setting)
    for k in TRINH_LENGTHS if long else ():
        found[f"lstm-trinh-{k}"] = curve("lstm", cut(k), 1, epochs or EPOCHS["trinh"], **TRINH)
    return found


def numbers(runs: Runs, language: str) -> dict[str, str | int]:
    """Return the numbers of the prose by name."""
    irnn, lstm = (runs[f"{model}-rows-all"] for model in MODELS)
    found = {
        "steps": irnn[0].spec.steps,
        "seeds": len(irnn),
        "epochs": len(irnn[0]),
        "irnn_rate": rate(irnn[0].spec.learning_rate),
        "lstm_rate": rate(lstm[0].spec.learning_rate),
        "close": f"{100 * CLOSE:g}",
        "all_off": f"{_losses_differ(runs):.1g}",
    }
    for share in SHARES:
        found[f"k_{share}"] = length(runs[f"irnn-rows-{share}"][0])
        for model in MODELS:
            for order in ORDERS:
                some = runs[f"{model}-{order}-{share}"]
                found[f"{model}_{order}_{share}"] = percent(some, language)
                gap = difference(some, runs[f"{model}-{order}-all"])
                found[f"{model}_{order}_{share}_p"] = p_value(gap.p)
    for model in MODELS:
        for order in ORDERS:
            found[f"{model}_{order}_enough"] = enough(runs, model, order)
    gaps = [
        difference(some, full).value
        for short, full in (_pooled(runs, model) for model in MODELS)
        for some in short
    ]
    found["short_lost"] = int(-100 * max(gaps))  # "or more"
    for model in MODELS if "irnn-later-all" in runs else ():
        full = runs[f"{model}-later-all"]
        found |= {
            "later_epochs": len(full[0]),
            "later_seeds": len(full),
            "later_first": full[0].spec.seed,
        }
        found[f"{model}_later_all"] = percent(full, language)
        for share in LATER[:-1]:
            some = runs[f"{model}-later-{share}"]
            found[f"{model}_later_{share}"] = percent(some, language)
            gap, early = difference(some, full), difference(_early(some), _early(full))
            found[f"{model}_later_{share}_p"] = p_value(gap.p)
            found[f"{model}_later_{share}_behind"] = f"{-100 * gap.value:.0f}"
            found[f"{model}_later_{share}_behind_early"] = f"{-100 * early.value:.0f}"
    for name in FULL_LENGTH if "irnn-long-784" in runs else ():
        for model in MODELS:
            full = runs[f"{model}-{name}-784"]
            found |= {
                "long_steps": full[0].spec.steps,
                f"{name}_epochs": len(full[0]),
                "long_seeds": len(full),
                f"{model}_{name}_rate": rate(full[0].spec.learning_rate),
            }
            for k in LONG:
                some = runs[f"{model}-{name}-{k}"]
                found[f"{model}_{name}_{k}"] = percent(some, language)
                found[f"{model}_{name}_{k}_p"] = p_value(difference(some, full).p)
                found[f"{model}_{name}_{k}_lost"] = int((accuracies(some) < LEARNS).sum())
    if "lstm-longer-300" in runs:
        found["lstm_longer_gained"] = epochs_ahead(runs["lstm-longer-300"], runs["lstm-longer-112"])
    for k in TRINH_LENGTHS if "lstm-trinh-784" in runs else ():
        (run,) = runs[f"lstm-trinh-{k}"]
        found |= {
            "trinh_rate": rate(run.spec.learning_rate),
            "trinh_units": run.spec.units,
            "trinh_epochs": len(run),
            f"lstm_trinh_{k}": percent([run], language),
        }
    return found


def enough(runs: Runs, model: str, order: str) -> int:
    """Return the smallest K whose mean accuracy is at most `CLOSE` below no truncation's."""
    full = runs[f"{model}-{order}-all"]
    sweep = [runs[f"{model}-{order}-{share}"] for share in SHARES]
    return min(length(some[0]) for some in sweep if difference(some, full).value >= -CLOSE)


def by_length(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy over K, row by row and permuted, for both networks."""
    panels = {
        WORDS[language][order]: _of(runs, [f"{m}-{order}-{k}" for m in MODELS for k in SHARES])
        for order in ORDERS
    }
    return over_length(panels, language, ALT["by_length"][language])


def later(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy over some K, after the sweep's epochs and after more."""
    late = _of(runs, [f"{model}-later-{k}" for model in MODELS for k in LATER])
    panels = {
        WORDS[language]["after"].format(epochs=len(some[0])): some for some in (_early(late), late)
    }
    return over_length(panels, language, ALT["later"][language])


def long(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy over K without pooling, row by row, for both networks."""
    return _without_pooling(runs, "long", language)


def longer(runs: Runs, language: str) -> Picture:
    """Draw the same after longer training, with clipping."""
    return _without_pooling(runs, "longer", language)


def _without_pooling(runs: Runs, name: str, language: str) -> Picture:
    some = _of(runs, [f"{model}-{name}-{k}" for model in MODELS for k in LONG])
    return over_length({WORDS[language]["rows"]: some}, language, ALT[name][language])


def _early(runs: Sequence[Run]) -> list[Run]:
    """Return runs as they were after as many epochs as the sweep has."""
    return [run.until(min(EPOCHS["short"], len(run))) for run in runs]


def _of(runs: Runs, curves: list[str]) -> tuple[Run, ...]:
    """Return the runs of some curves, each once: of a short sequence, two K can be the same."""
    return tuple({run.spec: run for curve in curves for run in runs[curve]}.values())


def over_length(panels: Mapping[str, Sequence[Run]], language: str, alt: str) -> Picture:
    """Draw the test accuracy over K, a line for each network, in panels of these names.

    A dot is a seed, a line goes through the means over the seeds. K and networks stand as they
    come.
    """
    text = WORDS[language]
    shown: dict[tuple[str, str, int], list[Run]] = {}
    for panel, runs in panels.items():
        for run in runs:
            shown.setdefault((panel, run.spec.model, length(run)), []).append(run)
    ks = list(dict.fromkeys(k for *_, k in shown))
    steps = ks[-1]

    def draw(wide: bool) -> "Figure":
        figure = new_figure(3.6 if wide else 2.8 * len(panels) + 0.6, wide)
        layout = (1, len(panels)) if wide else (len(panels), 1)
        grid = figure.subplots(*layout, sharey=True, squeeze=False).flat
        for axes, panel in zip(grid, panels, strict=True):
            for model in MODELS:
                values = [accuracies(shown[panel, model, k]) for k in ks]
                look = {"color": COLORS[model], "marker": MARKERS[model]}
                for k, points in zip(ks, values, strict=True):
                    specs = (run.spec for run in shown[panel, model, k])
                    seeds = {"linestyle": "", "markersize": 3, "alpha": 0.5} | look
                    axes.plot([k] * len(points), points, **seeds, **of_runs(model.upper(), *specs))
                means = [points.mean() for points in values]
                axes.plot(ks, means, linewidth=2, markersize=5, label=model.upper(), **look)
            axes.axhline(
                0.1, color=INK, linewidth=1, linestyle=":", alpha=0.6, label=text["chance"]
            )
            axes.set_xscale("log")
            named = ks[-1:]
            for k in reversed(ks):
                if named[-1] > 1.4 * k:  # there is room for a label
                    named.append(k)
            axes.set_xticks(ks, [str(k) if k in named else "" for k in ks])
            axes.minorticks_off()
            axes.set(xlabel=text["k"].format(steps=steps), ylabel=text["test accuracy"])
            axes.set(title=panel if len(panels) > 1 else "", ylim=(0, 1))
            axes.yaxis.set_major_formatter("{x:.0%}")
            axes.label_outer()
        legend(figure, wide, columns=3)
        return figure

    findings = [
        text["from k"].format(
            model=model.upper(),
            panel=panel,
            low=ks[0],
            first=f"{accuracies(shown[panel, model, ks[0]]).mean():.1%}",
            last=f"{accuracies(shown[panel, model, ks[-1]]).mean():.1%}",
            steps=steps,
        )
        for panel in panels
        for model in MODELS
    ]
    values = [
        columns(run.spec)
        | {"order": _order(run), "steps": steps, "k": k}
        | {"epochs": len(run), "accuracy": run["val_accuracy"][-1]}
        for (*_, k), curve in shown.items()
        for run in curve
    ]
    runs = {run.spec: run for some in panels.values() for run in some}.values()
    return Picture(draw, described(alt, findings, language), language, tuple(runs), values=values)


# --- the software of 2015 ---------------------------------------------------------------

WHOLE = (784, -1)  # the post's two values of `truncate_gradient`, both the whole gradient


def _losses_of(rows: list[Loss], model: str, k: int) -> list[float]:
    """Return the losses by update of a network with one of `WHOLE`."""
    found = find(rows, network=model, steps=784, truncate_gradient=k)
    return [row.loss for row in sorted(found, key=lambda row: row.update)]


def _apart(rows: list[Loss], model: str) -> float:
    """Return the largest difference between the losses with 784 and with -1."""
    pairs = zip(*(_losses_of(rows, model, k) for k in WHOLE), strict=True)
    return max(abs(a - b) for a, b in pairs)


def nan_from(rows: list[Loss], model: str, optimizer: str) -> int | None:
    """Return the first update whose loss is NaN with the gradient of |x| of 2015, if one is.

    `optimizer` is that of Theano's graph, "fast_run" or "fast_compile".
    """
    found = find(rows, network=model, abs_gradient="x/|x|", theano_optimizer=optimizer)
    return min((row.update for row in found if math.isnan(row.loss)), default=None)


def puzzle_numbers(rows: list[Loss]) -> dict[str, str | int]:
    """Return the numbers of the prose on the software of 2015 by name."""
    found = {f"puzzle_{model}_off": f"{_apart(rows, model):.1g}" for model in MODELS}
    first_nan = nan_from(rows, "irnn", "fast_compile")
    short = find(rows, abs_gradient="x/|x|")
    return found | {
        "puzzle_updates": len(_losses_of(rows, "irnn", 784)),
        "puzzle_nan": first_nan or "–",
        "puzzle_short": short[0].steps,
        "puzzle_short_updates": max(row.update for row in short),
    }


def puzzle(rows: list[Loss], language: str) -> Picture:
    """Draw the loss by update in the software of 2015, with 784 as a line and -1 as markers."""
    text = WORDS[language]

    def draw(wide: bool) -> "Figure":
        figure = new_figure(2.8 if wide else 4.8, wide)
        panels = figure.subplots(**({"ncols": 2} if wide else {"nrows": 2}))
        for axes, model in zip(panels, MODELS, strict=True):
            whole, none = (_losses_of(rows, model, k) for k in WHOLE)
            updates = range(1, len(whole) + 1)
            axes.plot(updates, whole, color=COLORS[model], label="784")
            look = {"color": INK, "marker": MARKERS[model], "markerfacecolor": "none"}
            axes.plot(updates, none, linestyle="", label="−1", **look)
            axes.set(title=model.upper(), xlabel=text["update"], ylabel=text["loss"])
            low, high = axes.get_ylim()
            axes.set_ylim(low, high + (high - low) / 4)  # room for the legend
            axes.legend(ncols=2, loc="upper center")
        return figure

    findings = [
        text["apart"].format(model=model.upper(), off=f"{_apart(rows, model):.1g}")
        for model in MODELS
    ]
    alt = described(ALT["puzzle"][language], findings, language)
    return Picture(draw, alt, language, measured=tuple(rows))


# --- claims -----------------------------------------------------------------------------


class Lengths(NamedTuple):
    """Seeds that read row by row."""

    short: list[list[Run]]  # for each K of at most a quarter of T
    full: list[Run]  # without truncation


def _pooled(runs: Runs, model: str) -> Lengths:
    sweep = {share: runs[f"{model}-rows-{name}"] for name, share in SHARES.items()}
    return Lengths([some for share, some in sweep.items() if share <= 1 / 4], sweep[1])


def _later(runs: Runs, model: str) -> Lengths:
    short = [runs[f"{model}-later-{name}"] for name in LATER if SHARES[name] <= 1 / 4]
    return Lengths(short, runs[f"{model}-later-all"])


def _longer(runs: Runs, model: str) -> Lengths:
    short = [runs[f"{model}-longer-{k}"] for k in LONG if k <= max(LONG) / 4]
    return Lengths(short, runs[f"{model}-longer-{max(LONG)}"])


def no_long_memory(runs: Runs, of: Callable[[Runs, str], Lengths]) -> str:
    """Judge that reading row by row needs no long gradient.

    For each network: some K of at most a quarter of T comes within `CLOSE` of no truncation, or
    is not told apart from it by the seeds and not lower by more than twice that.
    """
    held = []
    for model in MODELS:
        short, full = of(runs, model)
        gaps = [difference(some, full) for some in short]
        held.append(any(g.value > -CLOSE or (not g.lower and g.value > -2 * CLOSE) for g in gaps))
    return all_or_some(held)


def lstm_collapses(runs: Runs) -> str:
    """Judge that an LSTM cut at 300 of 784 steps stays at chance, row by row.

    Reproduced: below 20% where the whole gradient is above 30% and higher by more than chance.
    Not reproduced: not lower than the whole gradient, less `CLOSE`.
    """
    cut, full = (runs[f"lstm-long-{k}"] for k in (300, 784))
    epoch = min(len(run) for run in cut + full) - 1
    gap = difference(cut, full, epoch)
    low, high = (accuracies(some, epoch).mean() for some in (cut, full))
    if low < LEARNS and high > 0.3 and gap.lower:
        return "reproduced"
    return "not reproduced" if gap.value > -CLOSE and not gap.lower else "in part"


def permuted_hardly_loses(runs: Runs) -> str:
    """Judge that an LSTM that reads permuted pixels hardly loses when cut at 300 / 784 of T."""
    cut, full = (runs[f"lstm-permuted-{k}"] for k in ("trinh", "all"))
    gap = difference(cut, full)
    if gap.value > -CLOSE:
        return "reproduced"
    return "not reproduced" if gap.lower else "undecided"


def permuted_needs_more(runs: Runs) -> str:
    """Judge that permuted pixels lose more by a short gradient than rows do, at K = T / 7.

    For each network: the loss in accuracy from no truncation to K, averaged over the seeds, is
    larger by more than `CLOSE` when permuted.
    """
    held = []
    for model in MODELS:
        lost = {
            order: difference(*(runs[f"{model}-{order}-{k}"] for k in ("all", "rows"))).value
            for order in ORDERS
        }
        held.append(lost["permuted"] - lost["rows"] > CLOSE)
    return all_or_some(held)


def all_differs(runs: Runs) -> str:
    """Judge that K = T differs from no truncation: losses after an epoch, by 1e-6 of them."""
    return "reproduced" if _losses_differ(runs) > 1e-6 else "not reproduced"


def _losses_differ(runs: Runs) -> float:
    """Return the largest relative difference of the losses of K = T and no truncation."""
    return max(
        abs(runs[f"{model}-all"][0]["loss"][0] / runs[f"{model}-rows-all"][0]["loss"][0] - 1)
        for model in MODELS
    )


MEASURED = {
    "en": {
        "cut": "{model}: {cut} at K = {k}, {full} without truncation",
        "losses": "relative difference of the losses: {off}",
    },
    "ja": {
        "cut": "{model}：K = {k} で {cut}、打ち切りなしで {full}",
        "losses": "損失の相対的な差：{off}",
    },
}


def _cut_and_full(cut: list[Run], full: list[Run], language: str) -> str:
    """Say what a network reaches with a truncation and without."""
    words = {"model": cut[0].spec.model.upper(), "k": length(cut[0])}
    words |= {"cut": percent(cut, language), "full": percent(full, language)}
    return MEASURED[language]["cut"].format(**words)


def _permuted(share: str, models: Sequence[str] = MODELS):
    """Return a function that says what K of a share and no truncation reach when permuted."""

    def measured(runs: Runs, language: str) -> str:
        lines = []
        for model in models:
            cut, full = (runs[f"{model}-permuted-{k}"] for k in (share, "all"))
            lines.append(_cut_and_full(cut, full, language))
        return joined(lines, language)

    return measured


def _best_short(runs: Runs, language: str, of: Callable[[Runs, str], Lengths]) -> str:
    """Say what the best K of at most a quarter of T and no truncation reach."""
    lines = []
    for model in MODELS:
        short, full = of(runs, model)
        best = max(short, key=lambda some: accuracies(some).mean())
        lines.append(_cut_and_full(best, full, language))
    return joined(lines, language)


def _long_compared(runs: Runs, language: str) -> str:
    return _cut_and_full(runs["lstm-long-300"], runs["lstm-long-784"], language)


def _losses(runs: Runs, language: str) -> str:
    return MEASURED[language]["losses"].format(off=f"{_losses_differ(runs):.1g}")


CLAIMS = (
    Claim(
        "no-long-memory",
        partial(no_long_memory, of=_pooled),
        partial(_best_short, of=_pooled),
        reviewed="not reproduced",
    ),
    Claim(
        "no-long-memory-later",
        partial(no_long_memory, of=_later),
        partial(_best_short, of=_later),
        reviewed="not reproduced",
    ),
    Claim(
        "no-long-memory-at-full-length",
        partial(no_long_memory, of=_longer),
        partial(_best_short, of=_longer),
        reviewed="in part",
    ),
    Claim("lstm-collapses-when-cut", lstm_collapses, _long_compared, reviewed="not reproduced"),
    Claim(
        "permuted-hardly-loses",
        permuted_hardly_loses,
        _permuted("trinh", ["lstm"]),
        reviewed="reproduced",
    ),
    Claim("permuted-needs-more", permuted_needs_more, _permuted("rows"), reviewed="not reproduced"),
    Claim("all-steps-differ-from-none", all_differs, _losses, reviewed="not reproduced"),
)
