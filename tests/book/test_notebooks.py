"""The two languages are one book, and papermill executes every chapter of it."""

import ast
import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import nbformat
import pytest

from irnn import chapters
from irnn.chapters import irnn_vs_lstm
from irnn.parameters import SHARED
from irnn.training.plan import planned

BOOK = Path(__file__).parents[2] / "book"
CHAPTERS = sorted(path.stem for path in BOOK.glob("en/*.ipynb"))
NOTEBOOKS = sorted(BOOK.glob("*/*.ipynb"))
PAGES = sorted(path.stem for path in BOOK.glob("en/*.md"))  # text alone, nothing to execute


def read(path):
    return nbformat.read(path, as_version=4)


def cells(path, kind):
    return {cell.id: cell for cell in read(path).cells if cell.cell_type == kind}


def module(path):
    """Return the module of a notebook's chapter."""
    return import_module(f"irnn.chapters.{path.stem.replace('-', '_')}")


def parameters(path):
    """Return the defaults and the comments in the parameters cell, by name."""
    (cell,) = [c for c in read(path).cells if "parameters" in c.metadata.get("tags", [])]
    lines = [line.split("  # ", 1) for line in cell.source.splitlines()]
    nodes = [ast.parse(code).body[0] for code, _ in lines]
    return {
        node.targets[0].id: (ast.literal_eval(node.value), comment)
        for node, (_, comment) in zip(nodes, lines, strict=True)
    }


def test_both_languages_have_the_same_chapters():
    assert sorted(path.stem for path in BOOK.glob("ja/*.ipynb")) == CHAPTERS
    assert sorted(path.stem for path in BOOK.glob("ja/*.md")) == PAGES
    toc = (BOOK.parent / "_toc.yml").read_text()
    for path in [*NOTEBOOKS, *BOOK.glob("*/*.md")]:
        assert f"book/{path.parent.name}/{path.stem}\n" in toc + "\n"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_code_cells_are_the_same_but_for_the_language(chapter):
    english, japanese = (cells(BOOK / lang / f"{chapter}.ipynb", "code") for lang in ("en", "ja"))
    assert list(english) == list(japanese)
    for name in english:
        source = english[name].source
        if name == "parameters":
            source = source.replace('language = "en"', 'language = "ja"')
        assert source == japanese[name].source, name
        assert english[name].metadata == japanese[name].metadata, name


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_text_cells_pair_up_and_show_the_same_numbers(chapter):
    english, japanese = (
        cells(BOOK / lang / f"{chapter}.ipynb", "markdown") for lang in ("en", "ja")
    )
    assert list(english) == list(japanese)
    for name in english:
        sources = english[name].source, japanese[name].source
        for pattern in (r"\{glue:(?:text)?\}`[\w-]+`", r"\]\(([^)]+)\)", r"^#+ "):
            found = [sorted(re.findall(pattern, source, re.MULTILINE)) for source in sources]
            assert found[0] == found[1], (name, pattern)
        assert re.search("[ぁ-ん]", sources[1]) or name == "title", name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_figure_has_a_caption_and_every_reference_a_figure(path):
    code = "\n".join(cell.source for cell in cells(path, "code").values())
    figures = re.findall(r'page\.figure\(chapter, globals\(\), "(\w+)"', code)
    assert set(figures) <= module(path).CAPTIONS.keys()
    assert len(figures) == len(set(figures))
    text = "\n".join(cell.source for cell in cells(path, "markdown").values())
    named = set(re.findall(r"\{glue:\}`figure-([\w-]+)`", text))
    assert named <= {name.replace("_", "-") for name in figures}


@pytest.mark.parametrize("page", PAGES)
def test_pages_pair_up_and_show_the_same_commands(page):
    def parts(text):
        commands = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
        links = re.findall(r"\]\(([^)]+)\)", text)
        return {
            "commands": [re.sub(r" +# .*", "", block) for block in commands],
            "links": sorted(links),
            "sections": re.findall(r"^#+ ", re.sub("```.*?```", "", text, flags=re.DOTALL), re.M),
        }

    english, japanese = ((BOOK / lang / f"{page}.md").read_text("utf-8") for lang in ("en", "ja"))
    assert parts(english) == parts(japanese)
    for paragraph in re.sub(r"```.*?```|^#+ [^\n]*", "", japanese, flags=re.DOTALL | re.M).split(
        "\n\n"
    ):
        assert re.search("[ぁ-ん]", paragraph) or not paragraph.strip(), paragraph


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_sources_hold_no_outputs(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize(
    "path", [*NOTEBOOKS, *sorted(BOOK.glob("*/*.md"))], ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_one_sentence_a_line(path):
    end = r"[。!?]." if path.parent.name == "ja" else r"[a-z)][.!?] [A-Z]"
    if path.suffix == ".md":
        sources = [path.read_text("utf-8")]
    else:
        sources = [cell.source for cell in cells(path, "markdown").values()]
    for source in sources:
        text = re.sub(r"```.*?```|\|.*\|", "", source, flags=re.DOTALL)
        for line in text.splitlines():
            assert not re.search(end, line.replace("et al. ", "")), line


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_parameters_are_those_that_the_chapter_declares(path):
    declared = {k: (p.default, p.help) for k, p in module(path).PARAMETERS.items()}
    declared["language"] = (path.parent.name, declared["language"][1])
    assert list(parameters(path).items()) == list(declared.items())
    assert list(declared)[: len(SHARED)] == list(SHARED)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_table_of_parameters_is_complete(language):
    text = cells(BOOK / language / "reproduce.ipynb", "markdown")["papermill"].source
    names = [re.findall(r"`(\w+)`", row.split("|")[1]) for row in re.findall(r"^\|.*", text, re.M)]
    assert [name for row in names for name in row] == list(SHARED)


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
    assert page.count("<figure") == 5
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
            "or run: python -m irnn train irnn-vs-lstm --seeds 1 --units 7 --runs-dir none",
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
    assert page.count("<figure") == 5


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
    from irnn import page

    shown = re.compile(r'page\.source\("([\w.]+)", "([\w.]+)"\)')
    found = [
        (*names, line)
        for path in NOTEBOOKS
        for names in shown.findall(path.read_text("utf-8").replace('\\"', '"'))
        for line in page.source(*names).data.splitlines()
    ]
    assert found
    assert [row for row in found if len(row[-1]) > 76] == []
