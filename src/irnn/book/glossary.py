"""The terms of the book: what each is called in every language, and what it is not called."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from irnn.errors import InputError
from irnn.languages import LANGUAGES

ROWS = re.compile(r"(?<=-\|\n)(?:\|.*\|\n)*")  # of a table in Markdown


@dataclass(frozen=True)
class Term:
    """A term.

    Args:
        names: What it is called, by language.
        wrong: What it is not called, by language.
        meaning: What it means, by language.

    """

    names: dict[str, str]
    wrong: dict[str, list[str]]
    meaning: dict[str, str]


@dataclass(frozen=True)
class Glossary:
    """All terms, in the order of the file."""

    terms: tuple[Term, ...]

    @classmethod
    def read(cls, path: Path) -> "Glossary":
        """Return the glossary in a file.

        Raises `InputError` for a file that cannot be read and for a term that a language lacks.
        """
        try:
            rows = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            reason = " ".join(str(getattr(error, "strerror", None) or error).split())
            raise InputError(f"the glossary {path} cannot be read: {reason}") from None
        terms = []
        for row in rows:
            lacking = [c for c in LANGUAGES if not (row.get(c) and row.get("meaning", {}).get(c))]
            if lacking:
                what = row.get("en") or row
                raise InputError(
                    f"the glossary {path}: the term {what!r} has no name or no meaning in "
                    f"{', '.join(lacking)}; add it"
                )
            names = {code: row[code] for code in LANGUAGES}
            terms.append(Term(names, row.get("wrong", {}), row["meaning"]))
        return cls(tuple(terms))

    def wrong_words(self, text: str, language: str) -> Iterator[tuple[str, str]]:
        """Return the wrong words in a text, each with the right one."""
        for term in self.terms:
            right = term.names[language]
            spans = [found.span() for found in _pattern(right).finditer(text)]
            for wrong in term.wrong.get(language, ()):
                for found in _pattern(wrong).finditer(text):
                    # a wrong word may be a part of the right one
                    if not any(a <= found.start() and found.end() <= b for a, b in spans):
                        yield found[0], right

    def rows(self, language: str) -> str:
        """Return the rows of a page's table: the term in its language, in the others, meaning."""
        codes = [language, *(code for code in LANGUAGES if code != language)]
        rows = [[*(term.names[c] for c in codes), term.meaning[language]] for term in self.terms]
        return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _pattern(word: str) -> re.Pattern:
    """Return what finds a word; where words have spaces around them, a whole one or its plural."""
    word = rf"\b{re.escape(word)}s?\b" if word.isascii() else re.escape(word)
    return re.compile(word, re.IGNORECASE)
