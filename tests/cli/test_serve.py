"""The champion served from its bento, batch scoring, and that both give one answer."""

import hashlib
import json
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pandas as pd
import pytest
from projects import SECONDS, Small, wait_for
from prometheus_client.parser import text_string_to_metric_families
from servers import free_port

from cli.service import champion_bento
from evergreen.config.contract.contract import Contract
from evergreen.project import Project
from evergreen.record.predictions import reading


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
    return set(reading.read(served.home / "predictions")["prediction_id"].to_pylist())


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
    ids = {prediction["prediction_id"] for prediction in answered["predictions"]}
    assert logged(served) - before == ids

    rows.to_csv(served.root / "rows.csv", index=False)
    summary = served.json("score", "rows.csv", "scored.parquet")
    assert (summary["rows"], summary["scored"], summary["refused"], summary["version"]) == (10, 10, 0, 1)
    scored = pd.read_parquet(served.root / "scored.parquet")
    probabilities = [prediction["probability"] for prediction in answered["predictions"]]
    assert probabilities == pytest.approx(scored["probability"].tolist(), abs=1e-12)
    assert [prediction["label"] for prediction in answered["predictions"]] == scored["label"].astype(bool).tolist()

    assert logged(served) - before == ids | {*scored["prediction_id"]}


def test_answer_does_not_depend_on_the_order_of_keys(service: httpx.Client, rows: pd.DataFrame) -> None:
    first = service.post("/predict", json=sent(rows)).json()["predictions"]
    second = service.post("/predict", json=sent(rows[sorted(rows.columns)])).json()["predictions"]
    assert [p["probability"] for p in first] == [p["probability"] for p in second]


def test_consequence_that_comes_along_changes_no_answer_and_a_foreign_column_is_refused(
    service: httpx.Client, rows: pd.DataFrame
) -> None:
    alone = service.post("/predict", json=sent(rows)).json()["predictions"]

    along = service.post("/predict", json=sent(rows.assign(dep_delay=300.0)))
    foreign = service.post("/predict", json=sent(rows.assign(delay_of_departure=300.0)))

    assert along.status_code == 200, along.text
    assert [p["probability"] for p in along.json()["predictions"]] == [p["probability"] for p in alone]
    assert foreign.status_code == 422
    assert "delay_of_departure" in foreign.json()["error"]["where"]


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
    (trained_project.root / "rows.csv").write_bytes(b"\xff, not a table")
    assert ".parquet" in trained_project.refused("score", "rows.csv", "scored.xlsx", code=2)


def package(project: Small) -> Path:
    """Return the folder of the champion's package."""
    (folder,) = (path for path in (project.home / "bentoml" / "bentos" / "flights").iterdir() if path.is_dir())
    return folder


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("src/release.json", lambda text: re.sub(r'"threshold":[\d.e-]+', '"threshold":0.01', text)),
        ("src/release.json", lambda text: text.replace('"version":1', '"version":99')),
        ("src/serving/app.py", lambda text: text + "\n(Path(__file__).parents[3] / 'ran').touch()\n"),
        ("src/sitecustomize.py", lambda text: "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"),
        ("package.json", lambda text: text.replace('"kind": "package"', '"kind":  "package"')),
    ],
    ids=["threshold", "version", "code", "code that was added", "manifest"],
)
def test_package_that_was_changed_is_not_served(
    trained_project: Small, name: str, change: Callable[[str], str]
) -> None:
    path = package(trained_project) / name
    before = path.read_text() if path.exists() else ""
    path.write_text(change(before))
    assert path.read_text() != before

    said = trained_project.refused("serve", "--port", "0", code=7)

    assert "INT018" in said
    assert path.name in said
    assert not list(trained_project.root.rglob("ran"))


def test_package_that_is_gone_is_built_again_as_the_ledger_knows_it_or_not_at_all(
    trained_project: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained_project.root)
    project = Project.open()
    champion = project.champion()
    digests = {path.name: path.read_bytes() for path in package(trained_project).iterdir() if path.is_file()}
    assert hashlib.sha256(digests["package.json"]).hexdigest() == champion.package

    shutil.rmtree(package(trained_project))
    assert champion_bento(project, champion).digest == champion.package
    assert {path.name: path.read_bytes() for path in package(trained_project).iterdir() if path.is_file()} == digests

    shutil.rmtree(package(trained_project))
    code = trained_project.root / "serving"
    newer = shutil.copytree(code, trained_project.root / "newer")
    code.unlink()
    newer.rename(code)
    with (code / "app.py").open("a") as file:
        file.write("# newer\n")
    assert "INT016" in trained_project.refused("serve", "--port", "0", code=7)
    assert not list((trained_project.home / "bentoml" / "bentos" / "flights").glob("v*"))
