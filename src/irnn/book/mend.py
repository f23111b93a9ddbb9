"""Mends in the book what needs no judgement."""

import re
from pathlib import Path

from nbformat import NotebookNode, from_dict

from irnn.book import check, pages
from irnn.book.glossary import ROWS
from irnn.book.pages import Page, same_in_all
from irnn.languages import LANGUAGES


def mend(root: Path = pages.ROOT) -> list[Path]:
    """Mend the book; return the files that were written.

    Outputs and what editors leave in notebooks are removed, sentences get lines of their own,
    parameters are written as declared, new cells go to the other languages, code goes from the
    language in which it changed to the others, the glossary's table is that of its file.

    Raises `InputError` where there is no book.
    """
    book = check.load(root)
    copies = pages.git(root, "ls-files", "--others", "--", "book").splitlines()
    for versions in book.pages.values():
        for page in versions.values():
            _strip(page)
            _wrap(page)
            _declare(page)
            if page.path.relative_to(root).as_posix() in copies:
                _forget(page)
        if versions.keys() == LANGUAGES.keys():
            _copy_new_cells(versions)
            _copy_code(versions)
    for code, page in book.pages.get("glossary", {}).items():
        cell, rows = page.notebook.cells[0], book.glossary.rows(code)
        cell.source = ROWS.sub(rows.replace("\\", r"\\"), cell.source, count=1)
    every = [page for versions in book.pages.values() for page in versions.values()]
    return [page.path for page in every if page.save()]


def _strip(page: Page) -> None:
    """Remove outputs and metadata that are not the book's."""
    for cell in page.notebook.cells:
        cell.metadata = from_dict({k: v for k, v in cell.metadata.items() if k in check.KEPT})
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    if page.path.suffix == ".ipynb":
        page.notebook.metadata = from_dict(check.METADATA)


def _wrap(page: Page) -> None:
    """Give every sentence a line of its own; those of an item of a list stay in it."""
    for cell in page.notebook.cells:
        if cell.cell_type != "markdown":
            continue
        sentences = set(check.prose(cell.source))
        lines = []
        for line in cell.source.split("\n"):
            if line in sentences:
                marker = re.match(r" *(?:[-*+] |\d+\. )?", line)[0]
                first, *others = check.sentences(line, page.language)
                lines += [first, *(" " * len(marker) + other for other in others)]
            else:
                lines.append(line)
        cell.source = "\n".join(lines)


def _declare(page: Page) -> None:
    """Write the parameters as the chapter declares them; lines that say the same stay."""
    module = check.chapter(page) if page.path.suffix == ".ipynb" else None
    tagged = [c for c in page.notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if not module or len(tagged) != 1:
        return
    lines = tagged[0].source.splitlines()
    wanted = check.declared(module, page.language)
    new = []
    for name, (default, text) in wanted.items():
        same = [x for x in lines if check.assignment(x) == (name, (default, text))]
        value = f'"{default}"' if isinstance(default, str) else repr(default)
        new.append(same[0] if same else f"{name} = {value}  # {text}")
    tagged[0].source = "\n".join(new)


def _forget(page: Page) -> None:
    """Remove what was agreed on other texts, which a copy of another page has brought along."""
    for cell in page.notebook.cells:
        agreed = cell.metadata.get(pages.AGREED, {})
        if cell.cell_type == "markdown" and agreed.get(page.language) != pages.fingerprint(cell):
            cell.metadata.pop(pages.AGREED, None)


def _copy_new_cells(versions: dict[str, Page]) -> None:
    """Give every language the cells that another one alone has, as they are.

    A cell that was once agreed on has been removed here: whether it goes or comes back needs
    judgement.
    """
    for page in versions.values():
        for other in versions.values():
            before = ""
            for name, cell in other.cells.items():
                if name not in page.cells and not pages.was_agreed(cell, page.language):
                    place = list(page.cells).index(before) + 1 if before else 0
                    page.notebook.cells.insert(place, from_dict(cell))
                before = name if name in page.cells else before


def _copy_code(versions: dict[str, Page]) -> None:
    """Give every language the code cells of the one in which they changed."""
    for name in next(iter(versions.values())).cells:
        if not all(name in page.cells for page in versions.values()):
            continue
        cells = {code: page.cells[name] for code, page in versions.items()}
        if any(cell.cell_type != "code" for cell in cells.values()):
            continue
        lead = check.leaders(cells)
        for cell in cells.values() if lead else ():
            if cell is not cells[lead]:
                cell.source = _in_language(cells[lead], cell)
        recorded = any(pages.AGREED in cell.metadata for cell in cells.values())
        if recorded and same_in_all(pages.without_language(c.source) for c in cells.values()):
            pages.agree(cells)


def _in_language(cell: NotebookNode, other: NotebookNode) -> str:
    """Return the code of a cell with the other's language."""
    own = re.search(r'^language = "\w+"', other.source, re.MULTILINE)
    if not own:
        return cell.source
    return re.sub(r'^language = "\w+"', own[0], cell.source, count=1, flags=re.MULTILINE)
