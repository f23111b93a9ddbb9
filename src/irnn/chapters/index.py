"""The first page: the main experiment in one figure."""

from irnn.chapters.irnn_vs_lstm import CAPTIONS, curves, experiment, numbers
from irnn.parameters import shared

PARAMETERS = shared()

__all__ = ["CAPTIONS", "PARAMETERS", "curves", "experiment", "numbers"]
