"""A column of the contract: which rules fit which type, and which severities can be set."""

import pytest
from pydantic import ValidationError

from evergreen.config.contract.columns import COLUMN_CODES, TABLE_CODES, Column, settable

TYPES = ("number", "integer", "category", "text", "timestamp", "boolean")
FITS = {
    "min": (0, {"number", "integer"}),
    "max": (0, {"number", "integer"}),
    "mean": ((0, 1), {"number", "integer", "boolean"}),
    "categories": (("a",), {"category"}),
    "pattern": ("a", {"category", "text"}),
    "spelling": (("no", "yes"), {"boolean"}),
    "parts": (("day", "hour"), {"timestamp"}),
}


def column(**about):
    return Column.model_validate({"name": "x", "type": "number", "role": "feature", **about})


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("rule", FITS)
def test_rule_is_accepted_for_the_types_that_it_can_be_asked_of_and_no_other(kind, rule):
    value, types = FITS[rule]
    if kind in types:
        assert getattr(column(type=kind, **{rule: value}), rule) == value
    else:
        with pytest.raises(ValidationError, match=f"column 'x': .*{rule}.*( need type| of an? {kind} is )"):
            column(type=kind, **{rule: value})


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"min": 1, "max": 0.5}, "min <= max must hold"),
        ({"mean": (1, 0)}, "mean low <= high must hold"),
        ({"type": "category", "categories": ()}, "allow no value"),
        ({"type": "category", "open": True}, "open needs categories"),
        ({"type": "boolean", "spelling": ("y", "y")}, "the same word"),
        ({"spelling": {"decimal": ",", "thousands": ","}}, "cannot stand both before decimals and between thousands"),
        ({"spelling": {"after": " kg"}}, "begins or ends with a space"),
        ({"spelling": {"before": "No 5"}}, "taken for a part of it"),
        ({"spelling": "%d"}, "is a mapping such as"),
        ({"type": "timestamp", "spelling": {"decimal": ","}}, "is a format such as"),
        ({"type": "timestamp", "spelling": "%H:%M"}, "it has no year"),
        ({"type": "timestamp", "spelling": "%Y %d"}, "%d without what is larger"),
        ({"type": "timestamp", "spelling": "%Y-%m-%d %I:%M"}, "%I and %p need each other"),
        ({"type": "timestamp", "spelling": "%Y-%m-%d %k"}, "%k is not read"),
        ({"type": "timestamp", "spelling": "%Y-%y-%m"}, "two places for what %Y says"),
        ({"type": "timestamp", "spelling": "%Y-%m-%d %z"}, "an offset without a time of day"),
        ({"type": "timestamp", "parts": ("day",)}, "two columns or more"),
        ({"type": "timestamp", "parts": ("day", "hour"), "spelling": "%Y"}, "bring their own spelling"),
        ({"max_null_share": 0.5}, "needs nullable"),
        ({"type": "text", "pattern": "("}, "not a regular expression"),
        ({"pii": "drop"}, "needs role: ignore"),
        ({"pii": "hash", "role": "ignore"}, "needs type category or text"),
        ({"pii": "mask", "role": "ignore", "type": "text", "pattern": "a"}, "without categories and pattern"),
        ({"pii": "hash", "type": "text"}, "does not fit role feature"),
        ({"severity": {"DQ002": "warn"}}, "DQ002 has no severity to set here"),
    ],
)
def test_column_that_contradicts_itself_is_refused(about, says):
    with pytest.raises(ValidationError, match=says):
        column(**about)


@pytest.mark.parametrize(
    "about",
    [
        {"min": 1, "max": 1},
        {"mean": (0.5, 0.5)},
        {"nullable": True, "max_null_share": 0},
        {"pii": "drop", "role": "ignore"},
        {"pii": "keep"},
        {"pii": "hash", "role": "key", "type": "text"},
        {"severity": dict.fromkeys(COLUMN_CODES, "warn")},
    ],
)
def test_column_on_the_edge_of_what_is_allowed_is_accepted(about):
    assert column(**about)


def test_severity_can_be_set_for_the_codes_of_its_place_only():
    assert settable({"DQ006": "warn"}, TABLE_CODES) == {"DQ006": "warn"}
    with pytest.raises(ValueError, match=r"^DQ003 has no severity to set here; DQ006, "):
        settable({"DQ006": "warn", "DQ003": "fail"}, TABLE_CODES)
