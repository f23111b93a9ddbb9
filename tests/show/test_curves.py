"""What a page is told of a figure's curves: true values, and whose they are."""

import json
import re

import numpy as np
import pytest

from irnn.show import curves
from irnn.show.picture import Picture
from irnn.show.plots import final_accuracies, learning_curves
from irnn.show.style import legend, logarithmic, new_figure, style
from irnn.show.words import SHARED
from irnn.spec import make
from irnn.store import METRICS, Run

SITTING = {"first_epoch": 1, "backend": "jax", "device": "CPU", "date": "2015-07-12T00:00:00"}


def runs(model, seeds, epochs, seconds=60.0, **changes):
    """Return runs whose accuracy is the seed's share of ten, and a hundredth for each epoch."""
    return [
        Run(
            make(model, seed=seed, **changes),
            [SITTING],
            [
                {"epoch": n, **dict.fromkeys(METRICS, seed / 10 + n / 100), "seconds": seconds}
                for n in range(1, epochs + 1)
            ],
        )
        for seed in range(seeds)
    ]


def recorded():
    return {"irnn": runs("irnn", 2, 4), "lstm": runs("lstm", 1, 2, seconds=240.0)}


def told(picture):
    return json.loads(
        re.search(r'<script type="application/json">(.*?)</script>', picture.html())[1]
    )


def described(draw):
    """Return what is told of axes that `draw` draws on."""
    with style():
        figure = new_figure(2)
        draw(figure.add_subplot())
        figure.draw_without_rendering()
    return curves.described(figure)


def test_every_curve_has_its_values_seed_and_run():
    page = told(learning_curves(recorded(), ["irnn", "lstm"], "en", "alt"))
    first, second, mean, single = (c for c in page["curves"] if c["x"])
    ids = [run.spec.id for run in recorded()["irnn"]]
    assert [first["runs"], second["runs"], mean["runs"]] == [[ids[0]], [ids[1]], []]
    assert [page["seeds"][name] for name in ids] == [0, 1]
    assert second["x"] == [1, 2, 3, 4]
    assert second["y"] == [0.11, 0.12, 0.13, 0.14]
    assert mean["y"] == [0.06, 0.07, 0.08, 0.09]
    assert [c["mean"] for c in (first, second, mean, single)] == [False, False, True, False]
    assert single["runs"] == [recorded()["lstm"][0].spec.id]


def test_the_legend_has_an_entry_for_each_curve_and_its_seeds_share_its_label():
    page = told(learning_curves(recorded(), ["irnn", "lstm"], "ja", "alt"))
    labels = [curve["label"] for curve in page["curves"]]
    for drawing in page["drawings"]:
        entries = [entry["label"] for entry in drawing["entries"]]
        assert sorted(entries) == sorted(dict.fromkeys(labels))
    assert labels.count(labels[0]) == 3


def test_an_epoch_is_known_in_updates_and_minutes():
    page = told(learning_curves(recorded(), ["irnn", "lstm"], "en", "alt"))
    assert [unit["name"] for unit in page["units"]] == ["updates", "computation time in minutes"]
    labels = list(dict.fromkeys(curve["label"] for curve in page["curves"] if curve["x"]))
    assert page["units"][0]["of"] == dict.fromkeys(labels, 1875)
    assert page["units"][1]["of"] == dict(zip(labels, [1, 4], strict=True))


def test_times_of_two_machines_are_not_compared():
    found = recorded()
    found["lstm"][0].sittings = [SITTING | {"device": "another"}]
    page = told(learning_curves(found, ["irnn", "lstm"], "en", "alt"))
    assert [unit["name"] for unit in page["units"]] == [SHARED["en"]["updates"]]


def test_points_may_be_runs():
    page = told(final_accuracies({"rows": [recorded()["irnn"]]}, "en", "alt"))
    seeds, mean = page["curves"]
    assert seeds["runs"] == [run.spec.id for run in recorded()["irnn"]]
    assert seeds["x"] == [0.04, 0.14]
    assert mean["mean"]


def test_what_is_not_finite_is_not_told():
    def draw(axes):
        axes.plot([1, 2, 3], [0.5, np.nan, np.inf], gid="a b c")

    (curve,) = described(draw)["curves"]
    assert curve["x"] == [1]
    assert curve["runs"] == ["a"]


def test_of_a_long_line_true_values_are_told_and_the_last():
    values = np.sin(np.arange(2 * curves.MOST))
    (curve,) = described(lambda axes: axes.plot(values))["curves"]
    assert len(curve["x"]) == curves.MOST + 1
    assert curve["x"][-1] == 2 * curves.MOST - 1
    assert np.allclose(curve["y"], values[curve["x"]], rtol=1e-4)


def test_large_whole_numbers_are_told_exactly():
    (curve,) = described(lambda axes: axes.plot([1_234_567, 1_234_568], [0, 1]))["curves"]
    assert curve["x"] == [1_234_567, 1_234_568]


def test_marks_of_a_place_are_no_curves_and_levels_have_no_values():
    def draw(axes):
        axes.axvline(3)
        axes.axhline(0.1, label="chance")
        axes.legend()

    found = described(draw)
    assert [curve["x"] for curve in found["curves"]] == [[]]
    assert [entry["label"] for entry in found["entries"]] == ["chance"]


def test_the_parts_of_each_drawing_can_be_found():
    def draw(wide):
        figure = new_figure(2, wide)
        axes = figure.add_subplot()
        axes.plot([1, 2], [3, 4], label="curve")
        axes.axvline(1.5)
        axes.text(1.5, 3, "a mark")
        axes.legend()
        return figure

    picture = Picture(draw, "alt", "en")
    for wide in (True, False):
        marks = re.findall(r"<g data-([a-z-]+)=", picture.svg(wide))
        assert sorted(marks) == ["at-x", "at-x", "curve", "entry", "entry", "x-axis"]


def test_a_curve_without_points_is_in_its_drawing_and_keeps_its_entry():
    def draw(wide):
        axes = new_figure(2, wide).add_subplot()
        axes.plot([1, 2], [np.nan, np.nan], label="diverged")
        axes.plot([], [], label="in the legend alone")
        axes.plot([1, 2], [3, 4], label="curve")
        axes.legend()
        return axes.figure

    picture = Picture(draw, "alt", "en")
    drawing = told(picture)["drawings"][0]
    assert [entry["label"] for entry in drawing["entries"]] == [
        "diverged",
        "in the legend alone",
        "curve",
    ]
    assert set(re.findall(r'<g data-curve="(\d)"', picture.svg())) == {"0", "1", "2"}


@pytest.mark.parametrize("wide", [True, False])
def test_a_point_lies_in_the_svg_where_the_panel_and_its_axes_say(wide):
    picture = learning_curves(recorded(), ["lstm"], "en", "alt")
    page = told(picture)
    plot = page["drawings"][not wide]["plots"][0]
    left, top, right, bottom = plot["box"]
    x, y = plot["x"], plot["y"]
    line = re.search(r'data-curve="0"><path d="(.*?)"', picture.svg(wide))[1]
    drawn = np.array(re.findall(r"[ML] ([\d.]+) ([\d.]+)", line), float)
    curve = page["curves"][0]
    across = (np.array(curve["x"]) - x["from"]) / (x["to"] - x["from"])
    up = (np.array(curve["y"]) - y["from"]) / (y["to"] - y["from"])
    expected = [left + across * (right - left), bottom - up * (bottom - top)]
    assert np.allclose(drawn, np.transpose(expected), atol=0.1)


def test_an_axis_says_how_its_values_are_written_and_not_that_it_is_logarithmic():
    def draw(axes):
        axes.plot([1e-4, 1e-2], [1, 2])
        axes.set(xlabel="学習率（対数目盛）", ylabel="loss (mean)")
        logarithmic(axes.xaxis)

    (plot,) = described(draw)["plots"]
    assert [plot[axis]["name"] for axis in "xy"] == ["学習率", "loss (mean)"]
    assert [plot[axis]["power"] for axis in "xy"] == [True, False]


def test_a_legend_goes_along_its_rows_and_one_of_a_single_entry_is_left_out():
    def entries(names):
        with style():
            figure = new_figure(2)
            for name in names:
                figure.add_subplot().plot([1, 2], label=name)
            legend(figure, wide=True)
        return [text.get_text() for found in figure.legends for text in found.get_texts()]

    assert entries("abcde") == ["a", "c", "e", "b", "d"]  # as matplotlib fills two columns
    assert entries("a") == []


def test_what_has_no_curves_says_nothing():
    assert "<script" not in Picture(lambda wide: new_figure(1, wide), "alt", "en").html()


def test_the_lines_of_a_diagram_are_no_curves():
    def draw(axes):
        axes.plot([1, 2], [3, 4])
        axes.axis("off")

    assert described(draw)["curves"] == []


def test_a_drawing_is_compact():
    svg = learning_curves(recorded(), ["irnn"], "en", "alt").svg()
    assert not re.search(r"\n|<!--", svg)
    assert not re.search(r'<path d="[^"]*\.\d{3}', svg)
    assert "<g><text" not in svg
    assert "<style" not in svg  # it would be one of the whole page
    assert re.search(r'<g data-curve="0"><path ', svg)  # as curves.js looks for it


def test_what_is_left_out_of_a_drawing_stays_in_its_words(monkeypatch):
    word = 'font-family: a; x="1.23456"'
    monkeypatch.setitem(SHARED["en"], "epoch", word)
    assert f">{word}</text>" in learning_curves(recorded(), ["irnn"], "en", "alt").svg()
