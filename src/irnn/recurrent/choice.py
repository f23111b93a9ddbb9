"""Which loop computes a layer: native, fused, interpret, scan, or Keras' own.

Without being asked for one, a layer gets the fused loop on an NVIDIA GPU and the native one on
a processor, and the plain scan, with a line that says why, where those cannot be had. The
environment variable IRNN_LOOP asks for a loop by name; then what stands against it is an error.
"""

import functools
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import keras

from irnn.errors import InputError, one_of
from irnn.recurrent import cache
from irnn.recurrent.activations import SLOPES, ReLU, gate, relu
from irnn.spec import RunSpec

LOOPS = ("native", "fused", "interpret", "scan")
KNOWN = (keras.activations.relu, keras.activations.tanh)  # of a SimpleRNN, next to `ReLU`


class Loop(NamedTuple):
    """A loop over time on JAX, as two differentiable functions.

    `simple_rnn(activation, x, h, W, U, b, live=None)` returns the last output of
    h <- activation(x W + b + h U), for x (batch, steps, features), h (batch, units), the kernel
    W (features, units), the recurrent kernel U (units, units) and the bias b (units,). A gradient
    flows through the last `live` steps only, a number that may be traced; None: through all.

    `lstm(gate, x, h, c, W, U, b, live=None)` returns the last output and cell state of an LSTM
    whose gates i, f, c, o stand side by side: 4 x units columns in W, U and b. `gate` is a key of
    `activations.SLOPES`.
    """

    simple_rnn: Callable
    lstm: Callable


class Layer(NamedTuple):
    """What the choice of a loop depends on."""

    gates: int  # blocks of units in the columns of the weights: 1 or 4
    units: int
    features: int
    dtype: str
    activation: Any  # of a SimpleRNN, or of an LSTM's gates

    def loop(self) -> Loop:
        """Return the loop that computes the layer."""
        return loop(self.loop_name())

    def loop_name(self) -> str:
        """Return the name of the loop that computes the layer, one of `LOOPS`.

        Raises `InputError` where the loop that IRNN_LOOP asks for cannot.
        """
        name, instead_of = self.chosen()
        if instead_of:
            say_once(f"irnn: {instead_of}")
        return name

    def chosen(self) -> tuple[str, str | None]:
        """Return the name of the loop and, where the plain one stands in for another, why.

        Raises `InputError` where the loop that IRNN_LOOP asks for cannot.
        """
        asked = os.environ.get("IRNN_LOOP")
        if asked:
            one_of("IRNN_LOOP", asked, LOOPS)
        name = asked or _preferred()
        obstacle = self._obstacle(name)
        if obstacle and asked:
            raise InputError(f"IRNN_LOOP={asked}, but {obstacle}; unset it for the plain loop")
        if obstacle:
            return "scan", f"the plain loop trains, not the {name} one: {obstacle}"
        return name, None

    def _obstacle(self, name: str) -> str | None:
        """Return why a loop cannot compute the layer, None if it can."""
        if name == "scan":
            return None
        if self.dtype != "float32":
            return f"it computes in float32, not {self.dtype}"
        known = SLOPES if self.gates == 4 else KNOWN
        if not (self.activation in known or isinstance(self.activation, ReLU)):
            return "it knows no activation but relu and tanh"
        return self._native() if name == "native" else self._fused(name)

    def _native(self) -> str | None:
        if _device().platform != "cpu":
            return "it is for processors, and JAX computes on a GPU"
        from irnn.recurrent import native

        return native.obstacle()

    def _fused(self, name: str) -> str | None:
        try:
            from irnn.recurrent import fused
        except Exception as error:  # Pallas' Triton is deprecated and will go
            return f"it cannot be imported ({_reason(error)})"
        if name == "fused" and not nvidia(_device()):
            return "it needs an NVIDIA GPU that JAX sees"
        most = fused.most_units(self.gates)
        if self.units > most:
            return f"{self.units} units are more than the {most} that fit a multiprocessor"
        if self.features > fused.MOST_FEATURES:
            return f"{self.features} features are more than {fused.MOST_FEATURES}"
        if name == "fused" and float(_device().compute_capability) < 8:
            capability = _device().compute_capability
            return f"a GPU of compute capability {capability} is older than 8.0"
        return _disagreement(name, self) if name == "fused" else None


def of(spec: RunSpec) -> Layer:
    """Return the layer that a run trains."""
    if spec.model == "irnn":
        return Layer(1, spec.units, spec.features, "float32", relu(spec.relu_derivative_at_0))
    return Layer(4, spec.units, spec.features, "float32", gate(spec.gates or spec.semantics))


def loop_name(spec: RunSpec) -> str:
    """Return which loop trains a run: one of `LOOPS`, or Keras' own "keras".

    Raises `InputError` where the loop that IRNN_LOOP asks for cannot run.
    """
    if keras.backend.backend() != "jax":
        asked = os.environ.get("IRNN_LOOP")
        if asked:
            raise InputError(f"IRNN_LOOP={asked} needs KERAS_BACKEND=jax; set it, or unset both")
        return "keras"
    return of(spec).loop_name()


def loop(name: str) -> Loop:
    """Return a loop by its name. What it needs is imported only now."""
    if name == "native":
        from irnn.recurrent import native

        return Loop(native.simple_rnn, native.lstm)
    from irnn.recurrent import backward

    if name == "scan":
        from irnn.recurrent.scan import Scan as Steps
    else:
        from irnn.recurrent.fused import Fused

        Steps = partial(Fused, interpret=name == "interpret")
    return Loop(partial(backward.simple_rnn, Steps), partial(backward.lstm, Steps))


def saved_bytes(spec: RunSpec) -> int:
    """Return how much of JAX's memory an update of a run takes, but for small change.

    It is what the loop saves of each step and row of the batch, in float32 and with its padding
    of the units. Scan and fused, for an IRNN: z, dz and h; for an LSTM: four gates, their dz,
    c and h. Native, for an IRNN: z; for an LSTM: four gates, c and tanh(c).
    """
    name, arrays, width = loop_name(spec), {"irnn": 3, "lstm": 10}, spec.units
    if name == "native":
        from irnn.recurrent import native

        arrays, width = native.SAVED, native.width(spec.units)
    elif name != "scan":
        from irnn.recurrent import fused

        width = fused.width(spec.units)
    return 4 * spec.steps * spec.batch_size * width * arrays[spec.model]


@functools.cache
def _disagreement(name: str, layer: Layer) -> str | None:
    """Return what a loop does wrong on a small case of the layer, once in a process."""
    import jax

    from irnn.recurrent import check

    with suppress(OSError):  # a kernel takes long to compile
        if not jax.config.jax_compilation_cache_dir:
            jax.config.update("jax_compilation_cache_dir", str(cache.folder("jax")))
    try:
        with ThreadPoolExecutor(1) as apart:  # from what this thread may be tracing
            difference = apart.submit(
                check.disagreement, loop(name), loop("scan"), layer.activation, *layer[:3]
            ).result()
    except Exception as error:
        return f"it does not run here ({_reason(error)})"
    if difference > check.LIMIT:
        return f"its results are {difference:.1g} off the plain one's, more than {check.LIMIT:g}"
    return None


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]}"


def _preferred() -> str:
    """Return the loop for the device that JAX computes on."""
    if _device().platform == "cpu":
        return "native"
    return "fused" if nvidia(_device()) else "scan"


def _device():
    import jax

    return jax.devices()[0]


def nvidia(device) -> bool:
    """Tell whether a device of JAX is an NVIDIA GPU; AMD's capabilities say "gfx..."."""
    return device.platform == "gpu" and device.compute_capability[0].isdigit()


@functools.cache
def say_once(line: str) -> None:
    """Print a line to standard error, once in a process."""
    print(line, file=sys.stderr, flush=True)
