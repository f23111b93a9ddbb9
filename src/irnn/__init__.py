"""IRNN against LSTM on MNIST, one pixel at a time."""

__version__ = "0.1.0"
