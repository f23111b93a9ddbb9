"""Plots that chapters share."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from irnn.show.curves import of_runs
from irnn.show.picture import Picture, columns
from irnn.show.style import COLORS, INK, MARKERS, SEED, label_rows, legend, new_figure
from irnn.show.text import described, rate
from irnn.show.times import EpochTime, comparable, epoch_times
from irnn.show.words import SHARED
from irnn.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Runs = dict[str, list[Run]]

# A metric's name on the axis, what guessing among ten digits gives, and that line's name.
METRICS = {
    "val_accuracy": ("test accuracy", 0.1, "chance"),
    "loss": ("training loss", float(np.log(10)), "guessing"),
}

MARKERS_AT_MOST = 20  # on a curve


def learning_curves(
    runs: Runs,
    curves: Iterable[str],
    language: str,
    alt: str,
    x: str = "epoch",
    y: str = "val_accuracy",
    more: "Callable[[Axes], None] | None" = None,
    times: dict[str, EpochTime] | None = None,
) -> Picture:
    """Draw the test accuracy or the training loss of curves by epoch, or over another axis.

    A thin line is a seed, a thick one the mean over the seeds. Beside epochs stands an axis of
    updates, where all runs have as many in an epoch. The alternative text goes on with where each
    curve begins and ends.

    Args:
        runs: Runs by curve.
        curves: The names of those to draw; a name with a hyphen has a dashed line.
        language: The page's.
        alt: What the figure is.
        x: "epoch"; "updates"; or "minutes", epochs times what an epoch of the curve's network
            takes.
        y: "val_accuracy" or "loss".
        more: Draws what else belongs on the axes.
        times: What an epoch takes, by network; None: what these runs say, see `epoch_times`.

    """
    text = SHARED[language]
    curves = list(curves)
    shown = [run for name in curves for run in runs[name]]
    times = times or epoch_times(shown)
    updates = {run.spec.updates for run in shown}
    labels = {name: _label(runs[name], text, len(updates) > 1) for name in curves}
    scale = dict.fromkeys(curves, 1.0)  # of an epoch on the axis
    if x == "updates":
        scale = {name: runs[name][0].spec.updates for name in curves}
    elif x == "minutes":
        scale = {name: times[runs[name][0].spec.model].seconds / 60 for name in curves}

    def draw(wide: bool) -> "Figure":
        figure = new_figure(4.8 if wide else 5.2, wide)
        axes = figure.add_subplot()
        for name in curves:
            model = runs[name][0].spec.model
            dashed = "-" in name
            look = {"color": COLORS[model], "linestyle": "--" if dashed else "-"}
            values = np.array([run[y] for run in runs[name]])
            place = scale[name] * np.arange(1, values.shape[1] + 1)
            for run in runs[name] if len(values) > 1 else ():
                seed = of_runs(labels[name], run.spec) | look
                axes.plot(place, run[y], **SEED, **seed)
            axes.plot(
                place,
                values.mean(axis=0),
                linewidth=2,
                marker=MARKERS[model],
                markersize=4,
                markevery=_markevery(values.shape[1]),
                markerfacecolor="none" if dashed else None,
                label=labels[name],
                gid=runs[name][0].spec.id if len(values) == 1 else None,
                **look,
            )
        axis, level, label = METRICS[y]
        look = {"color": INK, "linewidth": 1.2, "linestyle": ":", "alpha": 0.8}
        axes.axhline(level, label=text[label], **look)
        axes.set(xlabel=text[x], ylabel=text[axis], xlim=(0, None))
        axes.set_ylim(bottom=0)
        if y == "val_accuracy":
            axes.set_ylim(top=1)
            axes.yaxis.set_major_formatter("{x:.0%}")
        if x == "updates":
            axes.xaxis.set_major_formatter("{x:,.0f}")
            axes.locator_params(axis="x", nbins=7 if wide else 4)
        if x == "epoch":
            axes.locator_params(axis="x", integer=True)
            if len(updates) == 1:
                _updates_beside_epochs(axes, *updates, text["updates"], wide)
        if more:
            more(axes)
        legend(figure, wide)
        return figure

    ends = [_from_to(runs[name], y, labels[name], text) for name in curves]
    values = [
        columns(run.spec)
        | {"epoch": epoch}
        | ({} if x == "epoch" else {x: scale[name] * epoch})
        | {"accuracy" if y == "val_accuracy" else y: value}
        for name in curves
        for run in runs[name]
        for epoch, value in enumerate(run[y], 1)
    ]
    alt = described(alt, ends, language)
    by_label = {labels[name]: runs[name] for name in curves}
    units = _units(by_label, times, text) if x == "epoch" else {}
    return Picture(draw, alt, language, tuple(shown), values=values, units=units)


def _markevery(points: int) -> tuple[int, int]:
    """Return which of a curve's points is the first with a marker, and how far the next is.

    There are at most `MARKERS_AT_MOST`, one of them at the end.
    """
    every = -(-points // MARKERS_AT_MOST)
    return (points - 1) % every, every


def _units(
    curves: Runs, times: dict[str, EpochTime], text: dict[str, str]
) -> dict[str, dict[str, float]]:
    """Return what an epoch of each curve is in updates and, where that compares, in minutes."""
    found = {text["updates"]: {label: some[0].spec.updates for label, some in curves.items()}}
    if comparable(times):
        found[text["minutes"]] = {
            label: times[some[0].spec.model].seconds / 60 for label, some in curves.items()
        }
    return found


def _updates_beside_epochs(axes: "Axes", updates: int, label: str, wide: bool) -> None:
    """Put an axis of updates at the top."""
    both = (lambda epoch: epoch * updates, lambda update: update / updates)
    top = axes.secondary_xaxis("top", functions=both)
    top.set_xlabel(label)
    top.xaxis.set_major_formatter("{x:,.0f}")
    top.locator_params(axis="x", nbins=7 if wide else 4)


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
        for y, groups in enumerate(found.values()):
            for some, values in groups:
                model = some[0].spec.model
                look = {"color": COLORS[model], "marker": MARKERS[model], "linestyle": ""}
                seeds = of_runs(model.upper(), *(run.spec for run in some)) | look
                axes.plot(values, [y] * len(values), markersize=4, alpha=0.5, **seeds)
                axes.plot([values.mean()], [y], markersize=9, label=model.upper(), **look)
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
        columns(run.spec) | {"row": label, "accuracy": run["val_accuracy"][-1]}
        for label, run in shown
    ]
    every = tuple({run.spec: run for _, run in shown}.values())
    return Picture(draw, described(alt, findings, language), language, every, values=table)


def _from_to(runs: list[Run], y: str, label: str, text: dict[str, str]) -> str:
    """Say where a curve begins and where it ends."""
    mean = np.mean([run[y] for run in runs], axis=0)
    form = ".1%" if y == "val_accuracy" else ".2f"
    first, last = (format(value, form) for value in (mean[0], mean[-1]))
    return text["from to"].format(label=label, first=first, last=last, n=len(mean))


def _label(runs: list[Run], text: dict[str, str], sizes: bool = False) -> str:
    """Name a curve by network and rate, or with `sizes` by network and size of a batch."""
    spec = runs[0].spec
    words = {"model": spec.model.upper(), "rate": rate(spec.learning_rate), "size": spec.batch_size}
    label = text["batch" if sizes else "rate"].format(**words)
    return text["seeds"].format(label=label, n=len(runs)) if len(runs) > 1 else label
