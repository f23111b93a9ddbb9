"""What training costs beyond a bare `model.fit` of the stock Keras layers, side by side.

    KERAS_BACKEND=jax python benchmarks/training.py

Both sides train the same network on the same images, test it on the whole test set after
every epoch, and take turns epoch by epoch, so that a noisy machine disturbs both alike. The
first epoch, in which the programs are compiled, does not count. The table goes to
`benchmarks/results/training-BACKEND.md`.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

from irnn import data
from irnn.spec import RunSpec, make
from irnn.store import Store
from irnn.train import TEST_BATCH, environment, train

RESULTS = Path(__file__).parent / "results"


def stock(spec: RunSpec) -> keras.Sequential:
    """Return the network as Keras' documentation would write it."""
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


def compare(spec: RunSpec, epochs: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the seconds of each epoch but the first, with its test: ours and the stock's."""
    samples = data.load(spec)
    model = stock(spec)
    ours, theirs = [], []
    clock = time.perf_counter()

    def next_epoch(run):
        nonlocal clock
        ours.append(time.perf_counter() - clock)
        start = time.perf_counter()
        model.fit(
            samples.x_train,
            samples.y_train,
            batch_size=spec.batch_size,
            verbose=0,
            validation_data=(samples.x_test, samples.y_test),
            validation_batch_size=TEST_BATCH,
        )
        theirs.append(time.perf_counter() - start)
        clock = time.perf_counter()

    with tempfile.TemporaryDirectory() as folder:
        train(spec, epochs + 1, Store(folder), on_epoch=next_epoch)
    return np.array(ours[1:]), np.array(theirs[1:])


def main():
    """Measure both networks and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="mnist", help="mnist or digits")
    parser.add_argument("--samples", type=int, default=3200, help="training images an epoch")
    parser.add_argument("--epochs", type=int, default=5, help="epochs that count")
    args = parser.parse_args()
    where = environment()
    lines = [
        f"# Training against a bare model.fit, {where['backend']}",
        "",
        f"{where['date'][:10]}, {where['device']}, {where['cores']} cores, "
        f"Keras {where['keras']}, {where['backend']} {where['backend_version']}; "
        f"{args.dataset}, {args.samples} images an epoch and the test set, batch 32, "
        f"{args.epochs} epochs in turn. Seconds per epoch: median (lowest to highest).",
        "",
        "| network | this package | stock layers, model.fit | ratio, epoch by epoch |",
        "|---|---|---|---|",
    ]
    for name in ("irnn", "lstm"):
        spec = make(name, dataset=args.dataset, samples=args.samples)
        ours, theirs = compare(spec, args.epochs)
        cells = [
            f"{np.median(v):.2f} ({v.min():.2f} to {v.max():.2f})"
            for v in (ours, theirs, ours / theirs)
        ]
        lines.append(f"| {name.upper()} | {' | '.join(cells)} |")
    unit = 2**30 if sys.platform == "darwin" else 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    lines += ["", f"Peak memory of the process that trained all four: {peak:.2f} GiB."]
    table = "\n".join(lines) + "\n"
    print(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"training-{where['backend']}.md").write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
