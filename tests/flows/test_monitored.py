"""Monitoring, retraining and the walk over the calendar, as a user runs them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from projects import Small
from sklearn.metrics import roc_auc_score


@pytest.fixture(scope="module")
def watched(trained_state: Path, prefect_api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """A project whose champion was looked at in March."""
    root = tmp_path_factory.mktemp("watched") / "project"
    shutil.copytree(trained_state, root, symlinks=True)
    small = Small(root, prefect_api_url)
    (root / "window.json").write_text(json.dumps(small.json("monitor", "--window", "2013-03")))
    return small


@pytest.fixture
def window(watched: Small) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((watched.root / "window.json").read_text())
    return found


def test_window_reports_each_signal_and_a_decision_with_reasons(window: dict[str, Any]) -> None:
    assert (window["source"], window["rows"]) == ("source", 28_834)
    for signal in ("shift", "faults", "harm", "performance", "estimated", "labels", "skew"):
        assert window[signal]["verdict"]
    assert window["shift"]["verdict"] != "no traffic"
    assert window["faults"]["verdict"] == "none"
    assert (window["performance"]["verdict"], window["performance"]["metric"]) == ("measured", "roc_auc")
    assert window["labels"]["verdict"] == "complete"
    assert window["harm"]["n_days"] == 31
    assert [reason.partition(":")[0] for reason in window["decision"]["reasons"]] == ["harm", "probe"]


def test_window_auc_equals_scikit_learn_on_the_kept_predictions(watched: Small, window: dict[str, Any]) -> None:
    workspace = watched.home / "workspace"
    predictions = pd.concat(map(pd.read_parquet, workspace.glob("predictions-*.parquet")))
    known = predictions[predictions["target"].notna()]
    assert len(known) == window["performance"]["n_labelled"]
    expected = roc_auc_score(known["target"].astype(bool), known["probability"])
    assert window["performance"]["value"] == pytest.approx(expected, abs=1e-12)
    assert predictions["prediction_id"].is_unique
    assert set(predictions["version"]) == {1}


def test_window_report_is_a_page_that_needs_no_network(window: dict[str, Any]) -> None:
    page = Path(window["report"]).read_text()
    assert "<html" in page[:2000].lower()
    assert "default-src 'none'" in page


def test_same_look_again_takes_every_step_from_its_record(watched: Small, window: dict[str, Any]) -> None:
    again = watched.json("monitor", "--window", "2013-03", "--as-of", window["as_of"])
    read_again = {"served"}  # the prediction log may have grown
    assert all(step["cached"] for step in again["steps"] if step["name"] not in read_again)
    assert {**again, "steps": None} == {**window, "steps": None}


def test_time_that_is_yet_to_come_is_a_usage_error(trained_project: Small) -> None:
    block = trained_project.refused("monitor", "--window", "2013-03", "--as-of", "2999-01-01", code=2)
    assert "MON003" in block


def test_retraining_happens_once_for_a_window_and_passes_the_same_gate(watched: Small) -> None:
    done = watched.run("retrain", "--reason", "wanted", "--json")
    assert done.returncode in (0, 4), done.stderr
    first = json.loads(done.stdout)
    assert first["training"]["verdict"] == ("promoted" if done.returncode == 0 else "refused")
    assert {check["name"] for check in first["training"]["checks"]} > {"floor", "baseline", "champion"}
    assert first["training"]["rule"] == "refresh"
    second = watched.json("retrain", "--reason", "and once more")
    assert second["already_done"]
    assert second["training"] is None


def test_retraining_before_any_window_says_what_to_do(trained_project: Small) -> None:
    assert "evergreen monitor" in trained_project.refused("retrain", code=2)


def test_monitoring_without_a_champion_says_what_to_do(small_project: Small) -> None:
    assert "evergreen run" in small_project.refused("monitor", "--window", "2013-03", code=2)


def test_month_that_is_none_is_a_usage_error(trained_project: Small) -> None:
    assert "2013-03" in trained_project.refused("monitor", "--window", "2013-13", code=2)
