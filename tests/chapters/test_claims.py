"""A verdict follows from recorded runs, and the ledger's prose from the verdicts."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from irnn import chapters
from irnn.__main__ import main
from irnn.chapters import claims, irnn_vs_lstm, truncated_bptt
from irnn.evidence import VERDICTS, Recorded, difference, is_ahead, rank_p
from irnn.spec import make
from irnn.store import METRICS, Run, Store

GOOD, BAD = [0.79, 0.8, 0.81], [0.19, 0.2, 0.21]
BOOK = Path(__file__).parents[2] / "book"
SITTING = {"sitting": {"first_epoch": 1, "backend": "jax", "device": "CPU"}}


def lines(accuracy, epochs, **others):
    values = dict.fromkeys(METRICS, 0.5) | {"val_accuracy": accuracy} | others
    return [{"epoch": n} | values for n in range(1, epochs + 1)]


def record(store, curve, accuracies, **others):
    for spec, accuracy in zip(curve.specs, accuracies, strict=True):
        store.append(spec, SITTING, *lines(accuracy, curve.epochs, **others))


def runs(*accuracies):
    return [
        Run(make("irnn", seed=n), epochs=lines(accuracy, 1))
        for n, accuracy in enumerate(accuracies)
    ]


def verdict(store, name, language="en", **values):
    (entry,) = (e for e in claims.ledger(store, language, **values) if e.claim.name == name)
    return entry


# --- differences ------------------------------------------------------------------------


def test_a_difference_is_one_where_the_spread_of_the_seeds_allows_it():
    apart = difference(runs(0.80, 0.81, 0.82), runs(0.60, 0.61, 0.62))
    assert apart.value == pytest.approx(0.2)
    assert apart.p == pytest.approx(1.648e-5, rel=1e-3)  # of t = 24.49 with 4 degrees of freedom
    assert apart.higher
    assert not apart.lower
    near = difference(runs(0.5, 0.8, 0.6), runs(0.7, 0.5, 0.6))
    assert not near.significant


@pytest.mark.parametrize(
    ("others", "expected"),
    [((0.60, 0.61), "reproduced"), ((0.98, 0.99), "not reproduced"), ((0.6, None), "undecided")],
)
def test_ahead_is_who_is_so_by_more_than_chance(others, expected):
    assert is_ahead(runs(0.80, 0.81), runs(*others)) == expected


def test_runs_that_are_not_recorded_are_not_among_the_recorded(store):
    experiment = chapters.experiment(irnn_vs_lstm, seeds=2, epochs=2)
    record(store, experiment["irnn"], [0.6, 0.61])
    recorded = Recorded(experiment, store)
    assert "irnn" in recorded
    assert "lstm" not in recorded
    assert recorded.get("lstm") is None


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (((0.7, 0.8, 0.9, 0.95, 0.96), (0.1, 0.2, 0.3, 0.4, 0.5)), 2 / 252),
        (((0.1, 0.2), (0.3, 0.4, 0.5)), 2 / 10),
        (((0.1, 0.4), (0.2, 0.3)), 1.0),
        (((0.1, 0.3), (0.1, 0.2)), 1.0),  # ranks 1.5 and 4 against 1.5 and 3
    ],
)
def test_the_rank_test_counts_the_ways_to_part_the_seeds(groups, expected):
    assert rank_p(*(runs(*group) for group in groups)) == pytest.approx(expected)


def test_one_seed_is_never_told_apart():
    assert not difference(runs(0.9), runs(0.1, 0.2)).significant


# --- verdicts ---------------------------------------------------------------------------


def test_without_its_runs_a_claim_is_not_tested(store):
    for entry in claims.ledger(store):
        assert (entry.verdict, entry.measured, entry.runs) == ("not tested", "", ())


def test_a_curve_that_lacks_an_epoch_of_one_seed_is_not_tested(store):
    experiment = chapters.experiment(irnn_vs_lstm, seeds=2, epochs=2)
    record(store, experiment["irnn"], [0.6, 0.61])
    record(store, replace(experiment["lstm"], epochs=1), [0.2, 0.21])
    assert verdict(store, "irnn-ahead", seeds=2, epochs=2).verdict == "not tested"


@pytest.mark.parametrize(
    ("lstm", "expected"),
    [([0.2, 0.21], "reproduced"), ([0.9, 0.91], "not reproduced"), ([0.2, 0.99], "undecided")],
)
def test_other_numbers_give_another_verdict(store, lstm, expected):
    experiment = chapters.experiment(irnn_vs_lstm, seeds=2, epochs=2)
    record(store, experiment["irnn"], [0.6, 0.61])
    record(store, experiment["lstm"], lstm)
    entry = verdict(store, "irnn-ahead", seeds=2, epochs=2)
    assert entry.verdict == expected
    assert {run.spec for run in entry.runs} == {
        spec for name in ("irnn", "lstm") for spec in experiment[name].specs
    }
    assert "60.5%" in entry.measured


@pytest.mark.parametrize(("gained", "expected"), [(0.1, "reproduced"), (0.0, "in part")])
def test_a_lead_by_the_clock_is_larger_only_if_time_adds_to_it(store, gained, expected):
    experiment = chapters.experiment(irnn_vs_lstm, seeds=2, epochs=4)
    for spec in experiment["irnn"].specs:
        epochs = lines(0.6, 4, seconds=10)
        for n, epoch in enumerate(epochs):
            epoch["val_accuracy"] += n * gained
        store.append(spec, SITTING, *epochs)
    record(store, experiment["irnn-tuned"], [0.6, 0.61], seconds=10)
    for name in ("lstm", "lstm-tuned"):
        record(store, experiment[name], [0.2, 0.21], seconds=40)
    assert verdict(store, "irnn-ahead-by-time", seeds=2, epochs=4).verdict == expected


@pytest.mark.parametrize(
    ("quarter", "expected"),
    [
        ({"irnn": GOOD, "lstm": GOOD}, "reproduced"),
        ({"irnn": BAD, "lstm": GOOD}, "in part"),
        ({"irnn": BAD, "lstm": BAD}, "not reproduced"),
    ],
)
def test_no_long_memory_asks_for_a_short_gradient_that_is_as_good(store, quarter, expected):
    experiment = chapters.experiment(truncated_bptt, epochs=1)
    for model, accuracies in quarter.items():
        reached = {"quarter": accuracies, "all": [0.81, 0.82, 0.80]}
        for k in truncated_bptt.SHARES:
            record(store, experiment[f"{model}-rows-{k}"], reached.get(k, [0.1, 0.11, 0.12]))
    assert verdict(store, "no-long-memory", epochs=1).verdict == expected


def test_equal_losses_contradict_that_all_steps_differ_from_none(store):
    experiment = chapters.experiment(truncated_bptt, epochs=1)
    for model in ("irnn", "lstm"):
        record(store, experiment[f"{model}-all"], [0.8], loss=1.5)
        record(store, experiment[f"{model}-rows-all"], [0.8] * 3, loss=1.5)
    assert verdict(store, "all-steps-differ-from-none", epochs=1).verdict == "not reproduced"
    spec = experiment["lstm-all"].specs[0]
    store.record_path(spec).unlink()
    store.append(spec, SITTING, *lines(0.8, 1, loss=1.6))
    assert verdict(store, "all-steps-differ-from-none", epochs=1).verdict == "reproduced"


# --- the page ---------------------------------------------------------------------------


def test_the_prose_was_written_for_these_verdicts():
    """Where this fails, read what the prose says of the claim, then change `REVIEWED`."""
    assert {e.claim.name: e.verdict for e in claims.ledger(Store())} == claims.REVIEWED


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_claim_stands_on_the_page(language):
    notebook = json.loads((BOOK / language / "claims.ipynb").read_text("utf-8"))
    text = "".join("".join(cell["source"]) for cell in notebook["cells"])
    shown = set(re.findall(r"\{glue:text\}`(\w+)`", text))
    entries = claims.ledger(Store(), language)
    assert shown == set(claims.numbers(entries, language))
    assert claims.VERDICTS[language].keys() == set(VERDICTS)


def test_on_the_command_line(capsys):
    assert main(["claims"]) == 0
    assert re.search(r"^reproduced +irnn-ahead ", capsys.readouterr().out, re.MULTILINE)
    assert main(["claims", "--json"]) == 0
    (first, *_) = json.loads(capsys.readouterr().out)
    assert first["runs"][0].startswith("mnist-irnn-")
