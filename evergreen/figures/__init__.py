"""Figures of what a model is worth: described once, drawn as pictures and as one interactive page."""

from evergreen.figures.charts import Bars, Chart, Grid, Line, Lines, charts
from evergreen.figures.page import page
from evergreen.figures.pictures import pictures

__all__ = ["Bars", "Chart", "Grid", "Line", "Lines", "charts", "page", "pictures"]
