"""A digit being read, in a real browser: what a reader sees, does and sends on."""

import json
from urllib.parse import unquote

import numpy as np
import pytest

from irnn.chapters.irnn_vs_lstm import NETWORKS
from irnn.checkpoint import recorded_weights
from irnn.forward import probabilities, states
from irnn.show.reader import WORDS
from irnn.store import Store
from tests.test_forward import keras_states

READER = "document.querySelector('.irnn-reader')"
LIVE = "!!document.querySelector('.irnn-reader-live')"
STATUS = "document.querySelector('.irnn-reader-status').textContent"
PHONE = {"width": 360, "height": 740}
BARS = """[...document.querySelectorAll('.irnn-reader-network')].map((network) =>
  [...network.querySelectorAll('rect')].map((bar) => Number(bar.getAttribute('height'))))"""
DRAWN = """(async () => {
  const text = new URLSearchParams(location.hash.slice(1)).get('drawing');
  const module = [...document.scripts].find(({ src }) => src.includes('reader.js')).src;
  const { decode, render } = await import(new URL('drawing.js', module));
  return [...render(decode(text))];
})()"""


@pytest.fixture
def opened(browser, address):
    """Open the chapter; what is asked for in its address, or what is at hand, starts it."""
    pages = []

    def open_page(hash="#t=784", language="en", live=True, **options):
        page = browser.page(f"{address}/book/{language}/irnn-vs-lstm.html{hash}", **options)
        pages.append(page)
        if live:
            page.wait(LIVE)
        return page

    yield open_page
    for page in pages:
        page.close()


def click(page, name):
    page.run(
        f"[...{READER}.querySelectorAll('button')]"
        f".find((button) => button.textContent.includes({json.dumps(name)})).click()"
    )


def t(page):
    return page.run(f"{READER}.querySelector('input').valueAsNumber")


def asked(page):
    """Return what the address asks for, by name."""
    return page.run("Object.fromEntries(new URLSearchParams(location.hash.slice(1)))")


def field(page, points):
    """Return points of the drawing field, shares of its side, as points of the window."""
    box = page.run(f"""(() => {{
      const canvas = {READER}.querySelector('canvas.irnn-reader-image');
      canvas.scrollIntoView({{ block: 'center' }});
      const {{ left, top, width, height }} = canvas.getBoundingClientRect();
      return [left, top, width, height];
    }})()""")
    return [(box[0] + x * box[2], box[1] + y * box[3]) for x, y in points]


SEVEN = [(0.2, 0.15), (0.5, 0.15), (0.8, 0.15), (0.65, 0.5), (0.45, 0.9)]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_picture_is_complete_without_a_script(opened, language):
    page = opened("", language, live=False, scripts=False)
    tree = page.call("DOM.getDocument", depth=-1)["root"]
    reader = page.call("DOM.querySelector", nodeId=tree["nodeId"], selector=".irnn-reader")
    html = page.call("DOM.getOuterHTML", nodeId=reader["nodeId"])["outerHTML"]
    assert html.count("<svg") == 3
    assert "canvas" not in html
    assert WORDS[language]["after"].split("{")[-1] in html


def test_it_starts_when_the_reader_comes_near(opened):
    page = opened("", live=False)
    assert not page.run(LIVE)
    page.run(f"{READER}.scrollIntoView()")
    page.wait(LIVE)
    assert page.run("location.hash") == ""
    assert t(page) == 784


def test_it_starts_where_an_address_leads_to_it(opened):
    page = opened("#figure-reading", "en")
    assert WORDS["en"]["draw"] in page.run(f"{READER}.textContent")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_plays_pauses_and_ends(opened, language):
    words = WORDS[language]
    page = opened("#t=400", language)
    page.run(
        f"""new Promise((done) => {{
          const [reader, slider] = [{READER}, {READER}.querySelector('input')];
          const button = [...reader.querySelectorAll('button')]
            .find(({{ textContent }}) => textContent.includes({json.dumps(words["play"])}));
          const pause = () => {{
            if (slider.valueAsNumber <= 400) return requestAnimationFrame(pause);
            button.click();
            done();
          }};
          button.click();
          pause();
        }})"""
    )
    at = t(page)
    assert 400 < at < 784
    assert asked(page)["t"] == str(at)
    assert words["after"].split("{answers}")[0].format(t=at, steps=784) in page.run(STATUS)
    page.go(page.run("location.href").replace(f"t={at}", "t=780"))
    page.wait(f"{READER}.querySelector('input').value == 780")
    click(page, words["play"])
    page.wait(f"{READER}.querySelector('input').value == 784 && {STATUS} != ''")
    assert words["play"] in page.run(f"{READER}.textContent")


def test_it_plays_row_by_row_for_who_wants_less_motion(opened):
    page = opened("#t=700", media=[("prefers-reduced-motion", "reduce")])
    page.run(
        f"""window.seen = [];
        new MutationObserver(() => seen.push({READER}.querySelector('input').valueAsNumber))
          .observe({READER}.querySelector('.irnn-reader-position'), {{ childList: true }});"""
    )
    click(page, WORDS["en"]["play"])
    page.wait("seen.includes(784)")
    assert set(page.run("seen")) == {700, 728, 756, 784}


def test_the_slider_moves_by_keys(opened):
    page = opened("#t=400")
    before = page.run(BARS)
    page.run(f"{READER}.querySelector('input').focus()")
    page.press("ArrowRight", times=3)
    assert t(page) == 403
    page.press("Home")
    assert t(page) == 1
    assert "pixel 1 of 784" in page.run(f"{READER}.textContent")
    assert page.run(BARS) != before
    assert asked(page)["t"] == "1"


def test_a_chosen_digit_is_read_as_the_recorded_networks_read_it(opened):
    page = opened()
    page.run(f"{READER}.querySelectorAll('.irnn-reader-choice button')[3].click()")
    data = json.loads(page.run(f"{READER}.querySelector('script').textContent"))
    digit = data["digits"][3]
    assert asked(page) == {"digit": str(digit["id"]), "t": "784", "network": "both"}
    page.go(page.run("location.href.replace('t=784', 't=500')"))
    page.wait("document.querySelector('.irnn-reader input')?.value == 500")
    pixels = page.run(f"[...atob({json.dumps(digit['pixels'])})].map((c) => c.charCodeAt(0) / 255)")
    for spec, bars in zip(NETWORKS, page.run(BARS), strict=True):
        weights = recorded_weights(spec, Store())
        *_, last = states(spec, weights, np.array([pixels[:500]], "float32"))
        assert np.allclose(bars, probabilities(weights, last["h"])[0], rtol=1e-3, atol=1e-6)


def assert_keras_agrees(page):
    image = np.array([page.run(DRAWN)], "float32")
    for spec, bars in zip(NETWORKS, page.run(BARS), strict=True):
        answer = keras_states(spec, recorded_weights(spec, Store()), image)[2][0]
        assert np.allclose(bars, answer, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_digit_drawn_with_the_mouse_is_read_as_keras_reads_it(opened, language):
    page = opened(language=language)
    click(page, WORDS[language]["draw"])
    page.drag(field(page, SEVEN))
    page.drag(field(page, [(0.3, 0.5), (0.7, 0.5)]))
    assert_keras_agrees(page)
    click(page, WORDS[language]["read"])
    page.wait(f"{READER}.querySelector('input').value < 784")


def test_a_finger_draws_and_does_not_scroll(opened):
    page = opened(**PHONE)
    click(page, WORDS["en"]["draw"])
    points = field(page, SEVEN)
    before = page.run("scrollY")
    page.swipe(points)
    page.wait("location.hash.includes('drawing=')")
    assert len(asked(page)["drawing"]) == 2 * len(SEVEN)
    assert page.run("scrollY") == before


def test_keys_draw(opened):
    page = opened()
    click(page, WORDS["en"]["draw"])
    for key, times in ((" ", 1), ("ArrowDown", 12), (" ", 1), ("ArrowRight", 2)):
        page.press(key, times)
    one = asked(page)["drawing"]
    assert len(one) == 2 * 13
    for key, times in ((" ", 1), ("ArrowLeft", 4)):
        page.press(key, times)
    page.press("Backspace")
    assert asked(page)["drawing"] == one
    page.press("ArrowDown")  # the pen is up again
    assert asked(page)["drawing"] == one
    page.press("Enter")
    page.wait(f"{READER}.querySelector('input').value < 784")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_empty_drawing_says_what_to_do(opened, language):
    page = opened(language=language)
    click(page, WORDS[language]["draw"])
    assert page.run(STATUS) == WORDS[language]["hint"]
    for button in ("read", "play"):
        click(page, WORDS[language][button])
        assert page.run(STATUS) == WORDS[language]["empty"]
    page.drag(field(page, SEVEN))
    assert page.run(STATUS) != WORDS[language]["empty"]
    click(page, WORDS[language]["clear"])
    click(page, WORDS[language]["read"])
    assert page.run(STATUS) == WORDS[language]["empty"]


def test_an_address_brings_back_what_was_shown(opened):
    page = opened("#drawing=KIyIc8.UiAi&t=333&network=lstm")
    assert t(page) == 333
    shown = page.run(f"[...{READER}.querySelectorAll('.irnn-reader-network')].map((n) => n.hidden)")
    assert shown == [True, False]
    bars = page.run(BARS)
    click(page, "Both")
    assert asked(page) == {"drawing": "KIyIc8.UiAi", "t": "333", "network": "both"}
    again = opened(page.run("location.hash"), "ja")
    assert again.run(BARS) == bars


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_address_that_makes_no_sense_falls_back_with_a_line(opened, language):
    page = opened("#digit=99999", language)
    first = json.loads(page.run(f"{READER}.querySelector('script').textContent"))["first"]
    for wrong in ("digit=99999", "drawing=A", "t=785", "t=1e2", "network=gru", "digit=%3Cb%3E"):
        page.run(f"location.hash = {wrong!r}")
        said = WORDS[language]["unknown"].format(what=unquote(wrong))
        page.wait(f"{STATUS}.startsWith({json.dumps(said)})")
        assert t(page) == 784
    page.run(f"{READER}.querySelector('input').onchange()")
    assert asked(page) == {"digit": str(first), "t": "784", "network": "both"}


def test_an_address_of_a_section_is_left_alone(opened):
    page = opened("#curves", live=False)
    page.run(f"{READER}.scrollIntoView()")
    page.wait(LIVE)
    page.run("location.hash = '#time'")
    assert WORDS["en"]["unknown"].split("(")[0] not in page.run(STATUS)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_weights_that_do_not_arrive_leave_the_picture_and_a_line(opened, language):
    page = opened("#t=784", language, live=False, blocked=["*.safetensors"])
    page.wait(f"{READER}.textContent.includes({json.dumps(WORDS[language]['missing'])})")
    assert page.run(f"{READER}.querySelectorAll('svg').length") == 3
    assert not page.run(f"!!{READER}.querySelector('canvas')")


def test_it_follows_the_colours_of_the_page(opened):
    page = opened("#t=784")
    ink = f"""(() => {{
      const {{ width, height }} = {READER}.querySelector('canvas.irnn-reader-image');
      const context = {READER}.querySelector('canvas.irnn-reader-image').getContext('2d');
      const all = context.getImageData(0, 0, width, height).data;
      return Math.max(...all.filter((_, k) => k % 4 === 0 && all[k + 3] > 240));
    }})()"""
    page.run("document.documentElement.dataset.theme = 'light'")
    page.wait(f"{ink} < 80")
    page.run("document.documentElement.dataset.theme = 'dark'")
    page.wait(f"{ink} > 180")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_nothing_is_wider_than_a_phone(opened, language):
    page = opened("#t=300", language, **PHONE)
    assert page.run("document.documentElement.scrollWidth") == PHONE["width"]
    for part in page.run(f"[...{READER}.querySelectorAll('*')].map((e) => e.scrollWidth)"):
        assert part <= PHONE["width"]
    click(page, WORDS[language]["draw"])
    assert page.run("document.documentElement.scrollWidth") == PHONE["width"]


def test_only_pages_that_show_it_load_it(site):
    for page in site.glob("book/**/*.html"):
        html = page.read_text("utf-8")
        assert ("reader.js" in html) == ('class="irnn-reader"' in html), page
