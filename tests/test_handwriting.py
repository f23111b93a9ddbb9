"""Digits of our own have the format of MNIST's."""

import numpy as np

from irnn.handwriting import digits


def test_a_digit_of_each_class_in_grey_values_from_blank_to_black():
    images, labels = digits()
    assert labels.tolist() == list(range(10))
    assert (images.shape, images.dtype) == ((10, 28, 28), np.float32)
    assert np.array_equal(images, (np.round(255 * images) / 255).astype("float32"))
    for image in images:
        assert (image.min(), image.max()) == (0, 1)
        assert len(np.unique(image)) > 10, "the edges of a stroke are grey"


def test_a_digit_is_as_large_and_as_inky_as_mnists_and_has_a_blank_border():
    images, _ = digits()
    for image in images:
        rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
        assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 21
        assert min(rows[0], 27 - rows[-1], columns[0], 27 - columns[-1]) >= 1
    assert 0.08 < images.mean() < 0.16  # MNIST's: 0.13


def test_a_digit_stands_on_its_centre_of_mass():
    y, x = np.indices((28, 28))
    for image in digits()[0]:
        centre = [(axis * image).sum() / image.sum() for axis in (x, y)]
        assert np.allclose(centre, 13.5, atol=0.1)
