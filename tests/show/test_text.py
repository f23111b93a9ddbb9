"""Numbers are written as the prose needs them."""

import pytest

from irnn.show.text import rate, seconds


def test_seconds_are_written_plainly():
    assert [seconds(v) for v in (1700, 212.8, 0.253)] == ["1,700", "213", "0.25"]


@pytest.mark.parametrize(
    ("value", "text"), [(1e-6, "10⁻⁶"), (5e-4, "5 × 10⁻⁴"), (0.01, "10⁻²"), (1, "10⁰"), (0, "0")]
)
def test_rates_are_written_scientifically(value, text):
    assert rate(value) == text
