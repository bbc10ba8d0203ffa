"""Evaluation: what a model is worth on rows it has not seen, and where it fails."""

from evergreen.evaluation.metrics import measure
from evergreen.evaluation.report import Comparison, Report

__all__ = ["Comparison", "Report", "measure"]
