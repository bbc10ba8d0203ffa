"""Rules on rows: asked of a batch one by one, against the same rule in Python."""

import operator
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
import validated

from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Rule
from evergreen.data.validation.rules import bounds_text, column_rules, cross_rule, latest, row_rules, severity_of

NUMBERS = [-1.0, 0.0, 0.5, 1.0, 1.5, None]


def column(**about):
    return Column.model_validate({"name": "x", "type": "number", "role": "feature", "nullable": True, **about})


def asked(rule, **columns):
    """Return of how many rows a rule was asked, and the rows that break it."""
    looked, bad = rule.find(pa.RecordBatch.from_pydict(columns))
    return looked, [] if bad is None else [row for row, broken in enumerate(bad.to_pylist()) if broken]


@pytest.mark.parametrize(("low", "high"), [(0, None), (None, 1), (0, 1), (0.5, 0.5), (-9, 9), (2, 3)])
def test_bounds_are_inclusive_and_not_asked_of_what_is_missing(low, high):
    (rule,) = column_rules([column(min=low, max=high)])
    breaks = [
        row
        for row, value in enumerate(NUMBERS)
        if value is not None and ((low is not None and value < low) or (high is not None and value > high))
    ]
    assert asked(rule, x=NUMBERS) == (5, breaks)
    assert (rule.code, rule.severity, rule.needs) == ("DQ004", "fail", ("x",))


def test_bounds_of_nothing_but_missing_values_are_asked_of_no_row():
    (rule,) = column_rules([column(min=0)])
    assert asked(rule, x=pa.nulls(3, pa.float64())) == (0, [])


def test_presence_categories_and_patterns_find_their_rows():
    present, known = column_rules([column(type="category", nullable=False, categories=("a", "b"))])
    assert (present.code, known.code) == ("DQ003", "DQ005")
    values = ["a", None, "c", "b"]
    assert asked(present, x=values) == (4, [1])
    assert asked(known, x=values) == (3, [2])
    (pattern,) = column_rules([column(type="text", pattern="[ab]")])
    assert asked(pattern, x=[*values, "ab"]) == (4, [2, 4])


@pytest.mark.parametrize("sign", ["<", "<=", "==", ">=", ">"])
def test_rule_between_columns_is_asked_where_both_are_there(sign):
    compare = {"<": operator.lt, "<=": operator.le, "==": operator.eq, ">=": operator.ge, ">": operator.gt}[sign]
    left, right = [1, 2, 3, None, 1], [2.0, 2.0, 2.0, 1.0, None]
    rule = cross_rule(Rule.model_validate({"name": "r", "left": "a", "is": sign, "right": "b"}))
    breaks = [row for row in range(3) if not compare(left[row], right[row])]
    assert asked(rule, a=left, b=right) == (3, breaks)
    assert (rule.code, rule.column, rule.text) == ("DQ012", "a, b", f"a {sign} b (r)")


def test_time_may_lie_so_many_local_days_after_today_and_not_a_microsecond_more():
    contract = validated.contract_of(
        {"name": "at", "type": "timestamp", "role": "time"}, timezone="America/New_York", future_days=1
    )
    today = date(2024, 3, 31)
    last = datetime(2024, 4, 2, 4, tzinfo=UTC)  # midnight in New York, in summer time
    assert latest(contract, today).to_pydatetime() == last
    (rule,) = [rule for rule in row_rules(contract, today=today) if rule.code == "DQ022"]
    times = pa.array([last, last.replace(microsecond=1), None], pa.timestamp("us", "UTC"))
    assert asked(rule, at=times) == (2, [1])
    assert not [rule for rule in row_rules(contract) if rule.code == "DQ022"]  # no day was given


def test_bounds_in_words_have_their_unit():
    assert bounds_text(column(min=0, unit="USD")) == "at least 0 USD"
    assert bounds_text(column(max=1.5)) == "at most 1.5"
    assert bounds_text(column(min=0, max=1_000)) == "between 0 and 1000"


def test_severity_is_the_columns_own_before_the_rules():
    assert severity_of("DQ004", column()) == "fail"
    assert severity_of("DQ023", column()) == "warn"
    assert severity_of("DQ023", column(severity={"DQ023": "fail"})) == "fail"
    is_open = column(type="category", categories=("a",), open=True)
    assert (severity_of("DQ005", is_open), severity_of("DQ005", column())) == ("warn", "fail")
