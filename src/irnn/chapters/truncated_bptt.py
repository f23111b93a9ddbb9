"""How far back the gradient has to flow: accuracy against the truncation length K."""

from irnn.chapters.irnn_vs_lstm import TUNED
from irnn.evidence import Runs, accuracies, difference
from irnn.parameters import Parameter, count, shared
from irnn.spec import make
from irnn.training.plan import Curve, Experiment

PARAMETERS = shared(seeds=3, without=["learning_rate"]) | {
    "pooling": Parameter(2, "side of the squares of pixels that are averaged: 1, 2 or 4"),
    "irnn_rate": Parameter(1e-4, "learning rate of the IRNN, of RMSprop"),
    "lstm_rate": Parameter(1e-3, "learning rate of the LSTM, of RMSprop"),
    "long_seeds": Parameter(3, "number of seeds at the full length of 784 steps", count),
}

MODELS = ("irnn", "lstm")
ORDERS = ("rows", "permuted")
EPOCHS = {"short": 4, "long": 4}

# K as a share of the sequence's length T, from a step or two to all of them; 300 of 784 is what
# Trinh et al. (2018) have.
SHARES = (1 / 98, 1 / 14, 1 / 7, 1 / 4, 300 / 784, 1 / 2, 1)

# K at T = 784, row by row: a row of the image, four of them, Trinh et al.'s 300, and all.
LONG = (28, 112, 300, 784)

# Two accuracies less than this apart count as the same, where the seeds' spread allows no more.
CLOSE = 0.05


def lengths(steps: int) -> list[int]:
    """Return the truncation lengths K of a sequence's length T, shortest first."""
    return sorted({max(1, round(share * steps)) for share in SHARES})


def curve_name(model: str, order: str, steps: int, k: int) -> str:
    """Return the name of the curve of one K: "lstm-rows-196-49"."""
    return f"{model}-{order}-{steps}-{k}"


def experiment(
    dataset: str,
    epochs: int | None,
    seeds: int,
    units: int,
    batch_size: int,
    pooling: int,
    irnn_rate: float,
    lstm_rate: float,
    long_seeds: int,
) -> Experiment:
    """Return both networks over K, row by row and permuted, in 2015's semantics with RMSprop.

    Each seed has a permutation of its own, the same for all K. K = T is a run without
    truncation. `irnn-all`, `lstm-all`: the first seed with `bptt_steps` = T, to show that it is
    the same. MNIST adds curves at T = 784, at the rates of the main chapter.
    """
    common = {"dataset": dataset, "units": units, "batch_size": batch_size}
    rates = {"irnn": irnn_rate, "lstm": lstm_rate}
    found = {}

    def add(model: str, order: str, k: int, seeds: int, epochs: int, **changes) -> None:
        whole = make(model, **common, **changes).steps
        specs = [
            make(
                model,
                bptt_steps=None if k == whole else k,
                permutation=seed if order == "permuted" else None,
                seed=seed,
                **common,
                **changes,
            )
            for seed in range(seeds)
        ]
        found[curve_name(model, order, whole, k)] = Curve(tuple(specs), epochs)

    for model in MODELS:
        setting = {"pooling": pooling, "learning_rate": rates[model]}
        steps = make(model, **common, **setting).steps
        for order in ORDERS:
            for k in lengths(steps):
                add(model, order, k, seeds, epochs or EPOCHS["short"], **setting)
        all_steps = make(model, bptt_steps=steps, **common, **setting)
        found[f"{model}-all"] = Curve((all_steps,), 1)
    if dataset == "mnist" and pooling > 1:
        for model in MODELS:
            for k in LONG:
                add(
                    model,
                    "rows",
                    k,
                    long_seeds,
                    epochs or EPOCHS["long"],
                    learning_rate=TUNED[model],
                )
    return found


# --- claims -----------------------------------------------------------------------------


def _short(runs: Runs) -> int:
    """Return the length T of the sweep's sequences."""
    return runs["irnn-all"][0].spec.steps


def no_long_memory(runs: Runs) -> str:
    """Judge that reading row by row needs no gradient through all steps.

    For each network: some K of at most a quarter of T comes within `CLOSE` of no truncation, or
    is not told apart from it by the seeds and not lower by more than twice that.
    """
    steps = _short(runs)
    held = []
    for model in MODELS:
        full = runs[curve_name(model, "rows", steps, steps)]
        short = [
            runs[curve_name(model, "rows", steps, k)] for k in lengths(steps) if k <= steps / 4
        ]
        gaps = [difference(some, full) for some in short]
        held.append(any(g.value > -CLOSE or (not g.lower and g.value > -2 * CLOSE) for g in gaps))
    return {2: "reproduced", 1: "in part", 0: "not reproduced"}[sum(held)]


def lstm_collapses(runs: Runs) -> str:
    """Judge that an LSTM cut at 300 of 784 steps stays at chance, row by row.

    Reproduced: below 20% where the whole gradient is above 30% and higher by more than chance.
    Not reproduced: not lower than the whole gradient, less `CLOSE`.
    """
    cut, full = (runs[curve_name("lstm", "rows", 784, k)] for k in (300, 784))
    epoch = min(len(run) for run in cut + full) - 1
    gap = difference(cut, full, epoch)
    if accuracies(cut, epoch).mean() < 0.2 and accuracies(full, epoch).mean() > 0.3 and gap.lower:
        return "reproduced"
    return "not reproduced" if gap.value > -CLOSE and not gap.lower else "in part"


def permuted_hardly_loses(runs: Runs) -> str:
    """Judge that an LSTM that reads permuted pixels hardly loses when cut at 300 / 784 of T."""
    steps = _short(runs)
    k = round(300 / 784 * steps)
    gap = difference(*(runs[curve_name("lstm", "permuted", steps, some)] for some in (k, steps)))
    if gap.value > -CLOSE:
        return "reproduced"
    return "not reproduced" if gap.lower else "in part"


def permuted_needs_more(runs: Runs) -> str:
    """Judge that permuted pixels lose more by a short gradient than rows do, at K = T / 7.

    For each network: the loss in accuracy from no truncation to K, averaged over the seeds, is
    larger by more than `CLOSE` when permuted.
    """
    steps = _short(runs)
    k = max(1, round(steps / 7))
    held = []
    for model in MODELS:
        lost = {
            order: -difference(
                runs[curve_name(model, order, steps, k)],
                runs[curve_name(model, order, steps, steps)],
            ).value
            for order in ORDERS
        }
        held.append(lost["permuted"] - lost["rows"] > CLOSE)
    return {2: "reproduced", 1: "in part", 0: "not reproduced"}[sum(held)]


def all_is_none(runs: Runs) -> str:
    """Judge that K = T is no truncation: equal losses after an epoch, to 1e-6 of their value."""
    steps = _short(runs)
    for model in MODELS:
        a, b = runs[f"{model}-all"][0], runs[curve_name(model, "rows", steps, steps)][0]
        if abs(a["loss"][0] / b["loss"][0] - 1) > 1e-6:
            return "not reproduced"
    return "reproduced"
