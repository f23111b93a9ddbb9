"""Compares records, checkpoints and weights, and mends what a checkpoint can mend."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from irnn import checkpoint, npz
from irnn.checkpoint import Checkpoint
from irnn.errors import InputError
from irnn.spec import RunSpec
from irnn.store import (
    UNKNOWN,
    Run,
    Store,
    added,
    check_epoch,
    check_sitting,
    parsed,
    whole_lines,
)

SUFFIXES = (".jsonl", ".checkpoint.npz", ".weights.npz")
MEND = "mend it with --repair"


class Finding(NamedTuple):
    """What is wrong with a file of a store and what to do, or that it was mended or left out."""

    path: Path
    what: str
    remedy: str
    status: Literal["wrong", "mended", "left out"] = "wrong"

    def __str__(self) -> str:
        return f"{self.path}: {self.what}; {self.remedy}"


def verify(store: Store, repair: bool = False) -> Iterator[Finding]:
    """Yield what is wrong with the files of each run of a store.

    With `repair`, a record that lacks lines or has damaged ones gets them from its checkpoint,
    and weights that are not the checkpoint's are written again. A run that another process
    trains is left out, and said to be.

    Raises `InputError` for a store that is no folder, and `Unavailable` for one that cannot be
    written where it is to be repaired.
    """
    store.must_exist()
    for name in names(store):
        try:
            spec = _spec(store, name)
        except InputError as error:
            yield Finding(store.root / f"{name}.jsonl", *str(error).split("; ", 1))
            continue
        if spec is None and _begun(store, name):
            continue
        if spec is None:
            yield Finding(
                store.root / f"{name}{SUFFIXES[0]}",
                "neither a record nor a checkpoint says whose name this is",
                "move it away, and what has the same name",
            )
        elif store.is_locked(spec):
            path = store.record_path(spec)
            yield Finding(path, "it is being trained", "verify it when it is not", "left out")
        elif repair:
            with store.lock(spec):
                yield from _run(store, spec, repair)
        else:
            yield from _run(store, spec, repair)


def names(store: Store) -> list[str]:
    """Return the names of the runs that a store has files of."""
    files = [path.name for path in store.root.iterdir()]
    found = {f.removesuffix(suffix) for suffix in SUFFIXES for f in files if f.endswith(suffix)}
    return sorted(found)


def _begun(store: Store, name: str) -> bool:
    """Tell whether a record without a whole line is all there is: a kill left it."""
    record, *others = (store.root / f"{name}{suffix}" for suffix in SUFFIXES)
    return record.is_file() and not whole_lines(record) and not any(o.exists() for o in others)


def _spec(store: Store, name: str) -> RunSpec | None:
    """Return the spec that a name stands for, as the record or the checkpoint says.

    Raises `InputError` for a record that cannot be opened.
    """
    record = store.root / f"{name}.jsonl"
    lines = whole_lines(record) if record.exists() else []
    found = []
    with suppress(InputError, IndexError):
        found.append(added(None, lines[0]).spec)
    with suppress(ValueError, TypeError, OverflowError, FileNotFoundError):
        texts = npz.read(store.root / f"{name}.checkpoint.npz", 10**6, ["spec"])
        found.append(RunSpec(**json.loads(str(texts["spec"]))))
    return next((spec for spec in found if spec.name == name), None)


class Legible:
    """What can be read of a run's record, and what is wrong with it first.

    A sitting or an epoch is kept even if its line does not belong where it stands, so that it can
    be compared with the checkpoint's.
    """

    def __init__(self, store: Store, spec: RunSpec):
        self.sittings: list[dict] = []
        self.epochs: dict[int, dict] = {}
        self.damaged = 0  # the first damaged line
        self.what = ""
        path = store.record_path(spec)
        lines = whole_lines(path) if path.exists() else []
        for number, line in enumerate(lines, 1):
            try:
                self._take(spec, line, first=number == 1)
            except InputError as error:
                if not self.damaged:
                    self.damaged = number
                    self.what = f"line {number} of {len(lines)} is damaged ({error})"
        if not lines:
            self.what = "it is empty" if path.exists() else "it is missing"
        elif not self.what and self.epochs and self.sittings[:1] == []:
            self.what = "it does not say on what it was trained"

    def _take(self, spec: RunSpec, line: str, first: bool) -> None:
        entry = parsed(line)
        after = max(self.epochs, default=0) + 1
        number = entry.get("epoch")
        if first and not entry.keys() & {"sitting", "epoch"}:
            if added(None, line).spec != spec:
                raise InputError("it is not the spec that the file's name stands for")
        elif "sitting" in entry:
            check_sitting(entry["sitting"])
            self.sittings.append(entry["sitting"])
        else:
            check_epoch(entry, number if type(number) is int and number > after else after)
            self.epochs[number] = entry
            if number > after and not self.damaged:
                raise InputError(f"it is not epoch {after}")
        if first and "spec" not in entry:
            raise InputError("it is not the run's spec")


def _run(store: Store, spec: RunSpec, repair: bool) -> Iterator[Finding]:
    """Yield what is wrong with the files of a run."""
    kept, path = None, store.checkpoint_path(spec)
    if path.exists():
        try:
            kept = checkpoint.read(spec, path)
        except InputError as error:
            what = str(error).split("; ")[0].removeprefix(f"the checkpoint {path} ")
            remedy = "delete it to keep the run as its record has it, without going on"
            yield Finding(path, what, remedy)
    record = Legible(store, spec)
    conflict = kept and _conflict(record, kept)
    if conflict:
        yield Finding(store.record_path(spec), *conflict)
        kept = None  # the weights may be the record's
    else:
        yield from _record(store, spec, record, kept, repair)
    yield from _weights(store, spec, kept, repair)


def _conflict(record: Legible, kept: Checkpoint) -> tuple[str, str] | None:
    """Return what a record has that its checkpoint has not, and what to do; None: nothing."""
    epochs, last = len(kept.lines), max(record.epochs, default=0)
    if any(kept.lines[n - 1] != line for n, line in record.epochs.items() if n <= epochs):
        what = "it has other epochs than its checkpoint"
        return what, "delete the lines that are wrong and mend it with --repair, or delete both"
    if last > epochs:
        what = f"it has {last} epochs, its checkpoint {epochs}"
        return what, "delete the checkpoint to keep the record, or both to start over"
    return None


def _record(
    store: Store, spec: RunSpec, record: Legible, kept: Checkpoint | None, repair: bool
) -> Iterator[Finding]:
    """Yield what is wrong with a record, and mend it where all of its epochs are known."""
    path = store.record_path(spec)
    lines = kept.lines if kept else list(record.epochs.values())
    what, last = record.what, max(record.epochs, default=0)
    if not what and last < len(lines):
        what = f"it has {last} of the {len(lines)} epochs of its checkpoint"
    if not what:
        return
    if record.damaged and not kept:
        n = record.damaged
        remedy = f"delete it and what follows (head -n {n - 1}), or the record to start over"
        yield Finding(path, what, remedy)
    elif not repair:
        yield Finding(path, what, MEND)
    else:
        remedy = "mended"
        if record.damaged:
            aside = path.with_suffix(".jsonl.damaged")
            path.replace(aside)
            remedy += f", as it was it is {aside.name}"
        known = any(s.get("first_epoch", 1) == 1 for s in record.sittings)
        unknown = [] if known else [{"first_epoch": 1} | UNKNOWN]
        store.rewrite(Run(spec, unknown + record.sittings, lines))
        yield Finding(path, what, remedy, "mended")


def _weights(
    store: Store, spec: RunSpec, kept: Checkpoint | None, repair: bool
) -> Iterator[Finding]:
    """Yield what is wrong with the weights; `kept` is a checkpoint that agrees with the record."""
    path, what = store.weights_path(spec), ""
    if path.exists():
        try:
            arrays = checkpoint.read_weights(spec, path)
        except npz.Unreadable as error:
            what = f"it cannot be read ({error})"
        else:
            if kept and not all(
                np.array_equal(array, kept.weights[name], equal_nan=True)
                for name, array in arrays.items()
            ):
                what = "its weights are not those of the checkpoint"
    elif kept:
        what = "it is missing"
    if not what:
        return
    if not kept:
        yield Finding(path, what, "delete it; nothing can mend it")
    elif not repair:
        yield Finding(path, what, MEND)
    else:
        store.save(path, kept.weights)
        yield Finding(path, what, "mended", "mended")
