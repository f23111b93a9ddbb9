"""Does naming a digit need a memory that long? Orders of the pixels, and a task that does."""

from statistics import median

from irnn.chapters.irnn_vs_lstm import TUNED
from irnn.chapters.truncated_bptt import EPOCHS as SWEEP_EPOCHS
from irnn.errors import one_of
from irnn.evidence import Runs, accuracies, difference
from irnn.parameters import Parameter, shared, switch
from irnn.spec import make
from irnn.training.plan import Curve, Experiment

PARAMETERS = shared(seeds=3, without=["learning_rate"]) | {
    "pooling": Parameter(2, "side of the squares of pixels that are averaged: 1, 2 or 4"),
    "irnn_rate": Parameter(1e-4, "learning rate of the IRNN, of RMSprop"),
    "lstm_rate": Parameter(1e-3, "learning rate of the LSTM, of RMSprop"),
    "adding": Parameter(False, "add the paper's adding problem", switch),
}

MODELS = ("irnn", "lstm")
ORDERS = ("rows", "columns", "reversed", "permuted", "cropped")
EPOCHS = {"orders": SWEEP_EPOCHS["short"], "control": 3, "adding": 10}

# Blank steps after the last pixel, as a share of the pixels' number.
DELAYS = (0, 1 / 4, 1 / 2, 1)
REACH = 1 / 4  # share of the pixels that a gradient reaches beyond the blank steps

# Width of the border that is cut off, in pixels; all but little of it is blank.
BORDERS = {"mnist": 4, "digits": 1}

# The adding problem: lengths of the sequences, their number, and the mean squared error of
# guessing the mean, below half of which it counts as learned.
ADDING = (100, 200, 400)
SEQUENCES = 20_000
GUESSING = 1 / 6

CLOSE = 0.05


def experiment(
    dataset: str,
    epochs: int | None,
    seeds: int,
    units: int,
    batch_size: int,
    pooling: int,
    irnn_rate: float,
    lstm_rate: float,
    adding: bool,
) -> Experiment:
    """Return both networks over the order of the pixels, and over blank steps after them.

    `MODEL-ORDER`: no truncation. `cropped` is row by row without the blank border.
    `MODEL-delay-N-REACH`: N blank steps follow the last pixel, and the gradient reaches all steps
    ("all"), the blank ones alone ("blank"), or these and the last quarter of the pixels
    ("quarter"). `MODEL-adding-T`: the adding problem.
    """
    one_of("dataset", dataset, BORDERS)
    common = {"dataset": dataset, "units": units, "batch_size": batch_size, "pooling": pooling}
    rates = {"irnn": irnn_rate, "lstm": lstm_rate}
    found = {}

    def add(name: str, model: str, epochs: int, permuted: bool = False, **changes) -> None:
        specs = [
            make(
                model,
                learning_rate=rates[model],
                permutation=seed if permuted else None,
                seed=seed,
                **common,
                **changes,
            )
            for seed in range(seeds)
        ]
        found[name] = Curve(tuple(specs), epochs)

    border = BORDERS[dataset] // pooling * pooling
    for model in MODELS:
        length = epochs or EPOCHS["orders"]
        for order in ("rows", "columns", "reversed"):
            add(f"{model}-{order}", model, length, order=order)
        add(f"{model}-permuted", model, length, permuted=True)
        add(f"{model}-cropped", model, length, crop=border)
        pixels = make(model, **common).steps
        for delay in (round(share * pixels) for share in DELAYS):
            reached = {"blank": delay, "quarter": delay + round(REACH * pixels), "all": None}
            for reach, steps in reached.items():
                if steps != 0:
                    add(
                        delay_name(model, delay, reach),
                        model,
                        epochs or EPOCHS["control"],
                        delay=delay,
                        bptt_steps=steps,
                    )
    for length in ADDING if adding else ():
        for model in MODELS:
            specs = [
                make(
                    model,
                    dataset="adding",
                    length=length,
                    samples=SEQUENCES,
                    units=units,
                    batch_size=batch_size,
                    learning_rate=rates[model],
                    seed=seed,
                )
                for seed in range(seeds)
            ]
            found[f"{model}-adding-{length}"] = Curve(tuple(specs), epochs or EPOCHS["adding"])
    return found


def delay_name(model: str, delay: int, reach: str) -> str:
    """Return the name of a curve of the control: "lstm-delay-98-blank"."""
    return f"{model}-delay-{delay}-{reach}"


# --- claims -----------------------------------------------------------------------------


def _delays(runs: Runs) -> list[int]:
    """Return the numbers of blank steps, smallest first."""
    found = {int(name.split("-")[2]) for name in runs if "-delay-" in name}
    return sorted(found)


def control_needs_memory(runs: Runs) -> str:
    """Judge that a gradient which reaches no pixel is worse, wherever blank steps follow.

    For each network and delay: through the blank steps alone, the accuracy is lower than through
    all steps, by more than chance and by twice `CLOSE`.
    """
    held = []
    for model in MODELS:
        for delay in _delays(runs)[1:]:
            blank, whole = (runs[delay_name(model, delay, reach)] for reach in ("blank", "all"))
            gap = difference(blank, whole)
            held.append(gap.lower and gap.value < -2 * CLOSE)
    return "reproduced" if all(held) else "in part" if any(held) else "not reproduced"


def irnn_waits_as_well_as_lstm(runs: Runs) -> str:
    """Judge that the IRNN carries a digit over blank steps as well as the LSTM.

    Compared is how much accuracy each loses from no blank steps to the most of them, with the
    gradient through all steps: the IRNN may lose `CLOSE` more.
    """
    delays = _delays(runs)
    lost = {}
    for model in MODELS:
        first, last = (runs[delay_name(model, delay, "all")] for delay in (delays[0], delays[-1]))
        lost[model] = accuracies(first).mean() - accuracies(last).mean()
    return "reproduced" if lost["irnn"] < lost["lstm"] + CLOSE else "not reproduced"


def border_is_idle(runs: Runs) -> str:
    """Judge that the blank border costs nothing: without it, the accuracy is not higher.

    For each network: cropped is not above rows by more than `CLOSE` and chance.
    """
    held = 0
    for model in MODELS:
        gap = difference(runs[f"{model}-cropped"], runs[f"{model}-rows"])
        held += not (gap.higher and gap.value > CLOSE)
    return {2: "reproduced", 1: "in part", 0: "not reproduced"}[held]


def permuted_is_harder(runs: Runs) -> str:
    """Judge that permuted pixels are harder than rows, for each network, by more than chance."""
    held = sum(difference(runs[f"{m}-permuted"], runs[f"{m}-rows"]).lower for m in MODELS)
    return {2: "reproduced", 1: "in part", 0: "not reproduced"}[held]


def irnn_adds(runs: Runs) -> str:
    """Judge that the IRNN learns the adding problem wherever the LSTM does.

    Learned: the median over the seeds of the test set's mean squared error ends below half of
    guessing's.
    """

    def learned(model: str, length: int) -> bool:
        errors = [run["val_loss"][-1] for run in runs[f"{model}-adding-{length}"]]
        return median(errors) < GUESSING / 2

    missed = [n for n in ADDING if learned("lstm", n) and not learned("irnn", n)]
    if not any(learned("irnn", n) for n in ADDING):
        return "not reproduced"
    return "in part" if missed else "reproduced"


# --- probes -----------------------------------------------------------------------------

# The networks whose inside is shown: the main chapter's, at a rate each and at the shared one.
PROBED = tuple(
    make(model, learning_rate=rate, seed=seed)
    for model in MODELS
    for rate in (TUNED[model], shared()["learning_rate"].default)
    for seed in range(3)
)
