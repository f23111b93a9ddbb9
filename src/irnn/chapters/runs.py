"""The catalogue of recorded runs: for the page, for CSV and for the command line."""

import csv
import html
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace

import numpy as np

from irnn.parameters import shared
from irnn.show.text import joined, rate
from irnn.show.times import epoch_seconds, trained_on
from irnn.spec import RunSpec, setting
from irnn.store import RUNS, Run, Store

EXPERIMENT = ("dataset", "epochs", "seeds", "units", "batch_size", "learning_rate")
PARAMETERS = shared(without=[*EXPERIMENT, "train"])

RECORDS = "runs"  # the folder of the site that has a copy of every record

Row = dict[str, str | int | float | None]

SPEC = tuple(field.name for field in fields(RunSpec))

# The columns of the page, by what they hold: a field of the specs, or what came of the runs.
HEADINGS = {
    "en": {
        "model": "network",
        "setting": "setting",
        "learning_rate": "rate",
        "best": "best",
        "final": "final",
        "epochs": "epochs",
        "seeds": "seeds",
        "seconds": "s/epoch",
        "where": "trained on",
        "date": "date",
    },
    "ja": {
        "model": "ネットワーク",
        "setting": "設定",
        "learning_rate": "学習率",
        "best": "最高",
        "final": "最終",
        "epochs": "エポック数",
        "seeds": "シード",
        "seconds": "1 エポックの秒数",
        "where": "学習環境",
        "date": "日付",
    },
}

# Of the field in which readers filter the rows, and of a row.
WORDS = {
    "en": {
        "filter": "Filter the settings",
        "of": "{n} of {all} settings",
        "hint": "lstm bptt_steps 49",
        "main": "as in the main chapter",
        "where": "{device} ({backend})",
    },
    "ja": {
        "filter": "設定を絞り込む",
        "of": "{all} 通りの設定のうち {n} 通り",
        "hint": "lstm bptt_steps 49",
        "main": "本編と同じ",
        "where": "{device}（{backend}）",
    },
}


def row(run: Run) -> Row:
    """Return a run as a row: all of its spec, its outcome, and on what it was trained.

    Accuracies are shares of the test images, `best` over the epochs, None where not finite.
    `seconds` is the median time of an epoch's updates, None where several devices trained; of
    these, backend and device name each. What else there is of a sitting is of the last one.
    """
    sitting = run.sittings[-1] if run.sittings else {}
    backends, devices = zip(*trained_on(run), strict=True) if len(run) else ((), ())
    accuracy = run["val_accuracy"]
    return {
        "run": run.spec.name,
        **{name: getattr(run.spec, name) for name in SPEC},
        "steps": run.spec.steps,
        "epochs": len(run),
        "best": max((float(value) for value in accuracy if math.isfinite(value)), default=None),
        "final": float(accuracy[-1]) if len(run) and math.isfinite(accuracy[-1]) else None,
        "seconds": epoch_seconds(run),
        "backend": "; ".join(dict.fromkeys(backends)),
        "device": "; ".join(dict.fromkeys(devices)),
        **{
            name: sitting.get(name, "")
            for name in ("backend_version", "keras", "loop", "date", "commit")
        },
        "train": command(run) if (RUNS / f"{run.spec.name}.jsonl").exists() else "",
    }


def command(run: Run) -> str:
    """Return the command that trains a published run again, into a store of the reader's own."""
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
    seconds = sum(seconds for run in runs for seconds, _ in run.timed())
    return {
        "count": f"{len(runs):,}",
        "settings": f"{len({_without_seed(run.spec) for run in runs}):,}",
        "epochs": f"{sum(map(len, runs)):,}",
        "hours": f"{seconds / 3600:,.0f}",
    }


def table(runs: Iterable[Run], language: str, runs_dir: str = "") -> str:
    """Return the catalogue as a table in HTML, which `catalogue.js` sorts and filters.

    A row has the runs that the seed alone sets apart: a page of a row for each is slow on a
    phone. The main experiment comes first, then what else reads all pixels of MNIST. The seed of a
    published run leads to the copy of its record in the site.
    """
    linked = Store(runs_dir).root == RUNS
    head = "".join(
        f'<th scope="col"{NUMERIC if key in NUMBERS else ""}>{text}</th>'
        for key, text in HEADINGS[language].items()
    )
    groups: dict[tuple[RunSpec, bool], list[Run]] = {}
    for run in runs:
        groups.setdefault(_without_seed(run.spec), []).append(run)
    body = "".join(
        _html_row(*key, some, language, linked) for key, some in sorted(groups.items(), key=_place)
    )
    words = json.dumps(WORDS[language], ensure_ascii=False)
    return (
        f'<div class="irnn-catalogue"><script type="application/json">{words}</script>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _place(group: tuple[tuple[RunSpec, bool], list[Run]]) -> tuple:
    """Return by what the table's rows are in order."""
    (spec, own), runs = group
    size = spec.dataset != "mnist", spec.pooling
    return *size, own, setting(spec), -len(runs), spec.model, spec.learning_rate


def _without_seed(spec: RunSpec) -> tuple[RunSpec, bool]:
    """Return a run's spec without its seed, and whether that is also its permutation's."""
    own = spec.permutation == spec.seed
    return replace(spec, seed=0, permutation=None if own else spec.permutation), own


NUMERIC = ' class="number"'
NUMBERS = ("learning_rate", "epochs", "best", "final", "seconds")


def _html_row(spec: RunSpec, own: bool, runs: list[Run], language: str, linked: bool) -> str:
    """Return the runs of a setting, see `_without_seed`, as a row of the page's table.

    There is no mean where a run has diverged, and no time where several devices trained.
    """
    runs = sorted(runs, key=lambda run: run.spec.seed)
    rows = [row(run) for run in runs]
    links = [
        f'<a href="../../{RECORDS}/{run.spec.name}.jsonl" title="{run.spec.id}">{run.spec.seed}</a>'
        if linked
        else f"{run.spec.seed}"
        for run in runs
    ]
    words = [setting(spec), *(["permutation seed"] if own else [])]
    seconds = [entry["seconds"] for entry in rows if entry["seconds"] is not None]
    where = dict.fromkeys(pair for run in runs for pair in trained_on(run))
    devices = [WORDS[language]["where"].format(backend=b, device=d) for b, d in where]
    shown = {
        "model": spec.model.upper(),
        "setting": html.escape(", ".join(filter(None, words))) or WORDS[language]["main"],
        "learning_rate": rate(spec.learning_rate),
        "seeds": " ".join(links),
        "epochs": "–".join(dict.fromkeys(str(f([len(run) for run in runs])) for f in (min, max))),
        "best": _percent(rows, "best"),
        "final": _percent(rows, "final"),
        "seconds": f"{np.median(seconds):.1f}" if seconds and len(where) == 1 else "",
        "where": html.escape(joined(devices, language)),
        "date": max(str(entry["date"])[:10] for entry in rows),
    }
    sorted_by = {"learning_rate": f' data-value="{spec.learning_rate:g}"'}
    cells = "".join(
        f"<td{NUMERIC if key in NUMBERS else ''}{sorted_by.get(key, '')}>{shown[key]}</td>"
        for key in HEADINGS[language]
    )
    return f"<tr>{cells}</tr>"


def _percent(rows: list[Row], metric: str) -> str:
    """Return the mean of a metric over runs that all have it, else nothing."""
    found = [entry[metric] for entry in rows]
    return "" if None in found else f"{np.mean(found):.1%}"
