"""The walk as it is shown: a month is a line and a row, in numbers or in the word unknown."""

import io
from datetime import date
from types import SimpleNamespace

import pytest
from rich.console import Console

from cli.replay import heading, line, measured, row, table


def month(*, number=3, value=0.7123, never=0.7, training=None, metric="roc_auc", harm="kept"):
    columns = [SimpleNamespace(verdict=verdict) for verdict in ("shifted", "shifted", "steady")]
    look = SimpleNamespace(
        start=date(2024, number, 1), rows=12_345, version=4, shift=SimpleNamespace(verdict="shifted", columns=columns),
        faults=SimpleNamespace(verdict="none"), harm=SimpleNamespace(verdict=harm),
        performance=SimpleNamespace(metric=metric, value=value), decision=SimpleNamespace(summary="why"),
        causes=[SimpleNamespace(name="staleness")], pages=("harm: told",),
    )  # fmt: skip
    retraining, never_retrained = SimpleNamespace(training=training), SimpleNamespace(value=never)
    return SimpleNamespace(look=look, never_retrained=never_retrained, retraining=retraining)


@pytest.mark.parametrize(
    ("training", "decision"),
    [
        (None, "keep"),
        (SimpleNamespace(verdict="promoted", version=5), "promoted 5"),
        (SimpleNamespace(verdict="proposed", version=5), "proposed 5"),
        (SimpleNamespace(verdict="refused", version=None), "refused"),
    ],
)
def test_row_of_a_month_says_what_was_found_and_decided(training, decision):
    assert row(month(training=training)) == {
        "month": "2024-03", "rows": 12_345, "shift": "shifted", "shifted_columns": 2, "faults": "none", "harm": "kept",
        "metric": "roc_auc", "value": 0.7123, "value_never_retrained": 0.7, "causes": ["staleness"],
        "pages": ["harm: told"], "decision": decision, "why": "why", "version": 4,
    }  # fmt: skip


def test_line_of_a_month_names_its_metric():
    assert line(month()) == "[bold]2024-03[/] version 4: shift shifted, harm kept, AUC 0.712, keep"
    text = "[bold]2024-03[/] version 4: shift shifted, harm broken, R² unknown, keep"
    assert line(month(metric="r2", value=None, harm="broken")) == text
    assert heading(month(metric="balanced_accuracy")) == "balanced accuracy"


def test_value_that_was_not_measured_is_unknown():
    assert (measured(0.12345), measured(None), measured(1.0)) == ("0.123", "unknown", "1.000")


def test_table_has_a_row_for_each_month_and_none_without_a_walk():
    console = Console(file=io.StringIO(), width=200)
    console.print(table("visits", [month(), month(number=4, never=None)]))
    text = console.file.getvalue()
    rows = [line for line in text.splitlines() if "2024-" in line]
    assert [("12,345" in each, "shifted 2/3" in each, "0.712" in each) for each in rows] == [(True, True, True)] * 2
    assert ["unknown" in each for each in rows] == [False, True]
    assert "AUC never retrained" in text
    assert table("visits", []).row_count == 0
