"""What decides a training run, and the name that follows from it."""

import hashlib
import json
import math
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from functools import cached_property

from irnn.errors import InputError, one_of

# Side of the square image and number of training images.
IMAGES = {"mnist": (28, 60_000), "digits": (8, 1_437)}

# Number of training samples of each dataset. "adding": of random numbers, two are marked; their
# sum is asked for (Hochreiter and Schmidhuber, 1997).
DATASETS = {name: images for name, (_, images) in IMAGES.items()} | {"adding": 100_000}

# In what order the pixels of an image are read where no permutation is given.
ORDERS = ("rows", "columns", "reversed")

MODELS = ("irnn", "lstm")

OPTIMIZERS = ("rmsprop", "sgd", "adam")

# What the same names meant in July 2015 and mean in Keras 3. The initial weights and the
# gate activations that go with each are in `models.py`.
SEMANTICS = {
    "2015": {"relu_derivative_at_0": 0.5, "epsilon": 1e-6, "learning_rate": 1e-6},
    "today": {"relu_derivative_at_0": 0.0, "epsilon": 1e-7, "learning_rate": 1e-3},
}


# Fields that mean something to some models and optimizers only.
ONLY_FOR = {
    "relu_derivative_at_0": ("irnn",),
    "gates": ("lstm",),
    "rho": ("rmsprop",),
    "epsilon": ("rmsprop", "adam"),
    "beta_1": ("adam",),
    "beta_2": ("adam",),
}


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """Everything that decides a training run, but for the number of epochs.

    A run of 200 epochs contains the run of 50, so epochs are not part of it. Fields that
    mean nothing to the model or the optimizer are None. A field added later needs a default
    that means what was done before it; `canonical` leaves such a field out at its default,
    so that the ids of recorded runs stay.

    Raises `InputError` for a value that is unknown or out of range, or means nothing there.
    """

    dataset: str  # one of `DATASETS`
    permutation: int | None  # seed of a fixed random order of the pixels; None: row by row
    pooling: int  # 1, 2 or 4: side of the squares of pixels that are averaged
    samples: int | None  # training images, as many of each class as in the whole; None: all
    model: str  # one of `MODELS`
    semantics: str  # "2015" or "today": initial weights and activations, see models.py
    units: int
    relu_derivative_at_0: float | None  # IRNN only
    optimizer: str  # one of `OPTIMIZERS`
    learning_rate: float
    rho: float | None  # RMSprop's decay of the mean squared gradient
    epsilon: float | None  # added to the mean squared gradient, in RMSprop inside the root
    momentum: float  # RMSprop and SGD
    clip_norm: float | None  # limit of the norm over all gradients together; None: no clipping
    batch_size: int
    bptt_steps: int | None  # K: gradient through the last K steps only; None: through all
    seed: int  # initial weights, shuffling, choice of samples
    order: str = "rows"  # one of `ORDERS`
    crop: int = 0  # pixels cut from each side of the image, before pooling
    delay: int = 0  # blank steps after the last pixel
    held_out: int = 0  # training images, the last ones, that are tested on instead of the test set
    initial_weights: str | None = None  # scales as in this semantics; None: as in `semantics`
    gates: str | None = None  # LSTM: activation as in this semantics; None: as in `semantics`
    beta_1: float | None = None  # Adam's decay of the mean gradient
    beta_2: float | None = None  # Adam's decay of the mean squared gradient
    length: int | None = None  # T of the adding problem

    def __post_init__(self):
        one_of("dataset", self.dataset, DATASETS)
        one_of("model", self.model, MODELS)
        one_of("semantics", self.semantics, SEMANTICS)
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        one_of("order", self.order, ORDERS)
        for name in ("initial_weights", "gates"):
            if getattr(self, name) is not None:
                one_of(name, getattr(self, name), SEMANTICS)
        check_pooling("pooling", self.pooling)
        samples = DATASETS[self.dataset]
        if self.dataset in IMAGES:
            whole_number("crop", self.crop, 0, IMAGES[self.dataset][0] // 2 - 1)
            if self.side % self.pooling:
                raise InputError(
                    f"pooling is {self.pooling}; it must divide the side of the image, "
                    f"{self.side} pixels"
                )
            if self.length is not None:
                raise InputError(f"length is for adding; that of {self.dataset} is its pixels'")
        else:
            whole_number("length", self.length, 2, 10_000)
            plain = {"permutation": None, "pooling": 1, "order": "rows", "crop": 0, "delay": 0}
            for name, value in plain.items():
                if getattr(self, name) != value:
                    raise InputError(f"{name} is for images, not for {self.dataset}")
        whole_number("delay", self.delay, 0, 10_000)
        whole_number("held_out", self.held_out, 0, samples // 2)
        if self.samples is not None:
            whole_number("samples", self.samples, 10, samples - self.held_out)
        whole_number("units", self.units, 1, 4096)
        whole_number("batch_size", self.batch_size, 1, samples)
        if self.batch_size > self.training_images:
            what = "images" if self.dataset in IMAGES else "sequences"
            raise InputError(
                f"batch_size is {self.batch_size}, but only {self.training_images} {what} "
                f"are trained on; make it at most {self.training_images}"
            )
        whole_number("seed", self.seed, 0, 2**32 - 1)
        if self.permutation is not None:
            whole_number("permutation", self.permutation, 0, 2**32 - 1)
        if self.bptt_steps is not None:
            whole_number("bptt_steps", self.bptt_steps, 1, self.steps)
        for name, owners in ONLY_FOR.items():
            if getattr(self, name) is not None and not {self.model, self.optimizer} & {*owners}:
                raise InputError(f"{name} is for {' and '.join(owners)} only; leave it out")
        check_rate("learning_rate", self.learning_rate)
        _number("momentum", self.momentum, 0, 0.9999)
        if self.clip_norm is not None:
            _number("clip_norm", self.clip_norm, 1e-12, 1e12)
        if self.optimizer == "rmsprop":
            _number("rho", self.rho, 0, 0.999999)
            _number("epsilon", self.epsilon, 0, 1)
        if self.optimizer == "adam":
            _number("beta_1", self.beta_1, 0, 0.999999)
            _number("beta_2", self.beta_2, 0, 0.999999)
            _number("epsilon", self.epsilon, 0, 1)
            if self.momentum:
                raise InputError("momentum is RMSprop's and SGD's; Adam has beta_1")
        if self.model == "irnn":
            _number("relu_derivative_at_0", self.relu_derivative_at_0, 0, 1)
        for field in fields(self):  # 1 and 1.0 are one spec
            value = getattr(self, field.name)
            if "float" in str(field.type) and value is not None:
                object.__setattr__(self, field.name, float(value))

    @property
    def side(self) -> int:
        """Pixels of an image's side after cropping."""
        return IMAGES[self.dataset][0] - 2 * self.crop

    @property
    def steps(self) -> int:
        """Length T of a sequence: a step for each pixel after pooling, then the blank ones."""
        if self.length is not None:
            return self.length
        return (self.side // self.pooling) ** 2 + self.delay

    @property
    def features(self) -> int:
        """Numbers that a step reads: a pixel; or a number and its mark."""
        return 1 if self.dataset in IMAGES else 2

    @property
    def outputs(self) -> int:
        """Numbers that the network gives at the end: ten probabilities; or a sum."""
        return 10 if self.dataset in IMAGES else 1

    @property
    def training_images(self) -> int:
        """Number of samples in an epoch."""
        if self.samples is None:
            return DATASETS[self.dataset] - self.held_out
        return self.samples

    @property
    def updates(self) -> int:
        """Number of updates in an epoch."""
        return math.ceil(self.training_images / self.batch_size)

    def canonical(self) -> str:
        """Return the spec as JSON: the same text for equal specs."""
        values = ((field, getattr(self, field.name)) for field in fields(self))
        kept = {field.name: value for field, value in values if value != field.default}
        return json.dumps(kept, sort_keys=True, separators=(",", ":"))

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits that name the run."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:12]

    @property
    def name(self) -> str:
        """The stem of the run's files: readable, and unique through the id."""
        return f"{self.dataset}-{self.model}-{self.id}"

    def __str__(self) -> str:
        named = ("dataset", "semantics", "optimizer")
        others = setting(self, without=named)
        return (
            f"{self.model} {self.dataset} {self.semantics} {self.optimizer} "
            f"{self.learning_rate:g} seed {self.seed}" + (f" ({others})" if others else "")
        )


def make(model: str, semantics: str = "2015", **changes) -> RunSpec:
    """Return the experiment's usual spec in the named semantics, with `changes` to it.

    Raises `InputError` for an unknown field or value, and as `RunSpec` does.
    """
    one_of("model", model, MODELS)
    one_of("semantics", semantics, SEMANTICS)
    names = [field.name for field in fields(RunSpec)]
    for name in changes:
        one_of("parameter", name, names)
    usual = {
        "dataset": "mnist",
        "permutation": None,
        "pooling": 1,
        "samples": None,
        "model": model,
        "semantics": semantics,
        "units": 100,
        "optimizer": "rmsprop",
        "rho": 0.9,
        "momentum": 0.0,
        "clip_norm": None,
        "batch_size": 32,
        "bptt_steps": None,
        "seed": 0,
        **SEMANTICS[semantics],
    }
    optimizer = changes.get("optimizer", "rmsprop")
    if optimizer != "rmsprop":
        usual |= {"rho": None, "epsilon": None}
    if optimizer == "adam":  # as Kingma and Ba (2015), and Keras
        usual |= {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    if model != "irnn":
        usual["relu_derivative_at_0"] = None
    return RunSpec(**usual | changes)


def setting(spec: RunSpec, without: Collection[str] = ()) -> str:
    """Return in what a spec differs from the main experiment's, but for rate and seed."""
    usual = make(spec.model, spec.semantics) if "semantics" in without else make(spec.model)
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in asdict(spec).items()
        if value is not None
        and value != getattr(usual, name)
        and name not in ("learning_rate", "seed", *without)
    )


def whole_number(name: str, value, low: int, high: int) -> None:
    """Raise `InputError` unless `value` is a whole number from `low` to `high`."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InputError(f"{name} is {value!r}; it must be a whole number from {low} to {high}")


def check_pooling(name: str, value) -> None:
    """Raise `InputError` unless `value` can be the side of the squares that are averaged."""
    whole_number(name, value, 1, 4)
    one_of(name, value, (1, 2, 4))


def check_rate(name: str, value) -> None:
    """Raise `InputError` unless `value` can be a learning rate."""
    _number(name, value, 1e-12, 10)


def _number(name: str, value, low: float, high: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise InputError(f"{name} is {value!r}; it must be a number from {low:g} to {high:g}")
