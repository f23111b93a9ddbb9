"""What a reader relies on, checked on the built pages."""

import html
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from irnn.chapters.index import ANSWERS
from tests.browser import lacking
from tests.conftest import SITE_ADDRESS

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "book" / "_ext"
OTHER = {"en": "ja", "ja": "en"}
# Words of the interface, by the language whose pages must and the other's must not have them.
WORDS = {
    "en": ["Search this book", "Chapters", "Skip to main content", "Color mode"],
    "ja": ["本書を検索", "目次", "本文へスキップ", "配色"],
}


class Page(HTMLParser):
    """The tags of a page with their attributes, and where it is."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.tags = path, []
        self.html = path.read_text(encoding="utf-8")
        self.feed(self.html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def find(self, tag, **wanted):
        return [a for t, a in self.tags if t == tag and wanted.items() <= a.items()]

    def target(self, link):
        """Return the file that a relative link leads to."""
        return (self.path.parent / unquote(urlsplit(link).path)).resolve()


@pytest.fixture(scope="module")
def pages(site):
    """Every page of the site but the redirection at its root."""
    files = [*site.glob("search*.html"), *site.glob("book/**/*.html")]
    return {file.relative_to(site).as_posix(): Page(file) for file in files}


@pytest.fixture(scope="module")
def chapters(pages):
    """Pages by language and name."""
    split = {name: re.fullmatch(r"book/(en|ja)/(.+)\.html", name) for name in pages}
    return {(m[1], m[2]): pages[name] for name, m in split.items() if m}


@pytest.fixture(scope="module")
def index(site):
    """The index that the browser searches."""
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    return json.loads(text[text.index("(") + 1 : text.rindex(")")])


@pytest.fixture
def splitter(monkeypatch):
    """The extension that fills the index."""
    monkeypatch.syspath_prepend(EXTENSIONS)
    import japanese_search

    yield japanese_search.SearchEnglishJapanese({})
    del sys.modules["japanese_search"]


def test_both_languages_have_the_same_chapters(chapters):
    names = {lang: {name for code, name in chapters if code == lang} for lang in OTHER}
    assert names["en"] == names["ja"] >= {"index"}


def test_pages_declare_their_language(pages, chapters):
    for (language, _name), page in chapters.items():
        assert page.find("html")[0]["lang"] == language, page.path
    assert pages["book/index.html"].find("html")[0]["lang"] == "en"
    assert pages["search.html"].find("html")[0]["lang"] == "en"
    assert pages["search-ja.html"].find("html")[0]["lang"] == "ja"


def test_switch_leads_to_the_same_chapter(chapters):
    for (language, name), page in chapters.items():
        (switch,) = page.find("a", **{"class": "language-switch"})
        assert switch["hreflang"] == OTHER[language]
        assert page.target(switch["href"]) == chapters[OTHER[language], name].path.resolve()


def test_switch_on_search_pages(site, pages):
    for page, other in (("search", "search-ja"), ("search-ja", "search")):
        (switch,) = pages[f"{page}.html"].find("a", **{"class": "language-switch"})
        assert pages[f"{page}.html"].target(switch["href"]) == (site / f"{other}.html").resolve()


def test_search_engines_learn_of_all_versions(site, pages, chapters):
    for name, page in pages.items():
        (own,) = page.find("link", rel="canonical")
        assert own["href"] == SITE_ADDRESS + name
    for (_language, name), page in chapters.items():
        links = {a["hreflang"]: a["href"] for a in page.find("link", rel="alternate")}
        first = "book/index" if name == "index" else f"book/en/{name}"
        assert links == {code: f"{SITE_ADDRESS}book/{code}/{name}.html" for code in OTHER} | {
            "x-default": f"{SITE_ADDRESS}{first}.html"
        }


def test_every_page_is_described_in_its_language(pages):
    for name, page in pages.items():
        (found,) = page.find("meta", name="description")
        japanese = re.search("[ぁ-ん]", found["content"])
        assert len(found["content"]) > 10
        if name != "book/index.html":
            assert bool(japanese) == (page.find("html")[0]["lang"] == "ja"), name


def test_interface_speaks_the_language(chapters):
    for (language, _name), page in chapters.items():
        for word in WORDS[language]:
            assert word in page.html, (page.path, word)
        for word in WORDS[OTHER[language]]:
            assert word not in page.html, (page.path, word)
        if language == "ja":
            assert "Show code cell" not in page.html, page.path


def test_titles_of_the_site(chapters):
    for (language, name), page in chapters.items():
        title = re.search("<title>(.*?)</title>", page.html)[1]
        home = re.search("<title>(.*?)</title>", chapters[language, "index"].html)[1]
        assert title == home if name == "index" else title.endswith(home)


def test_no_way_leads_into_the_other_language(chapters):
    """Neither previous nor next nor the sidebar; only the switch does."""
    for (language, _name), page in chapters.items():
        for link in page.find("a"):
            target = page.target(link.get("href", ""))
            if link.get("class") != "language-switch" and target.suffix == ".html":
                assert target.parent.name != OTHER[language], (page.path, link)


def test_links_resolve(pages):
    for page in pages.values():
        for _tag, attributes in page.tags:
            for link in filter(None, (attributes.get("href"), attributes.get("src"))):
                if not (url := urlsplit(link)).scheme and url.path:
                    assert page.target(link).exists(), (page.path, link)


def test_fragments_resolve(pages):
    ids = {p.path.resolve(): {a["id"] for _, a in p.tags if "id" in a} for p in pages.values()}
    for page in pages.values():
        for link in page.find("a"):
            fragment = unquote(urlsplit(link.get("href", "")).fragment)
            target = page.target(link["href"]) if urlsplit(link.get("href", "")).path else None
            if fragment and not urlsplit(link["href"]).scheme:
                assert fragment in ids[target or page.path.resolve()], (page.path, link)


def test_figures_are_numbered_in_their_order_in_the_pages_language(chapters):
    label = {"en": "Figure", "ja": "図"}
    seen = 0
    for (language, _name), page in chapters.items():
        numbers = re.findall(r"<figcaption><b>(\w+)\s(\d+)</b>", page.html)
        assert numbers == [(label[language], str(n + 1)) for n in range(len(numbers))]
        assert len(numbers) == page.html.count("<figure ")
        for name, word, number in re.findall(
            r'href="#(figure-[\w-]+)">(\w+)\s(\d+)</a>', page.html
        ):
            shown = page.html.split(f'id="{name}"')[1].split("<figcaption>")[1]
            assert re.match(rf"<b>{word}\s{number}</b>", shown)
            seen += 1
    assert seen


def test_nothing_is_loaded_from_elsewhere(pages):
    for page in pages.values():
        loaded = [a.get("src", "") for _, a in page.tags]
        loaded += [
            a["href"] for a in page.find("link") if a["rel"] not in ("alternate", "canonical")
        ]
        assert not [url for url in loaded if urlsplit(url).netloc], page.path


def test_no_page_writes_an_error_to_the_console(browser, address, pages):
    wrong = {}
    for name in pages:
        browser.errors.clear()
        browser.page(f"{address}/{name}").close()
        wrong |= {name: browser.errors.copy()} if browser.errors else {}
    assert wrong == {}


@pytest.mark.parametrize("language", OTHER)
def test_on_a_phone_a_cell_says_which_column_it_is_of(browser, address, language):
    tab = browser.page(f"{address}/book/{language}/claims.html", width=360, height=740)
    columns, said = tab.run("""(() => {
      const table = document.querySelector('.bd-article .table');
      const text = (cell) => getComputedStyle(cell, '::before').content.replaceAll('"', '');
      return [[...table.tHead.rows[0].cells].map((cell) => cell.textContent),
        [...table.tBodies[0].rows[0].cells].map(text)];
    })()""")
    assert len(columns) == 4
    assert said == ["none", *columns[1:]]
    tab.close()


def test_pages_have_their_colours_without_a_script(pages):
    for page in pages.values():
        assert page.find("html")[0]["data-theme"] == "light"


FOOT = {
    "en": ["Version", "MIT License", "How to cite", "executed notebook", "source notebook"],
    "ja": ["バージョン", "MIT ライセンス", "引用方法", "実行済みノートブック", "元のノートブック"],
}


@pytest.mark.parametrize("language", OTHER)
def test_the_root_page_shows_question_answer_figure_and_invitation(pages, language):
    root = pages["book/index.html"]
    part = root.html.split(f'<section lang="{language}">')[1].split("</section>")[0]
    answers = [
        ANSWERS[language][verdict] for verdict in ("reproduced", "undecided", "not reproduced")
    ]
    assert any(f"<b>{html.escape(answer)}</b>" in part for answer in answers)
    assert part.count("<svg") == 1
    assert f'href="{language}/index.html"' in part
    assert f'href="{language}/irnn-vs-lstm.html#figure-reading"' in part


def test_the_foot_says_what_a_page_is_and_offers_its_notebooks(chapters):
    for (language, name), page in chapters.items():
        foot = page.html.split('class="colophon"')[1]
        is_notebook = (ROOT / "book" / language / f"{name}.ipynb").exists()
        for word in FOOT[language] if is_notebook else FOOT[language][:3]:
            assert word in foot, page.path
        links = [page.target(a["href"]) for a in page.find("a") if "download" in a]
        files = [path for path in links if path.suffix == ".ipynb"]
        assert len(files) == (2 if is_notebook else 0)
        executed = [
            any(
                cell.get("execution_count") for cell in json.loads(file.read_text("utf-8"))["cells"]
            )
            for file in files
        ]
        assert executed in ([], [True, False]), page.path


def test_japanese_lines_are_joined(chapters):
    wide = "[\u3001-\u30ff\u4e00-\u9fff\uff01-\uff5e]"
    for (language, _name), page in chapters.items():
        if language == "ja":
            for paragraph in re.findall(r"<p>(.*?)</p>", page.html, re.DOTALL):
                assert not re.search(f"{wide}\n{wide}|[。、]\n", paragraph), paragraph


def test_splitter(splitter):
    assert splitter.split("学習曲線") == ["学習", "習曲", "曲線"]
    assert splitter.split("IRNN の重みは 0.001。") == ["IRNN", "の重", "重み", "みは", "0", "001"]
    assert splitter.split("勾配クリッピングと重み")[:3] == ["勾配", "クリ", "リッ"]
    assert splitter.split("データとLSTMの層") == ["デー", "ータ", "LSTM", "の層"]
    assert splitter.split("データセット・層") == ["デー", "ータ", "タセ", "セッ", "ット", "層"]


def test_index_finds_japanese_and_english_stems(splitter, index):
    assert all(term in index["terms"] | index["titleterms"] for term in splitter.split("単位行列"))
    assert splitter.stem("networks") in index["terms"] | index["titleterms"]
    assert not [term for term in index["terms"] if re.fullmatch("[\u3041-\u9fff]{3,}", term)]


def test_browser_splits_as_the_index_does(splitter):
    if not (node := shutil.which("node")):
        lacking("needs Node.js to run the browser's half of the search")
    texts = [
        "学習曲線",
        "IRNNとLSTMの比較",
        "データと勾配クリッピング",
        "ステップ t-1、層。",
        "h_t ½ naïve 々〆 𠮟る",
        "",
    ]
    script = splitter.js_splitter_code + (
        f"console.log(JSON.stringify({json.dumps(texts)}.map(splitQuery)))"
    )
    result = subprocess.run([node, "-"], input=script, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == [splitter.split(text) for text in texts]
