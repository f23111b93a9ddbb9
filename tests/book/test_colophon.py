"""What the foot of a page says of where it comes from."""

import datetime
import subprocess

import pytest
import yaml

import irnn
from irnn.book.colophon import CITATION, PREVIEW, Origin, origin, words
from irnn.book.pages import ROOT

TODAY = datetime.date.today().isoformat()


@pytest.fixture
def repository(tmp_path):
    """A repository with one commit of 2 January 2024."""
    date = {name: "2024-01-02T03:04:05Z" for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE")}
    (tmp_path / "page.md").write_text("one")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", "-C", tmp_path, *command], check=True, env=date | {"PATH": PATH})
    return tmp_path


PATH = "/usr/local/bin:/usr/bin:/bin"


def test_a_commit_is_named_with_its_date(repository):
    found = origin(repository)
    assert len(found.commit) >= 7
    assert found == Origin(found.commit, False, "2024-01-02")
    assert words("en", found)["commit"] == f"commit {found.commit}"
    assert words("ja", found)["date"] == "2024 年 1 月 2 日"
    assert "2024" in words("ja", found)["citation"]


def test_changes_that_are_not_committed_are_told(repository):
    (repository / "page.md").write_text("two")
    found = origin(repository)
    assert (found.changed, found.date) == (True, TODAY)
    assert "not committed" in words("en", found)["commit"]
    assert "未コミット" in words("ja", found)["commit"]


def test_a_preview_counts_as_changed_before_it_is(repository, monkeypatch):
    monkeypatch.setenv(PREVIEW, "1")
    assert origin(repository).changed


def test_without_git_no_commit_is_named(tmp_path, repository):
    inner = repository / "inner"  # a copy within another repository is not of its commit
    inner.mkdir()
    for folder in (inner, tmp_path.parent):
        assert origin(folder) == Origin("", False, TODAY)
    assert words("en", origin(inner))["commit"] == ""


def test_the_citation_names_version_year_and_address():
    text = words("en", Origin("", False, "2024-01-02"), "https://site.example/")["citation"]
    assert irnn.__version__ in text
    assert "(2024)" in text
    assert text.endswith("https://site.example/")


def test_the_citation_has_the_version_of_the_package():
    assert yaml.safe_load((ROOT / CITATION).read_text())["version"] == irnn.__version__
