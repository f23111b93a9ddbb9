"""The published runs are there, and are those that the chapters say."""

from dataclasses import replace

import pytest

from irnn import chapters
from irnn.__main__ import main
from irnn.chapters import index, irnn_vs_lstm, ten_years_later
from irnn.errors import InputError
from irnn.languages import LANGUAGES
from irnn.spec import make
from irnn.store import METRICS, Run, Store, read
from irnn.training.plan import planned


@pytest.fixture(scope="module")
def published():
    return chapters.experiment(irnn_vs_lstm)


def test_every_published_run_is_recorded(published):
    Store().require(planned(published), "python -m irnn train irnn-vs-lstm")


def test_the_main_experiment_is_large_enough(published):
    assert published["irnn"].epochs >= 20
    assert published["lstm"].epochs >= 5
    assert published["irnn-tuned"].epochs >= 5
    assert published["lstm-tuned"].epochs >= 5
    for name in ("irnn", "lstm", "irnn-tuned", "lstm-tuned"):
        assert [spec.seed for spec in published[name].specs] == [0, 1, 2, 3, 4]
        assert {spec.semantics for spec in published[name].specs} == {"2015"}
        assert {spec.steps for spec in published[name].specs} == {784}


def test_the_ids_of_recorded_runs_stay():
    """A file is named after its spec, so that a spec which changes its id loses its runs."""
    paths = sorted(Store().root.glob("*.jsonl"))
    assert len(paths) >= 25
    assert [read(path).spec.name for path in paths] == [path.stem for path in paths]


@pytest.mark.parametrize("name", sorted(chapters.experiments()))
def test_an_epoch_is_enough_for_the_numbers_of_the_prose(name):
    chapter = chapters.experiments()[name]
    sitting, metrics = {"backend": "jax", "device": "CPU"}, dict.fromkeys(METRICS, 0.5)
    runs = {
        curve: [Run(spec, [sitting], [{"epoch": 1} | metrics]) for spec in found.specs]
        for curve, found in chapters.experiment(chapter, epochs=1).items()
    }
    for language in LANGUAGES:
        numbers = chapter.numbers(runs, language)
        assert {type(value) for value in numbers.values()} <= {str, int}  # as a page shows them


@pytest.mark.parametrize("model", ["irnn", "lstm"])
def test_tuned_rates_won_the_recorded_search(model, published):
    runs = [Store().read(spec) for spec in published[f"{model}-search"].specs]
    best = min(runs, key=lambda run: run["loss"][0])
    assert best.spec.learning_rate == irnn_vs_lstm.TUNED[model]
    rates = sorted(run.spec.learning_rate for run in runs)
    assert rates[0] < irnn_vs_lstm.TUNED[model] < rates[-1]


@pytest.mark.parametrize("name", ten_years_later.SEARCHES)
@pytest.mark.parametrize("model", ["irnn", "lstm"])
def test_settings_of_the_fair_comparisons_won_their_recorded_search(model, name):
    search = chapters.experiment(ten_years_later)[f"{model}-{name}-search"]
    best = ten_years_later.best([Store().read(spec) for spec in search.specs]).spec
    assert (best.learning_rate, best.clip_norm) == ten_years_later.SEARCHES[name].chosen[model]


def test_final_weights_are_kept_and_small(published):
    for name in ("irnn", "lstm", "irnn-tuned", "lstm-tuned"):
        for spec in published[name].specs:
            assert Store().weights_path(spec).stat().st_size <= 200_000


def test_every_published_run_says_what_trained_it(published):
    for spec in planned(published):
        for sitting in Store().read(spec).sittings:
            assert {"backend", "backend_version", "device", "commit", "date"} <= sitting.keys()


def test_a_run_that_two_curves_share_is_planned_once(published):
    plan = planned(published)
    shared = published["irnn-tuned"].specs[0]
    assert shared in published["irnn-search"].specs
    assert plan[shared] == published["irnn-tuned"].epochs


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "epochs is 0; it must be a whole number from 1"),
        ({"epochs": "ten"}, "epochs is 'ten'"),
        ({"seeds": 0}, "seeds is 0"),
        ({"dataset": "mnits"}, "did you mean mnist"),
        ({"epoch": 3}, "unknown parameter 'epoch'; did you mean epochs?"),
        ({"learning_rate": 100}, "learning_rate is 100; it must be a number from"),
        ({"irnn_rate": -1}, "irnn_rate is -1; it must be a number from"),
        ({"lstm_rate": None}, "lstm_rate is None; it must be a number from"),
        ({"pooling": 0}, "pooling is 0; it must be a whole number from 1 to 4"),
        ({"pooling": None}, "pooling is None; it must be a whole number from 1 to 4"),
        ({"pooling": 3}, "unknown pooling 3; valid: 1, 2, 4"),
        (
            {"sequences": 10},
            "batch_size is 32, but only 10 sequences are trained on; make it at most 10",
        ),
    ],
)
def test_bad_values_are_named(values, message):
    having = [c for c in chapters.experiments().values() if c.PARAMETERS.keys() >= values.keys()]
    for chapter in having or chapters.experiments().values():  # an unknown one: all lack it
        with pytest.raises(InputError) as error:
            chapters.experiment(chapter, **values)
        assert message in str(error.value)


KNOBS = {
    "optimizer": "sgd",
    "momentum": 0.9,
    "clip_norm": 1.0,
    "semantics": "today",
    "bptt_steps": 28,
}


def test_the_main_experiment_without_knobs_is_what_was_published(published):
    assert published["irnn"].specs[0].id == "3905d331534b"
    assert published["lstm-tuned"].specs[4] == make("lstm", "2015", learning_rate=1e-4, seed=4)


def test_the_posts_knobs_turn_every_run_of_the_main_experiment(published):
    turned = chapters.experiment(irnn_vs_lstm, **KNOBS)
    for name, curve in turned.items():
        for spec, before in zip(curve.specs, published[name].specs, strict=True):
            assert {key: getattr(spec, key) for key in KNOBS} == KNOBS
            assert (spec.learning_rate, spec.seed) == (before.learning_rate, before.seed)
    assert chapters.experiment(irnn_vs_lstm, semantics=2015) == published  # as papermill reads it


def test_the_posts_knobs_on_the_command_line(capsys, tmp_path):
    options = ["train", "irnn-vs-lstm", "--dry-run", "--runs-dir", str(tmp_path), "--seeds", "1"]
    turned = [word for k, v in KNOBS.items() for word in (f"--{k.replace('_', '-')}", str(v))]
    assert main([*options, *turned]) == 0
    said = capsys.readouterr().out
    assert "irnn mnist today sgd 1e-06 seed 0 (momentum 0.9, clip_norm 1, bptt_steps 28)" in said


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"optimizer": "sdg"}, "unknown optimizer 'sdg'; did you mean sgd?"),
        ({"momentum": 1}, "momentum is 1; it must be a number from 0 to 0.9999"),
        ({"momentum": 0.9, "optimizer": "adam"}, "momentum is RMSprop's and SGD's; Adam has"),
        ({"clip_norm": 0}, "clip_norm is 0; it must be a number from 1e-12"),
        ({"semantics": 2016}, "unknown semantics '2016'; did you mean 2015?"),
        ({"bptt_steps": -1}, "bptt_steps is -1; it must be a whole number from 1 to 784"),
        ({"bptt_steps": 784, "dataset": "digits"}, "bptt_steps is 784; it must be a whole"),
        ({"small_batches": "yes"}, "unknown value of small_batches 'yes'; valid: True, False"),
    ],
)
def test_bad_knobs_are_named(values, message):
    with pytest.raises(InputError) as error:
        chapters.experiment(irnn_vs_lstm, **values)
    assert message in str(error.value)


def test_small_batches_differ_in_nothing_else(published):
    found = chapters.experiment(irnn_vs_lstm, small_batches=True)
    for model in ("irnn", "lstm"):
        small = found[f"{model}-small"].specs
        assert [replace(spec, batch_size=32) for spec in small] == [
            *published[f"{model}-tuned"].specs
        ]
        assert {spec.batch_size for spec in small} == {16}


def test_parts_whose_runs_are_to_come_are_asked_for_on_the_command_line(capsys, tmp_path):
    options = ["train", "optimizer", "--dry-run", "--runs-dir", str(tmp_path), "--paper"]
    assert main([*options, "True"]) == 0
    assert "lstm mnist 2015 sgd 0.01 seed 2 (clip_norm 1, batch_size 16)" in capsys.readouterr().out
    assert main([*options, "yes"]) == 2
    assert "unknown value of paper 'yes'; valid: True, False" in capsys.readouterr().err


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", ["reproduced", "undecided", "not reproduced"])
def test_the_first_page_answers_as_the_rule_judges(monkeypatch, language, verdict):
    values = dict.fromkeys(["lstm_epochs", "irnn_then", "lstm", "lstm_tuned_epochs"], "12")
    values |= dict.fromkeys(["irnn_tuned_then", "lstm_tuned"], "34%")
    monkeypatch.setattr(irnn_vs_lstm, "numbers", lambda runs, language: values)
    monkeypatch.setattr(irnn_vs_lstm, "irnn_is_ahead", lambda runs, irnn, lstm: verdict)
    found = index.numbers({}, language)
    assert found["answer"] == index.ANSWERS[language][verdict]
    assert found["finding"].count("34%") == 2
