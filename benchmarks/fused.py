"""The fused recurrent loops on a GPU: checked, then timed beside what they replace.

    PYTHONPATH=src python benchmarks/fused.py --minutes 9 --output OUT

It needs JAX for CUDA with what that brings and the other packages of `NEEDED`; neither
TensorFlow nor MNIST nor a network. What a machine without a network lacks, Keras and optree most
likely, comes as wheels:

    python -m pip download --python-version 3.12 --only-binary=:all: --no-deps --dest WHEELS \
        keras optree namex
    python -m pip install --no-index --no-deps --find-links WHEELS keras optree namex

All but the speed can be tried without a GPU, with a kernel that is interpreted:

    JAX_PLATFORMS=cpu PYTHONPATH=src python benchmarks/fused.py --interpret --pooling 4 \
        --units 5 --batch 2 --runs 3 --updates 2 --slow-updates 2 --output OUT

The check holds outputs and all gradients of the fused loops to those of the plain loop in float64
on the processor, in several shapes. Then an update is timed, forwards, backwards and RMSprop, on
random data: Keras' stock layers with `model.fit` (whose matrix products JAX rounds to tf32), the
plain loop and the fused one, alone and with runs side by side, and the choices that `Fused`
leaves open. Seconds per epoch are the time of an update by the number of updates of an MNIST
epoch, for runs side by side divided by the runs: the median of the rounds and the quartiles.

The limit is the time of the same loops with all but the first rows of the matrix left out,
that is of waiting, and of the multiply-adds that are left out at the rate of a large float32
matrix product.

What matters most comes first. A row is in its table, fused-check.csv or fused-speed.csv in OUT,
as soon as it is known: what is killed has lost nothing, and another run adds to the tables. The
program ends by itself when the time is over, and with 1 if a loop is wrong or something failed;
the row says what.
"""

import argparse
import csv
import datetime
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from itertools import chain, product
from pathlib import Path

# Modules by the names under which pip has them; the last four are what Keras imports.
NEEDED = {
    "numpy": "numpy",
    "jax": "jax[cuda13]",
    "keras": "keras",
    "optree": "optree",
    "typing_extensions": "typing-extensions",
    "absl": "absl-py",
    "rich": "rich",
    "packaging": "packaging",
}

os.environ["KERAS_BACKEND"] = "jax"
try:
    import jax
    import jax.numpy as jnp
    import keras
    import numpy as np
    from stock import stock

    from irnn.recurrent import backward as loops
    from irnn.recurrent import choice
    from irnn.recurrent.activations import gate, relu
    from irnn.recurrent.check import greatest_error
    from irnn.recurrent.fused import CHOSEN, Fused, Tiling, Tilings, most_units
    from irnn.recurrent.scan import Scan
    from irnn.recurrent.step import dot
    from irnn.spec import RunSpec, make
except ImportError as failure:
    lacking = [name for module, name in NEEDED.items() if not find_spec(module)]
    if lacking:
        sys.exit(f"not installed: {', '.join(lacking)}; the first lines of {__file__} say how")
    sys.exit(f"{failure}; is PYTHONPATH=src set?")

RESULTS = Path(__file__).parent / "results"
LIMIT = 1e-5  # relative error in the check
BLOCKS = {"irnn": 1, "lstm": 4}  # of units in the columns of the weights
STATES = {"irnn": 1, "lstm": 2}
LOOPS = {"irnn": "rnn_", "lstm": "lstm_"}  # how the names of a network's tilings begin
TILINGS = [Tiling(n, rows, warps) for n in (1, 2, 4) for rows in (2, 4, 8) for warps in (None, 16)]
ROUNDS = 5
LONGEST = 20  # seconds, after which no other round begins


class Waiting(Fused):
    """The fused loops of 100 units with the matrix cut to its first rows: `units` of them."""

    width = 128


@dataclass(frozen=True)
class Case:
    """A shape in which a loop is checked; more than one run are side by side (`vmap`)."""

    network: str
    semantics: str  # as in `RunSpec`: decides the activation
    units: int
    batch_size: int
    steps: int
    features: int
    runs: int = 1

    def arrays(self) -> list[np.ndarray]:
        """Draw x, the first states, W, U and b, each with an axis of runs if there are more."""
        shapes = [(self.batch_size, self.steps, self.features)]
        shapes += [(self.batch_size, self.units)] * STATES[self.network]

        def draw(seed: int) -> list[np.ndarray]:
            rng = np.random.default_rng(seed)
            given = [rng.normal(size=shape) for shape in shapes]
            return given + weights(rng, self.network, self.units, self.features)

        if self.runs == 1:
            return draw(0)
        return [np.stack(arrays) for arrays in zip(*map(draw, range(self.runs)), strict=True)]


def cases(spec: RunSpec) -> list[Case]:
    """Return the shapes in which a network's loop is checked, that of the spec first."""
    shape = spec.units, spec.batch_size, spec.steps, 1
    return [
        Case(spec.model, "2015", *shape),
        Case(spec.model, "2015", *shape, runs=4),
        Case(spec.model, "2015", most_units(BLOCKS[spec.model]), 2, 5, 1),
        Case(spec.model, "today", 33, 3, 7, 3),
        Case(spec.model, "today", 8, 66, 5, 2),
        Case(spec.model, "2015", 5, 1, 1, 1),
    ]


def weights(rng: np.random.Generator, network: str, units: int, features: int) -> list[np.ndarray]:
    """Draw W, U and b."""
    columns = BLOCKS[network] * units
    scales = {(features, columns): 1, (units, columns): 0.5 * units**-0.5, (columns,): 1}
    return [scale * rng.normal(size=shape) for shape, scale in scales.items()]


def last_states(network: str, semantics: str, loop, *arrays) -> list[jax.Array]:
    """Return the last states of a network's layer; `arrays` are x, the first states, W, U, b."""
    if network == "irnn":
        return [loops.simple_rnn(loop, relu({"2015": 0.5, "today": 0}[semantics]), *arrays)]
    return list(loops.lstm(loop, gate(semantics), *arrays))


def error(case: Case, interpret: bool) -> float:
    """Return the greatest relative error among outputs and gradients, against float64."""
    arrays = case.arrays()

    def compute(loop, dtype):
        def loss(*arrays):
            last = last_states(case.network, case.semantics, loop, *arrays)
            return sum((k + 1) * (a**2).sum() for k, a in enumerate(last)), last

        step = jax.value_and_grad(loss, range(len(arrays)), has_aux=True)
        step = jax.jit(jax.vmap(step) if case.runs > 1 else step)
        (_, last), gradients = step(*(jnp.asarray(a, dtype) for a in arrays))
        return [np.asarray(a, "float64") for a in (*last, *gradients)]

    ours = compute(partial(Fused, interpret=interpret), "float32")
    with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
        reference = compute(Scan, "float64")
    return greatest_error(ours, reference)


# --- time -------------------------------------------------------------------------------


def times(train: Callable[[], object]) -> tuple[float, list[float]]:
    """Return the seconds of a first call, which compiles, and of those after it."""
    found: list[float] = []
    begin = time.perf_counter()
    while len(found) <= ROUNDS and (len(found) < 2 or time.perf_counter() - begin < LONGEST):
        start = time.perf_counter()
        train()
        found.append(time.perf_counter() - start)
    return found[0], found[1:]


def program(spec: RunSpec, loop, runs: int, updates: int) -> Callable[[], None]:
    """Return a function that makes so many updates of all runs, in one program."""
    rng = np.random.default_rng(2)
    x = jnp.asarray(rng.random((spec.batch_size, spec.steps, 1)), "float32")
    y = jnp.asarray(rng.integers(0, 10, spec.batch_size))
    first = [jnp.zeros((spec.batch_size, spec.units))] * STATES[spec.model]
    dense = [rng.normal(size=(spec.units, 10)) * spec.units**-0.5, np.zeros(10)]
    drawn = [*weights(rng, spec.model, spec.units, 1), *dense]
    start = [jnp.stack([jnp.float32(a)] * runs) for a in drawn]

    def loss(weights):
        *recurrent, v, c = weights
        logits = dot(last_states(spec.model, "2015", loop, x, *first, *recurrent)[0], v) + c
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()

    def update(state, _):
        weights, squares = state
        gradients = jax.vmap(jax.grad(loss))(weights)
        squares = jax.tree.map(lambda s, g: 0.9 * s + 0.1 * g * g, squares, gradients)
        moved = jax.tree.map(
            lambda w, g, s: w - 1e-6 * g / jnp.sqrt(s + 1e-6), weights, gradients, squares
        )
        return (moved, squares), None

    compiled = jax.jit(lambda state: jax.lax.scan(update, state, length=updates)[0])
    state = (start, jax.tree.map(jnp.zeros_like, start))

    def train():
        nonlocal state
        state = jax.block_until_ready(compiled(state))

    return train


def fit(spec: RunSpec, updates: int) -> Callable[[], object]:
    """Return a function that makes so many updates of Keras' stock layers in `model.fit`."""
    rng = np.random.default_rng(2)
    x = rng.random((spec.batch_size * updates, spec.steps, 1), dtype="float32")
    y = rng.integers(0, 10, spec.batch_size * updates)
    return partial(stock(spec).fit, x, y, batch_size=spec.batch_size, verbose=0)


def limit(spec: RunSpec, runs: int) -> float:
    """Return the seconds that waiting and multiply-adds leave for an update of all runs."""
    multiply_adds = 2 * spec.steps * BLOCKS[spec.model] * spec.units**2  # forwards and backwards
    cores = jax.devices()[0].core_count
    a_row = multiply_adds / (multiply_adds_per_second() / cores)
    rows = -(-spec.batch_size * runs // cores)
    warps = {"irnn": 4, "lstm": 8}[spec.model]
    tilings = Tilings(*(tiling._replace(rows=4, warps=warps) for tiling in CHOSEN))
    _, found = times(program(spec, lambda units: Waiting(4, tilings=tilings), 1, updates=100))
    return max(float(np.median(found)) / 100 + a_row, rows * a_row)


def multiply_adds_per_second() -> float:
    """Return the rate of a large matrix product in full float32."""
    n = 8192
    a = jax.random.normal(jax.random.key(0), (n, n))
    multiply = jax.jit(lambda a: dot(a, a))
    _, found = times(lambda: jax.block_until_ready(multiply(a)))
    return n**3 / float(np.median(found))


# --- tables -----------------------------------------------------------------------------


COMMON = ("date", "device", "jax", "keras", "network", "units", "batch_size", "steps", "runs")
FOUND = ("seconds", "low", "high", "first_call_seconds", "problem")
COLUMNS = {
    "check": (*COMMON, "semantics", "features", "error", "seconds", "problem"),
    "speed": (*COMMON, "loop", "way", "tiling", "updates", "rounds", *FOUND),
}


class Tables:
    """The two tables, each row written as soon as it is added.

    Args:
        folder: Where they are; it is made if need be.

    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.problems = 0
        self.writing = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        for table, columns in COLUMNS.items():
            path = self._path(table)
            if not path.exists():
                path.write_text(",".join(columns) + "\n", encoding="utf-8")
            with path.open(newline="", encoding="utf-8") as file:
                if tuple(next(csv.reader(file), ())) != columns:
                    sys.exit(f"{path} has other columns; name another folder with --output")

    def _path(self, table: str) -> Path:
        return self.folder / f"fused-{table}.csv"

    def add(self, table: str, **row) -> None:
        """Write a row to its table and to standard output."""
        row = {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()}
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        where = {"date": now, "device": jax.devices()[0].device_kind}
        where |= {"jax": jax.__version__, "keras": keras.__version__}
        with self.writing, self._path(table).open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS[table]).writerow(where | row)
        self.problems += bool(row.get("problem"))
        print(table, *(f"{k} {v}" for k, v in row.items() if v not in (None, "")), flush=True)

    def stop_after(self, minutes: float) -> threading.Timer:
        """End the process when the time is over, whatever it does: a compiler cannot be stopped."""

        def stop():
            with self.writing:
                print(f"{minutes:g} minutes are over; {self.folder} has what was measured by then")
                sys.stdout.flush()
                os._exit(1 if self.problems else 0)

        timer = threading.Timer(60 * minutes, stop)
        timer.daemon = True
        timer.start()
        return timer


def add_check(tables: Tables, case: Case, interpret: bool) -> None:
    """Check a case and add its row."""
    row: dict = asdict(case)
    start = time.perf_counter()
    try:
        row["error"] = error(case, interpret)
        if row["error"] > LIMIT:
            row["problem"] = f"the error is more than {LIMIT:g}"
    except Exception as failure:  # what comes after may work
        row["problem"] = reason(failure)
    tables.add("check", **row, seconds=time.perf_counter() - start)


def add_speed(tables: Tables, spec: RunSpec, train: Callable, updates: int, runs=1, **row) -> None:
    """Time the function that `train` makes, and add its row."""
    row = {**measured(spec, runs), **row, "updates": updates}
    try:
        first, found = times(train())
        per_epoch = np.quantile(found, (0.25, 0.5, 0.75)) / updates * spec.updates / runs
        row |= dict(zip(("low", "seconds", "high"), map(float, per_epoch), strict=True))
        row |= {"first_call_seconds": first, "rounds": len(found)}
    except Exception as failure:
        row["problem"] = reason(failure)
    tables.add("speed", **row)


def add_limit(tables: Tables, spec: RunSpec, runs: int) -> None:
    """Compute the limit and add its row."""
    row = {**measured(spec, runs), "loop": "limit", "way": "program"}
    try:
        row["seconds"] = limit(spec, runs) * spec.updates / runs
    except Exception as failure:
        row["problem"] = reason(failure)
    tables.add("speed", **row)


def measured(spec: RunSpec, runs: int) -> dict:
    """Return the columns that say of what network a time is."""
    row = {"network": spec.model, "units": spec.units, "batch_size": spec.batch_size}
    return row | {"steps": spec.steps, "runs": runs}


def reason(failure: Exception) -> str:
    """Return an error in one line."""
    return " ".join(f"{type(failure).__name__}: {failure}".split())[:500]


def main(arguments: list[str] | None = None) -> int:
    """Check and measure; return 1 if a loop is wrong or something failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=9, help="stop after so long (default: 9)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the tables")
    parser.add_argument("--interpret", action="store_true", help="without a GPU, slowly")
    parser.add_argument("--networks", nargs="+", default=["irnn", "lstm"], choices=list(BLOCKS))
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--pooling", type=int, default=1, help="2 and 4: fewer steps than 784")
    parser.add_argument("--runs", type=int, nargs="+", default=[32, 8, 2], help="side by side")
    parser.add_argument("--updates", type=int, default=100, help="in a round, fused")
    parser.add_argument("--slow-updates", type=int, default=10, help="in a round, the others")
    parser.add_argument("--no-sweep", dest="sweep", action="store_false")
    args = parser.parse_args(arguments)
    if not (args.interpret or choice.nvidia(jax.devices()[0])):
        sys.exit("JAX sees no NVIDIA GPU; --interpret tries all but the speed without one")
    tables = Tables(args.output)
    timer = tables.stop_after(args.minutes)
    work(tables, args)
    timer.cancel()
    print(f"done: {tables.problems or 'no'} problems, tables in {args.output}")
    return 1 if tables.problems else 0


def work(tables: Tables, args: argparse.Namespace) -> None:
    """Check, then measure, what matters most first. Checks take a third of the time at most."""
    begin = time.monotonic()
    shape = {"units": args.units, "batch_size": args.batch, "pooling": args.pooling}
    specs = [make(network, **shape) for network in args.networks]
    for spec in specs:
        print(f"{spec.model}: the package chooses the loop {choice.loop_name(spec)}", flush=True)
    checks = list(chain.from_iterable(zip(*map(cases, specs), strict=True)))
    while checks and time.monotonic() - begin < 60 * args.minutes / 3:
        add_check(tables, checks.pop(0), args.interpret)
    fused, slow, fast = partial(Fused, interpret=args.interpret), args.slow_updates, args.updates
    for spec in specs:
        add_speed(tables, spec, partial(fit, spec, slow), slow, loop="stock", way="fit")
    for runs, spec in product((1, *args.runs), specs):
        for name, loop, updates in (("fused", fused, fast), ("scan", Scan, slow)):
            train = partial(program, spec, loop, runs, updates)
            add_speed(tables, spec, train, updates, runs, loop=name, way="program")
    for case in checks:  # that are left
        add_check(tables, case, args.interpret)
    if args.interpret:
        return
    for runs, spec in product((1, *args.runs), specs):
        if args.units == 100:
            add_limit(tables, spec, runs)
    for spec, kernel in product(specs, CHOSEN._fields if args.sweep else ()):
        for tiling in TILINGS if kernel.startswith(LOOPS[spec.model]) else ():
            loop = partial(Fused, tilings=CHOSEN._replace(**{kernel: tiling}))
            train = partial(program, spec, loop, 1, fast)
            tried = f"{kernel} {'/'.join(str(n or 'auto') for n in tiling)}"
            add_speed(tables, spec, train, fast, loop="fused", way="program", tiling=tried)


if __name__ == "__main__":
    sys.exit(main())
