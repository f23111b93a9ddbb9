"""What decides a run, and the name that follows from it."""

import dataclasses
import json

import pytest

from irnn.errors import InputError
from irnn.spec import RunSpec, make


def test_the_id_of_a_published_run_never_changes():
    assert make("irnn").name == "mnist-irnn-3905d331534b"


def test_a_field_added_later_means_what_was_done_before():
    fields = dataclasses.fields(RunSpec)
    first = [field.name for field in fields if field.default is dataclasses.MISSING]
    assert sorted(json.loads(make("irnn").canonical())) == sorted(first)


def test_a_whole_number_and_its_float_are_one_value():
    assert make("irnn", learning_rate=1).id == make("irnn", learning_rate=1.0).id


def test_every_field_decides_the_id():
    irnn, lstm = make("irnn"), make("lstm")
    adam, adding = make("irnn", optimizer="adam"), make("irnn", dataset="adding", length=50)
    values = {"samples": 1000, "batch_size": 16, "seed": 3, "held_out": 10, "units": 50}
    values |= {"permutation": 1, "pooling": 2, "order": "columns", "crop": 2, "delay": 7}
    values |= {"relu_derivative_at_0": 0.25, "bptt_steps": 5, "learning_rate": 1e-2, "rho": 0.5}
    values |= {"epsilon": 1e-8, "momentum": 0.5, "clip_norm": 2.0, "dataset": "digits"}
    values |= {"semantics": "today", "initial_weights": "today"}
    changed = [
        *[(irnn, {name: value}) for name, value in values.items()],
        (irnn, {"model": "lstm", "relu_derivative_at_0": None}),
        (irnn, {"optimizer": "sgd", "rho": None, "epsilon": None}),
        (lstm, {"gates": "today"}),
        (adam, {"beta_1": 0.5}),
        (adam, {"beta_2": 0.5}),
        (adding, {"length": 51}),
    ]
    for spec, changes in changed:
        assert dataclasses.replace(spec, **changes).id != spec.id, changes
    names = {name for _, changes in changed for name in changes}
    assert names == {field.name for field in dataclasses.fields(RunSpec)}


def test_semantics_set_their_constants():
    then, now = make("irnn", "2015"), make("irnn", "today")
    assert (then.epsilon, then.learning_rate, then.relu_derivative_at_0) == (1e-6, 1e-6, 0.5)
    assert (now.epsilon, now.learning_rate, now.relu_derivative_at_0) == (1e-7, 1e-3, 0)
    assert make("lstm").relu_derivative_at_0 is None
    assert make("irnn", optimizer="sgd").rho is None
    adam = make("irnn", optimizer="adam", beta_1=0.8)
    assert (adam.rho, adam.beta_1, adam.beta_2, adam.epsilon) == (None, 0.8, 0.999, 1e-7)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "digit"}, "unknown dataset 'digit'; did you mean digits?"),
        ({"unit": 5}, "unknown parameter 'unit'; did you mean units?"),
        ({"optimizer": "rmsprob"}, "did you mean rmsprop?"),
        ({"pooling": 3}, "unknown pooling 3; valid: 1, 2, 4"),
        (
            {"pooling": 4, "crop": 1},
            "pooling is 4; it must divide the side of the image, 26 pixels",
        ),
        ({"crop": 14}, "crop is 14; it must be a whole number from 0 to 13"),
        ({"delay": -1}, "delay is -1; it must be a whole number from 0"),
        ({"order": "column"}, "unknown order 'column'; did you mean columns?"),
        ({"held_out": 60_000}, "held_out is 60000; it must be a whole number from 0 to 30000"),
        ({"samples": 55_000, "held_out": 10_000}, "samples is 55000; it must be a whole number"),
        ({"optimizer": "adam", "momentum": 0.9}, "momentum is RMSprop's and SGD's"),
        ({"dataset": "adding"}, "length is None; it must be a whole number from 2"),
        ({"dataset": "adding", "length": 9, "pooling": 2}, "pooling is for images, not for adding"),
        ({"samples": 5}, "samples is 5; it must be a whole number from 10 to 60000"),
        ({"samples": "abc"}, "samples is 'abc'; it must be a whole number"),
        ({"samples": 0}, "samples is 0"),
        ({"gates": "today"}, "gates is for lstm only; leave it out"),
        ({"beta_1": 0.5}, "beta_1 is for adam only; leave it out"),
        ({"optimizer": "adam", "rho": 0.5}, "rho is for rmsprop only; leave it out"),
        ({"optimizer": "sgd", "epsilon": 1e-8}, "epsilon is for rmsprop and adam only"),
        ({"length": 9}, "length is for adding; that of mnist is its pixels'"),
        ({"gates": "then"}, "unknown gates 'then'; valid: 2015, today"),
        ({"units": 0}, "units is 0; it must be a whole number from 1"),
        ({"units": 2.5}, "units is 2.5; it must be a whole number"),
        ({"batch_size": 60001}, "batch_size is 60001; it must be a whole number from 1 to 60000"),
        (
            {"batch_size": 2000, "samples": 1000},
            "batch_size is 2000, but only 1000 images are trained on; make it at most 1000",
        ),
        ({"learning_rate": -1}, "learning_rate is -1; it must be a number from"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"bptt_steps": 785}, "bptt_steps is 785; it must be a whole number from 1 to 784"),
        ({"bptt_steps": 0}, "bptt_steps is 0"),
        ({"seed": True}, "seed is True"),
        ({"clip_norm": 0}, "clip_norm is 0"),
    ],
)
def test_bad_values_are_named(changes, message):
    with pytest.raises(InputError) as error:
        make("irnn", **changes)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_spec_in_words_tells_the_runs_of_a_sweep_apart():
    assert str(make("irnn", seed=3)) == "irnn mnist 2015 rmsprop 1e-06 seed 3"
    assert str(make("lstm", "today", bptt_steps=49)) == (
        "lstm mnist today rmsprop 0.001 seed 0 (bptt_steps 49)"
    )


def test_unknown_model():
    with pytest.raises(InputError, match="unknown model 'lsmt'; did you mean lstm"):
        make("lsmt")
