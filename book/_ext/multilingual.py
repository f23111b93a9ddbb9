"""One build, several languages.

The folder of a page is its language: ``en/NAME`` and ``ja/NAME`` are the same page.
Sphinx knows one language per build, so its HTML builder gives way to one that changes the language
page by page: the strings of Sphinx and the themes, the title of the site, the links from page to
page and between the languages. A page that has yet to follow a change in another language says so.

Pages outside the languages' folders, which are the root and the search page, speak the first
language. The search page has a twin in every other one.

The README beside this file tells how to use it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from gettext import NullTranslations
from importlib import import_module
from pathlib import Path
from urllib.parse import urljoin

import pydata_sphinx_theme
import sphinx
import sphinx_book_theme
from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx import locale
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment
from sphinx.locale import _
from sphinx.transforms import SphinxTransform

HOME = "index"  # the first page of each language

CATALOGS = {
    "sphinx": [
        Path(sphinx.package_dir, "locale"),
        Path(pydata_sphinx_theme.__file__).parent / "locale",
    ],
    "booktheme": [sphinx_book_theme.get_html_theme_path() / "static" / "locales"],
}

OUTDATED = "Not up to date"
FOLLOW = "This page has changed in another language and has yet to follow. See:"
MISSING = "There is no such page. The first page: "

# What the catalogs lack, or say in words that do not suit a book. `multilingual_strings` in
# the configuration adds to them.
STRINGS = {
    "en": {
        "Section Navigation": "Chapters",
        "Site navigation": "First page",
        "Show code cell source": "Show code",
        "Hide code cell source": "Hide code",
    },
    "ja": {
        OUTDATED: "更新待ちのページ",
        MISSING: "指定されたページは見つからない。最初のページ：",
        FOLLOW: "別の言語版で更新された内容が、このページにはまだ反映されていない。最新の内容：",
        "Section Navigation": "目次",
        "Site navigation": "サイトの最初のページ",
        "On this page": "このページの内容",
        "Search this book": "本書を検索",
        "Color mode": "配色",
        "next page": "次のページ",
        "System Settings": "システムの設定に従う",
        "Tip": "ヒント",
        "Light": "明るい配色",
        "Dark": "暗い配色",
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
    """Some strings, and for the rest a catalog."""

    def __init__(self, strings: dict[str, str], catalog: NullTranslations):
        super().__init__()
        self.strings = strings
        self.add_fallback(catalog)

    def gettext(self, message: str) -> str:
        """Translate *message*; what nobody translates stays as it is."""
        return self.strings.get(message) or super().gettext(message)


def load_translations(language: str, more: dict[str, str]) -> dict[tuple[str, str], Translations]:
    """Load what ``sphinx.locale.translators`` is to hold while *language* is spoken."""
    strings = STRINGS.get(language, {}) | more
    translations = {}
    for catalog, folders in CATALOGS.items():
        found, _exists = locale.init(folders, language, catalog, namespace=language)
        translations["general", catalog] = Translations(strings, found)
    return translations


def resolve(value):
    """Return a value of the configuration; a text is the dotted name of what is meant."""
    if not isinstance(value, str):
        return value
    module, _dot, name = value.rpartition(".")
    return getattr(import_module(module), name)


class MultilingualHTMLBuilder(StandaloneHTMLBuilder):
    """Write every page in its own language."""

    def init(self) -> None:
        """Load all languages."""
        self.languages: dict[str, str] = resolve(self.config.multilingual_languages)
        self.first = next(iter(self.languages))
        more = self.config.multilingual_strings
        self.translations = {
            language: load_translations(language, more.get(language, {}))
            for language in self.languages
        }
        super().init()

    def init_templates(self) -> None:
        """Have templates ask for the translator of the moment, not keep that of the start."""
        super().init_templates()
        self.templates.environment.install_gettext_callables(
            lambda *message: locale.get_translator().gettext(*message),
            lambda *messages: locale.get_translator().ngettext(*messages),
        )

    @cached_property
    def page(self) -> re.Pattern:
        """What matches the name of a page in a language's folder: the language, the rest."""
        folder = self.config.multilingual_folder
        prefix = f"{folder}/" if folder else ""
        return re.compile(rf"{re.escape(prefix)}({'|'.join(self.languages)})/(.+)")

    def language_of(self, docname: str) -> str | None:
        """Return the language whose folder the page is in."""
        page = self.page.fullmatch(docname)
        return page and page[1]

    def in_language(self, name: str, language: str) -> str:
        """Return the full name of a page in a language."""
        return "/".join(filter(None, [self.config.multilingual_folder, language, name]))

    def search_page(self, language: str) -> str:
        """Return the file of the search page in a language."""
        return "search.html" if language == self.first else f"search-{language}.html"

    @contextmanager
    def speaking(self, language: str) -> Iterator[None]:
        """Make *language* that of Sphinx and the themes meanwhile."""
        before = locale.translators.copy()
        locale.translators.update(self.translations[language])
        try:
            yield
        finally:
            locale.translators.update(before)

    def prepare_writing(self, docnames: set[str]) -> None:
        """Let the ways to the previous and the next page end where the language does."""
        super().prepare_writing(docnames)
        for docname, (parent, *neighbors) in self.relations.items():
            own = self.language_of(docname)
            self.relations[docname] = [
                parent,
                *(page if page and self.language_of(page) == own else None for page in neighbors),
            ]

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        """Render the body of a page in its language."""
        with self.speaking(self.language_of(docname) or self.first):
            for code in doctree.findall(HideCodeCellNode):  # MyST-NB has no catalog
                for prompt in ("prompt_show", "prompt_hide"):
                    if "tag_parameters" in code.parent["classes"]:
                        code[prompt] = code[prompt].replace("code cell source", "parameters")
                    code[prompt] = _(code[prompt])
            self.name_sections(doctree)
            self.tell_if_outdated(docname, doctree)
            super().write_doc(docname, doctree)

    def name_sections(self, doctree: nodes.document) -> None:
        """Give each section a name that it has in all languages, for the switch between them."""
        for number, section in enumerate(doctree.findall(nodes.section)):
            if number:  # the first is the page
                section["ids"].append(f"section-{number}")

    def tell_if_outdated(self, docname: str, doctree: nodes.document) -> None:
        """Say at the top of a page in which language it is newer, if it is in any."""
        outdated = resolve(self.config.multilingual_outdated or None)
        versions = self.versions_of(docname)
        if not outdated or self.language_of(docname) not in versions:
            return
        behind = outdated({code: self.env.doc2path(page) for code, page in versions.items()})
        if self.language_of(docname) not in behind or behind == versions.keys():
            return
        text = nodes.paragraph("", _(FOLLOW))
        for code in versions:
            if code not in behind:
                link = self.get_relative_uri(docname, versions[code])
                text += [nodes.Text(" "), nodes.reference("", self.languages[code], refuri=link)]
        notice = nodes.admonition("", nodes.title("", _(OUTDATED)), text, classes=["warning"])
        section = next(doctree.findall(nodes.section), doctree)
        section.insert(section.first_child_not_matching_class(nodes.title) or 0, notice)

    def index_page(self, pagename: str, doctree: nodes.document, title: str) -> None:
        """Keep out of the search what a page's outputs draw or fold away."""
        doctree = doctree.deepcopy()
        for raw in doctree.findall(nodes.raw):
            text = re.sub(r"<(details|svg)\b.*?</\1>", "", raw.astext(), flags=re.DOTALL)
            raw.children = [nodes.Text(text)]
        super().index_page(pagename, doctree, title)

    def gen_additional_pages(self) -> None:
        """Write the search page a second time for every language but the first."""
        super().gen_additional_pages()
        for code in self.languages:
            if code != self.first:
                path = str(Path(self.outdir, self.search_page(code)))
                self.handle_page("search", {"language": code}, "search.html", path)
        self.write_signpost("404", MISSING)
        if HOME not in self.env.found_docs:
            self.write_signpost(HOME, "", to=self.get_target_uri(self.config.root_doc))

    def write_signpost(self, name: str, text: str, to: str = "") -> None:
        """Write a page that leads to every language's first page, and goes *to* one, if any."""
        address = "" if to else self.config.html_baseurl  # a host shows 404.html at any address
        ways = []
        for code in self.languages:
            home = self.in_language(HOME, code)
            with self.speaking(code):
                said = text and _(text)
            href = urljoin(address, self.get_target_uri(home))
            ways.append((code, said, href, self.env.titles[home].astext()))
        page = self.templates.render("signpost.html", {"ways": ways, "to": to})
        Path(self.outdir, f"{name}.html").write_text(page, encoding="utf-8")

    def handle_page(self, pagename, addctx, *args, **kwargs) -> None:
        """Render what stands around the body in the same language."""
        addctx = {"language": self.language_of(pagename) or self.first, **addctx}
        if "body" in addctx:  # MyST-NB names a control otherwise than it reads
            body = addctx["body"].replace(' aria-label="Toggle hidden content"', "")
            # To docutils, footnotes stand beside the page's content; they are part of it.
            notes = '<aside class="footnote-list'
            body = body.replace(notes, f'{notes[:6]} role="none"{notes[6:]}')
            addctx["body"] = body
        with self.speaking(addctx["language"]):
            super().handle_page(pagename, addctx, *args, **kwargs)

    def update_page_context(self, pagename, templatename, ctx, event_arg) -> None:
        """Tell the templates what the language decides; the themes fill in theirs afterwards."""
        language, pathto = ctx["language"], ctx["pathto"]
        ctx["theme_search_bar_text"] = _(ctx["theme_search_bar_text"])

        # In each language the site is called what its first page is called.
        home = self.in_language(HOME, language)
        site_title = self.env.titles[home].astext()
        together = re.sub(r"(?<=\d) ", "\u00a0", site_title)  # a number and what it counts
        ctx["theme_logo"] = {"text": together, "link": home}
        ctx["docstitle"] = "" if pagename == home else site_title

        # There is one template for the search page, and one name for it.
        def pathto_own_search(uri, resource=False, **kwargs):
            if uri == "search":
                uri, resource = self.search_page(language), True
            return pathto(uri, resource, **kwargs)

        ctx["pathto"] = pathto_own_search
        versions = {} if pagename == "search" else self.versions_of(pagename)
        if address := self.config.html_baseurl:
            if pagename == "search":
                ctx["pageurl"] = urljoin(address, self.search_page(language))
            ctx["metatags"] = ctx.get("metatags", "") + self.alternates(versions, address)
        ctx["other_languages"] = [
            {
                "code": code,
                "name": name,
                "href": self.search_page(code)
                if pagename == "search"
                else pathto(versions.get(code, self.in_language(HOME, code))),
            }
            for code, name in self.languages.items()
            if code != language
        ]

    def alternates(self, versions: dict[str, str], address: str) -> str:
        """Return the links to a page's versions for search engines, which want whole addresses."""
        pages = versions.copy()
        if self.first in versions:  # for readers of all other languages
            is_home = versions[self.first] == self.in_language(HOME, self.first)
            pages["x-default"] = self.config.root_doc if is_home else versions[self.first]
        return "".join(
            f'\n<link rel="alternate" hreflang="{code}"'
            f' href="{urljoin(address, self.get_target_uri(page))}" />'
            for code, page in pages.items()
        )

    def versions_of(self, pagename: str) -> dict[str, str]:
        """Return a page in each language that has it; of the root, each language's first page."""
        page = self.page.fullmatch(pagename)
        name = page[2] if page else HOME
        pages = {language: self.in_language(name, language) for language in self.languages}
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


def note_changed(app: Sphinx, env, added: set[str], changed: set[str], removed: set[str]) -> list:
    """Remember which pages are about to be read."""
    app.multilingual_changed = added | changed
    return []


def also_written(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Return the pages to write beside those that changed.

    These are their versions in other languages, which may have to follow, and the pages outside
    the languages' folders, which may show parts of others. They are all pages where the titles
    changed, or their order: the pages show each other's.
    """
    before = getattr(env, "multilingual_shown", None)
    titles = {name: title.astext() for name, title in env.titles.items()}
    labels = {name: label[2] for name, label in env.get_domain("std").labels.items()}
    env.multilingual_shown = [titles, env.toctree_includes.copy(), labels]
    builder = app.builder
    if not isinstance(builder, MultilingualHTMLBuilder):
        return []
    if before != env.multilingual_shown:
        return sorted(env.found_docs)
    if not app.multilingual_changed:
        return []
    others = {page for page in env.found_docs if not builder.language_of(page)}
    versions = (builder.versions_of(page).values() for page in app.multilingual_changed)
    return sorted(others.union(*versions))


def setup(app: Sphinx) -> dict[str, bool]:
    """Take the place of Sphinx's HTML builder."""
    app.add_builder(MultilingualHTMLBuilder, override=True)
    app.add_config_value("multilingual_languages", "", "html", (dict, str))
    app.add_config_value("multilingual_folder", "", "html", (str,))
    app.add_config_value("multilingual_strings", {}, "html", (dict,))
    app.add_config_value("multilingual_outdated", "", "html", (str,))
    app.add_transform(JoinJapaneseLines)
    app.connect("env-get-outdated", note_changed)
    app.connect("env-updated", also_written)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
