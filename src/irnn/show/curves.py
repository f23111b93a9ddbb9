"""What `book/_static/curves.js` needs to answer for a figure: its curves, and where they are.

The script finds a curve in the SVG by the number that it has there, see `tagged`, and knows from
`described` what it shows. That follows from two of matplotlib's own properties of an artist:

    label   the name of its curve, which the legend hides and shows. Where the legend does not
            list the artist, as that of a seed or an error bar, an underscore stands before it.
    gid     the id of the run that a line shows, or that of each of its points, by spaces.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from irnn.spec import RunSpec

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.text import Text

LOGARITHMIC = r" \(logarithmic\)$|（対数目盛）$"  # of an axis, not of a value on it
MOST = 2000  # points of a figure that answer; of more, every second of a line does, or third, ...


def of_runs(label: str, *specs: RunSpec) -> dict[str, str]:
    """Return the properties of runs in a curve: a line that shows one, or a point for each."""
    return {"label": f"_{label}", "gid": " ".join(spec.id for spec in specs)}


@contextmanager
def tagged(figure: "Figure") -> Iterator[None]:
    """Meanwhile, number the parts of a figure for `attributes` to find in its SVG."""
    names = {}
    for n, axes in enumerate(figure.axes):
        names[axes.xaxis] = f"x-axis-{n}"
        others = [part for part in (*axes.lines, *axes.texts) if _follows(part, axes)[0]]
        names |= dict.fromkeys((*others, *axes.child_axes), f"at-x-{n}")
    names |= {artist: f"curve-{n}" for n, (artist, _) in enumerate(_curves(figure))}
    for n, parts in enumerate(_entries(figure)):
        names |= dict.fromkeys(parts, f"entry-{n}")
    before = {artist: artist.get_gid() for artist in names}
    for artist, name in names.items():
        artist.set_gid(name)
    yield
    for artist, gid in before.items():
        artist.set_gid(gid)


def attributes(svg: str) -> str:
    """Turn the ids that `tagged` gives into attributes: a page has many figures.

    A curve without a point that can be drawn is an empty element.
    """
    return re.sub(r'<g id="(curve|x-axis|at-x|entry)-(\d+)"(/?>)', r'<g data-\1="\2"\3', svg)


def described(figure: "Figure") -> dict[str, list[dict]]:
    """Return the panels, the legend and the curves of a figure that was drawn, for JSON.

    Boxes are [left, top, right, bottom] in the SVG's units. "x" and "y" of a curve are the points
    that answer; it is a mean where it has no run of its own, but others of its name have.
    """
    return {
        "plots": [_plot(axes, figure) for axes in figure.axes],
        "entries": [
            {"label": text.get_text(), "box": _box(figure, handle, text)}
            for handle, text in _entries(figure)
        ],
        "curves": _told(figure),
    }


def _plot(axes: "Axes", figure: "Figure") -> dict:
    """Return a panel; where its axes have no names, those of the outer panels stand for all."""
    x = axes.get_xlabel() or figure.axes[-1].get_xlabel() or figure.get_supxlabel()
    y = axes.get_ylabel() or figure.axes[0].get_ylabel() or figure.get_supylabel()
    return {
        "box": _box(figure, axes),
        "title": axes.get_title(),
        "x": _axis(axes.xaxis, x),
        "y": _axis(axes.yaxis, y),
    }


def _axis(axis: "Axis", name: str) -> dict:
    low, high = (_short(value) for value in axis.get_view_interval())
    written = axis.get_major_formatter()
    return {
        "name": re.sub(LOGARITHMIC, "", name),
        "from": low,
        "to": high,
        "log": axis.get_scale() == "log",
        "percent": "%" in written(0.5),
        "power": "⁻" in written(0.001),
    }


def _box(figure: "Figure", *artists: "Artist") -> list[float]:
    """Return the box around artists."""
    x0, y0, x1, y1 = np.transpose([artist.get_window_extent().extents for artist in artists])
    top, bottom = figure.bbox.height - y1.max(), figure.bbox.height - y0.min()
    return [round(float(value), 1) for value in (x0.min(), top, x1.max(), bottom)]


def _told(figure: "Figure") -> list[dict]:
    """Return what is told of each curve."""
    found = [(artist, axes, _xy(artist, axes)) for artist, axes in _curves(figure)]
    every = -(-sum(len(points) for *_, points in found) // MOST) or 1
    told = []
    for artist, axes, points in found:
        runs = (artist.get_gid() or "").split()
        place = {"plot": figure.axes.index(axes), "label": _name(artist)}
        told.append(place | _points(points, runs, every))
    with_runs = {(curve["plot"], curve["label"]) for curve in told if curve["runs"]}
    for curve in told:
        curve["mean"] = not curve["runs"] and (curve["plot"], curve["label"]) in with_runs
    return told


def _curves(figure: "Figure") -> "list[tuple[Artist, Axes]]":
    """Return what belongs to a curve, and its panel; not what marks a place on the x axis."""
    return [
        (artist, axes)
        for axes in figure.axes
        if axes.axison  # a diagram has none
        for artist in (*axes.collections, *axes.lines)
        if _follows(artist, axes) != (True, False)
    ]


def _follows(artist: "Artist", axes: "Axes") -> tuple[bool, bool]:
    """Tell whether an artist's place follows the x and the y axis."""
    return artist.get_transform().contains_branch_seperately(axes.transData)


def _entries(figure: "Figure") -> "list[tuple[Artist, Text]]":
    """Return the handle and the text of each entry of the legends that names a curve."""
    inner = [axes.get_legend() for axes in figure.axes if axes.get_legend()]
    known = {_name(artist) for artist, _ in _curves(figure)}
    return [
        parts
        for legend in (*figure.legends, *inner)
        for parts in zip(legend.legend_handles, legend.get_texts(), strict=True)
        if parts[1].get_text() in known
    ]


def _name(artist: "Artist") -> str:
    """Return the name of an artist's curve, "" where it has none."""
    label = str(artist.get_label())
    return "" if label.startswith("_child") else label.removeprefix("_")


def _xy(artist: "Artist", axes: "Axes") -> np.ndarray:
    """Return the points (n, 2) of a line in its panel, none of what is no line or spans it."""
    if hasattr(artist, "get_xydata") and _follows(artist, axes) == (True, True):
        return np.asarray(artist.get_xydata(), float)
    return np.empty((0, 2))


def _points(points: np.ndarray, runs: list[str], every: int) -> dict[str, list]:
    """Return the points that answer, one in `every` and the last, with their runs."""
    asked = [
        n
        for n in range(len(points))
        if (n % every == 0 or n == len(points) - 1) and np.isfinite(points[n]).all()
    ]
    if len(runs) > 1:
        runs = [runs[n] for n in asked]
    x, y = ([_short(value) for value in points[asked, side]] for side in (0, 1))
    return {"x": x, "y": y, "runs": runs if asked else []}


def _short(value: float) -> float | int:
    """Return a number to five significant digits, a whole one as it is, in few characters."""
    return int(value) if float(value).is_integer() else float(f"{value:.5g}")
