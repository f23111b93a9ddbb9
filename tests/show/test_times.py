"""Times of networks are compared only where the same device and loop computed both."""

import pytest

from irnn.show.times import epoch_times
from irnn.spec import make
from irnn.store import Run


def run(model, seed=0, *sittings):
    """Return a run of sittings, each a device, a loop and the seconds of its epochs."""
    found = Run(make(model, seed=seed))
    for device, loop, *seconds in sittings:
        sitting = {"first_epoch": len(found) + 1, "backend": "jax", "device": device, "loop": loop}
        found.sittings.append(sitting)
        for value in seconds:
            found.epochs.append({"epoch": len(found) + 1, "seconds": value})
    return found


def test_only_what_one_device_and_one_loop_trained_of_all_networks():
    runs = [
        run("irnn", 0, ("A", "scan", 90, 91, 92, 93), ("A", "native", 50, 52)),
        run("irnn", 1, ("A", "native", 1000)),
        run("lstm", 0, ("B", "scan", 400, 400, 400), ("A", "native", 170)),
    ]
    times = epoch_times(runs)
    assert {name: (time.seconds, time.epochs) for name, time in times.items()} == {
        "irnn": (52, 3),
        "lstm": (170, 1),
    }
    assert {(t.backend, t.device, t.loop) for t in times.values()} == {("jax", "A", "native")}


def test_of_two_ways_in_common_the_one_with_more_epochs_of_each():
    runs = [
        run("irnn", 0, ("A", "scan", 9, 9, 9, 9), ("A", "native", 5, 5)),
        run("lstm", 0, ("A", "scan", 40), ("A", "native", 17, 17)),
    ]
    assert [time.seconds for time in epoch_times(runs).values()] == [5, 17]


def test_without_a_way_in_common_each_has_its_own():
    runs = [
        run("irnn", 0, ("A", "scan", 9)),
        run("lstm", 0, ("B", "scan", 40), ("C", "scan", 1, 1)),
    ]
    assert [time.device for time in epoch_times(runs).values()] == ["A", "C"]


def test_runs_trained_together_share_their_time():
    together = run("irnn", 0, ("A", "scan", 80))
    together.sittings[0]["together"] = 4
    assert epoch_times([together])["irnn"].seconds == pytest.approx(20)
