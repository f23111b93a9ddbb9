"""Plots that chapters share."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from irnn.show.curves import of_runs
from irnn.show.picture import Picture, columns
from irnn.show.style import COLORS, INK, MARKERS, label_rows, legend, new_figure
from irnn.show.text import described, rate
from irnn.show.times import comparable, epoch_times
from irnn.show.words import SHARED
from irnn.store import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Runs = dict[str, list[Run]]


def learning_curves(
    runs: Runs, curves: Iterable[str], language: str, alt: str, by_time: bool = False
) -> Picture:
    """Draw the test accuracy of curves by epoch, or by computation time.

    A thin line is a seed, a thick one the mean over the seeds. Computation time is epochs
    times what an epoch of the curve's network takes, see `epoch_times`. The alternative text
    goes on with where each curve begins and ends.
    """
    text = SHARED[language]
    curves = list(curves)
    shown = [run for name in curves for run in runs[name]]
    times = epoch_times(shown) if by_time else {}
    minutes = {name: times[runs[name][0].spec.model].seconds / 60 for name in curves if by_time}

    def draw(wide: bool) -> "Figure":
        figure = new_figure(4.4 if wide else 4.2, wide)
        axes = figure.add_subplot()
        for name in curves:
            model = runs[name][0].spec.model
            tuned = "-" in name
            look = {"color": COLORS[model], "linestyle": "--" if tuned else "-"}
            accuracy = np.array([run["val_accuracy"] for run in runs[name]])
            x = minutes.get(name, 1) * np.arange(1, accuracy.shape[1] + 1)
            label = _label(runs[name], text)
            for run in runs[name] if len(accuracy) > 1 else ():
                seed = of_runs(label, run.spec) | look
                axes.plot(x, run["val_accuracy"], linewidth=0.8, alpha=0.45, **seed)
            axes.plot(
                x,
                accuracy.mean(axis=0),
                linewidth=2,
                marker=MARKERS[model],
                markersize=4,
                markerfacecolor="none" if tuned else None,
                label=label,
                gid=runs[name][0].spec.id if len(accuracy) == 1 else None,
                **look,
            )
        axes.axhline(0.1, color=INK, linewidth=1.2, linestyle=":", alpha=0.8, label=text["chance"])
        axes.set(ylim=(0, 1), xlabel=text["minutes" if by_time else "epoch"])
        axes.set_ylabel(text["test accuracy"])
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.set_xlim(left=0)
        if not by_time:
            axes.locator_params(axis="x", integer=True)
        legend(figure, wide)
        return figure

    ends = [_from_to(runs[name], text) for name in curves]
    values = [
        columns(run) | {"epoch": epoch + 1} | time | {"accuracy": accuracy}
        for name in curves
        for run in runs[name]
        for epoch, accuracy in enumerate(run["val_accuracy"])
        for time in [{"minutes": minutes[name] * (epoch + 1)} if by_time else {}]
    ]
    alt = described(alt, ends, language)
    labelled = {_label(runs[name], text): runs[name] for name in curves}
    units = {} if by_time else _units(labelled, text)
    return Picture(draw, alt, language, tuple(shown), values=values, units=units)


def _units(curves: Runs, text: dict[str, str]) -> dict[str, dict[str, float]]:
    """Return what an epoch of each curve is in updates and, where that compares, in minutes."""
    found = {text["updates"]: {label: some[0].spec.updates for label, some in curves.items()}}
    times = epoch_times(run for some in curves.values() for run in some)
    if comparable(times):
        found[text["minutes"]] = {
            label: times[some[0].spec.model].seconds / 60 for label, some in curves.items()
        }
    return found


def final_accuracies(rows: dict[str, list[list[Run]]], language: str, alt: str) -> Picture:
    """Draw the test accuracy at the end of runs, a row for each label.

    A small mark is a seed, a large one the mean over the seeds of a list of runs. The alternative
    text goes on with the means.
    """
    text = SHARED[language]
    found = {
        label: [(some, np.array([run["val_accuracy"][-1] for run in some])) for some in groups]
        for label, groups in rows.items()
    }

    def draw(wide: bool) -> "Figure":
        figure = new_figure(0.9 + (0.42 if wide else 0.55) * len(rows), wide)
        axes = figure.add_subplot()
        named = set()
        for y, groups in enumerate(found.values()):
            for some, values in groups:
                model = some[0].spec.model
                look = {"color": COLORS[model], "marker": MARKERS[model], "linestyle": ""}
                seeds = of_runs(model.upper(), *(run.spec for run in some)) | look
                axes.plot(values, [y] * len(values), markersize=4, alpha=0.5, **seeds)
                label = f"_{model.upper()}" if model in named else model.upper()
                named.add(model)
                axes.plot([values.mean()], [y], markersize=9, label=label, **look)
        label_rows(axes, list(rows), wide)
        axes.set(xlim=(0, 1), xlabel=text["test accuracy"])
        axes.xaxis.set_major_formatter("{x:.0%}")
        legend(figure, wide)
        return figure

    findings = [
        text["reaches"].format(
            model=some[0].spec.model.upper(), label=label, accuracy=values.mean()
        )
        for label, groups in found.items()
        for some, values in groups
    ]
    shown = [(label, run) for label, groups in rows.items() for some in groups for run in some]
    table = [
        columns(run) | {"row": label, "accuracy": run["val_accuracy"][-1]} for label, run in shown
    ]
    every = tuple({run.spec: run for _, run in shown}.values())
    return Picture(draw, described(alt, findings, language), language, every, values=table)


def _from_to(runs: list[Run], text: dict[str, str]) -> str:
    """Say where a curve begins and where it ends."""
    mean = np.mean([run["val_accuracy"] for run in runs], axis=0)
    return text["from to"].format(
        label=_label(runs, text), first=f"{mean[0]:.1%}", last=f"{mean[-1]:.1%}", n=len(mean)
    )


def _label(runs: list[Run], text: dict[str, str]) -> str:
    spec = runs[0].spec
    label = text["rate"].format(model=spec.model.upper(), rate=rate(spec.learning_rate))
    return text["seeds"].format(label=label, n=len(runs)) if len(runs) > 1 else label
