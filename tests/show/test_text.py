"""Numbers are written as the prose needs them."""

import pytest

from irnn.show.text import day, described, mean, of_epochs, p_value, percent, rate, seconds, spread
from irnn.spec import make
from irnn.store import Run


def runs(*seeds):
    """Runs with a test accuracy per epoch, and half of it as their loss."""
    return [
        Run(make("irnn", seed=n), epochs=[{"val_accuracy": v, "loss": v / 2} for v in values])
        for n, values in enumerate(seeds)
    ]


def test_seconds_are_written_plainly():
    assert [seconds(v) for v in (1700, 212.8, 0.253)] == ["1,700", "213", "0.25"]


@pytest.mark.parametrize(
    ("value", "text"), [(1e-6, "10⁻⁶"), (5e-4, "5 × 10⁻⁴"), (0.01, "10⁻²"), (1, "10⁰"), (0, "0")]
)
def test_rates_are_written_scientifically(value, text):
    assert rate(value) == text


def test_an_accuracy_is_the_mean_of_the_seeds_with_its_extent():
    some = runs((0.1, 0.481), (0.2, 0.559), (0.4, 0.532))
    assert percent(some, "en") == "52.4% (48.1–55.9%)"
    assert percent(some, "ja") == "52.4%（48.1～55.9%）"
    assert percent(some, "en", epoch=0) == "23.3% (10.0–40.0%)"
    assert percent(some[:1], "en") == percent(some[:1], "ja") == "48.1%"


def test_a_spread_is_in_percentage_points_and_a_mean_has_two_digits():
    some = runs((0.1, 0.481), (0.2, 0.559), (0.4, 0.532))
    assert (spread(some), spread(some, epoch=0)) == ("7.8", "30.0")
    assert (mean(some, "loss"), mean(some, "loss", epoch=0)) == ("0.26", "0.12")
    assert mean(runs((2468,)), "loss") == "1,200"


def test_dates_and_findings_are_written_as_the_language_has_them():
    assert day("2026-11-05T10:00:00", "en") == "2026-11-05"
    assert day("2026-11-05T10:00:00", "ja") == "2026 年 11 月 5 日"
    assert day("unknown", "ja") == "unknown"
    assert described("Curves", ["a is 1", "b is 2"], "en") == "Curves. a is 1; b is 2."
    assert described("曲線", ["a は 1", "b は 2"], "ja") == "曲線。a は 1。b は 2。"


def test_epochs_are_some_or_each():
    assert of_epochs(20, 20, "en") == "each of the 20 epochs"
    assert of_epochs(19, 20, "en") == "19 of the 20 epochs"
    assert of_epochs(20, 20, "ja") == "20 エポックのすべて"
    assert of_epochs(19, 20, "ja") == "20 エポックのうち 19 エポック"


def test_p_values_have_two_digits_and_a_power_of_ten_where_they_are_small():
    assert [p_value(p) for p in (1.0, 0.0374, 0.000264, 0.0)] == ["1", "0.037", "0.00026", "0"]
    assert [p_value(p) for p in (4.93e-5, 1e-6)] == ["4.9 × 10⁻⁵", "10⁻⁶"]
