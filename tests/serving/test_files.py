"""A row has one answer over HTTP and in a file that `evergreen score` scored, to 1e-9, and one reason to be refused."""

import shutil

import numpy as np
import pandas as pd
import pytest
import released

from evergreen.config.settings import Settings
from evergreen.learning.model.release import load_release
from evergreen.record.outcomes import VersionFacts
from tasks.partitions import Scoring
from tasks.planned import plan

ROWS, AT_ONCE = 1_000, 100


def scored(bundle, release, rows, folder, suffix):
    """Return the rows as a file of that format comes back."""
    shutil.copytree(bundle / "model", folder / "workspace" / "model")
    facts = VersionFacts.model_validate(
        {
            "version": release.version,
            "judged": released.judged(release.model, release.version, release.model_digest),
            "candidate": "k",
            "artifact": {"uri": "model", "sha256": release.model_digest},
            "train": {"uri": "t", "rows": 1, "schema_hash": "s", "sha256": "d"},
            "data_end": None,
            "threshold": release.threshold,
            "run_id": "r",
            "bento": "b",
        }
    )
    source = folder / f"rows{suffix}"
    rows.to_csv(source, index=False) if suffix == ".csv" else rows.to_parquet(source, index=False)
    Scoring(facts, Settings(project=folder, home=folder)).score(plan(str(source), folder / "scored.parquet")[0])
    return pd.read_parquet(folder / "scored.parquet")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_have_the_same_answers_over_http_and_in_a_file(bundle, release, serve, tmp_path, suffix):
    rows = released.table(ROWS, seed=21)
    found = scored(bundle, release, rows, tmp_path / "state", suffix)
    sent, answered = [released.as_request(row) for row in rows.to_dict("records")], []
    with serve() as client:
        for begin in range(0, ROWS, AT_ONCE):
            response = client.post("/predict", json={"rows": sent[begin : begin + AT_ONCE]})
            assert response.status_code == 200, response.text
            answered += response.json()["predictions"]
    probabilities = np.array([each["probability"] for each in answered])
    assert np.abs(found["probability"].to_numpy(float) - probabilities).max() <= 1e-9
    assert found["label"].tolist() == [each["label"] for each in answered]
    expected = load_release(bundle)[1].predict(rows).values
    assert np.abs(probabilities - expected).max() <= 1e-5


def test_row_that_is_refused_in_a_file_is_refused_over_http(bundle, release, serve, tmp_path):
    rows = released.table(4, seed=22)
    rows.loc[2, "weight"] = 31.0
    found = scored(bundle, release, rows, tmp_path / "state", ".csv")
    assert found["why"].fillna("").tolist() == ["", "", "weight: 31 is not between 0 and 30 kg", ""]
    with serve() as client:
        answers = [
            client.post("/predict", json={"rows": [released.as_request(row)]}) for row in rows.to_dict("records")
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 422, 200]
    assert "weight" in answers[2].text
