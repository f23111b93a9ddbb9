"""The author's puzzle in the software of 2015: `truncate_gradient` 784 and -1, and a NaN.

    MNIST_NPZ=mnist.npz python benchmarks/keras_2015.py

The post's IRNN and LSTM are trained by Keras 0.2.0 (October 2015) on Theano-PyMC, which stands
in for Theano, in an environment of their own that is made from PyPI's packages. Both start from
the same weights with either value. Then sequences of 100 pixels are read with the gradient of |x|
that Theano had in 2015, compiled as usual and with `optimizer=fast_compile`.

It needs Python 3.11, a C++ compiler and MNIST, and takes minutes, on a busy machine half an hour:
Theano compiles more than a hundred small files and runs the steps of a sequence in Python. The
losses go to `benchmarks/results/keras_2015.csv`.
"""

import argparse
import datetime
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from irnn.data import REMEDY, Data, load_images
from irnn.errors import InputError
from irnn.measurements import write
from irnn.training.machine import cpu

RESULTS = Path(__file__).parent / "results" / "keras_2015.csv"
PROGRAM = Path(__file__).with_name("keras_2015_losses.py")
# Those of 2015 and what they need; setuptools has the distutils that Theano compiles with.
VERSIONS = {"keras": "0.2.0", "theano-pymc": "1.1.2", "numpy": "1.23.5", "scipy": "1.10.1"}
PACKAGES = [f"{name}=={version}" for name, version in VERSIONS.items()]
PACKAGES += ["setuptools==59.8.0", "six", "filelock", "pyyaml"]
BATCH_SIZE = 32


@dataclass(frozen=True)
class Case:
    """Losses to compute: the columns of the table that say what was trained."""

    network: str
    steps: int  # pixels of an image that are read, from the first on
    truncate_gradient: int
    abs_gradient: str  # of |x|: "sign", Theano's since 2016, or "x/|x|", that of 2015
    theano_optimizer: str  # of the compiled graph: "fast_run", the default, or "fast_compile"
    updates: int


CASES = [
    Case(network, 784, k, "sign", "fast_run", 10) for network in ("irnn", "lstm") for k in (784, -1)
]
CASES += [
    Case(network, 100, -1, "x/|x|", optimizer, 3)
    for network in ("irnn", "lstm")
    for optimizer in ("fast_run", "fast_compile")
]


def install(python: str | Path) -> None:
    """Install the packages of 2015 into the environment of a Python 3.11.

    Raises `InputError` with pip's last word. Without dependencies: Keras asks for a Theano that
    no Python of today can run.
    """
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, "--no-deps", *PACKAGES], capture_output=True, text=True)
    if done.returncode:
        raise InputError(
            f"pip cannot install the packages of 2015 ({_last_line(done.stderr)}); "
            "they come from PyPI: connect to the internet, or set PIP_INDEX_URL to a mirror"
        )


def environment(folder: Path) -> Path:
    """Make the environment of 2015 in a folder, or complete it, and return its Python."""
    if not shutil.which("g++") and not shutil.which("clang++"):
        raise InputError("Theano needs a C++ compiler, none is found; Debian: apt-get install g++")
    python = sys.executable if sys.version_info[:2] == (3, 11) else shutil.which("python3.11")
    if not python:
        raise InputError("python3.11 is not found, the last that Theano-PyMC runs on; install it")
    done = subprocess.run([python, "-m", "venv", folder], capture_output=True, text=True)
    if done.returncode:
        said = _last_line(done.stdout + done.stderr)
        raise InputError(f"{python} cannot make an environment in {folder} ({said})")
    made = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    install(made)
    return made


def mnist() -> Data:
    """Return MNIST. Raises `InputError` where it cannot be had."""
    try:
        return load_images("mnist")
    except InputError as error:
        raise InputError(
            f"{str(error).removesuffix(REMEDY)}set MNIST_NPZ to the path of a file with Keras' "
            "four MNIST arrays; other digits are no substitute, the losses are those of MNIST"
        ) from None


def losses(case: Case, images: Data, python: Path, folder: Path) -> Iterator[float]:
    """Train in the environment of 2015 and yield the loss of each batch, before its update.

    Raises `InputError` with the last line of what was said there.
    """
    count = case.updates * BATCH_SIZE
    x = images.x_train[:count].reshape(count, -1)[:, : case.steps]
    np.savez(folder / "images.npz", x=x, y=images.y_train[:count])
    flags = {
        "floatX": "float32",
        "blas__ldflags": "",  # NumPy's
        "optimizer": case.theano_optimizer,
        "base_compiledir": folder / "theano",
    }
    # Nothing that is set on this machine for another Python or another Theano counts.
    variables = {"THEANO_FLAGS": ",".join(f"{name}={flag}" for name, flag in flags.items())}
    variables["THEANORC"] = os.devnull
    command = [python, "-I", PROGRAM, folder / "images.npz", case.network]
    command += [str(case.truncate_gradient), case.abs_gradient]
    with (folder / "said.txt").open("w+", encoding="utf-8") as said:
        process = subprocess.Popen(
            command, env=os.environ | variables, stdout=subprocess.PIPE, stderr=said, text=True
        )
        with process:
            yield from map(float, process.stdout)
        if process.returncode:
            said.seek(0)
            raise InputError(f"{PROGRAM.name} failed for {case} ({_last_line(said.read())})")


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2] or "without a word"


def measure(folder: Path) -> Iterator[dict]:
    """Yield the rows of the table, as they are known."""
    images = mnist()
    python = environment(folder / "env")
    where = {
        "date": datetime.date.today().isoformat(),
        "machine": cpu(),
        "cores": os.cpu_count(),
        "keras": VERSIONS["keras"],
        "backend": "theano",
        "backend_version": VERSIONS["theano-pymc"],
        "numpy": VERSIONS["numpy"],
    }
    for case in CASES:
        settings = {key: value for key, value in vars(case).items() if key != "updates"}
        for update, loss in enumerate(losses(case, images, python, folder), start=1):
            yield where | settings | {"update": update, "loss": loss}


def main(arguments: list[str] | None = None) -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULTS, help="the table")
    parser.add_argument(
        "--folder", type=Path, help="where the environment is kept; default: a temporary folder"
    )
    args = parser.parse_args(arguments)
    rows = []
    try:
        with tempfile.TemporaryDirectory() as temporary:
            folder = args.folder or Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            for row in measure(folder.resolve()):
                print(*list(row.values())[-7:], flush=True)
                rows.append(row)
    except InputError as error:
        sys.exit(str(error))
    write(args.output, rows)


if __name__ == "__main__":
    main()
