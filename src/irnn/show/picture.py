"""A figure as the page shows it, with what it is drawn from."""

import html
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from irnn.measurements import Jobs, Speed
from irnn.show.style import BACKENDS, INK, style
from irnn.show.text import day
from irnn.show.words import SHARED
from irnn.store import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        with style(), warnings.catch_warnings():
            warnings.filterwarnings("error", message="Glyph .* missing")
            self.figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        svg = file.getvalue()
        svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
        return svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(self.alt)}"', 1)

    def _repr_html_(self) -> str:
        text = SHARED[self.language]
        title = text["measured" if self.measured else "behind"]
        lines = [(run.spec.id, _describe(run, self.language)) for run in self.runs]
        lines += [
            (
                f"benchmarks/results/{row.file}",
                text["measurement"].format(**_origin(row, self.language)),
            )
            for row in self.measured
        ]
        items = "".join(
            f"<li><code>{name}</code> {html.escape(line)}</li>"
            for name, line in dict.fromkeys(lines)
        )
        behind = f"<details><summary>{title}</summary><ul>{items}</ul></details>" if items else ""
        return f'<div class="irnn-figure">{self.svg()}{behind}</div>'


def _describe(run: Run, language: str) -> str:
    sitting = run.sittings[-1]
    return SHARED[language]["run"].format(
        spec=run.spec,
        n=len(run),
        backend=sitting["backend"],
        device=sitting["device"],
        date=day(sitting["date"], language),
    )


def _origin(row: Speed | Jobs, language: str) -> dict[str, str | int]:
    backend = " ".join([BACKENDS[row.backend], getattr(row, "backend_version", "")]).strip()
    return {
        "date": day(row.date, language),
        "machine": row.machine,
        "cores": row.cores,
        "backend": backend,
    }
