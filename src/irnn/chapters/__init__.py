"""What is specific to each chapter, in a module named like its notebooks.

    PARAMETERS              the chapter's parameters, see `irnn.parameters`
    experiment(...)         curves of runs for those of them that decide runs
    numbers(...)            the numbers of its prose, by name
    NAME(..., language)     a figure: a `Picture`, drawn wide and narrow
    ALT, CAPTIONS           by that name, its alternative text and its caption, in both languages
    WORDS                   the words of its own plots, in both languages
    CLAIMS                  the claims that it tests, with their rules, see `evidence.Claim`

`page.figure` shows a figure. A chapter that shows another's runs has that one's `experiment`.
"""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from irnn.errors import one_of
from irnn.parameters import check, of_experiment
from irnn.training.plan import Experiment


def experiments() -> dict[str, ModuleType]:
    """Return the chapters that have an experiment of their own, by its name."""
    found = {}
    for module in iter_modules(__path__):
        chapter = import_module(f"{__name__}.{module.name}")
        if hasattr(chapter, "experiment") and name(chapter) == module.name.replace("_", "-"):
            found[name(chapter)] = chapter
    return found


def name(chapter: ModuleType) -> str:
    """Return the name of a chapter's experiment, that of the module which defines it."""
    return chapter.experiment.__module__.rpartition(".")[2].replace("_", "-")


def experiment(chapter: ModuleType, **values) -> Experiment:
    """Return a chapter's experiment; what is not given has its published value.

    Raises `InputError` for an unknown parameter and for a value that cannot be.
    """
    declared = of_experiment(chapter.PARAMETERS)
    for key in values:
        one_of("parameter", key, declared)
    values = {key: parameter.default for key, parameter in declared.items()} | values
    check(declared, values)
    return chapter.experiment(**values)
