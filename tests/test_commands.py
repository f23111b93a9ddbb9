"""The command line says what it does, and one line on what it cannot do."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from irnn.__main__ import main
from irnn.book import build
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
        (
            ["train", "reproduce", "--lengths", "3"],
            "unknown option '--lengths'; valid: -h, --help, --dry-run, --jobs, --together,",
        ),
        (["train", "reproduce", "--epochs", "９"], "epochs is '９'"),
        (["train", "reproduce", "--seeds", "1_0"], "seeds is '1_0'"),
        (["train"], "the following arguments are required: EXPERIMENT"),
        (
            ["--dry-run", "train", "reproduce"],
            "--dry-run stands before the command; put it after: python -m irnn COMMAND --dry-run",
        ),
        (["--json", "runs"], "--json stands before the command"),
        (["--epochs", "3", "train", "reproduce"], "--epochs stands before the command"),
        (
            ["train", "irnn-vs-lst"],
            "unknown experiment or published run 'irnn-vs-lst'; did you mean irnn-vs-lstm?",
        ),
        (
            ["train", "reproduce", "--dataset", "digit"],
            "unknown dataset 'digit'; did you mean digits",
        ),
        (["train", "reproduce", "--epochs", "0"], "epochs is 0"),
        (["train", "reproduce", "--seeds", "99999"], "seeds is 99999"),
        (["train", "reproduce", "--seeds", "None", "--dry-run"], "seeds is None"),
        (["train", "reproduce", "--dataset", "None", "--dry-run"], "unknown dataset None"),
        (["train", "reproduce", "--jobs", "None", "--dry-run"], "jobs is None"),
        (
            ["train", "mnist-irnn-3905d331534b", "--epochs", "None", "--dry-run"],
            "--epochs is for experiments; a recorded run is trained as it was",
        ),
        (["train", "reproduce", "--cluster", " "], "cluster is empty; name the address"),
        (
            ["train", "reproduce", "--cluster", "tcp://10.0.0.1:9", "--jobs", "2"],
            "--jobs is for this machine",
        ),
        (["train", "reproduce", "--runs-dir", "n" * 300], "longer than 255 bytes; name another"),
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
    assert done.stderr == (
        "irnn: unknown experiment or published run 'irnn-vs-lst'; did you mean irnn-vs-lstm?\n"
    )


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


def test_a_failing_chapter_is_named_and_nothing_is_rendered(here, tmp_path, monkeypatch):
    chapter = Path("book/ja/index.ipynb")  # one is enough to fail
    (tmp_path / chapter).parent.mkdir(parents=True)
    for name in (chapter, "_config.yml"):
        shutil.copy(build.ROOT / name, tmp_path / name)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    file = tmp_path / "parameters.yaml"
    file.write_text("dataset: minst")
    done = here("book", "--parameters", file, "--output", tmp_path)
    assert done.returncode == 1
    line = "irnn: book/ja/index.ipynb: InputError: unknown dataset 'minst'; did you mean mnist?"
    assert line in done.stderr
    assert not (tmp_path / "_build" / "html").exists()


def test_help_names_every_command(command):
    done = command("--help")
    assert done.returncode == 0
    for name in ("doctor", "train", "runs", "claims", "check", "book", "serve"):
        assert name in done.stdout
        with pytest.raises(SystemExit) as end:
            main([name, "--help"])
        assert end.value.code == 0


def test_help_says_which_experiments_have_a_parameter(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for line in (
        "--epochs VALUE epochs of every curve; None: as many as published --seeds",
        "--learning-rate VALUE shared by both networks (irnn-vs-lstm); of RMSprop (reproduce); "
        "of the IRNN, of RMSprop (ten-years-later) --",
        "--lstm-rate VALUE learning rate of the LSTM, of RMSprop (long-dependency, "
        "ten-years-later, truncated-bptt) --",
        "--paper VALUE add the paper's own setting, at 784 steps (optimizer) --",
    ):
        assert line in said


def test_runs_are_listed(here, store):
    done = here("runs", "--runs-dir", store.root)
    assert done.stderr == f"irnn: there is no folder {store.root}; name the store with --runs-dir\n"
    assert done.returncode == 2
    store.make()
    assert f"no runs in {store.root}" in here("runs", "--runs-dir", store.root).stdout
    assert json.loads(here("runs", "--json", "--runs-dir", store.root).stdout) == []
    spec = make("lstm", dataset="digits", learning_rate=1e-3)
    store.append(
        spec,
        {"sitting": {"backend": "jax", "device": "CPU"}},
        *[{"epoch": n} | dict.fromkeys(METRICS, n / 4) for n in (1, 2, 3)],
    )
    done = here("runs", "--runs-dir", store.root)
    assert spec.name in done.stdout
    assert "75.0%" in done.stdout


def test_a_published_run_that_has_only_begun_is_known(here, store, monkeypatch):
    from irnn import __main__

    monkeypatch.setattr(__main__, "RUNS", store.root)
    spec = make("irnn")
    store.append(spec, {"sitting": {"backend": "jax", "device": "CPU"}})
    done = here("train", spec.name, "--dry-run", "--runs-dir", store.root)
    assert (done.returncode, done.stdout) == (0, "1 of 1 runs recorded, 0 to train\n")


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


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("jaxx", "unknown KERAS_BACKEND 'jaxx'; did you mean jax?"),
        ("numpy", "unknown KERAS_BACKEND 'numpy'; valid: tensorflow, jax"),
    ],
)
def test_a_backend_that_cannot_train(here, monkeypatch, tmp_path, backend, message):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    done = here("train", "reproduce", "--runs-dir", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"irnn: {message}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("platform", ["cuda", "bogus"])
def test_a_platform_that_jax_does_not_find(command, tmp_path, platform):
    where = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": platform, "CUDA_VISIBLE_DEVICES": "-1"}
    done = command("train", "reproduce", "--jobs", "1", "--runs-dir", tmp_path, **where)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"irnn: Keras does not start on jax with JAX_PLATFORMS={platform} (")
    assert "set KERAS_BACKEND to tensorflow or jax" in last


@pytest.mark.parametrize("options", [["runs"], ["train", "reproduce", "--dry-run"]])
@pytest.mark.parametrize("folder", ["", "runs"])
def test_a_file_where_the_store_is_to_be(here, tmp_path, options, folder):
    file = tmp_path / "file"
    file.write_text(json.dumps("in the way"))
    done = here(*options, "--runs-dir", file / folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"irnn: {file} is a file, not a folder; name the store with --runs-dir\n"
    )


def test_a_store_that_cannot_be_written(here, tmp_path):
    file = tmp_path / "file"
    file.write_text(json.dumps("in the way"))
    done = here("train", "reproduce", "--runs-dir", file / "runs")
    assert done.returncode == 2
    assert f"{file} is a file, not a folder" in done.stderr
    assert done.stderr.count("\n") == 1


def test_mnist_that_cannot_be_had(command, tmp_path):
    done = command("train", "irnn-vs-lstm", "--data", tmp_path / "no.npz", "--runs-dir", tmp_path)
    assert done.returncode == 2
    assert f"there is no file {tmp_path / 'no.npz'}; set MNIST_NPZ" in done.stderr
    assert not list(tmp_path.glob("*.jsonl"))


def test_an_error_that_nobody_foresaw_is_one_line(monkeypatch, capsys):
    from irnn import __main__, store

    def fail(text):
        raise RuntimeError("a\x1b[31m red line\nand more")

    monkeypatch.setattr(store.json, "loads", fail)  # called by the package, in its `store`
    monkeypatch.setattr(__main__, "_close_output", lambda: None)
    monkeypatch.delenv("IRNN_DEBUG", raising=False)
    assert __main__.main(["runs"]) == 1
    assert re.fullmatch(
        r"irnn: RuntimeError: a\\x1b\[31m red line \(irnn/store\.py:\d+\); "
        "IRNN_DEBUG=1 shows more\n",
        capsys.readouterr().err,
    )
    monkeypatch.setenv("IRNN_DEBUG", "1")
    with pytest.raises(RuntimeError, match="red line"):
        __main__.main(["runs"])


def test_control_characters_do_not_reach_the_terminal(here, store, tmp_path):
    sitting = {"sitting": {"backend": "jax", "device": "\x1b[31mred"}}
    store.append(make("irnn"), sitting, {"epoch": 1} | dict.fromkeys(METRICS, 0.5))
    assert "\\x1b[31mred" in here("runs", "--runs-dir", store.root).stdout
    other = Store(tmp_path / "\x1b[31m")
    other.make()
    for options in ([], ["--verify"]):
        said = here("runs", "--runs-dir", other.root, *options).stdout
        assert "\x1b" not in said
        assert "\\x1b[31m" in said


def test_a_terminal_that_cannot_show_a_letter(command, tmp_path):
    store = Store(tmp_path / "実験")
    store.make()
    done = command("runs", "--runs-dir", store.root, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u5b9f" in done.stdout


def interrupted(*arguments, **variables):
    """Run Python, which interrupts itself, with Ctrl-C as it is in a terminal."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | variables,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_ctrl_c_while_modules_are_imported(tmp_path):
    (tmp_path / "filelock.py").write_text("import os\nos.kill(os.getpid(), 2)")
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    done = interrupted("-m", "irnn", "runs", PYTHONPATH=path)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_a_second_ctrl_c_changes_nothing():
    done = interrupted(
        "-c",
        "import os, sys\nfrom irnn import __main__ as command\n"
        "def _run(arguments): os.kill(os.getpid(), 2)\n"
        "command._run = _run\n"
        "code = command.main([])\nos.kill(os.getpid(), 2)\nsys.exit(code)",
    )
    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr == "\nirnn: stopped; every finished epoch is kept\n"


def test_a_stopped_command_waits_for_no_thread():
    """A signal can leave a library's lock taken, for which its threads then wait forever."""
    done = interrupted(
        "-c",
        "import os, runpy, sys, threading\nfrom irnn.store import Store\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "Store.runs = lambda self: print('said', os.kill(os.getpid(), 2))\n"
        "sys.argv = ['irnn', 'runs', '--json']\nprint('before')\n"
        "runpy.run_module('irnn', run_name='__main__')",
    )
    assert (done.returncode, done.stdout) == (128 + signal.SIGINT, "before\n")
    assert done.stderr == "\nirnn: stopped; every finished epoch is kept\n"


def test_a_dry_run_looks_for_the_data_that_it_is_told_of(here, tmp_path):
    options = ["--dry-run", "--data", tmp_path / "no.npz"]
    done = here("train", "irnn-vs-lstm", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"there is no file {tmp_path / 'no.npz'}" in done.stderr
    assert here("train", "reproduce", *options).returncode == 0  # digits need no file


def test_what_was_printed_before_an_error_is_kept():
    code = (
        "from irnn import __main__\n"
        "def fail(arguments): print('found'); raise RuntimeError('no more')\n"
        "__main__._run = fail; raise SystemExit(__main__.main([]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONUNBUFFERED": "", "IRNN_DEBUG": ""},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "found\n")


@pytest.mark.parametrize(
    ("to", "code", "said"),
    [("| true", 141, ""), ("> /dev/full", 1, "irnn: OSError: [Errno 28] No space left on device")],
)
def test_output_that_cannot_be_written(to, code, said):
    command = f"{sys.executable} -m irnn runs {to}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr.startswith(said)) == (code, True)
    assert done.stderr.count("\n") <= 1
