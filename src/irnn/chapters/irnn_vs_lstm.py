"""The main experiment: both networks as the post trained them, and each at its own rate."""

from collections.abc import Iterable

import numpy as np

from irnn.data import Data
from irnn.parameters import shared
from irnn.show import reader
from irnn.show.picture import Picture
from irnn.show.plots import Runs, learning_curves
from irnn.show.style import COLORS, MARKERS, new_figure, style
from irnn.show.text import mean, percent, rate, seconds, seconds_per_epoch, spread
from irnn.show.words import SHARED
from irnn.spec import make
from irnn.training.plan import Curve, Experiment

PARAMETERS = shared()

CURVES = ("irnn", "lstm", "irnn-tuned", "lstm-tuned")

# Epochs of the published curves; the runs in book/runs have at least as many.
EPOCHS = {"irnn": 20, "lstm": 5, "tuned": 5}

# Learning rates searched, one epoch of each, and the ones that had the lowest training loss
# after it. A test holds them against the recorded search.
RATES = {"irnn": (1e-7, 1e-6, 1e-5, 1e-4), "lstm": (1e-5, 1e-4, 1e-3, 1e-2)}
TUNED = {"irnn": 1e-5, "lstm": 1e-4}

# The networks that read digits on the pages, from their recorded weights.
NETWORKS = tuple(make(model, "2015", learning_rate=rate) for model, rate in TUNED.items())

# Seconds per epoch that the post of July 2015 reports, on a GRID K520.
POST_SECONDS = {"irnn": 440, "lstm": 1700}

ALT = {
    "digit": {
        "en": "A handwritten five as an image and as a sequence of pixels, row after row",
        "ja": "手書きの 5 の画像と、それを行ごとに並べた画素の系列",
    },
    "search": {
        "en": "Training loss of the first epoch over the learning rate, for IRNN and LSTM",
        "ja": "IRNN と LSTM の、学習率に対する第 1 エポックの訓練損失",
    },
    "curves": {
        "en": "Test accuracy by epoch of IRNN and LSTM at the post's learning rate and tuned",
        "ja": "元記事の学習率と調整後の学習率での、IRNN と LSTM のエポックごとのテスト正解率",
    },
    "times": {
        "en": "Seconds per epoch of IRNN and LSTM, in 2015 and now",
        "ja": "IRNN と LSTM の 1 エポックあたりの秒数、2015 年と現在",
    },
    "curves_by_time": {
        "en": "Test accuracy by computation time of IRNN and LSTM",
        "ja": "計算時間に対する IRNN と LSTM のテスト正解率",
    },
}

WORDS = {
    "en": SHARED["en"]
    | {
        "then": "{model}, 2015: GRID K520",
        "now": "{model}, now: {device}",
        "learning rate": "learning rate (logarithmic)",
        "loss": "training loss, first epoch",
        "digit": "a training image: “{label}”",
        "step": "step t = 1 … {steps}, row by row",
        "pixel": "pixel",
    },
    "ja": SHARED["ja"]
    | {
        "then": "{model}、2015 年：GRID K520",
        "now": "{model}、現在：{device}",
        "learning rate": "学習率（対数目盛）",
        "loss": "訓練損失（第 1 エポック）",
        "digit": "訓練画像の例：「{label}」",
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
) -> Experiment:
    """Return the main experiment: both networks in 2015's semantics with RMSprop.

    `irnn`, `lstm`: at one learning rate, as in the post. `irnn-tuned`, `lstm-tuned`: each at
    its own. `irnn-search`, `lstm-search`: an epoch of the first seed at each of `RATES`.
    """
    common = {"dataset": dataset, "units": units, "batch_size": batch_size}

    def curve(model: str, rates: Iterable[float], seeds: int, epochs: int) -> Curve:
        specs = [
            make(model, "2015", learning_rate=rate, seed=seed, **common)
            for rate in rates
            for seed in range(seeds)
        ]
        return Curve(tuple(specs), epochs)

    found = {}
    for model in ("irnn", "lstm"):
        found[model] = curve(model, [learning_rate], seeds, epochs or EPOCHS[model])
    for model in ("irnn", "lstm"):
        found[f"{model}-tuned"] = curve(model, [TUNED[model]], seeds, epochs or EPOCHS["tuned"])
    for model in ("irnn", "lstm"):
        found[f"{model}-search"] = curve(model, RATES[model], 1, 1)
    return found


def numbers(runs: Runs, language: str) -> dict[str, str | int]:
    """Return the numbers of the prose by name."""
    spec = runs["irnn"][0].spec
    irnn_seconds = seconds_per_epoch(runs["irnn"])
    lstm_seconds = seconds_per_epoch(runs["lstm"])

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
        tuned_epochs=len(runs["irnn-tuned"][0]),
        irnn=percent(runs["irnn"], language),
        irnn_then=percent(runs["irnn"], language, epoch=len(runs["lstm"][0]) - 1),
        irnn_spread=spread(runs["irnn"]),
        lstm=percent(runs["lstm"], language),
        irnn_tuned=percent(runs["irnn-tuned"], language),
        lstm_tuned=percent(runs["lstm-tuned"], language),
        irnn_norm=mean(runs["irnn"], "gradient_norm", epoch=0),
        irnn_norm_end=mean(runs["irnn"], "gradient_norm"),
        lstm_norm=mean(runs["lstm"], "gradient_norm", epoch=0),
        irnn_seconds=seconds(irnn_seconds),
        lstm_seconds=seconds(lstm_seconds),
        ratio=f"{lstm_seconds / irnn_seconds:.1f}",
        irnn_then_seconds=POST_SECONDS["irnn"],
        lstm_then_seconds=POST_SECONDS["lstm"],
        then_ratio=f"{POST_SECONDS['lstm'] / POST_SECONDS['irnn']:.1f}",
        irnn_faster=f"{POST_SECONDS['irnn'] / irnn_seconds:.1f}",
        lstm_faster=f"{POST_SECONDS['lstm'] / lstm_seconds:.1f}",
        device=runs["irnn"][0].sittings[-1]["device"],
        backend=runs["irnn"][0].sittings[-1]["backend"],
    )


def curves(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy of both networks by epoch, at the shared rate and at their own."""
    return learning_curves(runs, CURVES, language, ALT["curves"][language])


def curves_by_time(runs: Runs, language: str) -> Picture:
    """Draw the same by computation time."""
    return learning_curves(runs, CURVES, language, ALT["curves_by_time"][language], by_time=True)


def times(runs: Runs, language: str) -> Picture:
    """Draw the seconds per epoch of both networks, the post's and the recorded ones."""
    text = WORDS[language]
    rows = []
    for model, then in POST_SECONDS.items():
        name = model.upper()
        rows.append((text["then"].format(model=name), then, model, 0.35))
        device = runs[model][0].sittings[-1]["device"]
        now = seconds_per_epoch(runs[model])
        rows.append((text["now"].format(model=name, device=device), now, model, 1.0))
    labels, values, models, alphas = zip(*rows, strict=True)
    with style():
        figure = new_figure(height=2.6)
        axes = figure.add_subplot()
        bars = axes.barh(range(len(rows)), values, color=[COLORS[m] for m in models])
        for bar, alpha in zip(bars, alphas, strict=True):
            bar.set_alpha(alpha)
        axes.bar_label(bars, labels=[seconds(value) for value in values], padding=4)
        axes.set_yticks(range(len(rows)), labels)
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set(xlabel=text["seconds"], xlim=(min(1, min(values) / 2), 2 * max(values)))
        axes.grid(visible=False, axis="y")
    return Picture(figure, ALT["times"][language], language, tuple(runs["irnn"] + runs["lstm"]))


def search(runs: Runs, language: str) -> Picture:
    """Draw the training loss of the first epoch over the learning rate, for both networks."""
    text = WORDS[language]
    curves = ("irnn-search", "lstm-search")
    with style():
        figure = new_figure(height=3.2)
        axes = figure.add_subplot()
        for name in curves:
            model = runs[name][0].spec.model
            axes.plot(
                [run.spec.learning_rate for run in runs[name]],
                [run["loss"][0] for run in runs[name]],
                color=COLORS[model],
                marker=MARKERS[model],
                label=model.upper(),
            )
        axes.set_xscale("log")
        axes.set(xlabel=text["learning rate"], ylabel=text["loss"])
        axes.legend()
    return Picture(
        figure,
        ALT["search"][language],
        language,
        tuple(run for name in curves for run in runs[name]),
    )


def digit(images: Data, language: str, label: int = 5) -> Picture:
    """Draw the first training image of a label and its pixels as a sequence, row after row."""
    text = WORDS[language]
    image = images.x_train[np.flatnonzero(images.y_train == label)[0]]
    side = len(image)
    steps = side * side
    with style():
        figure = new_figure(height=2.6)
        picture, sequence = figure.subplots(1, 2, width_ratios=(1, 2.4))
        picture.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        picture.set(xticks=[], yticks=[], xlabel=text["digit"].format(label=label))
        picture.grid(visible=False)
        for spine in picture.spines.values():
            spine.set_visible(True)
        t = np.arange(1, steps + 1)
        sequence.fill_between(t, image.reshape(-1), step="mid", color=COLORS["irnn"], alpha=0.35)
        sequence.step(t, image.reshape(-1), where="mid", color=COLORS["irnn"], linewidth=0.8)
        sequence.set(
            xlim=(0, steps + 1),
            ylim=(0, 1.05),
            xticks=range(0, steps + 1, 7 * side if side > 8 else 2 * side),
            xlabel=text["step"].format(steps=steps),
            ylabel=text["pixel"],
        )
    return Picture(figure, ALT["digit"][language], language)


def reading(images: Data, language: str) -> reader.Reading:
    """Show `NETWORKS` reading digits of a test set, pixel by pixel."""
    return reader.reading(NETWORKS, images, language)
