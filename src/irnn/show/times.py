"""What an epoch takes, compared between networks only where the same computed both."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from irnn.store import Run

# What the time of an epoch depends on beside the network: keys of a sitting. `together` are
# the runs that were trained as one program.
WAY = ("backend", "device", "loop", "together")


@dataclass(frozen=True)
class EpochTime:
    """The training time of an epoch of a network, and on what it was measured.

    Args:
        seconds: The median over the epochs, per run.
        epochs: The number of these epochs.
        backend: That of Keras.
        device: The processor or GPU.
        loop: The loop over time, see `recurrent.choice`; None: the record does not say it.

    """

    seconds: float
    epochs: int
    backend: str
    device: str
    loop: str | None


def epoch_times(runs: Iterable[Run]) -> dict[str, EpochTime]:
    """Return the training time of an epoch by network.

    It is that of the epochs that one kind of device trained with one backend and one loop,
    the same for all networks: of all these ways, the one that leaves each network the most
    epochs. Where the networks have no way in common, each has that of most of its epochs.
    """
    found: dict[str, dict[tuple, list[float]]] = {}
    for run in runs:
        ways = found.setdefault(run.spec.model, {})
        for seconds, sitting in run.timed():
            way = tuple(sitting.get(key) for key in WAY)
            ways.setdefault(way, []).append(seconds)
    first = next(iter(found.values()))
    common = [way for way in first if all(way in ways for ways in found.values())]
    times = {}
    for network, ways in found.items():
        if common:
            chosen = max(common, key=lambda way: min(len(w[way]) for w in found.values()))
        else:
            chosen = max(ways, key=lambda way: len(ways[way]))
        backend, device, loop, _ = chosen
        seconds = ways[chosen]
        times[network] = EpochTime(median(seconds), len(seconds), backend, device, loop)
    return times


def trained_on(run: Run) -> list[tuple[str, str]]:
    """Return the backend and the device of a run's epochs, each pair once, in their order."""
    return list(dict.fromkeys((s.get("backend"), s.get("device")) for _, s in run.timed()))


def epoch_seconds(run: Run) -> float | None:
    """Return the median time of a run's epochs; None without any, or if several devices trained."""
    if len(trained_on(run)) != 1:
        return None
    return median(seconds for seconds, _ in run.timed())


def comparable(times: dict[str, EpochTime]) -> bool:
    """Tell whether the times of all networks were measured on the same backend, device and loop."""
    return len({(time.backend, time.device, time.loop) for time in times.values()}) == 1
