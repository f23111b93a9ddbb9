"""The ledger: what the post and others claim, beside what the recorded runs say of it.

A claim's rule stands in the chapter that tests it; its words are in the ledger's notebooks.
"""

import json
from types import ModuleType
from typing import NamedTuple

from irnn import chapters
from irnn.chapters import (
    irnn_vs_lstm,
    long_dependency,
    optimizer,
    ten_years_later,
    truncated_bptt,
)
from irnn.evidence import Claim, NotRecorded, Recorded
from irnn.parameters import Parameter, count_or_none, of_experiment, shared
from irnn.store import Run, Store

PARAMETERS = shared(without=["learning_rate", "train"]) | {
    "seeds": Parameter(None, "number of seeds; None: as many as published", count_or_none)
}

CHAPTERS = (irnn_vs_lstm, optimizer, truncated_bptt, long_dependency, ten_years_later)

VERDICTS = {
    "en": {
        "reproduced": "reproduced",
        "in part": "in part",
        "undecided": "undecided",
        "not reproduced": "not reproduced",
        "not tested": "not tested",
    },
    "ja": {
        "reproduced": "再現",
        "in part": "一部再現",
        "undecided": "判定できず",
        "not reproduced": "再現せず",
        "not tested": "未検証",
    },
}


# Before the word, so that a table of verdicts is read at a glance.
MARKS = {
    "reproduced": "●",
    "in part": "◐",
    "undecided": "?",
    "not reproduced": "○",
    "not tested": "–",
}


class Entry(NamedTuple):
    """A claim with its verdict."""

    claim: Claim
    chapter: str
    verdict: str  # one of `evidence.VERDICTS`
    measured: str  # "" for what is not tested
    runs: tuple[Run, ...]  # that the rule looked at


def ledger(
    store: Store, language: str = "en", page: ModuleType | None = None, **values
) -> list[Entry]:
    """Return every claim with its verdict on the runs of a store.

    Args:
        store: Where the runs are.
        language: Of what was measured.
        page: The chapter whose parameters the values are; None: the ledger.
        values: Parameters of the experiments, where not the published ones. A chapter takes those
            that it has, of another one's only those that the ledger has, too.

    """
    common = {key: value for key, value in values.items() if key in PARAMETERS}
    return [
        judge(claim, chapter, store, language, values if chapter is page else common)
        for chapter in CHAPTERS
        for claim in chapter.CLAIMS
    ]


def judge(claim: Claim, chapter, store: Store, language: str, values: dict) -> Entry:
    """Return a chapter's claim with its verdict; without all of its runs it is not tested."""
    given = {key: value for key, value in values.items() if value is not None}
    own = {key: given[key] for key in of_experiment(chapter.PARAMETERS) if key in given}
    runs = Recorded(chapters.experiment(chapter, **own), store)
    name = chapters.name(chapter)
    try:
        verdict, measured = claim.rule(runs), claim.measured(runs, language)
    except NotRecorded:
        return Entry(claim, name, "not tested", "", ())
    return Entry(claim, name, verdict, measured, tuple(runs.seen.values()))


def numbers(entries: list[Entry], language: str) -> dict[str, str]:
    """Return verdict and measurement of every claim, by the names that the prose has for them."""
    found = {}
    for entry in entries:
        name = entry.claim.name.replace("-", "_")
        found[name] = f"{MARKS[entry.verdict]}\u00a0{VERDICTS[language][entry.verdict]}"
        found[f"{name}_measured"] = entry.measured or "–"
    return found


def as_text(entries: list[Entry]) -> str:
    """Return a line per claim, for the command line."""
    width = max(len(entry.claim.name) for entry in entries)
    lines = [f"{e.verdict:15} {e.claim.name:{width}} {e.measured}".rstrip() for e in entries]
    return "\n".join(lines)


def as_json(entries: list[Entry]) -> str:
    """Return the ledger as a JSON array, with the names of the runs behind each verdict."""
    return json.dumps(
        [
            {
                "claim": entry.claim.name,
                "chapter": entry.chapter,
                "verdict": entry.verdict,
                "measured": entry.measured,
                "runs": [run.spec.name for run in entry.runs],
            }
            for entry in entries
        ],
        indent=1,
    )
