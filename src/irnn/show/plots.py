"""Plots that chapters share."""

from collections.abc import Iterable

import numpy as np

from irnn.show.picture import Picture
from irnn.show.style import COLORS, INK, MARKERS, new_figure, style
from irnn.show.text import rate, seconds_per_epoch
from irnn.show.words import SHARED
from irnn.store import Run

Runs = dict[str, list[Run]]


def learning_curves(
    runs: Runs, curves: Iterable[str], language: str, alt: str, by_time: bool = False
) -> Picture:
    """Draw the test accuracy of curves by epoch, or by computation time.

    A thin line is a seed, a thick one the mean over the seeds. Computation time is epochs
    times the median time of the curve's epochs.
    """
    text = SHARED[language]
    with style():
        figure = new_figure(height=4)
        axes = figure.add_subplot()
        for name in curves:
            model = runs[name][0].spec.model
            tuned = "-" in name
            look = {"color": COLORS[model], "linestyle": "--" if tuned else "-"}
            scale = seconds_per_epoch(runs[name]) / 60 if by_time else 1
            accuracy = np.array([run["val_accuracy"] for run in runs[name]])
            x = scale * np.arange(1, accuracy.shape[1] + 1)
            if len(accuracy) > 1:
                axes.plot(x, accuracy.T, linewidth=0.8, alpha=0.45, **look)
            axes.plot(
                x,
                accuracy.mean(axis=0),
                linewidth=2,
                marker=MARKERS[model],
                markersize=4,
                markerfacecolor="none" if tuned else None,
                label=_label(runs[name], text),
                **look,
            )
        axes.axhline(0.1, color=INK, linewidth=1, linestyle=":", alpha=0.6, label=text["chance"])
        axes.set(ylim=(0, 1), xlabel=text["minutes" if by_time else "epoch"])
        axes.set_ylabel(text["test accuracy"])
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.set_xlim(left=0)
        if not by_time:
            axes.locator_params(axis="x", integer=True)
        axes.legend(loc="best")
    shown = tuple(run for name in curves for run in runs[name])
    return Picture(figure, alt, language, shown)


def _label(runs: list[Run], text: dict[str, str]) -> str:
    spec = runs[0].spec
    label = text["rate"].format(model=spec.model.upper(), rate=rate(spec.learning_rate))
    return text["seeds"].format(label=label, n=len(runs)) if len(runs) > 1 else label
