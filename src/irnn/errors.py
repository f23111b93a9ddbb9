"""What a user did that cannot work, said in one line."""

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

MOST = 20  # names that a message lists


class InputError(ValueError):
    """Bad input: the message names it, says what is wrong and what to do.

    The command line prints the message and exits with 2; a notebook shows the message
    in place of a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        """Show one line in a notebook (IPython's hook)."""
        return [f"InputError: {self}"]


class Unavailable(InputError):
    """Bad input that no run can be trained with: no data, no store, no backend, no device."""


def one_of(what: str, value, allowed: Iterable) -> None:
    """Raise `InputError`, naming a likely value or all, unless `value` is in `allowed`."""
    allowed = list(allowed)
    if value in allowed:
        return
    near = get_close_matches(str(value), [str(name) for name in allowed], n=1, cutoff=0.7)
    more = f" and {len(allowed) - MOST} more" if len(allowed) > MOST else ""
    valid = ", ".join(map(str, allowed[:MOST])) + more or "none"
    hint = f"did you mean {near[0]}?" if near else f"valid: {valid}"
    raise InputError(f"unknown {what} {value!r}; {hint}")


def one_line(text: object) -> str:
    """Return a text as a terminal may show it: on one line, without control characters."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode("ascii")
        for c in str(text)
    )


def file_in_the_way(folder: Path) -> Path | None:
    """Return the file that stands where a folder, or one above it, is to be; None for none."""
    return next((path for path in (folder, *folder.parents) if os.path.isfile(path)), None)


def user_path(what: str, path: str | os.PathLike) -> Path:
    """Return a path with `~` spelled out.

    Raises `InputError` for a user that is not known and for a path that no file can have.
    """
    try:
        if "\0" in str(path):
            raise RuntimeError("it has a null character")
        path = Path(path).expanduser()
        if any(len(os.fsencode(part)) > 255 for part in path.parts):
            raise RuntimeError("a name in it is longer than 255 bytes")
        return path
    except RuntimeError as error:
        raise InputError(f"{what} {str(path)!r}: {error}; name another path") from None
