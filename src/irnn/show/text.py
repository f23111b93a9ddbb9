"""Numbers, dates, alternative texts and tables of runs as text."""

from collections.abc import Iterable

import numpy as np

from irnn.show.times import epoch_seconds, trained_on
from irnn.store import Run

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def rate(value: float) -> str:
    """Return a number in scientific notation, "10⁻⁶" for 1e-6, "5 × 10⁻⁴" for 5e-4; "0" for 0."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:e}".split("e")
    factor = "" if float(mantissa) == 1 else f"{float(mantissa):g} × "
    return f"{factor}10{str(int(exponent)).translate(SUPERSCRIPTS)}"


def seconds(value: float) -> str:
    """Return seconds to the whole from 10 on, to two digits below: "213", "0.25"."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def day(date: str, language: str) -> str:
    """Return an ISO date as the language writes it: "2026-11-25", "2026 年 11 月 25 日".

    What is no date, as "unknown" in a mended record, stays.
    """
    if not date[:1].isdigit():
        return date
    year, month, number = (int(part) for part in date[:10].split("-"))
    return f"{year} 年 {month} 月 {number} 日" if language == "ja" else date[:10]


def described(alt: str, findings: Iterable[str], language: str) -> str:
    """Return what a figure is, and then what it shows, as sentences."""
    if language == "ja":
        return "".join(f"{sentence}。" for sentence in (alt, *findings))
    return f"{alt}. {'; '.join(findings)}."


def joined(parts: Iterable[str], language: str) -> str:
    """Return what was measured as one line: "a; b", "a／b"."""
    return ("／" if language == "ja" else "; ").join(parts)


def p_value(p: float) -> str:
    """Return a p value to two digits: "0.037", "4.9 × 10⁻⁵"."""
    return rate(float(f"{p:.1e}")) if 0 < p < 1e-4 else f"{p:.2g}"


def of_epochs(some: int, epochs: int, language: str) -> str:
    """Return "each of the 20 epochs", or "19 of the 20 epochs"."""
    if language == "ja":
        return f"{epochs} エポック" + ("のすべて" if some == epochs else f"のうち {some} エポック")
    return f"{'each' if some == epochs else some} of the {epochs} epochs"


def listed(rows: Iterable, column: str) -> str:
    """Return the values that a column of measurements has, each once."""
    return ", ".join(dict.fromkeys(str(getattr(row, column)) for row in rows))


def percent(runs: list[Run], language: str, epoch: int = -1) -> str:
    """Return the mean test accuracy over the seeds, with its extent: "52.0% (48.1–55.9%)"."""
    values = 100 * np.array([run["val_accuracy"][epoch] for run in runs])
    mean, low, high = (f"{value:.1f}" for value in (values.mean(), values.min(), values.max()))
    if len(runs) == 1:
        return f"{mean}%"
    if language == "ja":
        return f"{mean}%（{low}～{high}%）"
    return f"{mean}% ({low}–{high}%)"


def spread(runs: list[Run], epoch: int = -1) -> str:
    """Return how far the test accuracies of the seeds are apart, in percentage points."""
    values = 100 * np.array([run["val_accuracy"][epoch] for run in runs])
    return f"{values.max() - values.min():.1f}"


def mean(runs: list[Run], metric: str, epoch: int = -1) -> str:
    """Return the mean of a metric over the seeds, to two significant digits."""
    value = np.mean([run[metric][epoch] for run in runs])
    return f"{float(f'{value:.2g}'):,.10g}"


def table(runs: Iterable[Run]) -> list[str]:
    """Return a line per run under a line of headings, for the command line."""
    lines = [
        f"{'run':32} {'semantics':9} {'optimizer':8} {'rate':>6} {'seed':>4} {'epochs':>6} "
        f"{'test accuracy':>13} {'s/epoch':>8}  trained on"
    ]
    for run in runs:
        spec = run.spec
        accuracy = f"{run['val_accuracy'][-1]:.1%}" if len(run) else ""
        seconds = epoch_seconds(run)
        where = "; ".join(f"{device} ({backend})" for backend, device in trained_on(run))
        lines.append(
            f"{spec.name:32} {spec.semantics:9} {spec.optimizer:8} {spec.learning_rate:>6g} "
            f"{spec.seed:>4} {len(run):>6} {accuracy:>13} "
            f"{'' if seconds is None else f'{seconds:.1f}':>8}  {where}"
        )
    return lines
