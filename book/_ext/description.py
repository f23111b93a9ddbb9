"""A description of each page, for search engines and for those who link to it: its first paragraph.

A page that has a `description` of its own, as MyST's `html_meta`, keeps it; a page without a
paragraph is described by its site's title. Where `html_baseurl` says where the site is, what shows
a link to a page (Open Graph) learns its title, language and address, too.
"""

import html
import re
import unicodedata

from babel.core import get_global
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
    tags = context.get("metatags", "")
    own = re.search('content="([^"]*)"[^>]* name="description"', tags)
    if own:
        text = html.unescape(own[1])
    else:
        found = doctree.findall(nodes.paragraph) if doctree else ()
        prose = (p.astext() for p in found if isinstance(p.parent, nodes.section))  # not a notice's
        text = shortened(next(prose, "") or context["docstitle"])
        tags += f'\n<meta name="description" content="{html.escape(text)}" />'
    if url := context.get("pageurl"):
        title = html.unescape(re.sub("<[^>]*>", "", context.get("title") or context["docstitle"]))
        graph = {"type": "article", "title": title, "description": text, "url": url}
        graph |= {"locale": locale(context["language"])}
        tags += "".join(
            f'\n<meta property="og:{name}" content="{html.escape(value)}" />'
            for name, value in graph.items()
        )
    context["metatags"] = tags


def locale(language: str) -> str:
    """Return a language with the country where most speak it, as Open Graph wants it: ja_JP."""
    code, *_, country = get_global("likely_subtags").get(language, language).split("_")
    return f"{code}_{country}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Describe every page."""
    app.connect("html-page-context", add_description)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
