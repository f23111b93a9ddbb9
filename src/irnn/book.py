"""Builds the site: papermill executes every chapter, then Jupyter Book renders the result."""

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import papermill
import yaml
from papermill.exceptions import PapermillExecutionError
from tqdm import tqdm

from irnn.errors import InputError, one_of

ROOT = Path(__file__).parents[2]
AT_A_TIME = 2


def build(parameters: Path | None = None, output: Path = Path(), workers: int = AT_A_TIME) -> int:
    """Execute every chapter in both languages and render the site.

    Executed notebooks go to `output/_build/executed`, the site to `output/_build/html`.
    Returns the exit code: 1 where a chapter failed or Sphinx warned.

    Raises `InputError` for a file of parameters that cannot be read or names a parameter
    that a chapter does not have.
    """
    values = _read(parameters) if parameters else {}
    chapters = sorted(ROOT.glob("book/*/*.ipynb"))
    for chapter in chapters:
        known = papermill.inspect_notebook(str(chapter))
        for name in values:
            one_of("parameter", name, known)
    executed = output / "_build" / "executed"
    _lay_out(executed)
    if not _execute(chapters, values, executed, workers):
        return 1
    return 0 if _render(executed, output) else 1


def _read(parameters: Path) -> dict:
    try:
        values = yaml.safe_load(parameters.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"parameters {parameters}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise InputError(
            f"parameters {parameters}: not YAML ({error})".replace("\n", " ")
        ) from None
    if not isinstance(values, dict):
        raise InputError(f"parameters {parameters}: one `name: value` a line is expected")
    return values


def _lay_out(executed: Path) -> None:
    """Put all that Jupyter Book needs, but for the chapters, into an empty folder."""
    shutil.rmtree(executed, ignore_errors=True)
    shutil.copytree(
        ROOT / "book",
        executed / "book",
        ignore=shutil.ignore_patterns("*.ipynb", "runs", "__pycache__", ".ipynb_checkpoints"),
    )
    shutil.copy(ROOT / "_toc.yml", executed)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["execute_notebooks"] = "off"
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    (executed / "_config.yml").write_text(text, encoding="utf-8")


def _execute(chapters: list[Path], values: dict, executed: Path, workers: int) -> bool:
    """Execute the chapters, some at a time; tell whether all succeeded."""
    failures = []
    with (
        ThreadPoolExecutor(workers) as pool,
        tqdm(total=len(chapters), desc="chapters", disable=None) as bar,
    ):
        waiting = {pool.submit(_run, c, values, executed): c for c in chapters}
        for future in as_completed(waiting):
            name = waiting[future].relative_to(ROOT)
            error = future.exception()
            if error is None:
                bar.write(f"{name}: {future.result():.0f} s", file=sys.stderr)
            elif isinstance(error, PapermillExecutionError):
                failures.append(f"{name}: {error.ename}: {error.evalue}")
            else:
                failures.append(f"{name}: {type(error).__name__}: {error}")
            bar.update()
    for failure in failures:
        print(f"irnn: {failure}", file=sys.stderr)
    return not failures


def _run(chapter: Path, values: dict, executed: Path) -> float:
    start = time.perf_counter()
    papermill.execute_notebook(
        chapter,
        executed / chapter.relative_to(ROOT),
        parameters=values,
        cwd=executed,
        progress_bar=False,
        extra_arguments=["--IPKernelApp.log_level=40"],  # not a warning per kernel
    )
    return time.perf_counter() - start


def _render(executed: Path, output: Path) -> bool:
    """Have Jupyter Book render the executed chapters; tell whether it did without a warning."""
    program = "from jupyter_book.cli.main import main; main()"
    options = ["--path-output", str(output), "--all", "-W", "-n", "--keep-going", "--quiet"]
    command = [sys.executable, "-c", program, "build", str(executed), *options]
    return subprocess.run(command, check=False).returncode == 0
