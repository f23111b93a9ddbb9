"""The figures of the published pages, drawn as their notebooks draw them."""

import re

import pytest
from matplotlib.text import Text

from irnn.book.pages import files, read
from irnn.languages import LANGUAGES
from irnn.page import Page

PAGES = [name for name, versions in files().items() if versions["en"].suffix == ".ipynb"]
LEFT_OUT = r"page\.source|page\.images|, images\)"  # cells that draw nothing, or need MNIST


def pictures(name, language, monkeypatch):
    """Return the pictures of a page by name, but for those of images."""
    found = {}

    def figure(page, name, *shown):
        found[name] = getattr(page.chapter, name)(*shown, page.language)

    monkeypatch.setattr(Page, "figure", figure)
    monkeypatch.setattr(Page, "overview", lambda *_: None)
    monkeypatch.setattr("irnn.page.glue", lambda *_, **__: None)
    scope = {}
    for cell in read(files()[name][language], language).notebook.cells:
        if cell.cell_type == "code" and not re.search(LEFT_OUT, cell.source):
            exec(cell.source, scope)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_no_words_leave_a_drawing(name, language, monkeypatch):
    drawn = []
    draw = Text.draw

    def noted(text, renderer):
        if text.get_visible() and text.get_text().strip():
            drawn.append((text.get_text(), text.get_window_extent(renderer)))
        draw(text, renderer)

    monkeypatch.setattr(Text, "draw", noted)
    for figure, picture in pictures(name, language, monkeypatch).items():
        for wide in (True, False) if picture else ():
            drawn.clear()
            svg = picture.svg(wide)
            width, height = map(float, svg.split('viewBox="0 0 ')[1].split('"')[0].split())
            outside = [
                (text, box.extents.round())
                for text, box in drawn
                if min(box.x0, box.y0) < -1 or box.x1 > width + 1 or box.y1 > height + 1
            ]
            assert not outside, (figure, wide)
