"""The published runs are there, and are those that the chapters say."""

from dataclasses import replace

import pytest

from irnn import chapters
from irnn.__main__ import main
from irnn.chapters import (
    index,
    irnn_vs_lstm,
    long_dependency,
    optimizer,
    ten_years_later,
    truncated_bptt,
)
from irnn.errors import InputError
from irnn.evidence import Recorded, difference
from irnn.languages import LANGUAGES
from irnn.show.text import rate
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


def recorded(chapter, epochs=2, **values):
    """Runs of a chapter by curve, where no two curves reach the same: ten points rise an epoch."""
    found = {}
    for number, (name, curve) in enumerate(chapters.experiment(chapter, **values).items()):
        lines = [
            {"epoch": n} | dict.fromkeys(METRICS, 0.5) | {"val_accuracy": number / 1000 + n / 10}
            for n in range(1, epochs + 1)
        ]
        sitting = {"backend": "jax", "device": "CPU"}
        found[name] = [Run(spec, [sitting], [*lines]) for spec in curve.specs]
    return found


def accuracy(runs, epoch=-1):
    return f"{100 * runs[0]['val_accuracy'][epoch]:.1f}%"


def is_accuracy(text, runs, epoch=-1):
    """Whether a text says that of runs which all reach the same, with or without its extent."""
    return text.split(" ")[0] == accuracy(runs, epoch)


def test_numbers_of_the_main_experiment_are_those_of_their_curves():
    runs = recorded(irnn_vs_lstm)
    runs["lstm"] = [run.until(1) for run in runs["lstm"]]
    for epoch, reached in enumerate((0.9, 0.5)):  # the tuned LSTM has its peak before its end
        for run in runs["lstm-tuned"]:
            run.epochs[epoch] = run.epochs[epoch] | {"val_accuracy": reached}
    found = irnn_vs_lstm.numbers(runs, "en")
    assert (found["rate"], found["irnn_rate"], found["lstm_rate"]) == ("10⁻⁶", "10⁻⁵", "10⁻⁴")
    assert (found["irnn_factor"], found["lstm_factor"]) == ("10", "100")
    assert (found["irnn_epochs"], found["lstm_epochs"], found["both_epochs"]) == (2, 1, 1)
    assert (found["both_tuned_epochs"], found["lstm_tuned_peak_epochs"]) == (2, 1)
    assert (found["irnn_updates"], found["both_updates"]) == ("3,750", "1,875")
    assert found["example_updates"] == "1,687,500"
    for name, curve, epoch in (
        ("irnn", "irnn", 1),
        ("irnn_then", "irnn", 0),
        ("lstm_then", "lstm", 0),
        ("irnn_tuned_then", "irnn-tuned", 1),
        ("lstm_tuned_then", "lstm-tuned", 1),
        ("lstm_tuned_peak", "lstm-tuned", 0),
        ("irnn_tuned_peak", "irnn-tuned", 0),
    ):
        assert is_accuracy(found[name], runs[curve], epoch), name


def test_numbers_of_truncation_are_those_of_their_curves():
    runs = recorded(truncated_bptt, seeds=2)
    for run in runs["lstm-long-112"][:1]:
        run.epochs[-1] = run.epochs[-1] | {"val_accuracy": 0.15}
    for run in runs["lstm-longer-300"]:
        run.epochs[0] = run.epochs[0] | {"val_accuracy": 0.01}
    found = truncated_bptt.numbers(runs, "en")
    for model in truncated_bptt.MODELS:
        for order in truncated_bptt.ORDERS:
            for share in truncated_bptt.SHARES:
                name = f"{model}_{order}_{share}"
                assert is_accuracy(found[name], runs[f"{model}-{order}-{share}"]), name
    assert (found["k_quarter"], found["k_all"], found["long_steps"]) == (49, 196, 784)
    assert is_accuracy(found["irnn_later_quarter"], runs["irnn-later-quarter"])
    assert is_accuracy(found["irnn_longer_28"], runs["irnn-longer-28"])
    assert (found["lstm_long_112_lost"], found["lstm_long_300_lost"]) == (1, 0)
    assert found["lstm_longer_gained"] == 1  # epochs with a higher mean
    assert is_accuracy(found["lstm_trinh_300"], runs["lstm-trinh-300"])


def test_enough_is_the_shortest_gradient_within_five_points():
    runs = recorded(truncated_bptt, seeds=2)
    for share, reached in {"rows": 0.74, "quarter": 0.76, "trinh": 0.7, "all": 0.8}.items():
        for run in runs[f"irnn-rows-{share}"]:
            run.epochs[-1] = run.epochs[-1] | {"val_accuracy": reached}
    assert truncated_bptt.enough(runs, "irnn", "rows") == 49


def test_numbers_of_orders_and_of_the_control_are_those_of_their_curves():
    runs = recorded(long_dependency, seeds=2)
    for n, run in enumerate(runs["irnn-adding-200"]):
        run.epochs[-1] = run.epochs[-1] | {"val_loss": 0.01 + 0.2 * n}
    found = long_dependency.numbers(runs, "en")
    for model in long_dependency.MODELS:
        for order in long_dependency.ORDERS:
            assert is_accuracy(found[f"{model}_{order}"], runs[f"{model}-{order}"])
        for n, delay in enumerate((0, 49, 98, 196)):
            assert found[f"delay{n}"] == delay
            for reach in ("quarter", "all"):
                curve = runs[f"{model}-delay-{delay}-{reach}"]
                assert is_accuracy(found[f"{model}_delay{n}_{reach}"], curve)
    assert found["cropped_steps"] == 100
    assert (found["irnn_adding_200"], found["irnn_adding_200_learned"]) == ("0.11", 1)
    assert (found["irnn_adding_100"], found["irnn_adding_100_learned"]) == ("0.5", 0)
    assert found["irnn_adding_longest"] == "–"
    for run in runs["irnn-adding-100"] + runs["irnn-adding-200"] + runs["lstm-adding-400"]:
        run.epochs[-1] = run.epochs[-1] | {"val_loss": 0.01}
    assert long_dependency.numbers(runs, "en")["irnn_adding_longest"] == 200


def test_numbers_of_the_optimizers_are_those_of_the_best_settings():
    runs = recorded(optimizer, seeds=2, paper=False)
    for curve in runs.values():
        for run in curve:
            run.epochs[-1] = run.epochs[-1] | {"val_accuracy": 0.1}

    def reach(curve, rate, reached, **changes):
        for run in runs[curve]:
            if run.spec.learning_rate == rate:
                run.epochs[-1] = run.epochs[-1] | {"val_accuracy": reached} | changes

    reach("irnn-rmsprop", 1e-4, 0.7)
    reach("irnn-rmsprop", 1e-6, 0.6)
    reach("irnn-sgd-0.5", 1e-7, 0.4)
    reach("irnn-sgd-0.9", 1e-8, 0.2)  # nearly: above 15%, and not above 20%
    reach("irnn-sgd-0", 1e-3, 0.15, loss=99)
    reach("irnn-sgd-0.99-clipped", 1e-5, 0.5)
    found = optimizer.numbers(runs, "en")
    best = {"rmsprop": ("70.0%", "10⁻⁴", "0"), "sgd": ("40.0%", "10⁻⁷", "0.5")}
    for name, values in (best | {"clipped": ("50.0%", "10⁻⁵", "0.99")}).items():
        said = [found[f"irnn_{name}{what}"] for what in ("", "_rate", "_momentum")]
        assert (said[0].split(" ")[0], *said[1:]) == values
    assert found["irnn_rmsprop_shared"].startswith("60.0%")
    counts = [found[f"irnn_sgd_{kind}"] for kind in ("learned", "nearly", "diverged")]
    assert counts == [1, 1, 1]
    assert found["irnn_sgd_stalled"] == found["irnn_sgd_settings"] - 2
    assert (found["irnn_rmsprop_learned"], found["irnn_rmsprop_rates"]) == (2, 2)
    for n, run in enumerate(runs["irnn-sgd-0.99-clipped"]):  # the best of SGD
        run.epochs[-1] = run.epochs[-1] | {"val_accuracy": 0.5 + n / 100}
    lead = difference(
        *(optimizer.best(some(runs, "irnn")) for some in (optimizer.rmsprop, optimizer.sgd))
    )
    assert optimizer.numbers(runs, "en")["irnn_lead_p"] == f"{lead.p:.2g}" != "1"


def test_numbers_of_the_papers_setting_are_what_its_updates_can_do():
    runs = recorded(optimizer, epochs=3, seeds=2, paper=True)
    for run in runs["irnn-paper"]:
        for epoch, loss in zip(run.epochs, (2.302, 2.3015, 2.301), strict=True):
            epoch |= {"loss": loss, "gradient_norm": 5.0}
    found = optimizer.numbers(runs, "en")
    assert (found["paper_batch"], found["paper_updates"]) == (16, "11,250")  # 60,000 / 16 an epoch
    assert (found["irnn_paper_fall"], found["irnn_paper_loss"]) == ("10⁻³", "2.3")
    assert found["irnn_paper_pace"] == "0.1"  # in a million updates, by 0.001 in 7,500
    assert found["paper_moved"] == rate(1e-8 * 11_250)
    assert (found["paper_lowers"], found["paper_farthest"]) == ("0.0006", "0.01")
    assert is_accuracy(found["lstm_paper"], runs["lstm-paper"])


def test_the_norm_at_the_start_is_that_of_the_lowest_rate_without_momentum():
    runs = recorded(optimizer, seeds=2, paper=False)
    still = runs["irnn-sgd-0"][0]
    still.epochs[0] = still.epochs[0] | {"gradient_norm": 7.0}
    assert optimizer.numbers(runs, "en")["irnn_norm_start"] == "7"


@pytest.mark.parametrize(
    ("chapter", "name", "pair"),
    [
        (truncated_bptt, "irnn_rows_half_p", ("irnn-rows-half", "irnn-rows-all")),
        (truncated_bptt, "lstm_later_half_p", ("lstm-later-half", "lstm-later-all")),
        (truncated_bptt, "lstm_longer_28_p", ("lstm-longer-28", "lstm-longer-784")),
        (long_dependency, "irnn_permuted_p", ("irnn-permuted", "irnn-rows")),
        (long_dependency, "lstm_delay2_blank_p", ("lstm-delay-98-blank", "lstm-delay-98-all")),
    ],
)
def test_a_p_value_is_that_of_the_difference_to_what_it_is_compared_with(chapter, name, pair):
    runs = recorded(chapter, seeds=2)
    for n, run in enumerate(runs[pair[0]]):
        run.epochs[-1] = run.epochs[-1] | {"val_accuracy": 0.3 + n / 10}
    found = chapter.numbers(runs, "en")[name]
    assert found == f"{difference(*(runs[curve] for curve in pair)).p:.2g}"
    assert 0 < float(found) < 1


def test_numbers_of_ten_years_later_are_those_of_their_curves():
    runs = recorded(ten_years_later, epochs=3)
    for name in ten_years_later.SEARCHES:
        for model in ten_years_later.MODELS:
            for n, run in enumerate(runs[f"{model}-{name}-search"]):
                run.epochs[-1] = run.epochs[-1] | {"val_accuracy": 0.5 - n / 100}
    found = ten_years_later.numbers(runs, "en")
    names = {"relu_zero": "irnn-relu-0", "relu_half": "irnn-relu-0.5", "relu_one": "irnn-relu-1"}
    names |= {f"lstm_{what}": f"lstm-{what}" for what in ten_years_later.TODAY}
    names |= {"irnn_fair": "irnn-fair", "lstm_full": "lstm-full"}
    for name, curve in names.items():
        assert is_accuracy(found[name], runs[curve]), name
    first, second = (run.spec for run in runs["irnn-fair-search"][:2])
    assert (found["irnn_fair_searched"], found["irnn_fair_second"]) == ("50.0%", "49.0%")
    assert found["irnn_fair_second_rate"] == rate(second.learning_rate)
    assert first.clip_norm is None
    assert found["irnn_fair_unclipped"] == "50.0%"


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


@pytest.mark.parametrize("model", optimizer.MODELS)
def test_what_is_trained_on_all_images_was_best_on_the_recorded_map(model):
    experiment = chapters.experiment(optimizer)
    runs = Recorded(experiment, Store())
    best = {
        "rmsprop": optimizer.best(optimizer.rmsprop(runs, model)),
        "sgd": optimizer.best(optimizer.sgd(runs, model, [None])),
        "clipped": optimizer.best(optimizer.sgd(runs, model, [1.0])),
    }
    for what, seeds in best.items():
        found = [replace(run.spec, samples=None) for run in seeds]
        assert tuple(found) == experiment[f"{model}-longer-{what}"].specs


def test_no_setting_of_sgd_learns_at_the_highest_rate_of_the_map():
    runs = Recorded(chapters.experiment(optimizer), Store())
    for model in optimizer.MODELS:
        settings = optimizer.sgd(runs, model)
        highest = max(seeds[0].spec.learning_rate for seeds in settings)
        for seeds in settings:
            if seeds[0].spec.learning_rate == highest:
                assert optimizer.outcome(seeds) != "learned"


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
        ({"optimizer": "sdg"}, "unknown optimizer 'sdg'; valid: rmsprop, sgd, adam"),
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
