"""From one language to the other: the reader stays where they are, and is remembered."""

import pytest

SWITCH = "document.querySelector('.language-switch')"
FIRST = "document.querySelector('.languages section').lang"
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def opened(browser, address):
    """Open a page of the site."""
    pages = []

    def open_page(path, **options):
        pages.append(browser.page(f"{address}/{path}", **options))
        return pages[-1]

    yield open_page
    for page in pages:
        page.close()


def switch(page):
    """Follow the switch, and return the path and all that follows it."""
    before = page.run("location.pathname")
    page.run(f"{SWITCH}.click()")
    page.wait(f"location.pathname !== {before!r} && document.readyState === 'complete'")
    return page.run("location.pathname + location.search + location.hash")


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_the_switch_keeps_chapter_and_section(opened, size):
    page = opened("book/en/reproduce.html", **size)
    page.run("document.querySelectorAll('article section')[3].scrollIntoView()")
    heading = "[...document.querySelectorAll('article section')][3].querySelector('h2, h3')"
    assert switch(page) == "/book/ja/reproduce.html#section-3"
    assert abs(page.run(f"{heading}.getBoundingClientRect().top")) < 120
    assert switch(page) == "/book/en/reproduce.html#section-3"


def test_at_the_top_it_leads_to_the_top(opened):
    assert switch(opened("book/ja/scale.html")) == "/book/en/scale.html"


def test_the_switch_keeps_what_is_shown_and_what_is_searched_for(opened):
    page = opened("book/en/irnn-vs-lstm.html#t=300&network=lstm")
    assert switch(page) == "/book/ja/irnn-vs-lstm.html#t=300&network=lstm"
    assert switch(opened("search.html?q=seed")) == "/search-ja.html?q=seed"


def test_the_root_page_begins_with_the_readers_language_and_leads_nowhere(opened):
    for language in ("ja", "en"):
        opened(f"book/{language}/scale.html")
        root = opened("book/index.html")
        assert root.run(FIRST) == language
        assert root.run("location.pathname") == "/book/index.html"
        assert root.run("document.querySelectorAll('.languages section').length") == 2


def test_a_page_that_is_asked_for_comes_whatever_is_remembered(opened):
    opened("book/ja/index.html")
    page = opened("book/en/index.html")
    assert page.run("[location.pathname, document.documentElement.lang]") == [
        "/book/en/index.html",
        "en",
    ]
