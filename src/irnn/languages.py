"""The languages of the book: the one list that pages, figures, checks and the site go by."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """A language of the book.

    Args:
        name: What it calls itself.
        sentence_end: Pattern of what stands on both sides of the border between two sentences.
        letters: Pattern of what every paragraph of its prose has and other languages have not;
            "" where there is no such thing.
        foreign: Pattern of letters that its words have not, "" for none.

    """

    name: str
    sentence_end: str = r"(?<=[a-z)”][.!?])(?<!et al\.) (?=[A-Z“])"
    letters: str = ""
    foreign: str = ""


LANGUAGES = {
    "en": Language("English", foreign="[ぁ-んァ-ヶ一-龠]"),
    "ja": Language("日本語", sentence_end=r"(?<=[。！？])(?=[^」』）\s])", letters="[ぁ-ん]"),
}
NAMES = {code: language.name for code, language in LANGUAGES.items()}  # for the site
