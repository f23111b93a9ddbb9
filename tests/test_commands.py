"""The command line says what it does, and one line on what it cannot do."""

import json

import pytest

from irnn.spec import make
from irnn.store import METRICS, Store


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "unknown command 'trian'; did you mean train?"),
        (
            ["train", "reproduce", "--epcohs", "3"],
            "unknown option '--epcohs'; did you mean --epochs?",
        ),
        (["train"], "the following arguments are required: EXPERIMENT"),
        (["train", "irnn-vs-lst"], "unknown experiment 'irnn-vs-lst'; did you mean irnn-vs-lstm?"),
        (
            ["train", "reproduce", "--dataset", "digit"],
            "unknown dataset 'digit'; did you mean digits",
        ),
        (["train", "reproduce", "--epochs", "0"], "epochs is 0"),
        (["train", "reproduce", "--epochs", "many"], "epochs is 'many'"),
        (["train", "reproduce", "--units", "-1"], "units is -1"),
        (["train", "reproduce", "--learning-rate", "1e9"], "learning_rate is 1000000000.0"),
        (["book", "irnn-vs-lsmt"], "unknown chapter 'irnn-vs-lsmt'; did you mean irnn-vs-lstm?"),
        (["book", "--parameters", "nowhere.yaml"], "parameters nowhere.yaml: No such file"),
    ],
)
def test_bad_input_gets_one_line(command, arguments, message):
    done = command(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("irnn: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", "unknown parameter 'epoch'; did you mean epochs?"),
        ("- 3", "one `name: value` a line is expected"),
        ("a: [", "not YAML"),
    ],
)
def test_bad_parameter_files_get_one_line(command, tmp_path, text, message):
    file = tmp_path / "parameters.yaml"
    file.write_text(text)
    done = command("book", "--parameters", file, "--output", tmp_path / "out")
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_chapter_alone_needs_the_others(command, tmp_path):
    done = command("book", "index", "--output", tmp_path / "out")
    assert done.returncode == 2
    assert "was not executed into" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_failing_chapter_is_named_and_nothing_is_rendered(command, tmp_path):
    file = tmp_path / "parameters.yaml"
    file.write_text("dataset: minst")
    done = command("book", "--parameters", file, "--output", tmp_path)
    assert done.returncode == 1
    line = "irnn: book/ja/index.ipynb: InputError: unknown dataset 'minst'; did you mean mnist?"
    assert line in done.stderr
    assert not (tmp_path / "_build" / "html").exists()


def test_help_names_every_command(command):
    done = command("--help")
    assert done.returncode == 0
    for name in ("train", "runs", "book"):
        assert name in done.stdout
        assert command(name, "--help").returncode == 0


def test_runs_are_listed(command, store):
    assert f"no runs in {store.root}" in command("runs", "--runs-dir", store.root).stdout
    spec = make("lstm", dataset="digits", learning_rate=1e-3)
    store.append(
        spec,
        {"sitting": {"backend": "jax", "device": "CPU"}},
        *[{"epoch": n} | dict.fromkeys(METRICS, n / 4) for n in (1, 2, 3)],
    )
    done = command("runs", "--runs-dir", store.root)
    assert spec.name in done.stdout
    assert "75.0%" in done.stdout


def test_a_damaged_record_is_named(command, store):
    spec = make("irnn")
    store.append(spec, {"epoch": 1} | dict.fromkeys(METRICS, 0.5))
    store.record_path(spec).write_text(store.record_path(spec).read_text() + "oops\n")
    whole = make("lstm")
    store.append(whole, {"sitting": {"backend": "jax", "device": "CPU"}})
    done = command("runs", "--runs-dir", store.root)
    assert done.returncode == 2
    assert whole.name in done.stdout
    assert "line 3 of 3 is damaged" in done.stderr


@pytest.mark.keras
def test_train_trains_what_is_missing_and_only_that(command, tmp_path):
    options = ["train", "reproduce", "--units", 4, "--seeds", 2, "--runs-dir", tmp_path]
    first = command(*options, "--epochs", 1)
    assert first.returncode == 0, first.stderr
    assert "0 of 2 runs recorded, 2 to train" in first.stderr
    assert "epoch 1/1, loss" in first.stderr
    runs, _ = Store(tmp_path).runs()
    assert [len(run) for run in runs] == [1, 1]
    again = command(*options, "--epochs", 1)
    assert "2 of 2 runs recorded, 0 to train" in again.stderr
    assert [len(run.sittings) for run in Store(tmp_path).runs()[0]] == [1, 1]


def test_an_unknown_backend(command, tmp_path):
    done = command("train", "reproduce", "--runs-dir", tmp_path, KERAS_BACKEND="jaxx")
    assert done.returncode == 2
    assert "set KERAS_BACKEND to tensorflow or jax" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.keras
def test_a_store_that_cannot_be_written(command, tmp_path):
    file = tmp_path / "file"
    file.write_text(json.dumps("in the way"))
    done = command("train", "reproduce", "--runs-dir", file / "runs")
    assert done.returncode == 2
    assert f"the store {file / 'runs'} cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.keras
def test_mnist_that_cannot_be_had(command, tmp_path):
    done = command("train", "irnn-vs-lstm", "--data", tmp_path / "no.npz", "--runs-dir", tmp_path)
    assert done.returncode == 2
    assert f"there is no file {tmp_path / 'no.npz'}; set MNIST_NPZ" in done.stderr
    assert not list(tmp_path.glob("*.jsonl"))
