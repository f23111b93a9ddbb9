"""A diagram of both cells: what one step of an IRNN and of an LSTM computes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from irnn.show.picture import Picture
from irnn.show.style import COLORS, INK, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORDS = {
    "en": {
        "forget": "forget\ngate",
        "input": "input\ngate",
        "candidate": "candidate",
        "output": "output\ngate",
    },
    "ja": {
        "forget": "忘却\nゲート",
        "input": "入力\nゲート",
        "candidate": "候補",
        "output": "出力\nゲート",
    },
}

SIZES = {"irnn": (9.0, 6.4), "lstm": (15.0, 9.2)}  # of the drawings, in units of their own

Points = Sequence[tuple[float, float]]


def cells(language: str, alt: str) -> Picture:
    """Draw one step of both networks, side by side or, on a phone, one above the other."""

    def draw(wide: bool) -> "Figure":
        figure = new_figure(3.0 if wide else 5.0, wide)
        sizes = [SIZES["irnn"][not wide], SIZES["lstm"][not wide]]
        layout = {"ncols": 2, "width_ratios": sizes} if wide else {"height_ratios": sizes}
        panels = figure.subplots(**({"nrows": 1} if wide else {"nrows": 2}), **layout)
        for axes, (model, (width, height)) in zip(panels, SIZES.items(), strict=True):
            axes.set(xlim=(0, width), ylim=(0, height), title=model.upper(), aspect="equal")
            axes.axis("off")
        _irnn(panels[0])
        _lstm(panels[1], WORDS[language])
        return figure

    return Picture(draw, alt, language)


def _irnn(axes: "Axes") -> None:
    """Draw h = max(0, W x + U h + b), the state's path thick."""
    color, y = COLORS["irnn"], 3.6
    _arrow(axes, [(0.9, y), (1.9, y)], color, 2.5, head=False)
    _arrow(axes, [(2.9, y), (4.0, y)], color, 2.5, head=False)
    _arrow(axes, [(4.8, y), (5.6, y)], color, 2.5, head=False)
    _arrow(axes, [(7.2, y), (8.2, y)], color, 2.5)
    _arrow(axes, [(4.4, 0.8), (4.4, 1.4)])
    _arrow(axes, [(4.4, 2.4), (4.4, y - 0.4)])
    _arrow(axes, [(4.4, 5.4), (4.4, y + 0.4)])
    _box(axes, (2.4, y), "$U$", color=color)
    _box(axes, (4.4, 1.9), "$W$", color=color)
    _box(axes, (6.4, y), "ReLU", color=color, width=1.6)
    _node(axes, (4.4, y), "+")
    _say(axes, {"$h_{t-1}$": (0.3, y), "$h_t$": (8.6, y), "$x_t$": (4.4, 0.4), "$b$": (4.4, 5.8)})


def _lstm(axes: "Axes", text: dict[str, str]) -> None:
    """Draw the memory cell, whose path is thick, between the gates."""
    color, memory, product, read, gate = COLORS["lstm"], 8.4, 5.9, 1.2, 3.3
    below, above = gate - 1.2, gate + 1.2  # the ends of a gate's box
    gates = {"forget": 3.0, "input": 5.5, "candidate": 8.1, "output": 10.8}
    forget, enter, candidate, out = gates.values()
    plus, end = 6.7, 12.8  # where the new is added to the memory, and where the state is made

    for start, stop in ((1.2, forget - 0.45), (forget + 0.45, plus - 0.45)):
        _arrow(axes, [(start, memory), (stop, memory)], color, 2.5, head=False)
    _arrow(axes, [(plus + 0.45, memory), (14.0, memory)], color, 2.5)
    _arrow(axes, [(1.2, read), (out, read), (out, below)])
    for x in (forget, enter, candidate):
        _arrow(axes, [(x, read), (x, below)])
    _arrow(axes, [(1.9, 0.6), (1.9, read)], head=False)
    _arrow(axes, [(forget, above), (forget, memory - 0.45)])
    _arrow(axes, [(enter, above), (enter, product), (plus - 0.45, product)])
    _arrow(axes, [(candidate, above), (candidate, product), (plus + 0.45, product)])
    _arrow(axes, [(plus, product + 0.45), (plus, memory - 0.45)])
    _arrow(axes, [(out, above), (out, 5.2), (end - 0.45, 5.2)])
    _arrow(axes, [(end, memory), (end, 7.4)], head=False)
    _arrow(axes, [(end, 6.4), (end, 5.65)])
    _arrow(axes, [(end + 0.45, 5.2), (14.0, 5.2)])

    for name, x in gates.items():
        sign, width = ("tanh", 2.6) if name == "candidate" else ("σ", 2.1)
        _box(axes, (x, gate), sign, text[name], color, width, above - below)
    _box(axes, (end, 6.9), "tanh", color=color, width=1.8)
    _node(axes, (forget, memory), "×")
    _node(axes, (plus, memory), "+")
    _node(axes, (plus, product), "×")
    _node(axes, (end, 5.2), "×")
    places = {"$c_{t-1}$": (0.5, memory), "$c_t$": (14.5, memory), "$h_{t-1}$": (0.5, read)}
    places |= {"$h_t$": (14.5, 5.2), "$x_t$": (1.9, 0.2), "$f_t$": (forget - 0.6, product)}
    places |= {"$i_t$": (enter - 0.4, 5.2), "$g_t$": (candidate + 0.6, 5.2)}
    _say(axes, places | {"$o_t$": (out - 0.6, 4.9)})


def _arrow(
    axes: "Axes", points: Points, color: str = INK, width: float = 1.0, head: bool = True
) -> None:
    """Draw a line through points, with a head at its end."""
    *before, start, end = points
    look = {"color": color, "linewidth": width}
    line = [*before, start] if head else points
    axes.plot(*zip(*line, strict=True), solid_capstyle="butt", **look)
    if head:
        look |= {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8 + 2 * width}
        axes.annotate("", end, start, arrowprops=look)


def _box(
    axes: "Axes",
    center: tuple[float, float],
    sign: str,
    name: str = "",
    color: str = INK,
    width: float = 1.0,
    height: float = 1.0,
) -> None:
    """Draw a box with what it computes and, smaller, what it is called."""
    x, y = center
    sides = [x - width / 2, x + width / 2], [y - height / 2] * 2, [y + height / 2] * 2
    axes.fill_between(*sides, facecolor=f"{color}30", edgecolor=color)
    look = {"ha": "center", "va": "center"}
    axes.text(x, y + (height / 4 if name else 0), sign, fontsize="small", **look)
    lines = name.split("\n")  # one by one, so that each is centred in any font
    for n, line in enumerate(lines):
        place = {"xytext": (0, 5 * (len(lines) - 1) - 10 * n), "textcoords": "offset points"}
        axes.annotate(line, (x, y - height / 6), fontsize=8, **place, **look)


def _node(axes: "Axes", center: tuple[float, float], sign: str) -> None:
    """Draw a circle in which vectors are added or multiplied unit by unit."""
    look = {"markersize": 11, "markerfacecolor": "none", "markeredgecolor": INK}
    axes.plot(*center, marker="o", **look)
    axes.text(*center, sign, ha="center", va="center_baseline", fontsize="small")


def _say(axes: "Axes", places: dict[str, tuple[float, float]]) -> None:
    """Write symbols where they belong."""
    for symbol, (x, y) in places.items():
        axes.text(x, y, symbol, ha="center", va="center")
