"""Does naming a digit need a memory that long? Orders of the pixels, and a task that does."""

import math
from collections.abc import Iterable
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from irnn.chapters.irnn_vs_lstm import NETWORKS, TUNED
from irnn.chapters.truncated_bptt import EPOCHS as SWEEP_EPOCHS
from irnn.data import Data
from irnn.errors import InputError, one_of
from irnn.evidence import LEARNS, Claim, NotRecorded, Runs, accuracies, all_or_some, difference
from irnn.parameters import AVERAGED, Parameter, count, shared, switch
from irnn.probes import ENDS, Probe
from irnn.show import reader
from irnn.show.curves import of_runs
from irnn.show.picture import Picture, columns
from irnn.show.plots import final_accuracies
from irnn.show.style import COLORS, INK, MARKERS, SEED, legend, logarithmic, new_figure
from irnn.show.text import described, joined, p_value, percent, rate
from irnn.show.words import SHARED
from irnn.spec import IMAGES, MODELS, RunSpec, make
from irnn.store import Run
from irnn.training.plan import Curve, Experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARAMETERS = (
    shared(seeds=3, without=["learning_rate"])
    | AVERAGED
    | {
        "orders": Parameter(True, "add columns, the reverse and a cropped border", switch),
        "control": Parameter(True, "add blank steps after the last pixel", switch),
        "adding": Parameter(True, "add the paper's adding problem", switch),
        "sequences": Parameter(20_000, "sequences of the adding problem in an epoch", count),
    }
)

ORDERS = ("rows", "columns", "reversed", "permuted", "cropped")
EPOCHS = {"orders": SWEEP_EPOCHS["short"], "control": 3, "adding": 10}

# Blank steps after the last pixel, as a share of the pixels' number. The control is to show what
# cannot be learned, and its sequences are long: it is given a part of the training images.
DELAYS = (0, 1 / 4, 1 / 2, 1)
REACH = 1 / 4  # share of the pixels that a gradient reaches beyond the blank steps
CONTROL_IMAGES = 1 / 3

# Width of the border that is cut off, in pixels; all but little of it is blank.
BORDERS = {"mnist": 4, "digits": 1}

# The adding problem: lengths of the sequences, and the mean squared error of guessing the mean,
# below half of which it counts as learned.
ADDING = (100, 200, 400)
GUESSING = 1 / 6

# How far the gradient reaches where blank steps follow, and how that is drawn: line and mark.
REACHES = {"all": ("-", "full"), "quarter": ("--", "left"), "blank": (":", "none")}

CLOSE = 0.05

ALT = {
    "reading": {
        "en": "A digit, and the probabilities of the ten digits that IRNN and LSTM give",
        "ja": "数字の画像と、IRNN と LSTM がそれぞれの数字に与える確率",
    },
    "orders": {
        "en": "Test accuracy of IRNN and LSTM by the order in which the pixels are read",
        "ja": "画素を読む順序ごとの、IRNN と LSTM のテスト正解率",
    },
    "control": {
        "en": "Test accuracy of IRNN and LSTM over the number of blank steps after the last pixel, "
        "by how far the gradient reaches",
        "ja": "最後の画素の後に続く空白のステップ数に対する IRNN と LSTM のテスト正解率。"
        "勾配がさかのぼる範囲ごとに示す",
    },
    "adding": {
        "en": "Squared error of IRNN and LSTM on the adding problem by epoch, for sequences of "
        "100, 200 and 400 steps",
        "ja": "足し算の課題での IRNN と LSTM の二乗誤差の推移。長さ 100、200、400 ステップの"
        "系列について示す",
    },
    "classifiers": {
        "en": "Test accuracy of a linear and a dense classifier that see only the last, the first "
        "or the middle n pixels of a pooled digit",
        "ja": "縮小した数字の最後、最初、または中央の n 画素だけを見る、線形分類器と隠れ層が"
        " 1 層の多層パーセプトロンのテスト正解率",
    },
    "reach": {
        "en": "Norm of the loss's gradient over the steps back from the end, IRNN and LSTM, before "
        "and after training",
        "ja": "末尾からさかのぼるステップ数に対する、損失の勾配のノルム。IRNN と LSTM の、学習の"
        "前と後",
    },
    "answers": {
        "en": "Accuracy of the trained networks' own answer over the number of pixels read",
        "ja": "読んだ画素数に対する、学習後のネットワーク自身の答えの正解率",
    },
}

CAPTIONS = {
    "reading": {
        "en": "One digit, and what the second seed of either network, at its own rate, makes of it "
        "after each pixel. Bars: the probabilities of the ten digits. Small squares: the units, "
        "as in the main chapter.",
        "ja": "数字の画像 1 枚を、個別の学習率で学習した両方のネットワーク（2 番目のシード）が"
        "読む様子。棒は、それぞれの画素の時点で 10 種類の数字に与える確率。小さな正方形は、本編と"
        "同じくユニットを表す。",
    },
    "orders": {
        "en": "Accuracy on the test set by the order of the pixels. A small mark is a seed, a "
        "large one the mean of the seeds.",
        "ja": "画素の順序ごとの、テストデータでの正解率。小さな印は個々のシード、大きな印は"
        "その平均。",
    },
    "control": {
        "en": "Accuracy on the test set when blank steps follow the last pixel. The gradient "
        "reaches all steps, or the blank ones and the last quarter of the pixels, or the blank "
        "ones alone. A small mark is a seed, a large one the mean of the seeds.",
        "ja": "最後の画素の後に空白のステップを続けたときの、テストデータでの正解率。"
        "勾配がさかのぼるのは、全ステップ、空白と画素の最後の 4 分の 1、空白だけのいずれか。"
        "小さな印は個々のシード、大きな印はその平均。",
    },
    "adding": {
        "en": "Mean squared error on 10,000 sequences of their own, by epoch. A thin line is a "
        "seed, a thick one the median of the seeds. The axis ends at one and a half times the "
        "error of guessing; a few epochs of the IRNN lie above it.",
        "ja": "学習に使わない 10,000 本の系列での平均二乗誤差の推移。細い線は個々のシード、太い線は"
        "その中央値。縦軸は当て推量の誤差の 1.5 倍までで、IRNN の数エポックはこれを超える。",
    },
    "classifiers": {
        "en": "Accuracy on the test set of classifiers without memory that are given only n "
        "consecutive pixels of the sequence, the last, the first or the middle ones, of images "
        "averaged to 14 × 14. Linear: one softmax layer. Dense: a hidden layer of 64 ReLU units "
        "before it; a dot is a seed, the line the mean.",
        "ja": "14 × 14 に縮小した画像の、連続する最後の n 画素、最初の n 画素、または中央の"
        " n 画素だけを与えたときの、記憶をもたない分類器のテストデータでの正解率。線形はソフト"
        "マックス層だけのもの、多層パーセプトロンはその前に ReLU の 64 ユニットの隠れ層を"
        "置いたもの。点は個々のシード、線はその平均。",
    },
    "reach": {
        "en": "Norm of the gradient of an image's loss with respect to the network's state, by how "
        "many steps before the end that state is, averaged over test images. A thin line is a "
        "seed, a thick one the geometric mean of the seeds. An LSTM's state is its hidden state "
        "and its memory cell together. After training: after the last recorded epoch.",
        "ja": "画像 1 枚の損失をネットワークの状態で微分した勾配のノルム。テスト画像での平均。"
        "横軸は、その状態が末尾から何ステップ前のものかを表す。細い線は個々のシード、太い線はその"
        "幾何平均。LSTM の状態は、隠れ状態と記憶セルを合わせたもの。学習後とは、記録した最後の"
        "エポックの後。",
    },
    "answers": {
        "en": "How often the networks would be right if the image ended after t pixels, with the "
        "weights after the last recorded epoch. A thin line is a seed, a thick one the mean of the "
        "seeds.",
        "ja": "画像が t 画素で終わるとしたときに、ネットワークの答えが正しくなる割合。重みは、"
        "記録した最後のエポックの後のもの。細い線は個々のシード、太い線はその平均。",
    },
}

WORDS = {
    "en": SHARED["en"]
    | {
        "rows": "row by row",
        "columns": "column by column",
        "reversed": "from the last pixel to the first",
        "permuted": "permuted",
        "cropped": "row by row, without the border",
        "all": "gradient through all steps",
        "quarter": "blank steps and a quarter of the pixels",
        "blank": "blank steps alone",
        "delay": "blank steps after the last pixel",
        "waits": "{model}, {reach}: {first:.1%} with {low} blank steps, {last:.1%} with {high}",
        "squared error": "squared error",
        "mean": "guessing the mean",
        "adds": "{model}, T = {length}: {error:.2g} after {n} epochs",
        "last": "the last n pixels",
        "first": "the first n pixels",
        "middle": "the middle n pixels",
        "n": "n, of {steps} pixels",
        "linear": "linear",
        "dense": "dense, one hidden layer",
        "sees": "{classifier}, {end}: {quarter:.1%} with {n}, {all:.1%} with all {steps}",
        "before": "before training",
        "after": "after training",
        "back": "steps back from the end",
        "norm": "norm of the gradient",
        "falls": "{label}, {when}: {first} at the end, {last} after {steps} steps back",
        "read": "pixels read, t",
        "answers": "{label}: {half:.1%} after {middle} pixels, {last:.1%} after all {steps}",
    },
    "ja": SHARED["ja"]
    | {
        "rows": "行ごと",
        "columns": "列ごと",
        "reversed": "最後の画素から最初の画素へ",
        "permuted": "シャッフル",
        "cropped": "行ごと（縁なし）",
        "all": "全ステップを通る勾配",
        "quarter": "空白と、画素の最後の 4 分の 1 を通る勾配",
        "blank": "空白だけを通る勾配",
        "delay": "最後の画素の後の空白のステップ数",
        "waits": "{model}（{reach}）は、空白 {low} ステップで {first:.1%}、{high} で {last:.1%}",
        "squared error": "二乗誤差",
        "mean": "平均値での当て推量",
        "adds": "{model}（T = {length}）は {n} エポック後に {error:.2g}",
        "last": "最後の n 画素",
        "first": "最初の n 画素",
        "middle": "中央の n 画素",
        "n": "n（全 {steps} 画素のうち）",
        "linear": "線形",
        "dense": "多層パーセプトロン（隠れ層 1 層）",
        "sees": "{classifier}（{end}）は {n} 画素で {quarter:.1%}、全 {steps} 画素で {all:.1%}",
        "before": "学習前",
        "after": "学習後",
        "back": "末尾からさかのぼるステップ数",
        "norm": "勾配のノルム",
        "falls": "{label}（{when}）は末尾で {first}、{steps} ステップ前で {last}",
        "read": "読んだ画素数 t",
        "answers": "{label} は {middle} 画素で {half:.1%}、全 {steps} 画素で {last:.1%}",
    },
}


def experiment(
    dataset: str,
    epochs: int | None,
    seeds: int,
    units: int,
    batch_size: int,
    pooling: int,
    irnn_rate: float,
    lstm_rate: float,
    orders: bool,
    control: bool,
    adding: bool,
    sequences: int,
) -> Experiment:
    """Return both networks over the order of the pixels, and over blank steps after them.

    `MODEL-rows`, `MODEL-permuted`: no truncation. `orders` adds the other `MODEL-ORDER`; `cropped`
    is row by row without the blank border. `control` adds `MODEL-delay-N-REACH`: N blank steps
    follow the last pixel, and the gradient reaches all steps ("all"), the blank ones alone
    ("blank"), or these and the last quarter of the pixels ("quarter"). `adding` adds
    `MODEL-adding-T`, the adding problem.
    """
    one_of("dataset", dataset, BORDERS)
    common = {"dataset": dataset, "units": units, "batch_size": batch_size, "pooling": pooling}
    rates = {"irnn": irnn_rate, "lstm": lstm_rate}
    found = {}

    def add(name: str, model: str, epochs: int, permuted: bool = False, **changes) -> None:
        specs = [
            make(
                model,
                learning_rate=rates[model],
                permutation=seed if permuted else None,
                seed=seed,
                **common,
                **changes,
            )
            for seed in range(seeds)
        ]
        found[name] = Curve(tuple(specs), epochs)

    border = BORDERS[dataset] // pooling * pooling
    for model in MODELS:
        length = epochs or EPOCHS["orders"]
        add(f"{model}-rows", model, length)
        add(f"{model}-permuted", model, length, permuted=True)
        if orders:
            add(f"{model}-columns", model, length, order="columns")
            add(f"{model}-reversed", model, length, order="reversed")
            add(f"{model}-cropped", model, length, crop=border)
        pixels = make(model, **common).steps
        for delay in (round(share * pixels) for share in DELAYS) if control else ():
            reached = {"blank": delay, "quarter": delay + round(REACH * pixels), "all": None}
            for reach, steps in reached.items():
                if steps != 0:
                    add(
                        delay_name(model, delay, reach),
                        model,
                        epochs or EPOCHS["control"],
                        delay=delay,
                        bptt_steps=steps,
                        samples=round(CONTROL_IMAGES * IMAGES[dataset][1]),
                    )
    for length in ADDING if adding else ():
        for model in MODELS:
            specs = [
                make(
                    model,
                    dataset="adding",
                    length=length,
                    samples=sequences,
                    units=units,
                    batch_size=batch_size,
                    learning_rate=rates[model],
                    seed=seed,
                )
                for seed in range(seeds)
            ]
            found[f"{model}-adding-{length}"] = Curve(tuple(specs), epochs or EPOCHS["adding"])
    return found


def delay_name(model: str, delay: int, reach: str) -> str:
    """Return the name of a curve of the control: "lstm-delay-98-blank"."""
    return f"{model}-delay-{delay}-{reach}"


def numbers(runs: Runs, language: str) -> dict[str, str | int]:
    """Return the numbers of the prose by name."""
    first = runs["irnn-rows"][0]
    found = {
        "steps": first.spec.steps,
        "seeds": len(runs["irnn-rows"]),
        "orders_epochs": len(first),
    }
    for model in MODELS:
        found[f"{model}_rate"] = rate(runs[f"{model}-rows"][0].spec.learning_rate)
        for order in (order for order in ORDERS if f"{model}-{order}" in runs):
            some = runs[f"{model}-{order}"]
            found[f"{model}_{order}"] = percent(some, language)
            found[f"{model}_{order}_p"] = p_value(difference(some, runs[f"{model}-rows"]).p)
            found[f"{order}_steps"] = some[0].spec.steps
    for n, delay in enumerate(_delays(runs)):
        for model in MODELS:
            whole = runs[delay_name(model, delay, "all")]
            for reach in REACHES if delay else ("quarter", "all"):
                some = runs[delay_name(model, delay, reach)]
                found[f"{model}_delay{n}_{reach}"] = percent(some, language)
                found[f"{model}_delay{n}_{reach}_p"] = p_value(difference(some, whole).p)
            waited = difference(whole, runs[delay_name(model, 0, "all")])
            found[f"{model}_delay{n}_waited_p"] = p_value(waited.p)
        found |= {
            f"delay{n}": delay,
            "control_epochs": len(whole[0]),
            "control_images": f"{whole[0].spec.samples:,}",
        }
    if "irnn-adding-100" in runs:
        adding = {(m, length): runs[f"{m}-adding-{length}"] for m in MODELS for length in ADDING}
        for (model, length), some in adding.items():
            found[f"{model}_adding_{length}"] = f"{_error(some):.2g}"
            learned = [run for run in some if _has_learned([run])]
            found[f"{model}_adding_{length}_learned"] = len(learned)
        lengths = [length for length in ADDING if _has_learned(adding["irnn", length])]
        found |= {
            "adding_epochs": len(some[0]),
            "sequences": f"{some[0].spec.samples:,}",
            "guessing": f"{GUESSING:.2g}",
            "irnn_adding_longest": max(lengths, default="–"),
        }
    return found


def orders(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy of both networks by the order of the pixels."""
    rows = {WORDS[language][o]: [runs[f"{model}-{o}"] for model in MODELS] for o in ORDERS}
    return final_accuracies(rows, language, ALT["orders"][language])


def adding(runs: Runs, language: str) -> Picture:
    """Draw the squared error on the adding problem by epoch, a panel for each length."""
    text = WORDS[language]
    shown = {(length, m): runs[f"{m}-adding-{length}"] for length in ADDING for m in MODELS}

    def draw(wide: bool) -> "Figure":
        figure = new_figure(3.2 if wide else 7.6, wide)
        panels = figure.subplots(*((1, 3) if wide else (3, 1)), sharey=True)
        for axes, length in zip(panels, ADDING, strict=True):
            for model in MODELS:
                errors = np.array([run["val_loss"] for run in shown[length, model]])
                epochs, look = np.arange(1, errors.shape[1] + 1), {"color": COLORS[model]}
                for run in shown[length, model]:
                    seed = look | of_runs(model.upper(), run.spec)
                    axes.plot(epochs, run["val_loss"], **SEED, **seed)
                look |= {"marker": MARKERS[model], "markersize": 4, "label": model.upper()}
                axes.plot(epochs, np.median(errors, axis=0), linewidth=2, **look)
            look = {"color": INK, "linewidth": 1.2, "linestyle": ":", "alpha": 0.8}
            axes.axhline(GUESSING, label=text["mean"], **look)
            axes.set(title=f"T = {length}", xlabel=text["epoch"], ylim=(0, 1.5 * GUESSING))
            axes.set_ylabel(text["squared error"])
            axes.locator_params(axis="x", integer=True)
            axes.label_outer()
        legend(figure, wide, columns=3)
        return figure

    findings = [
        text["adds"].format(model=m.upper(), length=length, n=len(some[0]), error=_error(some))
        for (length, m), some in shown.items()
    ]
    values = [
        columns(run.spec) | {"length": length, "epoch": epoch, "error": error}
        for (length, _), some in shown.items()
        for run in some
        for epoch, error in enumerate(run["val_loss"], 1)
    ]
    alt = described(ALT["adding"][language], findings, language)
    return Picture(draw, alt, language, _all(shown.values()), values=values)


def control(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy over the number of blank steps, a panel for each network."""
    text, delays = WORDS[language], _delays(runs)
    shown = {
        (model, reach, delay): runs[delay_name(model, delay, reach)]
        for model in MODELS
        for reach in REACHES
        for delay in delays
        if delay or reach != "blank"
    }

    def draw(wide: bool) -> "Figure":
        figure = new_figure(3.6 if wide else 6.4, wide)
        panels = figure.subplots(*((1, 2) if wide else (2, 1)), sharey=True)
        for reach, (line, fill) in REACHES.items():
            look = {"linestyle": line, "marker": "o", "fillstyle": fill}
            look |= {"color": INK, "markerfacecoloralt": "none", "label": text[reach]}
            panels[0].plot([], [], **look)
        for axes, model in zip(panels, MODELS, strict=True):
            for reach, (line, fill) in REACHES.items():
                some = {
                    d: accuracies(shown[model, reach, d])
                    for d in delays
                    if (model, reach, d) in shown
                }
                look = {"color": COLORS[model], "marker": MARKERS[model], "fillstyle": fill}
                look["markerfacecoloralt"] = "none"
                for delay, points in some.items():
                    specs = (run.spec for run in shown[model, reach, delay])
                    seeds = look | of_runs(text[reach], *specs)
                    x = [delay] * len(points)
                    axes.plot(x, points, linestyle="", markersize=4, alpha=0.5, **seeds)
                means = [points.mean() for points in some.values()]
                look |= {"linewidth": 2, "linestyle": line, "label": f"_{text[reach]}"}
                axes.plot(list(some), means, markersize=6, **look)
            axes.axhline(
                0.1, color=INK, linewidth=0.8, linestyle="-", alpha=0.6, label=text["chance"]
            )
            axes.set(title=model.upper(), xlabel=text["delay"], ylim=(0, 1), xticks=delays)
            axes.set_ylabel(text["test accuracy"])
            axes.yaxis.set_major_formatter("{x:.0%}")
            axes.label_outer()
        legend(figure, wide)
        return figure

    findings = []
    for model in MODELS:
        for reach in REACHES:
            ends = [d for d in delays if (model, reach, d) in shown]
            low, high = ends[0], ends[-1]
            first, last = (accuracies(shown[model, reach, d]).mean() for d in (low, high))
            words = {"model": model.upper(), "reach": text[reach], "low": low, "high": high}
            findings.append(text["waits"].format(first=first, last=last, **words))
    values = [
        columns(run.spec)
        | {"blank_steps": d, "gradient": reach, "accuracy": run["val_accuracy"][-1]}
        for (_, reach, d), some in shown.items()
        for run in some
    ]
    alt = described(ALT["control"][language], findings, language)
    return Picture(draw, alt, language, _all(shown.values()), values=values)


def _error(runs: list[Run]) -> float:
    """Return the median over the seeds of the squared error at the end; not finite is infinite."""
    ends = [float(run["val_loss"][-1]) for run in runs]
    return median(end if math.isfinite(end) else math.inf for end in ends)


def _has_learned(runs: list[Run]) -> bool:
    return _error(runs) < GUESSING / 2


def _all(groups: Iterable[list[Run]]) -> tuple[Run, ...]:
    """Return the runs of groups, each once."""
    return tuple({run.spec: run for some in groups for run in some}.values())


# --- claims -----------------------------------------------------------------------------


def _delays(runs: Runs) -> list[int]:
    """Return the numbers of blank steps, smallest first."""
    return sorted({int(name.split("-")[2]) for name in runs if "-delay-" in name})


def _waits(runs: Runs) -> list[int]:
    """Return the same for a rule, which cannot do without."""
    if not (delays := _delays(runs)):
        raise NotRecorded("the control")
    return delays


def control_needs_memory(runs: Runs) -> str:
    """Judge that a gradient which reaches no pixel is worse, wherever blank steps follow.

    For each network and delay: through the blank steps alone, the accuracy is lower than through
    all steps, by more than chance and by twice `CLOSE`.
    """
    held = []
    for model in MODELS:
        for delay in _waits(runs)[1:]:
            blank, whole = (runs[delay_name(model, delay, reach)] for reach in ("blank", "all"))
            gap = difference(blank, whole)
            held.append(gap.lower and gap.value < -2 * CLOSE)
    return all_or_some(held)


def irnn_waits(runs: Runs) -> str:
    """Judge that after the most blank steps the IRNN names more digits than the LSTM.

    The gradient goes through all steps. Reproduced: higher by more than chance, and above
    `LEARNS`. In part: higher by more than chance.
    """
    irnn, lstm = (runs[delay_name(model, _waits(runs)[-1], "all")] for model in MODELS)
    if not difference(irnn, lstm).higher:
        return "not reproduced"
    return "reproduced" if accuracies(irnn).mean() > LEARNS else "in part"


def border_is_idle(runs: Runs) -> str:
    """Judge that the blank border costs nothing: without it, the accuracy is not higher.

    For each network: cropped is not above rows by more than `CLOSE` and chance.
    """
    gaps = [difference(runs[f"{m}-cropped"], runs[f"{m}-rows"]) for m in MODELS]
    return all_or_some(not (gap.higher and gap.value > CLOSE) for gap in gaps)


def permuted_is_harder(runs: Runs) -> str:
    """Judge that permuted pixels are harder than rows, for each network, by more than chance."""
    gaps = [difference(runs[f"{m}-permuted"], runs[f"{m}-rows"]) for m in MODELS]
    return all_or_some(gap.lower for gap in gaps)


def irnn_adds(runs: Runs) -> str:
    """Judge that the IRNN learns the adding problem wherever the LSTM does.

    Learned: the median over the seeds of the test set's mean squared error ends below half of
    guessing's. Undecided where the LSTM learns at no length and so does not put it to the test.
    """

    def learned(model: str, length: int) -> bool:
        return _has_learned(runs[f"{model}-adding-{length}"])

    if not any(learned("irnn", n) for n in ADDING):
        return "not reproduced"
    wherever = [learned("irnn", n) for n in ADDING if learned("lstm", n)]
    return all_or_some(wherever) if wherever else "undecided"


def _waiting(runs: Runs, language: str) -> str:
    """Say what is reached after the most blank steps, with a long and a blind gradient."""
    longest = _delays(runs)[-1]
    parts = []
    for model in MODELS:
        both = {r: percent(runs[delay_name(model, longest, r)], language) for r in ("all", "blank")}
        parts.append(MEASURED[language]["waits"].format(model=model.upper(), n=longest, **both))
    return joined(parts, language)


def _compared(order: str):
    """Return a function that says what an order and rows reach."""

    def measured(runs: Runs, language: str) -> str:
        parts = []
        for model in MODELS:
            both = [percent(runs[f"{model}-{name}"], language) for name in (order, "rows")]
            words = {"model": model.upper(), "other": both[0], "rows": both[1]}
            parts.append(MEASURED[language]["order"].format(**words))
        return joined(parts, language)

    return measured


def _errors(runs: Runs, language: str) -> str:
    """Say the median squared error of both networks at each length of the adding problem."""
    parts = []
    for length in ADDING:
        errors = {model: f"{_error(runs[f'{model}-adding-{length}']):.2g}" for model in MODELS}
        parts.append(MEASURED[language]["adds"].format(length=length, **errors))
    return joined(parts, language)


MEASURED = {
    "en": {
        "waits": "{model}, {n} blank steps: {all} with a gradient through all steps, "
        "{blank} through the blank ones alone",
        "order": "{model}: {other}, row by row {rows}",
        "adds": "T = {length}: IRNN {irnn}, LSTM {lstm}",
    },
    "ja": {
        "waits": "{model}（空白 {n} ステップ）：勾配が全ステップを通れば {all}、"
        "空白だけなら {blank}",
        "order": "{model}：{other}、行ごとでは {rows}",
        "adds": "T = {length}：IRNN {irnn}、LSTM {lstm}",
    },
}

CLAIMS = (
    Claim("control-needs-memory", control_needs_memory, _waiting, reviewed="in part"),
    Claim("irnn-waits", irnn_waits, _waiting, reviewed="reproduced"),
    Claim("border-is-idle", border_is_idle, _compared("cropped"), reviewed="reproduced"),
    Claim("permuted-is-harder", permuted_is_harder, _compared("permuted"), reviewed="reproduced"),
    Claim("irnn-adds", irnn_adds, _errors, reviewed="undecided"),
)


# --- probes -----------------------------------------------------------------------------

# The networks that are looked into: the main chapter's, at the shared rate and at their own.
RATES = {"shared": dict.fromkeys(MODELS, shared()["learning_rate"].default), "tuned": TUNED}
PROBED = {
    (model, name): tuple(make(model, learning_rate=rates[model], seed=seed) for seed in range(3))
    for name, rates in RATES.items()
    for model in MODELS
}
LINES = {"shared": "-", "tuned": "--"}  # as in the main chapter, and so are the marks
FILLS = {"shared": None, "tuned": "none"}

BACK = (28, 100, 400, 783)  # steps back, of which the prose tells
READ = (196, 392, 588, 784)  # pixels read, likewise
MARKED = 0.15  # of a panel between the markers of a mean, which tell networks apart without colour
CLASSIFIERS = {"linear": ("o", "-"), "dense": ("D", "--")}


def probed() -> list[RunSpec]:
    """Return the runs whose networks the chapter looks into."""
    return [spec for specs in PROBED.values() for spec in specs]


def numbers_of_probes(
    reach: list[Probe], answers: list[Probe], classifiers: list[Probe], language: str
) -> dict[str, str | int]:
    """Return the numbers of the prose on probes by name.

    Args:
        reach: The recorded probes of this kind, and so the next two.
        answers: See `reach`.
        classifiers: See `reach`.
        language: The page's.

    Returns:
        `linear_last_49`: accuracy of a classifier on the pixels at an end. `irnn_tuned_after_392`:
        accuracy of the trained networks' answer after t pixels; `irnn_tuned_ends`: after all,
        of each seed; `irnn_tuned_halfway`: the number of pixels after which it stays above half
        of the last one, and `irnn_tuned_halfway_as_long`, after as many epochs as the LSTM has,
        where that is recorded. `irnn_tuned_trained_100`, `irnn_tuned_untrained_100`: the
        gradient's norm 100 steps back, as a multiple of that at the end;
        `irnn_tuned_trained_least`: the least.

    """
    by_end = _by_end(classifiers)
    steps, whole = max(by_end["last"].items())
    found = {
        "pooled_steps": steps,
        "classifier_images": f"{whole.settings['images']:,}",
        "answers_images": f"{answers[0].settings['images']:,}",
        "reach_images": reach[0].settings["images"],
        "probed_seeds": len(PROBED["irnn", "tuned"]),
        "probed_steps": probed()[0].steps,
    }
    for end, probes in by_end.items():
        for n, probe in probes.items():
            for name in CLASSIFIERS:
                found[f"{name}_{end}_{n}"] = f"{100 * np.mean(probe.values[name]):.1f}%"
    trained = _trained(answers)
    epoch = max(probe.epoch for probe in trained["lstm", "tuned"])
    as_long = [p for p in answers if p.spec in PROBED["irnn", "tuned"] and p.epoch == epoch]
    found["irnn_tuned_halfway_as_long"] = _halfway(as_long) if as_long else "–"
    for (model, name), probes in trained.items():
        pixels, mean = probes[0].values["pixels"], _accuracy(probes)
        found[f"{model}_{name}_probed"] = min(probe.epoch for probe in probes)
        for t in READ:
            found[f"{model}_{name}_after_{t}"] = f"{100 * mean[pixels.index(t)]:.1f}%"
        ends = (f"{100 * probe.values['accuracy'][-1]:.1f}%" for probe in probes)
        found[f"{model}_{name}_ends"] = ("、" if language == "ja" else ", ").join(ends)
        found[f"{model}_{name}_halfway"] = _halfway(probes)
    for when, groups in (("untrained", _untrained(reach)), ("trained", _trained(reach))):
        for (model, name), probes in groups.items():
            norm = _norm(probes)
            for t in BACK:
                found[f"{model}_{name}_{when}_{t}"] = _short(norm[t] / norm[0])
            found[f"{model}_{name}_{when}_least"] = _short(norm.min() / norm[0])
    return found


def _halfway(probes: list[Probe]) -> int:
    """Return after how many pixels the mean accuracy stays above half of the last one."""
    pixels, mean = probes[0].values["pixels"], _accuracy(probes)
    late = [t for t, value in zip(pixels, mean, strict=True) if value < mean[-1] / 2]
    return late[-1] + pixels[1] - pixels[0]


def _short(value: float) -> str:
    """Return a number to two digits, a small or a large one with a power of ten."""
    return f"{float(f'{value:.2g}'):g}" if 0.01 <= value < 1000 else rate(float(f"{value:.1e}"))


def classifiers(probes: list[Probe], language: str) -> Picture:
    """Draw the accuracy of classifiers on the last, the first and the middle n pixels."""
    text = WORDS[language]
    shown = _by_end(probes)
    steps = max(shown["last"])

    def draw(wide: bool) -> "Figure":
        figure = new_figure(3.4 if wide else 9, wide)
        panels = figure.subplots(*((1, 3) if wide else (3, 1)), sharey=True)
        for axes, (end, some) in zip(panels, shown.items(), strict=True):
            for name, (marker, line) in CLASSIFIERS.items():
                look = {"color": INK, "marker": marker}
                for n, probe in some.items():
                    seeds = probe.values[name]
                    dots = look | {"linestyle": "", "markersize": 3, "label": f"_{text[name]}"}
                    axes.plot([n] * len(seeds), seeds, alpha=0.5, **dots)
                means = [np.mean(probe.values[name]) for probe in some.values()]
                axes.plot(list(some), means, linestyle=line, markersize=5, label=text[name], **look)
            look = {"color": INK, "linewidth": 1, "linestyle": ":", "alpha": 0.6}
            axes.axhline(0.1, label=text["chance"], **look)
            axes.set(title=text[end], xlabel=text["n"].format(steps=steps), ylim=(0, 1))
            axes.set_xticks([round(share * steps / 4) for share in range(5)])
            axes.set_ylabel(text["test accuracy"])
            axes.yaxis.set_major_formatter("{x:.0%}")
            axes.label_outer()
        legend(figure, wide, columns=3)
        return figure

    findings = [
        text["sees"].format(
            classifier=text[name],
            end=text[end],
            n=n,
            steps=steps,
            quarter=np.mean(some[n].values[name]),
            all=np.mean(some[steps].values[name]),
        )
        for end, some in shown.items()
        for name in CLASSIFIERS
        for n in [min(some, key=lambda n: abs(n - steps / 4))]
    ]
    values = [
        {"end": end, "pixels": n, "classifier": name, "seed": seed, "accuracy": accuracy}
        for end, some in shown.items()
        for n, probe in some.items()
        for name in CLASSIFIERS
        for seed, accuracy in enumerate(probe.values[name])
    ]
    every = tuple(probe for some in shown.values() for probe in some.values())
    alt = described(ALT["classifiers"][language], findings, language)
    return Picture(draw, alt, language, measured=every, values=values)


def reach(probes: list[Probe], language: str) -> Picture:
    """Draw the norm of the gradient over the steps back, before and after training."""
    text = WORDS[language]
    before = {group: some for group, some in _untrained(probes).items() if group[1] == "shared"}
    shown = {"before": before, "after": _trained(probes)}  # before, a seed is the same at any rate

    def draw(wide: bool) -> "Figure":
        figure = new_figure(3.8 if wide else 6.8, wide)
        panels = figure.subplots(*((1, 2) if wide else (2, 1)), sharey=True)
        for axes, (when, groups) in zip(panels, shown.items(), strict=True):
            for group, some in groups.items():
                look = {"color": COLORS[group[0]], "linestyle": LINES[group[1]]}
                look["markerfacecolor"] = FILLS[group[1]]
                label = _network(some, text)
                for probe in some:
                    seed = look | of_runs(label, probe.spec)
                    axes.plot(probe.values["norm"], **SEED, **seed)
                mean = look | {"marker": MARKERS[group[0]], "markevery": MARKED, "markersize": 4}
                axes.plot(_norm(some), linewidth=2, label=label, **mean)
            axes.set(title=text[when], xlabel=text["back"])
            logarithmic(axes.yaxis)
            axes.set_ylabel(text["norm"])
            axes.label_outer()
        legend(figure, wide)
        return figure

    findings = [
        text["falls"].format(
            label=_network(some, text),
            when=text[when],
            first=_short(norm[0]),
            last=_short(norm[-1]),
            steps=len(norm) - 1,
        )
        for when, groups in shown.items()
        for some in groups.values()
        for norm in [_norm(some)]
    ]
    every = [probe for groups in shown.values() for some in groups.values() for probe in some]
    values = [
        columns(probe.spec) | {"epoch": probe.epoch, "steps_back": t, "norm": norm}
        for probe in every
        for t, norm in enumerate(probe.values["norm"])
        if t % 7 == 0 or t + 1 == len(probe.values["norm"])  # of 784; the file has all
    ]
    alt = described(ALT["reach"][language], findings, language)
    return Picture(draw, alt, language, measured=tuple(every), values=values)


def answers(probes: list[Probe], language: str) -> Picture:
    """Draw how often the trained networks are right if the image ends after t pixels."""
    text = WORDS[language]
    shown = _trained(probes)

    def draw(wide: bool) -> "Figure":
        figure = new_figure(4.2, wide)
        axes = figure.add_subplot()
        for group, some in shown.items():
            look = {"color": COLORS[group[0]], "linestyle": LINES[group[1]]}
            look["markerfacecolor"] = FILLS[group[1]]
            label, pixels = _network(some, text), some[0].values["pixels"]
            for probe in some:
                seed = look | of_runs(label, probe.spec)
                axes.plot(pixels, probe.values["accuracy"], **SEED, **seed)
            mean = look | {"marker": MARKERS[group[0]], "markevery": MARKED, "markersize": 4}
            axes.plot(pixels, _accuracy(some), linewidth=2, label=label, **mean)
        axes.axhline(0.1, color=INK, linewidth=1.2, linestyle=":", alpha=0.8, label=text["chance"])
        axes.set(ylim=(0, 1), xlabel=text["read"], ylabel=text["test accuracy"])
        axes.set_xticks([0, *READ])
        axes.yaxis.set_major_formatter("{x:.0%}")
        legend(figure, wide)
        return figure

    findings = []
    for some in shown.values():
        pixels, mean = some[0].values["pixels"], _accuracy(some)
        middle = len(pixels) // 2 - 1
        findings.append(
            text["answers"].format(
                label=_network(some, text),
                middle=pixels[middle],
                half=mean[middle],
                last=mean[-1],
                steps=pixels[-1],
            )
        )
    every = tuple(probe for some in shown.values() for probe in some)
    values = [
        columns(probe.spec) | {"epoch": probe.epoch, "pixels": t, "accuracy": accuracy}
        for probe in every
        for t, accuracy in zip(probe.values["pixels"], probe.values["accuracy"], strict=True)
    ]
    alt = described(ALT["answers"][language], findings, language)
    return Picture(draw, alt, language, measured=every, values=values)


def reading(images: Data, language: str) -> Picture:
    """Show two of the networks reading a digit, pixel by pixel."""
    return reader.reading(NETWORKS, images, language, ALT["reading"][language])


Groups = dict[tuple[str, str], list[Probe]]


def _trained(probes: list[Probe]) -> Groups:
    """Return the probes of the last epochs by network and rate, a seed each."""
    latest = {p.spec: p for p in sorted(probes, key=lambda p: p.epoch) if p.epoch}
    return _grouped(latest, probes[0].command)


def _untrained(probes: list[Probe]) -> Groups:
    """Return the probes of the initial weights likewise."""
    return _grouped({p.spec: p for p in probes if p.epoch == 0}, probes[0].command)


def _grouped(found: dict[RunSpec, Probe], command: str) -> Groups:
    for spec in probed():
        if spec not in found:
            raise InputError(f"there is no probe of {spec}; compute it with: {command}")
    return {group: [found[spec] for spec in specs] for group, specs in PROBED.items()}


def _by_end(probes: list[Probe]) -> dict[str, dict[int, Probe]]:
    """Return the probes of MNIST's pixels by their end and number, fewest first."""
    settings = [(p.settings, p) for p in probes if p.settings["dataset"] == "mnist"]
    found = {end: {s["pixels"]: p for s, p in settings if s["end"] == end} for end in ENDS}
    if not all(found.values()):
        raise InputError(f"there are no probes of mnist; compute them with: {probes[0].command}")
    return {end: dict(sorted(some.items())) for end, some in found.items()}


def _norm(probes: list[Probe]) -> np.ndarray:
    """Return the geometric mean over the seeds of the gradient's norm, (T,)."""
    with np.errstate(divide="ignore"):  # one that vanished is zero
        return np.exp(np.log([probe.values["norm"] for probe in probes]).mean(axis=0))


def _accuracy(probes: list[Probe]) -> np.ndarray:
    """Return the mean over the seeds of the answers' accuracy."""
    return np.mean([probe.values["accuracy"] for probe in probes], axis=0)


def _network(probes: list[Probe], text: dict[str, str]) -> str:
    """Return what a curve is of."""
    spec = probes[0].spec
    return text["rate"].format(model=spec.model.upper(), rate=rate(spec.learning_rate))
