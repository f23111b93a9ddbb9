"""Builds the site: papermill executes the chapters, then Jupyter Book renders the result.

A chapter is executed where something changed that its outputs follow from, and a page is read
again where it changed. In `_build` there are

    executed/    the executed notebooks and all else that Jupyter Book needs
    rendered/    where Jupyter Book works
    html/        the site: a copy of what was rendered without a warning
    new/         notebooks while they are executed
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import nbformat
import papermill
import yaml
from filelock import FileLock, Timeout
from tqdm import tqdm

from irnn.book import colophon, reuse
from irnn.book.check import NUMBER
from irnn.book.pages import ROOT
from irnn.chapters import experiment, experiments
from irnn.errors import InputError, one_line, one_of, user_path
from irnn.files import whole
from irnn.parameters import of_experiment
from irnn.store import Store
from irnn.training.plan import Resources, outlook, planned

NOT_COPIED = {".ipynb", "runs", "__pycache__", ".ipynb_checkpoints"}  # suffixes and names


def build(names: Sequence[str] = (), parameters: Path | None = None, output: Path = Path()) -> int:
    """Execute chapters in both languages where something changed, and render the site.

    The site takes the place of the previous one when chapters and pages are done without a
    failure or a warning; otherwise that stays as it was.

    Args:
        names: The chapters to execute, changed or not; the others stay as they were executed
            before, and how many of them changed since is said. Without names, all that changed
            are executed, see `reuse.digests`.
        parameters: A YAML file of parameters; each of them gets those that it has. What paths
            in it are relative to is the current folder.
        output: Executed notebooks go to `_build/executed` in it, the site to `_build/html`.

    Returns:
        The exit code: 1 where a chapter failed, a page shows a number that none of its cells
        computes, or Sphinx warned.

    Raises:
        InputError: For an unknown chapter, a chapter that was not executed before without a
            failure, an output that cannot be written, lies in the chapters' folder or is built
            by another process, a `SITE_ADDRESS` that is none, and a file of parameters that
            cannot be read, names a parameter that no chapter has, or a store that a build would
            remove.

    """
    chapters = sorted(ROOT.glob("book/*/*.ipynb"))
    for name in names:
        one_of("chapter", name, sorted({chapter.stem for chapter in chapters}))
    chosen = [chapter for chapter in chapters if not names or chapter.stem in names]
    built = user_path("output", output).absolute() / "_build"
    if built.resolve().is_relative_to(ROOT / "book"):
        raise InputError(f"output {output}: it lies in the book's own folder; name another one")
    config, values = _config(), {}
    if parameters:
        values = _checked(user_path("parameters", parameters), chapters, built)
    kept = [chapter.relative_to(ROOT) for chapter in chapters if chapter not in chosen]
    for chapter in kept:
        path = built / "executed" / chapter
        if not path.exists() or reuse.failure(path):
            raise InputError(
                f"chapter {chapter.stem} was not executed into {built / 'executed'} before; "
                "build the whole book once: python -m irnn book"
            )
    try:
        built.mkdir(parents=True, exist_ok=True)
        with FileLock(built / "build.lock", timeout=0):
            if values.get("train"):
                print(_outlook(chosen, values), file=sys.stderr)
            pages = _executed(chosen, values, built, again=bool(names))
            done = pages is not None
            if done:
                pages |= {name: (built / "executed" / name).read_bytes() for name in kept}
                stale = _stale(kept, values, built)
                files = _lay_out(built / "executed", pages, config)
                unknown = _unknown_numbers(pages)
                for line in unknown:
                    _say(line)
                done = not unknown and _publish(files, built)
    except Timeout:
        raise InputError(f"output {output}: another process builds there; wait for it") from None
    except OSError as error:
        reason = f"{error.strerror}: {error.filename}" if error.strerror else error
        raise InputError(f"output {output}: cannot be built there ({reason})") from None
    if done and stale:
        command = ["python", "-m", "irnn", "book"]
        command += ["--parameters", str(parameters)] if parameters else []
        command += ["--output", str(output)] if output != Path() else []
        _say(
            f"{stale} of {len(kept)} notebooks that were kept come from other code, parameters, "
            f"runs or packages; execute them anew with: {shlex.join(command)}"
        )
    if done:
        print(one_line(f"the site is {built / 'html' / 'index.html'}"))
    else:
        _say(f"{built / 'html'} is as it was before this build")
    return 0 if done else 1


def _say(text: str) -> None:
    print(f"irnn: {one_line(text)}", file=sys.stderr)


class Loader(yaml.SafeLoader):
    """A YAML loader that does not take the last of two values for one name."""

    def construct_mapping(self, node, deep=False):
        """Raise a `YAMLError` for a name that comes twice."""
        names = [key.value for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"{name} has two values")
        return super().construct_mapping(node, deep)


def _checked(parameters: Path, chapters: list[Path], built: Path) -> dict[str, Any]:
    """Return what a file of parameters gives. Raises `InputError` for what cannot be."""
    try:
        values = yaml.load(parameters.read_text(encoding="utf-8"), Loader)
    except OSError as error:
        raise InputError(f"parameters {parameters}: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"parameters {parameters}: not YAML ({reason})") from None
    if not isinstance(values, dict):
        raise InputError(f"parameters {parameters}: one `name: value` a line is expected")
    known = dict.fromkeys(name for chapter in chapters for name in _parameters(chapter))
    for name in values:
        one_of("parameter", name, known)
    runs_dir = values.get("runs_dir")
    if isinstance(runs_dir, str) and runs_dir:
        store = user_path("runs_dir", runs_dir)
        if store.resolve().is_relative_to(built.resolve()):
            raise InputError(f"runs_dir {store}: the next build removes it; name another folder")
    return values


def _parameters(notebook: Path) -> list[str]:
    """Return the names of the parameters that a notebook has."""
    return list(papermill.inspect_notebook(str(notebook)))


def _outlook(notebooks: list[Path], values: dict[str, Any]) -> str:
    """Return how many runs the chapters will train in a store, and how long that takes.

    Raises `InputError` for values that cannot be.
    """
    known = experiments()
    plans = []
    for name in sorted({path.stem for path in notebooks} & known.keys()):
        declared = known[name].PARAMETERS
        if values.get("runs_dir") or not declared["train"].default:  # else not in a store to keep
            own = {k: v for k, v in values.items() if k in of_experiment(declared)}
            plans.append(experiment(known[name], **own))
    return outlook(planned(*plans), Store(values.get("runs_dir")), Resources())


# --- chapters ---------------------------------------------------------------------------


def _executed(
    chapters: list[Path], values: dict[str, Any], built: Path, again: bool
) -> dict[Path, bytes] | None:
    """Return the executed notebooks by their paths in the book, None where one failed.

    What was executed before and still holds is not executed; with `again`, it is.
    """
    new = built / "new"
    shutil.rmtree(new, ignore_errors=True)
    sources = {chapter.relative_to(ROOT): reuse.read(chapter) for chapter in chapters}
    digests = reuse.digests(sources, values)
    where = {name: built / "executed" / name for name in sources}
    todo = [name for name in sources if again or not reuse.holds(where[name], digests[name])]
    for name in todo:
        where[name] = new / name
        where[name].parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(sources[name], where[name])  # what is executed is what has this digest
    if len(todo) < len(sources):
        print(f"{len(sources) - len(todo)} of {len(sources)} notebooks need no execution")
    if not _execute([where[name] for name in todo], values, new):
        _say(f"what was executed is in {new}")
        return None
    pages = {
        name: reuse.merged(source, reuse.read(where[name]), digests[name]).encode()
        for name, source in sources.items()
    }
    shutil.rmtree(new, ignore_errors=True)
    return pages


def _stale(kept: list[Path], values: dict[str, Any], built: Path) -> int:
    """Return how many executed notebooks a build of the whole book would execute anew."""
    digests = reuse.digests({name: reuse.read(ROOT / name) for name in kept}, values)
    return sum(not reuse.holds(built / "executed" / name, digests[name]) for name in kept)


def _execute(notebooks: list[Path], values: dict[str, Any], folder: Path) -> bool:
    """Execute notebooks of a folder in place, some at a time; tell whether all succeeded.

    One more than train side by side, since a notebook waits for its kernel to start and to end.
    """
    failures = []
    at_a_time = Resources().at_a_time(len(notebooks)) + 1
    stop = threading.Event()
    with (
        tqdm(total=len(notebooks), desc="notebooks", disable=None if notebooks else True) as bar,
        ThreadPoolExecutor(at_a_time) as pool,
    ):
        waiting = {pool.submit(_run, path, values, stop): path for path in notebooks}
        try:
            for future in as_completed(waiting):
                name, (failure, seconds) = waiting[future].relative_to(folder), future.result()
                if failure:
                    failures.append(f"{name}: {failure}")
                bar.write(f"{name}: {'failed' if failure else f'{seconds:.0f} s'}", sys.stderr)
                bar.update()
        except KeyboardInterrupt:
            stop.set()  # SIGTERM and a Ctrl-C that is not a terminal's reach this process alone
            pool.shutdown(cancel_futures=True)
            raise
    for failure in failures:
        _say(failure)
    return not failures


def _run(path: Path, values: dict[str, Any], stop: threading.Event) -> tuple[str, float]:
    """Execute a notebook with those values that are its parameters.

    Returns what it failed with, if anything, and the seconds it took.
    A relative path in its parameters is relative to the current folder. When `stop` is set,
    papermill and its kernel are ended.
    """
    start = time.perf_counter()
    command = [sys.executable, "-m", "papermill", path, path, "--cwd", Path.cwd()]
    command += ["--start-timeout", "300"]  # a kernel's first start reads much from a cold disk
    command += ["--no-request-save-on-cell-execute", "--no-progress-bar"]  # saved at the end
    own = {name: values[name] for name in _parameters(path) if name in values} if values else {}
    command += ["-y", yaml.safe_dump(own)] if own else []
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, text=True) as process,
    ):
        while process.poll() is None:
            if stop.wait(0.2):
                process.kill()  # its kernel ends when it sees that papermill has
        failure = ""
        if process.returncode:
            errors.seek(0)
            *_, last = ["papermill failed", *errors.read().splitlines()]
            failure = reuse.failure(path) or last
    return failure, time.perf_counter() - start


# --- pages ------------------------------------------------------------------------------


def _config() -> dict[str, Any]:
    """Return the configuration of Jupyter Book for chapters that are executed.

    Raises `InputError` where `SITE_ADDRESS`, or what stands for it in `_config.yml`, is no address.
    """
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["execute_notebooks"] = "off"
    address = os.environ.get("SITE_ADDRESS") or config["html"]["baseurl"]
    if address and not re.fullmatch(r"https?://[^/\s?#]+(/[^\s?#]*)?", address):
        raise InputError(
            f"SITE_ADDRESS {address!r}: not the address of a site, which is as "
            "https://name.example/book/; without one, pages do not name theirs"
        )
    config["html"]["baseurl"] = address and address.rstrip("/") + "/"
    return config


def _lay_out(executed: Path, pages: dict[Path, bytes], config: dict[str, Any]) -> dict[Path, bytes]:
    """Make a folder hold what Jupyter Book needs, and return all that: the pages and the rest.

    A file that is the same stays untouched, since Sphinx reads again what is newer.
    """
    files = dict(pages)
    for path in (ROOT / "book").rglob("*"):
        name = path.relative_to(ROOT)
        if path.is_file() and not NOT_COPIED & {path.suffix, *name.parts}:
            files[name] = path.read_bytes()
    files[Path("_toc.yml")] = (ROOT / "_toc.yml").read_bytes()
    files[Path("_config.yml")] = yaml.safe_dump(config, sort_keys=False).encode()
    for path in executed.rglob("*"):
        if path.is_file() and path.relative_to(executed) not in files:
            path.unlink()
    for name, content in files.items():
        path = executed / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole(path) as file:
                file.write(content)
    return files


def _unknown_numbers(pages: dict[Path, bytes]) -> list[str]:
    """Return a line for each number that executed notebooks show and do not compute.

    Sphinx would name a line that is neither the notebook's nor the cell's.
    """
    found = []
    for name, page in pages.items():
        cells = nbformat.reads(page.decode(), as_version=4).cells
        kept = [output.get("metadata", {}) for c in cells for output in c.get("outputs", [])]
        known = [metadata["scrapbook"]["name"] for metadata in kept if "scrapbook" in metadata]
        for cell in cells:
            if cell.cell_type == "markdown":
                for number in dict.fromkeys(NUMBER.findall(cell.source)):
                    try:
                        one_of("number", number, known)
                    except InputError as error:
                        found.append(f"{name} [{cell.id}]: {error}")
    return found


def _publish(files: dict[Path, bytes], built: Path) -> bool:
    """Render the files in `executed` where they changed; tell whether there was no warning.

    A note beside what was rendered says on what the last build without a warning was made.
    Without it Jupyter Book starts anew, for Sphinx says only once what is wrong with a page.
    Likewise where anything but a page changed: Sphinx does not see all of that.
    """
    rendered, note = built / "rendered", built / "rendered" / "made-of.json"
    hashes = {str(name): hashlib.sha256(content).hexdigest() for name, content in files.items()}
    pages = {name: hashes.pop(name) for name in list(hashes) if name.endswith((".ipynb", ".md"))}
    origin = str(colophon.origin())  # stands on every page
    now = [
        reuse.digest([hashes, reuse.environment(), sorted(pages)]),
        reuse.digest([pages, origin]),
    ]
    try:
        before = json.loads(note.read_text())
    except (OSError, ValueError):
        before = [None, None]
    if before == now and (built / "html").is_dir():
        return True
    if before[0] != now[0]:
        shutil.rmtree(rendered, ignore_errors=True)
    rendered.mkdir(exist_ok=True)
    note.unlink(missing_ok=True)
    if not _render(built / "executed", rendered):
        return False
    shutil.rmtree(built / "html.new", ignore_errors=True)
    shutil.copytree(rendered / "_build" / "html", built / "html.new")
    _replace(built / "html", built / "html.new")
    note.write_text(json.dumps(now))
    return True


def _render(executed: Path, output: Path) -> bool:
    """Have Jupyter Book render a folder; tell whether it did without a warning.

    The site goes to `_build/html` in `output`.
    """
    program = "from jupyter_book.cli.main import main; main()"
    options = ["--path-output", output, "-W", "-n", "--keep-going", "--quiet"]
    command = [sys.executable, "-c", program, "build", executed, *options]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        print(done.stdout, file=sys.stderr)
    return done.returncode == 0


def _replace(old: Path, new: Path) -> None:
    """Put a new folder in an old one's place."""
    aside = old.with_name(f"{old.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if old.exists():
        old.rename(aside)
    new.rename(old)
    shutil.rmtree(aside, ignore_errors=True)
