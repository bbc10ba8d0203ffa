"""Rules on columns and on the table: what passes in batches is judged as if it had come at once."""

from datetime import UTC, date, datetime
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
import validated

from evergreen.config.contract.columns import Column
from evergreen.data.validation.tables import ColumnMeasures, Table, change


def column(**about):
    return Column.model_validate({"name": "x", "type": "number", "role": "ignore", "nullable": True, **about})


def measured(declared, *batches):
    found = ColumnMeasures(declared)
    first = 1
    for values in batches:
        found.take(pa.array(values, pa.float64()), "a.csv", pa.array(range(first, first + len(values))))
        first += len(values)
    return {result.code: result for result in found.results()}


def test_share_of_missing_values_is_of_all_batches():
    found = measured(column(max_null_share=0.25), [1, None], [2, 3])["DQ018"]
    assert (found.outcome, found.observed) == ("passed", 0.25)
    found = measured(column(max_null_share=0.25), [1, None], [None, 3])["DQ018"]
    assert (found.outcome, found.n_bad, found.observed) == ("failed", 2, 0.5)
    assert [sample.row for sample in found.samples] == [2, 3]
    assert measured(column(max_null_share=0.25))["DQ018"].outcome == "not applicable"


def test_mean_is_that_of_numpy_and_its_bounds_are_inclusive():
    values = np.random.default_rng(3).normal(size=20)
    found = measured(column(mean=(-1, 1)), values[:7], [None], values[7:])["DQ019"]
    assert found.observed == pytest.approx(values.mean(), rel=1e-12)
    assert found.outcome == "passed"
    assert measured(column(mean=(2, 2)), [1, 3])["DQ019"].outcome == "passed"
    assert measured(column(mean=(2.001, 3)), [1, 3])["DQ019"].outcome == "failed"
    assert measured(column(mean=(0, 1)), [None])["DQ019"].outcome == "not applicable"
    assert measured(column(mean=(0, 1)), [1e308, 1e308])["DQ019"].why == "the sum of the values overflows"


def test_feature_that_never_varies_is_said_and_one_that_varies_late_is_not():
    assert measured(column(role="feature"), [1, None], [1])["DQ023"].why == "every value is 1.0"
    assert measured(column(role="feature"), [1], [1, 2])["DQ023"].outcome == "passed"
    assert measured(column(role="feature"), [None, None])["DQ023"].why == "no row has a value"
    assert measured(column(role="feature"), [1])["DQ023"].outcome == "not applicable"
    assert measured(column(), [1, 1]) == {}


def judged(*, items=(), columns=(), rows=5, last=None, today=None, **about):
    contract = validated.contract_of(
        {"name": "at", "type": "timestamp", "role": "time", "nullable": False}, *columns, **about
    )
    table = Table(contract, items=items, today=today, rows=rows, last=last)
    return {result.code: result for result in table.results()}


@pytest.mark.parametrize(
    ("rows", "bounds", "outcome"),
    [(5, [5, 5], "passed"), (4, [5, None], "failed"), (6, [1, 5], "failed"), (10**9, [5, None], "passed")],
)
def test_number_of_rows_has_inclusive_bounds(rows, bounds, outcome):
    contract = validated.contract_of({"name": "x", "type": "number"}, rows=bounds)
    (found,) = [result for result in Table(contract, rows=rows).results() if result.code == "DQ015"]
    assert (found.outcome, found.observed) == (outcome, rows)


def test_age_of_the_newest_row_is_counted_to_the_local_midnight_of_today():
    about = {"freshness_days": 2, "timezone": "America/New_York"}
    today = date(2024, 1, 10)  # which begins at 5:00 UTC
    at_the_limit = judged(last=datetime(2024, 1, 8, 5, tzinfo=UTC), today=today, **about)["DQ014"]
    assert (at_the_limit.outcome, at_the_limit.observed) == ("passed", 2.0)
    assert judged(last=datetime(2024, 1, 8, 4, tzinfo=UTC), today=today, **about)["DQ014"].outcome == "failed"
    assert judged(last=None, today=today, **about)["DQ014"].outcome == "not applicable"
    assert judged(last=datetime(2024, 1, 8, tzinfo=UTC), **about)["DQ014"].why == "no day was given"


def test_columns_that_no_contract_names_are_said_with_the_items_that_brought_them():
    items = [validated.item(undeclared=("new",)), validated.item(name="b.csv", undeclared=("new",), rows=6)]
    found = judged(items=items)["DQ016"]
    assert (found.column, found.outcome, found.n_bad) == ("new", "warned", 10)
    assert "rows.csv, b.csv" in found.why
    assert judged(items=[validated.item()])["DQ016"].outcome == "passed"
    assert judged()["DQ016"].outcome == "not applicable"


def test_rows_out_of_order_are_counted_over_the_items():
    last = datetime(2024, 1, 1, tzinfo=UTC)
    items = [validated.item(unordered=2), validated.item(name="b.csv"), validated.item(name="c.csv", unordered=1)]
    found = judged(items=items, last=last, time_order=True)["DQ021"]
    assert (found.outcome, found.n_bad) == ("warned", 3)
    assert "rows.csv, c.csv" in found.why
    assert judged(items=items[1:2], last=last, time_order=True)["DQ021"].outcome == "passed"
    assert judged(time_order=True)["DQ021"].outcome == "not applicable"


def test_physical_type_that_narrowed_fails_and_one_that_widened_only_warns():
    columns = [{"name": "x", "type": "integer", "physical": "int32"}]
    wide, narrow = (validated.item(name=kind, physical={"x": kind}) for kind in ("int64", "int16"))
    assert judged(items=[wide], columns=columns)["DQ017"].outcome == "warned"
    both = judged(items=[wide, narrow], columns=columns)["DQ017"]
    assert (both.outcome, both.n_bad, both.why) == ("failed", 4, "narrowed to int16 in int16")
    assert judged(items=[validated.item()], columns=columns)["DQ017"].outcome == "not applicable"


INTEGERS = [f"{sign}int{bits}" for sign, bits in product(("", "u"), (8, 16, 32, 64))]
NUMPY = {**{name: np.dtype(name) for name in INTEGERS}, "float": np.dtype("float32"), "double": np.dtype("float64")}


@pytest.mark.parametrize("declared", INTEGERS)
@pytest.mark.parametrize("arrived", NUMPY)
def test_type_is_widened_exactly_where_it_holds_the_ends_of_the_declared_one(declared, arrived):
    ends = np.iinfo(declared)
    if arrived in INTEGERS:
        holds = np.iinfo(arrived).min <= ends.min and ends.max <= np.iinfo(arrived).max
    else:  # every whole number of the type, and not its ends alone
        holds = ends.max <= 2 ** (np.finfo(NUMPY[arrived]).nmant + 1)
    assert change(declared, arrived) == ("same" if arrived == declared else "widened" if holds else "narrowed")


def test_spellings_of_one_type_are_the_same():
    for arrived in ("string", "large_string", "string_view", "dictionary<values=string, indices=int32, ordered=0>"):
        assert change("string", arrived) == "same"
    assert (change("float", "double"), change("double", "float")) == ("widened", "narrowed")
    assert (change("bool", "int8"), change("int8", "bool")) == ("narrowed", "narrowed")
