"""Where runs are kept: a folder with a file of JSON lines for each run.

    NAME.jsonl             the run: its spec, its sittings, a line per epoch
    NAME.checkpoint.npz    from which training goes on
    NAME.weights.npz       the weights after the last epoch of a finished training

The first line of a run is its spec. A line with the key `sitting` says on what the epochs
after it were trained; a line with the key `epoch` is one epoch. Lines are only ever
appended. Reading imports neither Keras nor TensorFlow.
"""

import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from irnn.errors import InputError, Unavailable
from irnn.spec import RunSpec

RUNS = Path(__file__).parents[2] / "book" / "runs"

METRICS = (
    "loss",  # mean cross-entropy of the epoch's batches, each before its update
    "accuracy",  # share of correct training images, likewise
    "val_loss",  # cross-entropy on the test set after the epoch
    "val_accuracy",  # share of correct test images after the epoch
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
        """Return each epoch's seconds and the sitting that trained it."""
        pairs = []
        for epoch in self.epochs:
            sittings = [s for s in self.sittings if s.get("first_epoch", 1) <= epoch["epoch"]]
            pairs.append((epoch["seconds"], sittings[-1] if sittings else {}))
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
        self.root = Path(root or RUNS).expanduser()

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
        if not path.exists():
            return Run(spec)
        run = read(path)
        if run is None:
            return Run(spec)
        if run.spec != spec:
            raise InputError(f"{path}: line 1 is not the spec that the file's name stands for")
        return run

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

        `command` is the one that trains them.
        """
        lacking = [
            f"{spec} ({planned[spec] - epochs} of {planned[spec]} epochs)"
            for spec, epochs in self.missing(planned).items()
        ]
        if lacking:
            raise MissingRuns(self.root, lacking, command)

    def make(self) -> None:
        """Make the folder. Raises `Unavailable` where that cannot be done."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.root, error) from None

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
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError as error:
            raise unwritable(self.root, error) from None
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
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            path.touch()
            with path.open("rb+") as file:
                whole = file.read().rfind(b"\n") + 1
                file.seek(whole)
                file.truncate()
                entries = [*lines] if whole else [{"spec": asdict(spec)}, *lines]
                file.write("".join(json.dumps(entry) + "\n" for entry in entries).encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(self.root, error) from None

    def save(self, path: Path, arrays: dict[str, np.ndarray]) -> None:
        """Write an `.npz` file whole or not at all.

        Raises `InputError` where the folder cannot be written.
        """
        unfinished = path.with_suffix(".tmp")
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                np.savez_compressed(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink()
            raise unwritable(self.root, error) from None


def unwritable(root: Path, error: OSError) -> Unavailable:
    """Return the error of a store that cannot be written."""
    return Unavailable(
        f"the store {root} cannot be written ({error.strerror}); what it holds is whole; "
        "name a folder that can be written with runs_dir (--runs-dir)"
    )


def read(path: Path) -> Run | None:
    """Return the run in a file of JSON lines, None for a file with no whole line.

    A last line without its end is what a kill leaves of an epoch under way: it is left out.
    Raises `InputError`, naming the line, for any other line that cannot be read; the file
    stays as it is.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    if text and not text.endswith("\n"):
        lines.pop()
    run = None
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            if run is None:
                run = Run(RunSpec(**entry["spec"]))
            elif "sitting" in entry:
                run.sittings.append(entry["sitting"])
            else:
                values = [entry[metric] for metric in METRICS]
                numbers = all(v is None or isinstance(v, int | float) for v in values)
                if entry["epoch"] != len(run) + 1 or not numbers:
                    raise ValueError
                run.epochs.append(entry)
        except (ValueError, KeyError, TypeError):
            raise InputError(
                f"{path}: line {number} of {len(lines)} is damaged; the {number - 1} before it "
                f"are whole: delete it and what follows (head -n {number - 1}), "
                "then train to go on"
            ) from None
    return run


class MissingRuns(InputError):
    """Runs that a page shows are not in the store, and it was not asked to train them."""

    def __init__(self, root: Path, lacking: list[str], command: str):
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        super().__init__(
            f"not in {root}: {', '.join(lacking[:3])}{more}; "
            f"set the parameter train to True, or run: {command}"
        )
