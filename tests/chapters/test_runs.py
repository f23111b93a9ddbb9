"""The catalogue has every run, whole, and a command that trains it again."""

import csv
import json
import re
import shlex
from dataclasses import asdict

import pytest

from irnn.__main__ import main
from irnn.chapters import runs as catalogue
from irnn.show.text import rate
from irnn.spec import make, setting
from irnn.store import METRICS, RUNS, Store

SITTING = {"first_epoch": 1, "backend": "jax", "device": "CPU <1>", "date": "2026-01-02T00:00:00"}


@pytest.fixture
def two(store):
    """A store with a run of the main experiment and one that diverged."""
    for spec, value in ((make("irnn"), 0.75), (make("lstm", optimizer="sgd", clip_norm=1), None)):
        line = {"epoch": 1} | dict.fromkeys(METRICS, value) | {"seconds": 2.0}
        store.append(spec, {"sitting": SITTING}, line)
    return store


def test_every_recorded_run_is_listed_with_all_of_its_spec(capsys):
    assert main(["runs", "--csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    runs, _ = Store().runs()
    assert [row["run"] for row in rows] == [run.spec.name for run in runs]
    assert rows[0].keys() > asdict(runs[0].spec).keys()
    assert float(rows[0]["final"]) == runs[0]["val_accuracy"][-1]


def test_json_says_the_same(two, capsys):
    assert main(["runs", "--json", "--runs-dir", str(two.root)]) == 0
    irnn, lstm = json.loads(capsys.readouterr().out)
    assert (irnn["best"], irnn["final"], irnn["device"]) == (0.75, 0.75, "CPU <1>")
    assert (lstm["best"], lstm["final"], lstm["clip_norm"]) == (None, None, 1.0)


def test_on_the_page_the_main_experiment_comes_first(store):
    more = [make("irnn", seed=1)]
    first = [make("irnn"), make("irnn", learning_rate=1e-7), make("lstm")]
    others = [make("irnn", bptt_steps=49), make("irnn", pooling=2), make("irnn", dataset="digits")]
    for spec in reversed([*first, *others, *more]):
        store.append(spec, {"sitting": SITTING}, {"epoch": 1} | dict.fromkeys(METRICS, 0.5))
    table = catalogue.table(store.runs()[0], "en", str(store.root))
    shown = [re.findall(">([^<]*)</td>", row)[:3] for row in table.split("<tr>")[2:]]
    expected = [[spec.model.upper(), setting(spec), rate(spec.learning_rate)] for spec in others]
    for (model, _, shown_rate), spec in zip(shown[:3], first, strict=True):
        assert (model, shown_rate) == (spec.model.upper(), rate(spec.learning_rate))
    assert shown[3:] == expected


def test_the_page_shows_what_differs_and_escapes_it(two):
    table = catalogue.table(two.runs()[0], "en", str(two.root))
    assert table.count("<tr>") == 3
    assert "CPU &lt;1&gt;" in table
    assert "optimizer sgd, clip_norm 1" in table
    assert "<a " not in table  # the site has the records of the published runs alone


def test_a_run_that_moved_has_no_time_and_names_both_devices(two):
    elsewhere = SITTING | {"first_epoch": 2, "device": "GPU", "together": 2}
    line = {"epoch": 2} | dict.fromkeys(METRICS, 0.5) | {"seconds": 9.0}
    two.append(make("irnn"), {"sitting": elsewhere}, line)
    irnn, lstm = map(catalogue.row, two.runs()[0])
    assert (irnn["seconds"], irnn["device"]) == (None, "CPU <1>; GPU")
    assert (lstm["seconds"], lstm["device"]) == (2.0, "CPU <1>")
    assert "CPU &lt;1&gt; (jax); GPU (jax)" in catalogue.table(two.runs()[0], "en")


def test_the_seeds_of_a_setting_share_a_row_of_the_page(two):
    line = {"epoch": 1} | dict.fromkeys(METRICS, 0.25) | {"seconds": 2.0}
    two.append(make("irnn", seed=1), {"sitting": SITTING}, line, line | {"epoch": 2})
    table = catalogue.table(two.runs()[0], "en", str(two.root))
    assert table.count("<tr>") == 3
    for cell in ("0 1", "1–2", "50.0%"):  # seeds, epochs, mean accuracy
        assert re.search(f"<td[^>]*>{cell}</td>", table), cell


def test_seeds_with_an_order_each_share_a_row_and_others_do_not(store):
    line = {"epoch": 1} | dict.fromkeys(METRICS, 0.25) | {"seconds": 2.0}
    for seed, permutation in ((0, 0), (1, 1), (1, 0), (2, 1), (3, None)):
        spec = make("irnn", seed=seed, permutation=permutation)
        store.append(spec, {"sitting": SITTING}, line)
    table = catalogue.table(store.runs()[0], "en", str(store.root))
    assert sorted(re.findall(r"<td>([\d ]+)</td>", table)) == ["0 1", "1", "2", "3"]


def test_a_published_run_leads_to_its_record(site):
    page = (site / "book" / "en" / "runs.html").read_text("utf-8")
    name = next(RUNS.glob("*.jsonl")).name
    assert (site / catalogue.RECORDS / name).read_text() == (RUNS / name).read_text()
    assert "irnn-catalogue" in page


def test_its_command_trains_a_run_again(tmp_path, capsys):
    run = Store().runs()[0][0]
    words = shlex.split(catalogue.command(run))
    assert words[:3] == ["python", "-m", "irnn"]
    arguments = [str(tmp_path) if word == "my-runs" else word for word in words[3:]]
    assert main([*arguments, "--dry-run"]) == 0
    assert f"{len(run)} of {len(run)} epochs to train" in capsys.readouterr().out


def test_a_run_that_is_not_published_has_no_such_command(store):
    spec = make("irnn", dataset="digits", units=7)
    store.append(spec, {"sitting": SITTING}, {"epoch": 1} | dict.fromkeys(METRICS, 0.5))
    (run,) = store.runs()[0]
    assert catalogue.row(run)["train"] == ""


def test_the_main_experiment_needs_no_words():
    assert setting(make("lstm", seed=3, learning_rate=1e-4)) == ""
    assert setting(make("irnn", bptt_steps=28)) == "bptt_steps 28"
