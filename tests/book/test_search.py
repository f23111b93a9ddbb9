"""What readers search for, and the page that they find, in a real browser."""

import json

import pytest

QUERIES = {
    "en": {
        "IRNN versus LSTM": "irnn-vs-lstm",
        "identity matrix": "irnn-vs-lstm",
        "learning curves": "irnn-vs-lstm",
        "why RMSprop": "irnn-vs-lstm",
        "gradient clipping": "optimizer",
        "batch size": "irnn-vs-lstm",
        "draw a digit": "irnn-vs-lstm",
        "vanishing gradients": "irnn-vs-lstm",
        "time per epoch": "irnn-vs-lstm",
        "forget gate": "irnn-vs-lstm",
        "truncated backpropagation": "irnn-vs-lstm",
        "truncation length": "truncated-bptt",
        "how far back": "truncated-bptt",
        "784 and −1": "truncated-bptt",
        "shuffled pixels": "long-dependency",
        "long memory": "long-dependency",
        "where the digit is told": "long-dependency",
        "how far the gradient reaches": "long-dependency",
        "classifier": "long-dependency",
        "claims": "claims",
        "verdict": "claims",
        "Welch": "claims",
        "recorded runs": "runs",
        "fused loop": "scale",
        "where the time goes": "speed",
        "papermill": "reproduce",
        "software of 2015": "reproduce",
        "run on a GPU": "reproduce",
        "several machines": "scale",
        "hidden state": "glossary",
    },
    "ja": {
        "IRNN と LSTM の比較": "irnn-vs-lstm",
        "単位行列": "irnn-vs-lstm",
        "学習曲線": "irnn-vs-lstm",
        "勾配クリッピング": "optimizer",
        "バッチサイズ": "irnn-vs-lstm",
        "数字が読まれる様子": "irnn-vs-lstm",
        "勾配消失": "index",
        "1 エポックにかかる時間": "irnn-vs-lstm",
        "忘却ゲート": "irnn-vs-lstm",
        "再帰型ニューラルネットワーク": "index",
        "打ち切り BPTT": "irnn-vs-lstm",
        "打ち切り長": "truncated-bptt",
        "勾配はどこまでさかのぼる": "truncated-bptt",
        "784 と −1": "truncated-bptt",
        "シャッフルした画素": "truncated-bptt",
        "長い記憶": "long-dependency",
        "数字は系列のどこでわかるか": "long-dependency",
        "勾配はどこまで届くか": "long-dependency",
        "分類器": "long-dependency",
        "主張と根拠": "claims",
        "判定": "claims",
        "ウェルチの t 検定": "claims",
        "記録したラン": "runs",
        "計算の速さ": "speed",
        "時間は何に使われるのか": "speed",
        "papermill": "reproduce",
        "2015 年のソフトウェア": "reproduce",
        "GPU を使う": "reproduce",
        "複数のマシン": "scale",
        "隠れ状態": "glossary",
    },
}
PAGES = {"en": "search.html", "ja": "search-ja.html"}
CHROME = {"en": "On this page", "ja": "このページの内容"}  # what stands around every article
SHOWN = 5  # pages, that a reader sees without scrolling
FOUND = """queries.map((query) =>
  Search._performSearch(...Search._parseQuery(query)).reverse().map(([page]) => page))
  .map((pages) => [...new Set(pages)])"""


@pytest.fixture(scope="module")
def found(browser, address):
    """The pages that each query finds, best first, by language and query."""
    results = {}
    for language, queries in QUERIES.items():
        page = browser.page(f"{address}/{PAGES[language]}")
        page.wait("Search.hasIndex()")
        lists = page.run(f"((queries) => {FOUND})({json.dumps(list(queries))})")
        results[language] = dict(zip(queries, lists, strict=True))
        page.close()
    return results


@pytest.mark.parametrize("language", QUERIES)
def test_every_query_finds_its_page_in_the_readers_language_first(found, language):
    missed = {}
    for query, page in QUERIES[language].items():
        names = found[language][query]
        own = [name for name in names if name.startswith(f"book/{language}/")]
        if f"book/{language}/{page}" not in own[:SHOWN] or own != names[: len(own)]:
            missed[query] = names
    assert missed == {}


@pytest.mark.parametrize(
    ("language", "query", "page", "said", "hide"),
    [
        ("en", "long memory", "long-dependency", "page(s) matching", "Hide Search Matches"),
        ("ja", "長い記憶", "long-dependency", "ページが見つかった", "検索語の強調を消す"),
    ],
)
def test_a_reader_searches_from_any_page(browser, address, language, query, page, said, hide):
    tab = browser.page(f"{address}/book/{language}/scale.html")
    tab.run("document.querySelector('.search-button-field').click()")
    tab.run(f"document.activeElement.value = {json.dumps(query)}")
    tab.press("Enter")
    tab.wait(f"document.querySelector('.search-summary')?.textContent.includes({json.dumps(said)})")
    first = tab.run("document.querySelector('ul.search a').getAttribute('href')")
    assert first.startswith(f"book/{language}/{page}.html")
    tab.wait("!!document.querySelector('ul.search p.context')")
    excerpts = "[...document.querySelectorAll('p.context')].map((p) => p.textContent).join()"
    assert CHROME[language] not in tab.run(excerpts)
    tab.run("document.querySelector('ul.search a').click()")
    tab.wait("!!document.querySelector('.highlight-link')")
    assert tab.run("document.querySelector('.highlight-link').innerText") == hide
    tab.close()


def test_words_are_marked_on_no_page_but_those_that_were_found(browser, address):
    tab = browser.page(f"{address}/search.html?q=gradient")
    tab.wait("document.querySelector('.search-summary')?.textContent.includes('matching')")
    tab.go(f"{address}/book/en/scale.html")
    assert not tab.run("document.querySelector('.highlighted')")
    tab.close()


def test_sixty_queries_are_asked():
    assert [len(queries) for queries in QUERIES.values()] == [30, 30]
