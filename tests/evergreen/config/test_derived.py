"""Derived features against the contract: what cannot be made is refused with its key, before anything is read."""

import pytest
from pydantic import ValidationError

from evergreen.base.errors import ConfigError
from evergreen.config import derived
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams

TRIPS = Contract.model_validate(
    {
        "name": "trips",
        "description": "every type and role",
        "source": {"kind": "file", "path": "trips.csv"},
        "timezone": "UTC",
        "label_delay_days": 1,
        "columns": [
            {"name": "at", "type": "timestamp", "role": "time"},
            {"name": "booked", "type": "timestamp", "role": "feature"},
            {"name": "zone", "type": "category", "role": "feature"},
            {"name": "note", "type": "text", "role": "feature"},
            {"name": "fare", "type": "number", "role": "feature"},
            {"name": "seats", "type": "integer", "role": "feature"},
            {"name": "driver", "type": "integer", "role": "ignore"},
            {"name": "ssn", "type": "text", "role": "ignore", "pii": "drop"},
            {"name": "paid", "type": "number", "role": "leakage"},
            {"name": "tip", "type": "boolean", "role": "target"},
        ],
    }
)


def params_of(**features):
    return FeatureParams.model_validate({"rare_category": 1, "test_days": 1, **features})


def refusal(**features):
    with pytest.raises(ConfigError) as caught:
        derived.check(params_of(**features), TRIPS)
    return caught.value


@pytest.mark.parametrize(
    ("features", "where", "what"),
    [
        ({"ratios": {"r": ["fare", "saets"]}}, "ratios.r", "'saets' is no column of the contract"),
        ({"ratios": {"r": ["fare", "paid"]}}, "ratios.r", "'paid' has type number and role leakage"),
        ({"ratios": {"r": ["zone", "fare"]}}, "ratios.r", "zone and fare are not two numbers"),
        ({"ratios": {"r": ["at", "booked"]}}, "ratios.r", "at and booked are not two numbers"),
        ({"differences": {"d": ["at", "fare"]}}, "differences.d", "at and fare are not two numbers or two times"),
        ({"buckets": {"b": {"of": "note", "edges": [1]}}}, "buckets.b", "'note' has type text and role feature"),
        (
            {"lookups": {"z": {"file": "z.csv", "by": "driver", "numeric": ["x"]}}},
            "lookups.z",
            "'driver' has type integer and role ignore",
        ),
        (
            {"lookups": {"z": {"file": "z.csv", "by": "fare", "numeric": ["x"]}}},
            "lookups.z",
            "'fare' has type number and role feature",
        ),
        (
            {"lookups": {"z": {"file": "z.csv", "by": "zone", "categorical": ["zone"]}}},
            "lookups.z",
            "'zone' is what rows are looked up by",
        ),
        ({"history": {"h": {"of": "note", "lag": 1}}}, "history.h", "'note' has type text and role feature"),
        (
            {"history": {"h": {"of": "fare", "by": ["tip"], "lag": 1}}},
            "history.h",
            "'tip' has type boolean and role target",
        ),
        (
            {"history": {"h": {"of": "fare", "by": ["paid"], "lag": 1}}},
            "history.h",
            "'paid' has type number and role leakage",
        ),
        (
            {"history": {"h": {"of": "fare", "by": ["ssn"], "lag": 1}}},
            "history.h",
            "'ssn' has type text and role ignore",
        ),
        ({"encode": {"fare": "target"}}, "encode.fare", "'fare' is no category that the model sees"),
        ({"encode": {"note": "hash"}}, "encode.note", "'note' is no category that the model sees"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_feature_that_cannot_be_made_is_refused_with_its_key(features, where, what):
    error = refusal(**features)
    assert (error.code, error.where, error.what) == ("CFG038", f"features.{where}", what)
    assert f"features.{where}" in error.next_step


@pytest.mark.parametrize(
    "features",
    [
        {"ratios": {"fare": ["fare", "seats"]}},
        {"ratios": {"tip": ["fare", "seats"]}},
        {"ratios": {"x": ["fare", "seats"]}, "differences": {"x": ["fare", "seats"]}},
        {"calendar": ["hour"], "history": {"at_hour": {"lag": 1, "of": "fare"}}},
        {"lookups": {"z": {"file": "z.csv", "by": "zone", "numeric": ["x"], "categorical": ["x"]}}},
        {"functions": ["own_features.raises", "own_features.returns_words"]},
    ],
    ids=["a feature", "the target", "two derived", "a calendar part", "two looked up", "two functions"],
)
def test_name_that_is_taken_is_refused(features):
    assert refusal(**features).code == "CFG039"


def test_features_that_can_be_made_are_listed_in_their_order():
    params = params_of(
        calendar=["hour"],
        cyclic=["hour", "month"],
        ratios={"per_seat": ["fare", "seats"]},
        differences={"notice": ["at", "booked"], "left": ["fare", "seats"]},
        buckets={"band": {"of": "seats", "edges": [2]}},
        lookups={"z": {"file": "z.csv", "by": "zone", "numeric": ["x"], "categorical": ["y"]}},
        functions=["own_features.trip"],
        history={"tipped": {"of": "tip", "lag": 2}, "earned": {"of": "paid", "by": ["driver"], "lag": 1}},
        encode={"zone": "target", "z_y": "hash", "part_of_day": "onehot"},
    )
    derived.check(params, TRIPS)
    made = {column.name: column.type for column in derived.columns(TRIPS, params)}
    numbers = ["at_hour", "at_hour_sin", "at_hour_cos", "at_month_sin", "at_month_cos", "per_seat", "notice", "left"]
    expected = dict.fromkeys([*numbers, "band", "z_x"], "number") | {"z_y": "category"}
    expected |= {"fare_per_seat_cubed": "number", "part_of_day": "category"}
    assert list(made.items()) == [*expected.items(), ("tipped", "number"), ("earned", "number")]
    assert [column.description for column in derived.history(params)] == [
        "tip of the 2 rows before",
        "paid of the row before of the same driver",
    ]


def test_lookup_takes_some_column():
    with pytest.raises(ValidationError, match="at least one column"):
        params_of(lookups={"z": {"file": "z.csv", "by": "zone"}})
