"""What an epoch costs: by loop, backend, batch size, sequence length, units, runs together.

    python benchmarks/speed.py

On each backend that is installed, in a process on one core: some updates of every variant
are timed in turns, round after round, so that a noisy machine disturbs all alike, and scaled to
an epoch of 60,000 images. The table, `benchmarks/results/speed.csv`, has the medians and
quartiles of the rounds, in time that passed and in time that the processor spent. `ceiling` is
the time that a core would need for the multiply-adds of the products alone, at the rate of a
loop that does nothing else, measured in the same rounds. It takes about ten minutes.
"""

import argparse
import csv
import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tqdm import tqdm

from irnn.measurements import RESULTS, Speed, write
from irnn.spec import MODELS, RunSpec, make
from irnn.training.processes import ENVIRONMENT

BACKENDS = ("jax", "tensorflow")
GROUPS = ("loops", "batch", "steps", "units", "together")
EPOCH = 60_000  # images
POOLING = {784: 1, 196: 2, 49: 4}

Variant = tuple[str, str]  # loop and way: ("stock", "fit"), ("native", "program"), ...


def fit(model, spec: RunSpec, images: int) -> Callable[[], None]:
    """Return a function that trains a network on so many random images with `model.fit`."""
    rng = np.random.default_rng(0)
    x = rng.random((images, spec.steps, 1), "float32")
    y = rng.integers(0, 10, images)
    return lambda: model.fit(x, y, batch_size=spec.batch_size, shuffle=False, verbose=0)


def program(spec: RunSpec, runs: int, images: int) -> Callable[[], None]:
    """Return a function that trains so many runs as one program, each on so many images."""
    import jax

    from irnn.store import Run
    from irnn.training.group import Group

    specs = [
        make(spec.model, units=spec.units, pooling=spec.pooling, seed=seed) for seed in range(runs)
    ]
    group = Group(specs, os.environ.get("MNIST_NPZ"))
    state = group.start([Run(spec) for spec in specs])
    rows = np.arange(images, dtype="int32").reshape(-1, spec.batch_size)
    rows = np.broadcast_to(rows, (runs, *rows.shape))

    def train():
        nonlocal state
        state, _ = group.updates(state, group.differing, rows, group.x_train, group.y_train)
        jax.block_until_ready(state)

    return train


def with_loop(name: str, function: Callable[[], None]) -> Callable[[], None]:
    """Return the function with IRNN_LOOP set, which matters when its program is traced."""

    def call():
        os.environ["IRNN_LOOP"] = name
        try:
            function()
        finally:
            del os.environ["IRNN_LOOP"]

    return call


def trainer(variant: Variant, spec: RunSpec, runs: int, images: int) -> Callable[[], None]:
    """Return the function that trains a variant of a network."""
    from irnn import models

    loop, way = variant
    if loop == "stock":
        from stock import stock

        return fit(stock(spec), spec, images)
    if loop == "keras":
        return fit(models.build(spec), spec, images)
    if way == "program":
        return with_loop(loop, program(spec, runs, images))
    return with_loop(loop, fit(models.build(spec), spec, images))


def ceiling(spec: RunSpec, images: int) -> Callable[[], None]:
    """Return a function that does as many multiply-adds as the products of so many images.

    A step multiplies a row three times with a matrix (units, gates x units): forwards, and
    backwards for the state and for the matrix.
    """
    from irnn.recurrent.native import compiled

    path = compiled(Path(__file__).with_name("peak.cc"))
    peak = ctypes.CDLL(str(path)).peak
    peak.argtypes, peak.restype = [ctypes.c_long], ctypes.c_double
    operations = 2 * 3 * images * spec.steps * spec.units**2 * {"irnn": 1, "lstm": 4}[spec.model]
    rounds = int(operations / peak(1))
    return lambda: peak(rounds)


def times(functions: list[Callable], rounds: int) -> np.ndarray:
    """Return the seconds of functions called in turns, warm: (rounds, functions, 2).

    Of the last axis, the first is the time that passed, the second the processor's.
    """
    found = np.zeros((rounds + 1, len(functions), 2))
    for row in found:
        for i, function in enumerate(functions):
            before = time.perf_counter(), time.process_time()
            function()
            row[i] = time.perf_counter() - before[0], time.process_time() - before[1]
    return found[1:]


def cases(backend: str, groups: Sequence[str]) -> list[tuple[str, RunSpec, int, list[Variant]]]:
    """Return what is measured of some groups: group, network, runs together, variants in turns."""
    return [case for case in _cases(backend) if case[0] in groups]


def _cases(backend: str) -> list[tuple[str, RunSpec, int, list[Variant]]]:
    stock_fit = ("stock", "fit")
    if backend != "jax":
        return [("loops", make(network), 1, [stock_fit, ("keras", "fit")]) for network in MODELS]
    ours = [("native", "fit"), ("scan", "fit"), ("scan", "program"), ("native", "program")]
    chosen = [
        ("loops", make(network), 1, [stock_fit, *ours, ("ceiling", "program")])
        for network in MODELS
    ]
    chosen += [
        ("batch", make(network, batch_size=size), 1, [stock_fit, ours[0]])
        for size in (16, 32, 64, 128)
        for network in MODELS
    ]
    one = ours[-1:]
    chosen += [
        ("steps", make(network, pooling=POOLING[steps]), 1, one)
        for steps in (49, 196, 784)
        for network in MODELS
    ]
    chosen += [
        ("units", make(network, units=units), 1, one)
        for units in (50, 100, 200, 400)
        for network in MODELS
    ]
    chosen += [
        ("together", make(network), runs, one) for runs in (1, 2, 4, 8) for network in MODELS
    ]
    return chosen


def measure(groups: list[str], images: int, rounds: int) -> None:
    """Measure the cases on this process' backend; print the rows of each as a line of JSON."""
    from irnn.training.environment import environment

    if hasattr(os, "sched_setaffinity"):  # elsewhere than on Linux, the flags have to do
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    where = environment()
    unit = 2**30 if sys.platform == "darwin" else 2**20
    for group, spec, runs, variants in cases(where["backend"], groups):
        n = images * {"loops": 8, "batch": 4}.get(group, 1)
        functions = [
            ceiling(spec, n) if loop == "ceiling" else trainer((loop, way), spec, runs, n)
            for loop, way in variants
        ]
        found = times(functions, rounds) * EPOCH / n / runs
        rows = []
        for i, (loop, way) in enumerate(variants):
            (low, cpu_low), (middle, cpu), (high, cpu_high) = np.quantile(
                found[:, i], (0.25, 0.5, 0.75), axis=0
            )
            ratio = np.median(found[:, i] / found[:, 0], axis=0)
            compared = variants[0][0] == "stock"
            row = Speed(
                date=where["date"][:10],
                machine=where["device"],
                cores=where["cores"],
                threads=1,
                keras=where["keras"],
                backend=where["backend"],
                backend_version=where["backend_version"],
                group=group,
                network=spec.model,
                loop=loop,
                way=way,
                batch_size=spec.batch_size,
                units=spec.units,
                steps=spec.steps,
                together=runs,
                updates=n // spec.batch_size,
                rounds=rounds,
                seconds=middle,
                low=low,
                high=high,
                cpu_seconds=cpu,
                cpu_low=cpu_low,
                cpu_high=cpu_high,
                ratio=ratio[0] if compared else None,
                cpu_ratio=ratio[1] if compared else None,
                peak_memory_gib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit,
            )
            rows.append({k: _rounded(v) for k, v in vars(row).items()})
        print(json.dumps(rows), flush=True)


def _rounded(value):
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main() -> None:
    """Measure on every backend and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--images",
        type=int,
        default=64,
        help="images in a round, and more where loops are compared",
    )
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count")
    parser.add_argument(
        "--backends",
        nargs="+",
        choices=BACKENDS,
        help="measure these only; the table keeps its rows of others (default: all)",
    )
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=GROUPS, help="likewise")
    parser.add_argument("--output", type=Path, default=RESULTS / Speed.file, help="the table")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # in a process
    args = parser.parse_args()
    if args.here:
        measure(args.groups, args.images, args.rounds)
        return
    chosen = args.backends or list(filter(find_spec, BACKENDS))
    rows = []
    if args.output.exists():
        with args.output.open(newline="", encoding="utf-8") as file:
            rows = [
                row
                for row in csv.DictReader(file)
                if row["backend"] not in chosen or row["group"] not in args.groups
            ]
    for backend in chosen:
        command = [sys.executable, __file__, "--here"]
        command += ["--images", str(args.images), "--rounds", str(args.rounds)]
        command += ["--groups", *args.groups]
        environment = os.environ | ENVIRONMENT | {"KERAS_BACKEND": backend}
        with (
            tqdm(total=len(cases(backend, args.groups)), desc=backend) as bar,
            subprocess.Popen(command, env=environment, stdout=-1, text=True) as process,
        ):
            for line in process.stdout:
                rows += json.loads(line)
                bar.update()
        if process.returncode:
            sys.exit(process.returncode)
    write(args.output, rows)
    print(args.output.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
