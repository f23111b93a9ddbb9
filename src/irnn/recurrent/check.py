"""A loop compared with the plain one, before it is trusted to train."""

import jax
import jax.numpy as jnp
import numpy as np

LIMIT = 1e-4  # of the difference, relative to the plain loop's result
BATCH, STEPS = 4, 12


def disagreement(loop, plain, activation, gates: int, units: int, features: int) -> float:
    """Return how far two loops are apart on a small random case, at worst.

    `loop` and `plain` are `choice.Loop`s, the others describe the layer, as `choice.Layer` does.
    Compared are the last states and the gradients of x, of the first states and of the weights,
    each by the norm of the difference, relative to the plain loop's; infinite, where one is not
    finite.
    """
    rng = np.random.default_rng(0)
    states = [(BATCH, units)] * (1 if gates == 1 else 2)
    weights = [(features, gates * units), (units, gates * units), (gates * units,)]
    shapes = [(BATCH, STEPS, features), *states, *weights]
    arrays = [jnp.asarray(rng.normal(size=shape), "float32") for shape in shapes]
    arrays[-2] *= 0.5 * units**-0.5

    def results(functions):
        function = functions.simple_rnn if gates == 1 else functions.lstm

        def loss(*arrays):
            last = jax.tree.leaves(function(activation, *arrays))
            return sum((k + 1) * (a**2).sum() for k, a in enumerate(last)), last

        step = jax.value_and_grad(loss, range(len(arrays)), has_aux=True)
        (_, last), gradients = jax.jit(step)(*arrays)
        return [np.asarray(a, "float64") for a in (*last, *gradients)]

    return greatest_error(results(loop), results(plain))


def greatest_error(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    """Return the greatest relative error among arrays, infinite where one is not finite.

    What is nothing but zeros, as the gradients of units that are dead, has no relative error;
    then it is the norm of the difference.
    """
    pairs = zip(ours, theirs, strict=True)
    errors = [np.linalg.norm(a - b) / (np.linalg.norm(b) or 1) for a, b in pairs]
    return max(float(error) if np.isfinite(error) else np.inf for error in errors)
