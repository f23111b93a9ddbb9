"""A bibliography in every folder of pages, hence in every language: citations lead to their own.

Sphinx's extension for BibTeX expects one in a site, and warns of a work that is in two of them: the
configuration suppresses that warning, ``bibtex.duplicate_citation``.
"""

from posixpath import dirname

from docutils import nodes
from sphinx.application import Sphinx
from sphinxcontrib.bibtex.domain import BibtexDomain


class FolderBibtexDomain(BibtexDomain):
    """Look for a cited work among those listed in the folder of the page that cites it."""

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
    """Take the place of the extension's domain."""
    app.setup_extension("sphinxcontrib.bibtex")
    app.add_domain(FolderBibtexDomain, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
