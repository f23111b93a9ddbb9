"""A build replaces the previous one when it has succeeded, and removes nothing else."""

import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock

from irnn.__main__ import main
from irnn.book import build as book

SETS = sorted(book.ROOT.glob("book/parameters/*.yaml"))
CHAPTERS = sorted(path.relative_to(book.ROOT) for path in book.ROOT.glob("book/*/*.ipynb"))


def notebook(path, *outputs):
    path.parent.mkdir(parents=True, exist_ok=True)
    cell = nbformat.v4.new_code_cell("1", outputs=list(outputs))
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)


@pytest.fixture
def built(tmp_path):
    """The folder of a previous build."""
    for chapter in CHAPTERS:
        notebook(tmp_path / "_build" / "executed" / chapter)
    html = tmp_path / "_build" / "html"
    html.mkdir()
    (html / "index.html").write_text("before")
    return tmp_path / "_build"


@pytest.fixture
def steps(monkeypatch):
    """What the slow steps of a build do: made fast here, and told to fail by a test."""
    fail = set()

    def execute(notebooks, parameters, folder):
        assert all(path.is_file() for path in notebooks)
        return "execute" not in fail

    def render(executed, output):
        assert sorted(p.relative_to(executed) for p in executed.glob("book/*/*.ipynb")) == CHAPTERS
        (output / "_build" / "html").mkdir(parents=True, exist_ok=True)
        (output / "_build" / "html" / "index.html").write_text("after")
        return "render" not in fail

    def unknown(pages):
        assert sorted(pages) == CHAPTERS
        return ["a number"] if "numbers" in fail else []

    monkeypatch.setattr(book, "_execute", execute)
    monkeypatch.setattr(book, "_unknown_numbers", unknown)  # nothing is computed here
    monkeypatch.setattr(book, "_render", render)
    return fail


def page(built):
    return (built / "html" / "index.html").read_text()


def test_a_build_replaces_the_previous_one(built, steps):
    for folder in ("executed", "html.old", "html.new", "new"):  # of a build that was killed
        (built / folder).mkdir(exist_ok=True)
        (built / folder / "left over").touch()
    assert main(["book", "--output", str(built.parent)]) == 0
    assert page(built) == "after"
    names = {path.name for path in built.iterdir()}
    assert names - {"build.lock"} == {"executed", "html", "rendered"}
    assert not (built / "executed" / "left over").exists()
    assert main(["book", "index", "--output", str(built.parent)]) == 0


def test_kept_notebooks_that_changed_since_are_said_to_be(built, steps, capsys):
    options = ["--output", str(built.parent)]
    assert main(["book", "index", *options]) == 0
    kept = len(CHAPTERS) - 2
    assert (
        f"irnn: {kept} of {kept} notebooks that were kept come from other code, parameters, runs "
        f"or packages; execute them anew with: python -m irnn book --output {built.parent}\n"
    ) in capsys.readouterr().err
    assert main(["book", *options]) == 0
    assert main(["book", "index", *options]) == 0
    assert "kept" not in capsys.readouterr().err
    file = built.parent / "parameters.yaml"
    file.write_text("seeds: 2")
    assert main(["book", "index", "--parameters", str(file), *options]) == 0
    said = capsys.readouterr().err
    assert f"irnn: {kept} of {kept} notebooks" in said
    assert f"anew with: python -m irnn book --parameters {file} --output" in said


@pytest.mark.parametrize("step", ["execute", "numbers", "render"])
@pytest.mark.parametrize("chapters", [[], ["index"]])
def test_a_build_that_fails_leaves_the_previous_one(built, steps, capsys, step, chapters):
    steps.add(step)
    before = (built / "executed" / CHAPTERS[0]).read_bytes()
    assert main(["book", *chapters, "--output", str(built.parent)]) == 1
    assert page(built) == "before"
    assert f"{built / 'html'} is as it was before this build" in capsys.readouterr().err
    if step == "execute":
        assert (built / "executed" / CHAPTERS[0]).read_bytes() == before
        assert (built / "new" / "book" / "en" / "index.ipynb").exists()  # for a look at it


def test_a_number_that_no_cell_computes_is_named_with_its_cell():
    def page(name, text):
        record = {"application/papermill.record/text/plain": "784"}
        metadata = {"scrapbook": {"name": "images", "mime_prefix": "application/papermill.record/"}}
        output = nbformat.v4.new_output("display_data", record, metadata=metadata)
        code = nbformat.v4.new_code_cell("page.numbers(…)", outputs=[output])
        prose = nbformat.v4.new_markdown_cell(text, id="answer")
        return {Path(name): nbformat.writes(nbformat.v4.new_notebook(cells=[code, prose])).encode()}

    pages = page("en/a.ipynb", "{glue:text}`image`, {glue:text}`image` of {glue:text}`images`")
    pages |= page("ja/a.ipynb", "{glue:text}`images` と {glue:}`figure-x`")
    assert book._unknown_numbers(pages) == [
        "en/a.ipynb [answer]: unknown number 'image'; did you mean images?",
        "ja/a.ipynb [answer]: unknown number 'figure-x'; valid: images",
    ]


def test_two_builds_in_one_place_do_not_mix(built, steps, capsys):
    with FileLock(built / "build.lock"):
        assert main(["book", "--output", str(built.parent)]) == 2
    assert "another process builds there; wait for it" in capsys.readouterr().err
    assert page(built) == "before"


def test_a_chapter_that_failed_before_was_not_executed(built, steps, capsys):
    error = nbformat.v4.new_output("error", ename="InputError", evalue="no", traceback=[])
    notebook(built / "executed" / "book/ja/speed.ipynb", error)
    assert main(["book", "index", "--output", str(built.parent)]) == 2
    (built / "executed" / "book/ja/speed.ipynb").write_text("{")
    assert main(["book", "index", "--output", str(built.parent)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.split(" into ")[0] for line in said] == 2 * [
        "irnn: chapter speed was not executed"
    ]
    assert page(built) == "before"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runs_dir: {built}/executed/runs", "the next build removes it; name another folder"),
        ("epochs: 3\nepochs: 4", "epochs has two values"),
        ("a: " + "[" * 20_000, "not YAML"),
        ("epochs: !!python/object/apply:os.getcwd []", "not YAML"),
        ("runs_dir: ~no-such-user-here/runs", "runs_dir '~no-such-user-here/runs'"),
    ],
)
def test_parameters_are_checked_before_anything_is_done(built, steps, capsys, text, message):
    file = built.parent / "parameters.yaml"
    file.write_text(text.replace("{built}", str(built)))
    options = ["--parameters", str(file), "--output", str(built.parent)]
    assert main(["book", *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert page(built) == "before"


@pytest.mark.parametrize(
    "address", ["site.example", "ftp://site.example/", "https://a/?b", "/book"]
)
def test_an_address_that_is_none_is_told_before_anything_is_done(
    built, steps, capsys, monkeypatch, address
):
    monkeypatch.setenv("SITE_ADDRESS", address)
    assert main(["book", "--output", str(built.parent)]) == 2
    assert f"SITE_ADDRESS {address!r}" in capsys.readouterr().err
    assert page(built) == "before"


def test_the_address_is_a_setting_of_the_site(built, steps, monkeypatch):
    monkeypatch.setenv("SITE_ADDRESS", "https://site.example/book")
    assert main(["book", "--output", str(built.parent)]) == 0
    config = (built / "executed" / "_config.yml").read_text(encoding="utf-8")
    assert "baseurl: https://site.example/book/\n" in config


def test_a_new_commit_stands_on_pages_that_did_not_change(built, steps, monkeypatch):
    assert main(["book", "--output", str(built.parent)]) == 0
    (built / "html" / "index.html").write_text("no need to render")
    assert main(["book", "--output", str(built.parent)]) == 0
    assert page(built) == "no need to render"
    monkeypatch.setattr(book.colophon, "origin", lambda: "another commit")
    assert main(["book", "--output", str(built.parent)]) == 0
    assert page(built) == "after"


def test_the_books_own_folder_is_no_output(steps, capsys):
    assert main(["book", "--output", str(book.ROOT / "book")]) == 2
    assert "lies in the book's own folder" in capsys.readouterr().err
    assert not (book.ROOT / "book" / "_build").exists()


def test_the_home_folder_is_meant_by_a_tilde(steps, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert main(["book", "--output", "~/out"]) == 0
    assert (tmp_path / "home" / "out" / "_build" / "html").is_dir()
    assert not (tmp_path / "~").exists()


def test_paths_in_parameters_start_at_the_current_folder(tmp_path, monkeypatch):
    path = tmp_path / "book" / "en" / "where.ipynb"
    path.parent.mkdir(parents=True)
    cell = nbformat.v4.new_code_cell("import os\nprint(os.getcwd())")
    spec = {"display_name": "Python 3", "name": "python3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": spec}), path)
    monkeypatch.chdir(tmp_path)
    assert book._execute([path], {}, tmp_path)
    executed = nbformat.read(path, as_version=4)
    assert executed.cells[0].outputs[0].text == f"{tmp_path}\n"


def test_a_chapter_gets_the_parameters_that_it_has(tmp_path):
    path = tmp_path / "where.ipynb"
    cells = [
        nbformat.v4.new_code_cell("rate = 1.0", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("print(rate, 'seeds' in globals())"),
    ]
    spec = {"display_name": "Python 3", "name": "python3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec}), path)
    assert book._execute([path], {"rate": 1e-6, "seeds": 2}, tmp_path)
    assert nbformat.read(path, as_version=4).cells[-1].outputs[0].text == "1e-06 False\n"


def test_what_is_missing_is_said_before_it_is_trained(built, steps, capsys):
    store = built.parent / "runs"
    file = built.parent / "parameters.yaml"
    file.write_text(f"train: true\nepochs: 1\nseeds: 1\nunits: 7\nruns_dir: {store}")
    options = ["--parameters", str(file), "--output", str(built.parent)]
    assert main(["book", "irnn-vs-lstm", *options]) == 0
    assert "0 of 11 runs recorded, 11 to train, 11 epochs; for 11" in capsys.readouterr().err
    file.write_text(f"train: true\ndataset: minst\nruns_dir: {store}")
    assert main(["book", "irnn-vs-lstm", *options]) == 2
    assert "unknown dataset 'minst'; did you mean mnist?" in capsys.readouterr().err


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_a_set_of_parameters_says_what_it_costs(path, tmp_path):
    assert re.match("# .*(minute|hour|day)", path.read_text("utf-8"))
    values = book._checked(path, [book.ROOT / name for name in CHAPTERS], tmp_path)
    assert values["train"]
    assert values["runs_dir"].endswith("-runs")
    ignored = (book.ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert f"/{values['runs_dir']}/" in ignored


@pytest.mark.skipif(not shutil.which("ps"), reason="needs ps")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_build_and_what_it_started(tmp_path, number):
    process = subprocess.Popen(
        [sys.executable, "-m", "irnn", "book", "--output", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )

    def papermills():
        listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True).stdout
        return [line for line in listed.splitlines() if f"{tmp_path}/_build/new" in line]

    while not papermills():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(number)
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 128 + number
    assert "Traceback" not in said
    assert not papermills()


@pytest.mark.xdist_group("one")
def test_a_group_of_tests_stays_in_one_process(request):
    """Else every process builds the site of the tests: pytest and pytest-xdist must agree."""
    if getattr(request.config.option, "loadgroup", False):
        assert request.node.nodeid.endswith("@one")
