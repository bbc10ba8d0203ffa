"""The commands of `evergreen labels`, on the log of a project without a champion."""

import json

import logged
import pandas as pd
import pytest
from typer.testing import CliRunner

from cli.labels_commands import app
from evergreen.record.labels.beside import with_feedback
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Logged, columns_of


class Ran:
    def __init__(self, result) -> None:
        self.code, self.error = result.exit_code, result.exception
        self.told = json.loads(result.stdout) if result.stdout else {}


@pytest.fixture
def run(fresh):
    def run(*arguments) -> Ran:
        return Ran(CliRunner().invoke(app, [*map(str, arguments), "--json"]))

    return run


@pytest.fixture
def names(fresh):
    """Ids of three visits that were predicted in May."""
    log, columns = PredictionLog(fresh.settings.predictions), columns_of(fresh.contract)
    names = log.new_ids(3)
    about, times = {"label": True, "probability": 0.7}, [logged.NOON + row for row in range(3)]
    log.append(
        columns,
        [
            Logged(name, logged.NOON, "visits", 1, "ab" * 32, [at, 1.5, 2.5], [row], at, **about)
            for row, (name, at) in enumerate(zip(names, times, strict=True))
        ],
    )
    log.close()
    return names


def returned(fresh):
    rows = [row for batch in with_feedback(fresh.settings.predictions) for row in batch.to_pylist()]
    return [row["feedback_label"] for row in rows]


def test_labels_that_were_asked_for_are_filled_in_and_added(run, fresh, names, tmp_path):
    path = tmp_path / "ask.csv"
    asked = run("ask", "--share", "1", "--window", "2024-05", path)
    assert (asked.code, asked.told) == (0, {"file": str(path), "asked": 3, "share": 1.0, "notices": []})
    filled = pd.read_csv(path)
    assert filled["prediction_id"].tolist() == names
    assert run("ask", "--share", "1", "--window", "2024-06", tmp_path / "june.csv").told["asked"] == 0
    assert run("ask", "--share", "1", "--since", "2024-05-02", tmp_path / "later.csv").told["asked"] == 0

    filled.assign(returned=["true", "false", ""]).to_csv(path, index=False)
    added = run("add", path)
    assert added.code == 0
    counts = {"rows": 3, "taken": 2, "known": 0, "unlabelled": 1, "refused": 0, "unknown_ids": 0}
    assert {name: added.told[name] for name in counts} == counts
    assert returned(fresh) == [True, False, None]
    assert run("add", path).told["known"] == 2


def test_file_of_refused_rows_alone_ends_with_3(run, fresh, names, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(f"prediction_id,returned\n{names[0]},maybe\n")
    ended = run("add", path)
    assert (ended.code, ended.told["refused"], ended.told["first"][0]["row"]) == (3, 1, 1)
    assert pd.read_csv(ended.told["refused_file"])["returned"].tolist() == ["maybe"]
    path.write_text(f"prediction_id,returned\n{names[0]},maybe\n{names[0]},true\n")
    assert run("add", path).code == 0
    path.write_text(f"prediction_id,returned\n{names[0]},\n")
    assert run("add", path).code == 0


@pytest.mark.parametrize("arguments", [["--share", "0"], ["--share", "1.5"], ["--share", "nan"]])
def test_share_of_nothing_or_of_more_than_all_is_refused(run, names, tmp_path, arguments):
    ended = run("ask", *arguments, tmp_path / "ask.csv")
    assert (ended.error.code, ended.error.exit_code) == ("LOG013", 2)
    both = run("ask", "--share", "0.5", "--window", "2024-05", "--since", "2024-05-01", tmp_path / "ask.csv")
    assert both.error.code == "LOG013"
    assert not (tmp_path / "ask.csv").exists()
