"""All steps of a loop in one call on a processor: native.cc, compiled where it is used.

The machine's own C++ compiler makes a library for this very processor at the first use, in
some seconds, and keeps it in the user's cache. JAX calls it through its foreign function
interface; jaxlib ships the header. It has gradients of its own, since those of the weights are
summed up while the loop runs backwards, and takes runs side by side (`vmap`) in one call.
"""

import ctypes
import functools
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np

from irnn.recurrent import cache
from irnn.recurrent.activations import ReLU

SOURCE = Path(__file__).with_name("native.cc")
SAVED = {"irnn": 1, "lstm": 6}  # arrays of units that are saved of a step

CXX_REMEDY = "set CXX to a C++ compiler, or unset it"
REMEDY = "install a C++ compiler (Debian: apt-get install g++; macOS: xcode-select --install)"


# --- compilation ------------------------------------------------------------------------


@functools.cache
def obstacle() -> str | None:
    """Return in a line why there is no library and what to do, None if there is one."""
    try:
        _library()
    except Uncompiled as error:
        return str(error)
    return None


class Uncompiled(Exception):
    """The library cannot be had: the message says why and what to do."""


@functools.cache
def _library() -> ctypes.CDLL:
    """Return the library, its calls registered with JAX. Raises `Uncompiled`."""
    library = compiled(SOURCE)
    for name in ("irnn_forward", "irnn_backward"):
        call = jax.ffi.pycapsule(getattr(library, name))
        jax.ffi.register_ffi_target(name, call, platform="cpu")
    _keep_memory()
    return library


def _keep_memory() -> None:
    """Have glibc keep memory that is freed.

    It would hand large arrays back to the system after every call and get them anew, page by
    page: that was what `model.fit` cost more than updates inside one program, a quarter of the
    time of an LSTM.
    """
    with suppress(OSError, AttributeError):  # not glibc
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(-3, 2**30)  # M_MMAP_THRESHOLD
        mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD


def _compiler() -> list[str]:
    """Return the command of the C++ compiler: CXX, or the first that is found.

    Raises `Uncompiled` for a CXX that is no command, and where none is found.
    """
    asked = os.environ.get("CXX", "")
    try:
        command = shlex.split(asked)
    except ValueError as error:
        raise Uncompiled(f"CXX is {asked!r} ({error}); {CXX_REMEDY}") from None
    found = filter(None, map(shutil.which, ("c++", "g++", "clang++")))
    command = command or [*found][:1]
    if not command:
        raise Uncompiled(f"no C++ compiler is found; {REMEDY}")
    return command


def compiled(source: Path) -> ctypes.CDLL:
    """Return the shared library of a source, for this processor.

    It is compiled unless the cache has it, and written whole or not at all: processes that
    compile at the same time replace each other's equal file. Raises `Uncompiled`.
    """
    compiler = _compiler()
    native = "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native"
    flags = ["-std=c++17", "-O3", native, "-ffp-contract=fast", "-fPIC", "-shared", "-w"]
    flags += ["-I", jax.ffi.include_dir()]
    made_of = [source.read_text(encoding="utf-8"), *compiler, *flags]
    made_of += [jaxlib.__version__, platform.platform(), _processor()]
    name = hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:16]
    try:
        folder = cache.folder("native")
    except OSError as error:
        raise Uncompiled(str(error)) from None
    path = folder / f"{source.stem}-{name}.so"
    with suppress(OSError):  # it is not there, or damaged, as by a power cut
        return ctypes.CDLL(str(path))
    print(f"irnn: compiling {source.name} for this processor, once", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as unfinished:
        made = Path(unfinished) / path.name
        command = [*compiler, *flags, "-o", str(made), str(source)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
            library = ctypes.CDLL(str(made))  # one that does not load is not kept
            with made.open("rb+") as file:
                os.fsync(file.fileno())
            made.replace(path)
        except (OSError, subprocess.CalledProcessError) as error:
            said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
            said = next((line for line in said if "error" in line), said[0] if said else "")
            remedy = CXX_REMEDY if os.environ.get("CXX") else REMEDY
            raise Uncompiled(
                f"{shlex.join(compiler)} cannot compile {source.name} ({said}); {remedy}"
            ) from None
    return library


def _processor() -> str:
    """Return what tells processors apart that need different machine code."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    keys = ("model name", "flags", "Features", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(keys)}))


# --- loops ------------------------------------------------------------------------------


def width(units: int) -> int:
    """Return the units with the padding of what is saved."""
    lanes = _library().lanes()
    return -(-units // lanes) * lanes


def simple_rnn(activation, x, h, kernel, recurrent_kernel, bias, live=None):
    """Return the last output of a SimpleRNN, as `choice.Loop` says."""
    at_0 = activation.derivative_at_0 if isinstance(activation, ReLU) else 0.0
    name = "relu" if isinstance(activation, ReLU) else activation.__name__
    return _loop("irnn", name, at_0, x, h, kernel, recurrent_kernel, bias, live)


def lstm(gate, x, h, c, kernel, recurrent_kernel, bias, live=None):
    """Return the last output and cell state of an LSTM, as `choice.Loop` says."""
    states = jnp.concatenate([h, c], axis=1)
    last = _loop("lstm", gate.__name__, 0.0, x, states, kernel, recurrent_kernel, bias, live)
    return tuple(jnp.split(last, 2, axis=1))


def _loop(model, activation, at_0, x, states, kernel, recurrent_kernel, bias, live):
    _library()
    stacked = jnp.concatenate([recurrent_kernel, kernel, bias[None]])
    live = jnp.asarray(x.shape[1] if live is None else live, "int32")
    return _states((model, activation, float(at_0)), x, states, stacked, live)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _states(cell, x, states, stacked, live):
    return _forward(cell, x, states, stacked, save=False)[0]


def _states_forward(cell, x, states, stacked, live):
    last, saved = _forward(cell, x, states, stacked, save=True)
    return last, (x, states, stacked, saved, live)


def _states_backward(cell, residuals, dlast):
    x, states, stacked, saved, live = residuals
    shapes = [jax.ShapeDtypeStruct(a.shape, "float32") for a in (x, states, stacked)]
    call = _call("irnn_backward", shapes, cell)
    return *call(x, states, stacked, saved, dlast, live), None


_states.defvjp(_states_forward, _states_backward)


def _forward(cell, x, states, stacked, save: bool):
    """Return the last states and what `irnn_backward` needs of all steps, if it is to be saved."""
    batch, steps, _ = x.shape
    columns = SAVED[cell[0]] * width(len(stacked) - 1 - x.shape[2])
    shapes = [
        jax.ShapeDtypeStruct(states.shape, "float32"),
        jax.ShapeDtypeStruct((steps if save else 0, batch, columns), "float32"),
    ]
    return _call("irnn_forward", shapes, cell)(x, states, stacked)


def _call(name, shapes, cell):
    _, activation, at_0 = cell
    call = jax.ffi.ffi_call(name, shapes, vmap_method="broadcast_all")
    return partial(call, activation=activation, at_0=np.float32(at_0))
