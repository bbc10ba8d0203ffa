"""What the document says of columns of every kind, and of rules that only warn."""

from evergreen.config.contract.contract import Contract
from serving.spellings import schema_of, text_form


def test_severity_pattern_open_set_and_spelling_are_in_the_document():
    columns = [
        {"name": "code", "type": "category", "role": "feature", "pattern": "[A-Z]{2}", "nullable": True},
        {"name": "odd", "type": "text", "role": "feature", "pattern": r"(?<=a)b"},
        {"name": "size", "type": "category", "role": "feature", "categories": ["S", "7"], "open": True},
        {"name": "kind", "type": "category", "role": "feature", "categories": ["S", "7", "2.5", "true"]},
        {"name": "fare", "type": "number", "role": "feature", "min": 0, "severity": {"DQ004": "warn"}},
        {"name": "tip", "type": "boolean", "role": "feature", "spelling": ["No", "Yes"]},
        {"name": "late", "type": "boolean", "role": "target"},
    ]
    about = {"name": "sizes", "description": "", "source": {"kind": "file", "path": "s.csv"}, "timezone": "UTC"}
    contract = Contract.model_validate({**about, "label_delay_days": 0, "columns": columns})
    said = {column.name: schema_of(column) for column in contract.columns}

    assert {"pattern": "^(?:[A-Z]{2})$"} in said["code"]["anyOf"][0]["allOf"]
    assert "(?<=a)b" in said["odd"]["description"]
    assert said["size"]["type"] == ["string", "number", "boolean"]
    assert said["kind"]["enum"] == ["S", "7", "2.5", "true", 7, 2.5, True]
    assert said["fare"]["anyOf"][0]["minimum"] < -1e300
    tip = next(column for column in contract.columns if column.name == "tip")
    form = text_form(tip)
    assert form is not None
    assert form.fullmatch(" Yes ")
    assert not form.fullmatch("yes")
    assert not form.fullmatch("true")
