"""What an epoch costs: measurements, and not runs."""

from typing import TYPE_CHECKING

from irnn import parameters
from irnn.chapters.irnn_vs_lstm import POST_SECONDS
from irnn.measurements import GPU, Jobs, Speed, find, only
from irnn.show.picture import Picture
from irnn.show.style import (
    BACKENDS,
    COLORS,
    INK,
    MARKERS,
    label_rows,
    legend,
    matplotlib,
    new_figure,
)
from irnn.show.text import day, described, listed, seconds
from irnn.show.words import SHARED
from irnn.spec import MODELS, make

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARAMETERS = {"language": parameters.SHARED["language"]}  # runs are not shown

# The rows of the first figure: backend, loop, way.
LOOPS = (
    ("tensorflow", "stock", "fit"),
    ("tensorflow", "keras", "fit"),
    ("jax", "stock", "fit"),
    ("jax", "scan", "fit"),
    ("jax", "native", "fit"),
    ("jax", "native", "program"),
    ("jax", "ceiling", "program"),
)

# The rows of the figure of a GPU: loop, runs side by side.
ON_GPU = (("stock", 1), ("scan", 1), ("fused", 1), ("fused", 32))
MILLION = 1_000_000  # updates, the paper's

ALT = {
    "loops": {
        "en": "Seconds per epoch: July 2015 slowest, then TensorFlow, stock Keras on JAX and this "
        "book's loops, and at last the least that the processor allows",
        "ja": "1 エポックの秒数。最も長い 2015 年 7 月から、TensorFlow、JAX 上の Keras 標準、"
        "本書のループと続き、最後はプロセッサーで可能な最短の時間",
    },
    "batch_sizes": {
        "en": "Seconds per epoch over the batch size, of this book's networks and stock Keras",
        "ja": "バッチサイズに対する 1 エポックの秒数。本書のネットワークと Keras 標準",
    },
    "growth": {
        "en": "Seconds per epoch by steps, by units and by runs in one program",
        "ja": "ステップ数、ユニット数、まとめたランの数に対する 1 エポックの秒数",
    },
    "gpu": {
        "en": "Seconds per epoch on a GPU: July 2015, stock Keras, and this book's loops; with all "
        "steps in one kernel it takes by far the shortest time",
        "ja": "GPU での 1 エポックの秒数。2015 年 7 月、Keras 標準、本書のループを比べると、"
        "全ステップを一つのカーネルで計算したものが群を抜いて短い",
    },
    "throughput": {
        "en": "Updates per second by number of processes and threads",
        "ja": "プロセス数とスレッド数ごとの、1 秒あたりの更新回数",
    },
}

CAPTIONS = {
    "loops": {
        "en": "Seconds per epoch of both networks, a row for each way to compute it. A point "
        "is the median of the rounds; the line through it goes from the lower to the upper "
        "quartile. The last row is the time of the multiplications alone, at full speed.",
        "ja": "両方のネットワークの 1 エポックあたりの秒数を、計算の方法ごとに示す。点は"
        "ラウンドの中央値、点を通る線は第 1 四分位数から第 3 四分位数まで。いちばん下の行は、"
        "乗算と加算だけを最高速で行った場合の時間。",
    },
    "batch_sizes": {
        "en": "Seconds per epoch over the batch size, on one core with JAX: this book's networks "
        "and stock Keras. Points and lines as in the figure before.",
        "ja": "いくつかのバッチサイズでの 1 エポックあたりの秒数（1 コア、JAX）。"
        "本書のネットワークと Keras 標準を示す。点と線の意味は前の図と同じ。",
    },
    "growth": {
        "en": "Seconds per epoch and run as one thing grows and the others stay: the steps of a "
        "sequence, the units, the runs in one program. Both axes are logarithmic.",
        "ja": "系列のステップ数、ユニット数、一つのプログラムにまとめたランの数のうち、"
        "一つだけを増やしたときの、1 ランの 1 エポックあたりの秒数。両軸とも対数目盛。",
    },
    "gpu": {
        "en": "Seconds per epoch and run on a GPU of 2015, in the first row, and of today. Points "
        "and lines as in the first figure.",
        "ja": "GPU での、1 ランの 1 エポックあたりの秒数。いちばん上の行は 2015 年、ほかは現在の "
        "GPU。点と線の意味は最初の図と同じ。",
    },
    "throughput": {
        "en": "Updates per second of all processes together. A thin line goes from the lower to "
        "the upper quartile of the rounds.",
        "ja": "全プロセスを合わせた、1 秒あたりの更新回数。細い線はラウンドの第 1 四分位数から"
        "第 3 四分位数まで。",
    },
}

WORDS = {
    "en": SHARED["en"]
    | {
        "2015": "July 2015, GRID K520",
        "stock": "stock Keras, {backend}",
        "keras": "this book, {backend}",
        "scan": "this book, {backend}, a step at a time",
        "native": "this book, {backend}, all steps in one call",
        "native program": "the same, all updates in one program",
        "ceiling": "its multiplications alone, at full speed",
        "fused": "this book, {backend}, all steps in one kernel",
        "fused side by side": "the same, {n} runs side by side",
        "not measured": "not measured",
        "finding": "{of}, {what}: {finding}",
        "x from to": "{first} s at {least}, {last} s at {most}",
        "batch size": "images per update (batch size)",
        "ours": "this book, {backend}",
        "seconds per run": "seconds per epoch and run (logarithmic)",
        "steps": "steps of a sequence, T",
        "units": "units",
        "together": "runs in one program",
        "1, 1": "1 process, 1 thread",
        "1, n": "1 process, {threads} threads",
        "n, 1": "{jobs} processes, 1 thread each",
        "throughput": "updates per second, all processes together",
    },
    "ja": SHARED["ja"]
    | {
        "2015": "2015 年 7 月、GRID K520",
        "stock": "Keras 標準、{backend}",
        "keras": "本書、{backend}",
        "scan": "本書、{backend}、1 ステップずつ",
        "native": "本書、{backend}、全ステップを 1 回の呼び出しで",
        "native program": "同上、全更新を一つのプログラムで",
        "ceiling": "乗算と加算だけを最高速で行った場合",
        "fused": "本書、{backend}、全ステップを一つのカーネルで",
        "fused side by side": "同上、{n} ランを同時に",
        "not measured": "測定なし",
        "finding": "{of}、{what}：{finding}",
        "x from to": "{least} で {first} 秒、{most} で {last} 秒",
        "batch size": "1 回の更新に使う画像の数（バッチサイズ）",
        "ours": "本書、{backend}",
        "seconds per run": "1 ランの 1 エポックあたりの秒数（対数目盛）",
        "steps": "系列のステップ数 T",
        "units": "ユニット数",
        "together": "まとめたランの数",
        "1, 1": "1 プロセス、1 スレッド",
        "1, n": "1 プロセス、{threads} スレッド",
        "n, 1": "{jobs} プロセス、各 1 スレッド",
        "throughput": "1 秒あたりの更新回数（全プロセスの合計）",
    },
}


def numbers(
    speed: list[Speed], jobs: list[Jobs], gpu: list[GPU], language: str
) -> dict[str, str | int]:
    """Return the numbers of the prose by name."""
    spec = make("irnn")
    small, large = (make("irnn", batch_size=size) for size in (16, 128))
    first = only(speed, group="loops", network="irnn", backend="jax", loop="native", way="fit")

    found = dict(
        date=day(max(row.date for row in speed), language),
        machine=listed(speed, "machine"),
        cores=first.cores,
        keras=first.keras,
        jax=listed(find(speed, backend="jax"), "backend_version"),
        tensorflow=listed(find(speed, backend="tensorflow"), "backend_version"),
        rounds=first.rounds,
        images=f"{spec.training_images:,}",
        batch_size=spec.batch_size,
        small_batch=small.batch_size,
        large_batch=large.batch_size,
        units=spec.units,
        steps=spec.steps,
        updates=f"{spec.updates:,}",
        small_updates=f"{small.updates:,}",
        large_updates=f"{large.updates:,}",
        epoch_steps=f"{spec.updates * spec.steps:,}",
        multiply_adds=f"{spec.batch_size * spec.units**2:,}",
        batch_kb=f"{4 * spec.batch_size * spec.steps / 1000:.0f}",
        post_update=f"{1000 * POST_SECONDS['irnn'] / spec.updates:.0f}",
    )
    for network in MODELS:
        found |= {f"{network}_{key}": v for key, v in _of_network(network, speed, jobs).items()}
    gpu = find(gpu, tiling=None)
    found |= {
        "gpu": listed(gpu, "device"),
        "gpu_date": day(max(row.date for row in gpu), language),
        "gpu_jax": listed(gpu, "jax"),
        "gpu_runs": ON_GPU[-1][1],
        "million": f"{MILLION:,}",
    }
    for network in MODELS:
        found |= {f"{network}_gpu_{key}": v for key, v in _on_gpu(network, gpu).items()}
    for group in ("steps", "units", "together"):
        values = {getattr(row, group) for row in find(speed, group=group)}
        found[f"{group}_least"], found[f"{group}_most"] = min(values), max(values)
        found[f"{group}_times"] = f"{max(values) / min(values):g}"
    return found


def _of_network(network: str, speed: list[Speed], jobs: list[Jobs]) -> dict[str, str]:
    """Return the numbers of one network."""
    spec, then = make(network), POST_SECONDS[network]
    rows = find(speed, group="loops", network=network)
    row = {(r.backend, r.loop, r.way): r for r in rows}
    scan, native, program, ceiling = (row[key] for key in LOOPS[3:])
    tensorflow = row["tensorflow", "keras", "fit"]
    microseconds = 1e6 / spec.updates / spec.steps
    found = {
        "post": seconds(then),
        "post_step": seconds(microseconds * then),
        "step": seconds(microseconds * native.seconds),
        "native": seconds(native.seconds),
        "faster": f"{then / native.seconds:.0f}",
        "scan_ratio": f"{scan.ratio:.2f}",
        "native_ratio": f"{native.ratio:.2f}",
        "of_bound": f"{program.cpu_seconds / ceiling.cpu_seconds:.2f}",
        "tensorflow_ratio": f"{tensorflow.cpu_ratio:.2f}",
        "tensorflow_times": f"{tensorflow.cpu_seconds / native.cpu_seconds:.1f}",
        "tensorflow_low": seconds(tensorflow.low),
        "tensorflow_high": seconds(tensorflow.high),
    }
    batches = find(speed, group="batch", network=network, loop="native")
    batches = sorted(batches, key=lambda r: r.batch_size)
    found |= {
        "batch_small": seconds(batches[0].seconds),
        "batch_large": seconds(batches[-1].seconds),
    }
    for group in ("steps", "units", "together"):
        grown = sorted(find(speed, group=group, network=network), key=lambda r: getattr(r, group))
        found[f"{group}_first"] = seconds(grown[0].seconds)
        found[f"{group}_last"] = seconds(grown[-1].seconds)
        found[f"{group}_factor"] = f"{grown[-1].seconds / grown[0].seconds:.1f}"
    side_by_side = max(find(jobs, network=network, threads=1), key=lambda job: job.jobs)
    threads = max(find(jobs, network=network, jobs=1), key=lambda job: job.threads)
    return found | {
        "jobs": side_by_side.jobs,
        "jobs_ratio": f"{side_by_side.ratio:.2f}",
        "threads": threads.threads,
        "threads_ratio": f"{threads.ratio:.2f}",
    }


def _on_gpu(network: str, gpu: list[GPU]) -> dict[str, str]:
    """Return the numbers of one network on a GPU."""
    stock, fused = (
        only(gpu, network=network, loop=loop, runs=1).seconds for loop in ("stock", "fused")
    )
    update = fused / make(network).updates
    found = {
        "fused": seconds(fused),
        "faster": f"{stock / fused:.0f}",
        "than_then": f"{round(POST_SECONDS[network] / fused, -1):.0f}",  # the post has two digits
        "step": seconds(1e6 * update / make(network).steps),
        "million": f"{MILLION * update / 60:.0f}",
    }
    for row in find(gpu, network=network, loop="fused", runs=ON_GPU[-1][1]):
        found |= {
            "per_run": seconds(row.seconds),
            "growth": f"{row.seconds * row.runs / fused:.1f}",
        }
    return found


def loops(rows: list[Speed], language: str) -> Picture:
    """Draw the seconds per epoch of every loop, a panel for each network, with 2015's."""
    text = WORDS[language]
    rows = find(rows, group="loops")
    labels = []
    for backend, loop, way in LOOPS:
        key = "native program" if (loop, way) == ("native", "program") else loop
        labels.append(text[key].format(backend=BACKENDS[backend]))
    found = {
        model: [
            only(rows, network=model, backend=backend, loop=loop, way=way)
            for backend, loop, way in LOOPS
        ]
        for model in MODELS
    }
    return _by_way("loops", labels, found, language)


def gpu(rows: list[GPU], language: str) -> Picture:
    """Draw the seconds per epoch on a GPU, a panel for each network, with 2015's."""
    text = WORDS[language]
    labels = [
        text[loop if runs == 1 else f"{loop} side by side"].format(backend=BACKENDS["jax"], n=runs)
        for loop, runs in ON_GPU
    ]
    chosen = find(rows, tiling=None)
    found = {
        model: [
            next(iter(find(chosen, network=model, loop=loop, runs=n)), None) for loop, n in ON_GPU
        ]
        for model in MODELS
    }
    return _by_way("gpu", labels, found, language)


def _by_way(
    name: str, labels: list[str], found: dict[str, list[Speed | None] | list[GPU | None]], language
) -> Picture:
    """Draw seconds per epoch, 2015's first: a panel for each network, a row for each label.

    Where there is no measurement, the row says so.
    """
    text = WORDS[language]
    labels = [text["2015"], *labels]
    measured = {
        model: {y: row for y, row in enumerate(rows, 1) if row} for model, rows in found.items()
    }
    times = {
        model: {0: then} | {y: row.seconds for y, row in measured[model].items()}
        for model, then in POST_SECONDS.items()
    }

    every = [value for values in times.values() for value in values.values()]
    subs = (1, 2, 5) if max(every) < 1000 * min(every) else (1,)

    def draw(wide: bool) -> "Figure":
        figure = new_figure((1.4 if wide else 2.4) + (0.4 if wide else 0.7) * len(labels), wide)
        panels = figure.subplots(2, 1, sharex=True)
        for axes, (model, values) in zip(panels, times.items(), strict=True):
            look = {"color": COLORS[model], "marker": MARKERS[model], "linestyle": "none"}
            axes.plot(values.values(), values.keys(), **look)
            for y, row in measured[model].items():
                axes.hlines(y, row.low, row.high, color=COLORS[model], alpha=0.6)
            for y, value in values.items():
                axes.annotate(
                    seconds(value), (value, y), (7, 0), textcoords="offset points", va="center"
                )
            for y in set(range(len(labels))) - values.keys():
                look = {
                    "va": "center",
                    "fontsize": "small",
                    "transform": axes.get_yaxis_transform(),
                }
                axes.text(0.02, y, text["not measured"], **look)
            label_rows(axes, labels, wide)
            axes.set_title(model.upper())
            axes.set_xscale("log")
            axes.margins(x=0.12)
            _plain(axes.xaxis, subs)
        panels[-1].set_xlabel(text["seconds"])
        return figure

    findings = [
        text["duration"].format(name=name, seconds=seconds(value))
        for model, values in times.items()
        for y, value in values.items()
        for name in [text["of network"].format(network=model.upper(), label=labels[y])]
    ]
    alt = described(ALT[name][language], findings, language)
    rows = tuple(row for some in measured.values() for row in some.values())
    return Picture(draw, alt, language, measured=rows)


def batch_sizes(rows: list[Speed], language: str) -> Picture:
    """Draw the seconds per epoch by batch size, of this book's networks and of stock Keras."""
    text = WORDS[language]
    rows = find(rows, group="batch")
    label = {
        "stock": text["stock"].format(backend="JAX"),
        "native": text["ours"].format(backend="JAX"),
    }
    found = {
        (model, loop): find(rows, network=model, loop=loop) for model in MODELS for loop in label
    }

    def draw(wide: bool) -> "Figure":
        figure = new_figure(3.6 if wide else 6, wide)
        panels = figure.subplots(1, 2) if wide else figure.subplots(2, 1)
        for axes, model in zip(panels, MODELS, strict=True):
            for loop, color in (("stock", INK), ("native", COLORS[model])):
                look = {"color": color, "marker": MARKERS[model]}
                look |= {"markerfacecolor": "none", "linestyle": "--"} if loop == "stock" else {}
                _curve(axes, found[model, loop], "batch_size", label=label[loop], **look)
            axes.set_title(model.upper())
            axes.set(xlabel=text["batch size"], ylabel=text["linear seconds"])
            axes.set_ylim(bottom=0)
            axes.legend(loc="lower center")
        return figure

    findings = [
        text["finding"].format(
            of=model.upper(), what=label[loop], finding=_from_to(curve, "batch_size", text)
        )
        for (model, loop), curve in found.items()
    ]
    alt = described(ALT["batch_sizes"][language], findings, language)
    return Picture(draw, alt, language, measured=tuple(rows))


def growth(rows: list[Speed], language: str) -> Picture:
    """Draw how the seconds per epoch and run grow with steps, units and runs in one program."""
    text = WORDS[language]
    groups = ("steps", "units", "together")
    shown = [row for row in rows if row.group in groups]
    found = {
        (group, model): find(shown, group=group, network=model)
        for group in groups
        for model in MODELS
    }

    def draw(wide: bool) -> "Figure":
        figure = new_figure(4 if wide else 8, wide)
        layout = {"ncols": 3, "sharey": True} if wide else {"nrows": 3}
        panels = figure.subplots(**layout)
        for axes, group in zip(panels, groups, strict=True):
            for model, color in COLORS.items():
                look = {"color": color, "marker": MARKERS[model]}
                _curve(axes, found[group, model], group, label=model.upper(), **look)
            axes.set_xlabel(text[group])
            axes.set_yscale("log")
            _plain(axes.yaxis)
        figure.supylabel(text["seconds per run"], fontsize="medium")
        legend(figure, wide)
        return figure

    findings = [
        text["finding"].format(
            of=text[group], what=model.upper(), finding=_from_to(curve, group, text)
        )
        for (group, model), curve in found.items()
    ]
    alt = described(ALT["growth"][language], findings, language)
    return Picture(draw, alt, language, measured=tuple(shown))


def throughput(rows: list[Jobs], language: str) -> Picture:
    """Draw the updates per second of processes side by side, by their number and threads."""
    text = WORDS[language]
    kinds = sorted({(row.jobs, row.threads) for row in rows})
    labels = [
        text[f"{'n' if jobs > 1 else 1}, {'n' if threads > 1 else 1}"].format(
            jobs=jobs, threads=threads
        )
        for jobs, threads in kinds
    ]

    def draw(wide: bool) -> "Figure":
        figure = new_figure((1.3 if wide else 2.4) + (0.3 if wide else 0.7) * len(kinds), wide)
        layout = {"ncols": 2, "sharey": True} if wide else {"nrows": 2}
        panels = figure.subplots(**layout)
        for axes, (model, color) in zip(panels, COLORS.items(), strict=True):
            for row in find(rows, network=model):
                place = kinds.index((row.jobs, row.threads))
                rate = row.updates_per_second
                errors = [[rate - row.low], [row.high - rate]]
                axes.barh(place, rate, 0.8 if wide else 0.5, color=color, alpha=0.85)
                axes.errorbar(rate, place, xerr=errors, color=INK, linewidth=1, alpha=0.7)
            label_rows(axes, labels, wide)
            axes.set_title(model.upper())
            axes.grid(visible=False, axis="y")
        figure.supxlabel(text["throughput"], fontsize="medium")
        return figure

    findings = [
        text["finding"].format(
            of=row.network.upper(),
            what=labels[kinds.index((row.jobs, row.threads))],
            finding=f"{row.updates_per_second:.3g}",
        )
        for row in rows
    ]
    alt = described(ALT["throughput"][language], findings, language)
    return Picture(draw, alt, language, measured=tuple(rows))


def _from_to(rows: list[Speed], x: str, text: dict[str, str]) -> str:
    """Say where a curve over a column begins and where it ends."""
    rows = sorted(rows, key=lambda row: getattr(row, x))
    return text["x from to"].format(
        least=getattr(rows[0], x),
        first=seconds(rows[0].seconds),
        most=getattr(rows[-1], x),
        last=seconds(rows[-1].seconds),
    )


def _curve(axes, rows: list[Speed], x: str, **look) -> None:
    """Draw the seconds over a column on a logarithmic axis, with the quartiles of the rounds."""
    rows = sorted(rows, key=lambda row: getattr(row, x))
    xs = [getattr(row, x) for row in rows]
    axes.plot(xs, [row.seconds for row in rows], markersize=5, **look)
    extent = [row.low for row in rows], [row.high for row in rows]
    whole = f"_{look['label']}"  # hidden with its curve
    axes.vlines(xs, *extent, color=look["color"], linewidth=1, alpha=0.6, label=whole)
    axes.set_xscale("log")
    axes.set_xticks(xs, [str(value) for value in xs])
    axes.margins(x=0.08)
    axes.minorticks_off()


def _plain(axis, subs: tuple[int, ...] = (1, 2, 5)) -> None:
    """Give a logarithmic axis of seconds ticks in plain numbers, so many in a power of ten."""
    ticker = matplotlib().ticker
    axis.set_major_locator(ticker.LogLocator(subs=subs))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: seconds(value)))
    axis.set_minor_formatter(ticker.NullFormatter())
