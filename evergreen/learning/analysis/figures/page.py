"""All figures of a model as one interactive page that opens without a network."""

import html
from collections.abc import Sequence
from typing import Any

from evergreen.learning.analysis.figures.charts import Bars, Chart, Lines
from evergreen.learning.analysis.figures.pictures import MOST_COUNTS, MOST_NAMES, shortened

STYLE = "body{font-family:sans-serif;margin:1em;display:flex;flex-wrap:wrap;gap:1em}h1{width:100%;font-size:1.2em}"


def page(charts: Sequence[Chart], *, title: str) -> bytes:
    """Return one HTML page with every figure; Plotly's script is inside it, once."""
    from plotly.offline import get_plotlyjs

    drawn = "\n".join(_div(chart) for chart in charts)
    heading = html.escape(title)
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{heading}</title><style>{STYLE}</style>'
        f"<script>{get_plotlyjs()}</script></head><body><h1>{heading}</h1>\n{drawn}\n</body></html>"
    ).encode()


def _div(chart: Chart) -> str:
    """Return a figure as an element of a page that has the script; labels come from data, and are escaped."""
    from plotly.io import to_json

    layout: dict[str, Any] = {
        "title": {"text": html.escape(chart.title)},
        "xaxis": {"title": {"text": html.escape(chart.x)}},
        "width": 640,
        "height": 480,
        "plot_bgcolor": "#f7f7f7",
    }
    if isinstance(chart, Lines):
        data = _of_lines(chart)
        layout["yaxis"] = {"title": {"text": html.escape(chart.y)}}
        if chart.reference:
            (x0, y0), (x1, y1) = chart.reference
            dashed = {"dash": "dash", "color": "#999999", "width": 1}
            layout["shapes"] = [{"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": dashed}]
    elif isinstance(chart, Bars):
        data = _of_bars(chart)
        layout["yaxis"] = {"autorange": "reversed", "automargin": True, **_labels(data[0]["y"], chart.labels)}
    else:
        few = len(chart.classes) <= MOST_COUNTS
        # Two names may be the same when they are shortened, so the axis has places, and the names are their labels.
        axis = {
            **_labels(range(len(chart.classes)), chart.classes),
            "tickfont": {"size": 12 if few else 8},
            "showticklabels": len(chart.classes) <= MOST_NAMES,
            "automargin": True,
        }
        data = [
            {
                "type": "heatmap",
                "z": chart.shares,
                "text": chart.counts,
                "texttemplate": "%{text}" if few else "",
                "hovertemplate": f"{chart.y} %{{y}}<br>{chart.x} %{{x}}<br>%{{text}} rows<extra></extra>",
                "colorbar": {"title": {"text": f"share of the {chart.y} class", "side": "right"}},
                "colorscale": [[0, "#f7fbff"], [0.5, "#6baed6"], [1, "#08306b"]],
                "zmin": 0,
                "zmax": 1,
            }
        ]
        layout["xaxis"] |= axis
        layout["yaxis"] = {**axis, "title": {"text": html.escape(chart.y)}, "autorange": "reversed"}
    figure = to_json({"data": data, "layout": layout, "config": {"displaylogo": False}}, validate=False)
    figure = figure.replace("</", "<\\/")  # nothing in it may end the script
    return f'<div id="{chart.name}"></div><script>Plotly.newPlot("{chart.name}", {figure})</script>'


def _labels(places: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
    return {"tickvals": list(places), "ticktext": [html.escape(shortened(name)) for name in names]}


def _of_lines(chart: Lines) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = []
    for line in chart.lines:
        trace: dict[str, Any] = {
            "type": "scatter",
            "mode": "lines+markers" if chart.marked else "lines",
            "name": html.escape(line.name),
            "x": line.x,
            "y": line.y,
        }
        if line.low:
            trace["error_y"] = _error(line.y, line.low, line.high)
        data.append(trace)
    return data


def _of_bars(chart: Bars) -> list[dict[str, Any]]:
    labels = [html.escape(label) for label in chart.labels]
    bars: dict[str, Any] = {"type": "bar", "orientation": "h", "x": chart.values, "y": labels, "opacity": 0.7}
    if chart.low:
        bars["error_x"] = _error(chart.values, chart.low, chart.high)
    return [bars]


def _error(values: Sequence[float], low: Sequence[float], high: Sequence[float]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [end - value for value, end in zip(values, high, strict=True)],
        "arrayminus": [value - end for value, end in zip(values, low, strict=True)],
    }
