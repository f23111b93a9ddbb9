"""The look of all pictures.

A picture is inline SVG: its text and axes take the page's colour, so that it reads on a
light and on a dark page, and its letters are outlines, so that no font can be missing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = {"irnn": "#e0592a", "lstm": "#2f80d0"}
MARKERS = {"irnn": "o", "lstm": "s"}
BACKENDS = {"jax": "JAX", "tensorflow": "TensorFlow"}
LINES = {"jax": "-", "tensorflow": (0, (4, 2))}
INK = "#010203"  # stands for the page's text colour until the SVG is written

STYLE = {
    "font.family": ["DejaVu Sans", "IPAexGothic"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.15,
    "legend.frameon": False,
    "svg.fonttype": "path",
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


def new_figure(height: float) -> "Figure":
    """Return a figure of the page's width and a height in inches."""
    return matplotlib().figure.Figure(figsize=(7.2, height), layout="constrained")
