"""The first page: the main experiment in one figure."""

from irnn.chapters.irnn_vs_lstm import PARAMETERS, curves, experiment, numbers

__all__ = ["PARAMETERS", "curves", "experiment", "numbers"]
