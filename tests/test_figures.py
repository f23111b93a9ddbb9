"""Figures speak the page's language, in letters that their fonts have."""

import re

import numpy as np
import pytest

from irnn import figures
from irnn.spec import make
from irnn.store import METRICS, Run

SITTING = {"first_epoch": 1, "backend": "jax", "device": "CPU <1>", "date": "2015-07-12T00:00:00"}


def runs(model, seeds=3, epochs=4, **changes):
    lines = [{"epoch": n} | dict.fromkeys(METRICS, n / 10) for n in range(1, epochs + 1)]
    specs = [make(model, seed=seed, **changes) for seed in range(seeds)]
    return [Run(spec, [SITTING], lines) for spec in specs]


@pytest.fixture
def recorded():
    return {
        "irnn": runs("irnn"),
        "lstm": runs("lstm", epochs=2),
        "irnn-tuned": runs("irnn", learning_rate=5e-4, seeds=1),
        "irnn-search": runs("irnn", seeds=1) + runs("irnn", seeds=1, learning_rate=1e-4),
        "lstm-search": runs("lstm", seeds=1),
    }


@pytest.fixture
def pictures(recorded):
    def draw(language):
        curves = ["irnn", "lstm", "irnn-tuned"]
        image = np.linspace(0, 1, 64).reshape(8, 8)
        return [
            figures.learning_curves(recorded, curves, language, "alt"),
            figures.learning_curves(recorded, curves, language, "alt", by_time=True),
            figures.epoch_times(recorded, language, "alt"),
            figures.search(recorded, language, "alt"),
            figures.digit(image, 5, language, "alt"),
        ]

    return draw


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_picture_is_drawn_in_the_pages_colours(language, pictures):
    for picture in pictures(language):
        page = picture._repr_html_()
        assert page.count("<svg") == 1
        assert 'role="img" aria-label="alt"' in page
        assert "currentColor" in page
        assert figures.INK not in page


def test_axes_and_legend_speak_the_language(pictures):
    def words(picture):
        found = []
        for axes in picture.figure.axes:
            found += [axes.get_xlabel(), axes.get_ylabel()]
            legend = axes.get_legend()
            found += [text.get_text() for text in legend.get_texts()] if legend else []
        return " ".join(found)

    for english, japanese in zip(pictures("en"), pictures("ja"), strict=True):
        assert not re.search("[ぁ-んァ-ヶ一-龠]", words(english))
        assert re.search("[ぁ-んァ-ヶ一-龠]", words(japanese))


def test_both_languages_have_the_same_labels():
    english, japanese = figures.TEXT["en"], figures.TEXT["ja"]
    assert english.keys() == japanese.keys()
    for key in english:
        fields = [sorted(re.findall(r"{\w+}", text[key])) for text in (english, japanese)]
        assert fields[0] == fields[1], key


def test_a_letter_that_the_fonts_lack_is_an_error(recorded, monkeypatch):
    monkeypatch.setitem(figures.TEXT["en"], "epoch", "𓀀")
    picture = figures.learning_curves(recorded, ["irnn"], "en", "alt")
    with pytest.raises(UserWarning, match="missing"):
        picture.svg()


def test_the_runs_behind_a_figure_are_named(recorded):
    page = figures.learning_curves(recorded, ["irnn"], "en", "alt")._repr_html_()
    for run in recorded["irnn"]:
        assert run.spec.id in page
    assert "CPU &lt;1&gt;" in page


def test_a_curve_shows_every_seed_and_their_mean(recorded):
    axes = figures.learning_curves(recorded, ["irnn"], "en", "alt").figure.axes[0]
    lines = [line.get_ydata() for line in axes.get_lines() if len(line.get_xdata()) == 4]
    assert len(lines) == 4
    assert np.allclose(lines[-1], [0.1, 0.2, 0.3, 0.4])


def test_computation_time_is_epochs_times_their_median(recorded):
    assert figures.seconds_per_epoch(recorded["irnn"]) == pytest.approx(0.25)
    axes = figures.learning_curves(recorded, ["irnn"], "en", "alt", by_time=True).figure.axes[0]
    assert np.allclose(axes.get_lines()[0].get_xdata(), np.arange(1, 5) * 0.25 / 60)


def test_seconds_are_written_plainly():
    assert [figures.seconds(v) for v in (1700, 212.8, 0.253)] == ["1,700", "213", "0.25"]


@pytest.mark.parametrize(
    ("value", "text"), [(1e-6, "10⁻⁶"), (5e-4, "5 × 10⁻⁴"), (0.01, "10⁻²"), (1, "10⁰")]
)
def test_rates_are_written_scientifically(value, text):
    assert figures.rate(value) == text
