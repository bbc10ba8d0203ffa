"""The champion served from its bento, batch scoring, and that both give one answer."""

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pandas as pd
import pytest
from projects import SECONDS, Small, wait_for
from prometheus_client.parser import text_string_to_metric_families
from servers import free_port

from evergreen.config.contract.contract import Contract
from evergreen.record.predictions import log as predictions


@pytest.fixture
def rows(flights_table: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Ten real flights, as a caller would send them."""
    columns = [column.name for column in contract.request_columns]
    return flights_table[columns].tail(10).reset_index(drop=True)


@pytest.fixture(scope="module")
def served(trained_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """A project whose champion `service` serves to all tests of this module."""
    root = tmp_path_factory.mktemp("served") / "project"
    shutil.copytree(trained_state, root, symlinks=True)
    return Small(root)


@pytest.fixture(scope="module")
def service(served: Small) -> Iterator[httpx.Client]:
    port = free_port()
    process = served.start("serve", "--port", str(port))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:

        def ready() -> bool:
            try:
                return client.get("/readyz").status_code == 200
            except httpx.TransportError:
                return False

        wait_for(lambda: ready() or process.poll() is not None, "the service is ready")
        assert process.poll() is None, (served.root / "started.log").read_text()
        yield client
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) in (0, -signal.SIGTERM)  # uvicorn passes the signal on once it is done


def sent(rows: pd.DataFrame) -> dict[str, object]:
    return {"rows": json.loads(rows.to_json(orient="records", date_format="iso", double_precision=15))}


def logged(served: Small) -> set[str]:
    """Return the ids of the predictions in the log."""
    folder = served.home / "predictions"
    return set(predictions.read(folder)["prediction_id"]) if folder.exists() else set()


def counted(service: httpx.Client) -> float:
    """Return how many predictions the service says that it has made."""
    families = list(text_string_to_metric_families(service.get("/metrics").text))
    return sum(s.value for family in families for s in family.samples if s.name.endswith("predictions_total"))


def test_service_answers_as_batch_scoring_does_and_logs_every_prediction(
    served: Small, service: httpx.Client, rows: pd.DataFrame
) -> None:
    before = logged(served)
    answered = service.post("/predict", json=sent(rows)).json()
    assert (answered["model"], answered["version"]) == ("flights", 1)

    rows.to_csv(served.root / "rows.csv", index=False)
    summary = served.json("score", "rows.csv", "scored.parquet")
    assert (summary["rows"], summary["scored"], summary["refused"], summary["version"]) == (10, 10, 0, 1)
    scored = pd.read_parquet(served.root / "scored.parquet")
    probabilities = [prediction["probability"] for prediction in answered["predictions"]]
    assert probabilities == pytest.approx(scored["probability"].tolist(), abs=1e-12)
    assert [prediction["label"] for prediction in answered["predictions"]] == scored["label"].astype(bool).tolist()

    assert logged(served) - before == {prediction["prediction_id"] for prediction in answered["predictions"]}


def test_answer_does_not_depend_on_the_order_of_keys(service: httpx.Client, rows: pd.DataFrame) -> None:
    first = service.post("/predict", json=sent(rows)).json()["predictions"]
    second = service.post("/predict", json=sent(rows[sorted(rows.columns)])).json()["predictions"]
    assert [p["probability"] for p in first] == [p["probability"] for p in second]


def test_service_refuses_a_column_that_is_a_consequence(service: httpx.Client, rows: pd.DataFrame) -> None:
    answer = service.post("/predict", json=sent(rows.assign(dep_delay=30.0)))
    assert answer.status_code == 422
    assert "dep_delay" in answer.text


def test_metrics_count_the_rows_that_were_asked(service: httpx.Client, rows: pd.DataFrame) -> None:
    before = counted(service)
    service.post("/predict", json=sent(rows))
    assert counted(service) - before == 10


def test_scoring_keeps_every_row_and_says_why_one_got_no_probability(
    trained_project: Small, rows: pd.DataFrame
) -> None:
    rows.assign(origin=["MARS"] + ["JFK"] * 9).to_csv(trained_project.root / "rows.csv", index=False)
    summary = trained_project.json("score", "rows.csv", "scored.csv")
    assert (summary["rows"], summary["scored"], summary["refused"]) == (10, 9, 1)
    scored = pd.read_csv(trained_project.root / "scored.csv")
    assert pd.isna(scored["probability"][0])
    assert scored["codes"][0] == "DQ005"
    assert scored["probability"][1:].between(0, 1).all()


def test_scoring_a_file_that_is_not_there_is_one_block(trained_project: Small) -> None:
    assert "nowhere.csv" in trained_project.refused("score", "nowhere.csv", "scored.csv", code=3)
    assert not (trained_project.root / "scored.csv").exists()


def test_scoring_into_an_unknown_format_is_refused_before_anything_is_read(trained_project: Small) -> None:
    assert ".parquet" in trained_project.refused("score", "nowhere.csv", "scored.xlsx", code=2)
