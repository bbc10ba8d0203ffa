"""`evergreen score`: a file or many in, the same rows with predictions out, whole or not at all."""

import pandas as pd
import pytest

from cli.batch import score
from evergreen.base.errors import ConfigError, DataError, LostRace


@pytest.fixture
def rows(visited):
    return pd.read_csv(visited.settings.project / "visits.csv").head(5)


@pytest.mark.parametrize(("suffix", "read"), [(".csv", pd.read_csv), (".parquet", pd.read_parquet)])
def test_every_row_is_written_and_one_that_breaks_the_contract_is_counted(visited, rows, suffix, read):
    source, target = visited.settings.project / "rows.csv", visited.settings.project / f"out{suffix}"
    rows["pages"] = rows["pages"].astype("object")
    rows.loc[2, "pages"] = "many"
    rows.to_csv(source, index=False)
    found = score(visited, str(source), target)
    counts = {"rows": 5, "scored": 4, "refused": 1, "logged": 4, "files": 1, "skipped": 0, "failed": 0}
    about = {"model": "visits", "version": 1, "output": str(target)}
    assert found.model_dump(exclude={"listed"}) == {**about, **counts}
    written = read(target)
    assert written["visit"].astype(int).tolist() == rows["visit"].tolist()
    assert written["prediction_id"].isna().tolist() == [False, False, True, False, False]
    assert written["probability"].dropna().between(0, 1).all()
    assert written["why"][2] == "pages: many is not of type number"
    assert score(visited, str(source), target).skipped == 1


def test_version_and_log_are_as_asked(visited, rows):
    source, target = visited.settings.project / "rows.csv", visited.settings.project / "out.csv"
    rows.to_csv(source, index=False)
    assert score(visited, str(source), target, version="v1", logs=False).logged == 0
    assert not visited.settings.predictions.exists()
    with pytest.raises(ConfigError) as caught:
        score(visited, str(source), target, version="7")
    assert caught.value.code == "STA006"


def test_target_of_another_format_is_refused_before_anything_is_read(visited, rows, tmp_path):
    rows.to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(ConfigError, match=r"cannot write '\.txt' files") as caught:
        score(visited, str(tmp_path / "rows.csv"), tmp_path / "out.txt")
    assert caught.value.code == "CFG016"
    with pytest.raises(DataError):
        score(visited, str(tmp_path / "none.csv"), tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_one_file_that_cannot_be_scored_is_the_error_of_the_command(visited, rows, tmp_path):
    rows.drop(columns="pages").to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(DataError, match="missing columns: pages"):
        score(visited, str(tmp_path / "rows.csv"), tmp_path / "out.csv")


def test_two_runs_into_one_file_do_not_meet(visited, rows, tmp_path):
    rows.to_csv(tmp_path / "rows.csv", index=False)
    with visited.ledger().lease(f"scoring:{tmp_path / 'out.csv'}"), pytest.raises(LostRace):
        score(visited, str(tmp_path / "rows.csv"), tmp_path / "out.csv")


def test_folder_is_a_run_of_the_flow_and_ends_with_the_exit_code_of_what_failed(trained_project, flights_table):
    folder = trained_project.root / "nights"
    for day, some in flights_table.head(2_000).groupby(flights_table["scheduled_departure"].dt.date):
        path = folder / f"day={day}" / "flights.parquet"
        path.parent.mkdir(parents=True)
        some.to_parquet(path, index=False)
    done = trained_project.json("score", "nights", "scored")
    assert (done["rows"], done["refused"], done["failed"]) == (2_000, 0, 0)
    assert done["files"] == len(list(folder.iterdir())) == len(done["listed"])
    assert len(pd.read_parquet(trained_project.root / "scored")) == 2_000
    path = next(folder.rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:100])
    again = trained_project.json("score", "nights", "scored", code=3)
    assert (again["failed"], again["skipped"]) == (1, done["files"] - 1)
    assert again["listed"][0]["failure"]["block"].startswith("DQ002: cannot be parsed")
