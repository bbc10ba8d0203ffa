"""Evaluation: what a model is worth on rows it has not seen, and where it fails."""

from evergreen.evaluation.analysis import Analysis
from evergreen.evaluation.metrics import METRICS, fitting, measure, score
from evergreen.evaluation.report import Comparison, Report

__all__ = ["METRICS", "Analysis", "Comparison", "Report", "fitting", "measure", "score"]
