"""What a chapter's notebook needs: its parameters checked, its runs, code and numbers shown."""

import ast
import html
import os
import shlex
import textwrap
from contextlib import suppress
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from types import ModuleType

from IPython import get_ipython
from IPython.display import HTML, Markdown, display
from myst_nb import glue

from irnn import chapters, data, handwriting, parameters
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


class Page:
    """A chapter's page, from which its notebook has all that it shows.

    Shows a notice where the parameters are not the published ones.

    Args:
        chapter: The chapter's module.
        values: The notebook's `globals()`.

    Raises:
        InputError: For a parameter that the chapter does not have, and for a value that is
            unknown or out of range.

    """

    def __init__(self, chapter: ModuleType, values: dict) -> None:
        _check_names(chapter)
        self.chapter = chapter
        self.values = {name: values[name] for name in chapter.PARAMETERS}
        parameters.check(chapter.PARAMETERS, self.values)
        self.language = self.values.pop("language")
        self.changed = self._of_experiment(self._not_published())
        # The figures' names in the order of their numbers, which they keep in a cell run again.
        self._figures = getattr(values.get("page"), "_figures", [])
        if self.changed:
            names = ", ".join(f"{key} = {value!r}" for key, value in self.changed.items())
            title, text = OTHER_PARAMETERS[self.language]
            text = html.escape(text.format(changed=names))
            display(
                HTML(
                    f'<div class="admonition warning"><p class="admonition-title">{title}</p>'
                    f"<p>{text}</p></div>"
                )
            )

    def experiment(self) -> Experiment:
        """Return the experiment. Raises `InputError` for a value that is unknown or cannot be."""
        return chapters.experiment(self.chapter, **self._of_experiment(self.values))

    def runs(self) -> dict[str, list[Run]]:
        """Return the runs of the experiment by curve, trained first if `train` is set.

        Raises what `experiment` does; also `MissingRuns` and what training raises.
        """
        folder = self.values["runs_dir"]
        options = self.changed | ({"runs_dir": folder} if folder else {})
        words = ["python", "-m", "irnn", "train", chapters.name(self.chapter)]
        for key, value in options.items():
            words += [f"--{key.replace('_', '-')}", str(value)]
        command = shlex.join(words)
        return session.obtain(self.experiment(), Store(folder), self.values["train"], command)

    def recorded(self) -> list[Run]:
        """Return all runs of the store.

        Raises `InputError` for a store that is not there and for a record that is damaged.
        """
        found, errors = self._store().runs()
        for error in errors:
            raise error
        return found

    def ledger(self) -> list[claims.Entry]:
        """Return the ledger's entries for the parameters.

        Raises `InputError` for a value that cannot be and for a store that is not there.
        """
        return claims.ledger(self._store(), self.language, self.chapter, **self.changed)

    def _store(self) -> Store:
        """Return the page's store. Raises `InputError` where it is not there."""
        store = Store(self.values["runs_dir"])
        store.must_exist("the parameter runs_dir")
        return store

    def figure(self, name: str, *shown) -> HTML | None:
        """Return a figure with its number, its caption and what makes it again.

        None, where the function that draws it has no runs for that; the prose then says so.

        The figures of a page are numbered in the order in which they are shown. In the prose,
        {glue:}`figure-NAME` becomes a link to one, "Figure 1"; in NAME, hyphens stand for
        underscores.

        Args:
            name: The chapter's function that draws the figure, and the key of its caption.
            shown: What the function draws, its arguments before the language.

        """
        picture = getattr(self.chapter, name)(*shown, self.language)
        target = f"figure-{name.replace('_', '-')}"
        if picture is None:
            glue(target, HTML(SHARED[self.language]["no figure"]), display=False)
            return None
        if name not in self._figures:  # a cell may be run again
            self._figures.append(name)
        label = SHARED[self.language]["figure"].format(number=self._figures.index(name) + 1)
        glue(target, HTML(f'<a href="#{target}">{label}</a>'), display=False)
        caption = f"<b>{label}</b> {html.escape(self.chapter.CAPTIONS[name][self.language])}"
        measure = dict.fromkeys(row.command for row in picture.measured)
        return HTML(picture.html(target, caption, [*measure, self._papermill()]))

    def overview(self, name: str, *shown) -> None:
        """Make the page's answer and a small figure available to the root page, as `overview`.

        Args:
            name: The chapter's function that draws the figure.
            shown: What it draws, of which the chapter's numbers have an `answer` and a `finding`.

        """
        picture = getattr(self.chapter, name)(*shown, self.language)
        said = self.chapter.numbers(*shown, self.language)
        answer, finding = (html.escape(said[key]) for key in ("answer", "finding"))
        alt, drawing = html.escape(picture.alt), picture.svg(wide=False)
        text = f'<p><b>{answer}</b> {finding}</p><div role="img" aria-label="{alt}">{drawing}</div>'
        glue("overview", HTML(text), display=False)

    def _of_experiment(self, values: dict) -> dict:
        """Return those of some values that decide the runs."""
        names = parameters.of_experiment(self.chapter.PARAMETERS)
        return {name: value for name, value in values.items() if name in names}

    def _not_published(self) -> dict:
        """Return the parameters that are not the published ones."""
        declared = self.chapter.PARAMETERS
        return {k: v for k, v in self.values.items() if not declared[k].is_default(v)}

    def _papermill(self) -> str:
        """Return the command that executes this page with its parameters."""
        name = self.chapter.__name__.rpartition(".")[2].replace("_", "-")
        words = ["papermill", f"book/{self.language}/{name}.ipynb", "out.ipynb"]
        for key, value in self._not_published().items():
            words += ["-p", key, str(value)]
        if self.values.get("train"):
            words.append("--log-output")  # shows the progress of training
        return shlex.join(words)

    def images(self) -> data.Data:
        """Return the dataset's images, for a picture of one.

        Where MNIST cannot be downloaded, they are digits of our own, and a note says so. Raises
        `Unavailable` where `MNIST_NPZ` names a file that cannot be used.
        """
        try:
            return data.load_images(self.values["dataset"])
        except Unavailable:
            if os.environ.get("MNIST_NPZ"):
                raise
        display(HTML(f'<p class="irnn-note">{html.escape(NO_MNIST[self.language])}</p>'))
        own, labels = handwriting.digits()
        return data.Data(own, labels, own, labels)

    @staticmethod
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

    @staticmethod
    def numbers(values: dict[str, str | int]) -> None:
        """Make numbers available to the prose, as {glue:text}`name`."""
        for name, value in values.items():
            glue(name, value, display=False)


def _check_names(chapter: ModuleType) -> None:
    """Raise `InputError` for an unknown parameter.

    Parameters are what the cells assign before the first that makes a page, the notebook's and
    papermill's. Later the notebook has variables of its own.
    """
    shell = get_ipython()
    cells = shell.history_manager.input_hist_parsed[1:] if shell else ()
    for cell in takewhile(lambda cell: "Page(" not in cell, cells):
        with suppress(SyntaxError):  # a cell that did nothing
            for node in ast.walk(ast.parse(cell)):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    one_of("parameter", node.id, chapter.PARAMETERS)
