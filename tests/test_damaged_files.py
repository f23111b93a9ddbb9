"""Whatever a record, a checkpoint or MNIST's file holds, it is read whole or refused in a line."""

import io
import json
import os
import random
import zipfile

import numpy as np
import pytest

from irnn import checkpoint, data, npz
from irnn.errors import InputError
from irnn.spec import make
from irnn.store import METRICS, Store

SPEC = make("irnn", dataset="digits", units=2)


def line(epoch, **changes):
    return {"epoch": epoch} | dict.fromkeys(METRICS, 0.5) | changes


def arrays(epochs=2, **changes):
    """Return what a checkpoint of the run holds."""
    shapes = checkpoint.shapes(SPEC)
    state = [np.full(shape, 0.25, "float32") for shape in shapes]
    state += [np.array(epochs * SPEC.updates, "int32"), np.array(1e-6, "float32")]
    state += [np.full(shape, 0.5, "float32") for shape in shapes] + [np.array(9, "float32")]
    texts = {
        "format": np.array(1),
        "spec": np.array(SPEC.canonical()),
        "epochs": np.array(json.dumps([line(n + 1) for n in range(epochs)])),
    }
    kept = texts | {f"v{i}": array for i, array in enumerate(state)} | changes
    return {name: array for name, array in kept.items() if array is not None}


def refused(store, match):
    with pytest.raises(InputError, match=match) as error:
        checkpoint.read(SPEC, store.checkpoint_path(SPEC))
    message = str(error.value)
    assert str(store.checkpoint_path(SPEC)) in message
    assert "delete it and the run's record to start over, or it alone to keep the run" in message
    assert "\n" not in message


# --- records ----------------------------------------------------------------------------


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), True, "1", [], 10**400])
@pytest.mark.parametrize("metric", METRICS)
def test_a_number_that_no_epoch_has(store, metric, value):
    store.append(SPEC, line(1, **{metric: value}))
    with pytest.raises(InputError, match=rf"line 2 of 2 is damaged \({metric} is not a number"):
        store.read(SPEC)


def test_shares_are_at_most_one_and_seconds_are_always_known(store):
    store.append(SPEC, line(1, val_accuracy=7.5))
    with pytest.raises(InputError, match="val_accuracy is not a number from 0 to 1"):
        store.read(SPEC)
    other = make("lstm", dataset="digits")
    store.append(other, line(1, seconds=None))
    with pytest.raises(InputError, match="seconds is not a number"):
        store.read(other)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"sitting": 5}, "the sitting is not an object"),
        ({"sitting": {"together": 0}}, "together is 0"),
        ({"sitting": {"first_epoch": "1"}}, "first_epoch is '1'"),
        ({"sitting": {"device": {}}}, "device is not a text"),
        ({"epoch": True} | dict.fromkeys(METRICS, 0), "it is not epoch 1"),
        ({}, "it is not epoch 1"),
    ],
)
def test_a_line_that_says_something_impossible(store, entry, message):
    store.append(SPEC, entry)
    with pytest.raises(InputError, match=message):
        store.read(SPEC)


def test_deeply_nested_lines_are_damaged_lines(store):
    store.append(SPEC, line(1))
    with store.record_path(SPEC).open("a") as file:
        file.write('{"epoch": ' + "[" * 100_000 + "]" * 100_000 + "}\n")
    with pytest.raises(InputError, match=r"line 3 of 3 is damaged \(it is not JSON\)"):
        store.read(SPEC)


def test_spec_fields_of_another_type(store):
    for field, value in (("relu_derivative_at_0", "half"), ("rho", 10**400), ("units", {})):
        spec = json.loads(make("lstm", "today", optimizer="sgd").canonical()) | {field: value}
        store.root.mkdir(exist_ok=True)
        (store.root / "run.jsonl").write_text(json.dumps({"spec": spec}) + "\n")
        (error,) = store.runs()[1]
        assert "line 1 of 1 is damaged" in str(error)


def test_what_a_sitting_does_not_say_is_unknown(store):
    store.append(SPEC, line(1), {"sitting": {"first_epoch": 2}}, line(2))
    first, second = store.read(SPEC).sittings
    assert first["first_epoch"] == 1
    assert {first["device"], second["backend"], second["date"]} == {"unknown"}
    assert store.read(SPEC).until(1).sittings == [first]


def test_a_record_that_cannot_be_opened(store):
    store.record_path(SPEC).mkdir(parents=True)
    with pytest.raises(InputError, match="cannot be read"):
        store.read(SPEC)


def test_a_record_under_another_name_is_not_listed(store):
    store.append(SPEC, line(1))
    store.record_path(SPEC).rename(store.root / "copy.jsonl")
    runs, (error,) = store.runs()
    assert not runs
    assert "line 1 is not the spec that the file's name stands for" in str(error)


def test_published_runs_are_whole():
    store = Store()
    runs, errors = store.runs()
    assert runs
    assert not errors
    for run in runs:
        if store.checkpoint_path(run.spec).exists():
            kept = checkpoint.read(run.spec, store.checkpoint_path(run.spec))
            assert kept.lines == run.epochs


# --- checkpoints ------------------------------------------------------------------------


def test_a_whole_checkpoint_is_read(store):
    store.save(store.checkpoint_path(SPEC), arrays())
    kept = checkpoint.read(SPEC, store.checkpoint_path(SPEC))
    assert kept.lines == [line(1), line(2)]
    assert [array.shape for array in kept.weights.values()] == checkpoint.shapes(SPEC)
    assert len(kept.state) == 13


def test_flipped_bits_are_found_or_harmless(store):
    path = store.checkpoint_path(SPEC)
    store.save(path, arrays())
    whole, bits = path.read_bytes(), random.Random(0)
    kept = checkpoint.read(SPEC, path)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[bits.randrange(len(whole))] ^= 1 << bits.randrange(8)
        path.write_bytes(damaged)
        try:
            again = checkpoint.read(SPEC, path)
        except InputError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            assert again.lines == kept.lines
            assert all(map(np.array_equal, again.state, kept.state))


@pytest.mark.parametrize(
    "text", ["null", "{}", "5", "[]", "[5]", "[" * 100_000, json.dumps([line(2)])]
)
def test_epochs_that_are_no_list_of_lines(store, text):
    store.save(store.checkpoint_path(SPEC), arrays() | {"epochs": np.array(text)})
    refused(store, "cannot be read .*epochs")


@pytest.mark.parametrize("kind", ["complex64", "bool", "datetime64[s]", "U3", "float64", "int32"])
@pytest.mark.parametrize("name", ["v0", "v9"])
def test_arrays_of_another_type(store, name, kind):
    shape = arrays()[name].shape
    store.save(store.checkpoint_path(SPEC), arrays(**{name: np.zeros(shape, kind)}))
    refused(store, f"{name} is .*, not float32")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"v3": None}, "v3 is missing"),
        ({f"v{number}": None for number in range(3, 13)}, "v3 is missing"),
        ({"v0": np.zeros((1, 3), "float32")}, "not float32"),
        ({"v5": np.array(89)}, "v5 does not count 90 updates"),
        ({"v5": np.array(91)}, "v5 does not count 90 updates"),
        ({"format": None}, r"another version of this package \(format 0, not 1\)"),
        ({"format": np.array("one")}, "format is not a number"),
        ({"spec": np.zeros(3)}, "spec is not a text"),
        ({"v1": np.array([{}], dtype=object)}, "Python objects"),
    ],
)
def test_arrays_that_no_training_leaves(store, changes, message):
    store.save(store.checkpoint_path(SPEC), arrays(**changes))
    refused(store, message)


def test_weights_that_are_not_finite_belong_to_epochs_that_are_not(store):
    nans = {"v1": np.full((2, 2), np.nan, "float32")}
    store.save(store.checkpoint_path(SPEC), arrays(**nans))
    refused(store, "v1 is not finite, though its epochs are")
    lines = json.dumps([line(1), line(2, loss=None)])
    store.save(store.checkpoint_path(SPEC), arrays(**nans) | {"epochs": np.array(lines)})
    assert np.isnan(checkpoint.read(SPEC, store.checkpoint_path(SPEC)).state[1]).all()


def member(content):
    """Return an array file's bytes in an archive, as a checkpoint of one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("format.npy", content)
    return file.getvalue()


def header(text):
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"just text",
        member(b"not an array"),
        member(header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999,)}\n")),
        member(header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}\n")),
        member(header(b"{'descr': ((((\n")),
        member(header(b"(" * 9000)),
        member(header(b"{}"))[:-30],
    ],
    ids=range(8),  # an archive has the time in it: by itself it would name another test each time
)
def test_files_that_are_no_archives_of_arrays(store, content):
    store.root.mkdir()
    store.checkpoint_path(SPEC).write_bytes(content)
    refused(store, "cannot be read")


def test_a_folder_and_a_pipe_instead_of_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(npz.Unreadable, match="it is not a file"):
            npz.read(path, 1000)


# --- MNIST ------------------------------------------------------------------------------


def test_mnist_that_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "large.npz"
    np.savez_compressed(path, **dict.fromkeys(data.MNIST_SHA256, np.zeros(20_000_000, "uint8")))
    monkeypatch.setattr(np.lib.npyio.NpzFile, "__getitem__", lambda *_: pytest.fail("read"))
    with pytest.raises(InputError, match=r"large.npz cannot be read \(its arrays have 80,000,"):
        data.load_images("mnist", path)


def test_a_text_instead_of_mnist_gets_no_advice_to_allow_pickles(tmp_path):
    path = tmp_path / "text.npz"
    path.write_text("hello")
    with pytest.raises(InputError, match=r"it is no .npz file") as error:
        data.load_images("mnist", path)
    assert "pickle" not in str(error.value)
    with pytest.raises(InputError, match="no-such-user-here"):
        data.load_images("mnist", "~no-such-user-here/mnist.npz")
