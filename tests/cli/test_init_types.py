"""`evergreen init` on Parquet of every type that a column may have: read, or left out with the reason."""

from pathlib import Path

import arrow_kinds
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import worked

from cli import batch
from evergreen.base.errors import ConfigError
from evergreen.project import Project


def test_every_type_is_read_or_left_out_with_the_reason_and_works_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = worked.project(tmp_path)
    data = settings.project / "rows.parquet"
    table, kinds = arrow_kinds.table()
    pq.write_table(table, data)

    written = worked.described(settings, data, "sold")

    contract = written.proposal.contract
    declared = {column.name: column.type for column in contract.columns if column.name != "sold"}
    assert declared == {name: kind for name, kind in kinds.items() if kind is not None}
    assert {*written.proposal.left_out} == {name for name, kind in kinds.items() if kind is None}
    assert written.summary()["left_out"] == written.proposal.left_out
    for name in written.proposal.left_out:
        assert any(note.startswith(f"column '{name}' is left out: ") for note in written.review)
    assert [column.unit for column in contract.columns if column.name.startswith("waited")] == ["s", "s"]
    made = worked.worked(settings, written, data)
    assert (made.refused, made.asked) == (0, worked.ASKED)
    assert made.scored.column("waited").type == pa.duration("us")
    _scored_as_text(settings.project, written.params, data, monkeypatch)


def _scored_as_text(root: Path, params: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows scored into CSV, and that file scored again, have the ids of the first answer: it is the same rows."""
    monkeypatch.chdir(root)
    project = Project.open("local", params)
    batch.score(project, str(data), root / "first.csv", logs=False)
    batch.score(project, "first.csv", root / "second.parquet", logs=False)
    again = pq.read_table(root / "second.parquet")
    assert again["prediction_id"].to_pylist() == again["_prediction_id"].to_pylist()
    assert again["waited"][0].as_py() == "63.05"


def test_target_of_a_type_that_is_not_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    settings = worked.project(tmp_path)
    data = settings.project / "rows.parquet"
    pq.write_table(pa.table({"x": [1.0, 2.0] * 50, "y": [[1], [2]] * 50}), data)
    with pytest.raises(ConfigError, match="CFG024: column 'y' cannot be used: nested"):
        worked.described(settings, data, "y")
    assert not (settings.project / "configs" / "rows").exists()
