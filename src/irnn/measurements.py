"""Measurements, which the programs in `benchmarks/` make: rows of CSV files."""

import csv
import io
import math
import os
from collections.abc import Iterable
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import ClassVar, TypeVar

from irnn.errors import InputError
from irnn.files import whole

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"

# Of a column whose numbers may be negative, infinite or NaN.
ANY = {"any": True}


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


@dataclass(frozen=True, kw_only=True)
class Loss:
    """The loss of a batch in the software of 2015, before its update."""

    file: ClassVar[str] = "keras_2015.csv"
    command: ClassVar[str] = "python benchmarks/keras_2015.py"

    date: str
    machine: str
    cores: int
    keras: str
    backend: str
    backend_version: str
    numpy: str
    network: str
    steps: int  # pixels of an image that are read, from the first on
    truncate_gradient: int = field(metadata=ANY)  # -1: none
    abs_gradient: str  # of |x|: "sign", Theano's since 2016, or "x/|x|", that of 2015
    theano_optimizer: str  # of the compiled graph: "fast_run" or "fast_compile"
    update: int  # from 1 on
    loss: float = field(metadata=ANY)


@dataclass(frozen=True, kw_only=True)
class GPU:
    """The time of an epoch of MNIST on a GPU, computed from fewer updates on random data."""

    file: ClassVar[str] = "fused-speed.csv"
    command: ClassVar[str] = "python benchmarks/fused.py, on a machine with an NVIDIA GPU"

    date: str
    device: str
    jax: str
    keras: str
    network: str
    batch_size: int
    units: int
    steps: int
    runs: int  # side by side, in one program
    loop: str  # "stock", "scan" and "fused": see `Speed`; "limit": what the fused one cannot beat
    tiling: str | None  # that was tried in place of one of `fused.CHOSEN`
    seconds: float  # that pass in an epoch, per run: the median of the rounds,
    low: float | None  # the lower quartile
    high: float | None  # and the upper one


KINDS = (Speed, Jobs, Loss, GPU)
Row = TypeVar("Row", Speed, Jobs, Loss, GPU)


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


def write(path: Path, rows: list[dict]) -> None:
    """Write rows of measurements as a CSV file, whole or not at all, with the columns of all."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, dict.fromkeys(name for row in rows for name in row))
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        file.write(text.getvalue().encode())


def _row(kind: type[Row], values: dict[str, str | None], where: str) -> Row:
    found = {}
    for column in fields(kind):
        text = values.get(column.name)
        if text is None:
            raise InputError(f"{where}: {column.name} is missing")
        found[column.name] = _value(text.strip(), column, where)
    return kind(**found)


def _value(text: str, column: Field, where: str) -> str | int | float | None:
    if not text and column.type in (float | None, str | None):
        return None
    is_text = column.type in (str, str | None)
    number = int if column.type is int else float
    try:
        value = text if is_text else number(text)
    except ValueError:
        value = ""
    limited = not is_text and "any" not in column.metadata
    if value == "" or (limited and not 0 < value < math.inf):
        raise InputError(f"{where}: {column.name} is {text!r}")
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
