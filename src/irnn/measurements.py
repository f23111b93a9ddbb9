"""Measurements of speed, which the programs in `benchmarks/` make: rows of CSV files."""

import csv
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar, TypeVar

from irnn.errors import InputError

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


@dataclass(frozen=True, kw_only=True)
class Speed:
    """The time of an epoch of MNIST, computed from fewer updates."""

    file: ClassVar[str] = "speed.csv"
    command: ClassVar[str] = "python benchmarks/speed.py"

    date: str
    machine: str
    cores: int
    threads: int
    keras: str
    backend: str
    backend_version: str
    group: str  # what varies: "loops", "batch", "steps", "units" or "together"
    network: str
    loop: str  # "stock": Keras' own layer as its users write it; "keras": the same, of this
    # package's networks; "scan", "native", "fused": see `recurrent.choice`; "ceiling": the
    # products' multiply-adds alone, at the rate of a loop that does nothing else
    way: str  # "fit": an update a call, by `model.fit`; "program": all updates in one call
    batch_size: int
    units: int
    steps: int
    together: int  # runs in one program
    updates: int  # updates in a round
    rounds: int
    seconds: float  # that pass in an epoch, per run: the median of the rounds,
    low: float  # the lower quartile
    high: float  # and the upper one
    cpu_seconds: float  # that the processor spends, likewise
    cpu_low: float
    cpu_high: float
    ratio: float | None  # of the seconds to those of "stock", the median over the rounds
    cpu_ratio: float | None
    peak_memory_gib: float | None


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """The updates per second of some processes side by side, all together."""

    file: ClassVar[str] = "jobs.csv"
    command: ClassVar[str] = "python benchmarks/jobs.py"

    date: str
    machine: str
    cores: int
    backend: str
    network: str
    jobs: int  # processes at a time
    threads: int  # of each
    rounds: int
    updates_per_second: float  # the median of the rounds,
    low: float  # the lower quartile
    high: float  # and the upper one
    ratio: float  # to one process with one thread, the median over the rounds


Row = TypeVar("Row", Speed, Jobs)


def read(kind: type[Row], folder: str | os.PathLike = RESULTS) -> list[Row]:
    """Return all measurements of a kind.

    Raises `InputError`, naming the command that measures, for a file that is missing, empty
    or damaged.
    """
    path = Path(folder) / kind.file
    remedy = f"measure with: {kind.command}"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = [_row(kind, values, f"{path}, line {reader.line_num}") for values in reader]
    except InputError as error:
        raise InputError(f"{error}; {remedy}") from None
    except FileNotFoundError:
        raise InputError(f"{path} is missing; {remedy}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read ({error}); {remedy}") from None
    if not rows:
        raise InputError(f"{path} has no measurements; {remedy}")
    return rows


def _row(kind: type[Row], values: dict[str, str | None], where: str) -> Row:
    found = {}
    for field in fields(kind):
        text = values.get(field.name)
        if text is None:
            raise InputError(f"{where}: {field.name} is missing")
        found[field.name] = _value(text.strip(), field, where)
    return kind(**found)


def _value(text: str, field, where: str) -> str | int | float | None:
    if field.type == float | None and not text:
        return None
    number = int if field.type is int else float
    try:
        value = text if field.type is str else number(text)
    except ValueError:
        value = ""
    if value == "" or (field.type is not str and not 0 < value < math.inf):
        raise InputError(f"{where}: {field.name} is {text!r}")
    return value


def find(rows: Iterable[Row], **wanted) -> list[Row]:
    """Return the measurements whose columns have the wanted values."""
    return [row for row in rows if all(getattr(row, key) == v for key, v in wanted.items())]


def only(rows: list[Row], **wanted) -> Row:
    """Return the one measurement whose columns have the wanted values.

    Raises `InputError` where there is none, or more than one.
    """
    found = find(rows, **wanted)
    if len(found) != 1:
        kind = type(rows[0])
        asked = ", ".join(f"{key} {value}" for key, value in wanted.items())
        raise InputError(
            f"{kind.file} has {len(found) or 'no'} measurements of {asked}, one is needed; "
            f"measure with: {kind.command}"
        )
    return found[0]
