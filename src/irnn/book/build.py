"""Builds the site: papermill executes every chapter, then Jupyter Book renders the result."""

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat
import papermill
import yaml
from tqdm import tqdm

from irnn.errors import InputError, one_of

ROOT = Path(__file__).parents[3]
AT_A_TIME = 2
NOT_COPIED = shutil.ignore_patterns("*.ipynb", "runs", "__pycache__", ".ipynb_checkpoints")


def build(names: Sequence[str] = (), parameters: Path | None = None, output: Path = Path()) -> int:
    """Execute chapters in both languages and render the site.

    Args:
        names: The chapters to execute; the others stay as they were executed before.
            Without names, all are executed.
        parameters: A YAML file of parameters for each of them.
        output: Executed notebooks go to `_build/executed` in it, the site to `_build/html`.

    Returns:
        The exit code: 1 where a chapter failed or Sphinx warned.

    Raises:
        InputError: For an unknown chapter, a chapter that was never executed, an output that
            cannot be written, and a file of parameters that cannot be read or names a
            parameter that a chapter does not have.

    """
    chapters = sorted(ROOT.glob("book/*/*.ipynb"))
    for name in names:
        one_of("chapter", name, sorted({chapter.stem for chapter in chapters}))
    chosen = [chapter for chapter in chapters if not names or chapter.stem in names]
    if parameters:
        _check(parameters, chosen)
    executed = output / "_build" / "executed"
    for chapter in set(chapters) - set(chosen):
        if not (executed / chapter.relative_to(ROOT)).exists():
            raise InputError(
                f"chapter {chapter.stem} was not executed into {executed} before; "
                "build the whole book once: python -m irnn book"
            )
    try:
        _lay_out(executed, anew=not names)
    except OSError as error:
        raise InputError(f"output {output}: cannot be written ({error.strerror})") from None
    if not _execute(chosen, parameters, executed):
        return 1
    return 0 if _render(executed, output) else 1


def _check(parameters: Path, chapters: list[Path]) -> None:
    try:
        values = yaml.safe_load(parameters.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"parameters {parameters}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"parameters {parameters}: not YAML ({reason})") from None
    if not isinstance(values, dict):
        raise InputError(f"parameters {parameters}: one `name: value` a line is expected")
    for chapter in chapters:
        known = papermill.inspect_notebook(str(chapter))
        for name in values:
            one_of("parameter", name, known)


def _lay_out(executed: Path, anew: bool) -> None:
    """Put all that Jupyter Book needs, but for the chapters, beside where they will be."""
    if anew:
        shutil.rmtree(executed, ignore_errors=True)
    shutil.copytree(ROOT / "book", executed / "book", ignore=NOT_COPIED, dirs_exist_ok=True)
    shutil.copy(ROOT / "_toc.yml", executed)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["execute_notebooks"] = "off"
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    (executed / "_config.yml").write_text(text, encoding="utf-8")


def _execute(chapters: list[Path], parameters: Path | None, executed: Path) -> bool:
    """Execute the chapters, some at a time; tell whether all succeeded."""
    failures = []
    with (
        tqdm(total=len(chapters), desc="chapters", disable=None) as bar,
        ThreadPoolExecutor(AT_A_TIME) as pool,
    ):
        waiting = {pool.submit(_run, c, parameters, executed): c for c in chapters}
        try:
            for future in as_completed(waiting):
                name, (failure, seconds) = waiting[future].relative_to(ROOT), future.result()
                if failure:
                    failures.append(f"{name}: {failure}")
                bar.write(f"{name}: {'failed' if failure else f'{seconds:.0f} s'}", sys.stderr)
                bar.update()
        except KeyboardInterrupt:  # it ends the papermills under way, too
            pool.shutdown(cancel_futures=True)
            raise
    for failure in failures:
        print(f"irnn: {failure}", file=sys.stderr)
    return not failures


def _run(chapter: Path, parameters: Path | None, executed: Path) -> tuple[str, float]:
    """Execute a chapter; return what it failed with, if anything, and the seconds it took."""
    start = time.perf_counter()
    target = executed / chapter.relative_to(ROOT)
    command = [sys.executable, "-m", "papermill", chapter, target, "--cwd", executed]
    command += ["-f", parameters] if parameters else []
    done = subprocess.run(
        [*command, "--no-progress-bar"], capture_output=True, text=True, check=False
    )
    failure = _failure(target, done.stderr) if done.returncode else ""
    return failure, time.perf_counter() - start


def _failure(executed: Path, errors: str) -> str:
    """Return in one line what a notebook failed with."""
    if executed.exists():
        for cell in nbformat.read(executed, as_version=4).cells:
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    return f"{output.ename}: {output.evalue}"
    return (errors.strip().splitlines() or ["papermill failed"])[-1]


def _render(executed: Path, output: Path) -> bool:
    """Have Jupyter Book render the executed chapters; tell whether it did without a warning."""
    program = "from jupyter_book.cli.main import main; main()"
    options = ["--path-output", output, "--all", "-W", "-n", "--keep-going", "--quiet"]
    command = [sys.executable, "-c", program, "build", executed, *options]
    return subprocess.run(command, check=False).returncode == 0
