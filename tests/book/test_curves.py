"""A figure that answers, in a real browser: hover, touch, keys, the legend and the axis."""

import json
import shutil

import pytest

from irnn.show.plots import learning_curves
from irnn.show.words import SHARED
from tests.book.test_reading import SCRIPTS, node
from tests.browser import served
from tests.show.test_curves import recorded

PHONE = {"width": 360, "height": 740}
LIVE = "!!document.querySelector('.irnn-curves')"
PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="style.css">
<script type="module" src="curves.js"></script>
<body style="height: 2000px; margin: 20px">{figure}</body></html>"""
IRNN = {"en": "IRNN, learning rate 10⁻⁶ (2 seeds)", "ja": "IRNN、学習率 10⁻⁶（2 通りのシード）"}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Serve a page with a figure of two curves in each language, and one that lacks a curve."""
    folder = tmp_path_factory.mktemp("pages")
    for name in ("curves.js", "dom.js", "style.css"):
        shutil.copy(SCRIPTS / name, folder)
    for language in ("ja", "en"):
        figure = learning_curves(recorded(), ["irnn", "lstm"], language, "alt").html()
        page = PAGE.format(language=language, figure=figure)
        (folder / f"{language}.html").write_text(page, "utf-8")
    undrawn = figure.replace('data-curve="0"', "")
    page = PAGE.format(language="en", figure=undrawn + figure)
    (folder / "undrawn.html").write_text(page, "utf-8")
    with served(folder) as url:
        yield url


@pytest.fixture
def opened(browser, address):
    pages = []

    def open_page(language="en", live=True, **options):
        page = browser.page(f"{address}/{language}.html", **options)
        pages.append(page)
        if live:
            page.wait(LIVE)
        return page

    yield open_page
    for page in pages:
        page.close()


def within(page, selector):
    """Return an expression for an element of the drawing that is seen."""
    seen = "wide" if page.run("innerWidth") > 600 else "narrow"
    return f"document.querySelector('.irnn-curves .{seen} {selector}')"


def answer(page):
    """Return the lines that the figure says."""
    said = within(page, ".irnn-answer")
    return page.run(f"[...{said}.children].map((line) => line.textContent)")


def place(page, x, y):
    """Return where in the window a point of the axes lies, in epochs and accuracy."""
    drawn = json.loads(page.run("document.querySelector('figure > script').textContent"))
    plot = drawn["drawings"][page.run("innerWidth") <= 600]["plots"][0]
    left, top, width, height = page.run(f"""(() => {{
      const {{ left, top, width, height }} = {within(page, ".irnn-panel")}.getBoundingClientRect();
      return [left, top, width, height];
    }})()""")
    return left + width * x / plot["x"]["to"], top + height * (1 - y)


def hover(page, x, y):
    x, y = place(page, x, y)
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)


def click(page, label):
    page.run(
        "[...document.querySelectorAll('button')].find((button) => button.offsetParent && "
        f"(button.ariaLabel ?? button.textContent) === {json.dumps(label)}).click()"
    )


def said(language, *values):
    """Return lines that name values of axes, by their words."""
    text = SHARED[language]
    return [text["point"].format(name=text[name], value=value) for name, value in values]


def of_run(language, run):
    return SHARED[language]["of run"].format(seed=run.spec.seed, run=run.spec.id)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_hover_shows_a_seeds_value_and_its_run(opened, language):
    page = opened(language)
    hover(page, 3, 0.13)
    run = recorded()["irnn"][1]
    values = said(language, ("epoch", "3"), ("test accuracy", "13.0%"))
    assert answer(page) == [IRNN[language], of_run(language, run), *values]
    hover(page, 4, 0.09)
    assert answer(page)[1] == SHARED[language]["of mean"]
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    assert answer(page) == []


def test_a_curve_that_is_not_drawn_stops_neither_its_figure_nor_the_next(opened, browser):
    browser.errors.clear()
    page = opened("undrawn")
    assert page.run("document.querySelectorAll('.irnn-curves').length") == 2
    click(page, IRNN["en"])
    click(page, SHARED["en"]["updates"])
    hover(page, 2, 0.02)
    assert answer(page)[0].startswith("LSTM")
    assert browser.errors == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_keys_go_along_a_curve_and_to_another(opened, language):
    page = opened(language)
    page.press("Tab")
    assert page.run(f"document.activeElement === {within(page, '.irnn-panel')}")
    values = said(language, ("epoch", "4"), ("test accuracy", "9.0%"))
    assert answer(page) == [IRNN[language], SHARED[language]["of mean"], *values]
    page.press("ArrowLeft")
    assert answer(page)[2:] == said(language, ("epoch", "3"), ("test accuracy", "8.0%"))
    page.press("ArrowDown")
    assert answer(page)[1] == of_run(language, recorded()["lstm"][0])
    assert answer(page)[2:] == said(language, ("epoch", "2"), ("test accuracy", "2.0%"))
    page.press("ArrowUp", times=2)
    page.press("Home")
    assert answer(page)[1] == of_run(language, recorded()["irnn"][1])
    assert answer(page)[2:] == said(language, ("epoch", "1"), ("test accuracy", "11.0%"))
    page.press("Escape")
    assert answer(page) == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_legend_hides_a_curve_with_its_seeds(opened, language):
    page = opened(language)
    button = within(page, "[role=group] button")
    shown = (
        "[...document.querySelectorAll('.irnn-curves .wide [data-curve]')]"
        ".filter((part) => getComputedStyle(part).display !== 'none').length"
    )
    assert page.run(f"[{button}.ariaLabel, {button}.ariaPressed]") == [IRNN[language], "true"]
    assert page.run(shown) == 5
    click(page, IRNN[language])
    assert page.run(f"{button}.ariaPressed") == "false"
    assert page.run(shown) == 2
    hover(page, 4, 0.09)
    assert answer(page)[0].startswith("LSTM")
    page.run(f"{button}.focus()")
    page.press("Enter")
    assert page.run(f"{button}.ariaPressed") == "true"
    assert page.run(shown) == 5


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_axis_changes_to_updates_and_to_time(opened, language):
    text = SHARED[language]
    page = opened(language)
    ends = """[2, 3].map((n) => {
      const d = document.querySelector(`.wide [data-curve="${n}"] path`).getAttribute('d');
      return Number(d.slice(d.lastIndexOf('L')).split(' ')[1]);
    })"""
    labels = "[...document.querySelectorAll('.wide .irnn-axis text')].map((t) => t.textContent)"
    irnn, lstm = page.run(ends)
    assert irnn > lstm  # four epochs, and two
    click(page, text["updates"])
    assert page.run(ends) == [irnn, lstm]
    assert "2,000" in page.run(labels)
    assert page.run(labels)[-1] == text["updates"]
    beside = f"[...{within(page, 'svg')}.querySelectorAll('[data-at-x]')]"
    assert page.run(f"{beside}.map(({{ style }}) => style.display)") == ["none"]
    hover(page, 4, 0.09)
    values = ("epoch", "4"), ("updates", "7,500"), ("test accuracy", "9.0%")
    assert answer(page)[2:] == said(language, *values)
    click(page, text["minutes"])  # 4 × 1 and 2 × 4
    after = page.run(ends)
    left = page.run("""Number(document.querySelector('.wide .irnn-axis path')
      .getAttribute('d').match(/M([\\d.]+)/)[1])""")
    assert after[1] == pytest.approx(irnn, abs=0.05)
    assert after[0] - left == pytest.approx((after[1] - left) / 2, abs=0.05)
    page.press("Tab")
    page.press("ArrowDown")
    values = ("epoch", "2"), ("minutes", "8"), ("test accuracy", "2.0%")
    assert answer(page)[2:] == said(language, *values)
    click(page, text["epoch"])
    assert page.run(ends) == [irnn, lstm]
    assert page.run(labels) == []


def test_a_finger_asks_and_still_scrolls(opened):
    page = opened(**PHONE)
    x, y = place(page, 3, 0.13)
    touch = {"x": x, "y": y}
    page.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[touch])
    page.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    page.wait(f"{within(page, '.irnn-answer')}.textContent.includes('13.0%')")
    page.swipe([(x, y), (x, y - 40), (x, y - 120), (x, y - 200)])
    page.wait("scrollY > 50")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_on_a_phone_nothing_is_wider_and_a_finger_finds_the_legend(opened, language):
    page = opened(language, **PHONE)
    for epoch in (1, 4):
        hover(page, epoch, 0.1)
        assert page.run("document.documentElement.scrollWidth") == PHONE["width"]
        left, right = page.run(f"""(() => {{
          const {{ left, right }} = {within(page, ".irnn-answer")}.getBoundingClientRect();
          return [left, right];
        }})()""")
        assert left >= 0
        assert right <= PHONE["width"]
    heights = page.run(
        "[...document.querySelectorAll('button')].filter((button) => button.offsetParent)"
        ".map((button) => button.offsetHeight)"
    )
    assert min(heights) >= 24


def test_without_a_script_and_on_paper_the_figure_is_complete_and_nothing_else(opened):
    page = opened(live=False, scripts=False)
    tree = page.call("DOM.getDocument", depth=-1)["root"]
    html = page.call("DOM.getOuterHTML", nodeId=tree["nodeId"])["outerHTML"]
    assert html.count("<svg") == 2
    assert "<button" not in html
    assert 'role="img" aria-label="alt' in html
    page = opened()
    page.call("Emulation.setEmulatedMedia", media="print")
    assert not page.run("document.querySelector('.irnn-units button').offsetParent")
    assert page.run(f"{within(page, 'svg')}.getBoundingClientRect().width") > 0


def test_what_is_read_aloud(opened):
    page = opened("ja")
    assert page.run(f"[{within(page, 'svg')}.role, {within(page, 'svg')}.ariaLabel]")[0] == "img"
    assert page.run(f"{within(page, 'svg')}.ariaLabel").startswith("alt。")
    assert page.run(f"{within(page, '.irnn-panel')}.ariaLabel") == SHARED["ja"]["plot"]
    assert page.run("!document.querySelector('[role=img] button')")


def test_ticks_are_round_and_values_are_written_as_their_axes_do():
    found = node(
        f"""import {{ share, ticks, written }} from "{SCRIPTS}/curves.js";
        console.log(JSON.stringify([
          ticks(39375, 9), ticks(21, 4), ticks(0.7, 4).length,
          share(1e-5, {{ from: 1e-7, to: 1e-3, log: true }}), share(3, {{ from: 5, to: 1 }}),
          [[0.5, {{ percent: true }}], [37500, {{}}], [1.23456, {{}}], [1e-5, {{}}],
           [0.0005, {{ power: true }}], [0, {{ power: true }}], [1000, {{ power: true }}]]
            .map(([value, axis]) => written(value, axis, "ja")),
        ]));"""
    )
    thousands, tens, few, middle, half, texts = found
    assert thousands == list(range(0, 39375, 5000))
    assert tens == [0, 10, 20]
    assert few <= 5
    assert [middle, half] == [pytest.approx(0.5), 0.5]
    assert texts == ["50.0%", "37,500", "1.235", "10⁻⁵", "5 × 10⁻⁴", "0", "10³"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_pages_of_the_site_load_it(browser, site, language):
    with served(site) as url:
        page = browser.page(f"{url}/book/{language}/reproduce.html")
        page.wait(LIVE)
        page.close()
