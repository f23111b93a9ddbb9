"""One build, two languages.

The folder of a page is its language: ``book/en/NAME`` and ``book/ja/NAME`` are the same chapter.
Sphinx knows one language per build, so its HTML builder gives way to one that changes the language
page by page: the strings of Sphinx and the themes, the title of the site, the links from page to
page and between the languages.

Pages outside the two folders, which are the root and the search page, speak English.
The search page has a Japanese twin.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from gettext import NullTranslations
from pathlib import Path

import pydata_sphinx_theme
import sphinx
import sphinx_book_theme
from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx import locale
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.locale import _
from sphinx.transforms import SphinxTransform

LANGUAGES = {"en": "English", "ja": "日本語"}
CHAPTER = re.compile(r"book/(en|ja)/(.+)")
SEARCH_PAGES = {"en": "search.html", "ja": "search-ja.html"}

CATALOGS = {
    "sphinx": [
        Path(sphinx.package_dir, "locale"),
        Path(pydata_sphinx_theme.__file__).parent / "locale",
    ],
    "booktheme": [sphinx_book_theme.get_html_theme_path() / "static" / "locales"],
}

# What the catalogs lack, or say in words that do not suit a book.
STRINGS = {
    "en": {
        "Section Navigation": "Chapters",
        "Show code cell source": "Show code",
        "Hide code cell source": "Hide code",
    },
    "ja": {
        "Section Navigation": "目次",
        "On this page": "このページの内容",
        "Search this book": "本書を検索",
        "Color mode": "配色",
        "next page": "次のページ",
        "System Settings": "システムの設定に従う",
        "Tip": "ヒント",
        "Link to this heading": "この見出しへのリンク",
        "Link to this equation": "この数式へのリンク",
        "Link to this table": "この表へのリンク",
        "Link to this image": "この図へのリンク",
        "Link to this code": "このコードへのリンク",
        "Link to this term": "この用語へのリンク",
        "Show code cell source": "コードを表示",
        "Hide code cell source": "コードを隠す",
        "Show parameters": "パラメーターを表示",
        "Hide parameters": "パラメーターを隠す",
        "Show code cell output": "出力を表示",
        "Hide code cell output": "出力を隠す",
        "Show code cell outputs": "出力を表示",
        "Hide code cell outputs": "出力を隠す",
        "Show code cell content": "コードと出力を表示",
        "Hide code cell content": "コードと出力を隠す",
    },
}


class Translations(NullTranslations):
    """The strings of this book, and for the rest a catalog."""

    def __init__(self, strings: dict[str, str], catalog: NullTranslations):
        super().__init__()
        self.strings = strings
        self.add_fallback(catalog)

    def gettext(self, message: str) -> str:
        """Translate *message*; what nobody translates stays as it is."""
        return self.strings.get(message) or super().gettext(message)


def load_translations(language: str) -> dict[tuple[str, str], Translations]:
    """Load what ``sphinx.locale.translators`` is to hold while *language* is spoken."""
    translations = {}
    for catalog, folders in CATALOGS.items():
        found, _exists = locale.init(folders, language, catalog, namespace=language)
        translations["general", catalog] = Translations(STRINGS[language], found)
    return translations


def language_of(docname: str) -> str | None:
    """Return the language whose folder the page is in."""
    chapter = CHAPTER.fullmatch(docname)
    return chapter and chapter[1]


class BilingualHTMLBuilder(StandaloneHTMLBuilder):
    """Write every page in its own language."""

    def init(self) -> None:
        """Load both languages."""
        self.translations = {language: load_translations(language) for language in LANGUAGES}
        super().init()

    def init_templates(self) -> None:
        """Have templates ask for the translator of the moment, not keep that of the start."""
        super().init_templates()
        self.templates.environment.install_gettext_callables(
            lambda *message: locale.get_translator().gettext(*message),
            lambda *messages: locale.get_translator().ngettext(*messages),
        )

    @contextmanager
    def speaking(self, language: str) -> Iterator[None]:
        """Make *language* that of Sphinx and the themes meanwhile."""
        before = locale.translators.copy()
        locale.translators.update(self.translations[language])
        try:
            yield
        finally:
            locale.translators.update(before)

    def get_outdated_docs(self) -> list[str]:
        """Write all pages whenever one changed: they show each other's titles."""
        return sorted(self.env.found_docs)

    def prepare_writing(self, docnames: set[str]) -> None:
        """Let the ways to the previous and the next page end where the language does."""
        super().prepare_writing(docnames)
        for docname, (parent, *neighbors) in self.relations.items():
            own = language_of(docname)
            self.relations[docname] = [
                parent,
                *(page if page and language_of(page) == own else None for page in neighbors),
            ]

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        """Render the body of a page in its language."""
        with self.speaking(language_of(docname) or "en"):
            for code in doctree.findall(HideCodeCellNode):  # MyST-NB has no catalog
                for prompt in ("prompt_show", "prompt_hide"):
                    if "tag_parameters" in code.parent["classes"]:
                        code[prompt] = code[prompt].replace("code cell source", "parameters")
                    code[prompt] = _(code[prompt])
            super().write_doc(docname, doctree)

    def gen_additional_pages(self) -> None:
        """Write the search page a second time, in Japanese."""
        super().gen_additional_pages()
        self.handle_page(
            "search", {"language": "ja"}, "search.html", str(Path(self.outdir, SEARCH_PAGES["ja"]))
        )

    def handle_page(self, pagename, addctx, *args, **kwargs) -> None:
        """Render what stands around the body in the same language."""
        addctx = {"language": language_of(pagename) or "en", **addctx}
        with self.speaking(addctx["language"]):
            super().handle_page(pagename, addctx, *args, **kwargs)

    def update_page_context(self, pagename, templatename, ctx, event_arg) -> None:
        """Tell the templates what the language decides; the themes fill in theirs afterwards."""
        language, pathto = ctx["language"], ctx["pathto"]
        other = "ja" if language == "en" else "en"
        ctx["theme_search_bar_text"] = _(ctx["theme_search_bar_text"])

        # In each language the site is called what its first page is called.
        home = f"book/{language}/index"
        site_title = self.env.titles[home].astext()
        ctx["theme_logo"] = {"text": site_title, "link": home}
        ctx["docstitle"] = "" if pagename == home else site_title

        # There is one template for the search page, and one name for it.
        def pathto_own_search(uri, resource=False, **kwargs):
            if uri == "search":
                uri, resource = SEARCH_PAGES[language], True
            return pathto(uri, resource, **kwargs)

        ctx["pathto"] = pathto_own_search
        if pagename == "search":
            link = SEARCH_PAGES[other]
        else:
            versions = self.versions_of(pagename)
            link = pathto(versions.get(other, f"book/{other}/index"))
            ctx["metatags"] = ctx.get("metatags", "") + "".join(
                f'\n<link rel="alternate" hreflang="{code}"'
                f' href="{ctx["content_root"]}{self.get_target_uri(page)}" />'
                for code, page in versions.items()
            )
        ctx["other_language"] = {"code": other, "name": LANGUAGES[other], "href": link}

    def versions_of(self, pagename: str) -> dict[str, str]:
        """Return the page in each language that has it, and the one for all other readers."""
        chapter = CHAPTER.fullmatch(pagename)
        name = chapter[2] if chapter else "index"
        pages = {language: f"book/{language}/{name}" for language in LANGUAGES}
        pages["x-default"] = self.config.root_doc if name == "index" else pages["en"]
        return {code: page for code, page in pages.items() if page in self.env.found_docs}


class JoinJapaneseLines(SphinxTransform):
    """Drop line breaks where Japanese has no space.

    The sources have one sentence per line, and browsers show the line break as a space.
    """

    default_priority = 500
    wide = "\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff"
    punctuation = "\u3001-\u303f\uff01-\uff5e\u30fb"
    no_space = re.compile(f"[{wide}{punctuation}]{{2}}|[{punctuation}].|.[{punctuation}]")

    def apply(self) -> None:
        """Look at the characters on both sides of each line break, which is a node of its own."""
        texts = list(self.document.findall(nodes.Text))
        for before, line_break, after in zip(texts, texts[1:], texts[2:], strict=False):
            if line_break == "\n" and self.no_space.fullmatch(before[-1:] + after[:1]):
                parent = line_break.parent  # whose remove() would take the first equal text
                parent.children = [child for child in parent.children if child is not line_break]


def setup(app: Sphinx) -> dict[str, bool]:
    """Take the place of Sphinx's HTML builder."""
    app.add_builder(BilingualHTMLBuilder, override=True)
    app.add_transform(JoinJapaneseLines)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
