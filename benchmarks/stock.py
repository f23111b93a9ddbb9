"""The networks as Keras' documentation would write them: what the loops are compared with."""

import keras
from keras import layers

from irnn.spec import RunSpec


def stock(spec: RunSpec) -> keras.Sequential:
    """Return a run's network of Keras' own layers, compiled, with the spec's learning rate."""
    rnn = {
        "irnn": lambda: layers.SimpleRNN(
            spec.units, activation="relu", recurrent_initializer="identity"
        ),
        "lstm": lambda: layers.LSTM(spec.units, recurrent_activation="hard_sigmoid"),
    }[spec.model]()
    model = keras.Sequential(
        [keras.Input((spec.steps, 1)), rnn, layers.Dense(10, activation="softmax")]
    )
    model.compile(
        keras.optimizers.RMSprop(spec.learning_rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
