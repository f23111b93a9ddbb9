"""The command line says what it does, and one line on what it cannot do."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from irnn.__main__ import main
from irnn.spec import make
from irnn.store import METRICS, Store


@pytest.fixture
def here(capsys):
    """Run a command in this process; return what a process would end with."""

    def run(*arguments):
        code = main([str(a) for a in arguments])
        said = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=said.out, stderr=said.err)

    return run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "unknown command 'trian'; did you mean train?"),
        (
            ["train", "reproduce", "--epcohs", "3"],
            "unknown option '--epcohs'; did you mean --epochs?",
        ),
        (
            ["train", "reproduce", "--epoch", "3"],
            "unknown option '--epoch'; did you mean --epochs?",
        ),
        (["train", "reproduce", "--epochs", "９"], "epochs is '９'"),
        (["train", "reproduce", "--seeds", "1_0"], "seeds is '1_0'"),
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
def test_bad_input_gets_one_line(here, arguments, message):
    done = here(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("irnn: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_process_ends_with_one_line_and_2(command):
    done = command("train", "irnn-vs-lst")
    assert done.returncode == 2
    assert done.stderr == ("irnn: unknown experiment 'irnn-vs-lst'; did you mean irnn-vs-lstm?\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", "unknown parameter 'epoch'; did you mean epochs?"),
        ("- 3", "one `name: value` a line is expected"),
        ("a: [", "not YAML"),
    ],
)
def test_bad_parameter_files_get_one_line(here, tmp_path, text, message):
    file = tmp_path / "parameters.yaml"
    file.write_text(text)
    done = here("book", "--parameters", file, "--output", tmp_path / "out")
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_chapter_alone_needs_the_others(here, tmp_path):
    done = here("book", "index", "--output", tmp_path / "out")
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
    for name in ("doctor", "train", "runs", "check", "book"):
        assert name in done.stdout
        with pytest.raises(SystemExit) as end:
            main([name, "--help"])
        assert end.value.code == 0


def test_runs_are_listed(here, store):
    done = here("runs", "--runs-dir", store.root)
    assert done.stderr == f"irnn: there is no folder {store.root}; name the store with --runs-dir\n"
    assert done.returncode == 2
    store.make()
    assert f"no runs in {store.root}" in here("runs", "--runs-dir", store.root).stdout
    spec = make("lstm", dataset="digits", learning_rate=1e-3)
    store.append(
        spec,
        {"sitting": {"backend": "jax", "device": "CPU"}},
        *[{"epoch": n} | dict.fromkeys(METRICS, n / 4) for n in (1, 2, 3)],
    )
    done = here("runs", "--runs-dir", store.root)
    assert spec.name in done.stdout
    assert "75.0%" in done.stdout


def test_a_damaged_record_is_named(here, store):
    spec = make("irnn")
    store.append(spec, {"epoch": 1} | dict.fromkeys(METRICS, 0.5))
    store.record_path(spec).write_text(store.record_path(spec).read_text() + "oops\n")
    whole = make("lstm")
    store.append(whole, {"sitting": {"backend": "jax", "device": "CPU"}})
    done = here("runs", "--runs-dir", store.root)
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


def test_an_error_that_nobody_foresaw_is_one_line(monkeypatch, capsys):
    from irnn import __main__

    def fail(arguments):
        raise RuntimeError("a\x1b[31m red line\nand more")

    monkeypatch.setattr(__main__, "_run", fail)
    monkeypatch.setattr(__main__, "_close_output", lambda: None)
    monkeypatch.delenv("IRNN_DEBUG", raising=False)
    assert __main__.main(["runs"]) == 1
    said = capsys.readouterr().err
    assert said == "irnn: RuntimeError: a\\x1b[31m red line; IRNN_DEBUG=1 shows where\n"
    monkeypatch.setenv("IRNN_DEBUG", "1")
    with pytest.raises(RuntimeError, match="red line"):
        __main__.main(["runs"])


@pytest.mark.parametrize(
    ("to", "code", "said"),
    [("| true", 141, ""), ("> /dev/full", 1, "irnn: OSError: [Errno 28] No space left on device")],
)
def test_output_that_cannot_be_written(to, code, said):
    command = f"{sys.executable} -m irnn runs {to}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr.startswith(said)) == (code, True)
    assert done.stderr.count("\n") <= 1
