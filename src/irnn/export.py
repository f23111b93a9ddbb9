"""Writes a recorded run's weights as a `.safetensors` file, which a browser reads in a few lines.

The format: eight bytes with the length of a header, the header as JSON (each array's type,
shape and place, and texts about the whole), then the arrays' bytes
(https://github.com/huggingface/safetensors#format).
"""

import json
import os
import struct
from pathlib import Path

from irnn.checkpoint import WEIGHTS, recorded_weights
from irnn.errors import InputError, file_in_the_way
from irnn.files import whole
from irnn.spec import RunSpec
from irnn.store import Store


def export(spec: RunSpec, store: Store, folder: str | os.PathLike) -> Path:
    """Write the final weights of a recorded run to `NAME.safetensors` and return its path.

    Raises `InputError` for weights that are missing or damaged, and for a folder that cannot
    be written.
    """
    weights = recorded_weights(spec, store)
    about = {"run": spec.name, "model": spec.model, "gates": spec.gates or spec.semantics}
    header, end = {"__metadata__": about}, 0
    for name in WEIGHTS:
        begin, end = end, end + weights[name].nbytes
        header[name] = {
            "dtype": "F32",
            "shape": weights[name].shape,
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the arrays begin at a multiple of eight
    arrays = b"".join(weights[name].astype("<f4").tobytes() for name in WEIGHTS)
    path = Path(folder) / f"{spec.name}.safetensors"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as file:
            file.write(struct.pack("<Q", len(text)) + text + arrays)
    except OSError as error:
        file = file_in_the_way(path.parent)
        reason = f"{file} is a file, not a folder" if file else error.strerror
        raise InputError(
            f"output {folder}: cannot be written ({reason}); name another folder"
        ) from None
    return path
