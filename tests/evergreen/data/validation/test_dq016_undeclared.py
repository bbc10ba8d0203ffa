"""DQ016: a column arrived that the contract does not declare."""

from validated import contract_of, item, stream

CONTRACT = contract_of({"type": "number"})


def test_undeclared_column_warns_and_says_where_it_came():
    items = (item(undeclared=("extra", "more"), rows=4), item(name="b.csv", sha256="cd" * 32, undeclared=("extra",)))

    found = stream({"x": [1, 2]}, CONTRACT, items=items).results("DQ016")

    assert [(rule.column, rule.outcome, rule.n_bad) for rule in found] == [
        ("extra", "warned", 8),
        ("more", "warned", 4),
    ]
    assert str(found[0]) == (
        "DQ016 column 'extra': is not declared in the contract (it came in rows.csv, b.csv and is not stored)"
    )


def test_many_items_are_counted_and_not_all_named():
    items = tuple(item(name=f"{n}.csv", sha256=f"{n:064x}", undeclared=("extra",)) for n in range(5))

    assert "0.csv, 1.csv, 2.csv and 2 more" in stream({"x": [1]}, CONTRACT, items=items).result("DQ016").why


def test_severity_is_the_contracts():
    contract = contract_of({"type": "number"}, severity={"DQ016": "fail"})

    assert stream({"x": [1]}, contract, items=(item(undeclared=("q",)),)).result("DQ016").outcome == "failed"


def test_silent_on_declared_columns_and_not_applicable_without_a_source():
    assert stream({"x": [1]}, CONTRACT, items=(item(),)).result("DQ016").outcome == "passed"
    assert stream({"x": [1]}, CONTRACT).result("DQ016").outcome == "not applicable"
