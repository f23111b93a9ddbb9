"""The picture of a digit being read is complete before a script touches it."""

import json
import re

import numpy as np
import pytest

from irnn import forward, handwriting
from irnn.chapters.irnn_vs_lstm import NETWORKS, reading
from irnn.checkpoint import recorded_weights
from irnn.data import Data, load_images
from irnn.show.reader import WORDS, chosen, enlarged
from irnn.store import Store


@pytest.fixture
def own():
    """Digits of our own, which are no test set."""
    images, labels = handwriting.digits()
    return Data(images, labels, images[:0], labels[:0])


def embedded(page):
    """Return what the script takes from a page."""
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page)[1])


@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_says_what_the_networks_answer(own, language):
    page = reading(own, language).html("figure-reading", "A caption")
    assert page.count("<svg") == 3
    assert 'id="figure-reading"' in page
    first = own.x_train[embedded(page)["first"]].reshape(1, -1)
    for spec in NETWORKS:
        (answer,) = forward.answers(spec, recorded_weights(spec, Store()), first)
        said = WORDS[language]["says"].format(
            model=spec.model.upper(), digit=answer.argmax(), percent=f"{100 * answer.max():.0f}%"
        )
        assert said in page
        assert spec.id in page


def test_the_script_gets_the_digits_the_words_and_the_networks(own):
    page = embedded(reading(own, "ja").html())
    assert page["words"] == WORDS["ja"]
    assert [network["file"] for network in page["networks"]] == [spec.name for spec in NETWORKS]
    assert [digit["label"] for digit in page["digits"]] == list(range(10))
    assert page["first"] in [digit["id"] for digit in page["digits"]]


def test_without_a_script_the_picture_says_what_it_lacks(own):
    (said,) = re.findall("<noscript>(.*)</noscript>", reading(own, "en").html())
    assert "takes JavaScript" in said


def test_its_values_are_the_probabilities(own):
    lines = reading(own, "en").csv().splitlines()
    assert lines[0] == "image,label,network," + ",".join(f"p{digit}" for digit in range(10))
    assert len(lines) == 1 + 10 * len(NETWORKS)
    for line in lines[1:]:
        assert sum(map(float, line.split(",")[3:])) == pytest.approx(1, abs=1e-4)


def test_small_images_are_enlarged():
    images = load_images("digits").x_test[:3]
    large = enlarged(images)
    assert large.shape == (3, 28, 28)
    assert np.array_equal(large[:, 3:26:3, 3:26:3], images)
    assert enlarged(large) is large


def test_right_and_wrong_answers_are_among_the_digits_to_choose_from():
    labels = np.array([3, 3, 0, 1, 1, 2, 2])
    first = np.array([1, 1, 1, 0, 0, 0, 0], bool)
    second = np.array([1, 0, 0, 1, 0, 0, 0], bool)
    # both name a 3, the first alone a 0, the second alone a 1, neither the first 2
    assert chosen(labels, [first, second]) == [2, 3, 5, 0]


def test_every_label_has_a_digit_where_there_is_one():
    labels = np.arange(40) % 10
    right = np.ones(40, bool)
    assert chosen(labels, [right, right]) == list(range(10))
    assert chosen(labels[:4], [~right[:4], ~right[:4]]) == [0, 1, 2, 3]
