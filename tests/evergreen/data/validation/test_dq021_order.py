"""DQ021: rows do not come in the order of their time."""

from validated import contract_of, item, stream

TIME = {"name": "t", "type": "timestamp", "role": "time", "nullable": True}


def ordered(**about):
    return contract_of(TIME, {"type": "number"}, time_order=True, **about)


def test_unordered_rows_warn_with_their_number_and_source():
    items = (item(unordered=3), item(name="b.csv", sha256="cd" * 32))

    found = stream({"t": ["2024-03-01"]}, ordered(), items=items).result("DQ021")

    assert (found.outcome, found.n_bad) == ("warned", 3)
    assert found.why == "3 rows lie before the row above, in rows.csv"


def test_severity_is_the_contracts():
    contract = ordered(severity={"DQ021": "fail"})

    assert stream({"t": ["2024-03-01"]}, contract, items=(item(unordered=1),)).result("DQ021").outcome == "failed"


def test_silent_on_ordered_rows_and_where_no_order_is_declared():
    assert stream({"t": ["2024-03-01"]}, ordered(), items=(item(),)).result("DQ021").outcome == "passed"
    unordered = stream({"t": ["2024-03-01"]}, contract_of(TIME, {"type": "number"}), items=(item(unordered=2),))
    assert unordered.results("DQ021") == []


def test_not_applicable_without_a_time():
    assert stream({"t": [None]}, ordered(), items=(item(),)).result("DQ021").outcome == "not applicable"
