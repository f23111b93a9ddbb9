"""Puts a copy of every run's record into the site, for the catalogue to link to."""

import shutil

from sphinx.application import Sphinx

from irnn.chapters.runs import RECORDS
from irnn.store import RUNS


def copy(app: Sphinx, error: Exception | None) -> None:
    """Copy the records of the published runs."""
    if error or app.builder.format != "html":
        return
    folder = app.outdir / RECORDS
    folder.mkdir(exist_ok=True)
    for path in RUNS.glob("*.jsonl"):
        shutil.copyfile(path, folder / path.name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("build-finished", copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
