"""GT011 and GT012: what would be served is small and fast enough, where a limit is set."""

import math

import pytest
from gates import POLICY, contender, prior

from evergreen.decisions.gate.checks.footprint import check_latency, check_size

SAID = prior(10)
LIMITED = POLICY.model_copy(update={"max_megabytes": 20.0, "max_milliseconds": 5.0})
CASES = [
    (check_size, "megabytes", "size", "GT011", 20.0, "MB"),
    (check_latency, "milliseconds", "latency", "GT012", 5.0, "ms"),
]


@pytest.mark.parametrize(("check_of", "field", "name", "code", "limit", "unit"), CASES)
def test_model_within_the_limit_passes(check_of, field, name, code, limit, unit):
    for value in (limit / 2, limit):
        check = check_of(contender(SAID, **{field: value}), LIMITED)

        assert (check.name, check.code, check.outcome, check.would_change) == (name, code, "passed", "")
        assert check.evidence == {unit: value}
        assert check.text == f"{value:.3g} {unit} against a limit of {limit:g} {unit}"


@pytest.mark.parametrize(("check_of", "field", "name", "code", "limit", "unit"), CASES)
def test_model_beyond_the_limit_fails(check_of, field, name, code, limit, unit):
    for value in (limit * 1.001, math.nan, math.inf):
        check = check_of(contender(SAID, **{field: value}), LIMITED)

        assert (check.outcome, check.would_change) == ("failed", f"{limit:g} {unit} or less")


@pytest.mark.parametrize(("check_of", "field", "name", "code", "limit", "unit"), CASES)
def test_what_was_not_measured_fails_where_there_is_a_limit(check_of, field, name, code, limit, unit):
    check = check_of(contender(SAID), LIMITED)

    assert (check.outcome, check.text) == ("failed", f"it was not measured against a limit of {limit:g} {unit}")


@pytest.mark.parametrize(("check_of", "field", "name", "code", "limit", "unit"), CASES)
def test_without_a_limit_nothing_is_asked_and_the_measure_is_kept(check_of, field, name, code, limit, unit):
    check = check_of(contender(SAID, **{field: 1e6}), POLICY)

    assert (check.outcome, check.text, check.evidence) == ("not applicable", "no limit is set", {unit: 1e6})
