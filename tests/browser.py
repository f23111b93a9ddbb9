"""A headless Chromium, driven over its DevTools protocol: no package needed.

`--remote-debugging-pipe` has Chromium read JSON from file 3 and write it to file 4, each message
ended by a null byte (https://chromedevtools.github.io/devtools-protocol/).
"""

import base64
import functools
import gzip
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Puts two open files where Chromium expects them, then becomes Chromium.
LAUNCH = """
import fcntl, os, sys
inward, outward = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3])
os.dup2(inward, 3)
os.dup2(outward, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
SECONDS = 120  # for anything; a busy machine is slow
COMPRESSED = {".html", ".css", ".js", ".mjs", ".json", ".ipynb", ".svg", ".csv", ".safetensors"}


def lacking(what):
    """Skip a test for what it needs; where NO_SKIPS is set, fail instead."""
    (pytest.fail if os.environ.get("NO_SKIPS") else pytest.skip)(what)


def program():
    """Return the path of a Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A Chromium that runs until `close`."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(
            prefix="irnn-browser-", ignore_cleanup_errors=True
        )
        (inward, self._write), (self._read, outward) = os.pipe(), os.pipe()
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        options += ["--remote-debugging-pipe", f"--user-data-dir={self._folder.name}"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(inward), str(outward), program(), *options],
            pass_fds=(inward, outward),
            stderr=subprocess.DEVNULL,
        )
        os.close(inward)
        os.close(outward)
        self._numbers, self._received = itertools.count(1), b""
        self.errors = []  # of all pages: what went wrong, and what was written to the console

    def close(self):
        self._process.terminate()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)
        self._folder.cleanup()

    def call(self, method, session=None, **params):
        """Call a method of the protocol and return its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        message |= {"sessionId": session} if session else {}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != number:
            self._listen(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _listen(self, event):
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"]["exception"].get("description"))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.errors.append(str([part.get("value") for part in params["args"]]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            url = params["entry"].get("url", "")
            if not url.endswith("/favicon.ico"):  # which a page without an icon is asked for, late
                self.errors.append(f"{params['entry']['text']} {url}")

    def _next(self):
        while b"\0" not in self._received:
            if not select.select([self._read], [], [], SECONDS)[0]:
                raise TimeoutError("Chromium does not answer")
            self._received += os.read(self._read, 1 << 16)
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)

    def page(self, url, width=1280, height=900, media=(), blocked=(), scripts=True):
        """Open a page.

        `media` are pairs as ("prefers-color-scheme", "dark"), `blocked` patterns of addresses
        that do not arrive.
        """
        return Page(self, url, width, height, media, blocked, scripts)


class Page:
    """A page in a tab of its own."""

    def __init__(self, browser, url, width, height, media, blocked, scripts):
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
        self._browser, self._session, self._target = browser, attached["sessionId"], target
        phone = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)
        self.call(
            "Emulation.setEmulatedMedia", features=[{"name": n, "value": v} for n, v in media]
        )
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        for domain in ("Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Network.setBlockedURLs", urls=list(blocked))
        self.go(url)

    def call(self, method, **params):
        return self._browser.call(method, self._session, **params)

    def go(self, url):
        """Load a page, or follow a link to a part of this one."""
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def run(self, script):
        """Return the value of an expression of JavaScript, awaited where it is a promise."""
        done = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in done:
            raise RuntimeError(done["exceptionDetails"]["exception"].get("description"))
        return done["result"].get("value")

    def wait(self, script):
        """Wait until an expression is true, and return its value."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                if value := self.run(script):
                    return value
            except RuntimeError as error:
                if "navigated" not in str(error):  # meanwhile; the next page is asked again
                    raise
            time.sleep(0.05)
        raise TimeoutError(f"never true: {script}")

    def press(self, key, times=1):
        """Press a key, named as KeyboardEvent.key names it."""
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    def drag(self, points):
        """Draw a line with the mouse, from point to point (x, y) of the window."""
        mouse = functools.partial(
            self.call, "Input.dispatchMouseEvent", button="left", clickCount=1
        )
        mouse(type="mousePressed", x=points[0][0], y=points[0][1])
        for x, y in points[1:]:
            mouse(type="mouseMoved", x=x, y=y)
        mouse(type="mouseReleased", x=points[-1][0], y=points[-1][1])

    def swipe(self, points):
        """Draw a line with a finger."""
        touch = functools.partial(self.call, "Input.dispatchTouchEvent")
        touch(type="touchStart", touchPoints=[dict(zip("xy", points[0], strict=True))])
        for point in points[1:]:
            touch(type="touchMove", touchPoints=[dict(zip("xy", point, strict=True))])
        touch(type="touchEnd", touchPoints=[])

    def screenshot(self, path):
        picture = self.call("Page.captureScreenshot")["data"]
        path.write_bytes(base64.b64decode(picture))

    def close(self):
        self._browser.call("Target.closeTarget", targetId=self._target)


class _Compressed(SimpleHTTPRequestHandler):
    """Serves files as a host would: those that shrink are sent compressed."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file() or path.suffix not in COMPRESSED:
            return super().do_GET()
        content = _compressed(path, path.stat().st_mtime_ns)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@functools.cache
def _compressed(path, _changed):
    return gzip.compress(path.read_bytes(), 6)


@contextmanager
def served(folder):
    """Serve a folder meanwhile, and give its address."""
    handler = functools.partial(_Compressed, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
