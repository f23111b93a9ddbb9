"""Imports run one way, downwards, and in no circle."""

import ast
import os
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "irnn"


def rooms(readme):
    """Return the package's rooms, line by line, in a README's table that begins with the command.

    A room imports itself and rooms of the lines below its own.
    """
    text = (ROOT / readme).read_text("utf-8")
    table = re.match(r"(\|.*\n)+", text[text.index("| `__main__.py`") :])[0]
    return [re.findall(r"`(\w+)(?:\.py|/)`", line.split("|")[1]) for line in table.splitlines()]


LEVEL = {room: level for level, line in enumerate(rooms("README.md")) for room in line}


def modules():
    """Return the files of the package by the module's name within it."""
    files = {p.relative_to(PACKAGE).with_suffix(""): p for p in PACKAGE.rglob("*.py")}
    return {".".join(p.parts).removesuffix(".__init__"): file for p, file in files.items()}


def imported(file):
    """Return the modules of the package that a file imports, wherever in it."""
    known = modules()
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            inner = name.removeprefix("irnn.")
            if name != inner:
                found.add(inner if inner in known else inner.rpartition(".")[0])
    return found & known.keys()


@pytest.mark.parametrize("name", sorted(modules().keys() - {"__init__"}))
def test_imports_run_downwards(name):
    room = name.split(".")[0]
    for other in {other.split(".")[0] for other in imported(modules()[name])} - {room}:
        assert LEVEL[room] < LEVEL[other], f"{name} imports {other}"


def test_the_table_of_rooms_is_complete_in_both_languages():
    assert LEVEL.keys() == {name.split(".")[0] for name in modules().keys() - {"__init__"}}
    assert rooms("README.ja.md") == rooms("README.md")


def test_no_module_imports_itself_by_way_of_others():
    graph = {name: imported(file) - {name} for name, file in modules().items()}
    assert list(TopologicalSorter(graph).static_order())  # raises for a circle


def test_reading_and_drawing_need_no_backend():
    """Only what the package depends on by itself is there."""
    extras = ("keras", "tensorflow", "jax", "distributed", "papermill", "myst_nb", "nbformat")
    code = f"""
import sys
sys.modules.update(dict.fromkeys({extras}))
from irnn import chapters, data
from irnn.chapters import index
from irnn.errors import Unavailable
from irnn.store import Store
from irnn.training import session
runs = session.obtain(chapters.experiment(index), Store())
assert "<svg" in index.curves(runs, "en").svg()
try:
    data.load_images("mnist")
except Unavailable as error:
    assert "MNIST cannot be downloaded" in str(error)
"""
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"MNIST_NPZ": ""})


BACKENDS = {"keras", "tensorflow", "jax"}


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        (["verify", "show.plots", "chapters.claims", "__main__"], {"matplotlib", "IPython"}),
        (["page"], set()),
    ],
)
def test_reading_and_drawing_do_not_wait_for_what_is_heavy(modules, heavy):
    code = f"import sys, {', '.join(f'irnn.{module}' for module in modules)}\n"
    code += f"print(*({BACKENDS | heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
