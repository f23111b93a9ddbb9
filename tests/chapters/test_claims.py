"""A verdict follows from recorded runs, and the ledger's prose from the verdicts."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from irnn import chapters
from irnn.__main__ import main
from irnn.chapters import (
    claims,
    irnn_vs_lstm,
    long_dependency,
    optimizer,
    ten_years_later,
    truncated_bptt,
)
from irnn.evidence import (
    VERDICTS,
    NotRecorded,
    Recorded,
    difference,
    epochs_ahead,
    epochs_apart,
    is_ahead,
    rank_p,
)
from irnn.spec import make
from irnn.store import METRICS, Run, Store

GOOD, BAD = [0.79, 0.8, 0.81], [0.19, 0.2, 0.21]
SITTING = {"sitting": {"first_epoch": 1, "backend": "jax", "device": "CPU"}}


def lines(accuracy, epochs, **others):
    values = dict.fromkeys(METRICS, 0.5) | {"val_accuracy": accuracy} | others
    return [{"epoch": n} | values for n in range(1, epochs + 1)]


def record(store, curve, accuracies, **others):
    for spec, accuracy in zip(curve.specs, accuracies, strict=True):
        store.append(spec, SITTING, *lines(accuracy, curve.epochs, **others))


def runs(*accuracies):
    return [
        Run(make("irnn", seed=n), epochs=lines(accuracy, 1))
        for n, accuracy in enumerate(accuracies)
    ]


def curve(*epochs):
    """Return a run with these test accuracies."""
    return Run(make("irnn"), epochs=[lines(accuracy, 1)[0] for accuracy in epochs])


def verdict(store, name, language="en", **values):
    (entry,) = (e for e in claims.ledger(store, language, **values) if e.claim.name == name)
    return entry


# --- differences ------------------------------------------------------------------------


def test_a_difference_is_one_where_the_spread_of_the_seeds_allows_it():
    apart = difference(runs(0.80, 0.81, 0.82), runs(0.60, 0.61, 0.62))
    assert apart.value == pytest.approx(0.2)
    assert apart.p == pytest.approx(1.648e-5, rel=1e-3)  # of t = 24.49 with 4 degrees of freedom
    assert apart.higher
    assert not apart.lower
    near = difference(runs(0.5, 0.8, 0.6), runs(0.7, 0.5, 0.6))
    assert not near.significant


def test_epochs_are_counted_after_which_the_mean_is_ahead_and_after_which_all_seeds_are():
    some = [curve(0.3, 0.6, 0.9, 0.9), curve(0.3, 0.4, 0.8, 0.8)]
    others = [curve(0.4, 0.5, 0.7), curve(0.4, 0.3, 0.8)]
    assert (epochs_ahead(some, others), epochs_apart(some, others)) == (2, 0)
    others = [curve(0.4, 0.3, 0.7), curve(0.4, 0.3, 0.6)]
    assert (epochs_ahead(some, others), epochs_apart(some, others)) == (2, 2)


@pytest.mark.parametrize(
    ("others", "expected"),
    [((0.60, 0.61), "reproduced"), ((0.98, 0.99), "not reproduced"), ((0.6, None), "undecided")],
)
def test_ahead_is_who_is_so_by_more_than_chance(others, expected):
    assert is_ahead(runs(0.80, 0.81), runs(*others)) == expected


def test_runs_that_are_not_recorded_are_not_among_the_recorded(store):
    experiment = chapters.experiment(irnn_vs_lstm, seeds=2, epochs=2)
    record(store, experiment["irnn"], [0.6, 0.61])
    recorded = Recorded(experiment, store)
    assert "irnn" in recorded
    assert "lstm" not in recorded
    assert recorded.get("lstm") is None


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (((0.7, 0.8, 0.9, 0.95, 0.96), (0.1, 0.2, 0.3, 0.4, 0.5)), 2 / 252),
        (((0.1, 0.2), (0.3, 0.4, 0.5)), 2 / 10),
        (((0.1,), (0.2,)), 1.0),
        (((0.1, 0.4), (0.2, 0.3)), 1.0),
        (((0.1, 0.3), (0.1, 0.2)), 1.0),  # ranks 1.5 and 4 against 1.5 and 3
    ],
)
def test_the_rank_test_counts_the_ways_to_part_the_seeds(groups, expected):
    assert rank_p(*(runs(*group) for group in groups)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [(14, 7.5e-6), (1_000, 0.0)],  # of z = -97.5 / 21.76, and far out
)
def test_the_rank_test_of_many_seeds_is_that_of_the_normal_distribution(seeds, expected):
    low, high = np.linspace(0.1, 0.4, seeds), np.linspace(0.5, 0.8, seeds)
    assert rank_p(runs(*low), runs(*high)) == pytest.approx(expected, rel=0.01)


def test_one_seed_is_never_told_apart():
    assert not difference(runs(0.9), runs(0.1, 0.2)).significant


# --- verdicts ---------------------------------------------------------------------------


def test_without_its_runs_a_claim_is_not_tested(store):
    for entry in claims.ledger(store):
        assert (entry.verdict, entry.measured, entry.runs) == ("not tested", "", ())


def test_a_curve_that_lacks_an_epoch_of_one_seed_is_not_tested(store):
    experiment = chapters.experiment(irnn_vs_lstm, seeds=2, epochs=2)
    record(store, experiment["irnn"], [0.6, 0.61])
    record(store, replace(experiment["lstm"], epochs=1), [0.2, 0.21])
    assert verdict(store, "irnn-ahead", seeds=2, epochs=2).verdict == "not tested"


@pytest.mark.parametrize(
    ("lstm", "expected"),
    [([0.2, 0.21], "reproduced"), ([0.9, 0.91], "not reproduced"), ([0.2, 0.99], "undecided")],
)
def test_other_numbers_give_another_verdict(store, lstm, expected):
    experiment = chapters.experiment(irnn_vs_lstm, seeds=2, epochs=2)
    record(store, experiment["irnn"], [0.6, 0.61])
    record(store, experiment["lstm"], lstm)
    entry = verdict(store, "irnn-ahead", seeds=2, epochs=2)
    assert entry.verdict == expected
    assert {run.spec for run in entry.runs} == {
        spec for name in ("irnn", "lstm") for spec in experiment[name].specs
    }
    assert "60.5%" in entry.measured


@pytest.mark.parametrize(("gained", "expected"), [(0.1, "reproduced"), (0.0, "in part")])
def test_a_lead_by_the_clock_is_larger_only_if_time_adds_to_it(store, gained, expected):
    experiment = chapters.experiment(irnn_vs_lstm, seeds=2, epochs=4)
    for spec in experiment["irnn"].specs:
        epochs = lines(0.6, 4, seconds=10)
        for n, epoch in enumerate(epochs):
            epoch["val_accuracy"] += n * gained
        store.append(spec, SITTING, *epochs)
    record(store, experiment["irnn-tuned"], [0.6, 0.61], seconds=10)
    for name in ("lstm", "lstm-tuned"):
        record(store, experiment[name], [0.2, 0.21], seconds=40)
    assert verdict(store, "irnn-ahead-by-time", seeds=2, epochs=4).verdict == expected


@pytest.mark.parametrize(
    ("quarter", "expected"),
    [
        ({"irnn": GOOD, "lstm": GOOD}, "reproduced"),
        ({"irnn": BAD, "lstm": GOOD}, "in part"),
        ({"irnn": BAD, "lstm": BAD}, "not reproduced"),
    ],
)
def test_no_long_memory_asks_for_a_short_gradient_that_is_as_good(store, quarter, expected):
    experiment = chapters.experiment(truncated_bptt, epochs=1, seeds=3)
    for model, accuracies in quarter.items():
        reached = {"quarter": accuracies, "all": [0.81, 0.82, 0.80]}
        for k in truncated_bptt.SHARES:
            record(store, experiment[f"{model}-rows-{k}"], reached.get(k, [0.1, 0.11, 0.12]))
    assert verdict(store, "no-long-memory", epochs=1, seeds=3).verdict == expected


@pytest.mark.parametrize(
    ("quarter", "half", "expected"), [(GOOD, BAD, "reproduced"), (BAD, GOOD, "not reproduced")]
)
def test_longer_training_is_judged_by_its_own_epochs_and_short_gradients(quarter, half, expected):
    found = {}
    for model in truncated_bptt.MODELS:
        for name in truncated_bptt.SHARES:
            found[f"{model}-rows-{name}"] = seeds([0.5, 0.51, 0.52])
        for name in truncated_bptt.LATER:
            late = {"quarter": quarter, "half": half, "all": GOOD}.get(name, BAD)
            found[f"{model}-later-{name}"] = seeds(late)
    assert rule(truncated_bptt, "no-long-memory-later")(found) == expected


def test_equal_losses_contradict_that_all_steps_differ_from_none(store):
    experiment = chapters.experiment(truncated_bptt, epochs=1, seeds=3)
    for model in ("irnn", "lstm"):
        record(store, experiment[f"{model}-all"], [0.8], loss=1.5)
        record(store, experiment[f"{model}-rows-all"], [0.8] * 3, loss=1.5)
    assert (
        verdict(store, "all-steps-differ-from-none", epochs=1, seeds=3).verdict == "not reproduced"
    )
    spec = experiment["lstm-all"].specs[0]
    store.record_path(spec).unlink()
    store.append(spec, SITTING, *lines(0.8, 1, loss=1.6))
    assert verdict(store, "all-steps-differ-from-none", epochs=1, seeds=3).verdict == "reproduced"


# --- rules, for results that the recorded runs do not have ------------------------------


def seeds(accuracies, epochs=1, model="irnn", **metrics):
    return [
        Run(make(model, seed=n), epochs=lines(accuracy, epochs, **metrics))
        for n, accuracy in enumerate(accuracies)
    ]


def rule(chapter, name):
    (claim,) = (claim for claim in chapter.CLAIMS if claim.name == name)
    return claim.rule


@pytest.mark.parametrize(
    ("final", "expected"),
    [
        ([0.9, 0.8, 0.46], "reproduced"),
        ([0.9, 0.8, 0.44], "not reproduced"),  # less than half of the best
        ([0.3, 0.3, 0.19], "not reproduced"),  # more than that, but next to guessing
    ],
)
def test_every_seed_learns_if_none_falls_far_behind(final, expected):
    assert rule(irnn_vs_lstm, "every-seed-learns")({"irnn": seeds(final)}) == expected


@pytest.mark.parametrize(
    ("lstm", "expected"),
    [
        ([0.70, 0.71], "reproduced"),
        ([0.70, 0.80], "in part"),  # of the means alone
        ([0.85, 0.95], "not reproduced"),
    ],
)
def test_ahead_in_the_same_time_are_all_seeds_or_the_mean(lstm, expected):
    irnn = seeds([0.7, 0.71], 8, seconds=10)
    for run in irnn:
        for epoch in run.epochs:
            epoch["val_accuracy"] += epoch["epoch"] / 100
    found = {"irnn": irnn, "irnn-tuned": irnn, "lstm": seeds(lstm, 3, "lstm", seconds=20)}
    found["lstm-tuned"] = found["lstm"]
    assert rule(irnn_vs_lstm, "irnn-ahead-by-time")(found) == expected
    (claim,) = (c for c in irnn_vs_lstm.CLAIMS if c.name == "irnn-ahead-by-time")
    assert "after 6 epochs, LSTM" in claim.measured(found, "en")
    assert claim.measured(found, "en").endswith("after 3")


def test_where_no_epoch_of_both_took_the_same_time_none_is_ahead_in_it():
    found = {"irnn": seeds([0.7, 0.71], 3, seconds=10), "lstm": seeds([0.2], 1, "lstm", seconds=40)}
    found |= {"irnn-tuned": found["irnn"], "lstm-tuned": found["lstm"]}
    with pytest.raises(NotRecorded):
        rule(irnn_vs_lstm, "irnn-ahead-by-time")(found)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (10, "not reproduced"),
        (15, "in part"),
        (20, "reproduced"),  # the post has 3.9
        (75, "reproduced"),
        (80, "in part"),
    ],
)
def test_an_lstms_epochs_cost_more_by_about_the_posts_ratio(seconds, expected):
    times = {"irnn": 10, "irnn-tuned": 10, "lstm": seconds, "lstm-tuned": seconds}
    found = {name: seeds([0.5], 1, name[:4], seconds=time) for name, time in times.items()}
    assert rule(irnn_vs_lstm, "lstm-epochs-cost-more")(found) == expected


def test_keras_accuracy_is_that_after_900_epochs_and_less_a_point():
    judged = rule(irnn_vs_lstm, "keras-93-percent")
    assert judged({"irnn": seeds([0.92, 0.93], 900)}) == "reproduced"
    assert judged({"irnn": seeds([0.92, 0.91], 900)}) == "not reproduced"
    runs = seeds([0.5], 901)
    runs[0].epochs[899]["val_accuracy"] = 0.95
    assert judged({"irnn": runs}) == "reproduced"
    (claim,) = (claim for claim in irnn_vs_lstm.CLAIMS if claim.name == "keras-93-percent")
    assert claim.measured({"irnn": runs}, "en") == "95.0% after 900 epochs"
    with pytest.raises(NotRecorded):
        judged({"irnn": seeds([0.95], 899)})


@pytest.mark.parametrize(
    ("cut", "full", "expected"),
    [
        ([0.10, 0.11, 0.12], [0.80, 0.81, 0.82], "reproduced"),
        ([0.10, 0.11, 0.12], [0.25, 0.26, 0.27], "in part"),  # the whole is not above 30%
        ([0.30, 0.31, 0.32], [0.80, 0.81, 0.82], "in part"),  # lower, but not at chance
        ([0.10, 0.19, 0.28], [0.15, 0.15, 0.95], "in part"),  # lower, but not beyond chance
        ([0.79, 0.80, 0.81], [0.80, 0.81, 0.82], "not reproduced"),
        ([0.7900, 0.7901], [0.80, 0.8001], "in part"),  # hardly lower, but beyond chance
    ],
)
def test_an_lstm_collapses_if_cut_it_is_at_chance_and_else_is_not(cut, full, expected):
    found = {"lstm-long-300": seeds(cut), "lstm-long-784": seeds(full)}
    assert rule(truncated_bptt, "lstm-collapses-when-cut")(found) == expected


def test_an_lstm_that_is_cut_is_compared_at_the_last_epoch_that_both_have():
    cut, full = seeds([0.10, 0.11, 0.12], 3), seeds([0.80, 0.81, 0.82], 2)
    for run in cut:
        run.epochs[2]["val_accuracy"] = 0.9
    for run in full:
        run.epochs[0]["val_accuracy"] = 0.1
    found = {"lstm-long-300": cut, "lstm-long-784": full}
    assert rule(truncated_bptt, "lstm-collapses-when-cut")(found) == "reproduced"


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        ([0.76, 0.77, 0.78], "reproduced"),  # by less than five points
        ([0.70, 0.71, 0.72], "not reproduced"),
        ([0.50, 0.70, 0.90], "undecided"),
    ],
)
def test_permuted_pixels_hardly_lose_within_five_points(cut, expected):
    full = seeds([0.80, 0.81, 0.82])
    found = {"lstm-permuted-trinh": seeds(cut), "lstm-permuted-all": full}
    assert rule(truncated_bptt, "permuted-hardly-loses")(found) == expected


@pytest.mark.parametrize(
    ("lost", "expected"),
    [((0.16, 0.16), "reproduced"), ((0.16, 0.14), "in part"), ((0.14, 0.14), "not reproduced")],
)
def test_permuted_pixels_need_more_if_they_lose_five_points_more_than_rows(lost, expected):
    found = {}
    for model, permuted in zip(truncated_bptt.MODELS, lost, strict=True):
        for order, gap in (("rows", 0.1), ("permuted", permuted)):
            found[f"{model}-{order}-all"] = seeds([0.8, 0.81])
            found[f"{model}-{order}-rows"] = seeds([0.8 - gap, 0.81 - gap])
    assert rule(truncated_bptt, "permuted-needs-more")(found) == expected


def test_a_short_gradient_that_is_not_told_apart_may_lose_ten_points_at_most():
    def judged(quarter):
        full = seeds([0.80, 0.81, 0.82])
        lengths = truncated_bptt.Lengths([seeds([0.1, 0.11, 0.12]), seeds(quarter)], full)
        return truncated_bptt.no_long_memory({}, of=lambda runs, model: lengths)

    assert judged([0.76, 0.77, 0.78]) == "reproduced"  # lower beyond chance, by four points
    assert judged([0.60, 0.74, 0.82]) == "reproduced"
    assert judged([0.50, 0.70, 0.82]) == "not reproduced"
    assert judged([0.74, 0.75, 0.76]) == "not reproduced"


# --- of optimizers ----------------------------------------------------------------------


def searched(model, learned=(), accuracy=0.8):
    """Return runs of a small map: at each rate a seed, which learned at some rates and settings."""
    found = {}
    names = {"rmsprop": {}}
    for momentum in optimizer.MOMENTA:
        for clip in optimizer.CLIPS:
            name = optimizer.curve_name(model, momentum, clip).removeprefix(f"{model}-")
            names[name] = {"optimizer": "sgd", "momentum": momentum, "clip_norm": clip}
    for name, setting in names.items():
        found[f"{model}-{name}"] = [
            Run(
                make(model, learning_rate=rate, seed=seed, **setting),
                epochs=lines(accuracy if (name, rate) in learned else 0.1, 1),
            )
            for rate in (1e-4, 1e-3, 1e-2)
            for seed in range(2)
        ]
    return found


def test_an_outcome_is_that_of_all_seeds():
    assert optimizer.outcome(seeds([0.1, 0.32])) == "learned"  # 21% on average
    assert optimizer.outcome(seeds([0.1, 0.28], loss=4.6)) == "stalled"
    assert optimizer.outcome(seeds([0.1, 0.28], loss=4.7)) == "diverged"
    assert optimizer.outcome(seeds([0.1]) + seeds([0.1], loss=None)) == "diverged"


@pytest.mark.parametrize(
    ("accuracy", "setting", "expected"),
    [
        (0.2, "sgd-0.9", "reproduced"),
        (0.39, "sgd-0.9", "in part"),
        (0.41, "sgd-0.9", "not reproduced"),
        (0.8, "sgd-0.9-clipped", "reproduced"),  # the post did not clip
    ],
)
def test_sgd_cannot_train_an_irnn_if_nowhere_it_learns_half_as_much(accuracy, setting, expected):
    found = searched("irnn", [(setting, 1e-3)], accuracy)
    found["irnn-rmsprop"] = seeds([0.8])
    assert rule(optimizer, "sgd-cannot-train-irnn")(found) == expected


@pytest.mark.parametrize(
    ("learned", "expected"),
    [
        ([("sgd-0", 1e-3)], "reproduced"),  # with 0.5 a step is twice as large, and fails
        ([(f"sgd-{m}", 1e-3) for m in ("0", "0.5", "0.9")], "in part"),  # with 0.99, ten times
        ([], "not reproduced"),
        ([(f"sgd-{m}", 1e-3) for m in ("0", "0.5", "0.9", "0.99")], "not reproduced"),
    ],
)
def test_momentum_decides_if_the_same_step_with_another_one_fails(learned, expected):
    found = searched("irnn", learned)
    assert rule(optimizer, "sgd-depends-on-momentum")(found) == expected


@pytest.mark.parametrize(
    ("rmsprop", "expected"),
    [
        ({"irnn": [0.86, 0.861], "lstm": [0.86, 0.861]}, "reproduced"),
        ({"irnn": [0.84, 0.841], "lstm": [0.86, 0.861]}, "in part"),  # by four points
        ({"irnn": [0.84, 0.841], "lstm": [0.70, 1.00]}, "not reproduced"),  # not beyond chance
    ],
)
def test_rmsprop_is_faster_by_five_points_and_beyond_chance(rmsprop, expected):
    found = {}
    for model, reached in rmsprop.items():
        found |= searched(model, [("sgd-0.9", 1e-3)], 0.8)
        found[f"{model}-rmsprop"] = seeds(reached)
    assert rule(optimizer, "rmsprop-faster")(found) == expected


def test_rates_are_counted_at_the_best_momentum_of_sgd():
    two = [("rmsprop", 1e-4), ("rmsprop", 1e-3)]
    apart = [("sgd-0", 1e-2), ("sgd-0.9", 1e-3)]  # of two momenta: a rate each
    runs = searched("irnn", two + apart) | searched("lstm", [*two, *apart, ("sgd-0.9", 1e-2)])
    assert optimizer.learned_rates(runs, "irnn") == (2, 1)
    assert optimizer.learned_rates(runs, "lstm") == (2, 2)
    assert rule(optimizer, "rmsprop-more-rates")(runs) == "in part"


# --- of long dependencies ---------------------------------------------------------------


def control(blank, whole=(0.80, 0.81, 0.82)):
    found = {}
    for model in long_dependency.MODELS:
        for delay in (0, 49, 98):
            found[f"{model}-delay-{delay}-all"] = seeds(whole)
            lower = whole if delay == 0 else blank.get((model, delay), (0.1, 0.11, 0.12))
            found[f"{model}-delay-{delay}-blank"] = seeds(lower)
    return found


def test_the_control_needs_memory_wherever_blank_steps_follow():
    judged = rule(long_dependency, "control-needs-memory")
    assert judged(control({})) == "reproduced"
    for less in ((0.72, 0.73, 0.74), (0.3, 0.8, 0.9)):  # by eight points, not beyond chance
        assert judged(control({("lstm", 49): less})) == "in part"
        everywhere = {(m, n): less for m in long_dependency.MODELS for n in (49, 98)}
        assert judged(control(everywhere)) == "not reproduced"
    with pytest.raises(NotRecorded):
        judged({"irnn-rows": seeds([0.8])})


@pytest.mark.parametrize(
    ("irnn", "expected"),
    [
        ([0.30, 0.31, 0.32], "reproduced"),
        ([0.17, 0.18, 0.19], "in part"),  # ahead, but has not learned
        ([0.10, 0.11, 0.12], "not reproduced"),
        ([0.05, 0.06, 0.07], "not reproduced"),
    ],
)
def test_an_irnn_waits_if_after_the_longest_delay_it_is_ahead(irnn, expected):
    found = control({}, whole=(0.1, 0.11, 0.12)) | {"irnn-delay-98-all": seeds(irnn)}
    assert rule(long_dependency, "irnn-waits")(found) == expected


@pytest.mark.parametrize(
    ("cropped", "expected"),
    [
        (([0.84, 0.85, 0.86], [0.3, 0.99, 0.99]), "reproduced"),
        (([0.84, 0.85, 0.86], [0.87, 0.88, 0.89]), "in part"),
        (([0.87, 0.88, 0.89], [0.87, 0.88, 0.89]), "not reproduced"),
    ],
)
def test_the_border_is_idle_unless_without_it_accuracy_is_higher(cropped, expected):
    found = {}
    for model, reached in zip(long_dependency.MODELS, cropped, strict=True):
        found[f"{model}-rows"], found[f"{model}-cropped"] = seeds([0.8, 0.81, 0.82]), seeds(reached)
    assert rule(long_dependency, "border-is-idle")(found) == expected


@pytest.mark.parametrize(
    ("permuted", "expected"),
    [
        ((BAD, BAD), "reproduced"),
        ((BAD, GOOD), "in part"),
        (([0.98, 0.99, 1.0], GOOD), "not reproduced"),
    ],
)
def test_permuted_pixels_are_harder_if_accuracy_is_lower(permuted, expected):
    found = {}
    for model, reached in zip(long_dependency.MODELS, permuted, strict=True):
        found[f"{model}-rows"], found[f"{model}-permuted"] = seeds(GOOD), seeds(reached)
    assert rule(long_dependency, "permuted-is-harder")(found) == expected


@pytest.mark.parametrize(
    ("irnn", "lstm", "expected"),
    [
        ({100, 200}, {100}, "reproduced"),
        ({100, 400}, {100, 200}, "in part"),
        ({200}, {100}, "not reproduced"),
        ({100}, set(), "undecided"),  # the LSTM does not put it to the test
        (set(), {100}, "not reproduced"),
        (set(), set(), "not reproduced"),
    ],
)
def test_an_irnn_adds_if_it_does_wherever_the_lstm_does(irnn, lstm, expected):
    found = {}
    for model, learned in {"irnn": irnn, "lstm": lstm}.items():
        for n in long_dependency.ADDING:
            errors = (0.08, 0.08, 0.2) if n in learned else (0.09, 0.09, 0.01)  # 1 / 12 is between
            name = f"{model}-adding-{n}"
            found[name] = [run for e in errors for run in seeds([0.5], val_loss=e)]
    assert rule(long_dependency, "irnn-adds")(found) == expected


@pytest.mark.parametrize("errors", [(None, 0.01, 0.02), (0.01, None, 0.02), (0.01, 0.02, None)])
def test_a_seed_that_diverged_adds_worst_whichever_it_is(errors):
    found = {}
    for n in long_dependency.ADDING:
        some = [run for error in errors for run in seeds([0.5], val_loss=error)]
        found[f"irnn-adding-{n}"] = found[f"lstm-adding-{n}"] = some
    assert rule(long_dependency, "irnn-adds")(found) == "reproduced"
    (claim,) = (claim for claim in long_dependency.CLAIMS if claim.name == "irnn-adds")
    assert "0.02" in claim.measured(found, "en")


# --- of ten years later -----------------------------------------------------------------


def test_a_derivative_matters_if_one_of_three_pairs_differs_at_a_third_of_the_level():
    def judged(*others):
        reached = dict(zip(ten_years_later.DERIVATIVES, ([0.80, 0.81, 0.82], *others), strict=True))
        found = {f"irnn-relu-{d:g}": seeds(some) for d, some in reached.items()}
        return rule(ten_years_later, "relu-derivative-matters")(found)

    same, near, far = [0.80, 0.81, 0.82], [0.777, 0.787, 0.797], [0.70, 0.71, 0.72]
    assert difference(seeds(same), seeds(near)).p == pytest.approx(0.048, abs=1e-3)
    assert judged(same, near) == "not reproduced"
    assert judged(same, far) == "reproduced"
    assert judged(far, same) == "reproduced"


@pytest.mark.parametrize("name", ten_years_later.SEARCHES)
def test_each_look_at_a_comparison_makes_its_level_smaller(name):
    search = ten_years_later.SEARCHES[name]
    assert search.level == pytest.approx(0.05 / (1 + len(search.looks)))
    irnn, lstm = seeds([0.80, 0.81, 0.82]), seeds([0.777, 0.787, 0.797])  # p = 0.048
    found = {f"irnn-{name}": irnn, f"lstm-{name}": lstm}
    verdict = ten_years_later.irnn_is_ahead_searched(found, name)
    assert verdict == ("undecided" if search.looks else "reproduced")


# --- the page ---------------------------------------------------------------------------


def test_the_prose_was_written_for_these_verdicts():
    """Where this fails, read what the prose says of the claim, then its `reviewed`."""
    entries = claims.ledger(Store())
    reviewed = {entry.claim.name: entry.claim.reviewed for entry in entries}
    assert {entry.claim.name: entry.verdict for entry in entries} == reviewed


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_verdict_has_a_mark_and_a_word(language):
    assert claims.VERDICTS[language].keys() == claims.MARKS.keys() == set(VERDICTS)


def test_on_the_command_line(capsys):
    assert main(["claims"]) == 0
    assert re.search(r"^reproduced +irnn-ahead ", capsys.readouterr().out, re.MULTILINE)
    assert main(["claims", "--json"]) == 0
    (first, *_) = json.loads(capsys.readouterr().out)
    assert first["runs"][0].startswith("mnist-irnn-")
