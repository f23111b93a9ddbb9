"""Where runs are kept: a folder with a file of JSON lines for each run.

    NAME.jsonl             the run: its spec, its sittings, a line per epoch
    NAME.checkpoint.npz    from which training goes on
    NAME.weights.npz       the weights after the last epoch

The first line of a run is its spec. A line with the key `sitting` says on what the epochs
after it were trained; a line with the key `epoch` is one epoch. Lines are only ever
appended. Reading imports neither Keras nor TensorFlow.
"""

import json
import math
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock, Timeout

from irnn.errors import InputError, Unavailable, file_in_the_way, user_path
from irnn.files import whole
from irnn.spec import RunSpec, whole_number

RUNS = Path(__file__).parents[2] / "book" / "runs"

# What the pages show of a sitting, where a record does not say it.
UNKNOWN = dict.fromkeys(("backend", "device", "date"), "unknown")

METRICS = (
    # Of images, cross-entropy and the share of digits that are right; of the adding problem, mean
    # squared error and the share of sums that are met within `models.CLOSE`.
    "loss",  # mean over the epoch's batches, each before its update
    "accuracy",  # likewise
    "val_loss",  # on the test set after the epoch
    "val_accuracy",  # likewise
    "gradient_norm",  # mean over the updates of the norm of all gradients together
    "seconds",  # wall-clock time of the epoch's updates, of all runs trained together
)


@dataclass
class Run:
    """A recorded run: its spec, its sittings and its epochs, oldest first."""

    spec: RunSpec
    sittings: list[dict] = field(default_factory=list)
    epochs: list[dict] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.epochs)

    def __getitem__(self, metric: str) -> np.ndarray:
        """Return a metric of `METRICS`, an array of one float per epoch; NaN: not finite."""
        values = [epoch[metric] for epoch in self.epochs]
        return np.array([math.nan if v is None else v for v in values], dtype=float)

    def timed(self) -> list[tuple[float, dict]]:
        """Return each epoch's seconds and the sitting that trained it.

        Of the time of runs that were trained together, each has its share.
        """
        pairs = []
        for epoch in self.epochs:
            sittings = [s for s in self.sittings if s.get("first_epoch", 1) <= epoch["epoch"]]
            sitting = sittings[-1] if sittings else {}
            pairs.append((epoch["seconds"] / sitting.get("together", 1), sitting))
        return pairs

    def until(self, epochs: int) -> "Run":
        """Return the run as it was after that many epochs."""
        sittings = [s for s in self.sittings if s.get("first_epoch", 1) <= epochs]
        return Run(self.spec, sittings, self.epochs[:epochs])


class Store:
    """A folder of runs.

    Args:
        root: The folder; it is made when the first run is written. Default: `RUNS`.

    """

    def __init__(self, root: str | os.PathLike = ""):
        self.root = user_path("the store", root or RUNS)

    def must_exist(self, option: str = "--runs-dir") -> None:
        """Raise `InputError` unless the folder is there; `option` is what names another one."""
        self.must_be_possible(option)
        if not self.root.is_dir():
            raise InputError(
                f"there is no folder {self.root.absolute()}; name the store with {option}"
            )

    def must_be_possible(self, option: str = "--runs-dir") -> None:
        """Raise `InputError` where a file stands in the folder's way; `option` as above."""
        if file := file_in_the_way(self.root):
            raise InputError(f"{file} is a file, not a folder; name the store with {option}")

    def record_path(self, spec: RunSpec) -> Path:
        """Return the path of a run's record."""
        return self.root / f"{spec.name}.jsonl"

    def checkpoint_path(self, spec: RunSpec) -> Path:
        """Return the path of a run's checkpoint."""
        return self.root / f"{spec.name}.checkpoint.npz"

    def weights_path(self, spec: RunSpec) -> Path:
        """Return the path of a run's final weights."""
        return self.root / f"{spec.name}.weights.npz"

    def read(self, spec: RunSpec) -> Run:
        """Return a run as far as it is recorded, with no epochs if it is not.

        Raises `InputError` for a damaged line and for a record of another spec.
        """
        path = self.record_path(spec)
        run = read(path) if path.exists() else None
        return Run(spec) if run is None else run  # one that has begun has no epochs yet

    def runs(self) -> tuple[list[Run], list[InputError]]:
        """Return every run that can be read, sorted by file name, and what is wrong with others."""
        runs, errors = [], []
        for path in sorted(self.root.glob("*.jsonl")):
            try:
                runs.append(read(path))
            except InputError as error:
                errors.append(error)
        return [run for run in runs if run is not None], errors

    def require(self, planned: dict[RunSpec, int], command: str) -> None:
        """Raise `MissingRuns` unless every planned run has its number of epochs.

        `command` is the one that trains them, "" where none does.
        """
        lacking = [
            f"{spec} ({planned[spec] - epochs} of {planned[spec]} epochs)"
            for spec, epochs in self.missing(planned).items()
        ]
        if lacking:
            raise MissingRuns(self.root, lacking, command)

    def make(self) -> None:
        """Make the folder. Raises `Unavailable` where that cannot be done."""
        with self._writing():
            pass

    def missing(self, planned: dict[RunSpec, int]) -> dict[RunSpec, int]:
        """Return the planned runs with fewer epochs than planned, each with what it lacks."""
        lacking = {spec: epochs - len(self.read(spec)) for spec, epochs in planned.items()}
        return {spec: epochs for spec, epochs in lacking.items() if epochs > 0}

    def is_locked(self, spec: RunSpec) -> bool:
        """Tell whether a process has the run's lock."""
        path = self.root / f"{spec.name}.lock"
        try:
            with FileLock(path, timeout=0) if path.exists() else nullcontext():
                return False
        except Timeout:
            return True
        except OSError:  # what cannot be written is found out by who takes the lock
            return False

    @contextmanager
    def lock(self, spec: RunSpec) -> Iterator[None]:
        """Keep a run to one process; another waits. A killed process lets go of it.

        Raises `InputError` where the folder cannot be written.
        """
        path = self.root / f"{spec.name}.lock"
        with self._writing():
            path.touch()
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"another process trains {spec}; waiting for it", file=sys.stderr, flush=True)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def append(self, spec: RunSpec, *lines: dict) -> None:
        """Append lines to a run's record; the first of all is its spec.

        What a kill left of an unfinished line is cut off first. Raises `InputError` where
        the folder cannot be written.
        """
        path = self.record_path(spec)
        with self._writing():
            path.touch()
            with path.open("rb+") as file:
                end = file.read().rfind(b"\n") + 1
                file.seek(end)
                file.truncate()
                entries = [*lines] if end else [{"spec": asdict(spec)}, *lines]
                file.write("".join(json.dumps(entry) + "\n" for entry in entries).encode())
                file.flush()
                os.fsync(file.fileno())

    def save(self, path: Path, arrays: dict[str, np.ndarray]) -> None:
        """Write an `.npz` file whole or not at all.

        Raises `InputError` where the folder cannot be written.
        """
        self._write(path, lambda file: np.savez(file, **arrays))

    def rewrite(self, run: Run) -> None:
        """Write a run's record anew, whole or not at all: its sittings where they began.

        Raises `InputError` where the folder cannot be written.
        """
        entries = [(0, {"spec": asdict(run.spec)})]
        entries += [(s.get("first_epoch", 1), {"sitting": s}) for s in run.sittings]
        entries += [(epoch["epoch"], epoch) for epoch in run.epochs]
        entries.sort(key=lambda entry: entry[0])
        text = "".join(json.dumps(entry) + "\n" for _, entry in entries)
        self._write(self.record_path(run.spec), lambda file: file.write(text.encode()))

    def _write(self, path: Path, write: Callable[[BinaryIO], object]) -> None:
        with self._writing(), whole(path) as file:
            write(file)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Make the folder. Raises `Unavailable` where that, or the block, cannot write."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            raise Unavailable(
                f"the store {self.root} cannot be written ({error.strerror}); what it holds is "
                "whole; name a folder that can be written with runs_dir (--runs-dir)"
            ) from None


def read(path: Path) -> Run | None:
    """Return the run in a file of JSON lines, None for a file with no whole line.

    Raises `InputError` for a file that cannot be read, a line that is damaged, which it names,
    and a spec that is not the name's; the file stays as it is.
    """
    lines = whole_lines(path)
    run = None
    for number, line in enumerate(lines, 1):
        try:
            run = added(run, line)
        except InputError as error:
            raise InputError(
                f"{path}: line {number} of {len(lines)} is damaged ({error}); mend it from the "
                f"run's checkpoint with: {repair_command(path.parent)}"
            ) from None
    if run is None:
        return None
    if run.spec.name != path.stem:
        raise InputError(
            f"{path}: line 1 is not the spec that the file's name stands for; "
            f"it is that of {run.spec.name}"
        )
    if run.epochs and all(sitting.get("first_epoch", 1) > 1 for sitting in run.sittings):
        run.sittings.insert(0, {"first_epoch": 1} | UNKNOWN)
    return run


def whole_lines(path: Path) -> list[str]:
    """Return a record's lines.

    A last line without its end is what a kill leaves of an epoch under way: it is left out.
    Raises `InputError` for a file that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            f"the record {path} cannot be read ({error.strerror}); "
            "make it readable, or move it away"
        ) from None
    lines = text.splitlines()
    if text and not text.endswith("\n"):
        lines.pop()
    return lines


def added(run: Run | None, line: str) -> Run:
    """Return a run with what the next line of its record says; None: the line is the first.

    Raises `InputError`, saying what is wrong with the line.
    """
    entry = parsed(line)
    if run is None:
        try:
            return Run(RunSpec(**entry["spec"]))
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError):
            raise InputError("it has not the fields of a spec") from None
    if "sitting" in entry:
        check_sitting(entry["sitting"])
        run.sittings.append(UNKNOWN | entry["sitting"])
    else:
        check_epoch(entry, len(run) + 1)
        run.epochs.append(entry)
    return run


def parsed(line: str) -> dict:
    """Return what a line of a record holds. Raises `InputError` where it is no JSON object."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        raise InputError("it is not JSON") from None
    if not isinstance(entry, dict):
        raise InputError("it is not an object")
    return entry


def check_sitting(sitting: object) -> None:
    """Raise `InputError`, saying what is wrong, unless this can be a record's sitting."""
    if not isinstance(sitting, dict):
        raise InputError("the sitting is not an object")
    for key in ("first_epoch", "together"):
        if key in sitting:
            whole_number(key, sitting[key], 1, 10**9)
    for key in UNKNOWN:
        if not isinstance(sitting.get(key, ""), str):
            raise InputError(f"{key} is not a text")


def check_epoch(line: object, epoch: int) -> None:
    """Raise `InputError`, saying what is wrong, unless a line can be that of the epoch."""
    if not isinstance(line, dict):
        raise InputError("it is not an object")
    if type(line.get("epoch")) is not int or line["epoch"] != epoch:
        raise InputError(f"it is not epoch {epoch}")
    for metric in METRICS:
        if metric not in line:
            raise InputError(f"{metric} is missing")
        value = line[metric]
        most = 1.0 if metric.endswith("accuracy") else sys.float_info.max
        if value is None and metric != "seconds":
            continue  # it was not finite
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value <= most:
            raise InputError(f"{metric} is not a number from 0 to {most:g}")


def repair_command(root: Path) -> str:
    """Return the command that mends a store's records from their checkpoints."""
    return f"python -m irnn runs --verify --repair --runs-dir {shlex.quote(str(root))}"


class MissingRuns(InputError):
    """Runs that a page shows are not in the store, and it was not asked to train them."""

    def __init__(self, root: Path, lacking: list[str], command: str):
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        or_else = f"run: {command}" if command else "name a store that has them with runs_dir"
        remedy = f"set the parameter train to True, or {or_else}"
        super().__init__(f"not in {root.absolute()}: {', '.join(lacking[:3])}{more}; {remedy}")
