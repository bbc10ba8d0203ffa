"""The section `features`: what contradicts itself is refused where it is written."""

import pytest
from pydantic import ValidationError

from evergreen.config.params.features import Buckets, FeatureParams, History, Lookup


def test_edges_ascend_each_once():
    assert Buckets(of="x", edges=(0.0, 1.0)).edges == (0, 1)
    for edges in ((1, 0), (0, 0, 1)):
        with pytest.raises(ValidationError, match="must ascend, each once"):
            Buckets(of="x", edges=edges)
    with pytest.raises(ValidationError, match="at least 1 item"):
        Buckets(of="x", edges=())


def test_lookup_takes_some_column_and_names_numbers_first():
    assert Lookup(file="f", by="b", numeric=("n",), categorical=("c", "d")).columns == ("n", "c", "d")
    with pytest.raises(ValidationError, match="at least one column in numeric or categorical"):
        Lookup(file="f", by="b")


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"of": "x"}, "exactly one of lag and aggregate"),
        ({"of": "x", "lag": 1, "aggregate": "mean", "window_days": 1}, "exactly one of lag and aggregate"),
        ({"of": "x", "aggregate": "mean"}, "window_days goes with aggregate"),
        ({"of": "x", "lag": 1, "window_days": 1}, "window_days goes with aggregate"),
        ({"aggregate": "mean", "window_days": 1}, "only a count needs none"),
        ({"lag": 1}, "only a count needs none"),
        ({"of": "x", "lag": 0}, "greater than or equal to 1"),
    ],
)
def test_history_of_no_one_kind_is_refused(about, says):
    with pytest.raises(ValidationError, match=says):
        History.model_validate(about)


@pytest.mark.parametrize("about", [{"of": "x", "lag": 1}, {"aggregate": "count", "window_days": 1}])
def test_history_of_one_kind_is_accepted(about):
    assert History.model_validate(about)


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({}, "exactly one of test_days"),
        ({"test_days": 7, "test_share": 0.2}, "exactly one of test_days"),
        ({"test_share": 0.2, "embargo_days": 1}, "embargo_days needs test_days"),
        ({"test_share": 0.2, "calendar": ("hour", "month", "hour")}, "calendar names one twice: hour"),
        ({"test_share": 0.2, "cyclic": ("hour", "hour")}, "cyclic names one twice: hour"),
        ({"test_share": 0.2, "functions": ("a.b", "a.b")}, "functions names one twice: a.b"),
        ({"test_share": 1.0}, "less than 1"),
    ],
)
def test_section_that_contradicts_itself_is_refused(about, says):
    with pytest.raises(ValidationError, match=says):
        FeatureParams.model_validate({"rare_category": 1, **about})


def test_same_part_may_be_a_number_and_a_circle():
    params = FeatureParams(rare_category=1, test_days=7, embargo_days=3, calendar=("hour",), cyclic=("hour",))
    assert (params.calendar, params.cyclic) == (("hour",), ("hour",))
