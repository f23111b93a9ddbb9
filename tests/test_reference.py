"""The port follows the original software of July 2015, update by update."""

import numpy as np
import pytest

from irnn.spec import make

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def digits(mnist):
    """The 40 batches of 32 that the reference was trained on."""
    from irnn import data

    images = data.load_images("mnist", mnist)
    x = data.sequences(images.x_train[:1280], make("irnn"))
    return np.split(x, 40), np.split(images.y_train[:1280], 40)


def recorded_weights(name, reference, when="initial"):
    """Return the reference's weights in this package's order."""
    gates = [""] if name == "irnn" else ["_i", "_f", "_c", "_o"]
    recurrent = [
        np.concatenate([reference[f"{when}_{kind}{gate}"] for gate in gates], axis=-1)
        for kind in ("kernel", "recurrent", "bias")
    ]
    return [*recurrent, reference[f"{when}_dense_kernel"], reference[f"{when}_dense_bias"]]


def forty_updates(name, digits, keras_2015, **changes):
    """Train as the reference was; return the errors of the losses and of each weight.

    A weight's error is relative to how far the reference moved it.
    """
    from irnn import models

    reference = np.load(keras_2015 / f"keras-2015-{name}.npz")

    rate = float(reference["learning_rate"])
    model = models.build(make(name, "2015", learning_rate=rate, **changes))
    start, end = (recorded_weights(name, reference, when) for when in ("initial", "final"))
    model.set_weights(start)
    losses = [
        model.train_on_batch(x, y, return_dict=True)["loss"] for x, y in zip(*digits, strict=True)
    ]

    moved = zip(model.get_weights(), start, end, strict=True)
    return np.abs(np.array(losses) - reference["losses"]), [
        np.linalg.norm(ours - end) / max(np.linalg.norm(end - start), 1e-30)
        for ours, start, end in moved
    ]


@pytest.mark.parametrize("name", ["irnn", "lstm"])
def test_forty_updates_of_the_original_software(name, digits, keras_2015):
    losses, weights = forty_updates(name, digits, keras_2015)
    assert losses.max() < 1e-5
    assert max(weights) < 0.01


def test_todays_relu_does_not_follow_the_original_software(digits, keras_2015):
    losses, weights = forty_updates("irnn", digits, keras_2015, relu_derivative_at_0=0.0)
    assert losses.max() > 1e-4
    assert max(weights) > 0.5
