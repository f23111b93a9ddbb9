"""The doctor says what is there, what is missing and how to get it; its exit code sums that up."""

import json
import os
import sys

import keras
import pytest

from irnn.__main__ import main
from irnn.training import doctor
from irnn.training.doctor import Finding

on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="the loops are JAX's")


def process(monkeypatch, code):
    """Have this code run in place of the process that looks at the backend."""
    monkeypatch.setattr(doctor, "COMMAND", (sys.executable, "-c", f"import time; {code}"))


@pytest.fixture
def here(monkeypatch, capsys, tmp_path):
    """Run the command on a machine where MNIST is at hand and the backend is well."""
    monkeypatch.setattr(doctor, "_images", lambda path: Finding("MNIST", "mnist.npz"))
    names = ("backend", "device", "loop", "IRNN", "LSTM")
    lines = [json.dumps({"name": name, "text": "well"}) for name in names]
    process(monkeypatch, f"print(*{lines!r}, sep=chr(10))")

    def run(*options):
        code = main(["doctor", "--runs-dir", str(tmp_path / "runs"), *options])
        return code, capsys.readouterr().out

    return run


def test_all_is_well_in_ten_lines(here):
    code, said = here()
    assert code == 0
    assert len(said.splitlines()) == 10
    assert said.endswith("all that training needs is here\n")
    assert "MISSING" not in said


def test_findings_for_a_program(here):
    code, said = here("--json")
    found = json.loads(said)
    assert (code, found["ready"], len(found["findings"])) == (0, True, 9)
    assert {f["name"]: f["value"] for f in found["findings"]}["cores"] == os.cpu_count()


def test_what_is_missing_makes_the_exit_code_1(here, monkeypatch):
    missing = Finding("MNIST", "it is not here", "set MNIST_NPZ", ready=False)
    monkeypatch.setattr(doctor, "_images", lambda path: missing)
    code, said = here()
    assert code == 1
    assert "MNIST    MISSING: it is not here; set MNIST_NPZ\n" in said
    assert said.endswith("missing: MNIST\n")


def test_mnist_is_not_downloaded(monkeypatch, tmp_path):
    from irnn import data

    monkeypatch.delenv("MNIST_NPZ", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(data, "_download_mnist", lambda: pytest.fail("a download"))
    found = doctor._images(None)
    assert not found.ready
    assert "set MNIST_NPZ" in found.remedy
    found = doctor._images(tmp_path / "no.npz")
    assert not found.ready
    assert f"there is no file {tmp_path / 'no.npz'}; set MNIST_NPZ" in found.text


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_a_backend_that_is_missing(backend, monkeypatch, tmp_path):
    (tmp_path / f"{backend}.py").write_text(
        f"raise ModuleNotFoundError('No module named {backend}', name={backend!r})"
    )
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("KERAS_BACKEND", backend)
    (found,) = doctor._of_the_backend("")
    other = {"jax": "tensorflow", "tensorflow": "jax"}[backend]
    assert (found.name, found.ready) == ("backend", False)
    assert found.remedy == f"pip install {backend}, or set KERAS_BACKEND={other}"


@on_jax
def test_a_compiler_that_is_missing_slows_down_but_hinders_nothing(monkeypatch):
    from irnn.recurrent import native

    monkeypatch.delenv("IRNN_LOOP", raising=False)
    monkeypatch.setattr(native, "obstacle", lambda: f"no C++ compiler is found; {native.REMEDY}")
    found = doctor._loop("jax")
    assert found.ready
    assert found.text.startswith("scan: the plain loop trains, not the native one: no C++ compiler")
    assert "apt-get install g++" in found.text


def test_a_store_that_cannot_be_written(store):
    store.root.write_text("a file in the way")
    found = doctor._disk(store)
    assert not found.ready
    assert found.remedy == "name another folder with --runs-dir"


def test_measuring_ends_after_its_limit(monkeypatch):
    monkeypatch.setattr(doctor, "LIMIT", 0.1)
    line = json.dumps({"name": "loop", "text": "native"})
    process(monkeypatch, f"print({line!r}, flush=True); time.sleep(100)")
    loop, *epochs = doctor._of_the_backend("")
    assert (loop.name, {f.name for f in epochs}) == ("loop", {"IRNN", "LSTM"})
    assert all(f.ready and "not measured" in f.text for f in epochs)


def test_a_backend_whose_process_ends_early(monkeypatch):
    process(monkeypatch, "import sys; sys.exit('no such device')")
    (found,) = doctor._of_the_backend("")
    assert (found.ready, found.text) == (False, "its process ended with 1 (no such device)")


def test_measuring_makes_as_many_updates_as_it_has_time_for():
    now, asked = [0.0], []

    def train(updates):
        asked.append(updates)
        now[0] += 0.1 * updates

    updates, seconds = doctor.measure(train, clock=lambda: now[0])
    assert seconds == pytest.approx(0.1 * updates)
    assert doctor.BUDGET / 2 - 0.2 <= sum(asked[1:]) * 0.1 <= doctor.BUDGET
