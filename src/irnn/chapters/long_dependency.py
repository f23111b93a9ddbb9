"""Does naming a digit need a memory that long? Orders of the pixels, and a task that does."""

from collections.abc import Iterable
from statistics import median
from typing import TYPE_CHECKING

from irnn.chapters.irnn_vs_lstm import TUNED
from irnn.chapters.truncated_bptt import EPOCHS as SWEEP_EPOCHS
from irnn.errors import one_of
from irnn.evidence import Claim, Runs, accuracies, difference
from irnn.parameters import Parameter, shared, switch
from irnn.show.picture import Picture, columns
from irnn.show.style import COLORS, INK, MARKERS, label_rows, legend, new_figure
from irnn.show.text import described, percent
from irnn.show.words import SHARED
from irnn.spec import make
from irnn.store import Run
from irnn.training.plan import Curve, Experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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

# How far the gradient reaches where blank steps follow, and how that is drawn.
REACHES = {"all": "-", "quarter": "--", "blank": ":"}

CLOSE = 0.05

ALT = {
    "orders": {
        "en": "Test accuracy of IRNN and LSTM by the order in which the pixels are read",
        "ja": "画素を読む順序ごとの、IRNN と LSTM のテスト正解率",
    },
    "control": {
        "en": "Test accuracy of IRNN and LSTM over the number of blank steps after the last pixel, "
        "by how far the gradient reaches",
        "ja": "最後の画素の後に続く空白のステップ数に対する IRNN と LSTM のテスト正解率。"
        "勾配の届く範囲ごとに示す",
    },
}

CAPTIONS = {
    "orders": {
        "en": "Accuracy on the test set by the order of the pixels. A small mark is a seed, a "
        "large one the mean of the seeds.",
        "ja": "画素の順序ごとの、テストデータでの正解率。小さな印は個々のシード、大きな印は平均。",
    },
    "control": {
        "en": "Accuracy on the test set when blank steps follow the last pixel. The gradient "
        "reaches all steps, or the blank ones and the last quarter of the pixels, or the blank "
        "ones alone. A dot is a seed, a line goes through the means.",
        "ja": "最後の画素の後に空白のステップを続けたときの、テストデータでの正解率。"
        "勾配は、全ステップ、空白と最後の 4 分の 1 の画素、空白だけ、のいずれかに届く。"
        "点は個々のシード、線はその平均。",
    },
}

WORDS = {
    "en": SHARED["en"]
    | {
        "rows": "row by row",
        "columns": "column by column",
        "reversed": "from the last pixel to the first",
        "permuted": "shuffled",
        "cropped": "row by row, without the border",
        "all": "gradient through all steps",
        "quarter": "blank steps and a quarter of the pixels",
        "blank": "blank steps alone",
        "delay": "blank steps after the last pixel",
        "reaches": "{model}, {order}: {accuracy:.1%}",
        "waits": "{model}, {reach}: {first:.1%} with {low} blank steps, {last:.1%} with {high}",
    },
    "ja": SHARED["ja"]
    | {
        "rows": "行ごと",
        "columns": "列ごと",
        "reversed": "最後の画素から最初の画素へ",
        "permuted": "シャッフル",
        "cropped": "行ごと（縁なし）",
        "all": "勾配が全ステップに届く",
        "quarter": "空白と画素の 4 分の 1 に届く",
        "blank": "空白だけに届く",
        "delay": "最後の画素の後の空白のステップ数",
        "reaches": "{model}（{order}）は {accuracy:.1%}",
        "waits": "{model}（{reach}）は空白 {low} ステップで {first:.1%}、{high} で {last:.1%}",
    },
}


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


def numbers(runs: Runs, language: str) -> dict[str, str | int]:
    """Return the numbers of the prose by name."""
    first = runs["irnn-rows"][0]
    delays = _delays(runs)
    found = {
        "steps": first.spec.steps,
        "cropped_steps": runs["irnn-cropped"][0].spec.steps,
        "seeds": len(runs["irnn-rows"]),
        "orders_epochs": len(first),
        "control_epochs": len(runs[delay_name("irnn", delays[-1], "all")][0]),
        "longest": delays[-1],
    }
    for model in MODELS:
        for order in ORDERS:
            found[f"{model}_{order}"] = percent(runs[f"{model}-{order}"], language)
        found[f"{model}_now"] = percent(runs[delay_name(model, 0, "all")], language)
        for reach in REACHES:
            later = runs[delay_name(model, delays[-1], reach)]
            found[f"{model}_later_{reach}"] = percent(later, language)
    return found


def orders(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy of both networks by the order of the pixels."""
    text = WORDS[language]
    shown = {(order, model): runs[f"{model}-{order}"] for order in ORDERS for model in MODELS}

    def draw(wide: bool) -> "Figure":
        figure = new_figure(3, wide)
        axes = figure.add_subplot()
        for (order, model), some in shown.items():
            values = accuracies(some)
            look = {"color": COLORS[model], "marker": MARKERS[model], "linestyle": ""}
            y = ORDERS.index(order)
            axes.plot(values, [y] * len(values), markersize=4, alpha=0.5, **look)
            label = model.upper() if order == ORDERS[0] else None
            axes.plot([values.mean()], [y], markersize=9, label=label, **look)
        label_rows(axes, [text[order] for order in ORDERS], wide)
        axes.set(xlim=(0, 1), xlabel=text["test accuracy"])
        axes.xaxis.set_major_formatter("{x:.0%}")
        legend(figure, wide)
        return figure

    findings = [
        text["reaches"].format(
            model=model.upper(), order=text[order], accuracy=accuracies(some).mean()
        )
        for (order, model), some in shown.items()
    ]
    values = [
        columns(run) | {"order": order, "accuracy": run["val_accuracy"][-1]}
        for (order, _), some in shown.items()
        for run in some
    ]
    alt = described(ALT["orders"][language], findings, language)
    return Picture(draw, alt, language, _all(shown.values()), values=values)


def control(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy over the number of blank steps, a panel for each network."""
    text, delays = WORDS[language], _delays(runs)
    shown = {
        (model, reach, delay): runs[delay_name(model, delay, reach)]
        for model in MODELS
        for reach in REACHES
        for delay in delays
        if delay or reach != "blank"
    }

    def draw(wide: bool) -> "Figure":
        figure = new_figure(3.6 if wide else 6.4, wide)
        panels = figure.subplots(*((1, 2) if wide else (2, 1)), sharey=True)
        for axes, model in zip(panels, MODELS, strict=True):
            for reach, line in REACHES.items():
                some = {
                    d: accuracies(shown[model, reach, d])
                    for d in delays
                    if (model, reach, d) in shown
                }
                look = {"color": COLORS[model], "marker": MARKERS[model]}
                for delay, points in some.items():
                    x = [delay] * len(points)
                    axes.plot(x, points, linestyle="", markersize=3, alpha=0.5, **look)
                means = [points.mean() for points in some.values()]
                axes.plot(list(some), means, linewidth=2, linestyle=line, markersize=5, **look)
            axes.axhline(
                0.1, color=INK, linewidth=1, linestyle=":", alpha=0.6, label=text["chance"]
            )
            axes.set(title=model.upper(), xlabel=text["delay"], ylim=(0, 1), xticks=delays)
            axes.set_ylabel(text["test accuracy"])
            axes.yaxis.set_major_formatter("{x:.0%}")
            axes.label_outer()
        for reach, line in REACHES.items():
            panels[0].plot([], [], color=INK, linestyle=line, label=text[reach])
        legend(figure, wide)
        return figure

    findings = []
    for model in MODELS:
        for reach in REACHES:
            ends = [d for d in delays if (model, reach, d) in shown]
            low, high = ends[0], ends[-1]
            first, last = (accuracies(shown[model, reach, d]).mean() for d in (low, high))
            words = {"model": model.upper(), "reach": text[reach], "low": low, "high": high}
            findings.append(text["waits"].format(first=first, last=last, **words))
    values = [
        columns(run) | {"blank_steps": d, "gradient": reach, "accuracy": run["val_accuracy"][-1]}
        for (_, reach, d), some in shown.items()
        for run in some
    ]
    alt = described(ALT["control"][language], findings, language)
    return Picture(draw, alt, language, _all(shown.values()), values=values)


def _all(groups: Iterable[list[Run]]) -> tuple[Run, ...]:
    """Return the runs of groups, each once."""
    return tuple({run.spec: run for some in groups for run in some}.values())


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


def _waiting(runs: Runs, language: str) -> str:
    """Say what is reached after the most blank steps, with a long and a blind gradient."""
    longest = _delays(runs)[-1]
    parts = []
    for model in MODELS:
        both = {r: percent(runs[delay_name(model, longest, r)], language) for r in ("all", "blank")}
        parts.append(MEASURED[language]["waits"].format(model=model.upper(), n=longest, **both))
    return "; ".join(parts)


def _compared(order: str):
    """Return a function that says what an order and rows reach."""

    def measured(runs: Runs, language: str) -> str:
        parts = []
        for model in MODELS:
            both = [percent(runs[f"{model}-{name}"], language) for name in (order, "rows")]
            words = {"model": model.upper(), "other": both[0], "rows": both[1]}
            parts.append(MEASURED[language]["order"].format(**words))
        return "; ".join(parts)

    return measured


def _errors(runs: Runs, language: str) -> str:
    """Say the median squared error of both networks at each length of the adding problem."""
    parts = []
    for length in ADDING:
        errors = {
            model: f"{median(run['val_loss'][-1] for run in runs[f'{model}-adding-{length}']):.2g}"
            for model in MODELS
        }
        parts.append(MEASURED[language]["adds"].format(length=length, **errors))
    return "; ".join(parts)


MEASURED = {
    "en": {
        "waits": "{model}, {n} blank steps: {all} through all steps, {blank} through the blank",
        "order": "{model}: {other}, row by row {rows}",
        "adds": "T = {length}: IRNN {irnn}, LSTM {lstm}",
    },
    "ja": {
        "waits": "{model}（空白 {n} ステップ）：全ステップで {all}、空白だけで {blank}",
        "order": "{model}：{other}、行ごとでは {rows}",
        "adds": "T = {length}：IRNN {irnn}、LSTM {lstm}",
    },
}

CLAIMS = (
    Claim("control-needs-memory", control_needs_memory, _waiting),
    Claim("irnn-waits-as-well", irnn_waits_as_well_as_lstm, _waiting),
    Claim("border-is-idle", border_is_idle, _compared("cropped")),
    Claim("permuted-is-harder", permuted_is_harder, _compared("permuted")),
    Claim("irnn-adds", irnn_adds, _errors),
)


# --- probes -----------------------------------------------------------------------------

# The networks whose inside is shown: the main chapter's, at a rate each and at the shared one.
PROBED = tuple(
    make(model, learning_rate=rate, seed=seed)
    for model in MODELS
    for rate in (TUNED[model], shared()["learning_rate"].default)
    for seed in range(3)
)
