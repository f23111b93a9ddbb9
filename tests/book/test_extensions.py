"""The extensions of Sphinx serve any site: here a small one of three languages, not this book."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("extensions")  # which build the small site once

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "book" / "_ext"
CONF = f"""
import sys
sys.path[:0] = [{str(EXTENSIONS)!r}, "."]
extensions = ["myst_nb", "multilingual", "japanese_search", "mathml", "unbroken", "citations"]
extensions += ["description", "page_weight"]
html_static_path = ["static"]
html_css_files = ["css/own.css"]
bibtex_bibfiles = ["works.bib"]
bibtex_reference_style = "author_year_round"
suppress_warnings = ["bibtex.duplicate_citation"]
myst_enable_extensions = ["dollarmath", "amsmath"]
multilingual_languages = "names.NAMES"
multilingual_outdated = "names.outdated"
multilingual_strings = {{"de": {{"Not up to date": "Veraltet"}}}}
root_doc = "start"
html_theme = "sphinx_book_theme"
html_theme_options = {{"article_header_end": ["language-switch.html"]}}
html_math_renderer = "mathml"
html_baseurl = "https://site.example/book/"
html_search_language = "en-ja"
templates_path = [{str(ROOT / "book" / "_templates")!r}]
"""
NAMES = """
NAMES = {"de": "Deutsch", "en": "English", "ja": "日本語"}

def outdated(paths):
    return {"de"} if all("math" in path for path in paths.values()) else set()
"""
LIST = "```{bibliography}\n```\n"
WORKS = ("one", "two")  # of which nobody cites the second
OWN_CSS = """/*! A licence. */
/* A comment. */
@import "more.css";
.used, .unused { color: red }
.used:not(.unused) { color: green }
@media print { .unused { color: blue } }
@media screen { p #used-id { background: url(x.svg) } }
"""
LONG = "Erster Satz mit <Zeichen>.\n" + "Zweiter Satz. " * 20
NUMBERS = "1.5–2% of 14 × 14, $K$ = 49, *p* < 0.05, x = 3, 9%（8～10%）and `K = 49`, `1–2`."
MATH = (
    f"# M\n\n{LONG}\n\n## N\n\n{NUMBERS}\n\n"
    + "$x^2$ and $\\nonsense$\n\n$$y$$\n\nAs {cite:t}`one` says.\n"
)


def run(folder, *command):
    return subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of a small site, and what Sphinx warned of."""
    source = tmp_path_factory.mktemp("site")
    (source / "conf.py").write_text(CONF)
    (source / "names.py").write_text(NAMES)
    pages = [f"{code}/{name}" for code in ("de", "en", "ja") for name in ("index", "math")]
    toc = "\n".join(["```{toctree}", *pages, "only", "```"])
    (source / "start.md").write_text(f"# Start\n\n{toc}\n")
    works = [f"@misc{{{key}, author={{Doe, Jo}}, title={{T}}, year={{1997}}}}" for key in WORKS]
    (source / "works.bib").write_text("\n".join(works))
    titles = {"de": "Buch", "en": "Book", "ja": "本"}
    for code, title in titles.items():
        (source / code).mkdir()
        (source / code / "index.md").write_text(f"# {title}\n\n一行目。\n二行目。\n\n{LIST}")
        (source / code / "math.md").write_text(MATH)
    (source / "static" / "css").mkdir(parents=True)
    (source / "static" / "css" / "own.css").write_text(OWN_CSS)
    (source / "static" / "css" / "more.css").write_text(".sd-row { color: pink } p { margin: 0 }")
    figure = '<p class="used" id="used-id">used</p>'
    (source / "only.md").write_text(f"# Only here\n\n{figure}\n")
    own = "myst: {html_meta: {description: An own description}}"
    (source / "en" / "extra.md").write_text(f"---\norphan: true\n{own}\n---\n# Extra\n\nText.\n")
    done = run(source, "-m", "sphinx", "-b", "html", "-q", ".", "out")
    assert done.returncode == 0, done.stderr
    return source / "out", done.stderr


@pytest.fixture
def page(built):
    """Return a page's HTML by its name."""
    return lambda name: (built[0] / f"{name}.html").read_text(encoding="utf-8")


def links(html, kind):
    """Return what a page's links of a kind lead to, by language."""
    tags = re.findall(rf"<\w+ [^>]*{kind}[^>]*>", html)
    attribute = dict(href=r'href="([^"]*)"', lang=r'hreflang="([^"]*)"')
    return {
        re.search(attribute["lang"], tag)[1]: re.search(attribute["href"], tag)[1] for tag in tags
    }


def test_pages_speak_their_language(page):
    for name, language in (("de/index", "de"), ("ja/math", "ja"), ("start", "de"), ("only", "de")):
        assert f'<html lang="{language}"' in page(name)
    for code, word in {"de": "Suche", "en": "Search", "ja": "検索"}.items():
        assert word in page(f"{code}/index")


def test_pages_lead_to_their_other_versions(page):
    assert links(page("en/math"), "language-switch") == {
        "de": "../de/math.html",
        "ja": "../ja/math.html",
    }
    assert links(page("en/extra"), "language-switch") == {
        "de": "../de/index.html",
        "ja": "../ja/index.html",
    }


def test_search_engines_get_whole_addresses(page):
    site = "https://site.example/book"
    assert links(page("ja/math"), 'rel="alternate"') == {
        "de": f"{site}/de/math.html",
        "en": f"{site}/en/math.html",
        "ja": f"{site}/ja/math.html",
        "x-default": f"{site}/de/math.html",
    }
    assert links(page("ja/index"), 'rel="alternate"')["x-default"] == f"{site}/start.html"
    assert links(page("en/extra"), 'rel="alternate"') == {"en": f"{site}/en/extra.html"}
    for name in ("start", "ja/math", "search", "search-ja"):
        assert f'<link rel="canonical" href="{site}/{name}.html" />' in page(name)


def test_sections_have_a_name_that_they_share_in_all_languages(page):
    assert all('id="section-1"' in page(f"{code}/math") for code in ("de", "en", "ja"))


def test_pages_are_described_by_their_first_sentences(page):
    def description(name):
        (tag,) = re.findall('<meta [^>]*name="description"[^>]*>', page(name))
        return re.search('content="(.*?)"', tag)[1]

    assert description("ja/index") == "一行目。二行目。"
    assert description("en/extra") == "An own description"
    assert description("de/math") == "Erster Satz mit &lt;Zeichen&gt;." + 9 * " Zweiter Satz."
    assert description("only") == "Buch"
    assert description("search-ja") == "本"


def test_who_shows_a_link_to_a_page_learns_what_it_is(page):
    graph = dict(re.findall('<meta property="og:(.*?)" content="(.*?)" />', page("ja/math")))
    assert graph.pop("description").startswith("Erster Satz mit &lt;Zeichen&gt;.")
    site = "https://site.example/book"
    assert graph == {
        "type": "article",
        "title": "M",
        "url": f"{site}/ja/math.html",
        "locale": "ja_JP",
    }
    assert 'property="og:description" content="An own description"' in page("en/extra")
    assert f'property="og:url" content="{site}/search-ja.html"' in page("search-ja")


def test_a_missing_page_and_the_root_lead_to_every_language(page):
    for name, site in (("404", "https://site.example/book/"), ("index", "")):
        ways = dict(re.findall('<p lang="(.*?)">[^<]*<a href="(.*?)">', page(name)))
        assert ways == {code: f"{site}{code}/index.html" for code in ("de", "en", "ja")}
    assert "指定されたページは見つからない" in page("404")
    assert 'content="0; url=start.html"' in page("index")


def test_every_language_has_a_search_page(page):
    assert links(page("search"), "language-switch") == {
        "en": "search-en.html",
        "ja": "search-ja.html",
    }
    assert links(page("search-ja"), "language-switch")["de"] == "search.html"
    assert '<html lang="ja"' in page("search-ja")


def test_a_page_that_has_yet_to_follow_says_so(page):
    assert "Veraltet" in page("de/math")
    assert 'href="../en/math.html">English</a>' in page("de/math")
    for name in ("de/index", "en/math", "ja/math"):
        assert "admonition" not in page(name)


def test_neighbors_are_of_the_same_language(page):
    assert 'class="right-next"' in page("en/index")
    assert 'class="left-prev"' not in page("en/index")
    assert 'class="right-next"' not in page("en/math")


def test_japanese_lines_are_joined(page):
    assert "一行目。二行目。" in page("ja/index")


def test_formulas_are_mathml_and_what_is_none_is_a_warning(page, built):
    assert "<msup>" in page("en/math")
    assert re.search(r'<div class="math[^"]*">\s*<math[^>]* display="block"', page("en/math"))
    assert built[1].count(r"formula '\\nonsense'") == 3
    assert r"\nonsense" in page("en/math")


@pytest.mark.parametrize("code", ["de", "en", "ja"])
def test_a_citation_leads_to_the_bibliography_in_its_own_language(page, built, code):
    (target,) = re.findall(r'Doe \(<a [^>]*href="index.html#(\w+)"[^>]*>1997', page(f"{code}/math"))
    assert f'class="citation" id="{target}"' in page(f"{code}/index")
    assert "bibtex" not in built[1]


def test_the_index_has_pairs_of_japanese_characters(built):
    index = (built[0] / "searchindex.js").read_text(encoding="utf-8")
    assert "行目" in json.loads(index[index.index("(") + 1 : index.rindex(")")])["terms"]


@pytest.fixture(scope="module")
def again(built, tmp_path_factory):
    """Change a page of a copy of the site, build that again, and return which pages it writes."""
    source = tmp_path_factory.mktemp("again") / "site"
    shutil.copytree(built[0].parent, source)
    sphinx = ["-m", "sphinx", "-b", "html", "-q", ".", "out"]
    run(source, *sphinx)  # in another place everything is read again

    def change(name, before, after):
        page = source / f"{name}.md"
        text = page.read_text(encoding="utf-8")
        assert before in text
        page.write_text(text.replace(before, after), encoding="utf-8")
        times = {path: path.stat().st_mtime_ns for path in (source / "out").rglob("*.html")}
        done = run(source, *sphinx)
        assert done.returncode == 0, done.stderr
        written = [path for path, time in times.items() if path.stat().st_mtime_ns > time]
        names = {path.relative_to(source / "out").with_suffix("").as_posix() for path in written}
        return {name for name in names if (source / f"{name}.md").exists()}

    return change


def test_a_changed_sentence_writes_its_page_in_all_languages(again):
    written = again("en/math", "Zweiter Satz.", "Zwei.")
    assert {"en/math", "de/math", "ja/math"} <= written
    assert not {"en/extra", "en/index", "ja/index"} & written


def test_a_changed_title_writes_the_pages_that_show_it(again):
    assert {"de/index", "en/index", "ja/index", "en/math"} <= again("en/math", "# M", "# Other")


def test_a_new_citation_is_listed(again):
    assert "en/index" in again("en/math", "{cite:t}`one`", "{cite:t}`two`")


def test_pages_load_one_style_sheet_of_the_rules_that_they_use(built, page):
    for name in ("start", "de/index", "search"):
        (sheet,) = re.findall(r'<link rel="stylesheet"[^>]*href="([^"]*)"', page(name))
        assert (built[0] / name).parent.joinpath(sheet).resolve() == built[0] / "_static/used.css"
    css = (built[0] / "_static" / "used.css").read_text(encoding="utf-8")
    own = css[css.index("/*! A licence. */") :]
    assert own.split("\n") == [
        "/*! A licence. */",
        "p{margin: 0}",
        ".used{color: red}",
        ".used:not(.unused){color: green}",
        '@media screen {p #used-id{background: url("css/x.svg")}}',
        "",
    ]
    assert ".bd-article" in css  # the theme's
    assert 5 * len(css) < 2 * sum(p.stat().st_size for p in (built[0] / "_static").rglob("*.css"))


OWN = {"colophon", "reader", "records"}  # they put this book's own files into its site


@pytest.mark.parametrize("path", sorted(EXTENSIONS.glob("*.py")), ids=lambda path: path.stem)
def test_extensions_do_not_know_this_book(path):
    if path.stem in OWN:
        assert f"`{path.name}`" in (EXTENSIONS / "README.md").read_text(encoding="utf-8")
        return
    assert not re.search("irnn|lstm|mnist", path.read_text(encoding="utf-8"), re.IGNORECASE)
    assert f"## {path.name}" in (EXTENSIONS / "README.md").read_text(encoding="utf-8")


def test_a_third_language_of_the_book_is_a_line_and_its_pages(tmp_path):
    """The list of languages, a folder of pages and their lines in _toc.yml make a language."""
    shutil.copytree(
        ROOT / "book", tmp_path / "book", ignore=shutil.ignore_patterns("*.ipynb", "runs")
    )
    (tmp_path / "book" / "de").mkdir()
    toc = ["format: jb-book", "root: book/index", "chapters:"]
    for code, title in {"en": "Book", "ja": "本", "de": "Buch"}.items():
        (tmp_path / "book" / code / "index.md").write_text(f"# {title}\n")
        toc += [f"  - file: book/{code}/index"]
    (tmp_path / "book" / "index.md").write_text("# Start\n")
    (tmp_path / "_toc.yml").write_text("\n".join(toc))
    (tmp_path / "_config.yml").write_text((ROOT / "_config.yml").read_text(encoding="utf-8"))
    program = (
        "from irnn import languages as known; german = known.Language('Deutsch');"
        "known.LANGUAGES['de'] = german; known.NAMES['de'] = german.name;"
        "from jupyter_book.cli.main import main; main()"
    )
    done = run(tmp_path, "-c", program, "build", ".", "-W", "-n", "--keep-going", "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr
    german = (tmp_path / "_build" / "html" / "book" / "de" / "index.html").read_text("utf-8")
    assert links(german, "language-switch") == {
        "en": "../en/index.html",
        "ja": "../ja/index.html",
    }
    assert '<html lang="de"' in german
    assert "canonical" not in german  # no address is configured
    assert 'rel="alternate"' not in german
    assert "og:" not in german
    assert "Suche" in german


def test_numbers_stay_on_one_line(page):
    text = page("en/math")
    for whole in (
        "1.5\u2060–\u20602%",
        "14\u00a0×\u00a014",
        "x\u00a0=\u00a03",
        "8\u2060～\u206010%",
    ):
        assert whole in text
    assert "</math>\u00a0=\u00a049" in text
    formula = re.search(
        r'<span class="text-nowrap"><math(?:(?!</math>).)*</math>([^<]*)</span>', text, re.S
    )
    assert formula[1] == "\u00a0=\u00a049"
    assert "</em>\u00a0&lt;\u00a00.05" in text
    assert "9%<wbr>（" in text
    for code in ("K = 49", "1–2"):
        assert f'<span class="pre">{code.split()[0]}</span>' in text
