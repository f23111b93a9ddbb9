"""RMSprop against SGD: what learns, what stalls and what diverges."""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from irnn.errors import one_of
from irnn.evidence import (
    LEARNS,
    Claim,
    Difference,
    Runs,
    accuracies,
    all_or_some,
    difference,
)
from irnn.parameters import AVERAGED, Parameter, shared, switch
from irnn.probes import Probe
from irnn.show.picture import Picture, columns
from irnn.show.plots import final_accuracies
from irnn.show.style import COLORS, INK, MARKERS, legend, logarithmic, matplotlib, new_figure
from irnn.show.text import described, joined, mean, p_value, percent, rate
from irnn.show.words import SHARED
from irnn.spec import IMAGES, MODELS, RunSpec, make, whole_number
from irnn.store import Run
from irnn.training.plan import Curve, Experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _decades(name: str, value) -> None:
    """Raise `InputError` unless the value is a whole number of powers of ten."""
    whole_number(name, value, 1, 6)


PARAMETERS = shared(seeds=3, without=["learning_rate"]) | {
    "pooling": AVERAGED["pooling"],
    "samples": Parameter(None, "training images; None: a sixth of them"),
    "decades": Parameter(1, "from one learning rate to the next, in powers of ten", _decades),
    "paper": Parameter(True, "add the paper's own setting, at 784 steps", switch),
}

EPOCHS = {"map": 3, "longer": 4, "paper": 2}

LOWEST = {"sgd": -9, "rmsprop": -7}  # powers of ten of the lowest rates
HIGHEST = {"irnn": -1, "lstm": 0}  # and of SGD's highest, with which none learns; RMSprop's is -1
# From this power of ten on, settings have more than one seed; below it, none comes near learning.
SEVERAL = {"irnn": -8, "lstm": -5}
MOMENTA = (0.0, 0.5, 0.9, 0.99)
CLIPS = (None, 1.0)

# The best of the map, by the mean of the seeds, which are trained on all images as well. A test
# holds them against the recorded map.
BEST = {
    "irnn": {
        "rmsprop": {"learning_rate": 1e-4},
        "sgd": {"optimizer": "sgd", "learning_rate": 1e-6, "momentum": 0.99},
        "clipped": {
            "optimizer": "sgd",
            "learning_rate": 1e-5,
            "momentum": 0.99,
            "clip_norm": 1.0,
        },
    },
    "lstm": {
        "rmsprop": {"learning_rate": 1e-3},
        "sgd": {"optimizer": "sgd", "learning_rate": 1e-3, "momentum": 0.9},
        "clipped": {"optimizer": "sgd", "learning_rate": 1e-1, "clip_norm": 1.0},
    },
}

SHARED_RATE = shared()["learning_rate"].default  # of both networks, in the main chapter

# The paper's own setting, at 784 steps.
PAPER = {"irnn": 1e-8, "lstm": 1e-2}
PAPER_UPDATES = 1_000_000

CLOSE = 0.05
NEARLY = 0.15  # settings that end above this, and not above `LEARNS`, are counted, too

ALT = {
    "longer": {
        "en": "Test accuracy of IRNN and LSTM on all images, with the best setting of each kind",
        "ja": "種類ごとに最も良かった設定で、すべての画像を使って学習させた IRNN と LSTM の"
        "テスト正解率",
    },
    "paper": {
        "en": "Test accuracy of IRNN and LSTM with SGD at the paper's rates",
        "ja": "論文の学習率の SGD による、IRNN と LSTM のテスト正解率",
    },
    "settings": {
        "en": "Test accuracy by learning rate and momentum, for IRNN and LSTM, with SGD without "
        "and with clipping, and with RMSprop",
        "ja": "学習率とモーメンタムに対する IRNN と LSTM のテスト正解率。"
        "クリッピングなしの SGD、クリッピングありの SGD、RMSprop",
    },
    "weights": {
        "en": "Share of the recurrent weights whose gradient is larger than a size, before the "
        "first update, for IRNN and LSTM",
        "ja": "最初の更新の前に、勾配の大きさが横軸の値を超える再帰の重みの割合。IRNN と LSTM",
    },
}

CAPTIONS = {
    "longer": {
        "en": "The best setting of each kind, trained on all images: accuracy on the test set. A "
        "small mark is a seed, a large one the mean of the seeds.",
        "ja": "種類ごとに最も良かった設定で、すべての画像を使って学習させたときの、テスト"
        "データでの正解率。小さな印は個々のシード、大きな印はその平均。",
    },
    "paper": {
        "en": "The paper's rates, clipping and batch size, on all pixels: accuracy on the test set "
        "after the first epochs. A small mark is a seed, a large one the mean of the seeds.",
        "ja": "論文の学習率、クリッピング、バッチサイズで、すべての画素を読ませたときの、最初の"
        "数エポック後のテストデータでの正解率。小さな印は個々のシード、大きな印はその平均。",
    },
    "settings": {
        "en": "What each setting reaches: accuracy on the test set in percent, the mean of its "
        "seeds. A frame: the setting learns, it ends above 20%. A cross: it does not, and the loss "
        "of a seed is not finite in the end, or at least twice that of guessing.",
        "ja": "それぞれの設定で到達した、テストデータでの正解率（%）。シードの平均。枠は"
        " 20% を超えた、すなわち学習した設定。× は、学習せず、いずれかのシードの最後の損失が有限の"
        "値でないか、当て推量の損失の 2 倍以上だった設定。",
    },
    "weights": {
        "en": "How many of the recurrent weights have a larger gradient than the horizontal axis "
        "says: at the initial weights, on a batch of images in full size, a line for each seed. "
        "Left of the dotted line the steps of RMSprop, too, get smaller with the gradient.",
        "ja": "横軸の値より大きな勾配をもつ再帰の重みの割合。初期の重みと、縮小しない画像の"
        "一つのバッチについて、シードごとに示す。点線より左では、RMSprop の更新も、SGD と"
        "同じように勾配が小さいほど小さくなる。",
    },
}

WORDS = {
    "en": SHARED["en"]
    | {
        "plain": "{model}, SGD and RMSprop",
        "clipped": "{model}, SGD clipped at norm 1",
        "rate": "learning rate, as a power of ten",
        "momentum": "momentum {momentum:g}",
        "sgd": "SGD",
        "clip": "SGD, clipped",
        "paper": "as in the paper",
        "best": "{model}: at best {sgd:.1%} with SGD, {rmsprop:.1%} with RMSprop",
        "size": "size of the gradient of a weight",
        "share": "weights with a larger gradient",
        "root": "root of RMSprop's ε",
        "hardly any": "less than 1%",
        "above": "{model}: {share} of the weights have a gradient above {root}",
    },
    "ja": SHARED["ja"]
    | {
        "plain": "{model}、SGD と RMSprop",
        "clipped": "{model}、ノルム 1 でクリップした SGD",
        "rate": "学習率（10 の何乗か）",
        "momentum": "モーメンタム {momentum:g}",
        "sgd": "SGD",
        "clip": "SGD（クリップ）",
        "paper": "論文と同じ設定",
        "best": "{model} の最高の正解率は、SGD で {sgd:.1%}、RMSprop で {rmsprop:.1%}",
        "size": "重みの勾配の大きさ",
        "share": "勾配がこれを超える重み",
        "root": "RMSprop の ε の平方根",
        "hardly any": "1% 未満",
        "above": "{model} では、勾配が {root} を超える重みは {share}",
    },
}


def curve_name(model: str, momentum: float, clip: float | None) -> str:
    """Return the name of the curve of SGD over its rates: "irnn-sgd-0.9-clipped"."""
    return f"{model}-sgd-{momentum:g}{'' if clip is None else '-clipped'}"


def experiment(
    dataset: str,
    epochs: int | None,
    seeds: int,
    units: int,
    batch_size: int,
    pooling: int,
    samples: int | None,
    decades: int,
    paper: bool,
) -> Experiment:
    """Return SGD over rate, momentum and clipping, and RMSprop over its rate, for both networks.

    They are trained on a part of the images. `MODEL-longer-WHAT`: the settings of `BEST`, on all
    images. `paper` adds the paper's own setting: all images,
    no pooling, batches of 16, gradients clipped at 1.
    """
    one_of("dataset", dataset, IMAGES)
    common = {"dataset": dataset, "units": units, "batch_size": batch_size}
    common |= {
        "pooling": pooling,
        "samples": IMAGES[dataset][1] // 6 if samples is None else samples,
    }
    length = epochs or EPOCHS["map"]

    def curve(model: str, optimizer: str, **changes) -> Curve:
        setting = common | changes | {"optimizer": optimizer}
        highest = HIGHEST[model] if optimizer == "sgd" else -1
        specs = [
            make(model, learning_rate=10.0**exponent, seed=seed, **setting)
            for exponent in range(LOWEST[optimizer], highest + 1, decades)
            for seed in range(seeds if exponent >= SEVERAL[model] else 1)
        ]
        return Curve(tuple(specs), length)

    found = {}
    for model in MODELS:
        found[f"{model}-rmsprop"] = curve(model, "rmsprop")
        for clip in CLIPS:
            for momentum in MOMENTA:
                setting = {"momentum": momentum, "clip_norm": clip}
                found[curve_name(model, momentum, clip)] = curve(model, "sgd", **setting)
    common |= {"samples": None}
    for model, settings in BEST.items():
        for what, setting in settings.items():
            specs = [make(model, seed=seed, **common, **setting) for seed in range(seeds)]
            found[f"{model}-longer-{what}"] = Curve(tuple(specs), epochs or EPOCHS["longer"])
    if paper:
        for model, rate in PAPER.items():
            setting = {"optimizer": "sgd", "learning_rate": rate, "clip_norm": 1.0}
            specs = [
                make(model, dataset=dataset, units=units, batch_size=16, seed=seed, **setting)
                for seed in range(seeds)
            ]
            found[f"{model}-paper"] = Curve(tuple(specs), epochs or EPOCHS["paper"])
    return found


def by_setting(runs: Iterable[Run]) -> list[list[Run]]:
    """Return the runs in lists that differ in nothing but the seed."""
    found: dict[RunSpec, list[Run]] = {}
    for run in runs:
        found.setdefault(replace(run.spec, seed=0), []).append(run)
    return list(found.values())


def rmsprop(runs: Runs, model: str) -> list[list[Run]]:
    """Return the seeds of a network's settings with RMSprop."""
    return by_setting(runs[f"{model}-rmsprop"])


def sgd(runs: Runs, model: str, clips: Iterable[float | None] = CLIPS) -> list[list[Run]]:
    """Return the seeds of a network's settings with SGD, with and without clipping."""
    names = [curve_name(model, momentum, clip) for clip in clips for momentum in MOMENTA]
    return by_setting(run for name in names for run in runs[name])


def reached(seeds: list[Run]) -> float:
    """Return the test accuracy that a setting ends with, the mean of its seeds."""
    return float(accuracies(seeds).mean())


def best(settings: Iterable[list[Run]]) -> list[Run]:
    """Return the seeds of the setting that ends with the highest test accuracy."""
    return max(settings, key=reached)


def outcome(seeds: list[Run]) -> str:
    """Return what becomes of a setting: "learned" if its test accuracy ends above `LEARNS`.

    "diverged" if in any seed the loss ends at twice that of guessing, or is not finite; "stalled"
    otherwise.
    """
    if reached(seeds) > LEARNS:
        return "learned"
    losses = [run["loss"][-1] for run in seeds]
    low = all(math.isfinite(loss) and loss < 2 * math.log(10) for loss in losses)
    return "stalled" if low else "diverged"


def numbers(runs: Runs, language: str) -> dict[str, str | int]:
    """Return the numbers of the prose by name."""
    first = runs["irnn-rmsprop"][0]
    found = {
        "steps": first.spec.steps,
        "images": f"{first.spec.training_images:,}",
        "epochs": len(first),
        "updates": f"{len(first) * first.spec.updates:,}",
        "post_share": f"{len(first) * first.spec.updates / make('irnn').updates:.0%}",
        "learns": f"{LEARNS:.0%}",
        "nearly": f"{NEARLY:.0%}",
        "shared_rate": rate(SHARED_RATE),
        "seeds": len(best(rmsprop(runs, "irnn"))),
        "longer_epochs": len(runs["irnn-longer-sgd"][0]),
        "longer_seeds": len(runs["irnn-longer-sgd"]),
        "longer_images": f"{runs['irnn-longer-sgd'][0].spec.training_images:,}",
    }
    for model in MODELS:
        found[f"{model}_several"] = rate(10.0 ** SEVERAL[model])
        found[f"{model}_highest"] = f"{10.0 ** HIGHEST[model]:g}"
        found[f"{model}_settings"] = len(sgd(runs, model))
        for name, some in (
            ("rmsprop", rmsprop(runs, model)),
            ("sgd", sgd(runs, model, [None])),
            ("clipped", sgd(runs, model, [1.0])),
        ):
            top = best(some)
            found[f"{model}_{name}_settings"] = len(some)
            found[f"{model}_{name}"] = percent(top, language)
            found[f"{model}_{name}_rate"] = rate(top[0].spec.learning_rate)
            found[f"{model}_{name}_momentum"] = f"{top[0].spec.momentum:g}"
            for kind in ("learned", "stalled", "diverged"):
                found[f"{model}_{name}_{kind}"] = sum(outcome(seeds) == kind for seeds in some)
        for name, clips in (("sgd", [None]), ("clipped", [1.0])):
            ends = [reached(seeds) for seeds in sgd(runs, model, clips)]
            found[f"{model}_{name}_nearly"] = sum(NEARLY < end <= LEARNS for end in ends)
        at_shared = [r for r in runs[f"{model}-rmsprop"] if r.spec.learning_rate == SHARED_RATE]
        found[f"{model}_rmsprop_shared"] = percent(at_shared, language) if at_shared else "–"
        found[f"{model}_rmsprop_rates"] = learned_rates(runs, model)[0]
        found[f"{model}_lead_p"] = p_value(_lead(runs, model).p)
        for what in BEST[model]:
            some = runs[f"{model}-longer-{what}"]
            found[f"{model}_longer_{what}"] = percent(some, language)
            found[f"{model}_longer_{what}_p"] = p_value(
                difference(runs[f"{model}-longer-rmsprop"], some).p
            )
        still = runs[curve_name(model, 0.0, None)][:1]  # at the lowest rate, it hardly moves
        found[f"{model}_norm_start"] = mean(still, "gradient_norm", epoch=0)
        found[f"{model}_norm_end"] = mean(best(rmsprop(runs, model)), "gradient_norm")
    return found | (_paper_numbers(runs, language) if "irnn-paper" in runs else {})


def _paper_numbers(runs: Runs, language: str) -> dict[str, str | int]:
    """Return the numbers of the paper's own setting."""
    irnn = runs["irnn-paper"]
    first, spec = irnn[0], irnn[0].spec
    fall = np.mean([run["loss"][0] - run["loss"][-1] for run in irnn])
    updates = (len(first) - 1) * spec.updates  # from the middle of an epoch to that of the last
    norm = np.mean([run["gradient_norm"][-1] for run in irnn])
    done = len(first) * spec.updates
    moved = spec.learning_rate * spec.clip_norm * done  # at most: an update is as long as its rate
    return {
        "paper_epochs": len(first),
        "paper_updates": f"{len(first) * spec.updates:,}",
        "paper_seeds": len(irnn),
        "paper_batch": spec.batch_size,
        "irnn_paper_norm": mean(irnn, "gradient_norm"),
        "irnn_paper_loss": f"{np.mean([run['loss'][-1] for run in irnn]):.3g}",
        "paper_moved": rate(moved),
        "paper_lowers": f"{moved * norm:.1g}",
        "paper_farthest": f"{moved / done * PAPER_UPDATES:g}",
        "irnn_paper_fall": rate(float(f"{fall:.1g}")),
        "irnn_paper_pace": f"{fall / updates * PAPER_UPDATES:.1g}" if updates else "–",
        **{f"{model}_paper": percent(runs[f"{model}-paper"], language) for model in MODELS},
        **{f"{model}_paper_rate": rate(value) for model, value in PAPER.items()},
    }


def _by_model(probes: Iterable[Probe]) -> dict[str, list[Probe]]:
    """Return probes of initial weights by network, a seed each: the rate is of no account."""
    found = {(p.spec.model, p.spec.seed): p for p in probes}
    return {model: [p for (m, _), p in sorted(found.items()) if m == model] for model in MODELS}


def _above(probes: list[Probe], size: float, language: str) -> str:
    """Say which share of the weights has a gradient above a size, the mean of the seeds."""
    shares = [np.mean(np.array(p.values["quantiles"][:-1]) > size) for p in probes]
    share = float(np.mean(shares))
    return f"{share:.0%}" if share >= 0.01 else WORDS[language]["hardly any"]


def _root(probe: Probe) -> float:
    """Return the size of a gradient that RMSprop divides by its own size and as much again."""
    return math.sqrt(probe.spec.epsilon)


def numbers_of_probes(probes: list[Probe], language: str) -> dict[str, str]:
    """Return the numbers of the prose on the initial gradients, by name.

    `irnn_above`: the share of the recurrent weights whose gradient is above the root of
    RMSprop's epsilon. `lstm_median`: their median, and `lstm_step`: how far RMSprop moves such a
    weight, as a multiple of the learning rate, if its gradient stays as it is.
    """
    found = {"root": rate(_root(probes[0])), "epsilon": rate(probes[0].spec.epsilon)}
    found["as_sgd"] = f"{1 / _root(probes[0]):,.0f}"
    for model, some in _by_model(probes).items():
        size = float(np.mean([np.median(p.values["quantiles"]) for p in some]))
        found[f"{model}_above"] = _above(some, _root(some[0]), language)
        found[f"{model}_median"] = rate(float(f"{size:.1e}"))
        found[f"{model}_step"] = rate(float(f"{size / math.hypot(size, _root(some[0])):.1e}"))
    return found


def weights(probes: list[Probe], language: str) -> Picture:
    """Draw the share of the recurrent weights above a size of the gradient, a line for a seed."""
    text = WORDS[language]
    shown = _by_model(probes)
    root = _root(probes[0])

    def draw(wide: bool) -> "Figure":
        figure = new_figure(3.2 if wide else 4.4, wide)
        axes = figure.add_subplot()
        for model, some in shown.items():
            for probe in some:
                sizes = np.array(probe.values["quantiles"])
                share = np.linspace(1, 0, len(sizes))
                look = {"color": COLORS[model], "label": model.upper(), "gid": probe.spec.id}
                look |= {"marker": MARKERS[model], "markevery": 10, "markersize": 4}
                axes.plot(sizes[sizes > 0], share[sizes > 0], **look)
        line = {"color": INK, "linewidth": 1, "linestyle": ":", "alpha": 0.8}
        axes.axvline(root, label=text["root"], **line)
        logarithmic(axes.xaxis)
        axes.set(xlabel=text["size"], ylabel=text["share"], ylim=(0, 1), xlim=(1e-9, None))
        axes.yaxis.set_major_formatter("{x:.0%}")
        legend(figure, wide, columns=3)
        return figure

    findings = [
        text["above"].format(
            model=model.upper(), share=_above(some, root, language), root=rate(root)
        )
        for model, some in shown.items()
    ]
    every = [probe for some in shown.values() for probe in some]
    values = [
        columns(probe.spec) | {"percent": percent, "gradient": size}
        for probe in every
        for percent, size in enumerate(probe.values["quantiles"])
    ]
    alt = described(ALT["weights"][language], findings, language)
    return Picture(draw, alt, language, measured=tuple(every), values=values)


def settings(runs: Runs, language: str) -> Picture:
    """Draw the test accuracy over rate and momentum, a panel for each network and clipping."""
    text = WORDS[language]
    panels = [(model, clip) for model in MODELS for clip in CLIPS]

    def rows(model: str, clip: float | None) -> dict[str, list[Run]]:
        found = {"RMSprop": [] if clip else runs[f"{model}-rmsprop"]}
        for momentum in MOMENTA:
            label = text["momentum"].format(momentum=momentum)
            found[label] = runs[curve_name(model, momentum, clip)]
        return found

    def draw(wide: bool) -> "Figure":
        figure = new_figure(5.2 if wide else 9.6, wide)
        shape = (2, 2) if wide else (4, 1)
        for axes, (model, clip) in zip(figure.subplots(*shape).flat, panels, strict=True):
            title = text["clipped" if clip else "plain"].format(model=model.upper())
            axes.set_title(title, fontsize="medium")
            _heat(axes, {label: some for label, some in rows(model, clip).items() if some or wide})
            axes.set_xlabel(text["rate"])
            axes.tick_params(labelleft=not (clip and wide))
        return figure

    every = [run for model, clip in panels for some in rows(model, clip).values() for run in some]
    findings = [
        text["best"].format(
            model=model.upper(),
            sgd=reached(best(sgd(runs, model))),
            rmsprop=reached(best(rmsprop(runs, model))),
        )
        for model in MODELS
    ]
    values = [
        columns(run.spec)
        | {
            "optimizer": run.spec.optimizer,
            "momentum": run.spec.momentum,
            "clip_norm": run.spec.clip_norm,
            "accuracy": run["val_accuracy"][-1],
            "outcome": outcome([run]),
        }
        for run in every
    ]
    alt = described(ALT["settings"][language], findings, language)
    return Picture(draw, alt, language, tuple(every), values=values)


def longer(runs: Runs, language: str) -> Picture:
    """Draw what the best setting of each kind reaches on all images, for both networks."""
    labels = {
        "rmsprop": "RMSprop",
        "sgd": WORDS[language]["sgd"],
        "clipped": WORDS[language]["clip"],
    }
    rows = {
        label: [runs[f"{model}-longer-{what}"] for model in MODELS]
        for what, label in labels.items()
    }
    return final_accuracies(rows, language, ALT["longer"][language])


def paper(runs: Runs, language: str) -> Picture:
    """Draw what the first epochs reach in the paper's own setting, for both networks."""
    rows = {WORDS[language]["paper"]: [runs[f"{model}-paper"] for model in MODELS]}
    return final_accuracies(rows, language, ALT["paper"][language])


def _heat(axes, rows: dict[str, list[Run]]) -> None:
    """Draw rows of runs over the rate: a colour and the percentage, or a cross if it diverged.

    What has learned is framed. A row without runs stays empty, beside a panel that has some.
    """
    rates = sorted({run.spec.learning_rate for some in rows.values() for run in some})
    accuracy = np.full((len(rows), len(rates)), np.nan)
    for y, some in enumerate(rows.values()):
        for seeds in by_setting(some):
            x = rates.index(seeds[0].spec.learning_rate)
            look = {"ha": "center", "va": "center", "fontsize": "small"}
            if outcome(seeds) == "diverged":
                axes.text(x, y, "×", **look)
                continue
            accuracy[y, x] = reached(seeds)
            look["color"] = "white" if accuracy[y, x] < 0.6 else "black"
            axes.text(x, y, f"{100 * accuracy[y, x]:.0f}", **look)
            if outcome(seeds) == "learned":
                frame = {"facecolor": "none", "edgecolor": INK, "linewidth": 1.5}
                corner = (x - 0.44, y - 0.44)
                axes.add_patch(matplotlib().patches.Rectangle(corner, 0.88, 0.88, **frame))
    axes.imshow(accuracy, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    powers = [f"{round(math.log10(value))}".replace("-", "−") for value in rates]
    axes.set_xticks(range(len(rates)), powers, fontsize="small")
    axes.set_yticks(range(len(rows)), list(rows), fontsize="small")
    axes.grid(visible=False)


# --- claims -----------------------------------------------------------------------------


def sgd_cannot(runs: Runs) -> str:
    """Judge that plain SGD, without clipping as in the post, never trains the IRNN.

    Reproduced: at no rate and momentum does it learn. In part: nowhere to half of what RMSprop
    reaches.
    """
    with_sgd = reached(best(sgd(runs, "irnn", clips=[None])))
    if with_sgd <= LEARNS:
        return "reproduced"
    with_rmsprop = reached(best(rmsprop(runs, "irnn")))
    return "in part" if with_sgd < with_rmsprop / 2 else "not reproduced"


def depends_on_momentum(runs: Runs) -> str:
    """Judge that momentum decides whether SGD trains the IRNN.

    Reproduced: at some rate, one momentum learns and another stalls or diverges, though the same
    step size would not: the rate over 1 - momentum differs by less than a factor of ten. In
    part: only where it differs by more.
    """
    learned, failed = set(), set()
    for seeds in sgd(runs, "irnn"):
        spec = seeds[0].spec
        step = math.log10(spec.learning_rate / (1 - spec.momentum))
        kind = learned if outcome(seeds) == "learned" else failed
        kind.add((spec.learning_rate, spec.clip_norm, step))
    pairs = [(a, b) for a in learned for b in failed if a[:2] == b[:2]]
    if any(abs(a[2] - b[2]) < 1 - 1e-9 for a, b in pairs):  # ten is not less than ten
        return "reproduced"
    return "in part" if pairs else "not reproduced"


def rmsprop_is_faster(runs: Runs) -> str:
    """Judge that RMSprop at its best rate is ahead of SGD at its best.

    For each network: by more than `CLOSE`, and by more than chance.
    """
    leads = [_lead(runs, model) for model in MODELS]
    return all_or_some(lead.higher and lead.value > CLOSE for lead in leads)


def _lead(runs: Runs, model: str) -> Difference:
    """Return how far RMSprop's best rate is ahead of the best setting of SGD in the map."""
    return difference(best(rmsprop(runs, model)), best(sgd(runs, model)))


def learned_rates(runs: Runs, model: str) -> tuple[int, int]:
    """Return at how many rates a network learns: with RMSprop, and with SGD at its best."""

    def count(some: Iterable[Run]) -> int:
        return sum(outcome(seeds) == "learned" for seeds in by_setting(some))

    with_sgd = (runs[curve_name(model, m, clip)] for m in MOMENTA for clip in CLIPS)
    return count(runs[f"{model}-rmsprop"]), max(map(count, with_sgd))


def rmsprop_learns_at_more_rates(runs: Runs) -> str:
    """Judge that RMSprop learns over more decades of its rate than SGD at its best momentum."""
    rates = [learned_rates(runs, model) for model in MODELS]
    return all_or_some(with_rmsprop > with_sgd for with_rmsprop, with_sgd in rates)


def _best(runs: Runs, language: str) -> str:
    parts = [
        WORDS[language]["best"].format(
            model=model.upper(),
            sgd=reached(best(sgd(runs, model))),
            rmsprop=reached(best(rmsprop(runs, model))),
        )
        for model in MODELS
    ]
    return joined(parts, language)


def _outcomes(clips: Iterable[float | None]):
    """Return a function that says how many settings of the IRNN with SGD learned, and the best."""

    def measured(runs: Runs, language: str) -> str:
        some = sgd(runs, "irnn", clips)
        found = [outcome(seeds) for seeds in some]
        counts = {kind: found.count(kind) for kind in ("learned", "stalled", "diverged")}
        return OUTCOMES[language].format(**counts, best=reached(best(some)))

    return measured


def _learned_rates(runs: Runs, language: str) -> str:
    """Say at how many rates each network learns, with RMSprop and with SGD."""
    parts = []
    for model in MODELS:
        with_rmsprop, with_sgd = learned_rates(runs, model)
        words = {"model": model.upper(), "rmsprop": with_rmsprop, "sgd": with_sgd}
        parts.append(LEARNED_RATES[language].format(**words))
    return joined(parts, language)


OUTCOMES = {
    "en": "the IRNN with SGD, number of settings: {learned} learned, {stalled} stayed below the "
    "mark, {diverged} diverged; at best {best:.1%}",
    "ja": "SGD を使った IRNN：学習した設定 {learned} 通り、基準に届かなかった設定 {stalled} 通り、"
    "発散した設定 {diverged} 通り。正解率は最高で {best:.1%}",
}
LEARNED_RATES = {
    "en": "{model} learns at {rmsprop} rates with RMSprop, at {sgd} at most with SGD",
    "ja": "{model} が学習する学習率は、RMSprop で {rmsprop} 通り、SGD では多くて {sgd} 通り",
}

CLAIMS = (
    Claim("sgd-cannot-train-irnn", sgd_cannot, _outcomes([None]), reviewed="not reproduced"),
    Claim("sgd-depends-on-momentum", depends_on_momentum, _outcomes(CLIPS), reviewed="in part"),
    Claim("rmsprop-faster", rmsprop_is_faster, _best, reviewed="in part"),
    Claim(
        "rmsprop-more-rates", rmsprop_learns_at_more_rates, _learned_rates, reviewed="reproduced"
    ),
)
