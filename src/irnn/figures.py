"""Pictures of recorded runs, in the page's language.

A picture is inline SVG: its text and axes take the page's colour, so that it reads on a
light and on a dark page, and its letters are outlines, so that no font can be missing.
"""

import html
import io
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from irnn.measurements import Jobs, Speed, find
from irnn.store import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Runs = dict[str, list[Run]]

# Seconds per epoch that the post of July 2015 reports, on a GRID K520.
POST_SECONDS = {"irnn": 440, "lstm": 1700}
POST_BATCH_SIZE = 32

COLORS = {"irnn": "#e0592a", "lstm": "#2f80d0"}
MARKERS = {"irnn": "o", "lstm": "s"}
BACKENDS = {"jax": "JAX", "tensorflow": "TensorFlow"}
LINES = {"jax": "-", "tensorflow": (0, (4, 2))}
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
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

TEXT = {
    "en": {
        "epoch": "epoch",
        "test accuracy": "accuracy on the test set",
        "minutes": "computation time in minutes",
        "rate": "{model}, learning rate {rate}",
        "seeds": "{label} ({n} seeds)",
        "chance": "chance (10%)",
        "seconds": "seconds per epoch (logarithmic)",
        "then": "{model}, 2015: GRID K520",
        "now": "{model}, now: {device}",
        "learning rate": "learning rate (logarithmic)",
        "loss": "training loss, first epoch",
        "digit": "a training image: “{label}”",
        "step": "step t = 1 … {steps}, row by row",
        "pixel": "pixel",
        "batch size": "images per update (batch size)",
        "post": "July 2015, batch size {batch_size}: {seconds} s",
        "ours": "this book, {backend}",
        "stock": "stock Keras, {backend}",
        "seconds per run": "seconds per epoch and run (logarithmic)",
        "steps": "steps of a sequence, T",
        "units": "units",
        "together": "runs in one program",
        "curve": "{model}, {backend}",
        "job": "{jobs} × {threads}, {backend}",
        "jobs": "processes × threads of each",
        "throughput": "updates per second, all processes together",
        "behind": "Runs behind this figure",
        "measured": "Measurements behind this figure",
        "measurement": "{date}, {machine}, {cores} cores, {backend}",
        "run": "{spec}: {n} epochs, {backend}, {device}, {date}",
    },
    "ja": {
        "epoch": "エポック",
        "test accuracy": "テストデータでの正解率",
        "minutes": "計算時間（分）",
        "rate": "{model}、学習率 {rate}",
        "seeds": "{label}（{n} 通りのシード）",
        "chance": "チャンスレベル（10%）",
        "seconds": "1 エポックあたりの秒数（対数目盛）",
        "then": "{model}、2015 年：GRID K520",
        "now": "{model}、現在：{device}",
        "learning rate": "学習率（対数目盛）",
        "loss": "訓練損失（第 1 エポック）",
        "digit": "訓練画像の例：「{label}」",
        "step": "ステップ t = 1 … {steps}（上の行から順に）",
        "pixel": "画素値",
        "batch size": "1 回の更新に使う画像の数（バッチサイズ）",
        "post": "2015 年 7 月、バッチサイズ {batch_size}：{seconds} 秒",
        "ours": "本書、{backend}",
        "stock": "Keras 標準、{backend}",
        "seconds per run": "1 ランの 1 エポックあたりの秒数（対数目盛）",
        "steps": "系列のステップ数 T",
        "units": "ユニット数",
        "together": "一つのプログラムにまとめるランの数",
        "curve": "{model}、{backend}",
        "job": "{jobs} × {threads}、{backend}",
        "jobs": "プロセス数 × 1 プロセスのスレッド数",
        "throughput": "1 秒あたりの更新回数（全プロセスの合計）",
        "behind": "この図のもとになったラン",
        "measured": "この図のもとになった測定",
        "measurement": "{date}、{machine}（{cores} コア）、{backend}",
        "run": "{spec}：{n} エポック、{backend}、{device}、{date}",
    },
}


@dataclass(frozen=True)
class Picture:
    """A figure, its description and what it is drawn from; notebooks show it as HTML."""

    figure: "Figure"
    alt: str
    language: str
    runs: tuple[Run, ...] = ()
    measured: tuple[Speed | Jobs, ...] = ()

    def svg(self) -> str:
        """Return the figure as an SVG element in the page's colours.

        Raises an error for a letter that the fonts lack.
        """
        file = io.StringIO()
        with _style(), warnings.catch_warnings():
            warnings.filterwarnings("error", message="Glyph .* missing")
            self.figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        svg = file.getvalue()
        svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
        return svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(self.alt)}"', 1)

    def _repr_html_(self) -> str:
        text = TEXT[self.language]
        title = text["measured" if self.measured else "behind"]
        lines = [(run.spec.id, _describe(run, text)) for run in self.runs]
        lines += [
            (f"benchmarks/results/{row.file}", text["measurement"].format(**_origin(row)))
            for row in self.measured
        ]
        items = "".join(
            f"<li><code>{name}</code> {html.escape(line)}</li>"
            for name, line in dict.fromkeys(lines)
        )
        behind = f"<details><summary>{title}</summary><ul>{items}</ul></details>" if items else ""
        return f'<div class="irnn-figure">{self.svg()}{behind}</div>'


def _describe(run: Run, text: dict[str, str]) -> str:
    sitting = run.sittings[-1]
    return text["run"].format(
        spec=run.spec,
        n=len(run),
        backend=sitting["backend"],
        device=sitting["device"],
        date=sitting["date"][:10],
    )


def _origin(row: Speed | Jobs) -> dict[str, str | int]:
    backend = " ".join([BACKENDS[row.backend], getattr(row, "backend_version", "")]).strip()
    return {"date": row.date, "machine": row.machine, "cores": row.cores, "backend": backend}


def rate(value: float) -> str:
    """Return a number in scientific notation, "10⁻⁶" for 1e-6, "5 × 10⁻⁴" for 5e-4."""
    mantissa, exponent = f"{value:e}".split("e")
    factor = "" if float(mantissa) == 1 else f"{float(mantissa):g} × "
    return f"{factor}10{str(int(exponent)).translate(SUPERSCRIPTS)}"


def _label(runs: list[Run], text: dict[str, str]) -> str:
    spec = runs[0].spec
    label = text["rate"].format(model=spec.model.upper(), rate=rate(spec.learning_rate))
    return text["seeds"].format(label=label, n=len(runs)) if len(runs) > 1 else label


@cache
def _matplotlib():
    """Import matplotlib, which takes longer than all else here, when something is drawn."""
    import matplotlib.figure
    import matplotlib.ticker
    import matplotlib_fontja

    matplotlib.font_manager.fontManager.addfont(matplotlib_fontja.get_font_ttf_path())
    return matplotlib


@contextmanager
def _style() -> Iterator[None]:
    with _matplotlib().rc_context(STYLE):
        yield


def _figure(height: float) -> "Figure":
    return _matplotlib().figure.Figure(figsize=(7.2, height), layout="constrained")


def seconds_per_epoch(runs: Iterable[Run]) -> float:
    """Return the median time of an epoch over the runs, in seconds."""
    return float(np.median(np.concatenate([run["seconds"] for run in runs])))


def seconds(value: float) -> str:
    """Return seconds to the whole from 10 on, to two digits below: "213", "0.25"."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def learning_curves(
    runs: Runs, curves: Iterable[str], language: str, alt: str, by_time: bool = False
) -> Picture:
    """Draw the test accuracy of curves by epoch, or by computation time.

    A thin line is a seed, a thick one the mean over the seeds. Computation time is epochs
    times the median time of the curve's epochs.
    """
    text = TEXT[language]
    with _style():
        figure = _figure(height=4)
        axes = figure.add_subplot()
        for name in curves:
            model = runs[name][0].spec.model
            tuned = "-" in name
            style = {"color": COLORS[model], "linestyle": "--" if tuned else "-"}
            scale = seconds_per_epoch(runs[name]) / 60 if by_time else 1
            accuracy = np.array([run["val_accuracy"] for run in runs[name]])
            x = scale * np.arange(1, accuracy.shape[1] + 1)
            if len(accuracy) > 1:
                axes.plot(x, accuracy.T, linewidth=0.8, alpha=0.45, **style)
            axes.plot(
                x,
                accuracy.mean(axis=0),
                linewidth=2,
                marker=MARKERS[model],
                markersize=4,
                markerfacecolor="none" if tuned else None,
                label=_label(runs[name], text),
                **style,
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


def epoch_times(runs: Runs, language: str, alt: str) -> Picture:
    """Draw the seconds per epoch of both networks, the post's and the recorded ones."""
    text = TEXT[language]
    rows = []
    for model, then in POST_SECONDS.items():
        name = model.upper()
        rows.append((text["then"].format(model=name), then, model, 0.35))
        device = runs[model][0].sittings[-1]["device"]
        now = seconds_per_epoch(runs[model])
        rows.append((text["now"].format(model=name, device=device), now, model, 1.0))
    labels, values, models, alphas = zip(*rows, strict=True)
    with _style():
        figure = _figure(height=2.6)
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
    return Picture(figure, alt, language, tuple(runs["irnn"] + runs["lstm"]))


def batch_sizes(rows: list[Speed], language: str, alt: str) -> Picture:
    """Draw the seconds per epoch by batch size, of this book's networks and of stock Keras.

    A panel is a network, with what the post reports of it as a level line.
    """
    text = TEXT[language]
    rows = find(rows, group="batch")
    highest = max(row.stock_seconds or 0 for row in rows)
    with _style():
        figure = _figure(height=4.2)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (model, then) in zip(panels, POST_SECONDS.items(), strict=True):
            for backend, name in BACKENDS.items():
                found = find(rows, network=model, backend=backend)
                style = {"linestyle": LINES[backend], "marker": MARKERS[model]}
                _curve(
                    axes,
                    found,
                    "batch_size",
                    label=text["ours"].format(backend=name),
                    color=COLORS[model],
                    **style,
                )
                _curve(
                    axes,
                    [row for row in found if row.stock_seconds],
                    "batch_size",
                    "stock_seconds",
                    label=text["stock"].format(backend=name),
                    color=INK,
                    alpha=0.65,
                    linewidth=1.2,
                    markerfacecolor="none",
                    **style,
                )
            axes.axhline(then, color=COLORS[model], linewidth=1, linestyle=":")
            axes.annotate(
                text["post"].format(batch_size=POST_BATCH_SIZE, seconds=seconds(then)),
                (1, then),
                (0, 3),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                horizontalalignment="right",
            )
            axes.set_title(model.upper())
            axes.set_xlabel(text["batch size"])
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), handlelength=2.8)
        panels[0].set_ylabel(text["seconds"])
        _plain_seconds(panels[0], max(highest, *POST_SECONDS.values()))
    return Picture(figure, alt, language, measured=tuple(rows))


def growth(rows: list[Speed], language: str, alt: str) -> Picture:
    """Draw how the seconds per epoch and run grow with steps, units and runs in one program."""
    text = TEXT[language]
    shown = [row for row in rows if row.group in ("steps", "units", "together")]
    with _style():
        figure = _figure(height=4)
        panels = figure.subplots(1, 3, sharey=True)
        for axes, group in zip(panels, ("steps", "units", "together"), strict=True):
            for model in POST_SECONDS:
                for backend, name in BACKENDS.items():
                    _curve(
                        axes,
                        find(shown, group=group, network=model, backend=backend),
                        group,
                        label=text["curve"].format(model=model.upper(), backend=name),
                        color=COLORS[model],
                        marker=MARKERS[model],
                        linestyle=LINES[backend],
                        markerfacecolor=None if backend == "jax" else "none",
                    )
            axes.set_xlabel(text[group])
        panels[0].set_ylabel(text["seconds per run"])
        _plain_seconds(panels[0], max(row.high for row in shown))
        labels = {}
        for axes in panels:
            handles, names = axes.get_legend_handles_labels()
            labels |= dict(zip(names, handles, strict=True))
        figure.legend(labels.values(), labels, loc="outside lower center", ncols=2)
    return Picture(figure, alt, language, measured=tuple(shown))


def throughput(rows: list[Jobs], language: str, alt: str) -> Picture:
    """Draw the updates per second of processes side by side, by their number and threads."""
    text = TEXT[language]
    backends = [backend for backend in BACKENDS if find(rows, backend=backend)]
    kinds = sorted({(backends.index(row.backend), row.jobs, row.threads) for row in rows})
    with _style():
        figure = _figure(height=1.3 + 0.27 * len(kinds))
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (model, color) in zip(panels, COLORS.items(), strict=True):
            for row in find(rows, network=model):
                place = kinds.index((backends.index(row.backend), row.jobs, row.threads))
                errors = [[row.updates_per_second - row.low], [row.high - row.updates_per_second]]
                axes.barh(place, row.updates_per_second, color=color, alpha=0.85)
                axes.errorbar(
                    row.updates_per_second, place, xerr=errors, color=INK, linewidth=1, alpha=0.7
                )
            axes.set_title(model.upper())
            axes.grid(visible=False, axis="y")
        labels = [
            text["job"].format(jobs=jobs, threads=threads, backend=BACKENDS[backends[backend]])
            for backend, jobs, threads in kinds
        ]
        panels[0].set_yticks(range(len(kinds)), labels)
        panels[0].set_ylabel(text["jobs"])
        panels[0].invert_yaxis()
        figure.supxlabel(text["throughput"], fontsize="medium")
    return Picture(figure, alt, language, measured=tuple(rows))


def _curve(axes, rows: list[Speed], x: str, y: str = "seconds", **style) -> None:
    """Draw a column over another on logarithmic axes, with the repeats' extent of `seconds`."""
    if not rows:
        return
    rows = sorted(rows, key=lambda row: getattr(row, x))
    xs = [getattr(row, x) for row in rows]
    axes.plot(xs, [getattr(row, y) for row in rows], markersize=5, **style)
    if y == "seconds":
        extent = [row.low for row in rows], [row.high for row in rows]
        axes.vlines(xs, *extent, color=style["color"], linewidth=1, alpha=0.6)
    axes.set_xscale("log")
    axes.set_xticks(xs, [str(value) for value in xs])
    axes.margins(x=0.08)
    axes.minorticks_off()


def _plain_seconds(axes, highest: float) -> None:
    """Give an axis of seconds logarithmic ticks in plain numbers, and room for the highest."""
    ticker = _matplotlib().ticker
    axes.set_yscale("log")
    axes.set_ylim(top=1.6 * highest)
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: seconds(value)))
    axes.yaxis.set_minor_formatter(ticker.NullFormatter())


def search(runs: Runs, language: str, alt: str) -> Picture:
    """Draw the training loss of the first epoch over the learning rate, for both networks."""
    text = TEXT[language]
    curves = ("irnn-search", "lstm-search")
    with _style():
        figure = _figure(height=3.2)
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
    return Picture(figure, alt, language, tuple(run for name in curves for run in runs[name]))


def digit(image: np.ndarray, label: int, language: str, alt: str) -> Picture:
    """Draw an image (side, side) and the same pixels as a sequence, row after row."""
    text = TEXT[language]
    side = len(image)
    steps = side * side
    with _style():
        figure = _figure(height=2.6)
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
    return Picture(figure, alt, language)
