"""A description of each page, for search engines: its first paragraph.

A page that has a `description` of its own, as MyST's `html_meta`, keeps it; a page without a
paragraph is described by its site's title.
"""

import html
import unicodedata

from docutils import nodes
from sphinx.application import Sphinx

WIDTH = 160  # of which search engines show about as many letters


def width(text: str) -> int:
    """Return the width of a text; Chinese and Japanese letters are as wide as two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def shortened(text: str) -> str:
    """Return the beginning of a text, its first sentences where they fit."""
    text = " ".join(text.split())
    if width(text) <= WIDTH:
        return text
    while width(text) >= WIDTH:
        text = text[:-1]
    end = max(text.rfind(mark) for mark in (". ", "? ", "! ", "。", "？"))
    return text[: end + 1] if end > 0 else f"{text.rsplit(' ', 1)[0]}…"


def add_description(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Put the description among the page's metadata."""
    if 'name="description"' in context.get("metatags", ""):
        return
    found = doctree.findall(nodes.paragraph) if doctree else ()
    prose = (p.astext() for p in found if isinstance(p.parent, nodes.section))  # not a notice's
    text = shortened(next(prose, "") or context["docstitle"])
    context["metatags"] = context.get("metatags", "") + (
        f'\n<meta name="description" content="{html.escape(text)}" />'
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Describe every page."""
    app.connect("html-page-context", add_description)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
