"""Lighthouse, run by Node.js on pages that are served here; `tests/package.json` pins it."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.browser import program

PACKAGES = Path(__file__).parent / "node_modules"
SCRIPT = Path(__file__).with_suffix(".mjs")  # says what a job is, and a result
MISSING = "needs Node.js and the packages of tests/package.json: npm ci --prefix tests"


def is_installed():
    """Tell whether Node.js, Lighthouse and axe are there."""
    return bool(shutil.which("node")) and (PACKAGES / "lighthouse").is_dir()


def start(jobs):
    """Begin to measure pages, given as jobs of the script."""
    pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
    process = subprocess.Popen(["node", SCRIPT, program()], text=True, **pipes)
    process.stdin.write(json.dumps(jobs))
    process.stdin.close()
    return process


def results(process):
    """Wait for what was begun, and return a result for each job."""
    found = json.loads(process.stdout.read() or "null")
    if process.wait():
        raise RuntimeError("Lighthouse failed")
    return found
