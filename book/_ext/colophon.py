"""Puts a foot under every page, and what it offers into the site: notebooks, licence, citation."""

import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

from irnn.book.colophon import CITATION, Origin, origin, words
from irnn.book.pages import ROOT

LICENCE = "LICENSE.txt"  # a name that browsers show
EXECUTED, SOURCE = "executed", "source"  # folders of the site


def find_origin(app: Sphinx, config: Config) -> None:
    """Ask once what the site is built from; all pages say it, and are written when it changes."""
    config.irnn_origin = origin()


def add_foot(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Give the template its words, and the notebooks that can be downloaded."""
    config = app.config
    context["colophon"] = words(context["language"], config.irnn_origin, config.html_baseurl)
    context["colophon_files"] = {"licence": LICENCE, "citation": CITATION}
    if context.get("page_source_suffix") == ".ipynb":
        context["notebooks"] = {kind: f"{kind}/{pagename}.ipynb" for kind in (EXECUTED, SOURCE)}


def copy(app: Sphinx, error: Exception | None) -> None:
    """Copy what the foot links to."""
    if error or app.builder.format != "html":
        return
    shutil.copyfile(ROOT / "LICENSE", app.outdir / LICENCE)
    shutil.copyfile(ROOT / CITATION, app.outdir / CITATION)
    executed = Path(app.outdir).parent / "jupyter_execute"  # where MyST-NB writes them
    for name in app.env.found_docs:
        if app.env.doc2path(name).endswith(".ipynb"):
            for kind, folder in ((EXECUTED, executed), (SOURCE, ROOT)):
                target = app.outdir / kind / f"{name}.ipynb"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / f"{name}.ipynb", target)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_config_value("irnn_origin", None, "html", (Origin,))
    app.connect("config-inited", find_origin)
    app.connect("html-page-context", add_foot)
    app.connect("build-finished", copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
