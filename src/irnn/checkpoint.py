"""Reads what a run's training goes on from; nothing in it is believed before it is checked.

`NAME.checkpoint.npz` holds `format`, `spec` (the canonical text), `epochs` (the lines of all
epochs as JSON) and `v0`, `v1`, ...: the weights in the order of `WEIGHTS`, then the optimizer's
variables. `NAME.weights.npz` holds the weights by name. Reading imports no Keras.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from irnn import npz
from irnn.errors import InputError
from irnn.spec import RunSpec
from irnn.store import METRICS, Store, check_epoch, repair_command

FORMAT = 1  # a checkpoint of another number was written by another version

WEIGHTS = ("kernel", "recurrent_kernel", "bias", "dense_kernel", "dense_bias")

TEXT = 2**28  # most bytes that a checkpoint's texts may have


class Checkpoint(NamedTuple):
    """A run after its last epoch: the lines of all epochs, and the variables' values."""

    lines: list[dict]
    state: list[np.ndarray]

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """The arrays of the run's weights by name."""
        return dict(zip(WEIGHTS, self.state, strict=False))


def read(spec: RunSpec, path: Path) -> Checkpoint:
    """Return a run's checkpoint.

    Raises `InputError`, naming the file and the remedy, for one that cannot be read, is of
    another version or spec, or holds what no training of the run can have left.
    """
    remedy = (
        "delete it and the run's record to start over, or it alone to keep the run as its record "
        "has it, without going on"
    )
    try:
        arrays = npz.read(path, _most(spec))
        version = arrays.get("format", np.array(0))
        if version.shape or version.dtype.kind not in "iu":
            raise npz.Unreadable("format is not a number")
        if version != FORMAT:
            raise InputError(
                f"the checkpoint {path} was written by another version of this package "
                f"(format {version}, not {FORMAT}); {remedy}"
            )
        if _text(arrays, "spec") != spec.canonical():
            raise InputError(f"the checkpoint {path} is of another spec; {remedy}")
        lines = _lines(_text(arrays, "epochs"))
        state = _state(spec, arrays, lines)
    except (npz.Unreadable, OSError) as error:
        raise InputError(f"the checkpoint {path} cannot be read ({error}); {remedy}") from None
    return Checkpoint(lines, state)


def read_weights(spec: RunSpec, path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a run's final weights by name.

    Raises `npz.Unreadable` for damage and for other arrays than the spec's.
    """
    arrays = npz.read(path, _most(spec), WEIGHTS)
    for name, shape in zip(WEIGHTS, shapes(spec), strict=True):
        _check(name, arrays[name], shape)
    return arrays


def recorded_weights(spec: RunSpec, store: Store) -> dict[str, np.ndarray]:
    """Return the arrays of a recorded run's final weights by name.

    Raises `InputError`, naming the file and the remedy, where there are none or they are damaged.
    """
    path = store.weights_path(spec)
    try:
        return read_weights(spec, path)
    except FileNotFoundError:
        remedy = "train the run to its end, or name the store that has it"
        raise InputError(f"there are no weights {path}; {remedy}") from None
    except (npz.Unreadable, OSError) as error:
        remedy = f"mend them with: {repair_command(store.root)}"
        raise InputError(f"the weights {path} cannot be read ({error}); {remedy}") from None


def shapes(spec: RunSpec) -> list[tuple[int, ...]]:
    """Return the shapes of a run's weights, in the order of `WEIGHTS`."""
    columns = spec.units * (4 if spec.model == "lstm" else 1)
    inner = [(spec.features, columns), (spec.units, columns), (columns,)]
    return [*inner, (spec.units, spec.outputs), (spec.outputs,)]


def diverged(lines: list[dict]) -> bool:
    """Tell whether a run's lines have a number that is not finite; then weights may be so."""
    return any(line[metric] is None for line in lines for metric in METRICS)


def _most(spec: RunSpec) -> int:
    """Return the most bytes that the arrays of a checkpoint may have."""
    return 4 * 4 * sum(int(np.prod(shape)) for shape in shapes(spec)) + TEXT


def _text(arrays: dict[str, np.ndarray], name: str) -> str:
    if name not in arrays or arrays[name].shape or arrays[name].dtype.kind != "U":
        raise npz.Unreadable(f"{name} is not a text")
    return str(arrays[name])


def _lines(text: str) -> list[dict]:
    try:
        lines = json.loads(text)
    except (ValueError, RecursionError):
        raise npz.Unreadable("epochs is not JSON") from None
    if not isinstance(lines, list) or not lines:
        raise npz.Unreadable("epochs is not a list of lines")
    for number, line in enumerate(lines, 1):
        try:
            check_epoch(line, number)
        except InputError as error:
            raise npz.Unreadable(f"line {number} of its epochs is damaged: {error}") from None
    return lines


def _state(spec: RunSpec, arrays: dict[str, np.ndarray], lines: list[dict]) -> list[np.ndarray]:
    """Return the variables' values; whoever goes on checks the shapes of the optimizer's."""
    names = [name for name in arrays if name.startswith("v")]
    for number in range(max(len(names), len(WEIGHTS))):
        if f"v{number}" not in arrays:
            raise npz.Unreadable(f"v{number} is missing")
    state = [arrays[f"v{number}"] for number in range(len(names))]
    updates = len(lines) * spec.updates
    for number, array in enumerate(state):
        if number == len(WEIGHTS):  # the optimizer's count
            if array.shape or array.dtype.kind not in "iu" or array != updates:
                raise npz.Unreadable(f"v{number} does not count {updates} updates")
        else:
            shape = shapes(spec)[number] if number < len(WEIGHTS) else array.shape
            _check(f"v{number}", array, shape)
    if not diverged(lines):
        for number, array in enumerate(state):
            if not np.isfinite(array).all():
                raise npz.Unreadable(f"v{number} is not finite, though its epochs are")
    return state


def _check(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.dtype != np.float32 or array.shape != shape:
        raise npz.Unreadable(f"{name} is {array.dtype} {array.shape}, not float32 {shape}")
