"""What of an earlier build still holds: outputs of chapters, of which only the prose has changed.

An executed notebook keeps, in its metadata, a digest of all that its outputs follow from.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Collection
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from irnn.errors import user_path
from irnn.measurements import KINDS, RESULTS
from irnn.probes import PROBES
from irnn.store import RUNS

PACKAGE = Path(__file__).parents[1]
VARIABLES = ("KERAS_BACKEND", "IRNN_LOOP", "MNIST_NPZ")  # that change what a chapter shows
PASSING = {".lock", ".tmp", ".pyc"}


def digests(sources: dict[Path, NotebookNode], parameters: dict[str, Any]) -> dict[Path, str]:
    """Return a digest for each chapter of all that its outputs follow from.

    That is its code cells and parameters, the package, the measurements and probes, every file of
    the store that it reads, where MNIST is, and the versions of what is installed.

    Args:
        sources: The chapters' notebooks by their paths in the book.
        parameters: What papermill gives each of them.

    """
    measured = contents(RESULTS, {kind.file for kind in KINDS})
    shared = [parameters, environment(), contents(PACKAGE), measured, contents(PROBES)]
    stores: dict[Path, dict[str, str]] = {}
    found = {}
    for name, source in sources.items():
        store = _store(source, parameters)
        if store not in stores:
            stores[store] = contents(store)
        found[name] = digest([_code(source), *shared, str(store), stores[store]])
    return found


def digest(value: Any) -> str:
    """Return a digest of what JSON can hold."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def contents(folder: Path, names: Collection[str] = ()) -> dict[str, str]:
    """Return a digest of every file in a folder, or of those with some names, by its path there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        passed_over = path.suffix in PASSING or (names and path.name not in names)
        if path.is_file() and not passed_over:
            try:
                found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
            except OSError as error:  # what needs the file says so; here it is only not the same
                found[str(path.relative_to(folder))] = str(error)
    return found


def environment() -> list:
    """Return versions and variables that may change what a chapter shows."""
    variables = {name: os.environ.get(name, "") for name in VARIABLES}
    mnist = Path(variables["MNIST_NPZ"])
    state = mnist.stat() if mnist.is_file() else None  # its contents are checked when it is read
    size = state and [state.st_size, state.st_mtime_ns]
    return [sys.version, installed(), variables, size]


@cache
def installed() -> list[str]:
    """Return the names and versions of the packages that are installed."""
    return sorted(f"{found.name} {found.version}" for found in distributions())


def _store(source: NotebookNode, parameters: dict[str, Any]) -> Path:
    """Return the folder of the runs that a chapter reads."""
    cells = [c.source for c in source.cells if "parameters" in c.metadata.get("tags", [])]
    found = re.search(r"^runs_dir *= *([\"'])(.*?)\1", "\n".join(cells), re.MULTILINE)
    given = parameters.get("runs_dir", found and found[2])
    return user_path("runs_dir", given if given and isinstance(given, str) else RUNS).absolute()


def _code(notebook: NotebookNode) -> list:
    return [
        [cell.id, cell.source, cell.metadata.get("tags", [])]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def read(path: Path) -> NotebookNode:
    """Return a notebook."""
    return nbformat.read(path, as_version=4)


def failure(path: Path) -> str:
    """Return in one line what an executed notebook failed with, "" if it did not."""
    try:
        for cell in read(path).cells:
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    return f"{output.ename}: {output.evalue}"
    except (OSError, ValueError, TypeError, AttributeError, nbformat.ValidationError) as error:
        return " ".join(f"it is not a notebook: {error}".split())
    return ""


def holds(path: Path, digest: str) -> bool:
    """Tell whether a notebook was executed without a failure on what has this digest."""
    return not failure(path) and read(path).metadata.get("irnn", {}).get("digest") == digest


def merged(source: NotebookNode, executed: NotebookNode, digest: str) -> str:
    """Return the text of a notebook with a source's prose and an executed one's outputs.

    Both have the same code cells. The cell in which papermill gives parameters stays.
    """
    done = {cell.id: cell for cell in executed.cells}
    injected = [c for c in executed.cells if "injected-parameters" in c.metadata.get("tags", [])]
    cells = []
    for cell in source.cells:
        if cell.cell_type == "code":
            outputs = {name: done[cell.id][name] for name in ("outputs", "execution_count")}
            cell = NotebookNode(cell | outputs)
        cells.append(cell)
        if "parameters" in cell.metadata.get("tags", []):
            cells += injected
    metadata = executed.metadata | {"irnn": {"digest": digest}}
    return nbformat.writes(NotebookNode(source | {"cells": cells, "metadata": metadata}))
