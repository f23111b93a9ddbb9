"""The native loop is compiled where it is used; where it cannot be, the plain loop trains."""

import os
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import pytest

from irnn.errors import InputError
from irnn.spec import make

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="the native loop is JAX's")


@pytest.fixture
def native(monkeypatch, tmp_path):
    """The module as at a process' start, with an empty cache of its own."""
    from irnn.recurrent import choice, native

    monkeypatch.delenv("IRNN_LOOP", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    choice.say_once.cache_clear()
    for kept in (native.obstacle, native._library):
        kept.cache_clear()
    yield native
    for kept in (native.obstacle, native._library):
        kept.cache_clear()


def compiler(tmp_path, script: str) -> str:
    path = tmp_path / "compiler"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def plain_loop_says(capsys) -> str:
    """Check that the plain loop is chosen, and return the one line that says why."""
    from irnn.recurrent.choice import loop_name

    assert [loop_name(make("irnn")) for _ in range(2)] == ["scan", "scan"]
    (line,) = [k for k in capsys.readouterr().err.splitlines() if "compiling" not in k]
    assert line.startswith("irnn: the plain loop trains, not the native one: ")
    return line


def test_no_compiler(native, monkeypatch, capsys):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "")
    assert "no C++ compiler is found; install" in plain_loop_says(capsys)


def test_a_compiler_that_fails(native, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv(
        "CXX", compiler(tmp_path, "echo 'In x.cc:\nx.cc:1: error: no luck' >&2; exit 1")
    )
    line = plain_loop_says(capsys)
    assert "cannot compile native.cc (x.cc:1: error: no luck); set CXX to" in line
    assert not list((tmp_path / "cache").glob("irnn/native/*"))  # nothing half-written


def test_a_compiler_that_is_not_there(native, monkeypatch, capsys):
    monkeypatch.setenv("CXX", "/nowhere/c++")
    assert "/nowhere/c++ cannot compile native.cc" in plain_loop_says(capsys)


def test_a_compiler_with_options(native, monkeypatch, tmp_path):
    source = tmp_path / "small.cc"
    source.write_text('extern "C" int answer() { return ANSWER; }')
    monkeypatch.setenv("CXX", "c++ -DANSWER=42")
    assert native.compiled(source).answer() == 42


def test_what_a_library_is_made_of_and_for_decides_which_it_is(
    native, monkeypatch, capsys, tmp_path
):
    source = tmp_path / "small.cc"
    source.write_text('extern "C" int answer() { return 41; }')
    assert native.compiled(source).answer() == 41
    source.write_text('extern "C" int answer() { return 42; }')
    for change in (
        lambda: None,  # the source alone
        lambda: monkeypatch.setenv("CXX", "c++ -DANSWER=42"),
        lambda: monkeypatch.setattr(native.jaxlib, "__version__", "another"),
        lambda: monkeypatch.setattr(native, "_processor", lambda: "another"),
    ):
        before = set((tmp_path / "cache" / "irnn" / "native").iterdir())
        change()
        assert native.compiled(source).answer() == 42
        assert capsys.readouterr().err.endswith("compiling small.cc for this processor, once\n")
        assert len({*(tmp_path / "cache" / "irnn" / "native").iterdir()} - before) == 1


def test_a_compiler_that_is_no_command(native, monkeypatch, capsys):
    monkeypatch.setenv("CXX", "c++ '")
    line = plain_loop_says(capsys)
    assert 'CXX is "c++ \'" (No closing quotation); set CXX to a C++ compiler, or unset' in line


@pytest.mark.parametrize("content", [b"", b"junk"])
def test_a_damaged_library_is_compiled_anew(native, tmp_path, content):
    source = tmp_path / "small.cc"
    source.write_text('extern "C" int answer() { return 42; }')
    folder = tmp_path / "cache" / "irnn" / "native"
    native.compiled(source)
    (path,) = folder.iterdir()
    path.unlink()  # what is loaded must not be written to
    path.write_bytes(content)
    assert native.compiled(source).answer() == 42
    assert [file.name for file in folder.iterdir()] == [path.name]
    assert len(path.read_bytes()) > 100


def test_a_compiler_whose_library_does_not_load(native, monkeypatch, capsys, tmp_path):
    script = 'while [ "$1" != -o ]; do shift; done; echo junk > "$2"'
    monkeypatch.setenv("CXX", compiler(tmp_path, script))
    assert "cannot compile native.cc" in plain_loop_says(capsys)
    assert not list((tmp_path / "cache").glob("irnn/native/*"))


def test_a_cache_that_cannot_be_written(native, monkeypatch, capsys, tmp_path):
    (tmp_path / "cache").write_text("a file, not a folder")
    line = plain_loop_says(capsys)
    assert f"the cache {tmp_path / 'cache' / 'irnn' / 'native'} cannot be written" in line
    assert "set XDG_CACHE_HOME to a folder of yours" in line


@pytest.mark.parametrize("mode", [0o770, 0o707, "of another user"])
def test_a_cache_that_others_may_write(native, monkeypatch, capsys, tmp_path, mode):
    folder = tmp_path / "cache" / "irnn" / "native"
    folder.mkdir(parents=True)
    if isinstance(mode, int):
        folder.chmod(mode)
    else:
        monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    assert f"others may write to the cache {folder}" in plain_loop_says(capsys)


def test_asked_for_by_name_it_is_an_error(native, monkeypatch):
    from irnn.recurrent.choice import loop_name

    monkeypatch.setenv("IRNN_LOOP", "native")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match=r"^IRNN_LOOP=native, but no C\+\+ compiler is found"):
        loop_name(make("lstm"))


def test_processes_that_compile_at_once(native, tmp_path):
    """Each gets a whole library, and the second time none compiles."""
    source = tmp_path / "small.cc"
    source.write_text('extern "C" int answer() { return 42; }')
    program = (
        "import pathlib; from irnn.recurrent.native import compiled; "
        f"print(compiled(pathlib.Path({str(source)!r})).answer())"
    )

    def run(_):
        command = [sys.executable, "-c", program]
        return subprocess.run(command, capture_output=True, text=True, check=True)

    with ThreadPoolExecutor(2) as pool:
        assert [done.stdout for done in pool.map(run, range(2))] == ["42\n", "42\n"]
    again = run(None)
    assert (again.stdout, "compiling" in again.stderr) == ("42\n", False)
    assert len(list((tmp_path / "cache" / "irnn" / "native").iterdir())) == 1


def test_the_source_is_in_the_wheel(tmp_path):
    shutil.copytree(ROOT / "src" / "irnn", tmp_path / "src" / "irnn")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    program = "from setuptools.build_meta import build_wheel; build_wheel('.')"
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert "irnn/recurrent/native.cc" in zipfile.ZipFile(wheel).namelist()
