"""Evaluation: what a model is worth on rows it has not seen."""

from evergreen.learning.evaluation.metrics import measure, score
from evergreen.learning.evaluation.report import Report

__all__ = ["Report", "measure", "score"]
