"""Numbers that the end of a line does not tear apart.

Ranges (74.3–78.6%), products (14 × 14) and what is said of a symbol (K = 49) stay on one line,
however they are written. After a number, a line may end before a Japanese bracket, where browsers
would move both to the next one.
"""

import re

from sphinx.application import Sphinx

# Tags, and elements whose text is no prose.
MARKUP = re.compile(r"(<(pre|code|script|style|svg|math)\b.*?</\2>|<[^>]*>)", re.DOTALL)
RULES = (
    (re.compile(r"(?<=[\d%])[–～](?=[\d−])"), "\u2060\\g<0>\u2060"),  # word joiners
    (re.compile(r"(?:(?<=\b\w)|(?<=[\d%])|^) (=|[×≈≤≥]|&[lg]t;) (?=[\d−]|$)"), "\u00a0\\1\u00a0"),
    (re.compile(r"(?<=[\d%])(?=（)"), "<wbr>"),
)
# Around a formula, browsers may end a line in spite of a no-break space, or after a bracket.
FORMULA = re.compile(
    r"[（(]?<math\b(?:(?!</math>).)*</math>\u00a0\S+\u00a0"
    r'(?:<span class="pasted-text">[^<\s]+</span>|[\d−.,]*\d)',
    re.DOTALL,
)


def unbroken(html: str) -> str:
    """Return HTML in whose prose lines end between numbers, not within them.

    A symbol may be a formula or a number of its own element: what is between two tags counts, too.
    """
    parts = MARKUP.split(html)  # text, tag, the name of its element or None, text, ...
    for n in range(0, len(parts), 3):
        for pattern, replacement in RULES:
            parts[n] = pattern.sub(replacement, parts[n])
    mended = "".join(part for n, part in enumerate(parts) if n % 3 < 2)
    return FORMULA.sub(r'<span class="text-nowrap">\g<0></span>', mended)


def mend(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Mend a page's text."""
    if "body" in context:
        context["body"] = unbroken(context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Mend every page when it is written."""
    app.connect("html-page-context", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
