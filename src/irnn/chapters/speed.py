"""What an epoch costs: measurements, and not runs."""

from irnn.chapters.irnn_vs_lstm import POST_SECONDS
from irnn.measurements import Jobs, Speed, find, only
from irnn.parameters import shared
from irnn.show.picture import Picture
from irnn.show.style import BACKENDS, COLORS, INK, LINES, MARKERS, matplotlib, new_figure, style
from irnn.show.text import listed, seconds
from irnn.show.words import SHARED
from irnn.spec import make

PARAMETERS = shared()

POST_BATCH_SIZE = 32

ALT = {
    "batch_sizes": {
        "en": "Seconds per epoch by batch size, for IRNN and LSTM, with 2015's",
        "ja": "IRNN と LSTM の、バッチサイズごとの 1 エポックあたりの秒数と 2015 年の値",
    },
    "growth": {
        "en": "Seconds per epoch by steps, by units and by runs in one program",
        "ja": "ステップ数、ユニット数、まとめた実行の数に対する 1 エポックあたりの秒数",
    },
    "throughput": {
        "en": "Updates per second by number of processes and threads",
        "ja": "プロセス数とスレッド数ごとの、1 秒あたりの更新回数",
    },
}

WORDS = {
    "en": SHARED["en"]
    | {
        "batch size": "images per update (batch size)",
        "post": "July 2015, batch size {batch_size}: {seconds} s",
        "ours": "this book, {backend}",
        "stock": "stock Keras, {backend}",
        "seconds per run": "seconds per epoch and run (logarithmic)",
        "steps": "steps of a sequence, T",
        "units": "units",
        "together": "runs in one program",
        "curve": "{model}, {backend}",
        "job": "{jobs} × {threads}, {backend}",
        "jobs": "processes × threads of each",
        "throughput": "updates per second, all processes together",
    },
    "ja": SHARED["ja"]
    | {
        "batch size": "1 回の更新に使う画像の数（バッチサイズ）",
        "post": "2015 年 7 月、バッチサイズ {batch_size}：{seconds} 秒",
        "ours": "本書、{backend}",
        "stock": "Keras 標準、{backend}",
        "seconds per run": "1 実行の 1 エポックあたりの秒数（対数目盛）",
        "steps": "系列のステップ数 T",
        "units": "ユニット数",
        "together": "まとめて学習する実行の数",
        "curve": "{model}、{backend}",
        "job": "{jobs} × {threads}、{backend}",
        "jobs": "プロセス数 × 1 プロセスのスレッド数",
        "throughput": "1 秒あたりの更新回数（全プロセスの合計）",
    },
}


def numbers(speed: list[Speed], jobs: list[Jobs]) -> dict[str, str | int]:
    """Return the numbers of the prose by name."""
    spec = make("irnn")
    small, large = (make("irnn", batch_size=size) for size in (16, 128))

    found = dict(
        date=listed(speed, "date"),
        machine=listed(speed, "machine"),
        cores=listed(speed, "cores"),
        threads=listed(speed, "threads"),
        keras=listed(speed, "keras"),
        jax=listed(find(speed, backend="jax"), "backend_version"),
        tensorflow=listed(find(speed, backend="tensorflow"), "backend_version"),
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

    for network, then in POST_SECONDS.items():
        for backend in BACKENDS:
            batches = find(speed, group="batch", network=network, backend=backend)
            now = only(batches, batch_size=spec.batch_size)
            name = f"{network}_{backend}"
            found[f"{name}_seconds"] = seconds(now.seconds)
            found[f"{name}_ratio"] = f"{now.ratio:.2f}"
            if backend == "jax":
                fewest, most = (only(batches, batch_size=s.batch_size) for s in (small, large))
                found[f"{name}_faster"] = f"{then / now.seconds:.1f}"
                found[f"{name}_small"] = seconds(fewest.seconds)
                found[f"{name}_large"] = seconds(most.seconds)
                microseconds = 1e6 * now.seconds / spec.updates / spec.steps
                found[f"{name}_step"] = seconds(microseconds)

        for group in ("steps", "units", "together"):
            rows = find(speed, group=group, network=network, backend="jax")
            rows = sorted(rows, key=lambda row: getattr(row, group))
            first, last = rows[0], rows[-1]
            least, most = getattr(first, group), getattr(last, group)
            found[f"{group}_least"] = least
            found[f"{group}_most"] = most
            found[f"{group}_times"] = f"{most / least:g}"
            found[f"{network}_{group}_first"] = seconds(first.seconds)
            found[f"{network}_{group}_last"] = seconds(last.seconds)
            found[f"{network}_{group}_factor"] = f"{last.seconds / first.seconds:.1f}"

        best = max(
            find(jobs, network=network, backend="jax"), key=lambda row: row.updates_per_second
        )
        found[f"{network}_best"] = f"{best.jobs} × {best.threads}"
        found[f"{network}_best_ratio"] = f"{best.ratio:.1f}"
        found[f"{network}_post"] = seconds(then)
        microseconds = 1e6 * then / spec.updates / spec.steps
        found[f"{network}_post_step"] = seconds(microseconds)

    return found


def batch_sizes(rows: list[Speed], language: str) -> Picture:
    """Draw the seconds per epoch by batch size, of this book's networks and of stock Keras.

    A panel is a network, with what the post reports of it as a level line.
    """
    text = WORDS[language]
    rows = find(rows, group="batch")
    highest = max(row.stock_seconds or 0 for row in rows)
    with style():
        figure = new_figure(height=4.2)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (model, then) in zip(panels, POST_SECONDS.items(), strict=True):
            for backend, name in BACKENDS.items():
                found = find(rows, network=model, backend=backend)
                look = {"linestyle": LINES[backend], "marker": MARKERS[model]}
                _curve(
                    axes,
                    found,
                    "batch_size",
                    label=text["ours"].format(backend=name),
                    color=COLORS[model],
                    **look,
                )
                _curve(
                    axes,
                    [row for row in found if row.stock_seconds],
                    "batch_size",
                    "stock_seconds",
                    label=text["stock"].format(backend=name),
                    color=INK,
                    alpha=0.65,
                    linewidth=1.2,
                    markerfacecolor="none",
                    **look,
                )
            axes.axhline(then, color=COLORS[model], linewidth=1, linestyle=":")
            axes.annotate(
                text["post"].format(batch_size=POST_BATCH_SIZE, seconds=seconds(then)),
                (1, then),
                (0, 3),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                horizontalalignment="right",
            )
            axes.set_title(model.upper())
            axes.set_xlabel(text["batch size"])
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), handlelength=2.8)
        panels[0].set_ylabel(text["seconds"])
        _plain_seconds(panels[0], max(highest, *POST_SECONDS.values()))
    return Picture(figure, ALT["batch_sizes"][language], language, measured=tuple(rows))


def growth(rows: list[Speed], language: str) -> Picture:
    """Draw how the seconds per epoch and run grow with steps, units and runs in one program."""
    text = WORDS[language]
    shown = [row for row in rows if row.group in ("steps", "units", "together")]
    with style():
        figure = new_figure(height=4)
        panels = figure.subplots(1, 3, sharey=True)
        for axes, group in zip(panels, ("steps", "units", "together"), strict=True):
            for model in POST_SECONDS:
                for backend, name in BACKENDS.items():
                    _curve(
                        axes,
                        find(shown, group=group, network=model, backend=backend),
                        group,
                        label=text["curve"].format(model=model.upper(), backend=name),
                        color=COLORS[model],
                        marker=MARKERS[model],
                        linestyle=LINES[backend],
                        markerfacecolor=None if backend == "jax" else "none",
                    )
            axes.set_xlabel(text[group])
        panels[0].set_ylabel(text["seconds per run"])
        _plain_seconds(panels[0], max(row.high for row in shown))
        labels = {}
        for axes in panels:
            handles, names = axes.get_legend_handles_labels()
            labels |= dict(zip(names, handles, strict=True))
        figure.legend(labels.values(), labels, loc="outside lower center", ncols=2)
    return Picture(figure, ALT["growth"][language], language, measured=tuple(shown))


def throughput(rows: list[Jobs], language: str) -> Picture:
    """Draw the updates per second of processes side by side, by their number and threads."""
    text = WORDS[language]
    backends = [backend for backend in BACKENDS if find(rows, backend=backend)]
    kinds = sorted({(backends.index(row.backend), row.jobs, row.threads) for row in rows})
    with style():
        figure = new_figure(height=1.3 + 0.27 * len(kinds))
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (model, color) in zip(panels, COLORS.items(), strict=True):
            for row in find(rows, network=model):
                place = kinds.index((backends.index(row.backend), row.jobs, row.threads))
                errors = [[row.updates_per_second - row.low], [row.high - row.updates_per_second]]
                axes.barh(place, row.updates_per_second, color=color, alpha=0.85)
                axes.errorbar(
                    row.updates_per_second, place, xerr=errors, color=INK, linewidth=1, alpha=0.7
                )
            axes.set_title(model.upper())
            axes.grid(visible=False, axis="y")
        labels = [
            text["job"].format(jobs=jobs, threads=threads, backend=BACKENDS[backends[backend]])
            for backend, jobs, threads in kinds
        ]
        panels[0].set_yticks(range(len(kinds)), labels)
        panels[0].set_ylabel(text["jobs"])
        panels[0].invert_yaxis()
        figure.supxlabel(text["throughput"], fontsize="medium")
    return Picture(figure, ALT["throughput"][language], language, measured=tuple(rows))


def _curve(axes, rows: list[Speed], x: str, y: str = "seconds", **style) -> None:
    """Draw a column over another on logarithmic axes, with the repeats' extent of `seconds`."""
    if not rows:
        return
    rows = sorted(rows, key=lambda row: getattr(row, x))
    xs = [getattr(row, x) for row in rows]
    axes.plot(xs, [getattr(row, y) for row in rows], markersize=5, **style)
    if y == "seconds":
        extent = [row.low for row in rows], [row.high for row in rows]
        axes.vlines(xs, *extent, color=style["color"], linewidth=1, alpha=0.6)
    axes.set_xscale("log")
    axes.set_xticks(xs, [str(value) for value in xs])
    axes.margins(x=0.08)
    axes.minorticks_off()


def _plain_seconds(axes, highest: float) -> None:
    """Give an axis of seconds logarithmic ticks in plain numbers, and room for the highest."""
    ticker = matplotlib().ticker
    axes.set_yscale("log")
    axes.set_ylim(top=1.6 * highest)
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: seconds(value)))
    axes.yaxis.set_minor_formatter(ticker.NullFormatter())
