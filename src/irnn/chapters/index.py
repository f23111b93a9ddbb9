"""The first page: the main experiment in one figure."""

from irnn.chapters.irnn_vs_lstm import CAPTIONS, PARAMETERS, curves, experiment, numbers

__all__ = ["CAPTIONS", "PARAMETERS", "curves", "experiment", "numbers"]
