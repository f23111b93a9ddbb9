"""The two languages are one book, and papermill executes every chapter of it."""

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import nbformat
import pytest

from irnn import chapters, page
from irnn.book import check
from irnn.chapters import irnn_vs_lstm
from irnn.parameters import SHARED
from irnn.store import METRICS, Run
from irnn.training import session
from irnn.training.plan import planned

BOOK = Path(__file__).parents[2] / "book"
CHAPTERS = sorted(path.stem for path in BOOK.glob("en/*.ipynb"))
NOTEBOOKS = sorted(BOOK.glob("*/*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


def cells(path, kind):
    return {cell.id: cell for cell in read(path).cells if cell.cell_type == kind}


def module(chapter):
    return import_module(f"irnn.chapters.{chapter.replace('-', '_')}")


@pytest.fixture(scope="module")
def book():
    return check.load()


@pytest.mark.parametrize("one", check.CHECKS, ids=lambda one: one.__name__)
def test_the_book_has_no_error(book, one):
    assert [str(finding) for finding in one(book) if finding.level == check.ERROR] == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_shared_parameters_come_first(chapter):
    declared = list(module(chapter).PARAMETERS)
    common = [name for name in SHARED if name in declared]
    assert declared[: len(common)] == common


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_table_of_parameters_is_complete(language):
    text = cells(BOOK / language / "reproduce.ipynb", "markdown")["papermill"].source
    names = [re.findall(r"`(\w+)`", row.split("|")[1]) for row in re.findall(r"^\|.*", text, re.M)]
    assert [name for row in names for name in row] == list(SHARED)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_number_of_the_prose_is_computed(path, monkeypatch):
    """The page's code is executed on runs of an epoch, without its figures."""
    glued = []
    monkeypatch.setattr(page, "glue", lambda name, value, display: glued.append(name))
    for name in ("figure", "overview", "images"):
        monkeypatch.setattr(page.Page, name, lambda *_: None)
    monkeypatch.setattr(session, "obtain", lambda experiment, *_: an_epoch_of(experiment))
    values = {}
    for cell in cells(path, "code").values():
        exec(cell.source, values)
    prose = "".join(cell.source for cell in cells(path, "markdown").values())
    assert set(re.findall(r"\{glue:text\}`([^`]+)`", prose)) <= set(glued)
    assert len(glued) == len(set(glued))


def an_epoch_of(experiment):
    """Return runs of an epoch for the curves of an experiment."""
    sitting, epoch = {"backend": "jax", "device": "CPU"}, {"epoch": 1} | dict.fromkeys(METRICS, 0.5)
    return {
        curve: [Run(spec, [sitting], [epoch]) for spec in found.specs]
        for curve, found in experiment.items()
    }


def papermill(tmp_path, chapter, *arguments, **environment):
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "papermill",
            BOOK / chapter,
            "out.ipynb",
            "--no-progress-bar",
            *list(arguments),
        ],
        cwd=tmp_path,
        env=os.environ | {"MNIST_NPZ": ""} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def shown(path):
    """Return all that the outputs of a notebook show as text."""
    return json.dumps([c.get("outputs") for c in read(path).cells], ensure_ascii=False)


def test_papermill_by_itself_from_any_folder(tmp_path):
    options = ["dataset", "digits", "epochs", "1", "seeds", "1", "units", "4", "train", "True"]
    pairs = [
        text for pair in zip(options[::2], options[1::2], strict=True) for text in ("-p", *pair)
    ]
    done = papermill(tmp_path, "ja/irnn-vs-lstm.ipynb", *pairs, "-p", "runs_dir", "mine")
    assert done.returncode == 0, done.stderr
    page = shown(tmp_path / "out.ipynb")
    assert "テストデータでの正解率" in page
    assert "dataset = &#x27;digits&#x27;" in page
    assert "公開版と異なるパラメーター" in page
    assert page.count("<figure") == 10
    plan = planned(chapters.experiment(irnn_vs_lstm, dataset="digits", epochs=1, seeds=1, units=4))
    trained = {path.stem for path in (tmp_path / "mine").glob("*.jsonl")}
    assert trained == {spec.name for spec in plan}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "dataset", "minst"], "InputError: unknown dataset 'minst'; did you mean mnist?"),
        (["-p", "epoch", "3"], "InputError: unknown parameter 'epoch'; did you mean epochs?"),
        (["-p", "language", "jp"], "InputError: unknown language 'jp'"),
        (
            ["-p", "units", "7", "-p", "seeds", "1", "-p", "runs_dir", "none"],
            "/none; name the store with the parameter runs_dir, or set train to True",
        ),
    ],
)
def test_bad_parameters_get_one_line(tmp_path, arguments, message):
    done = papermill(tmp_path, "en/index.ipynb", *arguments)
    assert done.returncode != 0
    assert message in done.stderr
    outputs = [o for c in read(tmp_path / "out.ipynb").cells for o in c.get("outputs", [])]
    (error,) = [output for output in outputs if output.output_type == "error"]
    assert len(error.traceback) == 1
    assert "\n" not in error.traceback[0]


def test_the_published_page_on_a_machine_without_mnist(tmp_path):
    elsewhere = {"KERAS_HOME": str(tmp_path / "keras"), "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = papermill(tmp_path, "en/irnn-vs-lstm.ipynb", **elsewhere)
    assert done.returncode == 0, done.stderr
    page = shown(tmp_path / "out.ipynb")
    assert "MNIST could not be downloaded" in page
    assert re.search(r"first pixel with ink is read at step \d+ of 784", page)
    assert "Other parameters" not in page
    printed = [o for c in read(tmp_path / "out.ipynb").cells for o in c.get("outputs", [])]
    assert not [o for o in printed if o.get("name") == "stdout"]  # the site shows no stderr
    assert page.count("<figure") == 10


def test_a_wrong_path_to_mnist_is_not_passed_over(tmp_path):
    done = papermill(tmp_path, "en/irnn-vs-lstm.ipynb", MNIST_NPZ=str(tmp_path / "no.npz"))
    assert done.returncode != 0
    assert "no.npz; set MNIST_NPZ" in done.stderr


def test_cells_can_be_run_again(tmp_path):
    notebook = read(BOOK / "en" / "index.ipynb")
    (cell,) = [cell for cell in notebook.cells if cell.id == "runs"]
    notebook.cells.append(nbformat.v4.new_code_cell(cell.source))
    nbformat.write(notebook, tmp_path / "again.ipynb")
    done = papermill(tmp_path, tmp_path / "again.ipynb")
    assert done.returncode == 0, done.stderr


def test_shown_code_fits_the_page():
    """A listing of the site has room for 76 columns."""
    shown = re.compile(r'page\.source\("([\w.]+)", "([\w.]+)"\)')
    found = [
        (*names, line)
        for path in NOTEBOOKS
        for names in shown.findall(path.read_text("utf-8").replace('\\"', '"'))
        for line in page.Page.source(*names).data.splitlines()
    ]
    assert found
    assert [row for row in found if len(row[-1]) > 76] == []
