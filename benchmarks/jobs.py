"""How many processes share the cores best: updates a second of all of them together.

    KERAS_BACKEND=jax python benchmarks/jobs.py

One process with one thread, one with a thread per core, and one-threaded processes on all
cores train this package's networks (batch 32, 784 steps, 100 units) for some seconds, in
turns. The table goes to `benchmarks/results/jobs.csv`.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from irnn.measurements import write

RESULTS = Path(__file__).parent / "results" / "jobs.csv"


def work(network: str, seconds: float) -> None:
    """Train once told on standard input, for so long; print the updates a second."""
    from speed import fit

    from irnn import models
    from irnn.spec import make

    spec = make(network)
    updates = 8
    train = fit(models.build(spec), spec, updates * spec.batch_size)
    train()
    for _ in sys.stdin:
        print("ready", flush=True)
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            train()
            done += updates
        print(done / (time.perf_counter() - start), flush=True)


def start(network: str, threads: int, cores: int, seconds: float) -> subprocess.Popen:
    """Start a process that works, with so many threads."""
    from irnn.training.processes import ENVIRONMENT

    many = {} if threads == 1 else {"XLA_FLAGS": "", "OMP_NUM_THREADS": str(cores)}
    many |= {k: str(threads) for k in ENVIRONMENT if k.startswith("TF_NUM_") and threads > 1}
    command = [sys.executable, __file__, "--work", network, "--seconds", str(seconds)]
    environment = os.environ | ENVIRONMENT | many
    return subprocess.Popen(command, env=environment, stdin=-1, stdout=-1, text=True)


def throughput(processes: list[subprocess.Popen]) -> float:
    """Return the updates a second of processes that work at the same time."""
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.stdout.readline()
    return sum(float(process.stdout.readline()) for process in processes)


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=6, help="length of a round")
    parser.add_argument("--rounds", type=int, default=7, help="rounds")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the table")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(args.work, args.seconds)
        return
    from irnn.training.environment import environment

    where, cores = environment(), os.cpu_count()
    rows = []
    for network in ("irnn", "lstm"):
        settings = [(1, 1), (1, cores), (cores, 1)]
        groups = [
            [start(network, threads, cores, args.seconds) for _ in range(jobs)]
            for jobs, threads in settings
        ]
        rates = np.array([[throughput(group) for group in groups] for _ in range(args.rounds)])
        for group in groups:
            for process in group:
                process.communicate()
        for i, (jobs, threads) in enumerate(settings):
            low, middle, high = np.quantile(rates[:, i], (0.25, 0.5, 0.75))
            rows.append(
                {
                    "date": where["date"][:10],
                    "machine": where["device"],
                    "cores": where["cores"],
                    "backend": where["backend"],
                    "network": network,
                    "jobs": jobs,
                    "threads": threads,
                    "rounds": args.rounds,
                    "updates_per_second": f"{middle:.4g}",
                    "low": f"{low:.4g}",
                    "high": f"{high:.4g}",
                    "ratio": f"{np.median(rates[:, i] / rates[:, 0]):.3g}",
                }
            )
    write(args.output, rows)
    print(args.output.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
