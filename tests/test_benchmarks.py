"""The benchmark of the fused loops: what it finds is kept as it goes, what fails stops no other."""

import csv
import subprocess
import sys
from pathlib import Path

import keras
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="the loops are JAX's")


@pytest.fixture
def fused(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import fused

    case = fused.Case("irnn", "2015", units=3, batch_size=2, steps=4, features=1)
    monkeypatch.setattr(fused, "cases", lambda spec: [case])
    monkeypatch.setattr(fused, "ROUNDS", 1)
    return fused


def rows(folder, table):
    with (folder / f"fused-{table}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def run(fused, folder, *options):
    sizes = ["--networks", "irnn", "--pooling", 4, "--units", 3, "--batch", 2, "--runs", 2]
    sizes += ["--updates", 1, "--slow-updates", 1, "--interpret", "--output", folder]
    return fused.main([str(a) for a in (*sizes, *options)])


def test_checks_and_times_are_in_tables_to_which_another_run_adds(fused, tmp_path, monkeypatch):
    assert run(fused, tmp_path) == 0
    (check,) = rows(tmp_path, "check")
    assert float(check["error"]) < fused.LIMIT
    assert check["problem"] == ""
    found = rows(tmp_path, "speed")
    assert [(row["loop"], row["runs"]) for row in found] == [
        ("stock", "1"),
        *[(loop, runs) for runs in "12" for loop in ("fused", "scan")],
    ]
    for row in found:
        assert 0 < float(row["low"]) <= float(row["seconds"]) <= float(row["high"])

    monkeypatch.setattr(fused, "work", lambda tables, args: tables.add("check", network="lstm"))
    assert run(fused, tmp_path) == 0
    assert [row["network"] for row in rows(tmp_path, "check")] == ["irnn", "lstm"]


def test_a_wrong_loop_and_one_that_fails_are_problems_that_stop_no_other(
    fused, tmp_path, monkeypatch
):
    def fail(*arguments, **options):
        raise RuntimeError("no such instruction\nand more")

    monkeypatch.setattr(fused, "LIMIT", 0.0)
    monkeypatch.setattr(fused.Fused, "rnn_backward", fail)
    monkeypatch.setattr(fused, "error", lambda case, interpret: 0.5)
    assert run(fused, tmp_path) == 1
    assert rows(tmp_path, "check")[0]["problem"] == "the error is more than 0"
    said = {row["loop"]: row["problem"] for row in rows(tmp_path, "speed")}
    failed = "RuntimeError: no such instruction and more"
    assert said == {"stock": "", "fused": failed, "scan": ""}


def test_it_ends_when_the_time_is_over_and_keeps_what_it_has(tmp_path):
    code = (
        "import sys, time, fused; from pathlib import Path; "
        "tables = fused.Tables(Path(sys.argv[1])); tables.add('check', network='irnn'); "
        "tables.stop_after(0.001); time.sleep(100)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], cwd=BENCHMARKS, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "0.001 minutes are over" in done.stdout
    assert len(rows(tmp_path, "check")) == 1


def test_tables_of_other_columns_are_left_alone(fused, tmp_path):
    (tmp_path / "fused-speed.csv").write_text("model,what\n")
    with pytest.raises(SystemExit, match="has other columns; name another folder with --output"):
        run(fused, tmp_path)
    assert (tmp_path / "fused-speed.csv").read_text() == "model,what\n"


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("optree", "not installed: optree; the first lines of "),
        ("irnn", "is PYTHONPATH=src set?"),
    ],
)
def test_what_is_missing_is_said_in_one_line(module, said):
    code = f"import sys; sys.modules[{module!r}] = None; import fused"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BENCHMARKS, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
