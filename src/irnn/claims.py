"""The ledger: what the post and others claim, beside what the recorded runs say of it.

A claim's rule stands in the chapter that tests it; its words are in the ledger's notebooks,
which were written for the verdicts of `REVIEWED`.
"""

from typing import NamedTuple

from irnn import chapters
from irnn.chapters import irnn_vs_lstm, truncated_bptt
from irnn.evidence import Claim, NotRecorded, Recorded
from irnn.parameters import shared
from irnn.store import Run, Store

PARAMETERS = shared(without=["learning_rate", "train"], seeds=None, units=None, batch_size=None)

CHAPTERS = (irnn_vs_lstm, truncated_bptt)

# The verdicts that the ledger's prose was written for. A test compares them with what the
# recorded runs say: where one changes, read the prose that speaks of it, then change it here.
REVIEWED: dict[str, str] = {}

VERDICTS = {
    "en": {
        "reproduced": "reproduced",
        "in part": "in part",
        "not reproduced": "not reproduced",
        "not tested": "not tested",
    },
    "ja": {
        "reproduced": "再現",
        "in part": "部分的に再現",
        "not reproduced": "再現せず",
        "not tested": "未検証",
    },
}


class Entry(NamedTuple):
    """A claim with its verdict."""

    claim: Claim
    chapter: str
    verdict: str  # one of `evidence.VERDICTS`
    measured: str  # "" for what is not tested
    runs: tuple[Run, ...]  # that the rule looked at


def ledger(store: Store, language: str = "en", **values) -> list[Entry]:
    """Return every claim with its verdict on the runs of a store.

    Args:
        store: Where the runs are.
        language: Of what was measured.
        values: Parameters of the experiments, where not the published ones; a chapter takes
            those that it has.

    """
    return [
        judge(claim, chapter, store, language, values)
        for chapter in CHAPTERS
        for claim in chapter.CLAIMS
    ]


def judge(claim: Claim, chapter, store: Store, language: str, values: dict) -> Entry:
    """Return a chapter's claim with its verdict; without all of its runs it is not tested."""
    own = {key: value for key, value in values.items() if key in chapter.PARAMETERS}
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
        found[name] = VERDICTS[language][entry.verdict]
        found[f"{name}_measured"] = entry.measured or "–"
    return found
