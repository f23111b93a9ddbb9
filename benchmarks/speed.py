"""What an epoch costs: by batch size, backend, sequence length, units and runs together.

    python benchmarks/speed.py

On each backend that is installed, in a process of one thread: this package's networks and the
stock Keras example (`SimpleRNN` or `LSTM`, `model.fit`) are trained in turns, so that a noisy
machine disturbs both alike. Some updates are timed, after one round in which the programs are
compiled, and the time is scaled to an epoch of 60,000 images. The table goes to
`benchmarks/results/speed.csv`. It takes a quarter of an hour on an idle machine.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tqdm import tqdm

from irnn.spec import RunSpec, make
from irnn.training.processes import ENVIRONMENT

RESULTS = Path(__file__).parent / "results" / "speed.csv"
BACKENDS = ("jax", "tensorflow")
EPOCH = 60_000  # images
COLUMNS = (  # noqa: SIM905
    "date machine cores threads keras backend backend_version group network batch_size units "
    "steps together updates seconds low high stock_seconds ratio peak_memory_gib"
).split()
POOLING = {784: 1, 196: 2, 49: 4}


def stock(spec: RunSpec):
    """Return the network as Keras' documentation would write it."""
    import keras
    from keras import layers

    rnn = {
        "irnn": lambda: layers.SimpleRNN(
            spec.units, activation="relu", recurrent_initializer="identity"
        ),
        "lstm": lambda: layers.LSTM(spec.units, recurrent_activation="hard_sigmoid"),
    }[spec.model]()
    model = keras.Sequential(
        [keras.Input((spec.steps, 1)), rnn, layers.Dense(10, activation="softmax")]
    )
    model.compile(
        keras.optimizers.RMSprop(spec.learning_rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def fit(model, spec: RunSpec, images: int):
    """Return a function that trains a network on so many random images."""
    rng = np.random.default_rng(0)
    x = rng.random((images, spec.steps, 1), "float32")
    y = rng.integers(0, 10, images)
    return lambda: model.fit(x, y, batch_size=spec.batch_size, shuffle=False, verbose=0)


def fit_together(spec: RunSpec, runs: int, images: int):
    """Return a function that trains so many runs as one program, each on so many images."""
    import jax

    from irnn.store import Run
    from irnn.training.group import Group

    specs = [make(spec.model, units=spec.units, seed=seed, dataset="mnist") for seed in range(runs)]
    group = Group(specs, os.environ.get("MNIST_NPZ"))
    state = group.start([Run(spec) for spec in specs])
    rows = np.arange(images, dtype="int32").reshape(-1, spec.batch_size)
    rows = np.broadcast_to(rows, (runs, *rows.shape))

    def train():
        nonlocal state
        state, _ = group.updates(state, group.differing, rows, group.x_train, group.y_train)
        jax.block_until_ready(state)

    return train


def seconds(functions: list, rounds: int) -> np.ndarray:
    """Return the seconds (rounds, functions) of functions called in turns, warm."""
    times = np.zeros((rounds + 1, len(functions)))
    for row in times:
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            row[i] = time.perf_counter() - start
    return times[1:]


def cases(backend: str) -> list[tuple[str, RunSpec, int]]:
    """Return what is measured: group, network and number of runs together."""
    networks = ("irnn", "lstm")
    chosen = [
        ("batch", make(network, batch_size=size), 1)
        for size in (16, 32, 64, 128)
        for network in networks
    ]
    if backend == "jax":
        chosen += [
            ("steps", make(network, pooling=POOLING[steps]), 1)
            for steps in (49, 196, 784)
            for network in networks
        ]
        chosen += [
            ("units", make(network, units=units), 1)
            for units in (50, 100, 200, 400)
            for network in networks
        ]
        chosen += [
            ("together", make(network), runs) for runs in (1, 2, 4, 8) for network in networks
        ]
    return chosen


def measure(images: int, rounds: int) -> None:
    """Measure the cases on this process' backend; print each as a line of JSON."""
    from irnn import models
    from irnn.training.environment import environment

    where = environment()
    for group, spec, runs in cases(where["backend"]):
        n = images if group == "batch" else images // 4
        if group == "together":
            functions = [fit_together(spec, runs, n)]
        else:
            functions = [fit(models.build(spec), spec, n)]
            if group == "batch":
                functions.append(fit(stock(spec), spec, n))
        times = seconds(functions, rounds) * EPOCH / n
        ours = times[:, 0] / runs
        unit = 2**30 if sys.platform == "darwin" else 2**20
        values = {
            "date": where["date"][:10],
            "machine": where["device"],
            "cores": where["cores"],
            "threads": 1,
            "keras": where["keras"],
            "backend": where["backend"],
            "backend_version": where["backend_version"],
            "group": group,
            "network": spec.model,
            "batch_size": spec.batch_size,
            "units": spec.units,
            "steps": spec.steps,
            "together": runs,
            "updates": n // spec.batch_size * rounds,
            "seconds": np.median(ours),
            "low": ours.min(),
            "high": ours.max(),
            "peak_memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit,
        }
        if len(functions) > 1:
            values["stock_seconds"] = np.median(times[:, 1])
            values["ratio"] = np.median(times[:, 0] / times[:, 1])
        rounded = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in values.items()}
        print(json.dumps(rounded), flush=True)


def main() -> None:
    """Measure on every backend and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1024, help="images in a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds that count")
    parser.add_argument(
        "--backends",
        nargs="+",
        choices=BACKENDS,
        help="measure these only; the table keeps its rows of others (default: all)",
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="the table")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # in a process
    args = parser.parse_args()
    if args.here:
        measure(args.images, args.rounds)
        return
    chosen = args.backends or list(filter(find_spec, BACKENDS))
    rows = []
    if args.backends and args.output.exists():
        with args.output.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["backend"] not in chosen]
    for backend in chosen:
        command = [sys.executable, __file__, "--here"]
        command += ["--images", str(args.images), "--rounds", str(args.rounds)]
        environment = os.environ | ENVIRONMENT | {"KERAS_BACKEND": backend}
        with (
            tqdm(total=len(cases(backend)), desc=backend) as bar,
            subprocess.Popen(command, env=environment, stdout=-1, text=True) as process,
        ):
            for line in process.stdout:
                rows.append(json.loads(line))
                bar.update()
        if process.returncode:
            sys.exit(process.returncode)
    args.output.parent.mkdir(exist_ok=True)
    unfinished = args.output.with_suffix(".tmp")
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    unfinished.replace(args.output)
    print(args.output.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
