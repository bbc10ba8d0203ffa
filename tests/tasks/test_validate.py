"""The validate step: valid rows, quarantine, results and pages, or an error that names the quarantine."""

from datetime import UTC, date, datetime

import pyarrow.parquet as pq
import pytest
from validated import contract_of, load, typed

from evergreen.base.artifacts.folders import read_folder
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError
from evergreen.config.params.validate import ValidateParams
from evergreen.data import datasets
from evergreen.data.typed.schema import arrow_schema
from evergreen.data.validation.own import Expectation
from tasks.validate import validate

TIME = {"name": "t", "type": "timestamp", "role": "time", "nullable": True}
NUMBER = {"type": "number", "max": 9}
ROWS = {"t": ["2024-01-05", "2024-02-05", "2024-02-06", "soon"], "x": [1, 2, 99, 4]}
HALF, TODAY = ValidateParams(max_bad_share=0.5), date(2024, 4, 1)


@pytest.fixture
def ws(tmp_path):
    load()
    return Workspace(root=tmp_path / "work")


def dataset(ws, contract, rows, **about):
    """Write rows as a dataset version, as ingest does."""
    parts = ws.root / "parts"
    parts.mkdir(parents=True)
    writer = datasets.Writer(parts, item="ab" * 32, time=contract.time, zone="UTC")
    writer.add(typed(rows, contract))
    fragments = writer.close()
    types = {field.name: str(field.type) for field in arrow_schema(contract.stored)}
    item = {"name": "rows.csv", "size": 1, "sha256": "ab" * 32, "rows": 4, **about}
    manifest = datasets.Manifest(
        name="rows", digest=datasets.digest(types, fragments), rows=sum(part.rows for part in fragments), types=types,
        items=(datasets.IngestedItem.model_validate(item),), fragments=fragments, source="rows.csv", made_with="test",
        ingested_at=datetime(2024, 4, 1, tzinfo=UTC),
    )  # fmt: skip
    datasets.publish(ws.root / "version", manifest, {part.path: parts / part.path for part in fragments})
    return datasets.reference(ws.root, "version")


def table(ws, ref):
    return pq.read_table(ws.path(ref.uri))


def test_rows_are_kept_or_set_aside_with_the_name_of_their_source(ws):
    contract = contract_of(TIME, NUMBER)

    found = validate.fn(
        dataset(ws, contract, ROWS), ws=ws, contract=contract, expectations=(), today=TODAY, params=HALF
    )

    kept, aside = table(ws, found.valid), table(ws, found.quarantine)
    assert kept.column_names == ["t", "x", "y"]
    assert kept.column("x").to_pylist() == [1.0, 2.0]
    assert aside.select(["t", "x", "source", "row", "codes"]).to_pylist() == [
        {"t": "2024-02-06 00:00:00.000000Z", "x": "99", "source": "rows.csv", "row": 2, "codes": "DQ004"},
        {"t": "soon", "x": "4", "source": "rows.csv", "row": 3, "codes": "DQ002"},
    ]
    assert (found.valid.rows, found.quarantine.rows) == (found.validation.kept, found.validation.quarantined) == (2, 2)
    _, pages = read_folder(ws.path(found.docs.uri), found.docs.sha256)
    assert sorted(pages) == ["results.html", "suite.html"]
    assert type(found).model_validate_json(found.model_dump_json()) == found


def test_same_rows_give_the_same_artifacts(ws):
    contract = contract_of(TIME, NUMBER)
    raw = dataset(ws, contract, ROWS)

    assert validate.fn(raw, ws=ws, contract=contract, expectations=(), today=TODAY, params=HALF) == validate.fn(
        raw, ws=ws, contract=contract, expectations=(), today=TODAY, params=HALF
    )


def failing(ws, contract, *, rows=ROWS, own=(), params=HALF, **about):
    """Return the error of the step, which left quarantine and pages and no valid rows."""
    with pytest.raises(DataError) as caught:
        validate.fn(
            dataset(ws, contract, rows, **about), ws=ws, contract=contract, expectations=own, today=TODAY, params=params
        )
    error = caught.value
    assert pq.read_table(error.where).column_names[-4:] == ["source", "row", "codes", "unreadable"]
    assert len(list(ws.root.glob("docs-*/results.html"))) == 1
    assert list(ws.root.glob("*valid-*")) == list(ws.root.glob(".valid*")) == []
    return error


def test_too_many_bad_rows_fail_after_quarantine_is_written(ws):
    error = failing(ws, contract_of(TIME, NUMBER), params=ValidateParams(max_bad_share=0.49))

    assert (error.code, error.exit_code) == ("DQ008", 3)
    assert error.what.startswith("2 of 4 rows break the contract, 49% are allowed. DQ002 column 't': 1 rows are not")


def test_share_of_bad_rows_at_the_limit_is_allowed(ws):
    contract = contract_of(TIME, NUMBER)

    assert (
        validate.fn(
            dataset(ws, contract, ROWS), ws=ws, contract=contract, expectations=(), today=None, params=HALF
        ).validation.quarantined
        == 2
    )


def test_failed_rule_on_the_table_fails_with_its_code_and_the_number_of_others(ws):
    error = failing(ws, contract_of(TIME, NUMBER, rows=[5, 9], freshness_days=10))

    assert error.code == "DQ014"
    assert error.what.startswith("table: is not newer than 10 days")
    assert error.what.endswith("; and 1 more")


def test_rule_on_the_table_that_only_warns_stops_nothing(ws):
    contract = contract_of(TIME, NUMBER, rows=[5, 9], severity={"DQ015": "warn"})

    found = validate.fn(
        dataset(ws, contract, ROWS), ws=ws, contract=contract, expectations=(), today=TODAY, params=HALF
    )

    assert [rule.code for rule in found.validation.warnings] == ["DQ015"]


def test_users_expectation_that_does_not_hold_fails(ws):
    own = (Expectation(type="expect_column_max_to_be_between", kwargs={"column": "x", "max_value": 50}),)

    error = failing(ws, contract_of(TIME, NUMBER), own=own)

    assert error.code == "DQ031"
    said = "expect_column_max_to_be_between(column=x, max_value=50.0): observed 99.0"
    assert error.what == f"an expectation of yours does not hold: {said}"


def test_dataset_without_rows_is_judged_too(ws):
    contract = contract_of(TIME, NUMBER)

    found = validate.fn(
        dataset(ws, contract, {"t": [], "x": []}), ws=ws, contract=contract, expectations=(), today=TODAY, params=HALF
    )

    assert (found.validation.rows, found.valid.rows, found.quarantine.rows) == (0, 0, 0)
