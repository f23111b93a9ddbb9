"""Recurrent layers of Keras, with loops over time of their own on JAX.

    activations    what 2015 computed under the names that are used today
    layers         `SimpleRNN`, `LSTM`, truncated backpropagation
    choice         which loop computes a layer, on this device
    check          a loop compared with `scan` before it is trusted
    scan           a step at a time, on any device
    fused          all steps in one kernel, on an NVIDIA GPU (Pallas)
    native         all steps in one call, on a processor (native.cc)
    backward       the backward pass that `scan` and `fused` share
    step           what loops share of a step
    cache          where compiled programs are kept

The loops import neither each other nor `choice`.
"""
