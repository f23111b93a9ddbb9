"""Recurrent layers of Keras, with loops over time of their own on JAX.

    activations    what 2015 computed under the names that are used today
    layers         `SimpleRNN`, `LSTM`, truncated backpropagation
    choice         which loop computes a layer, on this device
    scan           a step at a time, on any device
    fused          all steps in one kernel, on an NVIDIA GPU (Pallas)
    backward       the gradients that `scan` and `fused` share
    native         all steps in one call, on a processor (native.cc)

The loops import neither each other nor `choice`.
"""
