"""What the tests share: data that may not be there, a store, the command line, the site."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from irnn import chapters
from tests.browser import Browser, lacking, program, served

ROOT = Path(__file__).parents[1]
SITE_ADDRESS = "https://site.example/irnn/"  # of the site that is built for the tests
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# What is the same on all backends is tested on JAX, which starts in a third of TensorFlow's time.
os.environ.setdefault("KERAS_BACKEND", "jax")
# JAX compiles a program once for all tests, and for the processes that they start or run in.
if "PYTEST_XDIST_WORKER" not in os.environ:
    PROGRAMS = tempfile.TemporaryDirectory(prefix="irnn-programs-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = PROGRAMS.name
# Programs run for a moment: compiling them is what takes time, and optimising is most of that.
QUICK = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
os.environ.setdefault("XLA_FLAGS", QUICK)
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers(config):
    """Two more than cores, since tests wait for processes and browsers that they start."""
    return len(os.sched_getaffinity(0)) + 2 if hasattr(os, "sched_getaffinity") else None


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items):
    """Keep a module's tests of the site in one process, for what they share.

    What takes longest comes first: the site, which one module has built, and the tests on
    TensorFlow. The other modules of the site come when it stands, so that no process waits for it,
    and before short tests, which fill the time to the end.
    """

    def turn(item) -> int:
        if item.path.stem in ("test_site", "test_tensorflow"):
            return 0
        if "site" in item.fixturenames:
            return 2
        return 1 if item.path.parent.name == "training" else 3

    items.sort(key=turn)
    for item in items:
        if "site" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="session")
def mnist() -> Path:
    """The file with MNIST's arrays."""
    if not os.environ.get("MNIST_NPZ"):
        pytest.skip("MNIST_NPZ does not name a file with MNIST's four arrays")
    return Path(os.environ["MNIST_NPZ"])


@pytest.fixture(scope="session")
def keras_2015() -> Path:
    """The folder with the trajectories of the original software, keras-2015-*.npz."""
    if not os.environ.get("KERAS_2015"):
        pytest.skip("KERAS_2015 does not name the folder of the reference trajectories")
    return Path(os.environ["KERAS_2015"])


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C after each test as before it: a command that it stopped ignores the next one."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    from irnn.store import Store

    return Store(tmp_path / "runs")


@pytest.fixture
def command():
    """Run `python -m irnn` with some arguments and return the finished process."""

    def run(*arguments, preexec_fn=None, **environment):
        return subprocess.run(
            [sys.executable, "-m", "irnn", *map(str, arguments)],
            env=os.environ | environment,
            preexec_fn=preexec_fn,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def browser():
    """A Chromium for all tests of the site."""
    if not program():
        lacking("needs Chromium to open the pages")
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def address(site):
    """Where the site is served."""
    with served(site) as url:
        yield url


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The built site: every chapter executed on `digits` with smoke.yaml.

    It is built by the first process that wants it, for all of them.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    output, failed = folder / "site", folder / "site-failed"
    with FileLock(folder / "site.lock"):
        if failed.exists():
            pytest.fail(failed.read_text("utf-8"))
        if not output.exists() and (why := build_site(output)):
            failed.write_text(why, "utf-8")
            pytest.fail(why)
    return output / "_build" / "html"


def build_site(output: Path) -> str | None:
    """Build the site into a new folder; return what was printed if that fails.

    Its runs are trained first, together, for which the chapters would take many times as long.
    """
    output.mkdir()
    smoke = ROOT / "book" / "parameters" / "smoke.yaml"
    values = yaml.safe_load(smoke.read_text("utf-8"))
    notebooks = {path.stem for path in ROOT.glob("book/en/*.ipynb")}
    train = ["train", *sorted(notebooks & chapters.experiments().keys()), "--together"]
    train += ["--jobs", "1"]  # in one process, which compiles a program once
    for name, value in values.items():
        train += [f"--{name.replace('_', '-')}", str(value)] if name != "train" else []
    where = os.environ | {"KERAS_BACKEND": "jax", "SITE_ADDRESS": SITE_ADDRESS}
    for command in (train, ["book", "--parameters", smoke, "--output", output]):
        done = subprocess.run(
            [sys.executable, "-m", "irnn", *command],
            cwd=output,  # where the runs go
            env=where,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return done.stdout + done.stderr
    return None
