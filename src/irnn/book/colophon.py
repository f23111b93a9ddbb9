"""What stands at the foot of every page: version, date, commit, licence, how to cite, downloads."""

import datetime
import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from irnn.book.pages import ROOT, git
from irnn.show.text import day

CITATION = "CITATION.cff"
PREVIEW = "IRNN_PREVIEW"  # the variable that is set where a preview is built

WORDS = {
    "en": {
        "version": "Version {version}",
        "commit": "commit {commit}",
        "changed": "commit {commit}, with changes that are not committed",
        "licence": "MIT License",
        "cite": "How to cite:",
        "citation": "{authors} ({year}). {title}. Version {version}.",
        "downloads": "This page to download:",
        "executed": "executed notebook",
        "source": "source notebook",
    },
    "ja": {
        "version": "バージョン {version}",
        "commit": "コミット {commit}",
        "changed": "コミット {commit}（未コミットの変更を含む）",
        "licence": "MIT ライセンス",
        "cite": "引用方法：",
        "citation": "{authors} ({year}). {title}. Version {version}.",
        "downloads": "このページのダウンロード：",
        "executed": "実行済みノートブック",
        "source": "元のノートブック",
    },
}


@dataclass(frozen=True)
class Origin:
    """What a site is built from.

    Args:
        commit: The commit, "" where that is not known.
        changed: Whether there are changes that are not committed.
        date: The day of the commit, as an ISO date; of the build where it is not all of it.

    """

    commit: str
    changed: bool
    date: str


def origin(root: Path = ROOT) -> Origin:
    """Return what a site that is built now from a repository's folder is built from."""
    today = datetime.date.today().isoformat()
    last = git(root, "log", "-1", "--format=%h %cs").split()
    if not last or git(root, "rev-parse", "--show-prefix").strip():  # within another repository
        return Origin("", False, today)
    commit, date = last
    # A preview is about to change: else the first change would have all pages written again.
    status = git(root, "--no-optional-locks", "status", "--porcelain")
    changed = bool(status or os.environ.get(PREVIEW))
    return Origin(commit, changed, today if changed else date)


def words(language: str, origin: Origin, address: str = "", root: Path = ROOT) -> dict[str, str]:
    """Return the foot's texts in a language by name, "" where there is nothing to say.

    Args:
        language: The page's; English where it has no words.
        origin: What the site is built from.
        address: Where the site will be, if that is known.
        root: The repository's folder, which has the file `CITATION.cff`.

    """
    text = WORDS.get(language, WORDS["en"])
    cited = yaml.safe_load((root / CITATION).read_text(encoding="utf-8"))
    authors = ", ".join(author["name"] for author in cited["authors"])
    values = {**cited, "authors": authors, "year": origin.date[:4], "commit": origin.commit}
    said = "changed" if origin.changed else "commit"
    return text | {
        "version": text["version"].format(**values),
        "date": day(origin.date, language),
        "commit": text[said].format(**values) if origin.commit else "",
        "citation": " ".join(filter(None, [text["citation"].format(**values), address])),
    }
