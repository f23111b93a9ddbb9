"""A bibliography in every folder of pages, hence in every language: citations lead to their own.

Sphinx's extension for BibTeX expects one in a site, and warns of a work that is in two of them: the
configuration suppresses that warning, ``bibtex.duplicate_citation``. Its style of references
``author_year_round`` is ``author_year`` with round brackets.
"""

from dataclasses import dataclass, field
from functools import partial
from posixpath import dirname

from docutils import nodes
from sphinx.application import Sphinx
from sphinxcontrib.bibtex.domain import BibtexDomain
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

ROUND = partial(BracketStyle, left="(", right=")")


@dataclass
class RoundReferenceStyle(AuthorYearReferenceStyle):
    """Author and year, in round brackets."""

    bracket_parenthetical: BracketStyle = field(default_factory=ROUND)
    bracket_textual: BracketStyle = field(default_factory=ROUND)


class FolderBibtexDomain(BibtexDomain):
    """Look for a cited work among those listed in the folder of the page that cites it."""

    def env_updated(self) -> set[str]:
        """Have the pages written that list other works than before."""
        before = self._listed()
        super().env_updated()
        return {page for page, _ in before ^ self._listed()}

    def _listed(self) -> set[tuple[str, str]]:
        return {(work.bibliography_key.docname, work.key) for work in self.data["citations"]}

    def resolve_xref(self, env, fromdocname, *args) -> nodes.Element:
        """Resolve a citation as the extension does, with the other folders' works out of sight."""
        every = self.data["citations"]
        folder = dirname(fromdocname)
        self.data["citations"] = [
            work for work in every if dirname(work.bibliography_key.docname) == folder
        ]
        try:
            return super().resolve_xref(env, fromdocname, *args)
        finally:
            self.data["citations"] = every


def setup(app: Sphinx) -> dict[str, bool]:
    """Take the place of the extension's domain, and add the style."""
    style = ("sphinxcontrib.bibtex.style.referencing", "author_year_round", RoundReferenceStyle)
    register_plugin(*style)
    app.setup_extension("sphinxcontrib.bibtex")
    app.add_domain(FolderBibtexDomain, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
