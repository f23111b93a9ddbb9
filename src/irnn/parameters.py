"""The parameters of chapters, each declared once.

A declaration is a line of the chapter's parameters cell and, unless it is of the page alone, an
option of the command line and an argument of the chapter's `experiment`. A chapter has those of
`shared` that it has a use for; one of its own stands in its module.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from irnn.errors import InputError, one_of
from irnn.languages import LANGUAGES
from irnn.spec import IMAGES, check_pooling, check_rate, whole_number


def _language(name: str, value) -> None:
    one_of(name, value, LANGUAGES)


def switch(name: str, value) -> None:
    """Raise `InputError` unless the value is True or False."""
    one_of(f"value of {name}", value if isinstance(value, bool) else str(value), (True, False))


def count(name: str, value) -> None:
    """Raise `InputError` unless the value is a whole number from 1 on."""
    whole_number(name, value, 1, 100_000)


def _seeds(name: str, value) -> None:
    whole_number(name, value, 1, 1_000)


def count_or_none(name: str, value) -> None:
    """Raise `InputError` unless the value is None or a whole number from 1 on."""
    if value is not None:
        count(name, value)


def _folder(name: str, value) -> None:
    if not isinstance(value, str):
        raise InputError(
            f"{name} is {value!r}; it must be a folder's path: papermill reads one with "
            f"-r {name} {value}, or as ./{value}"
        )


@dataclass(frozen=True)
class Parameter:
    """A parameter of a chapter.

    Args:
        default: Its published value.
        help: What it is, for the notebook and the command line.
        check: Raises `InputError` for a name and a value that cannot be; None: `RunSpec` does.
        page: Whether it is of the page alone, and decides no run.

    """

    default: Any
    help: str
    check: Callable[[str, Any], None] | None = None
    page: bool = False

    def is_default(self, value: Any) -> bool:
        """Tell whether a value is the published one; papermill reads "2015" as a number."""
        return value == self.default or str(value) == self.default


Parameters = dict[str, Parameter]


def _either(names: Iterable[str]) -> str:
    """Return names as a choice, "a" or "b"."""
    return " or ".join(f'"{name}"' for name in names)


SHARED = {
    "language": Parameter(
        "en", f"language of the figures: {_either(LANGUAGES)}", _language, page=True
    ),
    "dataset": Parameter("mnist", _either(IMAGES)),
    "epochs": Parameter(None, "epochs of every curve; None: as many as published", count_or_none),
    "seeds": Parameter(5, "number of seeds, from 0 on", _seeds),
    "units": Parameter(100, "units of the recurrent layer"),
    "batch_size": Parameter(32, "images per update"),
    "learning_rate": Parameter(1e-6, "of RMSprop, shared by both networks"),
    "train": Parameter(False, "train the runs that the store lacks", switch, page=True),
    "runs_dir": Parameter("", 'the store, a folder of runs; "": book/runs', _folder, page=True),
}


# Of chapters that train on averaged images, with a rate for each network.
AVERAGED = {
    "pooling": Parameter(
        2, "side of the squares of pixels that are averaged: 1, 2 or 4", check_pooling
    ),
    "irnn_rate": Parameter(1e-4, "learning rate of the IRNN, of RMSprop", check_rate),
    "lstm_rate": Parameter(1e-3, "learning rate of the LSTM, of RMSprop", check_rate),
}


def shared(
    help: dict[str, str] | None = None, without: Collection[str] = (), **defaults
) -> Parameters:
    """Return the parameters that chapters share, some with another default or another help.

    `without` names those that a chapter has no use for.
    """
    return {
        name: replace(
            parameter,
            default=defaults.get(name, parameter.default),
            help=(help or {}).get(name, parameter.help),
        )
        for name, parameter in SHARED.items()
        if name not in without
    }


def of_experiment(parameters: Parameters) -> Parameters:
    """Return those that decide the runs."""
    return {name: parameter for name, parameter in parameters.items() if not parameter.page}


def check(parameters: Parameters, values: dict[str, Any]) -> None:
    """Raise `InputError` for a value that is unknown or out of range."""
    for name, parameter in parameters.items():
        if name not in values:
            continue
        if not isinstance(parameter.default, str):
            _no_number_as_text(name, values[name])
        if parameter.check:
            parameter.check(name, values[name])


def _no_number_as_text(name: str, value) -> None:
    """Raise `InputError` for a number in quotes, or one as 1e-4, which YAML takes for a text."""
    if not isinstance(value, str) or isinstance(read(value), str):
        return
    mantissa, _, exponent = value.lower().partition("e")
    number = f"{float(mantissa)}e{int(exponent):+d}" if exponent else value
    raise InputError(f"{name} is the text {value!r}; as a number, YAML reads {number}")


def read(text: str) -> bool | int | float | str | None:
    """Return what a text says, as papermill reads `-p NAME VALUE`: None, a switch, a number.

    Else the text itself.
    """
    if text in ("None", "True", "False"):
        return {"None": None, "True": True, "False": False}[text]
    if re.fullmatch(r"[-+]?[0-9]+", text):
        return int(text)
    if re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", text):
        return float(text)
    return text
