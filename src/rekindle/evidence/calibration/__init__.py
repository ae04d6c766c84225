"""Calibration of the therapy model to published arms and real patients, as one reproducible procedure.

What may move, with its prior, is ``data/free_parameters.csv``; what it is held against are the rows with role
``calibrate`` of a table of outcomes and the patients of the development data. The result files are those that
the therapy model loads.

>>> len(free_parameters()) > 20
True
"""

from rekindle.evidence.calibration._diagnostics import Influence, Learned, correlated, influences, learned
from rekindle.evidence.calibration._fit import Fit, fit
from rekindle.evidence.calibration._free_parameters import FreeParameter, free_parameters
from rekindle.evidence.calibration._problem import Problem
from rekindle.evidence.calibration._result import write_result

__all__ = [
    "Fit",
    "FreeParameter",
    "Influence",
    "Learned",
    "Problem",
    "correlated",
    "fit",
    "free_parameters",
    "influences",
    "learned",
    "write_result",
]
