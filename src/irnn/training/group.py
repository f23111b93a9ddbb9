"""Runs that differ in a few values only, trained side by side as one program on JAX.

The runs of a group have all of their spec in common but `plan.MAY_DIFFER`. What Keras does in
a run's `fit` is written here as functions of one run's arrays; `jax.vmap` makes them functions
of the whole group's. The images stay on the device, and an epoch's metrics are fetched once.
Records and checkpoints are those of `run.train_run`, and a run can change between the two.
"""

import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import repeat

import jax
import jax.numpy as jnp
import keras
import numpy as np

from irnn import data, models
from irnn.checkpoint import WEIGHTS
from irnn.errors import Unavailable
from irnn.recurrent import choice
from irnn.recurrent.step import dot
from irnn.spec import IMAGES, RunSpec
from irnn.store import Run, Store
from irnn.training.environment import sitting
from irnn.training.run import (
    TEST_BATCH,
    keep,
    out_of_memory,
    restored,
    settled,
    shuffle,
)
from irnn.training.stop import Stop

# Most updates in one call of the device, so that Ctrl-C and the progress bar need not wait long; of
# runs on a processor, all together. The last call of an epoch has what is left, and is a program
# of its own to compile where that is fewer: the main experiment's 1,875 are 15 calls of 125.
UPDATES = 128


def train_group(
    specs: Sequence[RunSpec],
    epochs: int,
    store: Store,
    mnist: str | os.PathLike | None = None,
    on_update: Callable[[Run, int, float], None] | None = None,
    on_epoch: Callable[[Run], None] = lambda run: None,
) -> None:
    """Train the runs of a group to their number of epochs, from where the store has them.

    Arguments and errors as in `run.train_run`; `on_update` gets the accuracy of the updates
    since it was called last. Runs with fewer epochs than others catch up with them first. Raises
    `Unavailable` on another backend than JAX.
    """
    if keras.backend.backend() != "jax":
        raise Unavailable("runs are trained together on JAX only: set KERAS_BACKEND=jax")
    with Stop() as stop, ExitStack() as locks:
        for spec in sorted(specs, key=lambda spec: spec.name):  # in one order in all processes
            locks.enter_context(store.lock(spec))
        runs = [settled(spec, store, epochs) for spec in specs]
        while unfinished := [run for run in runs if len(run) < epochs]:
            least, until, *_ = sorted({len(run) for run in unfinished} | {epochs})
            behind = [run for run in unfinished if len(run) == least]
            runs = [run for run in unfinished if len(run) > least]
            runs += _train(behind, until, store, mnist, on_update, on_epoch, stop)


def _train(runs, epochs, store, mnist, on_update, on_epoch, stop) -> list[Run]:
    """Train runs of equally many epochs; return them with as many as asked for."""
    group = Group([run.spec for run in runs], mnist)
    state = group.start(runs, store)
    for run in runs:
        store.append(run.spec, sitting(run, len(runs)))
    runs = [store.read(run.spec) for run in runs]
    while len(runs[0]) < epochs:
        try:
            state, metrics = group.epoch(state, runs, on_update)
        except Exception as error:
            raise out_of_memory(runs[0].spec, error, len(runs)) or error from None
        epochs_of_runs = [{k: float(v[i]) for k, v in metrics.items()} for i in range(len(runs))]
        states = zip(*map(np.asarray, state), strict=True)
        with stop.after(), ThreadPoolExecutor() as threads:  # which wait for the disk together
            runs = list(threads.map(keep, runs, epochs_of_runs, states, repeat(store)))
        for run in runs:
            on_epoch(run)
    return runs


class Group:
    """The programs that train and test runs of one shape, and the images on the device.

    A group's state is that of its runs' checkpoints: a list of arrays (runs, ...).
    """

    def __init__(self, specs: Sequence[RunSpec], mnist: str | os.PathLike | None):
        spec = self.spec = specs[0]
        if spec.dataset in IMAGES:
            images = data.load_images(spec.dataset, mnist)
            x_test, y_test = data.test_samples(images, spec)
            x_train, x_test = (data.pixels(x, spec)[..., None] for x in (images.x_train, x_test))
            y_train = images.y_train
            self.samples = [data.training_samples(y_train, spec) for spec in specs]
            orders = [data.pixel_order(spec) for spec in specs]
        else:
            x_train, y_train, x_test, y_test = data.load(spec)
            self.samples = [np.arange(len(y_train)) for _ in specs]
            orders = [np.arange(spec.steps) for _ in specs]
        self.x_train, self.y_train = jnp.asarray(x_train), jnp.asarray(y_train)
        self.x_test, self.y_test = jnp.asarray(x_test), jnp.asarray(y_test)
        steps = [spec.bptt_steps or spec.steps for spec in specs]
        self.differing = {
            "momentum": jnp.asarray([spec.momentum for spec in specs], "float32"),
            "order": jnp.asarray(orders),
            "bptt_steps": jnp.asarray(steps) if min(steps) < spec.steps else None,
        }
        network = partial(_network, spec, max(steps))
        self.updates = jax.jit(
            jax.vmap(partial(_updates, spec, network), in_axes=(0, 0, 0, None, None)),
            donate_argnums=0,
        )
        self.test = jax.jit(jax.vmap(partial(_test, network), in_axes=(0, 0, None, None, None)))

    def start(self, runs: list[Run], store: Store | None = None) -> list[jax.Array]:
        """Return the state in which runs are in the store; without one they are at their start."""
        states = []
        for run in runs:
            model = models.build(run.spec)
            variables = model.trainable_variables + model.optimizer.variables
            states.append(restored(run, store, variables))
        return [jnp.asarray(np.stack(arrays)) for arrays in zip(*states, strict=True)]

    def epoch(self, state: list[jax.Array], runs: list[Run], on_update) -> tuple[list, dict]:
        """Train and test an epoch of every run.

        Returns the state after it, and each metric of `store.METRICS` as an array (runs,).
        """
        orders = [s[shuffle(run, len(s))] for run, s in zip(runs, self.samples, strict=True)]
        rows = np.stack([_batches(order, self.spec.batch_size) for order in orders])
        start = time.perf_counter()
        parts = []
        updates, most = rows.shape[1], UPDATES
        if jax.default_backend() == "cpu":
            most = max(UPDATES // len(runs), 1)
        size = math.ceil(updates / math.ceil(updates / most))
        for part in np.split(rows, range(size, updates, size), axis=1):
            state, values = self.updates(state, self.differing, part, self.x_train, self.y_train)
            parts.append(values)
            if on_update and len(parts) > 1:  # while the device works on the next
                self._report(runs, parts[-2], on_update)
        losses, correct, norms = (
            np.concatenate([np.asarray(part[i], "float64") for part in parts], axis=1).sum(axis=1)
            for i in range(3)
        )
        seconds = time.perf_counter() - start
        state[-1] = jnp.asarray(norms, "float32")
        rows = _batches(np.arange(len(self.y_test)), TEST_BATCH)
        tested = self.test(state[: len(WEIGHTS)], self.differing, rows, self.x_test, self.y_test)
        val_losses, val_correct = (np.asarray(v, "float64") / len(self.y_test) for v in tested)
        return state, {
            "loss": losses / self.spec.training_images,
            "accuracy": correct / self.spec.training_images,
            "val_loss": val_losses,
            "val_accuracy": val_correct,
            "gradient_norm": norms / self.spec.updates,
            "seconds": np.full(len(runs), seconds),
        }

    def _report(self, runs: list[Run], part, on_update) -> None:
        right = np.asarray(part[1]).mean(axis=1) / self.spec.batch_size
        for run, accuracy in zip(runs, right, strict=True):
            on_update(run, part[1].shape[1], float(accuracy))


def _batches(order: np.ndarray, size: int) -> np.ndarray:
    """Return rows of samples (batches, size); the last batch is filled up with -1."""
    padding = -len(order) % size
    return np.append(order, np.full(padding, -1)).reshape(-1, size).astype("int32")


# --- one run ----------------------------------------------------------------------------


def _network(spec, longest, weights, differing, x):
    """Return what the spec's network gives for x (batch, T, features): (batch, outputs).

    `longest` is the group's largest K: the steps before the last `longest` have no gradient.
    """
    kernel, recurrent_kernel, bias, dense_kernel, dense_bias = weights
    layer = choice.of(spec)
    loop = layer.loop()
    loop = partial(loop.simple_rnn if spec.model == "irnn" else loop.lstm, layer.activation)
    zeros = jnp.zeros((len(x), spec.units))
    state = (zeros,) if spec.model == "irnn" else (zeros, zeros)
    if longest < spec.steps:
        state = loop(x[:, :-longest], *state, kernel, recurrent_kernel, bias)
        state = jax.lax.stop_gradient(state if spec.model == "lstm" else (state,))
    h = loop(x[:, -longest:], *state, kernel, recurrent_kernel, bias, live=differing["bptt_steps"])
    h = h if spec.model == "irnn" else h[0]
    answers = dot(h, dense_kernel) + dense_bias
    return jax.nn.softmax(answers) if spec.dataset in IMAGES else answers


def _batch(network, weights, differing, rows, images, labels):
    """Return the sum of the losses of a batch, and how many of it are right."""
    y = labels[rows]
    answers = network(weights, differing, images[rows][:, differing["order"]])
    if answers.shape[1] > 1:
        losses = keras.losses.sparse_categorical_crossentropy(y, answers)
        right = answers.argmax(axis=1) == y
    else:
        losses = jnp.square(answers[:, 0] - y)
        right = models.is_close(y, answers) > 0
    return jnp.sum(losses * (rows >= 0)), jnp.sum(right & (rows >= 0))


def _updates(spec, network, state, differing, rows, images, labels):
    """Return the state after an update for each batch of rows, and sums of each batch.

    The sums, (updates,) each: losses, right answers, and the norm over all gradients together.
    """

    def update(state, rows):
        def mean_loss(weights):
            loss, right = _batch(network, weights, differing, rows, images, labels)
            return loss / jnp.sum(rows >= 0), (loss, right)

        weights = state[: len(WEIGHTS)]
        gradients, (loss, right) = jax.grad(mean_loss, has_aux=True)(weights)
        norm = jnp.sqrt(sum(jnp.sum(g * g) for g in gradients))
        if spec.clip_norm is not None:
            scale = spec.clip_norm * jnp.minimum(1 / norm, 1 / spec.clip_norm)
            gradients = [gradient * scale for gradient in gradients]
        return _optimized(spec, differing["momentum"], state, gradients), (loss, right, norm)

    return jax.lax.scan(update, state, rows)


def _optimized(spec, momentum, state, gradients):
    """Return the state after a step of the spec's optimizer, as Keras takes it.

    The state: weights, number of updates, learning rate, the optimizer's own, sum of gradients'
    norms. RMSprop's own are the mean squared gradients, then momenta unless they are zero; SGD's
    are the latter alone; Adam's are each weight's mean gradient and mean squared gradient in turn.
    """
    n = len(WEIGHTS)
    weights, (iterations, rate), norms = state[:n], state[n : n + 2], state[-1]
    if spec.optimizer == "adam":
        own, steps = _adam(spec, iterations, rate, state[n + 2 : -1], gradients)
    else:
        own, steps = _rmsprop_or_sgd(spec, momentum, rate, state[n + 2 : -1], gradients)
    weights = [weight - step for weight, step in zip(weights, steps, strict=True)]
    return [*weights, iterations + 1, rate, *own, norms]


def _rmsprop_or_sgd(spec, momentum, rate, own, gradients):
    """Return the optimizer's own state after a step, and the step of each weight."""
    n, after = len(WEIGHTS), []
    steps = [rate * gradient for gradient in gradients]
    if spec.optimizer == "rmsprop":
        squares = [
            spec.rho * square + (1 - spec.rho) * gradient * gradient
            for square, gradient in zip(own[:n], gradients, strict=True)
        ]
        steps = [
            step / jnp.sqrt(square + spec.epsilon)
            for step, square in zip(steps, squares, strict=True)
        ]
        after += squares
    if spec.momentum:
        sign = 1 if spec.optimizer == "rmsprop" else -1  # Keras' SGD keeps its momenta negative
        momenta = [momentum * m + sign * s for m, s in zip(own[-n:], steps, strict=True)]
        steps = [sign * m for m in momenta]
        after += momenta
    return after, steps


def _adam(spec, iterations, rate, own, gradients):
    """Return the optimizer's own state after a step, and the step of each weight."""
    t = (iterations + 1).astype("float32")
    rate = rate * jnp.sqrt(1 - spec.beta_2**t) / (1 - spec.beta_1**t)
    after, steps = [], []
    for mean, square, gradient in zip(own[::2], own[1::2], gradients, strict=True):
        mean = mean + (1 - spec.beta_1) * (gradient - mean)
        square = square + (1 - spec.beta_2) * (gradient * gradient - square)
        after += [mean, square]
        steps.append(rate * mean / (jnp.sqrt(square) + spec.epsilon))
    return after, steps


def _test(network, weights, differing, rows, images, labels):
    """Return the sum of the losses of all batches of rows, and how many are right."""

    def batch(sums, rows):
        loss, right = _batch(network, weights, differing, rows, images, labels)
        return (sums[0] + loss, sums[1] + right), None

    return jax.lax.scan(batch, (jnp.zeros(()), jnp.zeros((), int)), rows)[0]
