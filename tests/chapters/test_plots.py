"""Figures speak the page's language, in letters that their fonts have."""

import html
import re
from pathlib import Path

import numpy as np
import pytest

from irnn.chapters import (
    irnn_vs_lstm,
    long_dependency,
    optimizer,
    reproduce,
    speed,
    ten_years_later,
    truncated_bptt,
)
from irnn.data import Data
from irnn.measurements import GPU, Jobs, Loss, Speed
from irnn.probes import read
from irnn.show.plots import learning_curves
from irnn.show.style import INK
from irnn.show.words import SHARED
from irnn.spec import make
from irnn.store import METRICS, Run

ROOT = Path(__file__).parents[2]
JAPANESE = "[ぁ-んァ-ヶ一-龠]"
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
        "lstm-tuned": runs("lstm", learning_rate=1e-4, seeds=2),
        "irnn-small": runs("irnn", learning_rate=5e-4, seeds=1, batch_size=16),
        "lstm-small": runs("lstm", learning_rate=1e-4, seeds=2, batch_size=16),
        "irnn-search": runs("irnn", seeds=1) + runs("irnn", seeds=1, learning_rate=1e-4),
        "lstm-search": runs("lstm", seeds=1),
    }


MACHINE = {"date": "2026-11-24", "machine": "CPU <2>", "cores": 2, "threads": 2}


def row(group, x, network, loop="native", way="program", backend="jax"):
    settings = {"batch": "batch_size", "loops": "rounds"}.get(group, group)
    values = {"batch_size": 32, "units": 100, "steps": 784, "together": 1, "rounds": 7}
    return Speed(
        **MACHINE | values | {settings: x},
        keras="3",
        backend=backend,
        backend_version="1.0",
        group=group,
        network=network,
        loop=loop,
        way=way,
        updates=10,
        seconds=2.0 * x,
        low=1.9 * x,
        high=2.2 * x,
        cpu_seconds=2.0 * x,
        cpu_low=1.9 * x,
        cpu_high=2.2 * x,
        ratio=0.5,
        cpu_ratio=0.5,
        peak_memory_gib=None,
    )


@pytest.fixture
def measured():
    groups = {"steps": (49, 196), "units": (50, 100), "together": (8, 1)}
    found = []
    for network in ("irnn", "lstm"):
        found += [row("loops", 7, network, loop, way, b) for b, loop, way in speed.LOOPS]
        for loop in ("stock", "native"):
            found += [row("batch", x, network, loop, "fit") for x in (16, 32)]
        found += [row(group, x, network) for group, xs in groups.items() for x in xs]
    return found


@pytest.fixture
def jobs():
    values = MACHINE | {"backend": "jax", "rounds": 7, "low": 1.0, "high": 3.0, "ratio": 1.0}
    return [
        Jobs(**values | {"network": network, "jobs": n, "threads": m, "updates_per_second": 2.0})
        for network in ("irnn", "lstm")
        for n, m in ((1, 1), (1, 2), (2, 1))
    ]


@pytest.fixture
def on_gpu():
    values = {"date": "2026-11-27T06:18:12+00:00", "device": "NVIDIA H200", "jax": "0.11.2"}
    values |= {"keras": "3.15.1", "batch_size": 32, "units": 100, "steps": 784}
    values |= {"seconds": 2.0, "low": 1.0, "high": 3.0}
    ways = [(*way, None) for way in speed.ON_GPU] + [("fused", 1, "rnn_forward 2/4/auto")]
    return [
        GPU(**values, network=network, loop=loop, runs=runs, tiling=tiling)
        for network in ("irnn", "lstm")
        for loop, runs, tiling in ways
        if (network, runs) != ("lstm", 32)
    ]


@pytest.fixture
def losses():
    values = MACHINE | {"keras": "0.2", "backend": "theano", "backend_version": "1", "numpy": "1"}
    del values["threads"]

    def loss(network, update, value, k=-1, steps=784, gradient="sign", optimizer="fast_run"):
        return Loss(
            **values,
            network=network,
            steps=steps,
            truncate_gradient=k,
            abs_gradient=gradient,
            theano_optimizer=optimizer,
            update=update,
            loss=value,
        )

    found = [loss("lstm", n, 2.0 + n, k) for k in (784, -1) for n in (1, 2)]
    found += [loss("irnn", n, 2.0 + n, 784) for n in (1, 2)]
    found += [loss("irnn", n, 2.0 + 1.5 * n) for n in (1, 2)]
    bad = {"steps": 100, "gradient": "x/|x|", "optimizer": "fast_compile"}
    return found + [loss("irnn", n, value, **bad) for n, value in ((1, 2.3), (2, np.nan))]


IMAGES = Data(np.linspace(0, 1, 64).reshape(1, 8, 8), np.array([5]), None, None)


@pytest.fixture
def pictures(recorded, measured, jobs, on_gpu, losses):
    def draw(language):
        return [
            irnn_vs_lstm.curves(recorded, language),
            irnn_vs_lstm.cells(language),
            irnn_vs_lstm.losses(recorded, language),
            irnn_vs_lstm.batches(recorded, language),
            irnn_vs_lstm.curves_by_time(recorded, language),
            irnn_vs_lstm.times(recorded, language),
            irnn_vs_lstm.search(recorded, language),
            irnn_vs_lstm.digit(IMAGES, language),
            reproduce.curves(recorded, language),
            speed.loops(measured, language),
            speed.gpu(on_gpu, language),
            speed.batch_sizes(measured, language),
            speed.growth(measured, language),
            speed.throughput(jobs, language),
            truncated_bptt.puzzle(losses, language),
        ]

    return draw


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_picture_is_drawn_in_the_pages_colours(language, pictures):
    for picture in pictures(language):
        page = picture._repr_html_()
        assert page.count("<svg") == 2
        assert f'role="img" aria-label="{html.escape(picture.alt)}"' in page
        assert "currentColor" in page
        assert INK not in page


def test_axes_and_legend_speak_the_language(pictures):
    def words(picture):
        found = []
        for axes in picture.figure.axes:
            found += [axes.get_xlabel(), axes.get_ylabel()]
            found += [label.get_text() for label in axes.get_yticklabels()]
            found += [text.get_text() for text in axes.texts]
            legend = axes.get_legend()
            found += [text.get_text() for text in legend.get_texts()] if legend else []
        return " ".join(found)

    for english, japanese in zip(pictures("en"), pictures("ja"), strict=True):
        assert not re.search(JAPANESE, words(english))
        assert re.search(JAPANESE, words(japanese))


@pytest.mark.parametrize("wide", [True, False])
def test_words_are_text_in_the_font_of_the_page(recorded, wide):
    svg = irnn_vs_lstm.search(recorded, "ja").svg(wide)
    words = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert {"学習率（対数目盛）", "10⁻⁵", "IRNN"} <= set(words)
    assert "font-family" not in svg


def test_a_letter_that_the_fonts_lack_is_an_error(recorded, monkeypatch):
    monkeypatch.setitem(SHARED["en"], "epoch", "𓀀")
    picture = learning_curves(recorded, ["irnn"], "en", "alt")
    with pytest.raises(UserWarning, match="missing"):
        picture.svg()


def test_the_runs_behind_a_figure_are_named(recorded):
    page = learning_curves(recorded, ["irnn"], "en", "alt")._repr_html_()
    for run in recorded["irnn"]:
        assert run.spec.id in page
    assert "CPU &lt;1&gt;" in page


def test_the_measurements_behind_a_figure_are_named_once(measured):
    page = speed.loops(measured, "en")._repr_html_()
    assert page.count("<li>") == 2
    assert "2026-11-24, CPU &lt;2&gt;, 2 cores, TensorFlow 1.0" in page


def test_a_curve_of_measurements_is_in_the_order_of_its_axis(measured):
    axes = speed.growth(measured, "en").figure.axes[2]
    for line in axes.get_lines():
        assert list(line.get_xdata()) == [1, 8]
        assert list(line.get_ydata()) == [2, 16]


def test_the_legend_hides_a_network_with_all_of_its_seeds():
    (axes,) = optimizer.weights(read("weights"), "en").figure.axes
    lines = [line.get_label() for line in axes.get_lines()]
    assert lines.count("IRNN") == lines.count("LSTM") == (len(lines) - 1) / 2
    shown = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert shown == ["IRNN", "LSTM", "root of RMSprop's ε"]


def test_what_the_post_reports_is_drawn(measured):
    irnn, lstm = speed.loops(measured, "en").figure.axes
    assert irnn.get_lines()[0].get_xdata()[0] == 440
    assert lstm.get_lines()[0].get_xdata()[0] == 1700


def test_the_numbers_of_the_puzzle_are_those_of_its_losses(losses):
    numbers = truncated_bptt.puzzle_numbers(losses)
    assert numbers["puzzle_irnn_off"] == "1"
    assert numbers["puzzle_lstm_off"] == "0"
    assert numbers["puzzle_updates"] == numbers["puzzle_nan"] == 2


def test_a_curve_shows_every_seed_and_their_mean(recorded):
    axes = learning_curves(recorded, ["irnn"], "en", "alt").figure.axes[0]
    lines = [line.get_ydata() for line in axes.get_lines() if len(line.get_xdata()) == 4]
    assert len(lines) == 4
    assert np.allclose(lines[-1], [0.1, 0.2, 0.3, 0.4])


def test_computation_time_is_epochs_times_their_median(recorded):
    axes = learning_curves(recorded, ["irnn"], "en", "alt", x="minutes").figure.axes[0]
    assert np.allclose(axes.get_lines()[0].get_xdata(), np.arange(1, 5) * 0.25 / 60)


def test_beside_epochs_stands_an_axis_of_updates(recorded):
    axes = learning_curves(recorded, ["irnn"], "en", "alt").figure.axes[0]
    (top,) = axes.child_axes
    top.figure.draw_without_rendering()
    assert top.get_xlabel() == "updates"
    assert np.allclose(top.get_xlim(), 1875 * np.array(axes.get_xlim()))


def test_training_loss_is_drawn_as_accuracy_is(recorded):
    for run in recorded["irnn"]:
        run.epochs = [epoch | {"loss": 2 - epoch["epoch"] / 4} for epoch in run.epochs]
    picture = irnn_vs_lstm.losses(recorded, "en")
    assert np.allclose(picture.figure.axes[0].get_lines()[0].get_ydata(), [1.75, 1.5])
    assert "IRNN, learning rate 10⁻⁶ (3 seeds): from 1.75 after the first epoch" in picture.alt
    assert picture.csv().splitlines()[0] == "run,network,learning_rate,seed,epoch,loss"


def test_batches_of_two_sizes_are_compared_by_updates(recorded):
    picture = irnn_vs_lstm.batches(recorded, "en")
    drawn = {line.get_label(): line.get_xdata() for line in picture.figure.axes[0].get_lines()}
    assert list(drawn["IRNN, batch size 32"]) == [1875, 3750, 5625, 7500]  # as far as recorded
    assert list(drawn["IRNN, batch size 16"]) == [3750, 7500]
    numbers = irnn_vs_lstm.numbers(recorded, "en")
    assert (numbers["small_updates"], numbers["small_epochs"]) == ("7,500", 2)
    assert numbers["irnn_small"] == numbers["irnn_same_epochs"]


def test_networks_are_compared_at_the_last_epoch_that_both_have(recorded):
    numbers = irnn_vs_lstm.numbers(recorded, "en")
    assert (numbers["irnn_epochs"], numbers["lstm_epochs"]) == (4, 2)
    assert numbers["both_epochs"] == 2
    assert numbers["both_updates"] == "3,750"
    assert numbers["irnn_then"] == numbers["lstm_then"] == "20.0% (20.0–20.0%)"
    for plot in (irnn_vs_lstm.curves, irnn_vs_lstm.losses):
        drawn = [line.get_xdata() for line in plot(recorded, "en").figure.axes[0].get_lines()]
        assert [list(x) for x in drawn[:8]] == [[1, 2]] * 8  # three seeds and their mean, twice


def test_by_the_clock_an_irnn_is_drawn_as_long_as_its_lstm_takes(recorded):
    for run in recorded["irnn"]:  # what is cut off counts for the time of an epoch
        for epoch, seconds in zip(run.epochs, (9, 1, 1, 1), strict=True):
            epoch["seconds"] = seconds
    for run in recorded["lstm"] + recorded["lstm-tuned"]:
        run.epochs = [epoch | {"seconds": 1.5} for epoch in run.epochs]
    axes = irnn_vs_lstm.curves_by_time(recorded, "en").figure.axes[0]
    drawn = {line.get_label(): line.get_xdata() for line in axes.get_lines()}
    irnn, lstm = (drawn[f"{name}, learning rate 10⁻⁶ (3 seeds)"] for name in ("IRNN", "LSTM"))
    assert np.allclose(60 * irnn, [1, 2, 3])
    assert np.allclose(60 * lstm, [1.5, 3])


def test_a_long_curve_has_a_marker_at_its_end_and_not_at_every_epoch(recorded):
    recorded["irnn"] = runs("irnn", epochs=95)
    picture = irnn_vs_lstm.further(recorded, "en")
    (line,) = (
        x
        for x in picture.figure.axes[0].get_lines()
        if x.get_label()[:12] == "IRNN, learni" and len(x.get_xdata()) == 95
    )
    marked = line.get_xdata()[slice(line.get_markevery()[0], None, line.get_markevery()[1])]
    assert 15 <= len(marked) <= 30
    assert marked[-1] == 95


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_others_report_is_marked_on_mnist_only(recorded, language):
    def levels(runs):
        picture = irnn_vs_lstm.further(runs, language)
        axes = picture.figure.axes[0]
        (legend,) = picture.figure.legends
        words = " ".join([picture.alt, *(text.get_text() for text in legend.get_texts())])
        return words, {line.get_ydata()[0] for line in axes.get_lines()}

    words, drawn = levels(recorded)
    assert {0.93, 0.97} <= drawn
    assert words.count("93%") == words.count("97.0%") == 2
    digits = {name: runs(name[:4], dataset="digits", seeds=1) for name in irnn_vs_lstm.CURVES}
    words, drawn = levels(digits)
    assert not {0.93, 0.97} & drawn
    assert "93%" not in words


def test_two_curves_of_a_network_have_one_time(recorded):
    curves = ["irnn", "irnn-tuned"]
    for run in recorded["irnn-tuned"]:
        run.epochs = [epoch | {"seconds": 100} for epoch in run.epochs]
    axes = learning_curves(recorded, curves, "en", "alt", x="minutes").figure.axes[0]
    lines = [line.get_xdata() for line in axes.get_lines() if len(line.get_xdata()) == 4]
    assert len(lines) == 5
    assert all(list(line) == list(lines[0]) for line in lines)


def test_alternative_texts_and_captions_are_in_both_languages():
    for chapter in (
        irnn_vs_lstm,
        optimizer,
        truncated_bptt,
        long_dependency,
        ten_years_later,
        reproduce,
        speed,
    ):
        assert chapter.ALT.keys() == chapter.CAPTIONS.keys()
        for texts in [*chapter.ALT.values(), *chapter.CAPTIONS.values()]:
            assert not re.search(JAPANESE, texts["en"])
            assert re.search(JAPANESE, texts["ja"])
