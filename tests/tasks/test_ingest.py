"""The ingest step: the rows of the period, from a dataset version that is read once."""

from datetime import date

import pytest
import validated

from evergreen.base.artifacts.refs import SourceRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.params.ingest import IngestParams
from evergreen.data import datasets
from evergreen.data.ingest import readers
from evergreen.data.ingest.items import item_of
from tasks.ingest import ingest

ROWS = """\
at,who,x,y
2024-01-31,ann@example.org,1,true
2024-02-01,bob@example.org,2,false
2024-02-29,ann@example.org,bad,true
"""


def contract_of(pii):
    return validated.contract_of(
        {"name": "at", "type": "timestamp", "role": "time", "nullable": False},
        {"name": "who", "type": "text", "role": "ignore", **({"pii": pii} if pii else {})},
        {"name": "x", "type": "number"},
    )


@pytest.fixture
def run(tmp_path):
    def run(*, pii=None, **period):
        path = tmp_path / "rows.csv"
        path.write_text(ROWS)
        ws = Workspace(root=tmp_path / "workspace")
        raw = ingest.fn(
            SourceRef(items=(item_of(path, name="rows.csv"),)),
            ws=ws,
            datasets=tmp_path / "home" / "datasets",
            contract=contract_of(pii),
            params=IngestParams(**period),
        ).raw
        return raw, [row for _, batch in datasets.batches(ws.path(raw.uri), raw) for row in batch.to_pylist()]

    return run


def test_rows_of_the_period_come_typed_and_what_cannot_be_read_beside_them(run):
    raw, rows = run(start=date(2024, 2, 1), end=date(2024, 3, 1))
    assert raw.rows == len(rows) == 2
    assert [row["at"].day for row in rows] == [1, 29]
    assert [row["x"] for row in rows] == [2.0, None]
    assert ["bad" in (row["_unreadable"] or "") for row in rows] == [False, True]


def test_source_is_read_once_whatever_period_is_asked_for(run, monkeypatch):
    whole, rows = run()
    assert len(rows) == 3
    monkeypatch.setattr(readers, "read", None)  # nobody may ask again
    part, _ = run(end=date(2024, 2, 1))
    assert (part.rows, part.sha256 != whole.sha256) == (1, True)


def test_other_code_reads_the_source_again(run, monkeypatch):
    read, times = readers.read, []
    monkeypatch.setattr(readers, "read", lambda *given, **more: times.append(1) or read(*given, **more))
    run()
    run()
    assert len(times) == 1
    monkeypatch.setattr("tasks.ingest.code_digest", lambda module: f"another {module}")
    run()
    assert len(times) == 2


def test_hashed_values_are_kept_as_hashes_by_a_key_that_stays(run, tmp_path):
    key = tmp_path / "home" / "pii.key"
    run()
    assert not key.exists()
    _, rows = run(pii="hash")
    kept = key.read_bytes()
    assert len({row["who"] for row in rows}) == 2
    assert rows[0]["who"] == rows[2]["who"]
    assert "@" not in str([row["who"] for row in rows])
    _, again = run(pii="hash")
    assert [row["who"] for row in again] == [row["who"] for row in rows]
    assert key.read_bytes() == kept
