"""DQ023: a feature that has one value, or none, in every row."""

import pytest
from validated import contract_of, stream


@pytest.mark.parametrize(
    ("kind", "values", "why"),
    [
        ("number", [1, 1, 1], "every value is 1.0"),
        ("category", ["a", None, "a"], "every value is a"),
        ("integer", [None, None], "no row has a value"),
        ("boolean", [True, True], "every value is True"),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_constant_feature_warns(kind, values, why, size):
    run = stream({"x": values}, contract_of({"type": kind}), size=size)

    found = run.result("DQ023")
    assert (found.outcome, found.why, found.n_bad) == ("warned", why, len(values))
    assert run.kept.num_rows == len(values)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_silent_on_a_feature_that_varies_once(size):
    assert (
        stream({"x": [1, 1, None, 1, 2]}, contract_of({"type": "number"}), size=size).result("DQ023").outcome
        == "passed"
    )


def test_only_features_are_judged_and_the_severity_is_the_columns():
    ignored = contract_of({"type": "number", "role": "ignore"}, {"name": "f", "type": "number"})

    assert [rule.column for rule in stream({"x": [1, 1], "f": [1, 2]}, ignored).results("DQ023")] == ["f"]
    failing = contract_of({"type": "number", "severity": {"DQ023": "fail"}})
    assert stream({"x": [1, 1]}, failing).result("DQ023").outcome == "failed"


@pytest.mark.parametrize("values", [[], [1]])
def test_not_applicable_to_fewer_than_two_rows(values):
    assert stream({"x": values}, contract_of({"type": "number"})).result("DQ023").outcome == "not applicable"
