"""A figure as the page shows it, with what it is drawn from."""

import csv
import html
import io
import json
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from irnn.measurements import GPU, Jobs, Loss, Speed
from irnn.probes import Probe
from irnn.show import curves
from irnn.show.style import BACKENDS, INK, style
from irnn.show.text import day
from irnn.show.words import SHARED
from irnn.spec import RunSpec
from irnn.store import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))

LINES = "stroke-linejoin: round; stroke-linecap: butt"  # as matplotlib has them in all its files

# The words that the script has need of.
WORDS = ("point", "of run", "of mean", "plot", "legend", "toggle", "units")

Values = Sequence[dict[str, str | int | float | None]]


@dataclass(frozen=True)
class Picture:
    """A figure, its description and what it is drawn from; notebooks show it as HTML.

    Args:
        draw: Draws the figure, for a page where it is true and for a phone where it is false;
            or what is shown on both, as HTML.
        alt: What the figure shows, for those who do not see it.
        language: That of the page.
        runs: The runs that it is drawn from.
        measured: The measurements that it is drawn from.
        values: What is drawn, a row of columns each. Without them, they are all epochs of the
            runs and all measurements.
        units: What else the x axis can show, its name to how much an epoch is of it, by the
            label of a curve. It begins at 0 and shows epochs.

    """

    draw: "Callable[[bool], Figure] | str"
    alt: str
    language: str
    runs: tuple[Run, ...] = ()
    measured: tuple[Speed | Jobs | Loss | GPU | Probe, ...] = ()
    values: Values = ()
    units: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def figure(self) -> "Figure":
        """The figure, for a page."""
        return self._figure(wide=True)

    def _figure(self, wide: bool) -> "Figure":
        with style():
            return self.draw(wide)

    def svg(self, wide: bool = True) -> str:
        """Return the figure as an SVG element in the page's colours.

        Raises an error for a letter that the fonts lack.
        """
        return self._drawing(wide)[0]

    def _drawing(self, wide: bool) -> tuple[str, dict]:
        """Return the figure as an SVG element, and what the script is told of it."""
        file = io.StringIO()
        figure = self._figure(wide)
        with style(), curves.tagged(figure), warnings.catch_warnings():
            warnings.filterwarnings("error", message="Glyph .* missing")
            figure.savefig(file, format="svg", transparent=True, metadata=NO_METADATA)
        svg = curves.attributes(_compact(file.getvalue())).replace(INK, "currentColor")
        return svg, curves.described(figure)

    def csv(self) -> str:
        """Return the values as CSV, numbers to six significant digits."""
        rows = self.values or [*_epochs(self.runs), *map(asdict, self.measured)]
        file = io.StringIO()
        if rows:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            for row in rows:
                writer.writerow({key: _short(value) for key, value in row.items()})
        return file.getvalue()

    def html(self, name: str = "", caption: str = "", commands: Sequence[str] = ()) -> str:
        """Return the figure as HTML.

        Args:
            name: The target of links to it, and the stem of the file with its values.
            caption: What stands below it, as HTML.
            commands: What re-executes it.

        """
        target = f' id="{name}"' if name else ""
        return "".join(
            [
                f'<figure class="irnn-figure"{target}>',
                self.draw if isinstance(self.draw, str) else self._drawings(),
                f"<figcaption>{caption}</figcaption>" if caption else "",
                self._behind(name, commands),
                "</figure>",
            ]
        )

    def _drawings(self) -> str:
        """Return the figure as a page shows it, wide or narrow, with its description.

        With it stands what `curves.js` needs, where the figure has curves.
        """
        (wide, told), (narrow, told_narrow) = self._drawing(wide=True), self._drawing(wide=False)
        drawings = (
            f'<div role="img" aria-label="{html.escape(self.alt)}"><div class="wide">{wide}</div>'
            f'<div class="narrow" hidden>{narrow}</div></div>'  # hidden without the style sheet
        )
        if not any(curve["x"] for curve in told["curves"]):
            return drawings
        if self.units:
            drawings += '<div class="irnn-units"></div>'
        return drawings + self._told([told, told_narrow])

    def _told(self, places: list[dict]) -> str:
        """Return the words and values of the curves, with their places in each drawing."""
        text = SHARED[self.language]
        specs = [run.spec for run in self.runs]
        specs += [row.spec for row in self.measured if isinstance(row, Probe) and row.spec]
        page = {
            "words": {key: text[key] for key in WORDS},
            "units": [{"name": name, "of": of} for name, of in self.units.items()],
            "seeds": {spec.id: spec.seed for spec in specs},
            "curves": places[0]["curves"],
            "drawings": [{key: told[key] for key in ("plots", "entries")} for told in places],
        }
        data = json.dumps(page, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
        return f'<script type="application/json">{data}</script>'

    def _repr_html_(self) -> str:
        return self.html()

    def _behind(self, name: str, commands: Sequence[str]) -> str:
        """Return what stands folded away below a figure."""
        text = SHARED[self.language]
        lines = [(run.spec.id, _describe(run, self.language)) for run in self.runs]
        lines += [_measurement(row, self.language) for row in self.measured]
        items = "".join(
            f"<li><code>{name}</code> {html.escape(line)}</li>"
            for name, line in dict.fromkeys(lines)
        )
        parts = []
        if commands:
            parts.append(f"<p>{text['commands']}</p>" + _listing("\n".join(commands)))
        if items:
            title = text["measurements" if self.measured else "runs"]
            parts.append(f"<p>{title}</p><ul>{items}</ul>")
        if values := self.csv():
            link = f"data:text/csv;charset=utf-8,{quote(values, safe=',')}"
            download = f'<a download="{name or "figure"}.csv" href="{link}">{text["download"]}</a>'
            parts.append(f"<p>{text['values'].format(download=download)}</p>")
        if not parts:
            return ""
        return f"<details><summary>{text['behind']}</summary>{''.join(parts)}</details>"


def _compact(svg: str) -> str:
    """Return an SVG file's element, its places to a hundredth of a point.

    Without spaces, comments, names of fonts, rotations by nothing, groups of a single part, and the
    names that matplotlib gives to groups by default, which are the same in all figures of a page.
    The element itself has what a style sheet in the file says of all elements, for which a browser
    would style the whole page anew, and its shape, which CSS needs for one that is out of sight.
    """
    svg = re.sub(r"<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*<style[^>]*>[^<]*</style>\s*</defs>", "", svg)
    svg = re.sub(r'viewBox="0 0 (\S+) (\S+)"', rf'\g<0> style="aspect-ratio: \1/\2; {LINES}"', svg)
    svg = re.sub(r'<g id="[\w.]+_\d+"', "<g", re.sub(r"\s*\n\s*", "", svg))
    svg = re.sub(r"<[^>]+>", _compact_tag, svg)
    return re.sub(r"<g>(<(text|path|use)\b[^>]*(?:/>|>[^<]*</\2>))</g>", r"\1", svg)


def _compact_tag(tag: re.Match) -> str:
    needless = r' transform="rotate\(-?0 [^)]*\)"|font-family: [^;"]*(?:; )?'
    places = r' (?:d|x|y)="[^"]*"|translate\([^)]*\)'
    short = re.sub(needless, "", tag[0])
    return re.sub(places, lambda found: re.sub(r"\d+\.\d{3,}", _hundredth, found[0]), short)


def _hundredth(number: re.Match) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _listing(text: str) -> str:
    """Return a text as the site shows code: it can be copied."""
    return f'<div class="highlight"><pre>{html.escape(text)}</pre></div>'


def _short(value: str | int | float | None) -> str | int | None:
    return f"{value:.6g}" if isinstance(value, float) else value


def columns(spec: RunSpec) -> dict[str, str | int | float]:
    """Return the columns of a row of values that say which run it is of."""
    return {
        "run": spec.id,
        "network": spec.model,
        "learning_rate": spec.learning_rate,
        "seed": spec.seed,
    }


def _epochs(runs: Iterable[Run]) -> Values:
    """Return a row for each epoch of the runs."""
    return [
        shared | epoch for run in runs for shared in [columns(run.spec)] for epoch in run.epochs
    ]


def _describe(run: Run, language: str) -> str:
    said = {key: dict.fromkeys(s[key] for s in run.sittings) for key in ("backend", "device")}
    return SHARED[language]["run"].format(
        spec=run.spec,
        n=len(run),
        backend=" / ".join(said["backend"]),
        device=" / ".join(said["device"]),
        date=day(run.sittings[-1]["date"], language),
    )


def _measurement(row: Speed | Jobs | Loss | GPU | Probe, language: str) -> tuple[str, str]:
    """Return the file that has a measurement, and what, where and when it was."""
    text = SHARED[language]
    if isinstance(row, Probe):
        words = {"run": row.spec.name, "epoch": row.epoch} if row.spec else row.settings
        line = text["network" if row.spec else "data"].format(
            date=day(row.origin["date"], language), device=row.origin["device"], **words
        )
        return f"book/probes/{row.kind}.jsonl", line
    if isinstance(row, GPU):
        line = text["on gpu"].format(
            date=day(row.date, language), machine=row.device, backend=f"JAX {row.jax}"
        )
        return f"benchmarks/results/{row.file}", line
    backend = " ".join([BACKENDS[row.backend], getattr(row, "backend_version", "")]).strip()
    line = text["measurement"].format(
        date=day(row.date, language), machine=row.machine, cores=row.cores, backend=backend
    )
    return f"benchmarks/results/{row.file}", line
