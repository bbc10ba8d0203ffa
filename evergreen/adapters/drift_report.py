"""Evidently: the picture of a monitoring window. Our monitor decides; Evidently draws and repeats the verdicts."""

import html
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evergreen.base.errors import IntegrityError
from evergreen.base.files import write_bytes
from evergreen.base.values import digest_of
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.decisions.drift.faults.verdict import Faults
from evergreen.decisions.drift.shift.verdict import Shift

Pair = tuple["pd.Series", "pd.Series"]

# A bar for every category of an open set would make a page of any size.
MOST_CATEGORIES = 50
# The browser itself refuses whatever is not in the file.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; font-src data:; img-src data: blob:"
)
EMPTY = "<!DOCTYPE html><html><head></head><body></body></html>"
STYLE = (
    ".monitor{font:14px sans-serif;margin:24px}.monitor td,.monitor th{text-align:left;padding:3px 14px 3px 0;"
    "vertical-align:top;white-space:nowrap}.monitor td:last-child{white-space:normal}"
)


def draw(
    reference: pd.DataFrame, current: pd.DataFrame, contract: Contract, path: Path, *, shift: Shift, faults: Faults
) -> tuple[str, ...]:
    """Write one HTML page: the monitor's verdicts, then Evidently's distributions of the columns that have any.

    Parameters
    ----------
    reference, current : rows drawn from those that were compared.
    path : replaced whole. The page has about 4 MB, needs no network, and tells the browser to use none.
    shift, faults : whose verdicts and scores the page shows; Evidently's own tests are not run.

    Returns
    -------
    The names of the columns without a picture: judged "unknown", or without a finite value in a sample.
    """
    named = {column.name: column for column in contract.features}
    judged = [column.name for column in shift.columns if column.verdict != "unknown"]  # by their effect on the model
    pairs = {
        name: pair
        for name in judged
        if {name} <= {*reference} & {*current} and (pair := _drawable(reference[name], current[name], named[name]))
    }
    with warnings.catch_warnings():
        # Evidently warns of its own dependencies, and NumPy of a column with one value: nothing to do about either.
        warnings.simplefilter("ignore")
        page = _inert(_distributions(pairs, shift)) if pairs else EMPTY
    write_bytes(path, _framed(page, shift, faults).encode())
    return tuple(column.name for column in contract.features if column.name not in pairs)


def _drawable(before: pd.Series, after: pd.Series, column: Column) -> Pair | None:
    """Return a column as Evidently takes it; None if it has nothing to draw, over which it would abort the page."""
    if column.type in ("category", "boolean"):
        return _named(before, after)
    before, after = (_as_number(side, column) for side in (before, after))
    return (before, after) if before.notna().any() and after.notna().any() else None


def _as_number(values: pd.Series, column: Column) -> pd.Series:
    if column.type == "timestamp":
        return (pd.to_datetime(values, utc=True) - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return pd.to_numeric(values).astype("float64").replace([np.inf, -np.inf], np.nan)


def _named(before: pd.Series, after: pd.Series) -> Pair:
    text = [side.astype("object").where(side.notna(), "(missing)").astype(str) for side in (before, after)]
    kept = pd.concat(text).value_counts().index[:MOST_CATEGORIES]
    first, second = (side.where(side.isin(kept), "(other)").astype("object") for side in text)
    return first, second


def _distributions(pairs: dict[str, Pair], shift: Shift) -> str:
    from evidently import DataDefinition, Dataset, Report
    from evidently.core.metric_types import render_widgets
    from evidently.presets import DataDriftPreset

    names = list(pairs)
    categories = [name for name, (before, _) in pairs.items() if before.dtype == "object"]
    definition = DataDefinition(
        categorical_columns=categories, numerical_columns=[name for name in names if name not in categories]
    )
    before, after = (
        Dataset.from_pandas(
            pd.DataFrame({name: pair[side] for name, pair in pairs.items()}), data_definition=definition
        )
        for side in (0, 1)
    )
    preset = DataDriftPreset(columns=names, method=_monitor(shift))
    snapshot = Report([preset], include_tests=False).run(after, before)
    # Only the table: the counters above it would say "not detected" of a window that nobody could judge.
    tables = [widget for widget in snapshot._widgets if widget.type == "big_table"]
    shown = [
        table.copy(update={"title": "", "params": {**table.params, "rowsPerPage": len(names)}}) for table in tables
    ]
    page: str = render_widgets(shown)
    return page


def _monitor(shift: Shift) -> str:
    """Register the monitor's answers as a test of Evidently's, and return its name."""
    from evidently.legacy.calculations.stattests import StatTest, register_stattest
    from evidently.legacy.core import ColumnType

    columns = {column.name: column for column in shift.columns}

    def answer(reference: pd.Series, _current: pd.Series, _kind: Any, _threshold: float) -> tuple[float, bool]:
        column = columns[str(reference.name)]
        return float(column.psi or 0.0), column.verdict == "shifted"

    test = StatTest(
        name=f"evergreen-{digest_of(shift)[:16]}",
        display_name="PSI, all rows",
        allowed_feature_types=[ColumnType.Numerical, ColumnType.Categorical],
    )
    register_stattest(test, answer)
    return str(test.name)


def _inert(page: str) -> str:
    """Return Evidently's page with every ``<`` of its data escaped: it writes a category's ``</script>`` as it is.

    The data is the first script: JSON, which has no line break inside a string, up to the closing tag on a line of its
    own.

    Raises
    ------
    IntegrityError if the page has no such script.
    """
    head, opening, rest = page.partition("<script>\n    var metric_")
    data, closing, tail = rest.partition(";\n</script>")
    if not (opening and closing):
        raise IntegrityError(
            "DR003",
            "Evidently's page is not laid out as expected, so its data cannot be made safe",
            where="evergreen.adapters.drift_report",
            next_step="Install the versions of requirements.lock.",
        )
    return head + opening + data.replace("<", "\\u003c") + closing + tail


def _framed(page: str, shift: Shift, faults: Faults) -> str:
    told = [(fault.column, str(fault.kind), fault.evidence) for fault in faults.columns]
    told += [(column.name, column.verdict, column.evidence) for column in (*shift.columns, *shift.predictions)]
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(verdict)}</td><td>{html.escape(evidence)}</td></tr>"
        for name, verdict, evidence in told
    )
    monitor = (
        f'<div class="monitor"><h2>{html.escape(shift.evidence)}</h2><p>Faults: {html.escape(faults.evidence)}</p>'
        f"<p>{shift.n_reference:,} reference rows of {shift.blocks_reference} days, {shift.n_window:,} rows of "
        f"{shift.blocks_window} days in the window. Columns stand in the order of their effect on the model; "
        "distributions are drawn from samples.</p>"
        f"<table><tr><th>column</th><th>verdict</th><th>evidence</th></tr>{rows}</table></div>"
    )
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><style>{STYLE}</style>'
    return page.replace("<head>", f"<head>{policy}", 1).replace("<body>", f"<body>{monitor}", 1)
