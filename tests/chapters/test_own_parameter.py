"""A parameter of one chapter only stands in its module, and works wherever parameters do."""

import subprocess
import sys
from textwrap import dedent

import nbformat
import pytest

from irnn import chapters
from irnn.__main__ import main
from irnn.spec import make
from irnn.store import METRICS

MODULE = '''
    """A chapter for this test."""

    from irnn.parameters import Parameter, shared
    from irnn.spec import make, whole_number
    from irnn.training.plan import Curve


    def _small(name, value):
        whole_number(name, value, 1, 2)


    PARAMETERS = shared(dataset="digits", epochs=1, seeds=1) | {
        "pooling": Parameter(1, "side of the squares of pixels (at most 10% are cut)", _small),
        "rows": Parameter(3, "rows of a table", page=True),
    }


    def experiment(epochs, seeds, **others):
        specs = tuple(make("irnn", seed=seed, **others) for seed in range(seeds))
        return {"irnn": Curve(specs, epochs)}
'''
CELLS = """
    from irnn import chapters
    from irnn.page import Page
    chapters.__path__.append({folder!r})
    from irnn.chapters import made_up as chapter
    [run] = Page(chapter, globals()).runs()["irnn"]
    print("pooling", run.spec.pooling, "rows", rows)
"""


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """The chapter `made-up` among the others, for as long as the test runs."""
    (tmp_path / "made_up.py").write_text(dedent(MODULE))
    monkeypatch.setattr(chapters, "__path__", [*chapters.__path__, str(tmp_path)])
    yield chapters.experiments()["made-up"]
    del sys.modules["irnn.chapters.made_up"], chapters.made_up


@pytest.fixture
def recorded(store):
    """A store with a run of one epoch, of pooling 2."""
    spec = make("irnn", dataset="digits", pooling=2, learning_rate=1e-6)
    sitting = {"sitting": {"first_epoch": 1, "backend": "jax", "device": "CPU"}}
    store.append(spec, sitting, {"epoch": 1} | dict.fromkeys(METRICS, 0.5))
    return store


def test_on_the_command_line(made_up, recorded, capsys):
    options = ["train", "made-up", "--dry-run", "--runs-dir", str(recorded.root)]
    assert main(options) == 0
    assert capsys.readouterr().out.startswith("0 of 1 runs recorded")
    assert main([*options, "--pooling", "2"]) == 0
    assert capsys.readouterr().out.startswith("1 of 1 runs recorded")
    assert main([*options, "--pooling", "3"]) == 2
    assert "pooling is 3; it must be a whole number from 1 to 2" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert "at most 10% are cut" in " ".join(capsys.readouterr().out.split())


def test_not_for_a_chapter_that_lacks_it(made_up, capsys):
    assert main(["train", "reproduce", "--dry-run", "--pooling", "2"]) == 2
    assert "unknown option '--pooling'" in capsys.readouterr().err
    assert main(["train", "reproduce", "made-up", "--dry-run", "--pooling", "2"]) == 0


def test_one_of_the_page_alone_decides_no_run(made_up, capsys):
    assert main(["train", "made-up", "--dry-run", "--rows", "2"]) == 2
    assert "--rows" in capsys.readouterr().err


def test_with_papermill(made_up, recorded, tmp_path):
    cell = nbformat.v4.new_code_cell(
        "\n".join(f"{name} = {p.default!r}" for name, p in made_up.PARAMETERS.items())
    )
    cell.metadata["tags"] = ["parameters"]
    code = nbformat.v4.new_code_cell(dedent(CELLS).format(folder=str(tmp_path)))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell, code], metadata=kernel), tmp_path / "a")

    def papermill(pooling, rows="3"):
        command = [sys.executable, "-m", "papermill", "a", "b", "--no-progress-bar"]
        command += ["-p", "pooling", pooling, "-p", "rows", rows, "-p", "runs_dir", recorded.root]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return (tmp_path / "b").read_text() + done.stderr

    assert "pooling 2 rows 4" in papermill("2", rows="4")
    assert "pooling is 3; it must be a whole number from 1 to 2" in papermill("3")
    (recorded.record_path(make("irnn", dataset="digits", pooling=2, learning_rate=1e-6))).unlink()
    said = papermill("2")
    assert "or run: python -m irnn train made-up --pooling 2 --runs-dir" in said
