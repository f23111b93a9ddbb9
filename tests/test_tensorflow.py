"""What depends on Keras' backend holds on TensorFlow, too: the tests with the mark `keras`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(os.environ["KERAS_BACKEND"] == "tensorflow", reason="it would run itself")
def test_what_depends_on_the_backend_passes_on_tensorflow():
    """In one process of its own, beside the other tests: TensorFlow takes long to start."""
    where = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "keras"],
        cwd=ROOT,
        env=where | {"KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
