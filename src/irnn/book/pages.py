"""The pages of the book as an editor sees them: cells, in every language, and what was agreed on.

A page is a notebook or a file of Markdown, which counts as a notebook of one cell. In every
language a page has the same cells, by their ids. The metadata of a cell hold the fingerprint of
its text in each language from when these texts last said the same; Markdown holds them in a
comment at its end.
"""

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from irnn.errors import InputError
from irnn.files import whole
from irnn.languages import LANGUAGES

ROOT = Path(__file__).parents[3]
AGREED = "agreed"
WHOLE = ""  # the id of the only cell of a page of Markdown
COMMENT = re.compile(r"\n*<!-- agreed (\{.*\}) -->\n*\Z")


@dataclass
class Page:
    """A page in one language."""

    path: Path
    language: str
    notebook: NotebookNode

    @property
    def name(self) -> str:
        """What the page is called in every language."""
        return self.path.stem

    @property
    def cells(self) -> dict[str, NotebookNode]:
        """The cells by id."""
        return {cell.id: cell for cell in self.notebook.cells}

    def text(self) -> str:
        """Return what the file of the page holds: of a notebook, a line for each line of a cell."""
        if self.path.suffix == ".ipynb":
            return nbformat.writes(self.notebook) + "\n"
        cell = self.notebook.cells[0]
        agreed = cell.metadata.get(AGREED)
        return cell.source + (f"\n<!-- agreed {json.dumps(agreed)} -->\n" if agreed else "")

    def save(self) -> bool:
        """Write the page if it is not what its file holds, at once or not at all; tell whether."""
        text = self.text()
        if text == self.path.read_text(encoding="utf-8"):
            return False
        with whole(self.path) as file:
            file.write(text.encode())
        return True


def read(path: Path, language: str) -> Page:
    """Return the page in a file.

    Raises `InputError` for a file that is no page, for example with the marks of a merge in it.
    """
    try:
        return Page(path, language, _parse(path.suffix, path.read_text(encoding="utf-8")))
    except ValueError as error:
        reason = " ".join(str(error).split())[:100]
        raise InputError(f"{path}: not a page of this book ({reason})") from None


def _parse(suffix: str, text: str) -> NotebookNode:
    """Return the page that a text holds. Raises `ValueError` for a text that is no page."""
    if suffix == ".md":
        found = COMMENT.search(text)
        try:
            metadata = {AGREED: json.loads(found[1])} if found else {}
        except ValueError as error:
            raise ValueError(f"the comment at its end: {error}") from None
        source = COMMENT.sub("\n", text)
        cell = {"cell_type": "markdown", "id": WHOLE, "metadata": metadata, "source": source}
        return nbformat.from_dict({"cells": [cell], "metadata": {}})
    try:
        notebook = nbformat.v4.reads(text)
        ids = [cell.get("id") for cell in notebook.cells]
        for id in ids:  # for which validating makes up new ones
            if not id:
                raise ValueError("a cell has no id, which nbformat 4.5 gives it")
            if ids.count(id) > 1:
                raise ValueError(f"two cells have the id {id!r}; give one another id")
        nbformat.validate(notebook)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    except (AttributeError, KeyError, TypeError, nbformat.ValidationError) as error:
        raise ValueError(error) from None
    return notebook


def files(root: Path = ROOT) -> dict[str, dict[str, Path]]:
    """Return the file of each page in each language that has it, by name and language.

    Raises `InputError` where the folder holds no book.
    """
    found: dict[str, dict[str, Path]] = {}
    for language in LANGUAGES:
        for path in sorted((root / "book" / language).glob("*.*")):
            if path.suffix in (".ipynb", ".md"):
                found.setdefault(path.stem, {})[language] = path
    if not found:
        raise InputError(f"there are no pages in {root / 'book'}; the book's repository has them")
    return found


# --- agreement --------------------------------------------------------------------------


def fingerprint(cell: NotebookNode) -> str:
    """Return what tells a text from another one; white space does not count."""
    text = cell.source
    if cell.cell_type == "code":
        text = without_language(text)
    return hashlib.sha256("".join(text.split()).encode()).hexdigest()[:12]


def without_language(code: str) -> str:
    """Return the code of a cell with the language, which alone may differ, left out."""
    return re.sub(r'^language = "\w+"', "language = …", code, flags=re.MULTILINE)


def agree(cells: Mapping[str, NotebookNode]) -> None:
    """Record that these texts, by language, say the same."""
    for cell in cells.values():
        cell.metadata[AGREED] = {code: fingerprint(other) for code, other in cells.items()}


def was_agreed(cell: NotebookNode, language: str) -> bool:
    """Tell whether a cell was once agreed on in a language; one that lacks it has removed it."""
    return language in cell.metadata.get(AGREED, {})


def changed(cells: Mapping[str, NotebookNode]) -> set[str] | None:
    """Return the languages whose text is not the one agreed on; None if none was agreed on."""
    records = [cell.metadata.get(AGREED) for cell in cells.values()]
    if not records[0] or records[0].keys() != cells.keys() or any(r != records[0] for r in records):
        return None
    return {code for code, cell in cells.items() if fingerprint(cell) != records[0][code]}


def outdated(paths: Mapping[str, str | os.PathLike]) -> set[str]:
    """Return the languages in which a page has yet to follow a change in another one.

    Args:
        paths: The page's files by language.

    """
    pages = {language: read(Path(path), language) for language, path in paths.items()}
    behind = set()
    for name in {name for page in pages.values() for name in page.cells}:
        cells = {code: p.cells[name] for code, p in pages.items() if name in p.cells}
        if any(cell.cell_type != "markdown" for cell in cells.values()):
            continue
        follows = changed(cells) if len(cells) == len(pages) else set(cells)
        if follows:  # where all have changed, nobody can tell which is behind
            behind |= pages.keys() - follows
    return behind


def agreed_text(root: Path, page: Page, name: str) -> str | None:
    """Return the text of a cell that was agreed on, from Git's history; None if it is not there."""
    wanted = page.cells[name].metadata[AGREED][page.language]
    path = page.path.relative_to(root).as_posix()
    for commit in git(root, "log", "--format=%h", "--", path).split():
        try:
            old = _parse(page.path.suffix, git(root, "show", f"{commit}:{path}"))
        except ValueError:
            continue
        cell = {cell.id: cell for cell in old.cells}.get(name)
        if cell and fingerprint(cell) == wanted:
            return cell.source
    return None


def git(root: Path, *arguments: str) -> str:
    """Return what a command of Git prints, "" where there is no Git or no such thing."""
    try:
        done = subprocess.run(
            ["git", "-C", root, *arguments], capture_output=True, encoding="utf-8", check=False
        )
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def same_in_all(items: Iterable) -> bool:
    """Tell whether all items are equal."""
    first, *others = items
    return all(other == first for other in others)
