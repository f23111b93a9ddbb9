"""Shows the site while it is edited: what changed is built again, and the browser reloads."""

import html
import mimetypes
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from irnn.book.colophon import PREVIEW
from irnn.book.pages import ROOT
from irnn.book.reuse import PASSING
from irnn.errors import InputError, user_path

WATCHED = ("book", "src/irnn", "benchmarks/results", "_toc.yml", "_config.yml", "CITATION.cff")
LOOK = (
    "position: fixed; inset: auto 0 0 0; z-index: 9999; max-height: 50vh; margin: 0; "
    "padding: 1rem; overflow: auto; white-space: pre-wrap; background: #7f1d1d; color: #fff"
)


class Preview:
    """The site as a WSGI application, with what the last build failed with on every page.

    Args:
        output: The folder whose `_build/html` holds the site.
        command: What builds it.

    """

    def __init__(self, output: Path, command: list[str]):
        self.html = (output / "_build" / "html").resolve()
        self.command = command
        self.failure = ""

    def build(self) -> None:
        """Build what changed, by a process of its own, since the package may have changed too."""
        lines = []
        with subprocess.Popen(
            self.command,
            env=os.environ | {PREVIEW: "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        ) as process:
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        self.failure = "".join(lines).strip() or "failed" if process.returncode else ""

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        """Answer a request."""
        path = (self.html / environ["PATH_INFO"].lstrip("/")).resolve()
        if path.is_dir():
            path /= "index.html"
        if path.is_relative_to(self.html) and path.is_file():
            status, content = "200 OK", path.read_bytes()
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        else:
            status, kind = "404 Not Found", "text/html"
            content = b"<html><head></head><body><p>There is no such page.</p></body></html>"
        if self.failure and kind == "text/html":
            shown = f'<pre style="{LOOK}">{html.escape(self.failure)}</pre></body>'
            content = content.replace(b"</body>", shown.encode())
        if kind.startswith("text/"):
            kind += "; charset=utf-8"
        start_response(status, [("Content-Type", kind), ("Cache-Control", "no-store")])
        return [content]


def passed_over(path: str) -> bool:
    """Tell whether a change of a file starts no build.

    New runs do not, since training adds epoch after epoch; the next build shows them.
    """
    name = Path(os.path.relpath(path, ROOT))
    return name.suffix in PASSING or not {"runs", "__pycache__"}.isdisjoint(name.parts)


def serve(port: int, output: Path = Path()) -> int:
    """Build the site, show it, and build again what changes, until Ctrl-C.

    Args:
        port: Of this machine, for the browser.
        output: As in `build.build`.

    Returns:
        The exit code.

    Raises:
        InputError: Where livereload is missing or the port cannot be had.

    """
    try:
        from livereload import Server
    except ImportError:
        raise InputError("the preview needs livereload; pip install livereload") from None
    output = user_path("output", output).absolute()
    command = [sys.executable, "-m", "irnn", "book", "--output", str(output)]
    preview = Preview(output, command)
    server = Server(preview)
    for name in WATCHED:
        server.watch(str(ROOT / name), preview.build, ignore=passed_over)
    preview.build()
    try:
        server.serve(port=port, host="127.0.0.1", debug=False)
    except OSError as error:
        raise InputError(f"port {port}: {error.strerror}; name another with --port") from None
    return 0
