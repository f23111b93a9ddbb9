"""Reads `.npz` files that may be anything: whole, or refused with the reason in a line."""

import os
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np


class Unreadable(ValueError):
    """Not the `.npz` file that was expected: the message says in a line what is wrong."""


def read(
    path: str | os.PathLike, most: int, names: Iterable[str] | None = None
) -> dict[str, np.ndarray]:
    """Return the arrays of a file.

    Args:
        path: The file.
        most: The bytes that its arrays may have together, as they say before they are read.
        names: The arrays to read; None: all.

    Raises:
        FileNotFoundError: Where there is no file.
        Unreadable: For an array of `names` that it lacks, and for any damage; no code of the
            file is run.

    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise Unreadable("it is not a file")
    try:
        with warnings.catch_warnings(action="ignore"), np.load(path, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise Unreadable("it is a single array")
            names = file.files if names is None else tuple(names)
            for name in names:
                if name not in file.files:
                    raise Unreadable(f"it lacks an array ({name})")
            sizes = {info.filename: info.file_size for info in file.zip.infolist()}
            total = sum(sizes.get(f"{name}.npy", sizes.get(name, 0)) for name in names)
            if total > most:
                raise Unreadable(f"its arrays have {total:,} bytes, at most {most:,} are expected")
            arrays = {name: file[name] for name in names}
    except (FileNotFoundError, Unreadable):
        raise
    except Exception as error:  # NumPy and zipfile raise almost anything for damaged bytes
        raise Unreadable(_reason(path, error)) from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise Unreadable(f"{name} is not an array")
    return arrays


def _reason(path: Path, error: Exception) -> str:
    """Return an error in a line; NumPy's advice to allow pickles is not passed on."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if not zipfile.is_zipfile(path):
        return "it is no .npz file, or a truncated one"
    if "pickle" in str(error):
        return "it holds Python objects instead of numbers"
    return " ".join(str(error).split())[:200] or type(error).__name__
