"""The catalogue of runs is filtered and sorted in the browser, in the page's language."""

import shutil

import pytest

from irnn.chapters import runs as catalogue
from irnn.spec import make
from irnn.store import METRICS, Run
from tests.book.test_reading import SCRIPTS
from tests.browser import served

PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8">
<script type="module" src="catalogue.js"></script><body>{table}</body></html>"""
SHOWN = (
    "[...document.querySelectorAll('tbody tr:not([hidden])')].map((row) => row.cells[2].innerText)"
)


@pytest.fixture
def opened(browser, tmp_path, monkeypatch):
    """Open the catalogue of three settings in a language, of which German is new to the book."""
    for name in ("catalogue.js", "dom.js"):
        shutil.copy(SCRIPTS / name, tmp_path)
    monkeypatch.setitem(catalogue.HEADINGS, "de", catalogue.HEADINGS["en"])
    words = catalogue.WORDS["en"] | {"of": "{n} von {all}"}
    monkeypatch.setitem(catalogue.WORDS, "de", words)
    sitting = {"backend": "jax", "device": "CPU", "date": "2026-01-02"}
    epoch = {"epoch": 1} | dict.fromkeys(METRICS, 0.5)
    specs = [make("irnn", learning_rate=rate) for rate in (1e-3, 1e-5)]
    runs = [Run(spec, [sitting], [epoch]) for spec in (*specs, make("lstm", learning_rate=1e-4))]

    def open_page(language):
        table = catalogue.table(runs, language)
        (tmp_path / "page.html").write_text(PAGE.format(language=language, table=table), "utf-8")
        page = browser.page(f"{address}/page.html")
        page.wait("!!document.querySelector('output')")
        return page

    with served(tmp_path) as address:
        yield open_page


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "2 of 3 settings"),
        ("ja", "3 通りの設定のうち 2 通り"),
        ("de", "2 von 3"),
    ],
)
def test_settings_are_filtered_by_their_words(opened, language, said):
    page = opened(language)
    assert page.run(SHOWN) == ["10⁻⁵", "10⁻³", "10⁻⁴"]
    page.run(
        "const input = document.querySelector('input'); input.value = 'irnn 1';"
        "input.dispatchEvent(new Event('input'))"
    )
    assert page.run(SHOWN) == ["10⁻⁵", "10⁻³"]
    assert page.run("document.querySelector('output').innerText") == said
    page.close()


def test_settings_are_sorted_by_a_column(opened):
    page = opened("en")
    rate = "document.querySelectorAll('th button')[2].click()"
    page.run(rate)
    assert page.run(SHOWN) == ["10⁻⁵", "10⁻⁴", "10⁻³"]
    page.run(rate)
    assert page.run(SHOWN) == ["10⁻³", "10⁻⁴", "10⁻⁵"]
    page.close()
