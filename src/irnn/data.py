"""Images as sequences of pixels, and the adding problem.

`mnist`: 60,000 training and 10,000 test images of 28 x 28 pixels (LeCun, Cortes, Burges).
`digits`: scikit-learn's 8 x 8 handwritten digits, 1,437 and 360, for machines without a
network and for first steps.
`adding`: sequences of random numbers, of which the sum of two is asked for.
"""

import hashlib
import math
import os
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock

from irnn import npz
from irnn.errors import Unavailable, one_of, user_path
from irnn.spec import DATASETS, IMAGES, RunSpec

# SHA-256 of each array's bytes. They were checked against the original IDX files.
MNIST_SHA256 = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
MNIST_BYTES = 70_000 * (28 * 28 + 1) + 4096  # of the arrays, with what names their types

REMEDY = "set MNIST_NPZ to the path of a file with Keras' four MNIST arrays, or use digits"


class Data(NamedTuple):
    """Training and test samples: `x` float32 in [0, 1]; `y` integer labels 0 to 9, or sums."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def load_images(dataset: str, path: str | os.PathLike | None = None) -> Data:
    """Return the images of a dataset, `x` of shape (n, side, side).

    `path` is an `.npz` file with MNIST's arrays; without one, the environment variable
    `MNIST_NPZ` names it; without that either, Keras downloads and caches it. The arrays are
    verified by their SHA-256.

    Raises `InputError` for an unknown dataset, and `Unavailable` for MNIST that cannot be
    had or is not what it should be.
    """
    one_of("dataset", dataset, IMAGES)
    if dataset == "digits":
        return _digits()
    path = path or os.environ.get("MNIST_NPZ")
    arrays = _read_mnist(user_path("MNIST", path)) if path else _download_mnist()
    for name, array in arrays.items():
        n = 60_000 if "train" in name else 10_000
        shape = (n, 28, 28) if name.startswith("x") else (n,)
        right = array.dtype == np.uint8 and array.shape == shape
        if not right or hashlib.sha256(array.tobytes()).hexdigest() != MNIST_SHA256[name]:
            raise Unavailable(
                f"MNIST from {path or 'Keras'}: {name} is not MNIST's (wrong SHA-256); {REMEDY}"
            )
    pixels = {name: (arrays[name] / np.float32(255)) for name in ("x_train", "x_test")}
    return Data(**arrays | pixels)


def _digits() -> Data:
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = digits.images.astype("float32") / 16
    y = digits.target.astype("uint8")
    n = DATASETS["digits"]
    return Data(x[:n], y[:n], x[n:], y[n:])


def _read_mnist(path: Path) -> dict[str, np.ndarray]:
    try:
        return npz.read(path, MNIST_BYTES, MNIST_SHA256)
    except FileNotFoundError:
        raise Unavailable(f"MNIST: there is no file {path}; {REMEDY}") from None
    except npz.Unreadable as error:
        raise Unavailable(f"MNIST: {path} cannot be read ({error}); {REMEDY}") from None


def _download_mnist() -> dict[str, np.ndarray]:
    # Keras has no lock. A user's own: what another one left there could not be opened.
    user = os.getuid() if hasattr(os, "getuid") else ""
    lock = FileLock(Path(tempfile.gettempdir()) / f"irnn-mnist-{user}.lock")
    try:
        import keras

        with lock, redirect_stdout(sys.stderr):  # a page does not show the download
            (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise Unavailable(f"MNIST cannot be downloaded ({reason}); {REMEDY}") from None
    return Data(x_train, y_train, x_test, y_test)._asdict()


def pixels(images: np.ndarray, spec: RunSpec) -> np.ndarray:
    """Return the pixels of images (n, side, side), (n, P), cropped and pooled, row by row.

    Pooling averages squares of pixels. A blank pixel follows the last where the spec has blank
    steps.
    """
    n, side, _ = images.shape
    images = images[:, spec.crop : side - spec.crop, spec.crop : side - spec.crop]
    small = (side - 2 * spec.crop) // spec.pooling
    blocks = images.reshape(n, small, spec.pooling, small, spec.pooling)
    pooled = blocks.mean(axis=(2, 4), dtype="float32").reshape(n, small * small)
    return np.pad(pooled, ((0, 0), (0, 1))) if spec.delay else pooled


def pixel_order(spec: RunSpec) -> np.ndarray:
    """Return indices (T,) of `pixels`, in the order in which every image is read."""
    count = spec.steps - spec.delay
    rows = np.arange(count)
    order = {
        "rows": rows,
        "columns": rows.reshape(math.isqrt(count), -1).T.reshape(-1),
        "reversed": rows[::-1],
    }[spec.order]
    if spec.permutation is not None:
        order = order[np.random.default_rng(spec.permutation).permutation(count)]
    return np.append(order, np.full(spec.delay, count))


def sequences(images: np.ndarray, spec: RunSpec) -> np.ndarray:
    """Return images (n, side, side) as the sequences (n, T, 1) that a run reads."""
    return pixels(images, spec)[:, pixel_order(spec), None]


def training_samples(labels: np.ndarray, spec: RunSpec) -> np.ndarray:
    """Return the indices of the images that a run is trained on, of all training labels."""
    labels = labels[: len(labels) - spec.held_out]
    if spec.samples is None:
        return np.arange(len(labels))
    return stratified(labels, spec.samples, spec.seed)


def test_samples(images: Data, spec: RunSpec) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels that a run is tested on: the test set, or those held out."""
    if spec.held_out:
        return images.x_train[-spec.held_out :], images.y_train[-spec.held_out :]
    return images.x_test, images.y_test


def stratified(labels: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Return sorted indices of `samples` labels in which each class keeps its share.

    Every class gets the whole part of its share, the largest remainders get one more.
    """
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    share = counts * samples / len(labels)
    take = np.floor(share).astype(int)
    take[np.argsort(take - share, kind="stable")[: samples - take.sum()]] += 1
    chosen = [
        rng.choice(np.flatnonzero(labels == c), n, replace=False)
        for c, n in zip(classes, take, strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def adding(length: int, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return samples of the adding problem: sequences (samples, length, 2) and sums (samples,).

    A step has a number of U(0, 1) and a mark, 1 for two of the steps and 0 for the others; the
    sum of the marked numbers is asked for (Hochreiter and Schmidhuber, 1997; as in Le et al.,
    2015). Guessing 1, the mean, has the mean squared error 1/6.
    """
    rng = np.random.default_rng((length, seed))
    numbers = rng.random((samples, length), dtype="float32")
    marked = np.stack([rng.permutation(length)[:2] for _ in range(samples)])
    marks = np.zeros_like(numbers)
    np.put_along_axis(marks, marked, 1, axis=1)
    return np.stack([numbers, marks], axis=2), (numbers * marks).sum(axis=1)


TEST_SEQUENCES = 10_000


def load(spec: RunSpec, path: str | os.PathLike | None = None) -> Data:
    """Return the sequences (n, T, features) that a run is trained and tested on.

    Raises `Unavailable` as `load_images` does.
    """
    if spec.dataset not in IMAGES:
        test = (spec.held_out, 2) if spec.held_out else (TEST_SEQUENCES, 1)
        return Data(*adding(spec.length, spec.training_images, 0), *adding(spec.length, *test))
    images = load_images(spec.dataset, path)
    chosen = training_samples(images.y_train, spec)
    x_test, y_test = test_samples(images, spec)
    return Data(
        sequences(images.x_train[chosen], spec),
        images.y_train[chosen],
        sequences(x_test, spec),
        y_test,
    )
