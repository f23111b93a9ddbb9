"""What a chapter's notebook needs: its parameters checked, its runs, code and numbers shown."""

import ast
import html
import inspect
import os
import textwrap
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
from IPython import get_ipython
from IPython.display import HTML, Markdown, display
from myst_nb import glue

from irnn import data, figures, measurements
from irnn.errors import InputError, one_of
from irnn.experiments import EXPERIMENTS
from irnn.store import Run, Store
from irnn.training import session
from irnn.training.plan import Experiment

LANGUAGES = ("en", "ja")

OTHER_PARAMETERS = {
    "en": (
        "Other parameters",
        "This page was executed with other parameters ({changed}) than the published one. "
        "Its figures and numbers are those of the runs asked for; the text around them was "
        "written about the published runs.",
    ),
    "ja": (
        "パラメーターの変更",
        "このページは、公開版と異なるパラメーター（{changed}）で実行したものである。"
        "図と数値は指定した実行のものだが、本文は公開版の実行について書いてある。",
    ),
}
NO_MNIST = {
    "en": (
        "Not MNIST",
        "MNIST could not be had when this page was built, so the picture shows an image of "
        "8 × 8 pixels from scikit-learn's digits. The learning curves are those of MNIST.",
    ),
    "ja": (
        "MNIST ではない画像",
        "このページの生成時に MNIST を取得できなかったため、次の図には scikit-learn の digits "
        "にある 8 × 8 画素の画像を示す。学習曲線は MNIST のものである。",
    ),
}


def _notice(notice: dict[str, tuple[str, str]], language: str, **values: str) -> None:
    """Show a notice in the page's language, as Sphinx shows an admonition."""
    title, text = (html.escape(part.format(**values)) for part in notice[language])
    display(
        HTML(
            f'<div class="admonition warning"><p class="admonition-title">{title}</p>'
            f"<p>{text}</p></div>"
        )
    )


_checked = []  # filled when this notebook's parameters were found to be known


def experiment(name: str, parameters: dict) -> Experiment:
    """Return a chapter's experiment for its parameters.

    Shows a notice where they are not the published ones.

    Args:
        name: The experiment, a key of `EXPERIMENTS`.
        parameters: The notebook's `globals()`.

    Raises:
        InputError: For a parameter that no chapter has, and for a value that is unknown or
            out of range.

    """
    _check(name, parameters)
    result = EXPERIMENTS[name](**{key: parameters[key] for key in _defaults(name)})
    changed = [f"{key} = {value!r}" for key, value in _changed(name, parameters).items()]
    if changed:
        _notice(OTHER_PARAMETERS, parameters["language"], changed=", ".join(changed))
    return result


def runs(name: str, parameters: dict) -> dict[str, list[Run]]:
    """Return the runs of a chapter's experiment by curve, trained first if `train` is set.

    Arguments and errors as in `experiment`; also `MissingRuns` and what training raises.
    """
    chosen = experiment(name, parameters)
    options = _changed(name, parameters)
    if parameters["runs_dir"]:
        options["runs-dir"] = parameters["runs_dir"]
    words = [f"--{key.replace('_', '-')} {value}" for key, value in options.items()]
    command = " ".join(["python -m irnn train", name, *words])
    return session.obtain(chosen, Store(parameters["runs_dir"]), parameters["train"], command)


def measured(parameters: dict) -> tuple[list[measurements.Speed], list[measurements.Jobs]]:
    """Return the measurements of speed, which of a chapter's parameters only `language` regards.

    Raises `InputError` for an unknown parameter, and for measurements that are missing.
    """
    _check("irnn-vs-lstm", parameters)
    return measurements.read(measurements.Speed), measurements.read(measurements.Jobs)


def _defaults(name: str) -> dict:
    return {k: p.default for k, p in inspect.signature(EXPERIMENTS[name]).parameters.items()}


def _changed(name: str, parameters: dict) -> dict:
    """Return the experiment's parameters that are not the published ones."""
    return {k: parameters[k] for k, v in _defaults(name).items() if parameters[k] != v}


def _check(name: str, parameters: dict) -> None:
    """Raise `InputError` for an unknown parameter, but only where no other cell has run yet.

    Then every variable is a parameter; later the notebook has variables of its own.
    """
    known = [*_defaults(name), "language", "train", "runs_dir"]
    shell = get_ipython()
    if shell and not _checked:
        for key, value in parameters.items():
            ours = isinstance(value, ModuleType) or callable(value) or key.startswith("_")
            if not ours and key not in shell.user_ns_hidden:
                one_of("parameter", key, known)
        _checked.append(True)
    one_of("language", parameters["language"], LANGUAGES)
    one_of("value of train", parameters["train"], (True, False))
    if not isinstance(parameters["runs_dir"], str):
        raise InputError(f"runs_dir is {parameters['runs_dir']!r}; it must be a folder's path")


def source(module: str, name: str) -> Markdown:
    """Return the source of a function, class or method (`CLASS.METHOD`) of this package.

    It is read from the file, so that showing a network does not import Keras.
    """
    text = Path(find_spec(f"irnn.{module}").origin).read_text(encoding="utf-8")
    node = ast.parse(text)
    for part in name.split("."):
        (node,) = [inner for inner in node.body if getattr(inner, "name", None) == part]
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    return Markdown("```python\n" + textwrap.dedent("\n".join(lines)) + "\n```")


def digit(dataset: str, language: str, alt: str) -> figures.Picture:
    """Return the picture of a five as an image and as a sequence.

    Where MNIST cannot be downloaded, it is a five of `digits`, and a notice says so. Raises
    `InputError` where `MNIST_NPZ` names a file that cannot be used.
    """
    try:
        images = data.load_images(dataset)
    except InputError:
        if os.environ.get("MNIST_NPZ"):
            raise
        _notice(NO_MNIST, language)
        images = data.load_images("digits")
    first = int(np.flatnonzero(images.y_train == 5)[0])
    return figures.digit(images.x_train[first], 5, language, alt)


def numbers(**values: str | int | float) -> None:
    """Make numbers available to the prose, as {glue:text}`name`."""
    for name, value in values.items():
        glue(name, value, display=False)


def listed(rows: Iterable, column: str) -> str:
    """Return the values that a column of measurements has, each once."""
    return ", ".join(dict.fromkeys(str(getattr(row, column)) for row in rows))


def percent(runs: list[Run], language: str, epoch: int = -1) -> str:
    """Return the mean test accuracy over the seeds, with its extent: "52.0% (48.1–55.9%)"."""
    values = 100 * np.array([run["val_accuracy"][epoch] for run in runs])
    mean, low, high = (f"{value:.1f}" for value in (values.mean(), values.min(), values.max()))
    if len(runs) == 1:
        return f"{mean}%"
    return f"{mean}%（{low}～{high}%）" if language == "ja" else f"{mean}% ({low}–{high}%)"


def spread(runs: list[Run], epoch: int = -1) -> str:
    """Return how far the test accuracies of the seeds are apart, in percentage points."""
    values = 100 * np.array([run["val_accuracy"][epoch] for run in runs])
    return f"{values.max() - values.min():.1f}"


def mean(runs: list[Run], metric: str, epoch: int = -1) -> str:
    """Return the mean of a metric over the seeds, to two significant digits."""
    value = np.mean([run[metric][epoch] for run in runs])
    return f"{float(f'{value:.2g}'):,.10g}"
