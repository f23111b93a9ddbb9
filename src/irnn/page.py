"""What a chapter's notebook needs: its parameters checked, its runs, code and numbers shown."""

import ast
import html
import os
import shlex
import textwrap
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from IPython import get_ipython
from IPython.display import HTML, Markdown, display
from myst_nb import glue

from irnn import chapters, data, handwriting, measurements, parameters
from irnn.chapters import claims
from irnn.errors import Unavailable, one_of
from irnn.show.words import SHARED
from irnn.store import Run, Store
from irnn.training import session
from irnn.training.plan import Experiment

OTHER_PARAMETERS = {
    "en": (
        "Other parameters",
        "This page was executed with other parameters ({changed}) than the published one. "
        "Its figures and numbers are those of the runs asked for, but for measurements of speed "
        "and for what was measured in trained networks, or is read by them, which is as "
        "published; the text around them was written about the published runs.",
    ),
    "ja": (
        "パラメーターの変更",
        "このページは、公開版と異なるパラメーター（{changed}）で実行したものである。"
        "図と数値は指定したランのものである。ただし、計算時間の測定と、学習済みのネットワークで"
        "測った結果や読み取りの様子は公開版のままで、本文も公開版のランについて書いてある。",
    ),
}
NO_MNIST = {
    "en": "The digits on this page were drawn for this book in MNIST's format, as MNIST could not "
    "be downloaded when the page was built. The learning curves are those of MNIST.",
    "ja": "このページの数字の画像は、生成時に MNIST を取得できなかったため、本書のために MNIST の"
    "形式で描いたものである。学習曲線は MNIST のものである。",
}


def _admonition(notice: dict[str, tuple[str, str]], language: str, **values: str) -> None:
    """Show a notice in the page's language, as Sphinx shows an admonition."""
    title, text = (html.escape(part.format(**values)) for part in notice[language])
    display(
        HTML(
            f'<div class="admonition warning"><p class="admonition-title">{title}</p>'
            f"<p>{text}</p></div>"
        )
    )


_checked = []  # filled when this notebook's parameters were found to be known
_figures = []  # the names of its figures, in the order of their numbers


def experiment(chapter: ModuleType, values: dict) -> Experiment:
    """Return a chapter's experiment for its parameters.

    Shows a notice where they are not the published ones.

    Args:
        chapter: The chapter's module.
        values: The notebook's `globals()`.

    Raises:
        InputError: For a parameter that the chapter does not have, and for a value that is
            unknown or out of range.

    """
    _check(chapter, values)
    declared = parameters.of_experiment(chapter.PARAMETERS)
    result = chapters.experiment(chapter, **{key: values[key] for key in declared})
    _tell(_changed(chapter, values), values["language"])
    return result


def runs(chapter: ModuleType, values: dict) -> dict[str, list[Run]]:
    """Return the runs of a chapter's experiment by curve, trained first if `train` is set.

    Arguments and errors as in `experiment`; also `MissingRuns` and what training raises.
    """
    chosen = experiment(chapter, values)
    options = _changed(chapter, values)
    if values["runs_dir"]:
        options["runs-dir"] = values["runs_dir"]
    words = [word for key, v in options.items() for word in (f"--{key.replace('_', '-')}", str(v))]
    command = shlex.join(["python", "-m", "irnn", "train", chapters.name(chapter), *words])
    return session.obtain(chosen, Store(values["runs_dir"]), values["train"], command)


def measured(
    chapter: ModuleType, values: dict
) -> tuple[list[measurements.Speed], list[measurements.Jobs], list[measurements.GPU]]:
    """Return the measurements of speed.

    Raises `InputError` for a parameter that cannot be, and for measurements that are missing.
    """
    _check(chapter, values)
    return tuple(map(measurements.read, (measurements.Speed, measurements.Jobs, measurements.GPU)))


def recorded(chapter: ModuleType, values: dict) -> list[Run]:
    """Return all runs of the store.

    Raises `InputError` for a parameter that cannot be, a store that is not there, and a record
    that is damaged.
    """
    _check(chapter, values)
    found, errors = _store(values).runs()
    for error in errors:
        raise error
    return found


def ledger(chapter: ModuleType, values: dict) -> list[claims.Entry]:
    """Return the ledger's entries for a chapter's parameters.

    Errors as in `experiment`, and for a store that is not there.
    """
    _check(chapter, values)
    changed = _changed(chapter, values)
    return claims.ledger(_store(values), values["language"], chapter, **changed)


def notice(chapter: ModuleType, values: dict) -> None:
    """Show a notice where the chapter's parameters are not the published ones."""
    _check(chapter, values)
    _tell(_changed(chapter, values), values["language"])


def _store(values: dict) -> Store:
    """Return the page's store. Raises `InputError` where it is not there."""
    store = Store(values["runs_dir"])
    store.must_exist("the parameter runs_dir")
    return store


def figure(chapter: ModuleType, values: dict, name: str, *shown) -> HTML | None:
    """Return a figure with its number, its caption and what makes it again.

    None, where the function that draws it has no runs for that; the prose then says so.

    The figures of a page are numbered in the order in which they are shown. In the prose,
    {glue:}`figure-NAME` becomes a link to one, "Figure 1"; in NAME, hyphens stand for
    underscores.

    Args:
        chapter: The chapter's module.
        values: The notebook's `globals()`.
        name: The chapter's function that draws the figure, and the key of its caption.
        shown: What the function draws, its arguments before the language.

    """
    language = values["language"]
    picture = getattr(chapter, name)(*shown, language)
    target = f"figure-{name.replace('_', '-')}"
    if picture is None:
        glue(target, HTML(SHARED[language]["no figure"]), display=False)
        return None
    if name not in _figures:  # a cell may be run again
        _figures.append(name)
    label = SHARED[language]["figure"].format(number=_figures.index(name) + 1)
    glue(target, HTML(f'<a href="#{target}">{label}</a>'), display=False)
    caption = f"<b>{label}</b> {html.escape(chapter.CAPTIONS[name][language])}"
    measure = dict.fromkeys(row.command for row in picture.measured)
    return HTML(picture.html(target, caption, [*measure, _papermill(chapter, values)]))


def overview(chapter: ModuleType, values: dict, name: str, *shown) -> None:
    """Make the page's answer and a small figure available to the root page, as `overview`.

    Arguments as in `figure`; the chapter's numbers have an `answer` and a `finding`.
    """
    picture = getattr(chapter, name)(*shown, values["language"])
    said = chapter.numbers(*shown, values["language"])
    answer, finding = (html.escape(said[key]) for key in ("answer", "finding"))
    alt, drawing = html.escape(picture.alt), picture.svg(wide=False)
    text = f'<p><b>{answer}</b> {finding}</p><div role="img" aria-label="{alt}">{drawing}</div>'
    glue("overview", HTML(text), display=False)


def _papermill(chapter: ModuleType, values: dict) -> str:
    """Return the command that executes this page with its parameters."""
    name = chapter.__name__.rpartition(".")[2].replace("_", "-")
    words = ["papermill", f"book/{values['language']}/{name}.ipynb", "out.ipynb"]
    for key, parameter in chapter.PARAMETERS.items():
        if key != "language" and not parameter.is_default(values[key]):
            words += ["-p", key, str(values[key])]
    if values.get("train"):
        words.append("--log-output")  # shows the progress of training
    return shlex.join(words)


def _changed(chapter: ModuleType, values: dict) -> dict:
    """Return the experiment's parameters that are not the published ones."""
    declared = parameters.of_experiment(chapter.PARAMETERS)
    return {k: values[k] for k, p in declared.items() if not p.is_default(values[k])}


def _tell(changed: dict, language: str) -> None:
    """Show a notice where parameters are not the published ones."""
    if changed:
        names = ", ".join(f"{key} = {value!r}" for key, value in changed.items())
        _admonition(OTHER_PARAMETERS, language, changed=names)


def _check(chapter: ModuleType, values: dict) -> None:
    """Raise `InputError` for a value that cannot be and for an unknown parameter.

    The latter once, by what the cells before this one assign: they are those of parameters, the
    notebook's and papermill's. Later the notebook has variables of its own.
    """
    shell = get_ipython()
    if shell and not _checked:
        for cell in shell.history_manager.input_hist_parsed[1:-1]:
            with suppress(SyntaxError):  # a cell that did nothing
                for node in ast.walk(ast.parse(cell)):
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        one_of("parameter", node.id, chapter.PARAMETERS)
        _checked.append(True)
    parameters.check(chapter.PARAMETERS, values)


def source(module: str, name: str) -> Markdown:
    """Return the source of a function, class or method (`CLASS.METHOD`) of this package.

    It is read from the file, so that showing a network does not import Keras.
    """
    text = Path(find_spec(f"irnn.{module}").origin).read_text(encoding="utf-8")
    node = ast.parse(text)
    for part in name.split("."):
        (node,) = [inner for inner in node.body if getattr(inner, "name", None) == part]
    first = min([node.lineno, *(line.lineno for line in node.decorator_list)])
    lines = text.splitlines()[first - 1 : node.end_lineno]
    return Markdown("```python\n" + textwrap.dedent("\n".join(lines)) + "\n```")


def images(dataset: str, language: str) -> data.Data:
    """Return a dataset's images, for a picture of one.

    Where MNIST cannot be downloaded, they are digits of our own, and a note says so. Raises
    `Unavailable` where `MNIST_NPZ` names a file that cannot be used.
    """
    try:
        return data.load_images(dataset)
    except Unavailable:
        if os.environ.get("MNIST_NPZ"):
            raise
    display(HTML(f'<p class="irnn-note">{html.escape(NO_MNIST[language])}</p>'))
    own, labels = handwriting.digits()
    return data.Data(own, labels, own, labels)


def numbers(values: dict[str, str | int]) -> None:
    """Make numbers available to the prose, as {glue:text}`name`."""
    for name, value in values.items():
        glue(name, value, display=False)
