"""Gives pages that show a digit being read their script and the networks' weights."""

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from irnn.chapters.irnn_vs_lstm import NETWORKS
from irnn.errors import InputError
from irnn.export import export
from irnn.store import Store


def add_script(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Load the script on the pages that need it."""
    if 'class="irnn-reader"' in context.get("body", ""):
        app.add_js_file("reader.js", type="module")


def export_networks(app: Sphinx, error: Exception | None) -> None:
    """Write the recorded weights to where the script looks for them."""
    if error or app.builder.format != "html":
        return
    try:
        for spec in NETWORKS:
            export(spec, Store(), Path(app.outdir, "_static", "networks"))
    except InputError as problem:
        raise ExtensionError(str(problem)) from None


def setup(app: Sphinx) -> dict[str, bool]:
    """Do so for every page, and once at the end."""
    app.connect("html-page-context", add_script)
    app.connect("build-finished", export_networks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
