"""Where compiled programs are kept: a folder of the user's, which nobody else may write to."""

import os
import tempfile
from pathlib import Path


def folder(name: str) -> Path:
    """Return a folder in the user's cache, made if need be.

    Raises `OSError`, in a line that says what to do, where it cannot be written or where others
    may write to it: what is in it is run.
    """
    path = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "irnn" / name
    try:
        path = path.expanduser()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            found = path.stat()
    except (OSError, RuntimeError) as error:
        raise OSError(
            f"the cache {path} cannot be written ({error}); set XDG_CACHE_HOME to a folder of yours"
        ) from None
    if found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise OSError(f"others may write to the cache {path}; chmod 700 it, or remove it")
    return path
