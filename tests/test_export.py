"""Weights leave the store as files in a format that others read too."""

import json
import struct

import numpy as np
import pytest

from irnn.__main__ import main
from irnn.chapters.irnn_vs_lstm import NETWORKS
from irnn.checkpoint import WEIGHTS, recorded_weights
from irnn.store import Store


def read(path):
    """Return a file's texts and arrays."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    about, data = header.pop("__metadata__"), content[8 + length :]
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32"
        arrays[name] = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
    return about, arrays


def test_the_networks_of_the_pages_are_small_and_whole(tmp_path, capsys):
    assert main(["export", "--output", str(tmp_path / "new")]) == 0
    files = sorted((tmp_path / "new").iterdir())
    assert [file.name for file in files] == sorted(f"{s.name}.safetensors" for s in NETWORKS)
    assert sum(file.stat().st_size for file in files) < 250_000
    assert capsys.readouterr().out.count("\n") == len(NETWORKS)
    for spec in NETWORKS:
        about, arrays = read(tmp_path / "new" / f"{spec.name}.safetensors")
        weights = recorded_weights(spec, Store())
        assert about == {"run": spec.name, "model": spec.model, "gates": "2015"}
        assert list(arrays) == list(WEIGHTS)
        assert all((arrays[name] == weights[name]).all() for name in WEIGHTS)


def test_the_networks_of_the_pages_read_every_pixel_of_mnist_row_by_row():
    for spec in NETWORKS:
        assert (spec.dataset, spec.steps, spec.pooling, spec.order) == ("mnist", 784, 1, "rows")
        assert (spec.permutation, spec.crop, spec.delay) == (None, 0, 0)
    assert [spec.model for spec in NETWORKS] == ["irnn", "lstm"]


def test_a_run_is_named_as_the_list_of_runs_names_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "mnist-irnn-3905d331534b"
    assert main(["export", name]) == 0
    assert [file.name for file in tmp_path.iterdir()] == [f"{name}.safetensors"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnist-irnn-3905d331534"], "did you mean mnist-irnn-3905d331534b?"),
        (["--runs-dir", "none"], "there are no weights none/mnist-irnn-"),
        (
            ["--output", "file/folder"],
            "output file/folder: cannot be written (file is a file, not a folder)",
        ),
        (["--output", "file"], "output file: cannot be written (file is a file, not a folder)"),
    ],
)
def test_bad_input_gets_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert main(["export", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_damaged_weights_are_not_exported(tmp_path, capsys):
    spec = NETWORKS[0]
    Store(tmp_path).weights_path(spec).write_bytes(b"PK")
    assert main(["export", "--runs-dir", str(tmp_path), "--output", str(tmp_path)]) == 2
    assert "cannot be read (it is no .npz file, or a truncated one)" in capsys.readouterr().err
    store = Store(tmp_path)
    store.save(store.weights_path(spec), dict.fromkeys(WEIGHTS, np.zeros(3, "float32")))
    assert main(["export", "--runs-dir", str(tmp_path), "--output", str(tmp_path)]) == 2
    assert "kernel is float32 (3,), not float32 (1, 100)" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.safetensors"))
