"""Measurements are read with their types, and what is wrong with a file is said in one line."""

import csv
import math

import pytest

from irnn.errors import InputError
from irnn.measurements import Jobs, Loss, Speed, find, only, read

SPEED = (
    dict.fromkeys(("date", "machine", "keras", "backend", "backend_version"), "x")
    | dict.fromkeys(("cores", "threads", "batch_size", "units", "steps", "together"), "2")
    | {"updates": "9", "rounds": "7", "group": "steps", "network": "irnn", "loop": "native"}
    | {"way": "fit", "seconds": "1.5", "low": "1", "high": "2", "cpu_seconds": "1.5"}
    | {"cpu_low": "1", "cpu_high": "2", "ratio": "", "cpu_ratio": "", "peak_memory_gib": "0.5"}
)


@pytest.fixture
def write(tmp_path):
    def write(*rows):
        with (tmp_path / "speed.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return tmp_path

    return write


def test_values_have_types(write):
    (row,) = read(Speed, write(SPEED))
    assert (row.steps, row.seconds, row.ratio, row.network) == (2, 1.5, None, "irnn")


def test_the_files_columns_may_be_more_and_in_any_order(write):
    (row,) = read(Speed, write({"more": "1"} | dict(reversed(SPEED.items()))))
    assert row.high == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seconds": "fast"}, "line 2: seconds is 'fast'"),
        ({"seconds": "nan"}, "line 2: seconds is 'nan'"),
        ({"steps": ""}, "line 2: steps is ''"),
        ({"units": "-1"}, "line 2: units is '-1'"),
    ],
)
def test_a_damaged_value_is_named(write, change, message):
    with pytest.raises(InputError, match=message) as error:
        read(Speed, write(SPEED | change))
    assert str(error.value).endswith("; measure with: python benchmarks/speed.py")


def test_a_missing_column_is_named(write):
    with pytest.raises(InputError, match="line 2: low is missing"):
        read(Speed, write({key: text for key, text in SPEED.items() if key != "low"}))


def test_a_missing_file_names_the_command(tmp_path):
    with pytest.raises(InputError, match=r"is missing; measure with: python benchmarks/jobs\.py"):
        read(Jobs, tmp_path)


def test_an_empty_file(tmp_path):
    (tmp_path / "speed.csv").write_text(",".join(SPEED))
    with pytest.raises(InputError, match="has no measurements"):
        read(Speed, tmp_path)


def test_rows_are_found_by_their_values(write):
    rows = read(Speed, write(SPEED, SPEED | {"steps": "4"}))
    assert [row.steps for row in find(rows, network="irnn")] == [2, 4]
    assert only(rows, steps=4) is rows[1]
    with pytest.raises(InputError, match="has no measurements of steps 5"):
        only(rows, steps=5)
    with pytest.raises(InputError, match="has 2 measurements of network irnn"):
        only(rows, network="irnn")


def test_a_loss_may_be_nan_and_nothing_truncated(tmp_path):
    values = dict.fromkeys(("date", "machine", "keras", "backend", "backend_version"), "x")
    values |= dict.fromkeys(("numpy", "network", "abs_gradient", "theano_optimizer"), "x")
    values |= {"cores": "2", "steps": "100", "update": "2"}
    values |= {"truncate_gradient": "-1", "loss": "nan"}
    (tmp_path / "keras_2015.csv").write_text(",".join(values) + "\n" + ",".join(values.values()))
    (row,) = read(Loss, tmp_path)
    assert row.truncate_gradient == -1
    assert math.isnan(row.loss)


@pytest.mark.parametrize("network", ["irnn", "lstm"])
def test_784_and_no_truncation_have_the_same_losses_in_2015(network):
    whole, none = (
        [row.loss for row in find(read(Loss), network=network, steps=784, truncate_gradient=k)]
        for k in (784, -1)
    )
    assert len(whole) == 10
    assert whole == none


def test_only_an_irnn_is_nan_in_2015_and_only_when_compiled_fast():
    lost = {
        (row.network, row.abs_gradient, row.theano_optimizer, row.update)
        for row in read(Loss)
        if math.isnan(row.loss)
    }
    assert lost == {("irnn", "x/|x|", "fast_compile", update) for update in (2, 3)}
