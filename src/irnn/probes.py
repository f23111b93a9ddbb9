"""Probes: measurements inside recorded networks and on the data, in NumPy.

    reach          how far back the gradient of the loss reaches, before and after training
    answers        how often a network's answer is right if the image ends after t pixels
    weights        how large the gradient of the loss is, initial weight by initial weight
    classifiers    how well the last, first and middle n pixels alone tell the digit

`python -m irnn probe` computes them; each kind is a file of JSON lines in `book/probes`.
"""

import json
import math
import os
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from irnn import data
from irnn.checkpoint import WEIGHTS, recorded_weights
from irnn.errors import InputError, one_of
from irnn.files import whole
from irnn.forward import Weights, probabilities, states
from irnn.spec import IMAGES, RunSpec, make
from irnn.store import Store, parsed

PROBES = Path(__file__).parents[2] / "book" / "probes"

# The values of each kind by name, each a list of numbers:
#   reach: `norm`, t = 0, 1, ... steps before the end
#   answers: `accuracy` after each of `pixels`
#   weights: `quantiles` of the size of the gradient, 0%, 1%, ..., 100% of the recurrent weights
#   classifiers: test accuracies of the `linear` one, and of the `dense` ones by seed
VALUES = {
    "reach": ("norm",),
    "answers": ("pixels", "accuracy"),
    "weights": ("quantiles",),
    "classifiers": ("linear", "dense"),
}

# Test images that a network is probed with, spread evenly over those that there are.
IMAGES_OF = {"reach": 256, "answers": 1000, "weights": 32}  # of weights: a batch
TESTED = {"mnist": 10_000, "digits": 360}
BATCH = 32  # images whose states are kept at a time
EVERY = 4  # pixels from one answer to the next

# Of the classifiers: pooling and number of training images by dataset; numbers n of pixels as
# shares of all, 1 to 196 of MNIST's pooled ones; units of the dense one and seeds.
POOLING = {"mnist": 2, "digits": 1}
SAMPLES = {"mnist": 20_000, "digits": 1_437}
SHARES = (1 / 196, 1 / 28, 1 / 14, 1 / 7, 1 / 4, 300 / 784, 1 / 2, 3 / 4, 1)
ENDS = ("last", "first", "middle")
HIDDEN = 64
SEEDS = 3

# The slope of a gate's activation as a function of its value, by semantics.
SLOPES = {
    "2015": lambda a: 0.2 * ((a > 0) & (a < 1)),
    "today": lambda a: a * (1 - a),
}


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What was measured, on what, and what came out.

    Args:
        kind: One of `VALUES`.
        spec: The run whose network it is; None: it is of the data.
        epoch: The epochs after which its weights are; 0: the initial ones.
        settings: What else decides the values.
        values: Lists of numbers by the names of `VALUES`.
        origin: When, from what commit and on what machine they were computed.

    """

    kind: str
    spec: RunSpec | None = None
    epoch: int | None = None
    settings: dict[str, str | int]
    values: dict[str, list[float]] | None = None
    origin: dict[str, str | int | None] | None = None

    @property
    def command(self) -> str:
        """What computes it."""
        return f"python -m irnn probe {self.kind}"

    def __str__(self) -> str:
        if self.spec:
            return f"{self.spec}, epoch {self.epoch}"
        return "{dataset}, {end} {pixels} pixels".format(**self.settings)


# --- inside a network -------------------------------------------------------------------


def reach(
    spec: RunSpec, weights: Weights, sequences: np.ndarray, labels: np.ndarray
) -> dict[str, list[float]]:
    """Return the norm of the loss's gradient with respect to the state, step by step back.

    Args:
        spec: The run.
        weights: Its weights by name.
        sequences: Pixels, (n, T).
        labels: The digits, (n,).

    Returns:
        `norm`, T numbers: with respect to the state t = 0, 1, ... steps before the end, the mean
        over the images of the norm of an image's gradient. An LSTM's state is its hidden state
        and its memory cell together.

    """
    total = np.zeros(sequences.shape[1])
    for begin in range(0, len(sequences), BATCH):
        part = slice(begin, begin + BATCH)
        for t, gradient in enumerate(gradients(spec, weights, sequences[part], labels[part])):
            state = np.hstack([gradient[name] for name in ("h", "c") if name in gradient])
            total[t] += np.linalg.norm(state, axis=1).sum()
    return {"norm": (total / len(sequences)).tolist()}


def gradients(
    spec: RunSpec, weights: Weights, sequences: np.ndarray, labels: np.ndarray
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the gradient of each image's cross-entropy with respect to the state, going back.

    The state is what a step hands to the next, so that the gradient is that of all steps after
    it (backpropagation through time, not truncated). In double precision: what vanishes falls
    below the smallest single-precision number.

    Args: as `reach`.

    Yields:
        From the last step to the first: arrays (n, units) by name, `h`, and an LSTM's `c`; and
        `z`, with respect to what the step's activations get, (n, units) or (n, 4 x units).

    """
    weights = {name: array.astype("float64") for name, array in weights.items()}
    back = weights["recurrent_kernel"].T
    steps = list(states(spec, weights, sequences))
    off = probabilities(weights, steps[-1]["h"])
    off[np.arange(len(labels)), labels] -= 1
    dh = off @ weights["dense_kernel"].T
    if spec.model == "irnn":
        for step in reversed(steps):
            dz = dh * np.heaviside(step["z"], spec.relu_derivative_at_0)
            yield {"h": dh, "z": dz}
            dh = dz @ back
        return
    slope = SLOPES[spec.gates or spec.semantics]
    dc = np.zeros_like(dh)
    cells = [np.zeros_like(dh), *(step["c"] for step in steps)]  # before each step
    for t in reversed(range(len(steps))):
        i, f, o, new = (steps[t][name] for name in ("i", "f", "o", "new"))
        tanh = np.tanh(steps[t]["c"])
        inner = dc + dh * o * (1 - tanh**2)
        inside = [
            inner * new * slope(i),
            inner * cells[t] * slope(f),
            inner * i * (1 - new**2),
            dh * tanh * slope(o),
        ]
        dz = np.hstack(inside)
        yield {"h": dh, "c": dc, "z": dz}
        dh, dc = dz @ back, inner * f


def weight_gradients(
    spec: RunSpec, weights: Weights, sequences: np.ndarray, labels: np.ndarray
) -> Weights:
    """Return the gradient of the mean cross-entropy with respect to the weights, by name.

    Args: as `reach`.
    """
    states_h = [step["h"] for step in states(spec, weights, sequences)]
    before = [np.zeros_like(states_h[0]), *states_h]
    off = probabilities(weights, before[-1])
    off[np.arange(len(labels)), labels] -= 1
    found = {name: np.zeros(array.shape) for name, array in weights.items()}
    found["dense_kernel"] += before[-1].T @ off
    found["dense_bias"] += off.sum(0)
    back = gradients(spec, weights, sequences, labels)
    for x, h, gradient in zip(sequences.T[::-1], before[-2::-1], back, strict=True):
        found["kernel"] += x[None] @ gradient["z"]
        found["recurrent_kernel"] += h.T @ gradient["z"]
        found["bias"] += gradient["z"].sum(0)
    return {name: total / len(labels) for name, total in found.items()}


def sizes(
    spec: RunSpec, weights: Weights, sequences: np.ndarray, labels: np.ndarray
) -> dict[str, list[float]]:
    """Return how large the elements of that gradient are, of the recurrent weights.

    Args: as `reach`.

    Returns:
        `quantiles`: of the absolute values, from the smallest to the largest by one percent.

    """
    found = np.abs(weight_gradients(spec, weights, sequences, labels)["recurrent_kernel"])
    return {"quantiles": np.quantile(found, np.linspace(0, 1, 101)).tolist()}


def answers(
    spec: RunSpec, weights: Weights, sequences: np.ndarray, labels: np.ndarray
) -> dict[str, list[float]]:
    """Return how often the answer is right that a network gives if the image ends early.

    Args: as `reach`.

    Returns:
        `pixels`: the numbers of pixels after which it is asked, every `EVERY`, the last is T;
        `accuracy`: the share of images whose digit it names then.

    """
    after = range(sequences.shape[1], 0, -EVERY)[::-1]
    right = [
        float(np.mean(probabilities(weights, state["h"]).argmax(axis=1) == labels))
        for t, state in enumerate(states(spec, weights, sequences), 1)
        if t in after
    ]
    return {"pixels": [*after], "accuracy": right}


def weights_after(spec: RunSpec, epoch: int, store: Store) -> Weights:
    """Return a run's weights by name after an epoch: 0, or the last that is recorded.

    Raises `InputError` for an epoch of which none are kept, and for weights that are missing,
    damaged or not finite.
    """
    if epoch == 0:
        from irnn import models

        return dict(zip(WEIGHTS, models.build(spec).get_weights(), strict=True))
    last = len(store.read(spec))
    if epoch != last:
        raise InputError(
            f"epoch is {epoch}; of {spec}, the weights of epochs 0 and {last} are kept"
        )
    weights = recorded_weights(spec, store)
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise InputError(f"{spec} has weights that are not finite; probe another run")
    return weights


# --- the data alone ---------------------------------------------------------------------


def classifiers(images: data.Data, settings: dict) -> dict[str, list[float]]:
    """Return the test accuracies of classifiers that see n pixels in a row of the sequence.

    Args:
        images: A dataset's images.
        settings: Those of a probe of this kind.

    Returns:
        `linear`: of a softmax classifier; `dense`: of networks with a hidden layer of `HIDDEN`
        ReLU units, a number for each of `SEEDS` seeds.

    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    spec = make("irnn", dataset=settings["dataset"], pooling=settings["pooling"])
    n = settings["pixels"]
    first = {"first": 0, "middle": (spec.steps - n) // 2, "last": spec.steps - n}[settings["end"]]
    seen = slice(first, first + n)
    x, x_test = (data.pixels(part, spec)[:, seen] for part in (images.x_train, images.x_test))
    chosen = data.stratified(images.y_train, settings["images"], seed=0)
    linear = LogisticRegression(max_iter=500, tol=1e-3)
    dense = [
        MLPClassifier((HIDDEN,), batch_size=100, max_iter=20, random_state=seed)
        for seed in range(SEEDS)
    ]
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # 20 epochs it is
        warnings.filterwarnings("error", message="Training interrupted by user")
        try:
            fitted = [one.fit(x[chosen], images.y_train[chosen]) for one in (linear, *dense)]
        except UserWarning as stopped:  # scikit-learn would go on with what is half trained
            raise stopped.__context__ from None
    first, *others = (float(one.score(x_test, images.y_test)) for one in fitted)
    return {"linear": [first], "dense": others}


# --- computed and recorded --------------------------------------------------------------


def planned(kind: str, specs: Iterable[RunSpec], store: Store, dataset: str) -> list[Probe]:
    """Return the probes of a kind, without values: of runs, or of a dataset.

    Raises `InputError` for a run that is not recorded, reads no images, or whose record is
    damaged.
    """
    one_of("probe", kind, VALUES)
    if kind == "classifiers":
        spec = make("irnn", dataset=dataset, pooling=POOLING[dataset])
        common = {"dataset": dataset, "pooling": spec.pooling, "images": SAMPLES[dataset]}
        lengths = dict.fromkeys(max(1, round(share * spec.steps)) for share in SHARES)
        settings = [common | {"end": end, "pixels": n} for end in ENDS for n in lengths]
        return [Probe(kind=kind, settings=each) for each in settings]
    found = []
    for spec in specs:
        if spec.dataset not in IMAGES:
            raise InputError(f"{spec.name} reads no images; probe a run that does")
        last = len(store.read(spec))
        if not last:
            raise InputError(
                f"{spec} is not recorded in {store.root}; train it, or name the store that has it"
            )
        epochs = {"reach": (0, last), "answers": (last,), "weights": (0,)}[kind]
        settings = {"images": min(IMAGES_OF[kind], spec.held_out or TESTED[spec.dataset])}
        found += [Probe(kind=kind, spec=spec, epoch=e, settings=settings) for e in epochs]
    return found


def compute(probe: Probe, store: Store, images: data.Data) -> dict[str, list[float]]:
    """Return a probe's values, to five significant digits; errors as in `weights_after`."""
    if probe.spec is None:
        values = classifiers(images, probe.settings)
    else:
        x, labels = data.test_samples(images, probe.spec)
        count = probe.settings["images"]
        chosen = np.arange(count) * len(x) // count
        sequences = data.sequences(x[chosen], probe.spec)[:, :, 0]
        weights = weights_after(probe.spec, probe.epoch, store)
        measure = {"reach": reach, "answers": answers, "weights": sizes}[probe.kind]
        values = measure(probe.spec, weights, sequences, labels[chosen])
    return {name: [_rounded(v) for v in numbers] for name, numbers in values.items()}


def _rounded(value: int | float) -> int | float:
    return value if isinstance(value, int) else float(f"{value:.5g}")


def record(
    kind: str,
    wanted: list[Probe],
    store: Store,
    origin: dict,
    folder: str | os.PathLike = PROBES,
    mnist: str | None = None,
) -> None:
    """Compute the probes of a kind that its file lacks; progress goes to standard error.

    The file is written after each, whole or not at all.

    Args:
        kind: One of `VALUES`.
        wanted: The probes, as `planned` returns them.
        store: The runs.
        origin: When, from what commit and on what machine they are computed.
        folder: Gets the file.
        mnist: MNIST's file, as `data.load_images` has it.

    Raises:
        InputError: For a damaged file, a folder that cannot be written or another process has,
            data that cannot be had, and weights as in `weights_after`.

    """
    path = Path(folder) / f"{kind}.jsonl"
    lock = FileLock(path.with_suffix(".lock"), timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise InputError(f"another process writes {path}; wait until it has ended") from None
    except OSError as error:
        raise _not_writable(path, error) from None
    try:
        _record(path, wanted, store, origin, mnist)
    finally:
        lock.release()


def _not_writable(path: Path, error: OSError) -> InputError:
    remedy = "name another folder with --output"
    return InputError(f"{path} cannot be written ({error.strerror}); {remedy}")


def _record(path: Path, wanted: list[Probe], store: Store, origin: dict, mnist: str | None) -> None:
    found = _read(path, path.stem) if path.exists() else []
    known = [_question(probe) for probe in found]
    missing = [probe for probe in wanted if _question(probe) not in known]
    recorded = len(wanted) - len(missing)
    _say(f"{path.stem}: {recorded} of {len(wanted)} recorded, {len(missing)} to compute")
    images: dict[str, data.Data] = {}
    for number, probe in enumerate(missing, 1):
        begin = time.monotonic()
        dataset = probe.spec.dataset if probe.spec else probe.settings["dataset"]
        if dataset not in images:
            images[dataset] = data.load_images(dataset, mnist)
        values = compute(probe, store, images[dataset])
        found.append(replace(probe, values=values, origin=origin))
        _write(path, found)
        _say(f"{path.stem} {number}/{len(missing)}: {probe} ({time.monotonic() - begin:.1f} s)")


def _question(probe: Probe) -> tuple:
    """Return what decides a probe's values."""
    return probe.spec, probe.epoch, probe.settings


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _write(path: Path, probes: list[Probe]) -> None:
    lines = [{k: v for k, v in asdict(probe).items() if v is not None} for probe in probes]
    try:
        with whole(path) as file:
            file.write("".join(json.dumps(line) + "\n" for line in lines).encode())
    except OSError as error:
        raise _not_writable(path, error) from None


# --- read back --------------------------------------------------------------------------


def read(kind: str, folder: str | os.PathLike = PROBES) -> list[Probe]:
    """Return the recorded probes of a kind.

    Raises `InputError`, naming the command that computes them, for a file that is missing, empty
    or damaged.
    """
    one_of("probe", kind, VALUES)
    path = Path(folder) / f"{kind}.jsonl"
    remedy = f"compute it with: python -m irnn probe {kind}"
    if not path.exists():
        raise InputError(f"{path} is missing; {remedy}")
    found = _read(path, kind)
    if not found:
        raise InputError(f"{path} has no measurements; {remedy}")
    return found


def _read(path: Path, kind: str) -> list[Probe]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); make it readable") from None
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(_probe(line, kind))
        except InputError as error:
            raise InputError(
                f"{path}: line {number} of {len(lines)} is damaged ({error}); delete it, then "
                f"compute it again with: python -m irnn probe {kind}"
            ) from None
    return found


def _probe(line: str, kind: str) -> Probe:
    """Return what a line holds. Raises `InputError`, saying what is wrong with it."""
    entry = parsed(line)
    try:
        entry["spec"] = RunSpec(**entry["spec"]) if "spec" in entry else None
        probe = Probe(**entry)
    except (TypeError, OverflowError):
        raise InputError("it has not the fields of a probe") from None
    texts = [probe.settings, probe.values, probe.origin]
    if probe.kind != kind or not all(isinstance(part, dict) for part in texts):
        raise InputError(f"it is no probe of {kind}")
    if tuple(probe.values) != VALUES[kind]:
        raise InputError(f"its values are not {', '.join(VALUES[kind])}")
    for name, numbers in probe.values.items():
        if not isinstance(numbers, list) or not numbers or not all(map(_is_finite, numbers)):
            raise InputError(f"{name} is not a list of numbers")
    for name in ("date", "device"):
        if not isinstance(probe.origin.get(name), str):
            raise InputError(f"it does not say its {name}")
    return probe


def _is_finite(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)
