"""A page's parameters are those of its chapter, and what it says to do can be done."""

from types import SimpleNamespace

import pytest

from irnn import page
from irnn.chapters import index, reproduce
from irnn.errors import InputError
from irnn.store import MissingRuns
from irnn.training import session


def values(chapter, **changes):
    return {name: parameter.default for name, parameter in chapter.PARAMETERS.items()} | changes


@pytest.mark.parametrize("name", ["epoch", "page", "_x", "In"])
def test_unknown_parameters(name, monkeypatch):
    cells = ["", "language = 'en'\nepochs = None", f"# Parameters\n{name} = 3", "current = 1"]
    shell = SimpleNamespace(history_manager=SimpleNamespace(input_hist_parsed=cells))
    monkeypatch.setattr(page, "get_ipython", lambda: shell)
    monkeypatch.setattr(page, "_checked", [])
    with pytest.raises(InputError, match=f"unknown parameter '{name}'"):
        page.experiment(index, values(index))
    del cells[2]
    page.experiment(index, values(index))


@pytest.mark.parametrize(
    ("text", "number"), [("1e-4", "1.0e-4"), ("2.5E3", "2.5e+3"), ("0.01", "0.01")]
)
def test_a_number_that_yaml_takes_for_a_text(text, number):
    with pytest.raises(InputError, match="learning_rate is the text") as error:
        page.experiment(index, values(index, learning_rate=text))
    assert str(error.value).endswith(f"as a number, YAML reads {number}")


def test_the_command_that_trains_can_be_pasted(tmp_path):
    folder = str(tmp_path / "x; rm -rf 'y'")
    with pytest.raises(MissingRuns) as error:
        page.runs(index, values(index, runs_dir=folder, units=7))
    said = str(error.value)
    assert "or run: python -m irnn train irnn-vs-lstm --units 7 --runs-dir '" in said
    assert "x; rm -rf '\"'\"'y'\"'\"''" in said


def test_where_no_command_trains_none_is_named(store):
    experiment = page.experiment(reproduce, values(reproduce))
    with pytest.raises(MissingRuns, match=r"set the parameter train to True$"):
        session.obtain(experiment, store, train=False)
