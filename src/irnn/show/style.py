"""The look of all pictures.

A picture is inline SVG: its text and axes take the page's colour, so that it reads on a
light and on a dark page, and its text is text, in the page's font. Places are computed with
DejaVu Sans, than which few fonts are wider.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from irnn.show.text import rate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Hexadecimal: to some, a drawing appends how opaque they are.
COLORS = {"irnn": "#e0592a", "lstm": "#2f80d0"}
MARKERS = {"irnn": "o", "lstm": "s"}
BACKENDS = {"jax": "JAX", "tensorflow": "TensorFlow", "theano": "Theano-PyMC"}
SEED = {"linewidth": 0.8, "alpha": 0.6}  # the line of a seed, beside the thick one of the mean
INK = "#010203"  # stands for the page's text colour until the SVG is written

STYLE = {
    "font.family": ["DejaVu Sans", "IPAexGothic"],
    "font.size": 10,
    "figure.dpi": 72,  # SVG's, so that places in a drawn figure are those in its SVG
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.15,
    "legend.frameon": False,
    "legend.handlelength": 3,  # of a dashed line, more than a mark hides
    "legend.labelspacing": 1,  # room for a finger: an entry hides its curve
    "svg.fonttype": "none",
    "svg.hashsalt": "irnn",
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "grid.color"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), INK),
}


@cache
def matplotlib():
    """Import matplotlib, which takes longer than all else here, when something is drawn."""
    import matplotlib.figure
    import matplotlib.ticker
    import matplotlib_fontja

    matplotlib.font_manager.fontManager.addfont(matplotlib_fontja.get_font_ttf_path())
    return matplotlib


@contextmanager
def style() -> Iterator[None]:
    """Draw and save in the book's style."""
    with matplotlib().rc_context(STYLE):
        yield


def new_figure(height: float, wide: bool = True) -> "Figure":
    """Return a figure of a height in inches, as wide as the page or as a phone."""
    width = 7.2 if wide else 3.6
    return matplotlib().figure.Figure(figsize=(width, height), layout="constrained")


def legend(figure: "Figure", wide: bool, columns: int = 2) -> None:
    """Put the legend below a figure, in one column where it is narrow, unless it has one entry.

    A label that several artists have, in one panel or in several, is shown once. The entries go
    along the rows, so that what is compared stands side by side.
    """
    found = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if len(found) < 2:
        return
    columns = columns if wide else 1
    entries = list(found.items())  # which matplotlib fills in down the columns
    by_row = [entry for column in range(columns) for entry in entries[column::columns]]
    labels, handles = zip(*by_row, strict=True)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def logarithmic(axis) -> None:
    """Make an axis logarithmic, with numbers as the text has them: 10⁻⁶."""
    getattr(axis.axes, f"set_{axis.axis_name}scale")("log")
    axis.set_major_formatter(lambda value, _: rate(value))
    axis.set_minor_formatter(matplotlib().ticker.NullFormatter())


def label_rows(axes, labels: "list[str]", wide: bool) -> None:
    """Name the rows 0, 1, ... from the top: beside a wide figure, above each row in a narrow one.

    A narrow figure needs its width for what is drawn.
    """
    axes.set_ylim(len(labels) - 0.5, -0.5 if wide else -0.8)
    axes.set_yticks(range(len(labels)), labels if wide else [""] * len(labels))
    if not wide:
        axes.tick_params(axis="y", length=0)
        look = {"va": "bottom", "fontsize": "small", "transform": axes.get_yaxis_transform()}
        for row, label in enumerate(labels):
            axes.text(0.02, row - 0.28, label, **look)
