"""What validation says: in words, sorted by how much is broken, and never more than a line of a value."""

import pytest

from evergreen.data.validation.results import SHOWN, Example, RuleResult, Validation, judged, shown


def result(code="DQ004", outcome="failed", **about):
    return RuleResult.model_validate(
        {"code": code, "column": "x", "rule": "at most 1", "severity": "fail", "outcome": outcome, **about}
    )


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (result(n_bad=2), "DQ004 column 'x': 2 rows are not at most 1"),
        (
            result(n_bad=2, samples=(Example(item="a.csv", row=3, value="7"), Example(item="", row=4, value=""))),
            "DQ004 column 'x': 2 rows are not at most 1, such as a.csv row 3: 7, row 4",
        ),
        (result("DQ019", why="the mean is 2"), "DQ019 column 'x': is not at most 1 (the mean is 2)"),
        (result("DQ019", "passed", column=""), "DQ019 table: is at most 1"),
        (result(outcome="not applicable", why="no rows"), "DQ004 column 'x': not applicable, no rows"),
    ],
)
def test_result_reads_as_a_sentence(found, text):
    assert str(found) == text


def test_broken_rules_are_worst_first_and_stopping_are_those_of_no_row():
    rules = (
        result(n_bad=1),
        result("DQ019", n_bad=5),
        result(n_bad=3, outcome="warned"),
        result(n_bad=9),
        result(outcome="passed"),
        result("DQ015", outcome="warned", n_bad=4),
    )
    found = Validation(rows=10, kept=1, quarantined=9, rules=rules)
    assert [rule.n_bad for rule in found.broken] == [9, 5, 1]
    assert [rule.n_bad for rule in found.warnings] == [4, 3]
    assert [rule.code for rule in found.stopping] == ["DQ019"]


@pytest.mark.parametrize(
    ("severity", "broken", "outcome"),
    [("fail", True, "failed"), ("warn", True, "warned"), ("fail", False, "passed"), ("warn", False, "passed")],
)
def test_rule_that_could_be_asked_has_the_outcome_of_its_severity(severity, broken, outcome):
    assert judged(severity, broken) == outcome


def test_value_is_shown_on_one_line_and_cut():
    assert shown("a\nb\x1b") == "a\\nb\\x1b"
    assert shown(1.5) == "1.5"
    assert shown("x" * SHOWN) == "x" * SHOWN
    assert shown("x" * (SHOWN + 1)) == "x" * (SHOWN - 1) + "…"
