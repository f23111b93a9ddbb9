"""The main experiment: both networks as the post trained them, and each at its own rate."""

import math
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from irnn.data import Data
from irnn.errors import one_of
from irnn.evidence import (
    LEARNS,
    SIGNIFICANT,
    Claim,
    NotRecorded,
    Runs,
    accuracies,
    difference,
    epochs_apart,
    is_ahead,
)
from irnn.parameters import Parameter, shared, switch
from irnn.show import cells as diagram
from irnn.show import reader
from irnn.show.picture import Picture, columns
from irnn.show.plots import learning_curves
from irnn.show.style import COLORS, INK, MARKERS, label_rows, legend, logarithmic, new_figure
from irnn.show.text import (
    described,
    mean,
    of_epochs,
    p_value,
    percent,
    rate,
    seconds,
    spread,
)
from irnn.show.times import EpochTime, epoch_times
from irnn.show.words import SHARED
from irnn.spec import MODELS, SEMANTICS, make
from irnn.store import Run
from irnn.training.plan import Curve, Experiment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _semantics(name: str, value) -> None:
    """Raise `InputError` for semantics that are unknown; papermill reads 2015 as a number."""
    one_of(name, str(value), SEMANTICS)


PARAMETERS = shared({"learning_rate": "shared by both networks"}) | {
    "optimizer": Parameter("rmsprop", '"rmsprop", "sgd" or "adam"'),
    "momentum": Parameter(0.0, "of RMSprop and SGD"),
    "clip_norm": Parameter(None, "limit of the gradient's norm; None: no clipping"),
    "semantics": Parameter("2015", 'relu, gates, weights as in "2015" or "today"', _semantics),
    "bptt_steps": Parameter(None, "K, gradient through the last K steps; None: through all"),
    "small_batches": Parameter(True, "add batches of 16, the paper's", switch),
}

CURVES = ("irnn", "lstm", "irnn-tuned", "lstm-tuned")

# Epochs of the published curves; the runs in book/runs have at least as many.
EPOCHS = {"irnn": 200, "lstm": 20, "irnn-tuned": 105, "lstm-tuned": 20, "small_batches": 5}

PAPER_BATCH = 16

# Learning rates searched, one epoch of each, and the ones that had the lowest training loss
# after it. A test holds them against the recorded search. A rate that is added here is trained
# by `python -m irnn train irnn-vs-lstm`.
RATES = {"irnn": (1e-7, 1e-6, 1e-5, 1e-4), "lstm": (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)}
TUNED = {"irnn": 1e-5, "lstm": 1e-4}

# The networks that read digits on the pages, from their recorded weights. They are of the second
# seed: of the LSTM, the first one has fallen back in its last epochs.
NETWORKS = tuple(make(model, "2015", learning_rate=rate, seed=1) for model, rate in TUNED.items())

# What others report for the IRNN: the Keras example of July 2015, at `learning_rate` and in batches
# of 32, and the paper at the end of its training.
EXAMPLE_ACCURACY, EXAMPLE_EPOCHS = 0.93, 900
PAPER_ACCURACY = 0.970

# Curves that are compared, up to the last epoch that both have.
PAIRS = (("irnn", "lstm"), ("irnn-tuned", "lstm-tuned"))

# The second pair was judged after 5, 10, 18 and 20 epochs; its level is 5% by Bonferroni.
TUNED_LEVEL = SIGNIFICANT / 4

# Seconds per epoch that the post of July 2015 reports, on a GRID K520.
POST_SECONDS = {"irnn": 440, "lstm": 1700}

ALT = {
    "digit": {
        "en": "A handwritten five as an image and as a sequence of pixels, row after row",
        "ja": "手書きの 5 の画像と、それを行ごとに並べた画素の系列",
    },
    "cells": {
        "en": "One step of both networks as diagrams. IRNN: the previous state times U, the pixel "
        "times W and the bias are added, and ReLU gives the new state. LSTM: the previous memory "
        "is multiplied by the forget gate; the candidate, multiplied by the input gate, is added; "
        "tanh of the new memory, multiplied by the output gate, is the new state. All gates and "
        "the candidate read the pixel and the previous state.",
        "ja": "二つのネットワークの 1 ステップの図。IRNN では、前の状態に U を掛けたもの、画素に "
        "W を掛けたもの、バイアスを足し、ReLU を通したものが新しい状態になる。LSTM では、前の"
        "記憶に忘却ゲートを掛け、候補に入力ゲートを掛けたものを足す。新しい記憶の tanh に出力"
        "ゲートを掛けたものが新しい状態になる。ゲートと候補は、どれも画素と前の状態を読む。",
    },
    "search": {
        "en": "Training loss of the first epoch over the learning rate, for IRNN and LSTM",
        "ja": "IRNN と LSTM の、学習率に対する第 1 エポックの訓練損失",
    },
    "curves": {
        "en": "Test accuracy by epoch of IRNN and LSTM, at a shared learning rate and at their own",
        "ja": "共通の学習率と個別の学習率での、IRNN と LSTM のエポックごとのテスト正解率",
    },
    "further": {
        "en": "Test accuracy by epoch of the IRNN, at the shared learning rate and at its own",
        "ja": "共通の学習率と個別の学習率での、IRNN のエポックごとのテスト正解率",
    },
    "losses": {
        "en": "Training loss by epoch of IRNN and LSTM, at a shared learning rate and at their own",
        "ja": "共通の学習率と個別の学習率での、IRNN と LSTM のエポックごとの訓練損失",
    },
    "batches": {
        "en": "Test accuracy by update of IRNN and LSTM in batches of two sizes",
        "ja": "2 通りのバッチサイズでの、IRNN と LSTM の更新回数ごとのテスト正解率",
    },
    "times": {
        "en": "Seconds per epoch of IRNN and LSTM, in 2015 and now",
        "ja": "2015 年と現在の、IRNN と LSTM の 1 エポックあたりの秒数",
    },
    "curves_by_time": {
        "en": "Test accuracy by computation time of IRNN and LSTM",
        "ja": "IRNN と LSTM の、計算時間に対するテスト正解率",
    },
    "reading": {
        "en": "A digit, and the probabilities of the ten digits that IRNN and LSTM give",
        "ja": "数字の画像と、IRNN と LSTM がそれぞれの数字に与える確率",
    },
}

CAPTIONS = {
    "digit": {
        "en": "A digit as the networks read it: the image, which they never see, and its pixels "
        "from the top left to the bottom right, one per step. 0 is blank, 1 is black.",
        "ja": "ネットワークが読む数字。ネットワークが見ることのない画像と、その画素を左上から"
        "右下まで 1 ステップに一つずつ並べた系列。0 は空白、1 は黒。",
    },
    "cells": {
        "en": "One step of both networks, without the biases of the LSTM. Thick: the shortest path "
        "of the gradient back from step to step. In the circles vectors are added or multiplied, "
        "unit by unit; σ is the hard sigmoid.",
        "ja": "二つのネットワークの 1 ステップ（LSTM のバイアスは省略）。太い線は、勾配が"
        "ステップからステップへさかのぼる最短の経路。丸の中では、ベクトルをユニットごとに足すか掛ける。"
        "σ は hard sigmoid。",
    },
    "search": {
        "en": "The search for a learning rate: the mean training loss of the first epoch, of one "
        "seed at each rate. The dotted line is the loss of equal probabilities for all ten "
        "digits.",
        "ja": "学習率の探索。それぞれの学習率で、一つのシードの第 1 エポックの平均訓練損失を示す。"
        "点線は、10 種類の数字に等しい確率を与えたときの損失。",
    },
    "curves": {
        "en": "Accuracy on the test set after every epoch, up to the last one that both networks "
        "of a pair have. A thin line is a seed, a thick one the mean of the seeds. Solid: both "
        "networks at the shared learning rate. Dashed: each at a rate of its own.",
        "ja": "各エポック後の、テストデータでの正解率。比べる二つのネットワークがともに到達した"
        "最後のエポックまでを示す。細い線は個々のシード、太い線はその平均。実線は両方の"
        "ネットワークに共通の学習率、破線はネットワークごとの学習率。",
    },
    "further": {
        "en": "Accuracy of the IRNN on the test set after every epoch, as far as it was trained. A "
        "thin line is a seed, a thick one the mean of the seeds. Solid: at the shared learning "
        "rate. Dashed: at its own. Horizontal lines: what others report for the IRNN on MNIST.",
        "ja": "IRNN の、各エポック後のテストデータでの正解率を、学習の終わりまで示す。細い線は"
        "個々のシード、太い線はその平均。実線は共通の学習率、破線は個別の学習率。"
        "横線は、MNIST での IRNN についてほかで報告された値。",
    },
    "losses": {
        "en": "The mean loss on the training images while they are trained on, epoch by epoch, of "
        "the same runs. The dotted line is the loss of equal probabilities for all ten digits.",
        "ja": "同じランの訓練損失。各エポックのあいだの平均を示す。点線は、10 種類の数字に等しい"
        "確率を与えたときの損失。",
    },
    "batches": {
        "en": "Accuracy on the test set by the number of updates, each network at a rate of its "
        "own, the same for both batch sizes. A thin line is a seed, a thick one the mean of the "
        "seeds. Solid: the batch size of the other figures. Dashed: the paper's.",
        "ja": "更新回数に対する、テストデータでの正解率。学習率はネットワークごとに選んだもので、"
        "バッチサイズによらない。細い線は個々のシード、太い線はその平均。実線はほかの図と同じ"
        "バッチサイズ、破線は論文のバッチサイズ。",
    },
    "times": {
        "en": "Seconds of training per epoch, as the post reports them (outlined) and in the runs "
        "of this book (filled).",
        "ja": "1 エポックの学習にかかる秒数。枠だけの棒は元記事の値、塗りつぶした棒は"
        "本書のランの値。",
    },
    "curves_by_time": {
        "en": "The same accuracies over computation time: each epoch counts as long as an epoch "
        "of its network takes.",
        "ja": "同じ正解率を計算時間に対して示したもの。どのエポックにも、そのネットワークの "
        "1 エポックにかかる時間を当てはめた。",
    },
    "reading": {
        "en": "A digit being read by both networks. The marks under a digit say which network "
        "names it. Bars: the probabilities of the ten digits, if the image ended at this pixel. "
        "Each small square is a unit: its area is the unit's value as a share of the largest so "
        "far, or of 1 for a gate; a negative value is an outline.",
        "ja": "両方のネットワークが数字を読む様子。数字の下の印は、それぞれのネットワークが正しく"
        "答えるかどうかを表す。棒は、画像がその画素で終わるとしたときに、それぞれの数字に与える確率。"
        "小さな正方形はそれぞれ一つのユニットで、面積は、それまでの最大値（ゲートでは 1）に"
        "対する値の割合。負の値は枠だけで示す。",
    },
}

WORDS = {
    "en": SHARED["en"]
    | {
        "example": "Keras example: {accuracy:.0%} after {epochs} epochs",
        "paper": "paper: {accuracy:.1%}",
        "marked": "; lines mark what others report for the IRNN, {example:.0%} and {paper:.1%}",
        "then": "{model}, 2015: GRID K520",
        "now": "{model}, now: {device}",
        "learning rate": "learning rate (logarithmic)",
        "loss": "training loss, first epoch",
        "lowest": "{model}: lowest at {rate}, with {loss:.2f}",
        "digit": "a digit labelled “{label}”",
        "inked": "The first pixel with ink is read at step {first} of {steps}, the last at {last}",
        "step": "step t = 1 … {steps}, row by row",
        "pixel": "pixel",
    },
    "ja": SHARED["ja"]
    | {
        "example": "Keras のサンプルコード：{epochs} エポックで {accuracy:.0%}",
        "paper": "論文：{accuracy:.1%}",
        "marked": "。横線はほかで報告された IRNN の値 {example:.0%} と {paper:.1%}",
        "then": "{model}、2015 年：GRID K520",
        "now": "{model}、現在：{device}",
        "learning rate": "学習率（対数目盛）",
        "loss": "訓練損失（第 1 エポック）",
        "lowest": "{model} の最小値は {rate} での {loss:.2f}",
        "digit": "ラベルが「{label}」の画像",
        "inked": "全 {steps} ステップのうち、最初の黒い画素は第 {first} ステップ、"
        "最後の黒い画素は第 {last} ステップで読む",
        "step": "ステップ t = 1 … {steps}（上の行から順に）",
        "pixel": "画素値",
    },
}


def experiment(
    dataset: str,
    epochs: int | None,
    seeds: int,
    units: int,
    batch_size: int,
    learning_rate: float,
    semantics: str = "2015",
    small_batches: bool = True,
    **knobs,
) -> Experiment:
    """Return the main experiment: both networks, in 2015's semantics with RMSprop by default.

    `irnn`, `lstm`: at one learning rate, as in the post. `irnn-tuned`, `lstm-tuned`: each at
    its own. `irnn-search`, `lstm-search`: an epoch of the first seed at each of `RATES`.
    `small_batches` adds `irnn-small`, `lstm-small`: each at its own rate, in batches of
    `PAPER_BATCH`. `knobs` are more fields of `RunSpec`, those of all runs.
    """
    common = {"dataset": dataset, "units": units, "batch_size": batch_size} | knobs

    def curve(model: str, rates: Iterable[float], seeds: int, epochs: int, **changes) -> Curve:
        specs = [
            make(model, str(semantics), learning_rate=rate, seed=seed, **common | changes)
            for rate in rates
            for seed in range(seeds)
        ]
        return Curve(tuple(specs), epochs)

    found = {}
    for model in MODELS:
        found[model] = curve(model, [learning_rate], seeds, epochs or EPOCHS[model])
    for model in MODELS:
        name = f"{model}-tuned"
        found[name] = curve(model, [TUNED[model]], seeds, epochs or EPOCHS[name])
    for model in MODELS:
        found[f"{model}-search"] = curve(model, RATES[model], 1, 1)
    if small_batches:
        for model in MODELS:
            length = epochs or EPOCHS["small_batches"]
            small = curve(model, [TUNED[model]], seeds, length, batch_size=PAPER_BATCH)
            found[f"{model}-small"] = small
    return found


def numbers(runs: Runs, language: str) -> dict[str, str | int]:
    """Return the numbers of the prose by name."""
    spec = runs["irnn"][0].spec
    times = _times(runs)
    irnn_time, lstm_time = (times[network] for network in MODELS)
    both, both_tuned = (_common(runs, *pair) for pair in PAIRS)
    means = [accuracies(runs["lstm-tuned"], epoch).mean() for epoch in range(both_tuned + 1)]
    peak = int(np.argmax(means))

    return dict(
        steps=spec.steps,
        units=spec.units,
        batch_size=spec.batch_size,
        images=f"{spec.training_images:,}",
        updates=f"{spec.updates:,}",
        seeds=len(runs["irnn"]),
        rate=rate(spec.learning_rate),
        irnn_rate=rate(runs["irnn-tuned"][0].spec.learning_rate),
        lstm_rate=rate(runs["lstm-tuned"][0].spec.learning_rate),
        irnn_factor=f"{runs['irnn-tuned'][0].spec.learning_rate / spec.learning_rate:g}",
        lstm_factor=f"{runs['lstm-tuned'][0].spec.learning_rate / spec.learning_rate:g}",
        irnn_epochs=len(runs["irnn"][0]),
        lstm_epochs=len(runs["lstm"][0]),
        irnn_updates=f"{len(runs['irnn'][0]) * spec.updates:,}",
        irnn_tuned_epochs=len(runs["irnn-tuned"][0]),
        irnn_meanwhile=percent(runs["irnn"], language, _common(runs, "irnn", "irnn-tuned")),
        lstm_tuned_epochs=len(runs["lstm-tuned"][0]),
        irnn=percent(runs["irnn"], language),
        both_epochs=both + 1,
        both_updates=f"{(both + 1) * spec.updates:,}",
        irnn_then=percent(runs["irnn"], language, both),
        lstm_then=percent(runs["lstm"], language, both),
        irnn_spread=spread(runs["irnn"]),
        lstm=percent(runs["lstm"], language),
        irnn_tuned=percent(runs["irnn-tuned"], language),
        both_tuned_epochs=both_tuned + 1,
        irnn_tuned_then=percent(runs["irnn-tuned"], language, both_tuned),
        lstm_tuned_then=percent(runs["lstm-tuned"], language, both_tuned),
        both_tuned_p=p_value(difference(runs["irnn-tuned"], runs["lstm-tuned"], both_tuned).p),
        both_tuned_level=f"{TUNED_LEVEL:.3g}",
        both_tuned_apart=of_epochs(
            epochs_apart(runs["irnn-tuned"], runs["lstm-tuned"]), both_tuned + 1, language
        ),
        lstm_tuned=percent(runs["lstm-tuned"], language),
        lstm_tuned_peak_epochs=peak + 1,
        lstm_tuned_peak=percent(runs["lstm-tuned"], language, peak),
        irnn_tuned_peak=percent(runs["irnn-tuned"], language, peak),
        irnn_norm=mean(runs["irnn"], "gradient_norm", epoch=0),
        irnn_norm_end=mean(runs["irnn"], "gradient_norm"),
        lstm_loss_start=f"{_mean(runs['lstm'], 'loss', 0):.3f}",
        lstm_loss=f"{_mean(runs['lstm'], 'loss', both):.3f}",
        lstm_lowest=f"{accuracies(runs['lstm'], both).min():.1%}",
        irnn_loss=f"{_mean(runs['irnn'], 'loss'):.2f}",
        irnn_test_loss=f"{_mean(runs['irnn'], 'val_loss'):.2f}",
        example_updates=f"{EXAMPLE_EPOCHS * make('irnn').updates:,}",
        irnn_timed=irnn_time.epochs,
        lstm_timed=lstm_time.epochs,
        irnn_seconds=seconds(irnn_time.seconds),
        lstm_seconds=seconds(lstm_time.seconds),
        ratio=f"{_ratio(times):.1f}",
        irnn_then_seconds=seconds(POST_SECONDS["irnn"]),
        lstm_then_seconds=seconds(POST_SECONDS["lstm"]),
        then_ratio=f"{POST_SECONDS['lstm'] / POST_SECONDS['irnn']:.1f}",
        irnn_faster=f"{POST_SECONDS['irnn'] / irnn_time.seconds:.1f}",
        lstm_faster=f"{POST_SECONDS['lstm'] / lstm_time.seconds:.1f}",
        device=irnn_time.device,
        backend=irnn_time.backend,
    ) | (_batch_numbers(runs, language) if "irnn-small" in runs else {})


def _batch_numbers(runs: Runs, language: str) -> dict[str, str | int]:
    """Return the numbers of batches of two sizes, after as many updates and as many epochs."""
    found: dict[str, str | int] = {}
    for model in MODELS:
        usual, small = _as_many_updates(runs, model)
        early = [run.until(len(small[0])) for run in usual]
        found |= {
            "small_batch": small[0].spec.batch_size,
            "small_epochs": len(small[0]),
            "small_updates": f"{len(small[0]) * small[0].spec.updates:,}",
            "small_seeds": len(small),
            f"{model}_small": percent(small, language),
            f"{model}_same_updates": percent(usual, language),
            f"{model}_same_updates_p": p_value(difference(small, usual).p),
            f"{model}_same_epochs": percent(early, language),
            f"{model}_same_epochs_p": p_value(difference(small, early).p),
        }
    return found


def _as_many_updates(runs: Runs, model: str) -> tuple[list[Run], list[Run]]:
    """Return a network's runs in batches of the usual size and of `PAPER_BATCH`, equally far.

    That is the last epoch in small batches after which the others have made as many updates.
    """
    usual, small = runs[f"{model}-tuned"], runs[f"{model}-small"]
    times = small[0].spec.updates / usual[0].spec.updates
    epochs = len(small[0])
    while epochs > 1 and round(epochs * times) > len(usual[0]):
        epochs -= 1
    return [run.until(round(epochs * times)) for run in usual], [r.until(epochs) for r in small]


def _mean(runs: list[Run], metric: str, epoch: int = -1) -> float:
    """Return the mean of a metric over the seeds."""
    return float(np.mean([run[metric][epoch] for run in runs]))


def _times(runs: Runs) -> dict[str, EpochTime]:
    """Return what an epoch takes, by network, whatever the learning rate."""
    return epoch_times(run for name in CURVES for run in runs[name])


def _compared(runs: Runs) -> dict[str, list[Run]]:
    """Return the runs of each of `PAIRS` by curve, up to the last epoch that both have."""
    return {
        name: [run.until(_common(runs, *pair) + 1) for run in runs[name]]
        for pair in PAIRS
        for name in pair
    }


def curves(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy of both networks by epoch, at the shared rate and at their own."""
    return _curves(_compared(runs), runs, "curves", language)


def further(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy of the IRNN by epoch to its end; marked is what others report."""
    text, alt = WORDS[language], ALT["further"][language]
    reported = {}
    if runs["irnn"][0].spec.dataset == "mnist":
        words = {"accuracy": EXAMPLE_ACCURACY, "epochs": EXAMPLE_EPOCHS}
        reported[EXAMPLE_ACCURACY] = text["example"].format(**words)
        reported[PAPER_ACCURACY] = text["paper"].format(accuracy=PAPER_ACCURACY)
        alt += text["marked"].format(example=EXAMPLE_ACCURACY, paper=PAPER_ACCURACY)

    def more(axes: "Axes") -> None:
        for line, (value, name) in zip(("-.", "-"), reported.items(), strict=False):
            axes.axhline(value, color=INK, linewidth=0.8, linestyle=line, alpha=0.8, label=name)

    shown = ("irnn", "irnn-tuned")
    return learning_curves(runs, shown, language, alt, more=more, times=_times(runs))


def losses(runs: Runs, language: str) -> Picture:
    """Draw the training loss of the compared runs by epoch."""
    return _curves(_compared(runs), runs, "losses", language, y="loss")


def _curves(shown: Runs, runs: Runs, name: str, language: str, **axes: str) -> Picture:
    """Draw all curves, with the time of an epoch that all of the runs say."""
    alt, times = ALT[name][language], _times(runs)
    return learning_curves(shown, CURVES, language, alt, times=times, **axes)


def batches(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy by update, in batches of the usual size and of `PAPER_BATCH`."""
    found = {}
    for model in MODELS:
        found[model], found[f"{model}-small"] = _as_many_updates(runs, model)
    return learning_curves(found, found, language, ALT["batches"][language], x="updates")


def curves_by_time(runs: Runs, language: str) -> Picture:
    """Draw the same by computation time: all that an IRNN does while its LSTM is trained."""
    found, ratio = _compared(runs), _ratio(_times(runs))
    for irnn, lstm in PAIRS:
        epochs = math.ceil(len(found[lstm][0]) * ratio)
        found[irnn] = [run.until(epochs) for run in runs[irnn]]
    return _curves(found, runs, "curves_by_time", language, x="minutes")


def times(runs: Runs, language: str) -> Picture:
    """Draw the seconds per epoch of both networks, the post's and the recorded ones."""
    text = WORDS[language]
    bars = []  # label, seconds, network, whether it is filled
    for model, now in _times(runs).items():
        name = model.upper()
        bars.append((text["then"].format(model=name), POST_SECONDS[model], model, False))
        label = text["now"].format(model=name, device=now.device)
        bars.append((label, now.seconds, model, True))

    def draw(wide: bool) -> "Figure":
        figure = new_figure(2.6, wide)
        axes = figure.add_subplot()
        for place, (_, value, model, filled) in enumerate(bars):
            look = {"edgecolor": COLORS[model], "linewidth": 1.5}
            look["facecolor"] = COLORS[model] if filled else "none"
            bar = axes.barh(place, value, 0.8 if wide else 0.5, **look)
            axes.bar_label(bar, [seconds(value)], padding=4)
        label_rows(axes, [label for label, *_ in bars], wide)
        axes.margins(x=0.15)
        axes.set_xlabel(text["linear seconds"])
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(visible=False, axis="y")
        return figure

    shown = tuple(run for name in CURVES for run in runs[name])
    findings = [
        text["duration"].format(name=name, seconds=seconds(value)) for name, value, *_ in bars
    ]
    alt = described(ALT["times"][language], findings, language)
    values = [{"bar": label, "network": model, "seconds": t} for label, t, model, _ in bars]
    return Picture(draw, alt, language, shown, values=values)


def cells(language: str) -> Picture:
    """Draw what a step of both networks computes."""
    return diagram.cells(language, ALT["cells"][language])


def search(runs: Runs, language: str) -> Picture:
    """Draw the training loss of the first epoch over the learning rate, for both networks."""
    text = WORDS[language]
    found = {model: runs[f"{model}-search"] for model in MODELS}

    def draw(wide: bool) -> "Figure":
        figure = new_figure(3.6, wide)
        axes = figure.add_subplot()
        for model, searched in found.items():
            axes.plot(
                [run.spec.learning_rate for run in searched],
                [run["loss"][0] for run in searched],
                color=COLORS[model],
                marker=MARKERS[model],
                label=model.upper(),
                gid=" ".join(run.spec.id for run in searched),
            )
        look = {"color": INK, "linewidth": 1.2, "linestyle": ":", "alpha": 0.8}
        axes.axhline(np.log(10), label=text["guessing"], **look)
        logarithmic(axes.xaxis)
        axes.set(xlabel=text["learning rate"], ylabel=text["loss"])
        legend(figure, wide, columns=3)
        return figure

    shown = tuple(run for searched in found.values() for run in searched)
    lowest = [
        searched[np.nanargmin([r["loss"][0] for r in searched])] for searched in found.values()
    ]
    findings = [
        text["lowest"].format(
            model=run.spec.model.upper(), rate=rate(run.spec.learning_rate), loss=run["loss"][0]
        )
        for run in lowest
    ]
    alt = described(ALT["search"][language], findings, language)
    values = [columns(run.spec) | {"loss": run["loss"][0]} for run in shown]
    return Picture(draw, alt, language, shown, values=values)


def digit(images: Data, language: str, label: int = 5) -> Picture:
    """Draw the first training image of a label and its pixels as a sequence, row after row."""
    text = WORDS[language]
    image = images.x_train[np.flatnonzero(images.y_train == label)[0]]
    side = len(image)
    pixels = image.reshape(-1)
    t = np.arange(1, len(pixels) + 1)

    def draw(wide: bool) -> "Figure":
        figure = new_figure(2.6 if wide else 5, wide)
        layout = {"nrows": 1, "ncols": 2, "width_ratios": (1, 2.4)}
        picture, sequence = figure.subplots(**layout) if wide else figure.subplots(2, 1)
        picture.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        picture.set(xticks=[], yticks=[], xlabel=text["digit"].format(label=label))
        picture.grid(visible=False)
        for spine in picture.spines.values():
            spine.set_visible(True)
        sequence.fill_between(t, pixels, step="mid", color=COLORS["irnn"], alpha=0.35)
        sequence.step(t, pixels, where="mid", color=COLORS["irnn"], linewidth=0.8)
        rows = 7 if side > 8 else 2
        sequence.set(
            xlim=(0, len(t) + 1),
            ylim=(0, 1.05),
            xticks=range(0, len(t) + 1, rows * side),
            xlabel=text["step"].format(steps=len(t)),
            ylabel=text["pixel"],
        )
        return figure

    inked = np.flatnonzero(pixels) + 1
    finding = text["inked"].format(first=inked[0], last=inked[-1], steps=len(t))
    alt = described(ALT["digit"][language], [finding], language)
    values = [{"step": i, "pixel": float(pixel)} for i, pixel in enumerate(pixels, 1)]
    return Picture(draw, alt, language, values=values)


def reading(images: Data, language: str) -> Picture:
    """Show `NETWORKS` reading a digit, pixel by pixel."""
    return reader.reading(NETWORKS, images, language, ALT["reading"][language])


# --- claims -----------------------------------------------------------------------------


def _common(runs: Runs, *curves: str) -> int:
    """Return the last epoch, from 0 on, that all runs of some curves have."""
    return min(len(run) for name in curves for run in runs[name]) - 1


def _ratio(times: dict[str, EpochTime]) -> float:
    """Return how many epochs of the IRNN one of the LSTM takes, on one kind of machine."""
    return times["lstm"].seconds / times["irnn"].seconds


def irnn_is_ahead(runs: Runs, irnn: str, lstm: str, level: float = SIGNIFICANT) -> str:
    """Judge that the IRNN is ahead of the LSTM at the last epoch that both have."""
    return is_ahead(runs[irnn], runs[lstm], _common(runs, irnn, lstm), level)


def _same_time(runs: Runs) -> tuple[int, int]:
    """Return epochs of the IRNN and of the LSTM, from 0 on, that took about the same time.

    They are the last of the LSTM, or of the IRNN where that was trained for less time.
    """
    ratio = _ratio(_times(runs))
    epochs = min(len(run) for run in runs["irnn"])
    lstm = min(_common(runs, "lstm"), int(epochs / ratio) - 1)
    irnn = min(int((lstm + 1) * ratio), epochs) - 1
    if min(irnn, lstm) < 0:
        raise NotRecorded("an epoch of both in the same time")
    return irnn, lstm


def irnn_is_ahead_by_time(runs: Runs) -> str:
    """Judge that the IRNN is ahead in the same time, and by more than in as many epochs.

    Reproduced: its worst seed is above the LSTM's best, and its mean is above its own after as
    many epochs as the LSTM's. In part: its mean is above the LSTM's.
    """
    epoch, lstm_epoch = _same_time(runs)
    irnn, then = (accuracies(runs["irnn"], n) for n in (epoch, lstm_epoch))
    lstm = accuracies(runs["lstm"], lstm_epoch)
    if irnn.min() > lstm.max() and irnn.mean() > then.mean():
        return "reproduced"
    return "in part" if irnn.mean() > lstm.mean() else "not reproduced"


def every_seed_learns(runs: Runs) -> str:
    """Judge that RMSprop trains the IRNN with every seed: none ends below half of the best."""
    final = accuracies(runs["irnn"])
    return "reproduced" if final.min() > max(LEARNS, final.max() / 2) else "not reproduced"


def lstm_epochs_cost_more(runs: Runs) -> str:
    """Judge that an epoch of the LSTM takes about as many of the IRNN's as the post has.

    Reproduced: from half to twice the post's ratio. In part: more than one.
    """
    ratio = _ratio(_times(runs))
    then = POST_SECONDS["lstm"] / POST_SECONDS["irnn"]
    if then / 2 <= ratio <= 2 * then:
        return "reproduced"
    return "in part" if ratio > 1 else "not reproduced"


def keras_accuracy(runs: Runs) -> str:
    """Judge the Keras example's 93% after 900 epochs, at the shared rate, less a point."""
    if min(len(run) for run in runs["irnn"]) < EXAMPLE_EPOCHS:
        raise NotRecorded(f"{EXAMPLE_EPOCHS} epochs")
    reached = accuracies(runs["irnn"], EXAMPLE_EPOCHS - 1).mean()
    return "reproduced" if reached >= EXAMPLE_ACCURACY - 0.01 else "not reproduced"


def _both(irnn: str, lstm: str):
    """Return a function that says what two curves have reached at their last common epoch."""

    def measured(runs: Runs, language: str) -> str:
        epoch = _common(runs, irnn, lstm)
        a, b = (percent(runs[name], language, epoch) for name in (irnn, lstm))
        return MEASURED[language]["both"].format(irnn=a, lstm=b, n=epoch + 1)

    return measured


def _by_time(runs: Runs, language: str) -> str:
    irnn, lstm = _same_time(runs)
    return MEASURED[language]["by time"].format(
        irnn=percent(runs["irnn"], language, irnn),
        lstm=percent(runs["lstm"], language, lstm),
        n=irnn + 1,
        m=lstm + 1,
    )


def _seconds(runs: Runs, language: str) -> str:
    times = _times(runs)
    both = {model: seconds(times[model].seconds) for model in MODELS}
    return MEASURED[language]["seconds"].format(**both, ratio=f"{_ratio(times):.1f}")


def _final(runs: Runs, language: str) -> str:
    return _after(runs, language, len(runs["irnn"][0]))


def _after_example(runs: Runs, language: str) -> str:
    return _after(runs, language, EXAMPLE_EPOCHS)


def _after(runs: Runs, language: str, epochs: int) -> str:
    reached = percent(runs["irnn"], language, epochs - 1)
    return MEASURED[language]["final"].format(irnn=reached, n=epochs)


MEASURED = {
    "en": {
        "both": "IRNN {irnn}, LSTM {lstm} after {n} epochs",
        "by time": "IRNN {irnn} after {n} epochs, LSTM {lstm} after {m}",
        "seconds": "{irnn} seconds an epoch for the IRNN, {lstm} for the LSTM: a ratio of {ratio}",
        "final": "{irnn} after {n} epochs",
    },
    "ja": {
        "both": "{n} エポック後に IRNN は {irnn}、LSTM は {lstm}",
        "by time": "IRNN は {n} エポック後に {irnn}、LSTM は {m} エポック後に {lstm}",
        "seconds": "1 エポックに IRNN は {irnn} 秒、LSTM は {lstm} 秒、比は {ratio}",
        "final": "{n} エポック後に {irnn}",
    },
}

CLAIMS = (
    Claim(
        "irnn-ahead",
        partial(irnn_is_ahead, irnn="irnn", lstm="lstm"),
        _both("irnn", "lstm"),
        reviewed="reproduced",
    ),
    Claim("irnn-ahead-by-time", irnn_is_ahead_by_time, _by_time, reviewed="reproduced"),
    Claim(
        "irnn-ahead-tuned",
        partial(irnn_is_ahead, irnn="irnn-tuned", lstm="lstm-tuned", level=TUNED_LEVEL),
        _both("irnn-tuned", "lstm-tuned"),
        reviewed="reproduced",
    ),
    Claim("every-seed-learns", every_seed_learns, _final, reviewed="reproduced"),
    Claim("lstm-epochs-cost-more", lstm_epochs_cost_more, _seconds, reviewed="reproduced"),
    Claim("keras-93-percent", keras_accuracy, _after_example, reviewed="not tested"),
)
