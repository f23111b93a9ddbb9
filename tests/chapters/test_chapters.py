"""The published runs are there, and are those that the chapters say."""

import pytest

from irnn import chapters
from irnn.__main__ import main
from irnn.chapters import index, irnn_vs_lstm
from irnn.errors import InputError
from irnn.languages import LANGUAGES
from irnn.store import Store, read
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


@pytest.mark.parametrize("model", ["irnn", "lstm"])
def test_tuned_rates_won_the_recorded_search(model, published):
    runs = [Store().read(spec) for spec in published[f"{model}-search"].specs]
    best = min(runs, key=lambda run: run["loss"][0])
    assert best.spec.learning_rate == irnn_vs_lstm.TUNED[model]
    rates = sorted(run.spec.learning_rate for run in runs)
    assert rates[0] < irnn_vs_lstm.TUNED[model] < rates[-1]


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
    ],
)
def test_bad_values_are_named(values, message):
    for chapter in chapters.experiments().values():
        if "learning_rate" in values and "learning_rate" not in chapter.PARAMETERS:
            continue
        with pytest.raises(InputError) as error:
            chapters.experiment(chapter, **values)
        assert message in str(error.value)


def test_parts_whose_runs_are_to_come_are_asked_for_on_the_command_line(capsys, tmp_path):
    options = ["train", "truncated-bptt", "--dry-run", "--runs-dir", str(tmp_path), "--long"]
    assert main([*options, "True"]) == 0
    assert "lstm mnist 2015 rmsprop 0.0001 seed 2 (bptt_steps 28)" in capsys.readouterr().out
    assert main([*options, "yes"]) == 2
    assert "unknown value of long 'yes'; valid: True, False" in capsys.readouterr().err


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", ["reproduced", "in part", "not reproduced"])
def test_the_first_page_answers_as_the_rule_judges(monkeypatch, language, verdict):
    values = dict.fromkeys(["lstm_epochs", "irnn_then", "lstm", "lstm_tuned_epochs"], "12")
    values |= dict.fromkeys(["irnn_tuned_then", "lstm_tuned"], "34%")
    monkeypatch.setattr(irnn_vs_lstm, "numbers", lambda runs, language: values)
    monkeypatch.setattr(irnn_vs_lstm, "irnn_is_ahead", lambda runs, irnn, lstm: verdict)
    found = index.numbers({}, language)
    assert found["answer"] == index.ANSWERS[language][verdict]
    assert found["finding"].count("34%") == 2
