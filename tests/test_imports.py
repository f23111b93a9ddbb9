"""Imports run one way, downwards, and in no circle."""

import ast
import os
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "irnn"
# A room imports itself and rooms of the lines below its own.
ORDER = [
    ["__main__"],
    ["book"],
    ["page"],
    ["chapters"],
    ["evidence"],
    ["show", "training"],
    ["probes"],
    ["models", "verify", "forward", "export"],
    ["recurrent", "checkpoint"],
    ["data", "store", "parameters", "measurements"],
    ["npz", "handwriting"],
    ["spec", "languages"],
    ["errors", "files"],
]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}


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
