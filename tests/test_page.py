"""A page's parameters are those of its chapter, and what it says to do can be done."""

from types import SimpleNamespace

import pytest

from irnn.chapters import claims, index, irnn_vs_lstm, reproduce, speed
from irnn.errors import InputError, one_of
from irnn.page import Page
from irnn.parameters import shared
from irnn.store import MissingRuns, Store
from irnn.training import session


def page(chapter, **changes):
    return Page(chapter, {name: p.default for name, p in chapter.PARAMETERS.items()} | changes)


@pytest.mark.parametrize("name", ["epoch", "page", "_x", "In"])
def test_unknown_parameters(name, monkeypatch):
    cells = ["", "epochs = None", f"# Parameters\n{name} = 3", "page = Page(chapter, globals())"]
    shell = SimpleNamespace(history_manager=SimpleNamespace(input_hist_parsed=cells))
    monkeypatch.setattr("irnn.page.get_ipython", lambda: shell)
    with pytest.raises(InputError, match=f"unknown parameter '{name}'"):
        page(index)
    del cells[2]
    page(index)


def test_the_page_of_measurements_has_no_parameters_of_runs():
    assert list(speed.PARAMETERS) == ["language"]
    assert page(speed)._papermill() == "papermill book/en/speed.ipynb out.ipynb"


@pytest.mark.parametrize(
    ("text", "number"), [("1e-4", "1.0e-4"), ("2.5E3", "2.5e+3"), ("0.01", "0.01")]
)
def test_a_number_that_yaml_takes_for_a_text(text, number):
    with pytest.raises(InputError, match="learning_rate is the text") as error:
        page(index, learning_rate=text)
    assert str(error.value).endswith(f"as a number, YAML reads {number}")


def test_the_command_that_trains_can_be_pasted(tmp_path):
    folder = str(tmp_path / "x; rm -rf 'y'")
    Store(folder).make()
    with pytest.raises(MissingRuns) as error:
        page(index, runs_dir=folder, units=7).runs()
    said = str(error.value)
    assert "or run: python -m irnn train irnn-vs-lstm --units 7 --runs-dir '" in said
    assert "x; rm -rf '\"'\"'y'\"'\"''" in said


def test_where_no_command_trains_none_is_named(store):
    experiment = page(reproduce).experiment()
    store.make()
    with pytest.raises(MissingRuns, match=r"train to True, or name a store .* with runs_dir$"):
        session.obtain(experiment, store, train=False)


READERS = [(Page.recorded, claims), (Page.ledger, claims), (Page.runs, index)]


@pytest.mark.parametrize(("read", "chapter"), READERS)
def test_a_store_that_is_not_there_is_not_taken_for_an_empty_one(
    tmp_path, monkeypatch, read, chapter
):
    monkeypatch.chdir(tmp_path)
    said = f"no folder {tmp_path}/nowhere; name the store with the parameter runs_dir"
    with pytest.raises(InputError, match=said):
        read(page(chapter, runs_dir="nowhere"))


@pytest.mark.parametrize("train", [True, False])
def test_a_file_is_not_taken_for_a_store(tmp_path, train):
    file = tmp_path / "file"
    file.touch()
    said = "file is a file, not a folder; name the store with the parameter runs_dir$"
    with pytest.raises(InputError, match=said):
        page(index, runs_dir=str(file), train=train).runs()


def test_a_folder_whose_name_papermill_takes_for_a_number():
    said = r"runs_dir is 2026; it must be .* with -r runs_dir 2026, or as ./2026$"
    with pytest.raises(InputError, match=said):
        page(index, runs_dir=2026)


def test_the_ledger_judges_the_runs_that_a_page_was_asked_for():
    entries = page(irnn_vs_lstm, seeds=2, learning_rate=1e-5).ledger()
    found = {entry.claim.name: entry for entry in entries}
    assert {run.spec.seed for run in found["irnn-ahead"].runs} <= {0, 1}
    assert {run.spec.seed for run in found["no-long-memory"].runs} == {0, 1}
    # another chapter's rate is another parameter
    assert found["relu-derivative-matters"].verdict != "not tested"


def test_the_published_semantics_are_no_change_though_papermill_reads_a_number():
    assert page(irnn_vs_lstm, semantics=2015).changed == {}


@pytest.mark.parametrize("value", [1, 0, "yes", None])
def test_a_switch_is_true_or_false(value):
    with pytest.raises(InputError, match="unknown value of train"):
        page(index, train=value)


def test_a_long_list_of_valid_names_is_cut_short():
    with pytest.raises(InputError, match=r"valid: name 0, .*name 19 and 80 more$"):
        one_of("run", "?", [f"name {n}" for n in range(100)])


def test_a_figure_without_runs_leaves_its_place_in_the_prose_a_word(monkeypatch):
    said = {}
    monkeypatch.setattr("irnn.page.glue", lambda name, value, display: said.update({name: value}))
    chapter = SimpleNamespace(PARAMETERS=shared(), drawn=lambda language: None)
    assert page(chapter).figure("drawn") is None
    assert said["figure-drawn"].data == "(no figure, for want of runs)"
