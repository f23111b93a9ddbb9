"""The software of 2015, re-run: what is missing is said in one line, and no table is cut short."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from irnn.data import Data
from irnn.errors import InputError

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import keras_2015

    return keras_2015


@pytest.fixture
def train(script, monkeypatch, tmp_path):
    """Return what the losses are if this program stands in for the one of 2015."""

    def train(program):
        monkeypatch.setattr(script, "PROGRAM", tmp_path / "program.py")
        script.PROGRAM.write_text(program)
        mnist = Data(np.zeros((320, 28, 28), "float32"), np.zeros(320, "uint8"), None, None)
        return list(script.losses(script.CASES[0], mnist, Path(sys.executable), tmp_path))

    return train


def test_mnist_has_no_substitute(script, monkeypatch, tmp_path):
    monkeypatch.setenv("MNIST_NPZ", str(tmp_path / "mnist.npz"))
    with pytest.raises(SystemExit) as stopped:
        script.main(["--output", str(tmp_path / "losses.csv")])
    said = str(stopped.value)
    assert "there is no file" in said
    assert "set MNIST_NPZ" in said
    assert "other digits are no substitute" in said
    assert "\n" not in said
    assert list(tmp_path.iterdir()) == []


def test_packages_that_cannot_be_had(script, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(InputError, match=r"pip cannot install .*connect to the internet") as error:
        script.install(sys.executable)
    assert "\n" not in str(error.value)


def test_a_compiler_is_needed(script, monkeypatch, tmp_path):
    monkeypatch.setattr(script.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match=r"needs a C\+\+ compiler"):
        script.environment(tmp_path)


def test_python_3_11_is_needed(script, monkeypatch, tmp_path):
    which = {"g++": "g++"}.get
    monkeypatch.setattr(script.shutil, "which", which)
    monkeypatch.setattr(script.sys, "version_info", (3, 13, 0))
    with pytest.raises(InputError, match=r"python3\.11 is not found"):
        script.environment(tmp_path)


def test_losses_are_numbers_or_nan(train):
    first, second = train("print(2.5); print(float('nan'))")
    assert first == 2.5
    assert math.isnan(second)


def test_the_program_is_told_how_to_truncate(train):
    assert train("import sys; print(sys.argv[3])") == [784]


def test_a_program_that_fails_is_named_with_its_last_word(train):
    with pytest.raises(InputError, match=r"program\.py failed .*ValueError: no such layer"):
        train("raise ValueError('no such layer')")


def test_a_table_is_written_whole_or_not_at_all(script, monkeypatch, tmp_path):
    def fail(folder):
        yield {"update": 1, "loss": 2.5}
        raise InputError("the second update failed")

    table = tmp_path / "losses.csv"
    table.write_text("old")
    monkeypatch.setattr(script, "measure", fail)
    with pytest.raises(SystemExit, match="the second update failed"):
        script.main(["--output", str(table)])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"losses.csv": "old"}

    monkeypatch.setattr(script, "measure", lambda folder: iter([{"update": 1, "loss": 2.5}]))
    script.main(["--output", str(table)])
    assert table.read_text() == "update,loss\n1,2.5\n"
