"""DQ005: a category that is not among those declared."""

from validated import both, contract_of, stream

SIZES = {"type": "category", "categories": ["S", "M"]}


def test_unknown_category_fires():
    run = both({"x": ["S", "M", "L", "s", "S ", "", None]}, contract_of(SIZES))

    found = run.result("DQ005")
    assert (found.n_bad, found.rows, found.outcome) == (4, 6, "failed")
    assert found.rule == "one of S, M"
    assert [sample.value for sample in found.samples] == ["L", "s", "S "]


def test_open_set_warns_and_keeps_the_row_unless_it_says_fail():
    open_set = {**SIZES, "open": True}

    assert both({"x": ["S", "L"]}, contract_of(open_set)).result("DQ005").outcome == "warned"
    assert stream({"x": ["S", "L"]}, contract_of(open_set)).kept.num_rows == 2
    assert stream({"x": ["S", "L"]}, contract_of({**open_set, "severity": {"DQ005": "fail"}})).kept.num_rows == 1


def test_silent_on_declared_categories():
    assert stream({"x": ["S", "M", None]}, contract_of(SIZES)).result("DQ005").outcome == "passed"


def test_not_applicable_without_a_value():
    assert stream({"x": [None]}, contract_of(SIZES)).result("DQ005").outcome == "not applicable"


def test_sample_is_one_short_printable_line():
    run = stream({"x": ["a\nb\x1b[31m", "z" * 200]}, contract_of(SIZES))

    assert [sample.value for sample in run.result("DQ005").samples] == [r"a\nb\x1b[31m", "z" * 79 + "…"]
