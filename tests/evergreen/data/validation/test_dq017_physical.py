"""DQ017: the type in a typed source is not the one that it was."""

import pytest
from validated import contract_of, item, stream

from evergreen.data.validation.tables import change


@pytest.mark.parametrize(
    ("declared", "arrived", "expected"),
    [
        ("int64", "int64", "same"), ("int64", "int32", "narrowed"), ("int32", "int64", "widened"),
        ("uint8", "int16", "widened"), ("uint8", "int8", "narrowed"), ("int8", "uint8", "narrowed"),
        ("int8", "uint64", "narrowed"), ("uint8", "uint16", "widened"), ("int32", "double", "widened"),
        ("int64", "double", "narrowed"), ("int16", "float", "widened"), ("int32", "float", "narrowed"),
        ("float", "double", "widened"), ("double", "float", "narrowed"), ("double", "int64", "narrowed"),
        ("float", "int64", "narrowed"), ("int64", "string", "narrowed"), ("string", "large_string", "same"),
        ("string", "dictionary<values=string, indices=int32, ordered=0>", "same"), ("string", "int64", "narrowed"),
        ("bool", "int8", "narrowed"), ("bool", "bool", "same"), ("int64", "timestamp[us]", "narrowed"),
    ],
)  # fmt: skip
def test_change_of_type(declared, arrived, expected):
    assert change(declared, arrived) == expected


def physical(arrived, **about):
    contract = contract_of({"type": "integer", "physical": "int32", **about})
    items = tuple(item(name=f"{n}.parquet", sha256=f"{n:064x}", physical=kind) for n, kind in enumerate(arrived))
    return stream({"x": [1, 2]}, contract, items=items).result("DQ017")


def test_narrowed_type_fails_and_says_where():
    found = physical([{"x": "int32"}, {"x": "int16"}, {"x": "int64"}])

    assert (found.outcome, found.severity, found.n_bad, found.rows) == ("failed", "fail", 4, 12)
    assert str(found) == "DQ017 column 'x': is not of physical type int32 (narrowed to int16 in 1.parquet)"


def test_narrowed_type_may_warn():
    assert physical([{"x": "int8"}], severity={"DQ017": "warn"}).outcome == "warned"


def test_widened_type_warns():
    found = physical([{"x": "int32"}, {"x": "int64"}])

    assert (found.outcome, found.why) == ("warned", "widened to int64 in 1.parquet")


def test_silent_on_the_declared_type_and_not_applicable_to_text():
    assert physical([{"x": "int32"}]).outcome == "passed"
    assert physical([{}]).outcome == physical([]).outcome == "not applicable"
