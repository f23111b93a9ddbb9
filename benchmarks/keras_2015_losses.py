"""The post's networks in the software of 2015: `keras_2015.py` runs this in its environment.

    python keras_2015_losses.py IMAGES.npz irnn 784 sign

The arguments are the first images and their classes (`x` (n, T) float32 in [0, 1], `y` (n,)
integers), the network, `truncate_gradient`, and the gradient of |x|: `sign`, Theano's since 2016,
or `x/|x|`, that of 2015. Prints the loss of every batch of 32, before its update.
"""

import sys
from types import ModuleType

import numpy as np
import theano.sandbox.rng_mrg as rng
from theano.scalar import Abs

# The names that Keras 0.2 expects, and no C file that predates Python 3.11.
rng.MRG_RandomStreams = rng.MRG_RandomStream
sys.modules["theano.tensor.signal.downsample"] = ModuleType("downsample")
sys.modules["theano.scan.scan_perform_ext"] = None

from keras.initializations import identity, normal  # noqa: E402
from keras.layers.core import Activation, Dense  # noqa: E402
from keras.layers.recurrent import LSTM, SimpleRNN  # noqa: E402
from keras.models import Sequential  # noqa: E402
from keras.optimizers import RMSprop  # noqa: E402

SEED, UNITS, BATCH_SIZE, LEARNING_RATE = 1337, 100, 32, 1e-6
IRNN = {
    "init": lambda shape: normal(shape, scale=0.001),
    "inner_init": lambda shape: identity(shape, scale=1.0),
    "activation": "relu",
}
LAYERS = {"irnn": (SimpleRNN, IRNN), "lstm": (LSTM, {})}


def gradient_of_2015(self, inputs, outputs, gradients):
    """Return the gradient of |x| as Theano had it until April 2016: NaN at 0."""
    return [gradients[0] * inputs[0] / abs(inputs[0])]


images, network, truncate_gradient, abs_gradient = sys.argv[1:]
if abs_gradient == "x/|x|":
    Abs.L_op = gradient_of_2015
with np.load(images) as arrays:
    x, y = arrays["x"][:, :, None], np.eye(10, dtype="float32")[arrays["y"]]

np.random.seed(SEED)
layer, settings = LAYERS[network]
model = Sequential()
model.add(layer(UNITS, input_dim=1, truncate_gradient=int(truncate_gradient), **settings))
model.add(Dense(10))
model.add(Activation("softmax"))
model.compile(RMSprop(lr=LEARNING_RATE), "categorical_crossentropy")
for first in range(0, len(x), BATCH_SIZE):
    batch = slice(first, first + BATCH_SIZE)
    print(float(model.train_on_batch(x[batch], y[batch])), flush=True)
