"""Files of a store that do not agree are found, and mended where a checkpoint can."""

import json

import numpy as np
import pytest

from irnn import checkpoint
from irnn.__main__ import main
from irnn.spec import make
from irnn.store import Store

from .test_damaged_files import SPEC, arrays, line

SITTINGS = [{"first_epoch": 1, "backend": "jax"}, {"first_epoch": 2, "backend": "jax"}]


@pytest.fixture
def whole(store):
    """A store with a run of two epochs and two sittings; the run's record as text."""
    store.save(store.checkpoint_path(SPEC), arrays())
    store.save(store.weights_path(SPEC), checkpoint.read(SPEC, store.checkpoint_path(SPEC)).weights)
    first, second = SITTINGS
    store.append(SPEC, {"sitting": first}, line(1), {"sitting": second}, line(2))
    return store


def verify(store, capsys, *options):
    code = main(["runs", "--verify", *options, "--runs-dir", str(store.root)])
    said = capsys.readouterr().out.splitlines()
    return code, said[:-1], said[-1]


def test_what_agrees_is_well(whole, capsys):
    code, findings, last = verify(whole, capsys)
    assert (code, findings) == (0, [])
    assert last == f"1 runs in {whole.root} verified: no files are wrong"


def test_the_published_runs_are_well(capsys):
    code, findings, _ = verify(Store(), capsys)
    assert (code, findings) == (0, [])


def test_a_record_alone_is_well(whole, capsys):
    whole.checkpoint_path(SPEC).unlink()
    assert verify(whole, capsys)[:2] == (0, [])
    whole.weights_path(SPEC).unlink()
    assert verify(whole, capsys)[:2] == (0, [])
    (whole.root / "mnist-irnn-000000000000.jsonl").write_text('{"spec"')  # killed at once
    assert verify(whole, capsys)[:2] == (0, [])


@pytest.mark.parametrize("number", [0, 2, 4])
@pytest.mark.parametrize("damage", ["oops", '{"epoch": 9}', None])
def test_a_record_is_mended_from_its_checkpoint(whole, capsys, number, damage):
    path = whole.record_path(SPEC)
    text = path.read_text()
    lines = text.splitlines()
    if damage is None:
        del lines[number]
    else:
        lines[number] = damage
    path.write_text("\n".join(lines) + "\n")
    damaged = path.read_text()
    code, (finding,), _ = verify(whole, capsys)
    assert code == 1
    assert finding.startswith(f"{path}: ")
    assert finding.endswith("; mend it with --repair")
    assert path.read_text() == damaged
    code, (finding,), _ = verify(whole, capsys, "--repair")
    assert code == 0
    assert "; mended" in finding
    assert path.read_text() == text
    if damage:
        assert path.with_suffix(".jsonl.damaged").read_text() == damaged
    assert verify(whole, capsys)[:2] == (0, [])


def test_an_emptied_record_is_not_called_missing(whole, capsys):
    path = whole.record_path(SPEC)
    path.write_text("")
    assert verify(whole, capsys)[1] == [f"{path}: it is empty; mend it with --repair"]
    verify(whole, capsys, "--repair")
    assert verify(whole, capsys)[:2] == (0, [])


def test_a_lost_sitting_is_unknown_after_the_repair(whole, capsys):
    path = whole.record_path(SPEC)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], "damage\n", *lines[2:]]))
    assert verify(whole, capsys, "--repair")[0] == 0
    assert [s["backend"] for s in whole.read(SPEC).sittings] == ["unknown", "jax"]
    path.write_text(lines[0])  # a record that was cut off behind its first line
    assert verify(whole, capsys, "--repair")[0] == 0
    run = whole.read(SPEC)
    assert (len(run), run.sittings[0]["device"]) == (2, "unknown")
    path.unlink()
    assert verify(whole, capsys, "--repair")[0] == 0
    assert len(whole.read(SPEC)) == 2


@pytest.mark.parametrize("content", [b"junk", b"", None])
def test_weights_are_mended_from_the_checkpoint(whole, capsys, content):
    path = whole.weights_path(SPEC)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert verify(whole, capsys)[0] == 1
    code, (finding,), _ = verify(whole, capsys, "--repair")
    assert code == 0
    assert finding.startswith(f"{path}: ")
    assert verify(whole, capsys)[:2] == (0, [])


def test_other_weights_than_the_checkpoints(whole, capsys):
    kernel, *others = checkpoint.read_weights(SPEC, whole.weights_path(SPEC)).items()
    whole.save(whole.weights_path(SPEC), dict(others) | {kernel[0]: kernel[1] + np.float32(1)})
    code, (finding,), _ = verify(whole, capsys)
    assert code == 1
    assert "its weights are not those of the checkpoint" in finding
    assert verify(whole, capsys, "--repair")[0] == 0
    assert verify(whole, capsys)[:2] == (0, [])


@pytest.mark.parametrize(
    ("epochs", "what"),
    [
        ([line(1, loss=0.25), line(2)], "it has other epochs than its checkpoint"),
        ([line(1), line(2), line(3)], "it has 3 epochs, its checkpoint 2"),
    ],
)
def test_what_nothing_tells_stays_wrong_and_as_it_is(whole, capsys, epochs, what):
    whole.record_path(SPEC).unlink()
    whole.append(SPEC, {"sitting": SITTINGS[0]}, *epochs)
    later = {k: a + 1 for k, a in checkpoint.read_weights(SPEC, whole.weights_path(SPEC)).items()}
    whole.save(whole.weights_path(SPEC), later)  # of the record, not of the checkpoint
    files = [whole.record_path(SPEC), whole.weights_path(SPEC)]
    before = [path.read_bytes() for path in files]
    code, (finding,), last = verify(whole, capsys, "--repair")
    assert code == 1
    assert what in finding
    assert "1 files are wrong" in last
    assert [path.read_bytes() for path in files] == before


def test_a_damaged_checkpoint_and_a_damaged_record_without_one(whole, capsys):
    whole.checkpoint_path(SPEC).write_bytes(b"junk")
    code, (finding,), _ = verify(whole, capsys, "--repair")
    assert code == 1
    assert finding.startswith(f"{whole.checkpoint_path(SPEC)}: cannot be read (it is no .npz file")
    assert "delete it to keep the run as its record has it" in finding
    whole.checkpoint_path(SPEC).unlink()
    with whole.record_path(SPEC).open("a") as file:
        file.write("oops\n")
    code, (finding,), _ = verify(whole, capsys, "--repair")
    assert code == 1
    assert "line 6 of 6 is damaged (it is not JSON); delete it and what follows" in finding


def test_names_that_nothing_stands_behind(whole, capsys):
    whole.record_path(SPEC).rename(whole.root / "copy.jsonl")
    code, (finding, *others), _ = verify(whole, capsys)
    assert code == 1
    assert finding.startswith(f"{whole.root / 'copy.jsonl'}: neither a record nor a checkpoint")
    assert len(others) == 1  # the record that the checkpoint lacks


def test_a_run_that_is_being_trained_is_left_out(whole, capsys):
    whole.weights_path(SPEC).unlink()
    with whole.lock(SPEC):
        code, (finding,), last = verify(whole, capsys, "--repair")
    assert code == 0
    assert "it is being trained" in finding
    assert last == f"0 runs in {whole.root} verified: no files are wrong; 1 left out"
    assert not whole.weights_path(SPEC).exists()


def test_repair_without_verify_and_a_folder_that_is_not_there(store, capsys):
    assert main(["runs", "--repair"]) == 2
    assert main(["runs", "--verify", "--runs-dir", str(store.root)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("irnn: --repair goes with --verify")
    assert said[1].startswith(f"irnn: there is no folder {store.root}")


def test_a_diverged_run_is_well(store, capsys):
    nan = np.full((2, 2), np.nan, "float32")
    lines = [line(1), line(2, val_loss=None)]
    store.save(
        store.checkpoint_path(SPEC), arrays(v1=nan) | {"epochs": np.array(json.dumps(lines))}
    )
    store.save(store.weights_path(SPEC), checkpoint.read(SPEC, store.checkpoint_path(SPEC)).weights)
    store.append(SPEC, {"sitting": SITTINGS[0]}, *lines)
    other = make("lstm", dataset="digits")
    store.append(other, {"sitting": SITTINGS[0]}, line(1, loss=None))
    assert verify(store, capsys)[:2] == (0, [])
