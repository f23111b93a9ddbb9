"""The fused recurrent loops on a GPU: checked, then timed beside what they replace.

    KERAS_BACKEND=jax python benchmarks/fused.py
    KERAS_BACKEND=jax python benchmarks/fused.py --interpret    # the check alone, without a GPU

The check holds the compiled loops to the plain loop in float64 on the CPU. Then an update is
timed, forwards, backwards and RMSprop, on random data: Keras' stock layers with `model.fit`
(whose matrix products JAX rounds to tf32), the plain loop and the fused one with runs side by
side, and the choices that `Fused` leaves open. Seconds per epoch are the time of an update by
the 1,875 updates of an MNIST epoch at batch 32; for runs side by side, divided by the runs.

The limit is the time of the same loops with all but the first rows of the matrix left out,
that is of waiting, and of the multiply-adds that are left out at the rate of a large float32
matrix product. The table goes to `benchmarks/results/fused-DEVICE.csv`.
"""

import argparse
import csv
import datetime
import os
import re
import sys
import time
from functools import partial
from itertools import product
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax
import jax.numpy as jnp
import keras
import numpy as np
from speed import stock

from irnn.recurrent import backward as loops
from irnn.recurrent.activations import hard_sigmoid_2015, relu
from irnn.recurrent.fused import Fused
from irnn.recurrent.scan import Scan, dot
from irnn.spec import make

RESULTS = Path(__file__).parent / "results"
UPDATES_OF_AN_EPOCH = 1875
STEPS = 784
LIMIT = 1e-5  # relative error in the check
BLOCKS = {"irnn": 1, "lstm": 4}  # of units in the columns of the weights


class Waiting(Fused):
    """The fused loops of 100 units with the matrix cut to its first rows: `units` of them."""

    width = 128


def last_output(model: str, loop, x, weights, states=None):
    """Return the last states of the model's layer."""
    units = weights[1].shape[0]
    if states is None:
        states = [jnp.zeros((len(x), units), x.dtype)] * {"irnn": 1, "lstm": 2}[model]
    if model == "irnn":
        return [loops.simple_rnn(loop, relu(0.5), x, *states, *weights)]
    return loops.lstm(loop, hard_sigmoid_2015, x, *states, *weights)


def draw(model: str, units: int, seed: int = 0) -> list[np.ndarray]:
    """Draw W, U and b."""
    rng = np.random.default_rng(seed)
    columns = BLOCKS[model] * units
    scales = {(1, columns): 1, (units, columns): 0.5 * units**-0.5, (columns,): 1}
    return [scale * rng.normal(size=shape) for shape, scale in scales.items()]


def check(model: str, units: int, batch: int, steps: int, interpret: bool) -> float:
    """Return the greatest relative error among outputs and gradients, against float64."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(batch, steps, 1))
    states = [rng.normal(size=(batch, units)) for _ in range({"irnn": 1, "lstm": 2}[model])]
    arrays = [x, draw(model, units), states]

    def compute(loop, dtype):
        def loss(x, weights, states):
            last = last_output(model, loop, x, weights, states)
            return sum((a**2).sum() for a in last), last

        step = jax.jit(jax.value_and_grad(loss, (0, 1, 2), has_aux=True))
        (_, last), gradients = step(*jax.tree.map(lambda a: jnp.asarray(a, dtype), arrays))
        return [np.array(a) for a in jax.tree.leaves((last, gradients))]

    ours = compute(partial(Fused, interpret=interpret), "float32")
    with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
        reference = compute(Scan, "float64")
    errors = [
        np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(ours, reference, strict=True)
    ]
    return max(errors) if np.isfinite(errors).all() else np.inf


def update_seconds(model: str, loop, units: int, batch: int, runs: int, updates: int) -> float:
    """Return the median time of an update of all runs, over five rounds of `updates`."""
    rng = np.random.default_rng(2)
    x = jnp.asarray(rng.random((batch, STEPS, 1)), "float32")
    y = jnp.asarray(rng.integers(0, 10, batch))
    dense = [rng.normal(size=(units, 10)) * units**-0.5, np.zeros(10)]
    weights = [jnp.stack([jnp.float32(a)] * runs) for a in [*draw(model, units), *dense]]

    def loss(weights):
        *recurrent_weights, v, c = weights
        h = last_output(model, loop, x, recurrent_weights)[0]
        logits = dot(h, v) + c
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()

    def update(state, _):
        weights, squares = state
        gradients = jax.vmap(jax.grad(loss))(weights)
        squares = jax.tree.map(lambda s, g: 0.9 * s + 0.1 * g * g, squares, gradients)
        rms = jax.tree.map(
            lambda w, g, s: w - 1e-6 * g / jnp.sqrt(s + 1e-6), *[weights, gradients, squares]
        )
        return (rms, squares), None

    train = jax.jit(lambda state: jax.lax.scan(update, state, length=updates)[0])
    state = jax.block_until_ready(train((weights, jax.tree.map(jnp.zeros_like, weights))))
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        state = jax.block_until_ready(train(state))
        seconds.append((time.perf_counter() - start) / updates)
    return float(np.median(seconds))


def stock_seconds(model: str, units: int, batch: int, updates: int) -> float:
    """Return the time of an update of Keras' stock layers in `model.fit`."""
    network = stock(make(model, units=units))
    rng = np.random.default_rng(2)
    x = rng.random((batch * updates, STEPS, 1), dtype="float32")
    y = rng.integers(0, 10, batch * updates)
    network.fit(x, y, batch_size=batch, verbose=0)
    start = time.perf_counter()
    network.fit(x, y, batch_size=batch, verbose=0)
    return (time.perf_counter() - start) / updates


def multiply_adds_per_second() -> float:
    """Return the rate of a large matrix product in full float32."""
    n = 8192
    a = jax.random.normal(jax.random.key(0), (n, n))
    multiply = jax.jit(lambda a: dot(a, a))
    jax.block_until_ready(multiply(a))
    start = time.perf_counter()
    jax.block_until_ready([multiply(a) for _ in range(5)])
    return 5 * n**3 / (time.perf_counter() - start)


def limit(model: str, units: int, batch: int, runs: int, waiting: float, rate: float) -> float:
    """Return the time that waiting and multiply-adds leave for an update of all runs."""
    cores = jax.devices()[0].core_count
    forwards_and_backwards = 2 * STEPS * BLOCKS[model] * units**2
    per_row = forwards_and_backwards / (rate / cores)
    rows = -(-batch * runs // cores)
    return max(waiting + per_row, rows * per_row)


def measure(args) -> list[dict]:
    """Time everything and return the lines of the table."""
    lines = []

    def add(model, what, seconds, runs=1, **choices):
        epoch = UPDATES_OF_AN_EPOCH * seconds / runs
        line = {"model": model, "what": what, "runs": runs, **choices}
        line |= {"ms_per_update": 1e3 * seconds, "seconds_per_epoch_and_run": epoch}
        lines.append(line)
        choice = " ".join(f"{name} {value}" for name, value in choices.items())
        print(f"{model:5} {what:24} {runs:4} {1e3 * seconds:12.3f} {epoch:12.3f}  {choice}")

    print(f"{'':30} runs ms an update s/epoch/run")
    rate = multiply_adds_per_second()
    for model in args.models:
        time_of = partial(update_seconds, model, units=args.units, batch=args.batch)
        stock_time = stock_seconds(model, args.units, args.batch, args.slow_updates)
        add(model, "stock layers, model.fit", stock_time)
        for runs in (1, max(args.runs)):
            seconds = time_of(Scan, runs=runs, updates=args.slow_updates)
            add(model, "plain loop", seconds, runs)
        waiting = 0.0
        if args.units == 100:
            warps = (4, 4) if model == "irnn" else (8, 8)
            cut = lambda units, warps=warps: Waiting(4, warps=warps)  # noqa: E731
            waiting = time_of(cut, runs=1, updates=args.updates)
        for runs in (1, *args.runs):
            add(model, "fused", time_of(Fused, runs=runs, updates=args.updates), runs)
            bound = limit(model, args.units, args.batch, runs, waiting, rate)
            add(model, "limit", bound, runs)
        for forward, backward, piece in product((4, 8, 16), (4, 8, 16), (4, 8)):
            if args.sweep and (forward == backward or piece == 4):
                loop = partial(Fused, warps=(forward, backward), piece=piece)
                seconds = time_of(loop, runs=1, updates=args.updates)
                add(model, "fused", seconds, warps=f"{forward}/{backward}", piece=piece)
    return lines


def write(lines: list[dict], args) -> Path:
    """Write the table and return its path."""
    device = jax.devices()[0].device_kind
    where = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "device": device,
        "jax": jax.__version__,
        "keras": keras.__version__,
        "units": args.units,
        "batch": args.batch,
    }
    columns = [*where, "model", "what", "runs", "warps", "piece"]
    columns += ["ms_per_update", "seconds_per_epoch_and_run"]
    path = RESULTS / f"fused-{re.sub('[^a-z0-9]+', '-', device.lower())}.csv"
    RESULTS.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(where | line for line in lines)
    return path


def main():
    """Check, measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--interpret", action="store_true", help="check alone, on any device")
    parser.add_argument("--models", nargs="+", default=["irnn", "lstm"], choices=list(BLOCKS))
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--runs", type=int, nargs="+", default=[2, 8, 32], help="side by side")
    parser.add_argument("--updates", type=int, default=100, help="timed, fused")
    parser.add_argument("--slow-updates", type=int, default=10, help="timed, the others")
    parser.add_argument("--no-sweep", dest="sweep", action="store_false")
    args = parser.parse_args()
    if keras.backend.backend() != "jax":
        sys.exit("set KERAS_BACKEND=jax")
    if not args.interpret and jax.default_backend() != "gpu":
        print("no GPU that JAX sees; --interpret checks without one", file=sys.stderr)
        sys.exit(2)
    size = (5, 2, 3) if args.interpret else (args.units, args.batch, STEPS)
    for model in args.models:
        error = check(model, *size, args.interpret)
        print(f"{model}: relative error {error:.1e} against float64")
        if error > LIMIT:
            sys.exit(f"{model}: the fused loop is wrong; its error must be under {LIMIT:g}")
    if not args.interpret:
        print(f"written to {write(measure(args), args)}")


if __name__ == "__main__":
    main()
