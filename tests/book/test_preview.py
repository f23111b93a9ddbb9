"""The preview shows the site, and on every page what the last build failed with."""

import socket
import sys
import threading
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from irnn.book import preview
from irnn.book.colophon import PREVIEW
from irnn.errors import InputError


@pytest.fixture
def site(tmp_path):
    """A folder with a site."""
    html = tmp_path / "_build" / "html"
    html.mkdir(parents=True)
    (html / "index.html").write_text("<html><head></head><body>日本語</body></html>", "utf-8")
    (html / "site.css").write_text("a {}")
    (tmp_path / "secret.html").write_text("secret")
    return tmp_path


def shows(site, program, path="/"):
    """Return status, type and text that the browser gets after a build by a Python program."""
    shown = preview.Preview(site, [sys.executable, "-c", program])
    shown.build()
    answer = []
    (content,) = shown(
        {"PATH_INFO": path}, lambda status, headers: answer.extend([status, headers])
    )
    headers = dict(answer[1])
    assert headers["Cache-Control"] == "no-store"  # else a browser may show what it had
    return answer[0], headers["Content-Type"], content.decode()


def test_pages_are_shown(site):
    page = shows(site, "")
    assert page == (
        "200 OK",
        "text/html; charset=utf-8",
        "<html><head></head><body>日本語</body></html>",
    )
    assert shows(site, "", "/site.css")[:2] == ("200 OK", "text/css; charset=utf-8")


@pytest.mark.parametrize("path", ["/no.html", "/../../secret.html"])
def test_what_is_no_page_is_not_shown(site, path):
    assert shows(site, "", path)[0] == "404 Not Found"


def test_a_failure_is_in_the_terminal_and_on_the_page(site, capfd):
    program = "import sys; sys.exit('book/en/a.ipynb: <b>')"
    for path in ("/", "/no.html"):
        assert "book/en/a.ipynb: &lt;b&gt;</pre></body>" in shows(site, program, path)[2]
    assert "book/en/a.ipynb: <b>" in capfd.readouterr().out
    assert "<pre" not in shows(site, program, "/site.css")[2]
    assert "<pre" not in shows(site, "print('fine')")[2]
    assert ">failed</pre>" in shows(site, "import sys; sys.exit(1)")[2]


def test_a_build_knows_that_it_is_a_preview(site):
    program = f"import os, sys; sys.exit('preview ' + os.environ[{PREVIEW!r}])"
    assert "preview 1</pre>" in shows(site, program)[2]


def test_runs_and_unfinished_files_do_not_start_a_build(monkeypatch):
    monkeypatch.setattr(preview, "ROOT", Path("/runs/mine"))
    assert preview.passed_over("/runs/mine/book/runs/a.jsonl")
    assert preview.passed_over("/runs/mine/book/en/a.ipynb.tmp")
    assert preview.passed_over("/runs/mine/src/irnn/__pycache__/a.cpython-311.pyc.140234")
    assert not preview.passed_over("/runs/mine/book/en/a.ipynb")


def test_all_that_pages_are_made_of_is_watched():
    for name in ("book/en", "src/irnn", "CITATION.cff", "_toc.yml", "benchmarks/results/speed.csv"):
        path = preview.ROOT / name
        assert path.exists()
        assert any(path.is_relative_to(preview.ROOT / watched) for watched in preview.WATCHED)


def test_this_machine_alone_is_shown_what_is_built_there(site, monkeypatch):
    livereload = pytest.importorskip("livereload", reason="livereload is not installed")

    class Server:
        def __init__(self, app):
            assert app.command[-2:] == ["--output", str(site)]

        def watch(self, path, build, ignore):
            assert ignore is preview.passed_over

        def serve(self, port, host, debug):
            assert (port, host) == (8000, "127.0.0.1")

    monkeypatch.setattr(livereload, "Server", Server)
    monkeypatch.setattr(preview.Preview, "build", lambda self: None)
    assert preview.serve(8000, site) == 0


def test_a_port_that_is_taken(site, monkeypatch):
    pytest.importorskip("livereload", reason="livereload is not installed")
    monkeypatch.setattr(preview.Preview, "build", lambda self: None)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port}: Address already in use; name another"):
            preview.serve(port, site)


def test_a_change_is_built_and_shown(site, monkeypatch):
    pytest.importorskip("livereload", reason="livereload is not installed")
    import asyncio

    from tornado.ioloop import IOLoop

    source, html = site / "source", site / "_build" / "html" / "index.html"
    source.mkdir()
    monkeypatch.setattr(preview, "ROOT", source)
    monkeypatch.setattr(preview, "WATCHED", (".",))
    builds = []
    monkeypatch.setattr(
        preview.Preview, "build", lambda self: builds.append(html.write_text("new"))
    )
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    loops = []

    def run():
        asyncio.set_event_loop(asyncio.new_event_loop())
        loops.append(IOLoop.current())
        preview.serve(port, site)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while len(builds) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
        (source / "a.ipynb").write_text(str(time.monotonic()))
    assert len(builds) >= 2
    assert urlopen(f"http://127.0.0.1:{port}/", timeout=10).read() == b"new"
    loops[0].add_callback(loops[0].stop)
    thread.join(10)
