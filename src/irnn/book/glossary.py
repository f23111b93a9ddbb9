"""The terms of the book: what each is called in every language, and what it is not called."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from irnn.errors import InputError, one_of
from irnn.languages import LANGUAGES

FORM = "- en: TERM"  # the first line of an entry
FORMS = {"meaning": "{en: …, ja: …}", "wrong": "{en: [WORD, …], ja: [WORD, …]}"}
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

        Raises `InputError` for a file that cannot be read, a term that a language lacks, and one
        that is written in another way.
        """
        try:
            rows = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            reason = " ".join(str(getattr(error, "strerror", None) or error).split())
            raise InputError(f"the glossary {path} cannot be read: {reason}") from None
        if not isinstance(rows, list):
            raise InputError(f"the glossary {path}: not a list of terms, each from `{FORM}` on")
        return cls(tuple(_term(row, f"the glossary {path}") for row in rows))

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


def _term(row: object, file: str) -> Term:
    """Return the term of an entry. Raises `InputError`, naming file and term, for what is none."""
    name = row.get("en") or row if isinstance(row, dict) else row
    where = f"{file}: the term {name!r}"
    if not isinstance(row, dict):
        raise InputError(f"{where} is not an entry, from `{FORM}` on")
    for key in row:
        one_of(f"part of the term {name!r} in {file}", key, [*LANGUAGES, *FORMS])
    meaning, wrong = row.get("meaning", {}), row.get("wrong", {})
    if isinstance(wrong, dict):
        wrong = {code: [some] if isinstance(some, str) else some for code, some in wrong.items()}
    right = {code: isinstance(row.get(code, ""), str) for code in LANGUAGES}
    right["meaning"] = _by_language(meaning) and _are_texts(meaning.values())
    right["wrong"] = _by_language(wrong) and all(
        isinstance(words, list) and _are_texts(words) for words in wrong.values()
    )
    for key, is_right in right.items():
        if not is_right:
            form = FORMS.get(key, "TERM")
            raise InputError(f"{where}: {key} is {row[key]!r}; write it as `{key}: {form}`")
    lacking = [code for code in LANGUAGES if not (row.get(code) and meaning.get(code))]
    if lacking:
        languages = ", ".join(lacking)
        raise InputError(f"{where} has no name or no meaning in {languages}; add it")
    return Term({code: row[code] for code in LANGUAGES}, wrong, meaning)


def _by_language(value: object) -> bool:
    return isinstance(value, dict) and value.keys() <= LANGUAGES.keys()


def _are_texts(values: Iterable) -> bool:
    return all(isinstance(value, str) for value in values)


def _pattern(word: str) -> re.Pattern:
    """Return what finds a word; where words have spaces around them, a whole one or its plural."""
    word = rf"\b{re.escape(word)}s?\b" if word.isascii() else re.escape(word)
    return re.compile(word, re.IGNORECASE)
