"""What has not changed is neither executed nor read again; whatever has, is."""

import shutil
from pathlib import Path

import nbformat
import pytest
import yaml

from irnn.__main__ import main
from irnn.book import build as book
from irnn.book import reuse

NAMES = [Path("book") / language / "index.ipynb" for language in ("en", "ja")]
CODE = 'language = "{language}"\nruns_dir = ""  # the store'


def write(path, prose, code="run()", **metadata):
    """Write a chapter: its parameters, a paragraph and a cell of code."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = nbformat.v4
    cells = [
        new.new_code_cell(CODE.format(language=path.parent.name), id="parameters"),
        new.new_markdown_cell(prose, id="text"),
        new.new_code_cell(code, id="code", metadata=metadata),
    ]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A book of one chapter, whose package, store, measurements and probes may be changed."""
    for name in NAMES:
        write(tmp_path / name, "Before.")
    (tmp_path / "_toc.yml").write_text("root: book/en/index")
    (tmp_path / "_config.yml").write_text("execute: {}\nhtml: {baseurl: ''}")
    for name in ("src/file", "runs/file", "results/speed.csv", "probes/file", "out/file"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("before")
    (tmp_path / "mnist.npz").write_text("before")
    monkeypatch.setenv("MNIST_NPZ", str(tmp_path / "mnist.npz"))
    monkeypatch.setattr(book, "ROOT", tmp_path)
    monkeypatch.setattr(reuse, "PACKAGE", tmp_path / "src")
    monkeypatch.setattr(reuse, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(reuse, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(reuse, "PROBES", tmp_path / "probes")
    return tmp_path


@pytest.fixture
def built(small, monkeypatch):
    """Build the small book; return what was executed and whether pages were rendered."""
    executed, rendered = [], []

    def execute(notebooks, parameters, folder):
        for path in notebooks:
            notebook = nbformat.read(path, as_version=4)
            if parameters:
                injected = nbformat.v4.new_code_cell("epochs = 3", id="injected")
                injected.metadata["tags"] = ["injected-parameters"]
                notebook.cells.insert(1, injected)
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.execution_count = 7
                    cell.outputs = [nbformat.v4.new_output("stream", text="an output")]
            nbformat.write(notebook, path)
            executed.append(path.relative_to(folder))
        return True

    def render(folder, output):
        (output / "_build" / "html").mkdir(parents=True, exist_ok=True)
        rendered.append(folder)
        return True

    monkeypatch.setattr(book, "_execute", execute)
    monkeypatch.setattr(book, "_render", render)

    def run(*options):
        executed.clear()
        rendered.clear()
        assert main(["book", "--output", str(small / "out"), *map(str, options)]) == 0
        return list(executed), bool(rendered)

    return run


def cells(small, name=NAMES[0]):
    notebook = nbformat.read(small / "out" / "_build" / "executed" / name, as_version=4)
    return {cell.id: cell for cell in notebook.cells}


def test_nothing_changed(built, small, capsys):
    assert built() == (NAMES, True)
    capsys.readouterr()
    assert built() == ([], False)
    assert capsys.readouterr().out.startswith("2 of 2 notebooks need no execution\n")
    shutil.rmtree(small / "out" / "_build" / "html")
    assert built() == ([], True)
    assert (small / "out" / "_build" / "html").is_dir()


def test_changed_prose_is_shown_around_what_was_executed(built, small):
    built()
    write(small / NAMES[0], "After.", tags=[])
    assert built() == ([], True)
    assert cells(small)["text"].source == "After."
    assert cells(small)["code"].outputs[0].text == "an output"
    assert cells(small)["code"].execution_count == 7
    assert built() == ([], False)


def test_a_page_that_is_the_same_is_not_written_again(built, small):
    built()
    before = [(small / "out" / "_build" / "executed" / name).stat() for name in NAMES]
    write(small / NAMES[0], "After.")
    built()
    after = [(small / "out" / "_build" / "executed" / name).stat() for name in NAMES]
    assert before[0].st_mtime_ns < after[0].st_mtime_ns
    assert before[1].st_mtime_ns == after[1].st_mtime_ns


@pytest.mark.parametrize(
    "name", ["src/file", "runs/file", "runs/new", "results/speed.csv", "probes/file", "mnist.npz"]
)
def test_every_file_that_outputs_follow_from(built, small, name):
    built()
    (small / name).write_text("after!")  # as long as before
    assert built()[0] == NAMES
    assert built()[0] == []


@pytest.mark.parametrize("name", ["results/pages.csv", "src/file.cpython-311.pyc"])
def test_a_file_that_no_chapter_reads(built, small, name):
    built()
    (small / name).write_text("new")
    assert built() == ([], False)


@pytest.mark.parametrize("variable", ["KERAS_BACKEND", "IRNN_LOOP", "MNIST_NPZ"])
def test_variables_that_outputs_follow_from(built, monkeypatch, variable):
    built()
    monkeypatch.setenv(variable, "another")
    assert built()[0] == NAMES


def test_versions_that_outputs_follow_from(built, monkeypatch):
    built()
    monkeypatch.setattr(reuse, "installed", list)
    assert built() == (NAMES, True)


def test_changed_code_is_executed(built, small):
    built()
    write(small / NAMES[1], "Before.", code="run(1)")
    assert built()[0] == NAMES[1:]
    assert cells(small, NAMES[1])["code"].source == "run(1)"
    write(small / NAMES[0], "Before.", tags=["raises-exception"])
    assert built()[0] == NAMES[:1]


def test_parameters_and_their_store(built, small):
    file, store = small / "parameters.yaml", small / "mine"
    store.mkdir()
    file.write_text(f"runs_dir: {store}")
    assert built("--parameters", file)[0] == NAMES
    assert built("--parameters", file)[0] == []
    assert [*cells(small)] == ["parameters", "injected", "text", "code"]
    write(small / NAMES[0], "After.")
    assert built("--parameters", file) == ([], True)
    assert cells(small)["injected"].outputs[0].text == "an output"
    (small / "runs" / "file").write_text("of another store")
    assert built("--parameters", file)[0] == []
    (store / "run.jsonl").write_text("new")
    (store / "run.lock").touch()
    assert built("--parameters", file)[0] == NAMES
    (store / "run.tmp").touch()
    assert built("--parameters", file)[0] == []
    assert built()[0] == NAMES
    assert [*cells(small)] == ["parameters", "text", "code"]
    file.write_text("runs_dir: 5")  # of which the chapter says what is wrong
    assert built("--parameters", file)[0] == NAMES


def test_the_store_that_the_notebook_names(built, small, monkeypatch):
    monkeypatch.chdir(small)
    path = small / NAMES[0]
    path.write_text(path.read_text().replace('runs_dir = \\"\\"', "runs_dir = 'mine'"))
    built()
    (small / "mine").mkdir()
    (small / "mine" / "run.jsonl").write_text("new")
    assert built()[0] == NAMES[:1]


def test_a_chapter_that_is_named_is_executed(built):
    built()
    assert built("index")[0] == NAMES


@pytest.mark.parametrize("damage", ["", "{", '{"cells": 5}'])
def test_what_is_damaged_is_executed_again(built, small, damage):
    built()
    (small / "out" / "_build" / "executed" / NAMES[0]).write_text(damage)
    assert built()[0] == NAMES[:1]


# --- Jupyter Book itself ----------------------------------------------------------------


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """A book of three pages without code, in the look of this one."""
    folder = tmp_path / "source"
    for name in ("_ext", "_static", "_templates"):
        shutil.copytree(book.ROOT / "book" / name, folder / "book" / name)
    shutil.copy(book.ROOT / "_config.yml", folder)
    shutil.copy(book.ROOT / "book" / "references.bib", folder / "book")
    for name in ("index", "en/index", "ja/index"):
        (folder / "book" / name).with_suffix(".md").parent.mkdir(exist_ok=True)
        (folder / "book" / name).with_suffix(".md").write_text("# A title\n\nBefore.\n")
    chapters = [{"file": f"book/{language}/index"} for language in ("en", "ja")]
    toc = {"format": "jb-book", "root": "book/index", "chapters": chapters}
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc))
    monkeypatch.setattr(book, "ROOT", folder)
    return folder / "book"


def test_a_warning_is_not_forgotten_and_a_sentence_shows(pages, tmp_path, capfd):
    html = tmp_path / "_build" / "html" / "book" / "en" / "index.html"

    def build(text):
        (pages / "en" / "index.md").write_text(f"# A title\n\n{text}\n")
        code = main(["book", "--output", str(tmp_path)])
        assert ("nowhere" in capfd.readouterr().err) == (code == 1)
        return code

    def read():
        doctrees = tmp_path / "_build" / "rendered" / "_build" / ".doctrees" / "book"
        return [(doctrees / f"{name}/index.doctree").stat().st_mtime_ns for name in ("en", "ja")]

    assert build("One.") == 0
    before = read()
    assert build("Two.") == 0
    assert "Two." in html.read_text()
    after = read()
    assert after[0] > before[0]
    assert after[1] == before[1]
    for _ in range(2):
        assert build("{doc}`nowhere`") == 1
        assert "Two." in html.read_text()
    assert build("Three.") == 0
    assert "Three." in html.read_text()
