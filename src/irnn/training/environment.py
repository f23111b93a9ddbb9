"""On what runs are trained: versions, device, and what else a record says of it."""

import os

import keras

from irnn.recurrent.choice import loop_name
from irnn.store import Run
from irnn.training.machine import machine

# What in the environment may change how fast a run is trained.
VARIABLES = ("IRNN_LOOP", "XLA_FLAGS", "TF_XLA_FLAGS", "OMP_NUM_THREADS", "GLIBC_TUNABLES")


def sitting(run: Run, together: int | None = None) -> dict:
    """Return the record's line that says on what the run's next epochs are trained.

    `together` is the number of runs that one program trains.
    """
    name = loop_name(run.spec)
    line = {"first_epoch": len(run) + 1} | environment() | {"loop": name}
    line |= {"loop_checked": True} if name == "fused" else {}  # against the plain one, at first use
    return {"sitting": line | ({"together": together} if together else {})}


def environment() -> dict:
    """Return what is trained on: versions, device, and what in the environment may matter."""
    backend, here = keras.backend.backend(), machine()
    return here | {
        "keras": keras.__version__,
        "backend": backend,
        "backend_version": __import__(backend).__version__,
        "device": gpu() or here["device"],
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def gpu() -> str | None:
    """Return the name of the GPU that Keras' backend trains on, None if it sees none."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        device = jax.devices()[0]
        return None if device.platform == "cpu" else device.device_kind
    if backend == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        return tf.config.experimental.get_device_details(gpus[0])["device_name"] if gpus else None
    return None


def fit_leaves_gaps() -> bool:
    """Tell whether Keras' loop in Python leaves gaps between updates; a group of one has none."""
    return keras.backend.backend() == "jax" and gpu() is not None
