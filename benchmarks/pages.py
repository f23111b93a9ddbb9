"""What Lighthouse gives the built pages: performance, on a phone and a desktop, is a time.

    npm ci --prefix tests
    python benchmarks/pages.py

The table goes to `benchmarks/results/pages.csv`. Measure on a machine that does nothing else:
`load` says how many processes it was running before.
"""

import argparse
import datetime
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # for the tests' browser and server

from irnn.measurements import write  # noqa: E402
from irnn.training.machine import cpu  # noqa: E402
from tests import lighthouse  # noqa: E402
from tests.browser import program, served  # noqa: E402

PAGES = ("book/index", "book/en/index", "book/ja/index", "book/en/irnn-vs-lstm")
PAGES += ("book/ja/irnn-vs-lstm", "book/en/runs", "book/en/scale", "search")
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html", help="built pages")
    parser.add_argument("--times", type=int, default=5, help="runs, of which the median counts")
    parser.add_argument("--pages", nargs="+", default=PAGES, help="their names, without .html")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "benchmarks" / "results" / "pages.csv"
    )
    args = parser.parse_args()
    if not (args.site / "book" / "index.html").is_file():
        parser.error(f"there is no site in {args.site}: make book")
    if not (program() and lighthouse.is_installed()):
        parser.error(f"{lighthouse.MISSING}; and Chromium")
    load = round(os.getloadavg()[0], 1)
    with served(args.site) as address:
        jobs = [
            {
                "url": f"{address}/{page}.html",
                "device": device,
                "categories": CATEGORIES,
                "times": args.times,
            }
            for page in args.pages
            for device in ("phone", "desktop")
        ]
        found = lighthouse.results(lighthouse.start(jobs))
    where = {
        "date": datetime.date.today().isoformat(),
        "machine": cpu(),
        "cores": os.cpu_count(),
        "load": load,
        "times": args.times,
    }
    rows = [
        where
        | {"page": result["url"].split("/", 3)[3], "device": result["device"]}
        | result["scores"]
        for result in found
    ]
    write(args.output, rows)
    for row in rows:
        print(row["page"], row["device"], *(f"{name} {row[name]}" for name in CATEGORIES))


if __name__ == "__main__":
    main()
