"""What Lighthouse and axe find on every kind of page, in both languages, on phone and desktop."""

import signal
from itertools import cycle

import pytest

from tests import lighthouse
from tests.browser import lacking, program

# Of each kind of page one: the choice of a language, the first page, chapters with figures and with
# the reader of digits, the catalogue, tables, Markdown, search.
KINDS = ["index", "irnn-vs-lstm", "runs", "claims", "scale"]
PAGES = ["book/index", "search", "search-ja"]
PAGES += [f"book/{language}/{name}" for language in ("en", "ja") for name in KINDS]
# For Lighthouse, which takes seconds a page, a language each: axe finds what it finds in the other.
MEASURED = PAGES[:3]
MEASURED += [f"book/{language}/{name}" for language, name in zip(cycle(("en", "ja")), KINDS)]
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}
CATEGORIES = ["accessibility", "best-practices", "seo"]
ENOUGH = 95
WEIGHT = 600_000  # bytes as they are sent, without the search index
SENT = """performance.getEntries()
  .filter(({ name, entryType }) =>
    ["navigation", "resource"].includes(entryType) && !name.includes("searchindex"))
  .map(({ name, transferSize }) => [name, transferSize])"""

# Without `preload`, or axe loads style sheets again from wrong places. What is within a picture is
# not told one by one.
FINDINGS = """axe.run({ exclude: ["[role='img'] > *"] }, {
    preload: false,
    resultTypes: ["violations"],
    rules: { "label-content-name-mismatch": { enabled: true } },
  }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target }) => `${id}: ${target}`)))"""


@pytest.fixture(scope="module")
def measuring(address, installed):
    """Lighthouse at work on a phone, while axe looks at the pages on both devices."""
    jobs = [
        {"url": f"{address}/{page}.html", "device": "phone", "categories": CATEGORIES}
        for page in MEASURED
    ]
    with lighthouse.start(jobs) as process:
        yield process
        process.send_signal(signal.SIGINT)  # where it has not ended: it ends its browser, too


@pytest.fixture(scope="module")
def installed():
    if not lighthouse.is_installed():
        lacking(lighthouse.MISSING)
    if not program():
        lacking("needs Chromium to measure the pages")


@pytest.fixture(scope="module")
def visits(browser, address, measuring):
    """What comes of opening a page on a device: errors, findings of axe, bytes by address."""
    axe = (lighthouse.PACKAGES / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    found = {}
    for path in PAGES:
        for device, size in SIZES.items():
            browser.errors.clear()
            page = browser.page(f"{address}/{path}.html", **size)
            if page.run("!!document.querySelector('.irnn-reader')"):
                page.run("document.querySelector('.irnn-reader').scrollIntoView()")
                page.wait("!!document.querySelector('.irnn-reader-live')")
            sent, errors = page.run(SENT), browser.errors.copy()
            page.run(f"{axe}; 0")
            found[path, device] = errors, page.run(FINDINGS), dict(sent)
            page.close()
    browser.errors.clear()  # axe's own
    return found


def test_axe_finds_nothing(visits):
    assert {where: findings for where, (_, findings, _) in visits.items() if findings} == {}


def test_the_console_is_empty(visits):
    assert {where: errors for where, (errors, _, _) in visits.items() if errors} == {}


def test_no_page_is_heavy(visits):
    weights = {where: sum(sent.values()) for where, (*_, sent) in visits.items()}
    assert {where: weight for where, weight in weights.items() if weight > WEIGHT} == {}
    with_reader = [where for where, (*_, sent) in visits.items() if "safetensors" in str(sent)]
    assert len(with_reader) >= 4  # both languages, both devices: the networks count as well


def test_lighthouse_gives_95_of_100(measuring):
    scores = dict(zip(MEASURED, lighthouse.results(measuring), strict=True))
    low = {
        page: (result["scores"], result["failed"])
        for page, result in scores.items()
        if min(result["scores"].values()) < ENOUGH
    }
    assert low == {}
