"""Pages that weigh less: one style sheet of the rules that they use.

A theme's style sheets are many times what a site uses, and a browser reads all of them before it
shows a page.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from pathlib import Path

import tinycss2
from sphinx.application import Sphinx

SHEET = "_static/used.css"

# What the layout of pydata-sphinx-theme, on which others build, loads before all other sheets.
THEME = ("_static/styles/theme.css", "_static/styles/pydata-sphinx-theme.css")

NESTED = ("media", "supports", "container", "layer")  # rules that hold rules
NAMES = re.compile(r'\b(?:class|id)="([^"]*)"')
URL = re.compile(r"""url\(\s*(["']?)(?!data:|[\w+]+:|[/#])([^"')]+)\1\s*\)""")


class Sheets:
    """The style sheets of a site's pages, in their order."""

    def __init__(self) -> None:
        self.found = dict.fromkeys(THEME)

    def replace(self, app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
        """Have a page load the one sheet in place of its own."""
        self.found |= {str(getattr(css, "filename", css)): None for css in context["css_files"]}
        context["css_files"] = [SHEET]

    def write(self, app: Sphinx, error: Exception | None) -> None:
        """Write the one sheet, with what the pages and the scripts as they now are can use."""
        if error or app.builder.format != "html":
            return
        names = _names(Path(app.outdir))
        sheets = [path for name in self.found if (path := Path(app.outdir, name)).is_file()]
        text = "\n".join("\n".join(_used(_rules(path, app.outdir), names)) for path in sheets)
        Path(app.outdir, SHEET).write_text(text + "\n", encoding="utf-8")


def _names(site: Path) -> set[str]:
    """Return classes and ids of a site's pages, and all that its scripts could call so."""
    found: set[str] = set()
    for path in site.rglob("*.html"):
        for names in NAMES.findall(path.read_text(encoding="utf-8")):
            found.update(names.split())
    for path in site.glob("_static/**/*.js"):
        found.update(re.findall(r"[\w-]+", path.read_text(encoding="utf-8")))
    return found


def _rules(path: Path, site: Path) -> Iterator:
    """Yield the rules of a sheet, and in place of an import those of the sheet that it names."""
    text = path.read_text(encoding="utf-8")
    here, there = (posixpath.dirname(p) for p in (path.relative_to(site).as_posix(), SHEET))

    def moved(url: re.Match) -> str:
        return f'url("{posixpath.relpath(posixpath.join(here, url[2]), there)}")'

    for rule in tinycss2.parse_stylesheet(URL.sub(moved, text), skip_whitespace=True):
        if rule.type == "at-rule" and rule.lower_at_keyword == "import":
            (name,) = (part.value for part in rule.prelude if part.type in ("string", "url"))
            yield from _rules(Path(posixpath.normpath(path.parent / name)), site)
        elif not (rule.type == "at-rule" and rule.lower_at_keyword == "charset"):
            yield rule


def _used(rules: Iterable, names: set[str]) -> Iterator[str]:
    """Yield, as CSS, what of the rules applies to the names; licences too."""
    for rule in rules:
        if rule.type == "comment" and rule.value.startswith("!"):
            yield rule.serialize()
        elif rule.type == "qualified-rule":
            if some := [css for css, own in _selectors(rule.prelude) if own <= names]:
                yield f"{','.join(some)}{{{tinycss2.serialize(rule.content).strip()}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in NESTED and rule.content:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if some := "".join(_used(inner, names)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{some}}}"
        elif rule.type == "at-rule":
            yield rule.serialize()


def _selectors(prelude: list) -> Iterator[tuple[str, set[str]]]:
    """Yield each selector of a rule, with the classes and ids that an element must have for it.

    Those inside `:not(...)`, `:is(...)` and the like do not count.
    """
    for comma, group in groupby(prelude, lambda part: part == ","):
        if not comma:
            parts = list(group)
            own = {part.value for part in parts if part.type == "hash"}
            own |= {b.value for a, b in pairwise(parts) if a == "." and b.type == "ident"}
            yield tinycss2.serialize(parts).strip(), own


def setup(app: Sphinx) -> dict[str, bool]:
    """Do so for every page, once all extensions have put their sheets into the context."""
    sheets = Sheets()
    app.connect("html-page-context", sheets.replace, priority=900)
    app.connect("build-finished", sheets.write, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
