"""`python -m irnn check` finds what an editor left undone, and mends what needs no judgement.

Every test plants a fault in a book of two small pages that has none.
"""

import json
import shutil
import subprocess
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from irnn import page
from irnn.__main__ import main
from irnn.book import check, mend, pages
from irnn.chapters import claims, index, irnn_vs_lstm
from irnn.errors import InputError
from irnn.evidence import Claim
from irnn.languages import LANGUAGES, Language

GLOSSARY = """
- en: learning curve
  ja: 学習曲線
  meaning: {en: a curve, ja: 曲線}
  wrong: {en: [training curve], ja: [学習カーブ]}
- en: processor
  ja: プロセッサー
  meaning: {en: it computes, ja: 計算する}
  wrong: {ja: [プロセッサ]}
"""
TEXTS = {
    "en": {
        "title": "# A title\n\n(top)=\nThe `name` is {glue:text}`rate` after 784 steps.\n"
        "It is a [page](more.md) of [its own](#top).",
        "end": "## The end\n\n- A list.\n\n```bash\npapermill book/en/index.ipynb  # why\n```",
    },
    "ja": {
        "title": "# 題名\n\n(top)=\n`name` は 784 ステップ後に {glue:text}`rate` となる。\n"
        "これは[独立した](#top)[ページ](more.md)である。",
        "end": "## 終わり\n\n- 箇条書きである。\n\n"
        "```bash\npapermill book/ja/index.ipynb  # 理由\n```",
    },
}
PAGES = ("index", "more", "glossary")
MORE = {"en": "# More\n\nOne sentence.\n", "ja": "# 続き\n\n文が一つある。\n"}
TABLES = {
    "en": "# Glossary\n\n| | | |\n|---|---|---|\n| learning curve | 学習曲線 | a curve |\n"
    "| processor | プロセッサー | it computes |\n",
    "ja": "# 用語集\n\n| | | |\n|---|---|---|\n| 学習曲線 | learning curve | 曲線 |\n"
    "| プロセッサー | processor | 計算する |\n",
}


def parameters(language):
    lines = check.declared(index, language).items()
    return "\n".join(f"{name} = {value!r}  # {text}" for name, (value, text) in lines)


@pytest.fixture
def root(tmp_path):
    """A repository with a book in which nothing is to be found."""
    listed = [f"  - file: book/{lang}/{name}" for lang in TEXTS for name in PAGES]
    (tmp_path / "_toc.yml").write_text("\n".join(["root: book/index", "chapters:", *listed]))
    for language, texts in TEXTS.items():
        folder = tmp_path / "book" / language
        folder.mkdir(parents=True)
        cells = [
            new_markdown_cell(texts["title"], id="title"),
            new_code_cell(
                parameters(language).replace("'", '"'),
                id="parameters",
                metadata={"tags": ["parameters"]},
            ),
            new_code_cell("1 + 1", id="sum"),
            new_markdown_cell(texts["end"], id="end"),
        ]
        notebook = new_notebook(cells=cells, metadata=check.METADATA)
        nbformat.write(notebook, folder / "index.ipynb")
        (folder / "more.md").write_text(MORE[language])
        (folder / "glossary.md").write_text(TABLES[language])
    (tmp_path / "book" / "glossary.yaml").write_text(GLOSSARY)
    check.accept(["all"], tmp_path)
    assert check.check(tmp_path) == []
    return tmp_path


def edit(root, language, cell, old, new):
    """Replace text in a cell of the notebook."""
    read = pages.read(root / "book" / language / "index.ipynb", language)
    assert old in read.cells[cell].source
    read.cells[cell].source = read.cells[cell].source.replace(old, new)
    read.save()


def notebook(root, language, change):
    """Change a notebook by a function of it."""
    path = root / "book" / language / "index.ipynb"
    read = nbformat.read(path, as_version=4)
    change(read)
    nbformat.write(read, path)


def found(root, level="error"):
    """Return the findings of a level, as they are printed."""
    return [str(f) for f in check.check(root) if f.level == level]


def said(root, *parts, level="error"):
    """Tell whether exactly one finding of a level is there, and has these parts."""
    (line,) = found(root, level)
    assert all(part in line for part in parts), line
    return True


# --- pages and cells --------------------------------------------------------------------


def test_a_page_that_a_language_lacks(root):
    (root / "book" / "ja" / "glossary.md").unlink()
    assert said(root, "book/en/glossary.md: error: the page is missing in ja; translate it into")


def test_a_listed_page_that_is_not_there(root):
    for language in TEXTS:
        (root / "book" / language / "more.md").unlink()
    assert [line.split(": ")[-1] for line in found(root)][:2] == [
        "there is no page book/en/more; write it, or take it out of _toc.yml",
        "there is no page book/ja/more; write it, or take it out of _toc.yml",
    ]


def test_a_page_that_is_not_listed(root):
    toc = root / "_toc.yml"
    toc.write_text(toc.read_text().replace("  - file: book/ja/more\n", ""))
    assert said(root, "book/ja/more.md: error: the page is not in _toc.yml; add `- file: book/ja")


def test_pages_in_another_order(root):
    toc = root / "_toc.yml"
    lines = toc.read_text().splitlines()
    toc.write_text("\n".join([*lines[:-3], lines[-2], lines[-3], lines[-1]]))
    assert said(root, "_toc.yml", "the order of the pages differs in ja")


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("index.ipynb", b"{", b"<<<<<<< HEAD\n{", "JSON"),
        ("index.ipynb", b'"id": "sum"', b'"id": "end"', "two cells have the id 'end'; give one"),
        ("index.ipynb", b'   "id": "sum",\n', b"", "a cell has no id"),
        ("index.ipynb", b"1 + 1", b"\xff", "'utf-8' codec can't decode"),
        ("more.md", b"agreed {", b"agreed {,", "the comment at its end: Expecting"),
        ("more.md", b"\xe4", b"\xff", "'utf-8' codec can't decode"),
    ],
)
def test_a_page_that_cannot_be_read(root, name, old, new, why):
    path = root / "book" / "ja" / name
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    assert said(root, f"book/ja/{name}: error: not a page of this book (", why, "mend it by hand")
    mend.mend(root)
    assert new in path.read_bytes()


def test_a_table_of_contents_that_cannot_be_read(root):
    (root / "_toc.yml").write_text("root: book/index\nchapters: [\n")
    assert said(root, "_toc.yml: error: it cannot be read (while parsing", "mend it by hand")


def test_a_page_that_is_a_notebook_in_one_language_only(root):
    path = root / "book" / "ja" / "index.ipynb"
    path.with_suffix(".md").write_text(path.read_text())
    path.unlink()
    assert "it is a notebook in one language only" in "\n".join(found(root))


@pytest.mark.parametrize("cell", ["end", "sum"])
def test_a_cell_that_a_language_lacks(root, cell):
    notebook(root, "ja", lambda n: n.cells.remove(next(c for c in n.cells if c.id == cell)))
    remedy = "cell is missing in ja; it was removed there: remove it here too, or copy it back"
    assert said(root, f"book/en/index.ipynb [{cell}]", remedy)
    mend.mend(root)
    assert said(root, remedy)


def test_cells_in_another_order(root):
    notebook(root, "ja", lambda n: n.cells.reverse())
    assert said(root, "book/ja/index.ipynb [end]", "the cells stand in another order than in en")


# --- what both languages say ------------------------------------------------------------


def test_code_that_differs(root):
    edit(root, "ja", "sum", "1 + 1", "1 + 2")
    assert said(root, "[sum]: error: code of en and ja differ; run --fix, which copies that of ja")
    edit(root, "en", "sum", "1 + 1", "1 + 3")
    assert said(root, "[sum]: error: code of en and ja differ; copy one to the other")


def test_a_cell_of_code_in_one_language_and_of_text_in_the_other(root):
    def change(n):
        n.cells[2] = new_markdown_cell("足し算である。", id="sum")

    notebook(root, "ja", change)
    assert said(root, "[sum]: error: kind of cell of en and ja differ; make the cells of one kind")


def test_tags_that_differ(root):
    notebook(root, "en", lambda n: n.cells[2].metadata.update(tags=["hide-input"]))
    assert said(root, "[sum]: error: tags of en and ja differ")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("`rate`", "`rates`", "computed numbers of en and ja differ; not in all: 'rate', 'rates'"),
        ("](more.md)", "](more.md#top)", "links of en and ja differ"),
        ("# 題名", "## 題名", "headings of en and ja differ"),
        ("(top)=\n", "(top)=\n{ref}`top` の", "references of en and ja differ; not in all: 'top'"),
        ("[独立", "[前の](#top)[独立", "links of en and ja differ; some are not as often in all"),
    ],
)
def test_facts_that_differ(root, old, new, what):
    edit(root, "ja", "title", old, new)
    assert said(root, "book/ja/index.ipynb [title]", what)


def test_commands_that_differ(root):
    edit(root, "ja", "end", "index.ipynb  #", "index.ipynb -p epochs 2  #")
    assert said(root, "[end]", "blocks of code of en and ja differ", "-p epochs 2")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("784", "785", "typed numbers of en and ja differ; not in all: '784', '785'"),
        ("`name`", "`nome`", "code within the text of en and ja differ; not in all: 'name', 'no"),
    ],
)
def test_facts_that_may_differ_until_they_are_agreed_on(root, old, new, what):
    edit(root, "ja", "title", old, new)
    assert found(root) == []
    assert what in "\n".join(found(root, "warning"))
    check.accept(["index/title"], root)
    assert found(root, "warning") == []


def test_a_paragraph_that_is_not_translated(root):
    edit(root, "ja", "end", "箇条書きである。", "A list.")
    assert said(root, "book/ja/index.ipynb [end]", "not in ja: '- A list.'; translate it")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("## 終わり", "## The end", "not in ja: 'The end'; translate it"),
        ("## 終わり", "## 終わり\n\n| a table | 表 |", "not in ja: 'a table'; translate it"),
        ("## 終わり", "## LSTM\n\n| 784 | $a b$ |", None),
    ],
)
def test_a_heading_and_a_table_that_may_be_translated(root, old, new, what):
    edit(root, "ja", "end", old, new)
    assert found(root) == []
    lines = [line for line in found(root, "warning") if "not in ja" in line]
    assert (what in lines[0] and len(lines) == 1) if what else lines == []
    check.accept(["index/end"], root)
    assert found(root, "warning") == []


@pytest.mark.parametrize("text", ["A 一覧.", "## 終わり", "| a | 表 |"])
def test_letters_of_another_language(root, text):
    edit(root, "en", "end", "- A list.", f"- A list.\n\n{text}")
    assert f"en/index.ipynb [end]: error: not in en: {text!r}; translate" in "".join(found(root))
    edit(root, "en", "end", text, f"`{text}`")
    assert found(root) == []


# --- agreement --------------------------------------------------------------------------


def git(root, *arguments):
    command = ["git", "-C", root, "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize(("language", "other"), [("en", "ja"), ("ja", "en")])
def test_a_text_that_changed_in_one_language(root, language, other):
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "agreed")
    path = root / "book" / language / "index.ipynb"
    agreed = path.read_text()
    path.write_text(f"<<<<<<< HEAD\n{agreed}")
    git(root, "commit", "-am", "broken")
    path.write_text(agreed)
    old = {"en": "It is a", "ja": "これは"}[language]
    edit(root, language, "title", old, f"New. {old}")
    git(root, "commit", "-am", "changed")
    finding = found(root, "warning")[-1].splitlines()
    assert f"book/{language}/index.ipynb [title]: warning: changed in {language}" in finding[0]
    assert f"bring {other} up to date, then python -m irnn check --accept index/title" in finding[0]
    assert [line[:5] for line in finding[1:]] == ["    -", "    +"]
    assert "New." in finding[2]


def test_both_texts_changed(root):
    edit(root, "en", "end", "A list", "The list")
    edit(root, "ja", "end", "箇条書き", "一覧")
    lines = found(root, "warning")
    assert len(lines) == 2
    assert all("compare them, then python -m irnn check --accept index/end" in x for x in lines)
    assert all("(Git does not have the text agreed on)" in x for x in lines)


def test_a_page_of_markdown_that_changed(root):
    path = root / "book" / "en" / "more.md"
    path.write_text(path.read_text().replace("One sentence", "Another sentence"))
    line = "book/en/more.md: warning: changed in en"
    assert said(root, line, "python -m irnn check --accept more\n", level="warning")
    assert pages.outdated({c: root / "book" / c / "more.md" for c in ("en", "ja")}) == {"ja"}
    check.accept(["more"], root)
    assert found(root, "warning") == []
    assert path.read_text().count("<!-- agreed") == 1


def test_a_text_that_nobody_has_agreed_on(root):
    cell = new_markdown_cell("新しい。", id="new")
    notebook(root, "ja", lambda n: n.cells.append(cell))
    assert pages.outdated({c: root / "book" / c / "index.ipynb" for c in ("en", "ja")}) == {"en"}
    notebook(root, "en", lambda n: n.cells.append(new_markdown_cell("New.", id="new")))
    assert said(root, "nobody has agreed on 1 cells (new)", "--accept index", level="warning")


def test_an_agreement_that_one_language_alone_has(root):
    notebook(root, "ja", lambda n: n.cells[3].metadata["agreed"].update(en="another text"))
    assert said(root, "nobody has agreed on 1 cells (end)", level="warning")


def test_white_space_is_no_change(root):
    edit(root, "en", "title", "steps.\nIt", "steps.\n\nIt")
    assert found(root, "warning") == []


def test_accepting_needs_the_cell_in_all_languages(root):
    notebook(root, "ja", lambda n: n.cells.pop())
    with pytest.raises(InputError, match="unknown cell of index 'end'"):
        check.accept(["index/end"], root)
    with pytest.raises(InputError, match="unknown page 'indx'; did you mean index"):
        check.accept(["indx"], root)


# --- a page by itself -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[a](no.md)", "the link no.md leads nowhere"),
        ("[a](#no)", "the link #no has no target; put (no)= before"),
        ("[a](more.md#no)", "the link more.md#no has no target; put (no)= before"),
        ("{ref}`no`", "the reference no has no target"),
        ("{numref}`Figure <no>`", "the reference no has no target"),
        ("{ref}`more`", "the reference more has no target"),
        ("{doc}`no`", "there is no page no, which the text refers to"),
        ("![](index.ipynb)", "a picture has no alternative text"),
        ("```{figure} index.ipynb\n:name: a\n```", "a picture has no alternative text"),
        ("```{image} index.ipynb\n```", "a picture has no alternative text"),
    ],
)
def test_links_references_and_pictures(root, text, what):
    for language in TEXTS:
        edit(root, language, "end", "## ", f"{text}\n\n## ")
    lines = found(root)
    assert len(lines) == 2
    assert all(what in line for line in lines)


@pytest.mark.parametrize(
    ("language", "old", "new", "right"),
    [
        (
            "en",
            "A list",
            "Training curves",
            "'Training curves'; the glossary says 'learning curve'",
        ),
        ("ja", "箇条書き", "学習カーブ", "'学習カーブ'; the glossary says '学習曲線'"),
        ("ja", "箇条書き", "プロセッサ", "'プロセッサ'; the glossary says 'プロセッサー'"),
        ("ja", "箇条書き", "プロセッサーとプロセッサ", "'プロセッサ'; the glossary says"),
    ],
)
def test_words_that_the_glossary_has_not(root, language, old, new, right):
    edit(root, language, "end", old, new)
    assert said(root, f"book/{language}/index.ipynb [end]: error: {right}")


def test_words_that_only_look_wrong(root):
    edit(root, "ja", "end", "箇条書き", "プロセッサー")
    edit(root, "en", "end", "A list", "`training curve`")
    assert found(root) == []


def test_a_formula_in_the_glossary(root):
    path = root / "book" / "glossary.yaml"
    path.write_text(GLOSSARY.replace("en: a curve", r"en: a curve $\sigma$"))
    mend.mend(root)
    assert found(root) == []
    text = (root / "book" / "en" / "glossary.md").read_text()
    assert r"| learning curve | 学習曲線 | a curve $\sigma$ |" in text


def test_a_page_of_the_glossary_that_lacks_a_term(root):
    path = root / "book" / "en" / "glossary.md"
    path.write_text(path.read_text().replace("| processor | プロセッサー | it computes |\n", ""))
    assert said(root, "book/en/glossary.md: error: its table is not that of glossary.yaml")
    mend.mend(root)
    assert found(root) == []


@pytest.fixture
def cited(root):
    """The book with a work that it cites."""
    (root / "book" / "references.bib").write_text("@misc{le2015,\n  year = {2015},\n}\n")
    for language in TEXTS:
        edit(root, language, "end", "## ", "{cite:t}`le2015`\n\n## ")
    assert found(root) == []
    return root


def test_a_work_that_is_cited_in_one_language_only(cited):
    edit(cited, "ja", "end", "{cite:t}`le2015`", "彼らの論文")
    assert said(cited, "[end]: error: citations of en and ja differ; not in all: 'le2015'")


def test_a_work_that_is_not_in_the_bibliography(cited):
    (cited / "book" / "references.bib").write_text("@misc{le2014,\n}\n")
    lines = found(cited)
    assert sum("the cited work le2015 is not in book/references.bib" in x for x in lines) == 2
    assert "references.bib: error: no page cites the work le2014; cite it, or" in "".join(lines)


def test_works_that_are_cited_together(cited):
    (cited / "book" / "references.bib").write_text("@misc{le2015,\n}\n@misc{le2014,\n}\n")
    edit(cited, "en", "end", "`le2015`", "`le2015, le2014`")
    edit(cited, "ja", "end", "`le2015`", "`le2014,le2015`")
    assert found(cited) == []


def test_a_page_that_is_referred_to(root):
    for language in TEXTS:
        edit(root, language, "end", "## ", "{doc}`more` {doc}`this <index>`\n\n## ")
    assert found(root) == []


def test_what_links_and_references_may_lead_to(root):
    text = (
        "[a](https://site.example/a) [b](a%20b.png)\n\n```{figure} a%20b.png\n:name: fig\n"
        ":alt: 1\n```\n\n```{math}\n:label: sum\nx\n```\n\n{numref}`fig` {eq}`sum`\n\n## "
    )
    for language in TEXTS:
        (root / "book" / language / "a b.png").touch()
        edit(root, language, "end", "## ", text)
    assert found(root) == []


def test_an_equation_has_a_label_in_each_language(root):
    for language in TEXTS:
        text = f"$$x$$ (sum-{language})\n\n{{eq}}`sum-{language}`\n\n## "
        edit(root, language, "end", "## ", text)
    assert found(root) == []
    edit(root, "ja", "end", "{eq}`sum-ja`", "{eq}`sum`")
    assert said(root, "the reference sum has no target")


@pytest.fixture
def ledger(root, monkeypatch):
    """The book with a ledger of one claim."""
    claimed = SimpleNamespace(CLAIMS=(Claim("it-learns", None, None),))
    monkeypatch.setattr(claims, "CHAPTERS", (claimed,))
    for language in TEXTS:
        row = "| | {glue:text}`it_learns_measured` | {glue:text}`it_learns` |"
        text = f"{MORE[language]}\n| | | |\n|---|---|---|\n{row}\n"
        (root / "book" / language / "claims.md").write_text(text)
        toc = root / "_toc.yml"
        toc.write_text(toc.read_text() + f"\n  - file: book/{language}/claims")
    check.accept(["claims"], root)
    assert found(root) == []
    return root


def test_a_claim_without_a_row(ledger, monkeypatch):
    more = SimpleNamespace(CLAIMS=(Claim("it-forgets", None, None),))
    monkeypatch.setattr(claims, "CHAPTERS", (*claims.CHAPTERS, more))
    assert found(ledger) == [
        f"book/{language}/claims.md: error: the claim it-forgets has no row; write one that shows "
        "`it_forgets_measured` and `it_forgets`"
        for language in TEXTS
    ]


def test_a_row_without_a_claim(ledger):
    path = ledger / "book" / "ja" / "claims.md"
    path.write_text(path.read_text().replace("`it_learns`", "`it_learn`"))
    lines = "\n".join(found(ledger))
    assert "ja/claims.md: error: the claim it-learns has no row; write one that shows" in lines
    assert "ja/claims.md: error: it_learn is of no claim; mend its name, or add the " in lines
    assert "en/claims.md: error" not in lines


def test_a_footnote_in_one_language_only(root):
    edit(root, "en", "end", "## ", "More.[^more]\n\n[^more]: Much more.\n\n## ")
    assert said(root, "[end]: error: footnotes of en and ja differ; not in all: 'more'")


@pytest.mark.parametrize("part", ["  ja: 学習曲線\n", ", ja: 曲線"])
def test_a_term_that_a_language_lacks(root, part):
    path = root / "book" / "glossary.yaml"
    path.write_text(GLOSSARY.replace(part, ""))
    with pytest.raises(InputError, match="the term 'learning curve' has no name or no meaning in"):
        check.check(root)


def test_a_lone_wrong_word_needs_no_list(root):
    path = root / "book" / "glossary.yaml"
    path.write_text(GLOSSARY.replace("[training curve]", "training curve"))
    assert found(root) == []
    edit(root, "en", "end", "A list", "Training curves")
    assert said(root, "'Training curves'; the glossary says 'learning curve'")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (GLOSSARY, "term: word\n", "not a list of terms, each from `- en: TERM"),
        (GLOSSARY, "", "not a list of terms"),
        (GLOSSARY, "- word\n", "the term 'word' is not an entry, from `- en: TERM` on"),
        ("{en: a curve, ja: 曲線}", "a curve", "the term 'learning curve': meaning is 'a curve'"),
        (
            "{ja: [プロセッサ]}",
            "[CPU]",
            "the term 'processor': wrong is ['CPU']; write it as `wrong: {",
        ),
        ("{ja: [プロセッサ]}", "{ja: 5}", "the term 'processor': wrong is {'ja': 5}; write it"),
        ("{ja: [プロセッサ]}", "{jp: [CPU]}", "the term 'processor': wrong is {'jp': ['CPU']}"),
        ("wrong: {ja", "wrongs: {ja", "unknown part of the term 'processor' in the glossary /"),
        ("en: processor", "en: on", "the term True: en is True; write it as `en: TERM`"),
    ],
)
def test_a_term_that_is_written_otherwise(root, old, new, what):
    (root / "book" / "glossary.yaml").write_text(GLOSSARY.replace(old, new))
    with pytest.raises(InputError) as error:
        check.check(root)
    assert what in str(error.value)
    assert str(root / "book" / "glossary.yaml") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("table", ["ALT", "CAPTIONS"])
def test_a_figure_without_text_in_a_language(root, monkeypatch, table):
    monkeypatch.setitem(getattr(irnn_vs_lstm, table), "times", {"en": "Times", "ja": ""})
    assert said(root, f"irnn_vs_lstm.py [{table}['times']]: error: it has nothing in ja; write it")


@pytest.fixture
def figure(root):
    """The book with a figure, to which the text refers."""
    for language in TEXTS:
        edit(root, language, "sum", "1 + 1", 'page.figure("curves", runs)')
        edit(root, language, "end", "## ", "{glue:}`figure-curves`\n\n## ")
    assert found(root) == []
    return root


@pytest.mark.parametrize(
    ("table", "modules"), [("ALT", [index, irnn_vs_lstm]), ("CAPTIONS", [index])]
)
def test_a_figure_without_text(figure, monkeypatch, table, modules):
    for module in modules:
        monkeypatch.setattr(module, table, {}, raising=False)
    lines = found(figure)
    assert len(lines) == 2
    assert all(f"[sum]: error: the figure curves is not in {table}; write" in x for x in lines)


def test_a_figure_that_is_not_there(figure):
    for language in TEXTS:
        edit(figure, language, "end", "figure-curves", "figure-curve")
    assert len(found(figure)) == 2
    assert all("the page shows no figure curve; mend the reference" in x for x in found(figure))


def test_a_figure_that_no_function_draws(figure, monkeypatch):
    monkeypatch.delattr(index, "curves")
    assert len(found(figure)) == 2
    problem = "[sum]: error: there is no function curves in src/irnn/chapters/index.py; write it"
    assert all(problem in x for x in found(figure))


def test_a_figure_that_is_shown_twice(figure):
    for language in TEXTS:
        edit(figure, language, "sum", "page", 'page.figure("curves", runs)\npage')
    assert len(found(figure)) == 2
    assert all("the figure curves is shown twice" in x for x in found(figure))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "'then' is missing in ja; write it"),
        ("no field", "'then' has other {fields} in ja than in en; mend it"),
    ],
)
def test_words_that_a_language_lacks(root, monkeypatch, text, what):
    monkeypatch.setitem(irnn_vs_lstm.WORDS["ja"], "then", text)
    assert said(root, f"chapters/irnn_vs_lstm.py [WORDS]: error: {what}")


def test_a_word_that_the_first_language_lacks(root, monkeypatch):
    monkeypatch.setitem(irnn_vs_lstm.WORDS["ja"], "later", "後で")
    assert said(root, "chapters/irnn_vs_lstm.py [WORDS]: error: 'later' is missing in en; write it")


def test_a_notice_that_a_language_lacks(root, monkeypatch):
    monkeypatch.delitem(page.NO_MNIST, "ja")
    assert said(root, "src/irnn/page.py [NO_MNIST]: error: it has nothing in ja")


def test_a_word_in_a_figure_that_the_glossary_has_not(root, monkeypatch):
    monkeypatch.setitem(irnn_vs_lstm.WORDS["ja"], "pixel", "学習カーブ")
    assert said(root, "chapters/irnn_vs_lstm.py [WORDS]", "the glossary says '学習曲線'")


def leave_output(n):
    n.cells[2].outputs = [new_output("stream", text="2")]
    n.cells[2].execution_count = 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (leave_output, "[sum]: error: it holds outputs"),
        (lambda n: n.cells[2].update(execution_count=1), "[sum]: error: it holds outputs"),
        (lambda n: n.cells[2].metadata.update(scrolled=True), "it has metadata (scrolled)"),
        (lambda n: n.metadata.update(author="me"), "its metadata are not those of the book"),
    ],
)
def test_what_an_editor_leaves_in_a_notebook(root, change, what):
    notebook(root, "ja", change)
    assert said(root, what, "run --fix")
    assert mend.mend(root) == [root / "book" / "ja" / "index.ipynb"]
    assert found(root) == []


@pytest.mark.parametrize(
    ("language", "old", "new"),
    [
        ("en", "A list.", "A list.\n  It has a line."),
        ("ja", "箇条書きである。", "箇条書きである。\n  行がある。"),
    ],
)
def test_two_sentences_in_a_line(root, language, old, new):
    edit(root, language, "end", old, new.replace("\n  ", " " if language == "en" else ""))
    assert said(root, "[end]: error: more than one sentence in a line")
    mend.mend(root)
    assert found(root) == []
    read = pages.read(root / "book" / language / "index.ipynb", language)
    assert f"- {new}\n" in read.cells["end"].source


@pytest.mark.parametrize(
    ("old", "new", "what", "remedy"),
    [
        ("epochs = None", "epochs = 3", "epochs is 3 here and None in ", "change it there, or"),
        (
            "# images per update",
            "# images",
            "batch_size has the help 'images' here and 'images per update' in ",
            "change it there, or run --fix, which writes that value here",
        ),
        ("seeds = 5", "sed = 5", "sed is not declared in ", "declare it there, or run --fix, whi"),
        ("seeds = 5", "seeds =", "the parameters are not those that ", " declares; run --fix"),
    ],
)
def test_parameters_that_are_not_the_declared_ones(root, old, new, what, remedy):
    for language in TEXTS:
        edit(root, language, "parameters", old, new)
    assert len(found(root)) == 2
    for line in found(root):
        assert f"[parameters]: error: {what}src/irnn/chapters/index.py" in line
        assert remedy in line
    mend.mend(root)
    assert found(root) == []


def test_parameters_of_one_language_are_found_there_alone(root):
    edit(root, "ja", "parameters", "epochs = None", "epochs = 3")
    assert said(root, "book/ja/index.ipynb [parameters]", "epochs is 3 here and None in")


def test_parameters_that_are_not_the_experiments(root, monkeypatch):
    monkeypatch.setattr(index, "experiment", lambda dataset, epochs, seeds, units, rate, old=1: {})
    declare = "make it an argument, or declare it with page=True"
    assert found(root) == [
        f"src/irnn/chapters/index.py: error: experiment() does not take batch_size; {declare}",
        f"src/irnn/chapters/index.py: error: experiment() does not take learning_rate; {declare}",
        "src/irnn/chapters/index.py: error: experiment() needs rate; declare it, without page=True",
    ]
    monkeypatch.setattr(index, "experiment", lambda dataset, **others: {})
    assert found(root) == []


def test_a_notebook_with_the_module_of_another_page(root):
    for language in TEXTS:
        edit(root, language, "sum", "1 + 1", "from irnn.chapters import index as chapter\n1 + 1")
    assert found(root) == []
    for language in TEXTS:
        edit(root, language, "sum", "import index", "import speed")
    assert len(found(root)) == 2
    assert all(
        "it imports speed as chapter" in x and x.endswith("import index") for x in found(root)
    )


def test_a_notebook_without_a_module(root):
    for language in TEXTS:
        path = root / "book" / language / "index.ipynb"
        path.rename(path.with_stem("other"))
    toc = root / "_toc.yml"
    toc.write_text(toc.read_text().replace("/index\n  - file", "/other\n  - file"))
    assert "there is no module irnn.chapters.other" in "\n".join(found(root))


def test_a_notebook_without_parameters(root):
    for language in TEXTS:
        notebook(root, language, lambda n: n.cells[1].metadata.update(tags=[]))
    assert all("0 cells have parameters" in line for line in found(root))
    assert len(found(root)) == 2


# --- what is mended ---------------------------------------------------------------------


@pytest.mark.parametrize(("language", "other"), [("en", "ja"), ("ja", "en")])
def test_code_is_copied_from_where_it_changed(root, language, other):
    edit(root, language, "sum", "1 + 1", "2 + 2")
    edit(root, language, "parameters", "None", "3")  # declared otherwise: not copied
    assert len(mend.mend(root)) == 2
    for code in TEXTS:
        cells = pages.read(root / "book" / code / "index.ipynb", code).cells
        assert cells["sum"].source == "2 + 2"
        assert f'language = "{code}"' in cells["parameters"].source
    assert check.check(root) == []
    edit(root, other, "sum", "2 + 2", "3 + 3")  # and back
    mend.mend(root)
    assert check.check(root) == []


def test_new_cells_are_copied_and_removed_ones_are_not(root):
    notebook(root, "en", lambda n: n.cells.insert(3, new_code_cell("3", id="code")))
    notebook(root, "en", lambda n: n.cells.insert(4, new_markdown_cell("New words.", id="text")))
    notebook(root, "ja", lambda n: n.cells.pop(2))
    lines = found(root)
    assert sum("run --fix, which copies it, or remove it here" in line for line in lines) == 2
    mend.mend(root)
    cells = pages.read(root / "book" / "ja" / "index.ipynb", "ja").cells
    assert list(cells) == ["title", "parameters", "code", "text", "end"]
    removed, untranslated = found(root)
    assert "[sum]: error: the code cell is missing in ja; it was removed there" in removed
    assert "ja/index.ipynb [text]: error: not in ja: 'New words.'; translate it" in untranslated


def test_a_copy_of_a_page_brings_no_agreement_along(root):
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "agreed")
    edit(root, "en", "end", "A list", "The list")
    for language in TEXTS:  # of the English page, and of what changed in it
        copy = root / "book" / language / "speed.ipynb"
        shutil.copy(root / "book" / "en" / "index.ipynb", copy)
        copy.write_text(copy.read_text().replace("# A title", "# Another"))
    lines = [line for line in found(root, "warning") if "speed.ipynb" in line]
    assert any("they last agreed" in line for line in lines)
    mend.mend(root)
    lines = "\n".join(found(root, "warning"))
    assert "speed.ipynb: warning: nobody has agreed on 2 cells (title, end)" in lines
    assert lines.count("agreed;") == 1
    assert "index.ipynb [end]: warning: changed in en since all agreed; bring ja up" in lines


def test_nothing_is_written_where_nothing_is_to_be_mended(root):
    assert mend.mend(root) == []


def test_a_declared_value_may_be_written_in_another_way(root):
    edit(root, "en", "parameters", "1e-06", "1e-6")
    assert found(root) == []
    mend.mend(root)
    source = pages.read(root / "book" / "en" / "index.ipynb", "en").cells["parameters"].source
    assert "learning_rate = 1e-6  # of RMSprop" in source


def test_a_notebook_has_a_line_for_each_line_of_a_cell(root):
    path = root / "book" / "en" / "index.ipynb"
    lines = path.read_text()
    assert '"source": [' in lines
    path.write_text(json.dumps(nbformat.read(path, as_version=4), indent=1, ensure_ascii=False))
    assert said(root, "book/en/index.ipynb: error: its JSON is not written as the book's")
    assert mend.mend(root) == [path]
    assert path.read_text() == lines


# --- a third language -------------------------------------------------------------------


@pytest.fixture
def german(root, monkeypatch):
    """The book with a language more: in the list, with words in figures, without pages yet."""
    monkeypatch.setitem(LANGUAGES, "de", Language("Deutsch"))
    for _, _, table in list(check._tables()):
        monkeypatch.setitem(table, "de", table["en"])
    terms = GLOSSARY.replace("meaning: {", "de: Wort\n  meaning: {de: etwas, ")
    (root / "book" / "glossary.yaml").write_text(terms)
    return root


def test_a_third_language_is_asked_for(german, monkeypatch):
    lines = "\n".join(found(german))
    for name in PAGES:
        assert f"add `- file: book/de/{name}`" in lines or f"book/de/{name}." in lines
    monkeypatch.delitem(irnn_vs_lstm.WORDS, "de")
    assert "irnn_vs_lstm.py [WORDS]: error: it has nothing in de" in "\n".join(found(german))


def test_a_third_language_is_checked_like_the_others(german):
    toc = german / "_toc.yml"
    toc.write_text(toc.read_text() + "".join(f"\n  - file: book/de/{name}" for name in PAGES))
    shutil.copytree(german / "book" / "en", german / "book" / "de")
    edit(german, "de", "parameters", '"en"', '"de"')
    edit(german, "de", "title", "784", "785")
    mend.mend(german)  # the tables of the glossary
    assert found(german) == []
    assert "typed numbers of en and ja and de differ" in "\n".join(found(german, "warning"))
    check.accept(["all"], german)
    edit(german, "ja", "end", "箇条書き", "一覧")
    assert said(german, "bring de and en up to date", level="warning")


# --- the command ------------------------------------------------------------------------


@pytest.fixture
def command(root, monkeypatch, capsys):
    """Run the command on the small book; return its exit code and what it prints."""
    monkeypatch.setattr(check.check, "__defaults__", (root,))
    monkeypatch.setattr(check.accept, "__defaults__", (root,))
    monkeypatch.setattr(mend.mend, "__defaults__", (root,))

    def run(*arguments):
        code = main(["check", *arguments])
        return code, capsys.readouterr()

    return run


def test_the_exit_code_is_1_for_errors_alone(root, command):
    assert command()[0] == 0
    edit(root, "en", "end", "A list", "The list")
    code, printed = command()
    assert (code, printed.out.splitlines()[-1]) == (0, "0 errors, 1 warnings")
    edit(root, "en", "end", "The list", "[The list](no.md)")
    code, printed = command()
    assert code == 1
    assert printed.out.splitlines()[-1] == "2 errors, 1 warnings"


def test_findings_for_a_program(root, command):
    edit(root, "ja", "end", "箇条書き", "学習カーブ")
    code, printed = command("--json")
    assert code == 1
    (error,) = [row for row in json.loads(printed.out) if row["level"] == "error"]
    assert error["file"] == "book/ja/index.ipynb"
    assert error["cell"] == "end"
    assert error["problem"] == "'学習カーブ'"


def test_mended_and_accepted_by_one_command(root, command):
    edit(root, "en", "end", "A list.", "The list. It is long.")
    code, printed = command("--fix", "--accept", "index/end")
    assert code == 0
    assert printed.out == "0 errors, 0 warnings\n"
    assert "mended" in printed.err
    assert "1 cells accepted" in printed.err


def test_a_folder_without_a_book(tmp_path):
    with pytest.raises(InputError, match="there are no pages in"):
        check.check(tmp_path)
