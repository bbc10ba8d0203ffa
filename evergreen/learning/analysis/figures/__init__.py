"""Figures of what a model is worth: described once, drawn as pictures and as one interactive page."""

from evergreen.learning.analysis.figures.charts import Bars, Chart, Grid, Line, Lines, charts
from evergreen.learning.analysis.figures.page import page
from evergreen.learning.analysis.figures.pictures import pictures

__all__ = ["Bars", "Chart", "Grid", "Line", "Lines", "charts", "page", "pictures"]
