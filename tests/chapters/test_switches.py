"""A chapter's page stands with any of its switches turned off."""

import json
from pathlib import Path

import pytest

from irnn import chapters, handwriting
from irnn.data import Data
from irnn.languages import LANGUAGES
from irnn.page import Page

BOOK = Path(__file__).parents[2] / "book"
SWITCHES = [
    (name, key)
    for name, module in chapters.experiments().items()
    for key, parameter in module.PARAMETERS.items()
    if parameter.default is True and key != "train"
]


def code(name, language):
    notebook = json.loads((BOOK / language / f"{name}.ipynb").read_text("utf-8"))
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


def drawn(page, name, *shown):
    getattr(page.chapter, name)(*shown, page.language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "switch"), SWITCHES)
def test_a_switch_that_is_off_leaves_its_figures_out(monkeypatch, name, switch, language):
    images = Data(*handwriting.digits(), *handwriting.digits())
    monkeypatch.setattr(Page, "numbers", lambda page, values: None)
    monkeypatch.setattr(Page, "figure", drawn)
    monkeypatch.setattr(Page, "images", lambda page: images)
    parameters, *cells = code(name, language)
    values = {}
    exec(parameters, values)
    assert values[switch] is True
    values[switch] = False
    for cell in cells:
        exec(cell, values)


def test_there_are_switches():
    chapters_with_one = {name for name, _ in SWITCHES}
    assert chapters_with_one >= {"irnn-vs-lstm", "optimizer", "ten-years-later", "truncated-bptt"}
