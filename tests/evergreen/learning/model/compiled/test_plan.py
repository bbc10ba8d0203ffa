"""The plan as bytes: read as it was written, and refused where nothing could be encoded by it."""

import compiling
import msgspec
import pytest

from evergreen.learning.model.compiled.plan import (
    Bucket,
    Calendar,
    Category,
    CompiledError,
    Curve,
    Lookup,
    Number,
    Plan,
)
from evergreen.learning.model.compiled.scorer import PLAN


@pytest.fixture(scope="module")
def content():
    return compiling.made("multiclass", "lightgbm")[2].files[PLAN]


def test_plan_is_read_as_it_was_written(content):
    plan = Plan.from_bytes(content)

    assert plan.to_bytes() == content
    assert (plan.fault(), plan.zone, plan.classes) == ("", "America/New_York", ("a", "b", "c"))
    assert [column.name for column in plan.columns if column.given] == ["last_fare"]


@pytest.mark.parametrize("damage", [b"", b"{}", b"null", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_plan_are_refused(damage):
    with pytest.raises(CompiledError) as caught:
        Plan.from_bytes(damage)
    assert caught.value.code == "CMP001"


def test_plan_with_a_field_that_nobody_knows_is_refused(content):
    with pytest.raises(CompiledError, match="unknown field"):
        Plan.from_bytes(content.replace(b'{"version"', b'{"more":1,"version"', 1))


def of_first(field, **change):
    def changed(plan):
        first, *others = getattr(plan, field)
        return {field: (msgspec.structs.replace(first, **change), *others)}

    return changed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda plan: {"version": 2}, "it has version 2"),
        (lambda plan: {"seconds": (2,)}, "an instant from a column that has none"),
        (lambda plan: {"time": None}, "an instant from a column that has none"),
        (lambda plan: {"time": 99}, "an instant from a column that has none"),
        (lambda plan: {"ratios": ((4, 999),)}, "a value that is not there"),
        (lambda plan: {"differences": ((0, 4),)}, "of another kind"),
        (lambda plan: {"buckets": (Bucket(2, (1.0,)),)}, "of another kind"),
        (of_first("categories", of=4), "of another kind"),
        (of_first("numbers", of=2), "of another kind"),
        (of_first("numbers", of=-1), "a value that is not there"),
        (of_first("lookups", by=5), "keys of another kind"),
        (of_first("lookups", by=-1), "keys of another kind"),
        (of_first("lookups", columns=((1.0,), ("x", "y", "z"))), "not one cell for each key"),
        (of_first("categories", at=1), "do not fill the width"),
        (of_first("categories", keys=("one",)), "not one code for each key"),
        (of_first("categories", missing=((1, 1.0),)), "not one code for each key"),
        (of_first("numbers", centre=1.0), "scaled by halves"),
        (of_first("numbers", centre=1.0, scale=0.0), "scaled by halves"),
        (lambda plan: {"task": "binary"}, "a binary model has no Softmax"),
        (lambda plan: {"task": "regression"}, "a regression model has no Softmax"),
        (lambda plan: {"calibration": Curve("sigmoid", (1.0, 0.0))}, "the calibration is none of a multiclass model"),
        (lambda plan: {"calibration": Curve("temperature", ())}, "the calibration is none of a multiclass model"),
        (lambda plan: {"width": plan.width + 1}, "do not fill the width"),
    ],
)
def test_plan_that_names_what_is_not_there_is_refused(content, change, says):
    plan = Plan.from_bytes(content)
    with pytest.raises(CompiledError, match=says):
        Plan.from_bytes(msgspec.structs.replace(plan, **change(plan)).to_bytes())


def test_values_are_numbered_through_columns_instants_and_what_is_derived(content):
    plan = Plan.from_bytes(content)
    derived = (Calendar, Bucket, Lookup, Category, Number)

    assert plan.n_values() == 9 + 2 + 10 + 1 + 2 + 1 + 3
    assert all(kind.__struct_config__.frozen for kind in derived)
