"""What a notebook calls: figures with their numbers, captions and commands."""

import csv
import io
import re
from types import ModuleType
from urllib.parse import unquote

import pytest

from irnn.measurements import Speed, read
from irnn.page import Page
from irnn.parameters import shared
from irnn.show.picture import Picture
from irnn.show.style import new_figure
from irnn.spec import make
from irnn.store import METRICS, Run

SITTING = {"first_epoch": 1, "backend": "jax", "device": "CPU", "date": "2015-07-12T00:00:00"}
RUN = Run(make("irnn"), [SITTING], [{"epoch": 1} | dict.fromkeys(METRICS, 1 / 3)])


def draw(wide):
    figure = new_figure(1, wide)
    figure.add_subplot()
    return figure


@pytest.fixture
def chapter():
    """A chapter of two figures."""
    made = ModuleType("irnn.chapters.made_up")
    made.PARAMETERS = shared()
    made.CAPTIONS = {
        "sweep": {"en": "Loss < 1.", "ja": "損失 < 1。"},
        "by_time": {"en": "Time.", "ja": "時間。"},
    }
    made.sweep = lambda runs, language: Picture(draw, "alt", language, tuple(runs))
    made.by_time = lambda rows, language: Picture(draw, "alt", language, measured=tuple(rows))
    return made


@pytest.fixture
def glued(monkeypatch):
    """What the page glues, by name."""
    found = {}
    monkeypatch.setattr("irnn.page.glue", lambda name, value, display: found.update({name: value}))
    return found


def page(chapter, **changes):
    return Page(chapter, {name: p.default for name, p in chapter.PARAMETERS.items()} | changes)


def test_figures_are_numbered_in_their_order_and_references_lead_to_them(chapter, glued):
    shown = page(chapter)
    for name, data in (("by_time", read(Speed)), ("sweep", [RUN]), ("by_time", read(Speed))):
        last = shown.figure(name, data).data
    assert '<figure class="irnn-figure" id="figure-by-time">' in last
    assert "<b>Figure\u00a01</b> Time.</figcaption>" in last
    assert glued["figure-by-time"].data == '<a href="#figure-by-time">Figure\u00a01</a>'
    assert glued["figure-sweep"].data == '<a href="#figure-sweep">Figure\u00a02</a>'
    again = page(chapter, page=shown)  # the notebook's first cell is run again
    assert "<b>Figure\u00a02</b>" in again.figure("sweep", [RUN]).data


def test_number_and_caption_speak_the_pages_language(chapter, glued):
    html = page(chapter, language="ja").figure("sweep", [RUN]).data
    assert "<b>図\u00a01</b> 損失 &lt; 1。</figcaption>" in html
    assert "図\u00a01</a>" in glued["figure-sweep"].data


def test_the_command_executes_the_page_with_its_parameters(chapter, glued):
    command = "papermill book/en/made-up.ipynb out.ipynb"
    assert f"<pre>{command}</pre>" in page(chapter).figure("sweep", [RUN]).data
    changed = page(chapter, epochs=3, train=True, runs_dir="my runs")
    html = changed.figure("sweep", [RUN]).data
    options = "-p epochs 3 -p train True -p runs_dir &#x27;my runs&#x27; --log-output"
    assert f"<pre>{command} {options}</pre>" in html


def test_measurements_name_the_command_that_measures(chapter, glued):
    html = page(chapter).figure("by_time", read(Speed)).data
    assert "<pre>python benchmarks/speed.py\npapermill book/en/made-up.ipynb" in html


def test_the_values_are_csv_that_can_be_saved(chapter, glued):
    html = page(chapter).figure("sweep", [RUN]).data
    (link,) = re.findall(
        r'download="figure-sweep.csv" href="data:text/csv;charset=utf-8,(.*?)"', html
    )
    (row,) = csv.DictReader(io.StringIO(unquote(link)))
    assert row["run"] == RUN.spec.id
    assert row["val_accuracy"] == "0.333333"


def test_a_narrow_drawing_is_there_for_narrow_screens(chapter, glued):
    html = page(chapter).figure("sweep", [RUN]).data
    assert re.findall(r'<div class="(\w+)"( hidden)?><svg.*?width="(\d+)', html, re.DOTALL) == [
        ("wide", "", "518"),
        ("narrow", " hidden", "259"),
    ]
    assert html.count('aria-label="alt"') == 1
