"""The catalogue: every recorded run in a row, for the page, for CSV and for the command line."""

import csv
import html
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from irnn.parameters import shared
from irnn.spec import RunSpec, setting
from irnn.store import RUNS, Run, Store

EXPERIMENT = ("dataset", "epochs", "seeds", "units", "batch_size", "learning_rate")
PARAMETERS = shared(without=[*EXPERIMENT, "train"])

RECORDS = "runs"  # the folder of the site that has a copy of every record

Row = dict[str, str | int | float | None]

SPEC = tuple(field.name for field in fields(RunSpec))

# The columns of the page, by what they hold: a spec's field, or what came of the run.
HEADINGS = {
    "en": {
        "run": "run",
        "model": "network",
        "setting": "setting",
        "learning_rate": "rate",
        "seed": "seed",
        "epochs": "epochs",
        "best": "best",
        "final": "final",
        "seconds": "s/epoch",
        "where": "trained on",
        "date": "date",
        "commit": "commit",
    },
    "ja": {
        "run": "ラン",
        "model": "ネットワーク",
        "setting": "設定",
        "learning_rate": "学習率",
        "seed": "シード",
        "epochs": "エポック数",
        "best": "最高",
        "final": "最終",
        "seconds": "秒/エポック",
        "where": "学習環境",
        "date": "日付",
        "commit": "コミット",
    },
}


def row(run: Run) -> Row:
    """Return a run as a row: all of its spec, its outcome, and on what it was trained.

    Accuracies are shares of the test images, `best` over the epochs, None where not finite.
    `seconds` is the median time of an epoch's updates. Backend, device, date and commit are those
    of the last sitting.
    """
    sitting = run.sittings[-1] if run.sittings else {}
    accuracy = run["val_accuracy"]
    return {
        "run": run.spec.name,
        **{name: getattr(run.spec, name) for name in SPEC},
        "steps": run.spec.steps,
        "epochs": len(run),
        "best": max((float(value) for value in accuracy if math.isfinite(value)), default=None),
        "final": float(accuracy[-1]) if len(run) and math.isfinite(accuracy[-1]) else None,
        "seconds": float(np.median(run["seconds"])) if len(run) else None,
        **{
            name: sitting.get(name, "")
            for name in ("backend", "backend_version", "keras", "loop", "device", "date", "commit")
        },
        "train": command(run),
    }


def command(run: Run) -> str:
    """Return the command that trains a run again, into a store of the reader's own."""
    return f"python -m irnn train {run.spec.name} --runs-dir my-runs"


def to_csv(runs: Iterable[Run]) -> str:
    """Return the catalogue as CSV."""
    file = io.StringIO()
    writer = None
    for entry in map(row, runs):
        if writer is None:
            writer = csv.DictWriter(file, entry, lineterminator="\n")
            writer.writeheader()
        writer.writerow(entry)
    return file.getvalue()


def to_json(runs: Iterable[Run]) -> str:
    """Return the catalogue as a JSON array of objects."""
    return json.dumps([row(run) for run in runs], indent=1)


def numbers(runs: Sequence[Run]) -> dict[str, str]:
    """Return the numbers of the prose by name."""
    seconds = sum(run["seconds"].sum() for run in runs)
    return {
        "count": f"{len(runs):,}",
        "epochs": f"{sum(map(len, runs)):,}",
        "hours": f"{seconds / 3600:,.0f}",
    }


@dataclass(frozen=True)
class Table:
    """HTML that a notebook shows."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


def table(runs: Iterable[Run], language: str, runs_dir: str = "") -> Table:
    """Return the catalogue as a table, which `catalogue.js` sorts and filters.

    The name of a published run leads to the copy of its record in the site.
    """
    linked = Store(runs_dir).root == RUNS
    head = "".join(
        f'<th scope="col"{NUMERIC if key in NUMBERS else ""}>{text}</th>'
        for key, text in HEADINGS[language].items()
    )
    body = "".join(_html_row(row(run), run.spec, language, linked) for run in runs)
    return Table(
        f'<div class="irnn-catalogue"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


NUMERIC = ' class="number"'
NUMBERS = ("learning_rate", "seed", "epochs", "best", "final", "seconds")


def _html_row(entry: Row, spec: RunSpec, language: str, linked: bool) -> str:
    """Return a run as a row of the page's table."""
    link = f'<a href="../../{RECORDS}/{spec.name}.jsonl">{spec.id}</a>'
    shown = {
        "run": link if linked else spec.id,
        "model": spec.model.upper(),
        "setting": html.escape(setting(spec)) or "–",
        "learning_rate": f"{spec.learning_rate:g}",
        "seed": spec.seed,
        "epochs": entry["epochs"],
        "best": _percent(entry["best"]),
        "final": _percent(entry["final"]),
        "seconds": "" if entry["seconds"] is None else f"{entry['seconds']:.1f}",
        "where": html.escape(f"{entry['backend']}, {entry['device']}"),
        "date": str(entry["date"])[:10],
        "commit": html.escape(str(entry["commit"])),
    }
    cells = "".join(
        f"<td{NUMERIC if key in NUMBERS else ''}>{shown[key]}</td>" for key in HEADINGS[language]
    )
    return f"<tr>{cells}</tr>"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
