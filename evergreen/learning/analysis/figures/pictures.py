"""Figures as PNG bytes: the same bytes every time."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, filterwarnings

from evergreen.learning.analysis.figures.charts import Bars, Chart, Grid, Lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_COUNTS = 10  # more classes leave no room for numbers
MOST_NAMES = 30
LONGEST_LABEL = 34


def pictures(charts: Sequence[Chart]) -> dict[str, bytes]:
    """Return each figure as a PNG, by file name."""
    return {f"{chart.name}.png": _png(chart) for chart in charts}


def _png(chart: Chart) -> bytes:
    from matplotlib import rc_context

    with rc_context({"text.parse_math": False}):  # a $ in a name is no formula
        return _drawn(chart)


def _drawn(chart: Chart) -> bytes:
    from matplotlib.figure import Figure

    tall = max(4.5, 1.5 + 0.27 * len(chart.labels)) if isinstance(chart, Bars) else 5.0
    figure = Figure(figsize=(7 if isinstance(chart, Bars) else 6, tall), layout="constrained")
    axes = figure.add_subplot()
    if isinstance(chart, Lines):
        _draw_lines(axes, chart)
    elif isinstance(chart, Bars):
        _draw_bars(axes, chart)
    else:
        _draw_grid(figure, axes, chart)
    axes.set_title(chart.title, fontsize=11)
    axes.set_xlabel(chart.x)
    target = io.BytesIO()
    with catch_warnings():
        filterwarnings("ignore", "Glyph .* missing from font")  # a name in another script is drawn as boxes
        figure.savefig(target, format="png", dpi=100, metadata={"Software": None})
    return target.getvalue()


def _draw_lines(axes: Any, chart: Lines) -> None:
    if chart.reference:
        axes.plot(*zip(*chart.reference, strict=True), linestyle="--", color="0.6", linewidth=1)
    drawn = []
    for line in chart.lines:
        drawn += axes.plot(line.x, line.y, marker="o" if chart.marked else None, markersize=4)
        if line.low:
            axes.fill_between(line.x, line.low, line.high, alpha=0.2)
    axes.set_ylabel(chart.y)
    axes.grid(alpha=0.3)
    if len(chart.lines) > 1:
        axes.legend(drawn, [shortened(line.name) for line in chart.lines], fontsize=8)


def _draw_bars(axes: Any, chart: Bars) -> None:
    places = range(len(chart.labels))
    axes.barh(places, chart.values, color="C0", alpha=0.7)
    for place, low, high in zip(places, chart.low, chart.high, strict=False):
        axes.plot((low, high), (place, place), color="0.2", linewidth=1.2)
    axes.set_yticks(places, [shortened(label) for label in chart.labels], fontsize=8)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)


def _draw_grid(figure: "Figure", axes: Any, chart: Grid) -> None:
    import numpy as np

    shares = np.array(chart.shares)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label=f"share of the {chart.y} class")
    if len(chart.classes) <= MOST_COUNTS:
        for (line, column), share in np.ndenumerate(shares):
            color = "white" if share > 0.5 else "black"
            axes.text(column, line, f"{chart.counts[line][column]}", ha="center", va="center", color=color, fontsize=9)
    if len(chart.classes) <= MOST_NAMES:
        names, places = [shortened(name) for name in chart.classes], range(len(chart.classes))
        axes.set_xticks(places, names, rotation="vertical" if len(names) > 3 else "horizontal", fontsize=8)
        axes.set_yticks(places, names, fontsize=8)
    axes.set_ylabel(chart.y)


def shortened(label: str) -> str:
    """Return a label that leaves room for its figure."""
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
