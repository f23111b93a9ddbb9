"""What a recorded network computes at each pixel, in NumPy: its states, gates and answers.

The same formulas stand in `book/_static/network.js`; tests hold both against Keras.
"""

from collections.abc import Iterator

import numpy as np

from irnn.spec import RunSpec

Weights = dict[str, np.ndarray]


def _sigmoid(x: np.ndarray) -> np.ndarray:
    from scipy.special import expit  # where it is used: SciPy takes long to load

    return expit(x)


# The gates' activation by semantics: 2015's hard sigmoid, today's sigmoid.
GATES = {"2015": lambda x: np.clip(0.2 * x + 0.5, 0, 1), "today": _sigmoid}


def states(
    spec: RunSpec, weights: Weights, sequences: np.ndarray
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the state of a run's network after each pixel.

    Args:
        spec: The run.
        weights: Its weights by name, as `checkpoint.read_weights` returns them.
        sequences: Pixels, (n, T).

    Yields:
        Arrays (n, units) by name: the hidden state `h`; for an IRNN also `z`, of which it is the
        ReLU; for an LSTM also the memory cell `c`, the input, forget and output gates `i`, `f`
        and `o`, and `new`, of which the input gate lets a part into the cell.

    """
    kernel, recurrent, bias = (weights[k] for k in ("kernel", "recurrent_kernel", "bias"))
    gate = GATES[spec.gates or spec.semantics]
    h = c = np.zeros((len(sequences), spec.units), kernel.dtype)
    for x in sequences.T[:, :, None]:
        z = x @ kernel + h @ recurrent + bias
        if spec.model == "irnn":
            h = np.maximum(z, 0)
            yield {"h": h, "z": z}
        else:
            i, f, new, o = np.split(z, 4, axis=1)  # side by side in the order of Keras
            i, f, o, new = gate(i), gate(f), gate(o), np.tanh(new)
            c = f * c + i * new
            h = o * np.tanh(c)
            yield {"h": h, "c": c, "i": i, "f": f, "o": o, "new": new}


def probabilities(weights: Weights, h: np.ndarray) -> np.ndarray:
    """Return what the softmax layer makes of hidden states (n, units): (n, 10)."""
    scores = h @ weights["dense_kernel"] + weights["dense_bias"]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def answers(spec: RunSpec, weights: Weights, sequences: np.ndarray) -> np.ndarray:
    """Return the probabilities of the ten digits after the last pixel: (n, 10)."""
    for state in states(spec, weights, sequences):
        last = state
    return probabilities(weights, last["h"])
