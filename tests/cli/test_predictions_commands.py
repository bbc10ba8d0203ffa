"""The commands of `evergreen predictions`, on the log of a project that has a version."""

import json
from datetime import UTC, datetime

import logged
import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cli.predictions_commands import app
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Logged, columns_of
from evergreen.record.predictions.segment import segments


class Ran:
    def __init__(self, result) -> None:
        self.code, self.error = result.exit_code, result.exception
        self.told = json.loads(result.stdout) if result.stdout else {}


@pytest.fixture
def run(visited):
    def run(*arguments) -> Ran:
        return Ran(CliRunner().invoke(app, [*map(str, arguments), "--json"]))

    return run


@pytest.fixture
def log(visited):
    log = PredictionLog(visited.settings.predictions)
    yield log
    log.close()


def append(log, visited, rows):
    """Log answers for rows of the project's own table; return their ids."""
    columns = columns_of(visited.contract)
    names = log.new_ids(len(rows))
    log.append(
        columns,
        [
            Logged(name, logged.NOON, visited.name, 1, "ab" * 32, *values_of(columns, row), label=True, probability=0.7)
            for name, row in zip(names, rows, strict=True)
        ],
    )
    return names


def values_of(columns, row):
    def value(column):
        found = row.get(column.name)
        if found is None or found is pd.NaT or found != found:
            return None
        return int(found.value // 1_000) if column.type == "timestamp" else getattr(found, "item", lambda: found)()

    return [value(column) for column in columns.features], [value(column) for column in columns.keys]


def trained_row(visited):
    """Return a row that the project's first version was trained on, and the name of its key."""
    (facts,) = [entry.payload for entry in visited.ledger().entries(visited.name) if "train" in entry.payload][:1]
    table = pq.read_table(visited.workspace.path(facts["train"]["uri"])).to_pandas()
    return table.iloc[0].to_dict()


def test_log_is_rolled_shown_exported_and_forgotten(run, log, visited, tmp_path):
    row = trained_row(visited)
    other = {**row, **dict.fromkeys(visited.contract.key)}
    mine, _ = append(log, visited, [row, other])
    shown = run("show").told
    assert (shown["predictions"], shown["days"], shown["segments"]) == (2, {"2024-05-01": 2}, 1)
    assert run("show", mine).told["probability"] == 0.7
    assert run("show", "0" * 32).code != 0

    assert run("roll").told["open"] == 1
    keys = [part for name in visited.contract.key for part in ("--key", f"{name}={row[name]}")]
    waiting = run("forget", *keys)
    assert (waiting.code, waiting.told["waiting"]) == (5, 1)
    log.close()
    assert run("roll").told["predictions"] == 2
    assert segments(visited.settings.predictions) == []

    written = run("export", tmp_path / "out.parquet", "--since", "2024-05-01", "--until", "2024-05-02").told
    assert written["predictions"] == len(pd.read_parquet(tmp_path / "out.parquet")) == 2
    assert run("export", tmp_path / "out.csv", "--since", "2024-05-02").told["predictions"] == 0
    assert run("export", tmp_path / "out.txt").code == 1
    assert run("export", tmp_path / "out.csv", "--since", "May").code == 1

    forgotten = run("forget", *keys)
    assert (forgotten.code, forgotten.told["predictions"], forgotten.told["learned"]) == (0, 1, [1])
    assert run("show").told["predictions"] == 1


def test_days_are_kept_as_the_setting_or_the_option_says(run, log, visited, monkeypatch):
    append(log, visited, [trained_row(visited)])
    log.close()
    age = (datetime.now(UTC).date() - datetime(2024, 5, 1, tzinfo=UTC).date()).days
    monkeypatch.setenv("EVERGREEN_PREDICTION_DAYS", str(age + 1))
    assert run("roll").told["removed"] == {"predictions": 0, "feedback": 0, "shadows": 0}
    told = run("roll", "--days", age - 1).told
    assert (told["removed"]["predictions"], told["kept_days"]) == (1, age - 1)


def test_log_of_an_edge_bundle_is_imported_once(run, visited, tmp_path):
    edge = PredictionLog(tmp_path / "edge")
    names = append(edge, visited, [trained_row(visited)])
    edge.close()
    assert run("import", tmp_path / "edge").told["predictions"] == 1
    assert run("import", tmp_path / "edge").told == {"segments": 0, "known": 1, "predictions": 0, "feedback": 0}
    assert run("show", names[0]).told["prediction_id"] == names[0]
    assert run("import", tmp_path / "nothing").code == 1


def test_key_that_names_no_column_or_value_is_refused(run, log, visited):
    append(log, visited, [trained_row(visited)])
    for key in ("=", "person", "person=", "nobody=3"):
        refused = run("forget", "--key", key)
        assert getattr(refused.error, "code", "") == "LOG010"
