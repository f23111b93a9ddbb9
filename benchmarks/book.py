"""How long the book takes to build, and the imports that drawing needs.

    python benchmarks/book.py

The table goes to `benchmarks/results/book.csv`.
"""

import argparse
import datetime
import os
import resource
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from irnn.measurements import write
from irnn.training.machine import cpu

RESULTS = Path(__file__).parent / "results" / "book.csv"


def measure(*command: str) -> tuple[float, float]:
    """Return the seconds that a command takes, and those of processor time."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    subprocess.run([sys.executable, *command], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return round(perf_counter() - start, 2), round(used, 2)


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULTS, help="the table")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = {
            "make book": measure("-m", "irnn", "book", "--output", folder),
            "make book, nothing changed": measure("-m", "irnn", "book", "--output", folder),
            "import irnn.store, irnn.show.plots": measure(
                "-c", "import irnn.store, irnn.show.plots"
            ),
        }
    where = {
        "date": datetime.date.today().isoformat(),
        "machine": cpu(),
        "cores": os.cpu_count(),
        "jupyter_book": version("jupyter-book"),
    }
    rows = [
        {**where, "what": what, "seconds": seconds, "processor_seconds": used}
        for what, (seconds, used) in measured.items()
    ]
    write(args.output, rows)
    print(args.output.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
