"""Builds the site: papermill executes every chapter, then Jupyter Book renders the result."""

import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat
import papermill
import yaml
from tqdm import tqdm

from irnn.errors import InputError, one_line, one_of, user_path

ROOT = Path(__file__).parents[3]
AT_A_TIME = 2
NOT_COPIED = shutil.ignore_patterns("*.ipynb", "runs", "__pycache__", ".ipynb_checkpoints")


def build(names: Sequence[str] = (), parameters: Path | None = None, output: Path = Path()) -> int:
    """Execute chapters in both languages and render the site.

    All is built in a folder of its own. It takes the place of the previous build when chapters
    and site are done without a failure or a warning; otherwise that stays as it was.

    Args:
        names: The chapters to execute; the others stay as they were executed before.
            Without names, all are executed.
        parameters: A YAML file of parameters for each of them. What paths in it are relative
            to is the current folder.
        output: Executed notebooks go to `_build/executed` in it, the site to `_build/html`.

    Returns:
        The exit code: 1 where a chapter failed or Sphinx warned.

    Raises:
        InputError: For an unknown chapter, a chapter that was not executed before without a
            failure, an output that cannot be written or lies in the chapters' folder, and a
            file of parameters that cannot be read, names a parameter that a chapter does not
            have, or a store that a build would remove.

    """
    chapters = sorted(ROOT.glob("book/*/*.ipynb"))
    for name in names:
        one_of("chapter", name, sorted({chapter.stem for chapter in chapters}))
    chosen = [chapter for chapter in chapters if not names or chapter.stem in names]
    built = user_path("output", output).absolute() / "_build"
    if built.resolve().is_relative_to(ROOT / "book"):
        raise InputError(f"output {output}: it lies in the book's own folder; name another one")
    if parameters:
        parameters = user_path("parameters", parameters)
        _check(parameters, chosen, built)
    kept = [chapter.relative_to(ROOT) for chapter in chapters if chapter not in chosen]
    for chapter in kept:
        path = built / "executed" / chapter
        if not path.exists() or _failure(path):
            raise InputError(
                f"chapter {chapter.stem} was not executed into {built / 'executed'} before; "
                "build the whole book once: python -m irnn book"
            )
    new = built / "new"
    try:
        _lay_out(new / "executed", built / "executed", kept)
        done = _execute(chosen, parameters, new / "executed") and _render(new / "executed", new)
        if done:
            _replace(built / "executed", new / "executed")
            _replace(built / "html", new / "_build" / "html")
            shutil.rmtree(new)
            print(f"the site is {built / 'html' / 'index.html'}")
    except OSError as error:
        raise InputError(f"output {output}: cannot be written ({error.strerror})") from None
    if not done:
        print(f"irnn: this build stays in {new}; what was in {built} is unchanged", file=sys.stderr)
    return 0 if done else 1


def _replace(old: Path, new: Path) -> None:
    """Put a new folder in an old one's place."""
    aside = old.with_name(f"{old.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if old.exists():
        old.rename(aside)
    new.rename(old)
    shutil.rmtree(aside, ignore_errors=True)


class Loader(yaml.SafeLoader):
    """A YAML loader that does not take the last of two values for one name."""

    def construct_mapping(self, node, deep=False):
        """Raise a `YAMLError` for a name that comes twice."""
        names = [key.value for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"{name} has two values")
        return super().construct_mapping(node, deep)


def _check(parameters: Path, chapters: list[Path], built: Path) -> None:
    try:
        values = yaml.load(parameters.read_text(encoding="utf-8"), Loader)
    except OSError as error:
        raise InputError(f"parameters {parameters}: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"parameters {parameters}: not YAML ({reason})") from None
    if not isinstance(values, dict):
        raise InputError(f"parameters {parameters}: one `name: value` a line is expected")
    for chapter in chapters:
        known = papermill.inspect_notebook(str(chapter))
        for name in values:
            one_of("parameter", name, known)
    runs_dir = values.get("runs_dir")
    if isinstance(runs_dir, str) and runs_dir:
        store = user_path("runs_dir", runs_dir)
        if store.resolve().is_relative_to(built.resolve()):
            raise InputError(f"runs_dir {store}: the next build removes it; name another folder")


def _lay_out(executed: Path, before: Path, kept: list[Path]) -> None:
    """Put all that Jupyter Book needs, but for the chapters to execute, where they will be."""
    shutil.rmtree(executed.parent, ignore_errors=True)
    for chapter in kept:
        (executed / chapter).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(before / chapter, executed / chapter)
    shutil.copytree(ROOT / "book", executed / "book", ignore=NOT_COPIED, dirs_exist_ok=True)
    shutil.copy(ROOT / "_toc.yml", executed)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["execute_notebooks"] = "off"
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    (executed / "_config.yml").write_text(text, encoding="utf-8")


def _execute(chapters: list[Path], parameters: Path | None, executed: Path) -> bool:
    """Execute the chapters, some at a time; tell whether all succeeded."""
    failures = []
    stop = threading.Event()
    with (
        tqdm(total=len(chapters), desc="chapters", disable=None) as bar,
        ThreadPoolExecutor(AT_A_TIME) as pool,
    ):
        waiting = {pool.submit(_run, c, parameters, executed, stop): c for c in chapters}
        try:
            for future in as_completed(waiting):
                name, (failure, seconds) = waiting[future].relative_to(ROOT), future.result()
                if failure:
                    failures.append(f"{name}: {failure}")
                bar.write(f"{name}: {'failed' if failure else f'{seconds:.0f} s'}", sys.stderr)
                bar.update()
        except KeyboardInterrupt:
            stop.set()  # SIGTERM and a Ctrl-C that is not a terminal's reach this process alone
            pool.shutdown(cancel_futures=True)
            raise
    for failure in failures:
        print(f"irnn: {one_line(failure)}", file=sys.stderr)
    return not failures


def _run(
    chapter: Path, parameters: Path | None, executed: Path, stop: threading.Event
) -> tuple[str, float]:
    """Execute a chapter; return what it failed with, if anything, and the seconds it took.

    A relative path in its parameters is relative to the current folder. When `stop` is set,
    papermill and its kernel are ended.
    """
    start = time.perf_counter()
    target = executed / chapter.relative_to(ROOT)
    command = [sys.executable, "-m", "papermill", chapter, target, "--cwd", Path.cwd()]
    command += ["-f", parameters] if parameters else []
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            [*command, "--no-progress-bar"], stdout=subprocess.DEVNULL, stderr=errors, text=True
        ) as process,
    ):
        while process.poll() is None:
            if stop.wait(0.2):
                process.kill()  # its kernel ends when it sees that papermill has
        failure = ""
        if process.returncode:
            errors.seek(0)
            *_, last = ["papermill failed", *errors.read().splitlines()]
            failure = (_failure(target) if target.exists() else "") or last
    return failure, time.perf_counter() - start


def _failure(executed: Path) -> str:
    """Return in one line what a notebook failed with, "" if it did not."""
    try:
        cells = nbformat.read(executed, as_version=4).cells
    except (ValueError, nbformat.ValidationError) as error:
        return " ".join(f"it is not a notebook: {error}".split())
    for cell in cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return f"{output.ename}: {output.evalue}"
    return ""


def _render(executed: Path, output: Path) -> bool:
    """Have Jupyter Book render the executed chapters; tell whether it did without a warning.

    The site goes to `_build/html` in `output`.
    """
    program = "from jupyter_book.cli.main import main; main()"
    options = ["--path-output", output, "--all", "-W", "-n", "--keep-going", "--quiet"]
    command = [sys.executable, "-c", program, "build", executed, *options]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        print(done.stdout, file=sys.stderr)
    return done.returncode == 0
