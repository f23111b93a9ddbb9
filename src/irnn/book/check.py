"""Finds what is wrong in the book: whether all languages are complete, alike and up to date.

Every check is a function from the book to findings, listed in `CHECKS`. What needs no judgement
is mended by `irnn.book.mend`.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import unified_diff
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from urllib.parse import unquote

import yaml
from nbformat import NotebookNode

from irnn import chapters, show
from irnn.book import pages
from irnn.book.glossary import ROWS, Glossary
from irnn.book.pages import Page, same_in_all
from irnn.chapters import claims
from irnn.errors import InputError, one_of
from irnn.languages import LANGUAGES
from irnn.parameters import of_experiment

FENCE = re.compile(r"^ *(`{3,}|~{3,})([^\n]*)\n(.*?)^ *\1 *$", re.DOTALL | re.MULTILINE)
ROLE = re.compile(r"\{[\w:]+\}`[^`]*`")
BLOCK_FORMULA = re.compile(r"\$\$.+?\$\$(?: \([\w-]+\))?", re.DOTALL)
CITED = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
NUMBER = re.compile(r"\{glue:\w*\}`([^`]+)`")  # or a figure, computed in a cell
REFERENCE = re.compile(r"\{(ref|numref|eq|doc)\}`([^`]+)`")
OWN = re.compile(rf"-({'|'.join(LANGUAGES)})$")  # the end of a label that is in one language only
COMMENT = re.compile(r"( +|^)# .*", re.MULTILINE)  # in code, which translations translate
LATIN = re.compile(r"[ -~]*[a-z]{2}[ -~]*")  # words that are no abbreviation
KEPT = {"tags", pages.AGREED}  # metadata of cells; editors leave more
ERROR, WARNING = "error", "warning"

# What a text says beside its words, by what it is called; every language says the same.
# Headings and links, for example, as often; a text may show a number twice in one language.
FACTS = {
    "computed numbers": lambda text: sorted(NUMBER.findall(text)),
    "links": lambda text: sorted(re.findall(r"\]\(([^)\s]+)\)", text)),
    "references": lambda text: sorted(OWN.sub("", label) for _, label in REFERENCE.findall(text)),
    "citations": lambda text: sorted(cited(text)),
    "footnotes": lambda text: sorted(re.findall(r"\[\^([\w-]+)\]", text)),
    "headings": lambda text: re.findall(r"^#+ ", without_code(text), re.MULTILINE),
    "blocks of code": lambda text: [block for kind, block in code(text) if kind != "text"],
}
# The same, where a translation may differ: named until the texts are agreed on.
LOOSE_FACTS = {
    "typed numbers": lambda text: sorted(
        set(re.findall(r"(?<![\w.,])(?:\d+(?:[.,]\d+)+|\d{3,})%?(?![\w])|\d+%", words_of(text)))
    ),
    "code within the text": lambda text: sorted(
        set(re.findall(r"`([^`\n]+)`", ROLE.sub("", without_code(text))))
    ),
}


@dataclass(frozen=True)
class Finding:
    """Something that an editor should look at.

    Args:
        file: Where it is, relative to the book's repository.
        cell: The id of the cell in it, "" where it is no notebook's.
        problem: What is wrong.
        remedy: What to do.
        level: "error"; "warning" for texts that nobody has compared since one changed.
        changes: Lines taken away and added, as `diff` writes them.

    """

    file: str
    cell: str
    problem: str
    remedy: str
    level: str = ERROR
    changes: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = self.file + (f" [{self.cell}]" if self.cell else "")
        line = f"{where}: {self.level}: {self.problem}; {self.remedy}"
        return "\n    ".join([line, *self.changes])


@dataclass
class Book:
    """All pages, by name and language."""

    root: Path
    pages: dict[str, dict[str, Page]]
    glossary: Glossary
    unreadable: list[str]

    def texts(self) -> Iterator[tuple[Page, str, str]]:
        """Return the texts of all pages: the page, the cell's id, what it says."""
        for versions in self.pages.values():
            for page in versions.values():
                for cell in page.notebook.cells:
                    if cell.cell_type == "markdown":
                        yield page, cell.id, cell.source

    def pairs(self) -> Iterator[tuple[str, str, dict[str, NotebookNode]]]:
        """Return cells that all languages have: the page's name, the id, the cells by language."""
        for name, versions in self.pages.items():
            if versions.keys() == LANGUAGES.keys():
                for cell in next(iter(versions.values())).cells:
                    if all(cell in page.cells for page in versions.values()):
                        yield name, cell, {code: p.cells[cell] for code, p in versions.items()}

    def finding(self, page: Page, cell: str, problem: str, remedy: str, **more) -> Finding:
        """Return a finding about a cell of a page."""
        return Finding(page.path.relative_to(self.root).as_posix(), cell, problem, remedy, **more)


def load(root: Path = pages.ROOT) -> Book:
    """Return the book in a repository's folder; pages that cannot be read are left out and named.

    Raises `InputError` where there is no book, or no glossary that can be read.
    """
    read: dict[str, dict[str, Page]] = {}
    unreadable = []
    for name, versions in pages.files(root).items():
        for language, path in versions.items():
            try:
                read.setdefault(name, {})[language] = pages.read(path, language)
            except InputError as error:
                unreadable.append(str(error))
    return Book(root, read, Glossary.read(root / "book" / "glossary.yaml"), unreadable)


# --- parts of a text --------------------------------------------------------------------


def without_code(text: str) -> str:
    """Return a text without its blocks of code."""
    return FENCE.sub("", text)


def code(text: str) -> list[tuple[str, str]]:
    """Return the blocks of code in a text: in what language, and the code without comments.

    A page's own folder stands for that of every language.
    """
    folder = re.compile(rf"\bbook/({'|'.join(LANGUAGES)})/")
    return [
        (kind.strip() or "text", folder.sub("book/…/", COMMENT.sub("", block)))
        for _, kind, block in FENCE.findall(text)
    ]


def words_of(text: str) -> str:
    """Return the words of a text: no code, no formulas, no targets of links."""
    text = BLOCK_FORMULA.sub("", ROLE.sub("", without_code(text)))
    return re.sub(r"`[^`]*`|\$[^$\n]+\$|\]\([^)]*\)|<!--.*?-->", "", text)


def prose(text: str) -> Iterator[str]:
    """Return the lines of a text that are sentences: no code, no tables, no headings."""
    for line in without_code(text).splitlines():
        if not re.match(r" *(\||#+ |:::|:\w+:|\(\w[\w-]*\)=)", line):
            yield line


def short_texts(text: str) -> Iterator[str]:
    """Return the headings and the cells of tables in a text."""
    for line in words_of(text).splitlines():
        if re.match(r" *(#+ |\|)", line):
            yield from (part.strip("# ") for part in line.split("|"))


def cited(text: str) -> list[str]:
    """Return the keys of the works that a text cites."""
    return [key.strip() for keys in CITED.findall(text) for key in keys.split(",")]


def sentences(line: str, language: str) -> list[str]:
    """Return the sentences of a line."""
    return re.split(LANGUAGES[language].sentence_end, line)


# --- checks -----------------------------------------------------------------------------


def pages_are_there(book: Book) -> Iterator[Finding]:
    """Every page can be read, is there in every language and listed, in one order."""
    by_hand = "mend it by hand, or take it from Git again"
    for problem in book.unreadable:
        path, reason = problem.split(": ", 1)
        file = Path(path).relative_to(book.root).as_posix()
        yield Finding(file, "", reason, by_hand)
    try:
        toc = yaml.safe_load((book.root / "_toc.yml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        yield Finding("_toc.yml", "", f"it cannot be read ({reason})", by_hand)
        return
    listed = {code: _listed(toc, f"book/{code}/") for code in LANGUAGES}
    first = next(iter(LANGUAGES))
    for code, names in listed.items():
        if set(names) == set(listed[first]) and names != listed[first]:
            yield Finding("_toc.yml", "", f"the order of the pages differs in {code}", "mend it")
        for name in set(names) - book.pages.keys():
            if not any(f"{code}/{name}." in problem for problem in book.unreadable):
                remedy = "write it, or take it out of _toc.yml"
                yield Finding("_toc.yml", "", f"there is no page book/{code}/{name}", remedy)
    for name, versions in book.pages.items():
        for code in LANGUAGES:
            if code not in versions:
                if not any(f"{code}/{name}." in problem for problem in book.unreadable):
                    page = next(iter(versions.values()))
                    remedy = f"translate it into book/{code}/{page.path.name}"
                    yield book.finding(page, "", f"the page is missing in {code}", remedy)
            elif name not in listed[code]:
                remedy = f"add `- file: book/{code}/{name}` to _toc.yml"
                yield book.finding(versions[code], "", "the page is not in _toc.yml", remedy)
        if not same_in_all(page.path.suffix for page in versions.values()):
            page = next(iter(versions.values()))
            yield book.finding(page, "", "it is a notebook in one language only", "make both alike")


def _listed(toc, folder: str) -> list[str]:
    """Return the names of the pages in a folder that a table of contents lists, in order."""
    if isinstance(toc, list):
        return [name for item in toc for name in _listed(item, folder)]
    if not isinstance(toc, dict):
        return []
    own = [toc["file"].removeprefix(folder)] if toc.get("file", "").startswith(folder) else []
    return own + [name for item in toc.values() for name in _listed(item, folder)]


def cells_pair_up(book: Book) -> Iterator[Finding]:
    """Every language has the same cells in the same order."""
    for versions in book.pages.values():
        for page in versions.values():
            for other in versions.values():
                for name, cell in other.cells.items():
                    if name not in page.cells:
                        what = f"the {cell.cell_type} cell is missing in {page.language}"
                        if pages.was_agreed(cell, page.language):
                            do = "it was removed there: remove it here too, or copy it back"
                        else:
                            do = "run --fix, which copies it, or remove it here"
                        yield book.finding(other, name, what, do)
        first, *others = versions.values()
        for other in others:
            common = [name for name in first.cells if name in other.cells]
            order = [name for name in other.cells if name in first.cells]
            if common != order:
                name = next(a for a, b in zip(order, common, strict=True) if a != b)
                what = f"the cells stand in another order than in {first.language} from here on"
                yield book.finding(other, name, what, "move them")


def code_is_the_same(book: Book) -> Iterator[Finding]:
    """Code cells are the same in every language but for those of parameters, see below."""
    for name, cell, versions in book.pairs():
        if not same_in_all(c.cell_type for c in versions.values()):
            yield _differs(book, name, cell, "kind of cell", "make the cells of one kind")
        elif next(iter(versions.values())).cell_type == "code":
            tagged = any("parameters" in c.metadata.get("tags", []) for c in versions.values())
            sources = [pages.without_language(c.source) for c in versions.values()]
            if not tagged and not same_in_all(sources):
                lead = leaders(versions)
                remedy = (
                    f"run --fix, which copies that of {lead}, the one that changed"
                    if lead
                    else "copy one to the other"
                )
                yield _differs(book, name, cell, "code", remedy)
            if not same_in_all(c.metadata.get("tags", []) for c in versions.values()):
                yield _differs(book, name, cell, "tags", "give all the same tags")


def leaders(versions: Mapping[str, NotebookNode]) -> str:
    """Return the language of a cell of code that alone changed, "" where that cannot be told."""
    changed = pages.changed(versions) or set()
    return changed.pop() if len(changed) == 1 else ""


def _differs(book: Book, name: str, cell: str, what: str, remedy: str, level=ERROR) -> Finding:
    first, *others = book.pages[name].values()
    languages = " and ".join([first.language, *(page.language for page in others)])
    return book.finding(others[0], cell, f"{what} of {languages} differ", remedy, level=level)


def texts_say_the_same(book: Book) -> Iterator[Finding]:
    """Compare what texts say beside their words, which is the same in every language."""
    for name, cell, versions in book.pairs():
        if any(c.cell_type != "markdown" for c in versions.values()):
            continue
        facts = FACTS if pages.changed(versions) == set() else FACTS | LOOSE_FACTS
        for what, find in facts.items():
            found = [find(c.source) for c in versions.values()]
            if not same_in_all(found):
                level = ERROR if what in FACTS else WARNING
                alone = set.union(*map(set, found)) - set.intersection(*map(set, found))
                only = ", ".join(repr(item.strip()) for item in sorted(alone))
                remedy = f"not in all: {only}" if only else "some are not as often in all"
                yield _differs(book, name, cell, what, remedy, level)


def texts_are_translated(book: Book) -> Iterator[Finding]:
    """Every text is in the page's language, as far as its letters show.

    Headings and cells of tables may be names: these are warnings until the texts are agreed on.
    """
    agreed = {(name, cell) for name, cell, both in book.pairs() if pages.changed(both) == set()}
    for page, cell, text in book.texts():
        language, found = LANGUAGES[page.language], []
        for paragraph in "\n".join(prose(text)).split("\n\n"):
            plain = words_of(paragraph).strip()
            lacks = language.letters and not re.search(language.letters, paragraph)
            if lacks and re.search(r"\w{2}", plain):
                found.append((plain, ERROR))
        if page.name != "glossary":  # which has terms in every language
            for line in words_of(text).splitlines():
                if language.foreign and re.search(language.foreign, line):
                    found.append((line.strip(), ERROR))
            if language.letters and (page.name, cell) not in agreed:
                found += [(p, WARNING) for p in short_texts(text) if LATIN.fullmatch(p)]
        for plain, level in found:
            what = f"not in {page.language}: {plain[:60]!r}"
            yield book.finding(page, cell, what, "translate it", level=level)


def texts_are_agreed(book: Book) -> Iterator[Finding]:
    """No text changed since all languages last said the same."""
    never: dict[str, list[str]] = {}
    for name, cell, versions in book.pairs():
        if any(c.cell_type != "markdown" for c in versions.values()):
            continue
        address = f"{name}/{cell}".rstrip("/")
        changed = pages.changed(versions)
        if changed is None:
            never.setdefault(name, []).append(cell)
        for code in changed or ():
            page = book.pages[name][code]
            behind = " and ".join(sorted(versions.keys() - changed))
            remedy = f"bring {behind} up to date, then" if behind else "compare them, then"
            yield book.finding(
                page,
                cell,
                f"changed in {code} since {'all' if behind else 'they last'} agreed",
                f"{remedy} python -m irnn check --accept {address}",
                level=WARNING,
                changes=tuple(_changes(book, page, cell)),
            )
    for name, cells in never.items():
        page = next(iter(book.pages[name].values()))
        which = "the page" if cells == [pages.WHOLE] else f"{len(cells)} cells ({', '.join(cells)})"
        remedy = f"compare the languages, then python -m irnn check --accept {name}, or {name}/CELL"
        yield book.finding(page, "", f"nobody has agreed on {which}", remedy, level=WARNING)


def _changes(book: Book, page: Page, cell: str) -> list[str]:
    """Return how a text differs from the one agreed on."""
    old = pages.agreed_text(book.root, page, cell)
    if old is None:
        return ["(Git does not have the text agreed on)"]
    new = page.cells[cell].source
    _, _, *lines = unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith("@@")]


def works_are_listed(book: Book) -> Iterator[Finding]:
    """Every work that is cited is in the bibliography's file, and the other way round."""
    path = book.root / "book" / "references.bib"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    listed = re.findall(r"^@\w+\{([^,\s]+),", text, re.MULTILINE)
    used = set()
    for page, cell, source in book.texts():
        for key in cited(source):
            used.add(key)
            if key not in listed:
                what = f"the cited work {key} is not in book/references.bib"
                yield book.finding(page, cell, what, "add it there, or mend the citation")
    for key in listed:
        if key not in used:
            what = f"no page cites the work {key}"
            yield Finding("book/references.bib", "", what, "cite it, or take it out")


def links_lead_somewhere(book: Book) -> Iterator[Finding]:
    """Links and references within the book have a target."""
    labels = {label for _, _, text in book.texts() for label in _labels(text)}
    for page, cell, text in book.texts():
        text = without_code(text)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            path, _, fragment = unquote(link).partition("#")
            if re.match(r"[a-z]+:", link):
                continue
            if path and not (page.path.parent / path).exists():
                yield book.finding(page, cell, f"the link {link} leads nowhere", "mend the link")
            elif fragment and fragment not in labels:
                remedy = f"put ({fragment})= before what it means, or mend the link"
                yield book.finding(page, cell, f"the link {link} has no target", remedy)
        for role, target in REFERENCE.findall(text):
            label = re.sub(r".*<(.*)>$", r"\1", target)
            if role == "doc" and label not in book.pages:
                what = f"there is no page {label}, which the text refers to"
                yield book.finding(page, cell, what, "mend the reference")
            elif role != "doc" and label not in labels:
                remedy = f"put ({label})= before what it means, or mend the reference"
                yield book.finding(page, cell, f"the reference {label} has no target", remedy)


def _labels(text: str) -> list[str]:
    """Return what references can point to in a text."""
    return re.findall(r"^(?:\(|.*\$\$ \(|:name: |:label: )([^)\s]+)", text, re.MULTILINE)


def terms_are_those_of_the_glossary(book: Book) -> Iterator[Finding]:
    """No text and no figure has a word for which the glossary has another one."""
    for page, cell, text in book.texts():
        if page.name != "glossary":  # which lists these words
            for wrong, term in book.glossary.wrong_words(words_of(text), page.language):
                yield book.finding(page, cell, f"{wrong!r}", f"the glossary says {term!r}")
    for file, name, table in _tables():
        for code in LANGUAGES:
            for text in _texts(table.get(code)).values():
                for wrong, term in book.glossary.wrong_words(text, code):
                    yield Finding(file, name, f"{wrong!r} ({code})", f"the glossary says {term!r}")


def glossary_is_shown(book: Book) -> Iterator[Finding]:
    """Compare the pages of the glossary with its file."""
    for code, page in book.pages.get("glossary", {}).items():
        if ROWS.findall(page.notebook.cells[0].source) != [book.glossary.rows(code)]:
            yield book.finding(page, "", "its table is not that of glossary.yaml", "run --fix")


def figures_are_described(book: Book) -> Iterator[Finding]:
    """Find figures without caption or alternative text, and references to no figure."""
    for page, cell, text in book.texts():
        plain = without_code(text)
        figures = [kind for _, kind, block in FENCE.findall(text) if ":alt:" not in block]
        if re.search(r"!\[\]\(", plain) or any(
            re.match(r"\{(image|figure)\}", kind) for kind in figures
        ):
            yield book.finding(page, cell, "a picture has no alternative text", "say what it shows")
    for versions in book.pages.values():
        for page in versions.values():
            yield from _figures(book, page)


def _figures(book: Book, page: Page) -> Iterator[Finding]:
    """Find what a page's figures lack."""
    module = chapter(page) if page.path.suffix == ".ipynb" else None
    shown = {}
    for cell in page.notebook.cells if module else ():
        if cell.cell_type == "code":
            for name in re.findall(r'page\.figure\("(\w+)"', cell.source):
                if name in shown:
                    remedy = "show it once, and refer to it"
                    yield book.finding(page, cell.id, f"the figure {name} is shown twice", remedy)
                shown[name] = cell.id
    for name, cell in shown.items():
        draw = getattr(module, name, None)
        if draw is None:
            what = f"there is no function {name} in {_file(module)}"
            yield book.finding(page, cell, what, "write it, or mend its name here")
            continue
        drawn_in = import_module(draw.__module__)
        for table, where in (("CAPTIONS", [module]), ("ALT", [module, drawn_in])):
            if not any(name in getattr(m, table, {}) for m in where):
                remedy = f"write {table}[{name!r}] in {_file(module)}"
                yield book.finding(page, cell, f"the figure {name} is not in {table}", remedy)
    known = {name.replace("_", "-") for name in shown}
    for cell in page.notebook.cells if module else ():
        if cell.cell_type == "markdown":
            for name in re.findall(r"\{glue:\}`figure-([\w-]+)`", cell.source):
                if name not in known:
                    what = f"the page shows no figure {name}"
                    yield book.finding(page, cell.id, what, "mend the reference")


def words_are_complete(book: Book) -> Iterator[Finding]:
    """Compare the languages in all tables of words, captions and notices in the package."""
    first = next(iter(LANGUAGES))
    for file, name, table in _tables():
        for code in LANGUAGES:
            texts, own = _texts(table.get(first)), _texts(table.get(code))
            if not own:
                yield Finding(file, name, f"it has nothing in {code}", "write it")
                continue
            for key in texts.keys() | own.keys():
                fields = [re.findall(r"{\w*}", t.get(key) or "") for t in (texts, own)]
                if not own.get(key) and texts.get(key) != " ":  # Japanese has no spaces
                    yield Finding(file, name, f"{key!r} is missing in {code}", "write it")
                elif key not in texts:
                    yield Finding(file, name, f"{key!r} is missing in {first}", "write it")
                elif sorted(fields[0]) != sorted(fields[1]):
                    what = f"{key!r} has other {{fields}} in {code} than in {first}"
                    yield Finding(file, name, what, "mend it")


def _tables() -> Iterator[tuple[str, str, dict]]:
    """Return the tables by language in the package: the file, the name, the table."""
    names = ["irnn.page", "irnn.book.colophon"]
    for room in (show, chapters):
        names += [f"{room.__name__}.{module.name}" for module in iter_modules(room.__path__)]
    for module in map(import_module, names):
        source = Path(module.__file__).read_text(encoding="utf-8")
        for name, value in vars(module).items():
            if re.search(rf"^{name}\b.*=", source, re.MULTILINE):  # and is not imported
                yield from ((_file(module), *found) for found in _by_language(value, name))


def _by_language(value: object, name: str) -> Iterator[tuple[str, dict]]:
    """Return the tables by language in a value."""
    if not isinstance(value, dict):
        return
    if next(iter(LANGUAGES)) in value:
        yield name, value
    else:
        for key, inner in value.items():
            yield from _by_language(inner, f"{name}[{key!r}]")


def _texts(value: object) -> dict[str, str]:
    """Return the texts of a language in a table, by where they are in it."""
    if isinstance(value, str):
        return {"text": value} if value else {}
    if isinstance(value, tuple | list):
        value = {str(number): text for number, text in enumerate(value)}
    if isinstance(value, dict):
        return {str(key): text for key, text in value.items() if isinstance(text, str)}
    return {}


def _file(module: ModuleType) -> str:
    return f"src/{module.__name__.replace('.', '/')}.py"


def sources_hold_no_outputs(book: Book) -> Iterator[Finding]:
    """Notebooks hold what was written and not what came of it or what an editor left."""
    for versions in book.pages.values():
        for page in versions.values():
            for cell in page.notebook.cells:
                if cell.get("outputs") or cell.get("execution_count") is not None:
                    yield book.finding(page, cell.id, "it holds outputs", "run --fix")
                if cell.metadata.keys() - KEPT:
                    names = ", ".join(sorted(cell.metadata.keys() - KEPT))
                    yield book.finding(page, cell.id, f"it has metadata ({names})", "run --fix")
            if page.path.suffix != ".ipynb":
                continue
            if page.notebook.metadata != METADATA:
                yield book.finding(page, "", "its metadata are not those of the book", "run --fix")
            if page.text() != page.path.read_text(encoding="utf-8"):
                what = "its JSON is not written as the book's, a line for each line of a cell"
                yield book.finding(page, "", what, "run --fix")


METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def one_sentence_a_line(book: Book) -> Iterator[Finding]:
    """Find lines of more than one sentence, where a diff would not say which of them changed."""
    for page, cell, text in book.texts():
        for line in prose(text):
            if len(parts := sentences(line, page.language)) > 1:
                what = f"more than one sentence in a line, before {parts[1][:30]!r}"
                yield book.finding(page, cell, what, "run --fix")


def parameters_are_those_declared(book: Book) -> Iterator[Finding]:
    """Compare the parameters of notebooks with those that the chapters' modules declare."""
    for versions in book.pages.values():
        for page in versions.values():
            if page.path.suffix != ".ipynb":
                continue
            if not (module := chapter(page)):
                remedy = "write it; CONTRIBUTING.md says what it holds"
                yield book.finding(page, "", f"there is no module {_module(page)}", remedy)
                continue
            tagged = [c for c in page.notebook.cells if "parameters" in c.metadata.get("tags", [])]
            if len(tagged) != 1:
                remedy = "tag the first cell of code `parameters`, and no other"
                yield book.finding(page, "", f"{len(tagged)} cells have parameters", remedy)
                continue
            for what, remedy in _undeclared(tagged[0].source, module, page.language):
                yield book.finding(page, tagged[0].id, what, remedy)


def _undeclared(source: str, module: ModuleType, language: str) -> list[tuple[str, str]]:
    """Return what a cell of parameters has otherwise than the chapter's module, and what to do."""
    wanted, file = declared(module, language), _file(module)
    lines = [assignment(line) for line in source.splitlines()]
    if lines == list(wanted.items()):
        return []
    found = []
    for name, here in filter(None, lines):
        if name not in wanted:
            remedy = "declare it there, or run --fix, which takes it out here"
            found.append((f"{name} is not declared in {file}", remedy))
        elif name != "language":  # every page has its own
            for verb, a, b in zip(("is", "has the help"), here, wanted[name], strict=True):
                if a != b:
                    remedy = "change it there, or run --fix, which writes that value here"
                    found.append((f"{name} {verb} {a!r} here and {b!r} in {file}", remedy))
    return found or [(f"the parameters are not those that {file} declares", "run --fix")]


def _module(page: Page) -> str:
    return f"irnn.chapters.{page.name.replace('-', '_')}"


def chapter(page: Page) -> ModuleType | None:
    """Return the module of a notebook's chapter, None where there is none."""
    return import_module(_module(page)) if find_spec(_module(page)) else None


def declared(module: ModuleType, language: str) -> dict[str, tuple[object, str]]:
    """Return the parameters of a chapter: default and help by name."""
    found = {name: (p.default, p.help) for name, p in module.PARAMETERS.items()}
    return found | {"language": (language, found["language"][1])}


def assignment(line: str) -> tuple[str, tuple[object, str]] | None:
    """Return the name, value and help that a line of a parameters cell gives, None for another."""
    code, _, text = line.partition("  # ")
    try:
        (node,) = ast.parse(code).body
        return node.targets[0].id, (ast.literal_eval(node.value), text)
    except (ValueError, SyntaxError, AttributeError, TypeError):
        return None


def parameters_are_the_experiments(book: Book) -> Iterator[Finding]:
    """Compare the parameters that decide runs with what the chapters' experiments take."""
    for name in book.pages:
        module = chapter(next(iter(book.pages[name].values())))
        if not hasattr(module, "experiment"):
            continue
        wanted = of_experiment(module.PARAMETERS)
        taken = signature(module.experiment).parameters
        if all(argument.kind != argument.VAR_KEYWORD for argument in taken.values()):
            for name in [name for name in wanted if name not in taken]:
                remedy = "make it an argument, or declare it with page=True"
                yield Finding(_file(module), "", f"experiment() does not take {name}", remedy)
        for name, argument in taken.items():
            needed = argument.default is argument.empty and argument.kind != argument.VAR_KEYWORD
            if needed and name not in wanted:
                remedy = "declare it, without page=True"
                yield Finding(_file(module), "", f"experiment() needs {name}", remedy)


def chapters_import_their_own_module(book: Book) -> Iterator[Finding]:
    """Every notebook means its own module by `chapter`."""
    for versions in book.pages.values():
        for page in versions.values():
            for cell in page.notebook.cells:
                pattern = r"^from irnn\.chapters import (\w+) as chapter$"
                for name in re.findall(pattern, cell.source, re.MULTILINE):
                    own = _module(page).rpartition(".")[2]
                    if cell.cell_type == "code" and name != own:
                        what = f"it imports {name} as chapter, the module of another page"
                        yield book.finding(page, cell.id, what, f"import {own}")


def claims_have_rows(book: Book) -> Iterator[Finding]:
    """Compare what the ledger's page shows with the claims that the chapters have."""
    names = {}
    for claim in (claim for chapter in claims.CHAPTERS for claim in chapter.CLAIMS):
        verdict = claim.name.replace("-", "_")
        names[claim.name] = (f"{verdict}_measured", verdict)
    known = {name for both in names.values() for name in both}
    for page in book.pages.get("claims", {}).values():
        cells = page.notebook.cells
        shown = {name: cell.id for cell in cells for name in NUMBER.findall(cell.source)}
        for claim, both in names.items():
            if not shown.keys() >= set(both):
                remedy = "write one that shows `{}` and `{}`".format(*both)
                yield book.finding(page, "", f"the claim {claim} has no row", remedy)
        for name in shown.keys() - known:
            remedy = "mend its name, or add the claim"
            yield book.finding(page, shown[name], f"{name} is of no claim", remedy)


CHECKS = (
    pages_are_there,
    cells_pair_up,
    code_is_the_same,
    texts_say_the_same,
    texts_are_translated,
    texts_are_agreed,
    works_are_listed,
    links_lead_somewhere,
    terms_are_those_of_the_glossary,
    glossary_is_shown,
    figures_are_described,
    words_are_complete,
    sources_hold_no_outputs,
    one_sentence_a_line,
    parameters_are_those_declared,
    parameters_are_the_experiments,
    chapters_import_their_own_module,
    claims_have_rows,
)


# --- the command ------------------------------------------------------------------------


def check(root: Path = pages.ROOT) -> list[Finding]:
    """Return what is to be looked at, errors first.

    Raises `InputError` where there is no book.
    """
    book = load(root)
    found = dict.fromkeys(finding for check in CHECKS for finding in check(book))
    return sorted(found, key=lambda f: (f.level, f.file, f.cell))


def accept(addresses: Iterable[str], root: Path = pages.ROOT) -> int:
    """Record that cells say the same in every language; return how many.

    Args:
        addresses: `PAGE/CELL`, or `PAGE` for all cells of a page, or `all`.
        root: The book's repository.

    Raises:
        InputError: For a page or a cell that is not there in every language.

    """
    book = load(root)
    pairs = {(name, cell): versions for name, cell, versions in book.pairs()}
    chosen = set()
    for address in addresses:
        name, _, cell = address.partition("/")
        if address != "all":
            one_of("page", name, dict.fromkeys(name for name, _ in pairs))
            if cell:
                one_of(f"cell of {name}", cell, [c for n, c in pairs if n == name])
            chosen |= {p for p in pairs if p[0] == name and cell in ("", p[1])}
        else:
            chosen |= pairs.keys()
    for pair in chosen:
        pages.agree(pairs[pair])
    for versions in book.pages.values():
        for page in versions.values():
            page.save()
    return len(chosen)


def report(findings: list[Finding], as_json: bool) -> int:
    """Print findings; return the exit code, 1 where one is an error."""
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1))
    else:
        for finding in findings:
            print(finding)
        errors = sum(finding.level == ERROR for finding in findings)
        print(f"{errors} errors, {len(findings) - errors} warnings")
    return 1 if any(finding.level == ERROR for finding in findings) else 0
