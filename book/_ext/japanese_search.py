"""Full-text search in English and Japanese.

Japanese writes no spaces between words.
Sphinx's own Japanese search finds word boundaries when it builds the index, but cannot when the
browser reads a query, so that most queries miss.
Here both sides cut Japanese into overlapping pairs of characters, which needs no dictionary:
学習曲線 becomes 学習, 習曲, 曲線. No pair goes from katakana to another script, so that
勾配クリッピング finds 勾配のクリッピング. Everything else is searched as in English.
"""

import re

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

# Letters without punctuation, in a notation that both Python and JavaScript read.
HIRAGANA = r"\u3041-\u3096\u309d-\u309f"
KATAKANA = r"\u30a1-\u30fa\u30fc-\u30ff"
KANJI = r"\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
JAPANESE = HIRAGANA + KATAKANA + KANJI


class SearchEnglishJapanese(SearchEnglish):
    """English words as stems, Japanese as pairs of characters."""

    lang = "en-ja"
    language_name = "English and Japanese"
    _runs = re.compile(rf"[{KATAKANA}]+|[{HIRAGANA}{KANJI}]+|[^\W{JAPANESE}]+")
    _japanese = re.compile(rf"[{JAPANESE}]")

    def split(self, input: str) -> list[str]:
        """Cut text into the terms of the index."""
        terms = []
        for run in self._runs.findall(input):
            if self._japanese.match(run) and len(run) > 1:
                terms += [run[i : i + 2] for i in range(len(run) - 1)]
            elif not re.fullmatch(f"[{HIRAGANA}]", run):  # a particle
                terms.append(run)
        return terms

    def stem(self, word: str) -> str:
        """Stem English as the browser does, which leaves the shortest words alone."""
        return word if len(word) < 3 else super().stem(word)

    def word_filter(self, word: str) -> bool:
        """Keep all but English stop words; Sphinx would drop pairs that begin with hiragana."""
        return word not in self.stopwords

    # The same as `split`, for queries.
    js_splitter_code = rf"""
var splitQuery = (query) => {{
  const runs = query.match(
    /[{KATAKANA}]+|[{HIRAGANA}{KANJI}]+|(?:(?![{JAPANESE}])[\p{{L}}\p{{N}}_])+/gu
  ) ?? [];
  return runs.flatMap((run) =>
    /^[{JAPANESE}]{{2}}/.test(run)
      ? Array.from({{ length: run.length - 1 }}, (_, i) => run.slice(i, i + 2))
      : /^[{HIRAGANA}]$/.test(run) ? [] : [run]
  );
}};
"""


def setup(app: Sphinx) -> dict[str, bool]:
    """Offer the language to ``html_search_language``."""
    app.add_search_language(SearchEnglishJapanese)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
