"""Files scored in turn: whole, once, logged once, and the same bytes after a kill as without one."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import released

from evergreen.base.artifacts import outputs, receipts
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError, ResourceError
from evergreen.config.settings import Settings
from evergreen.learning.model import model as models
from evergreen.learning.model.release import load_release
from evergreen.record.outcomes import VersionFacts
from tasks.partitions import Scoring
from tasks.planned import plan

FILES, ROWS = 6, 3_000  # of each file


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The state of a project with a registered version, whose package nobody has built."""
    folder = tmp_path_factory.mktemp("home")
    released.bundle(folder / "bundle")
    shutil.copytree(folder / "bundle" / "model", folder / "workspace" / "model")
    return folder


def scoring(home, *, version=3, threshold=0.5, **chosen):
    release = json.loads((home / "bundle" / "release.json").read_text())
    facts = VersionFacts.model_validate(
        {
            "version": version,
            "judged": released.judged("parcels", version, release["model_digest"]),
            "candidate": "k",
            "artifact": {"uri": "model", "sha256": release["model_digest"]},
            "train": {"uri": "t", "rows": 1, "schema_hash": "s", "sha256": "d"},
            "data_end": None,
            "threshold": threshold,
            "run_id": "r",
            "bento": "b",
        }
    )
    return Scoring(facts, Settings(project=home, home=home), **chosen)


@pytest.fixture
def own(home, tmp_path):
    """A state folder of one's own."""
    shutil.copytree(home, tmp_path / "home")
    return tmp_path / "home"


def rows(seed, n=ROWS):
    made = released.table(n, seed=seed)
    return made.assign(note=[f"{seed}-{at}" for at in range(n)], handed_in=made["handed_in"].dt.as_unit("us"))


@pytest.fixture
def folder(tmp_path):
    for number in range(FILES):
        path = tmp_path / "in" / f"day={number % 3}" / f"{number}.{'csv' if number % 2 else 'parquet'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        some = rows(number)
        some.loc[some.index % 100 == 7, "weight"] = 31.0
        some.to_csv(path, index=False) if number % 2 else some.to_parquet(path, index=False)
    return tmp_path / "in"


def contents(folder):
    """Return what a folder holds but for receipts, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".receipt.json")
    }


def logged(home):
    return duckdb.sql(f"select * from '{home}/predictions/table/date=*/*.parquet'").df()


def frame(path):
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


def test_every_row_comes_out_in_its_place_with_an_answer_or_a_reason(own, folder, tmp_path):
    done = scoring(own).score_all(plan(str(folder), tmp_path / "out"))
    assert [(one.rows, one.refused, one.logged) for one in done] == [(ROWS, ROWS // 100, ROWS - ROWS // 100)] * FILES
    for one in done:
        came, found = frame(folder / one.name), frame(Path(one.output))
        pd.testing.assert_frame_equal(found[came.columns], came)
        assert list(found.columns[len(came.columns) :]) == [
            *("prediction_id", "version", "probability", "label", "codes", "why")
        ]
        refused = found.index % 100 == 7
        assert set(found["why"][refused]) == {"weight: 31 is not between 0 and 30 kg"}
        assert (found["codes"].fillna("") != "").tolist() == refused.tolist()
        assert found["prediction_id"].isna().tolist() == refused.tolist()
        _, model = load_release(own / "bundle")
        np.testing.assert_allclose(
            found["probability"][~refused], model.predict(rows(int(Path(one.name).stem))[~refused]).values, rtol=1e-9
        )


def test_what_is_there_is_not_made_again_until_rows_model_or_output_change(own, folder, tmp_path):
    out = tmp_path / "out"

    def skipped(**chosen):
        done = scoring(own, **chosen).score_all(plan(str(folder), out))
        assert [(one.rows, one.refused) for one in done] == [(ROWS, ROWS // 100)] * FILES
        return [one.skipped for one in done]

    assert skipped() == [False] * FILES
    before = contents(out)
    assert skipped() == [True] * FILES
    assert skipped(threshold=0.4) == [False] * FILES
    assert contents(out) != before
    assert skipped(version=4) == [False] * FILES
    assert skipped() == [False] * FILES
    assert contents(out) == before
    again = rows(50)
    again.loc[again.index % 100 == 7, "weight"] = 31.0
    again.to_parquet(folder / "day=0" / "0.parquet", index=False)
    assert skipped() == [False, *[True] * (FILES - 1)]
    (out / "day=1" / "1.csv").write_text("cut")
    receipts.path_of(out / "day=2" / "2.parquet").unlink()
    assert [path for path, same in zip(sorted(contents(out)), skipped(), strict=True) if not same] == [
        "day=1/1.csv",
        "day=2/2.parquet",
    ]
    assert contents(out)["day=1/1.csv"] == before["day=1/1.csv"]


def test_answers_are_logged_once_whatever_is_scored_again(own, folder, tmp_path):
    planned = plan(str(folder), tmp_path / "out")
    scoring(own, logs=False).score_all(planned)
    assert not (own / "predictions").exists()
    done = scoring(own).score_all(planned)  # what was not logged is not left out
    assert sum(one.logged for one in done) == FILES * (ROWS - ROWS // 100)
    first = contents(own / "predictions")
    again = scoring(own).score_all(plan(str(folder), tmp_path / "elsewhere"))
    assert [(one.skipped, one.logged) for one in again] == [(False, 0)] * FILES
    assert contents(own / "predictions") == first
    scoring(own, version=4).score_all(planned)
    assert len(contents(own / "predictions")) == 2 * FILES


def test_log_holds_what_was_asked_and_answered(own, folder, tmp_path):
    done = scoring(own).score_all(plan(str(folder), tmp_path / "out"))
    found = logged(own).set_index("prediction_id")
    assert found.index.is_unique
    expected = pd.concat(frame(Path(one.output)).dropna(subset=["prediction_id"]) for one in done)
    expected = expected.set_index("prediction_id").loc[found.index]
    np.testing.assert_allclose(found["probability"], expected["probability"], rtol=1e-12)
    assert found["label"].tolist() == expected["label"].tolist()
    assert found["parcel"].tolist() == expected["parcel"].tolist()  # a key
    assert found["weight"].fillna(-1).tolist() == pytest.approx(expected["weight"].fillna(-1).tolist())
    assert found["carrier"].tolist() == expected["carrier"].tolist()
    assert (found["decision"] == np.where(found["label"], "positive", "negative")).all()
    times = pd.to_datetime(expected["handed_in"], utc=True, format="ISO8601")
    assert (pd.to_datetime(found["event_at"], utc=True).to_numpy() == times.to_numpy()).all()
    about = found[["model", "version", "variant", "propensity", "rule", "source", "latency_us"]].drop_duplicates()
    assert about.values.tolist() == [["parcels", 3, "champion", 1.0, "threshold", "batch", 0]]
    assert not {"arrival", "late", "note"} & set(found.columns)  # known later, or not the contract's


def test_damaged_file_is_named_and_the_others_are_scored(own, folder, tmp_path):
    path = folder / "day=1" / "4.parquet"
    path.write_bytes(path.read_bytes()[:5_000])
    (folder / "day=0" / "3.csv").write_text("weight\n1\n")
    done = scoring(own).score_all(plan(str(folder), tmp_path / "out"))
    failed = {one.name: one.failure.block.splitlines()[0] for one in done if one.failure}
    assert set(failed) == {"day=0/3.csv", "day=1/4.parquet"}
    assert failed["day=0/3.csv"].startswith("DQ001: missing columns: handed_in, carrier")
    assert failed["day=1/4.parquet"].startswith("DQ002: cannot be parsed")
    assert len(contents(tmp_path / "out")) == FILES - 2 == len(contents(own / "predictions"))


def test_column_that_folders_name_is_given_to_the_model_and_not_written(own, tmp_path):
    some = rows(1)
    for carrier in ("north", "sea"):
        path = tmp_path / "in" / f"carrier={carrier}" / f"version={carrier}" / "rows.parquet"
        path.parent.mkdir(parents=True)
        some[some["carrier"] == carrier].drop(columns="carrier").to_parquet(path, index=False)
    done = scoring(own).score_all(plan(str(tmp_path / "in"), tmp_path / "out"))
    found = pd.concat(pd.read_parquet(one.output, partitioning=None) for one in done)
    assert "carrier" not in found
    _, model = load_release(own / "bundle")
    expected = model.predict(some[some["carrier"].isin(["north", "sea"])].sort_values("carrier", kind="stable")).values
    np.testing.assert_allclose(found["probability"], expected, rtol=1e-9)
    assert set(logged(own)["carrier"]) == {"north", "sea"}


def test_file_that_changes_while_it_is_read_leaves_no_output(own, tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    rows(1).to_csv(path, index=False)
    asked = scoring(own)
    monkeypatch.setattr("tasks.partitions._show", lambda *_: path.write_text("weight\n1\n"))
    with pytest.raises(DataError) as caught:
        asked.score(plan(str(path), tmp_path / "out.csv")[0])
    assert caught.value.code == "DQ028"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["home", "rows.csv"]
    assert not [*(own / "predictions").rglob("*.*")]


def test_times_with_and_without_an_offset_end_a_file(own, tmp_path):
    some = rows(1, 4).astype({"handed_in": "str"})
    some.loc[2, "handed_in"] = "2024-03-01T00:00:00"
    some.to_csv(tmp_path / "rows.csv", index=False)
    (done,) = scoring(own).score_all(plan(str(tmp_path / "rows.csv"), tmp_path / "out.csv"))
    assert "3 times with an offset from UTC and 1 without" in done.failure.block


def test_full_disk_ends_all_and_leaves_neither_output_nor_log(own, folder, tmp_path, limited_disk):
    asked = scoring(own)
    assert asked.model
    with limited_disk(20_000), pytest.raises(ResourceError):
        asked.score_all(plan(str(folder), tmp_path / "out"))
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [path for path in (own / "predictions").rglob("*") if path.is_file()]


def test_personal_values_reach_the_log_changed(own, tmp_path):
    columns = [
        column.model_copy(update={"type": "text", "pii": "hash"}) if column.name == "parcel" else column
        for column in released.CONTRACT.columns
    ]
    contract = released.CONTRACT.model_copy(update={"columns": tuple(columns)})
    ref = models.save(
        Workspace(root=own / "workspace"),
        "personal",
        released.fitted("prior"),
        contract=contract,
        features=released.FEATURES,
        about={},
    )
    asked = scoring(own)
    asked = Scoring(asked.version.model_copy(update={"artifact": ref}), asked.settings)
    rows(1).assign(parcel=[f"Ann {at}" for at in range(ROWS)]).to_csv(tmp_path / "rows.csv", index=False)
    asked.score(plan(str(tmp_path / "rows.csv"), tmp_path / "out.csv")[0])
    parcels = logged(own)["parcel"]
    assert parcels.is_unique
    assert parcels.str.fullmatch("[0-9a-f]{32}").all()
    assert not [path for path in (own / "predictions").rglob("*.parquet") if b"Ann 1" in path.read_bytes()]


RUN = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[4:]
from test_partitions import scoring
from evergreen.base.artifacts import outputs
from tasks.planned import plan
print("ready", flush=True)
outputs.sweep(Path(sys.argv[3]))  # as the command does
for done in scoring(Path(sys.argv[1])).score_all(plan(sys.argv[2], Path(sys.argv[3]))):
    assert done.failure is None
"""


def started(home, folder, out):
    here = Path(__file__).resolve()
    paths = [here.parent, here.parents[1] / "support", here.parents[2]]
    return subprocess.Popen(
        [sys.executable, "-c", RUN, home, folder, out, *map(str, paths)], stdout=subprocess.PIPE, text=True
    )


def killed(home, folder, out, after):
    """Kill a run some seconds after it has begun to work; return whether it was at work still."""
    process = started(home, folder, out)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(after)
    at_work = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return at_work


def seconds_of(home, folder, out):
    """Seconds of a whole run, from where it begins to work."""
    process = started(home, folder, out)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    began = time.monotonic()
    process.communicate()
    assert process.returncode == 0
    return time.monotonic() - began


def campaign(home, folder, tmp_path, kills, seed):
    """Kill runs at work so many times, anywhere in the time that a whole run takes on this machine."""
    expected, plain = tmp_path / "expected", tmp_path / "plain"
    shutil.copytree(home, plain)
    whole = seconds_of(plain, folder, expected)
    rng, out, n_at_work = np.random.default_rng(seed), tmp_path / "out", 0
    while n_at_work < kills:
        at_work = killed(home, folder, out, rng.uniform(0, whole))
        n_at_work += at_work
        if not at_work or rng.random() < 0.3:
            shutil.rmtree(out, ignore_errors=True)
    process = started(home, folder, out)
    process.communicate()
    assert process.returncode == 0
    outputs.sweep(out)  # as the command does before it begins
    assert contents(out) == contents(expected)
    of_log = sorted(path.name for path in (home / "predictions").rglob("*.parquet"))
    assert of_log == sorted(path.name for path in (plain / "predictions").rglob("*.parquet"))
    columns = "prediction_id, probability, label, parcel"
    for each in (home, plain):
        assert logged(each)["prediction_id"].is_unique
    one, other = (
        duckdb.sql(f"select {columns} from '{each}/predictions/table/date=*/*.parquet' order by all").fetchall()
        for each in (home, plain)
    )
    assert one == other


def test_runs_that_are_killed_end_in_the_bytes_of_one_that_was_not(own, folder, tmp_path):
    campaign(own, folder, tmp_path, kills=5, seed=7)


@pytest.mark.long
def test_many_runs_that_are_killed_end_in_the_bytes_of_one_that_was_not(own, folder, tmp_path):
    campaign(own, folder, tmp_path, kills=100, seed=8)


def test_two_runs_at_once_end_in_the_same_files(own, folder, tmp_path):
    plain = tmp_path / "plain"
    shutil.copytree(own, plain)
    scoring(plain).score_all(plan(str(folder), tmp_path / "expected"))
    both = [started(own, folder, tmp_path / "out") for _ in range(2)]
    for process in both:
        process.communicate()
        assert process.returncode == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "expected")
    assert logged(own)["prediction_id"].is_unique
