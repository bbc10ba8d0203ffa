"""A file in, the same rows with predictions out, whole or not at all."""

import pandas as pd
import pytest

from cli.batch import score
from evergreen.base.errors import ConfigError, DataError


@pytest.mark.parametrize(("suffix", "read"), [(".csv", pd.read_csv), (".parquet", pd.read_parquet)])
def test_every_row_is_written_and_one_that_breaks_the_contract_is_counted(visited, suffix, read):
    source, target = visited.settings.project / "rows.csv", visited.settings.project / f"out{suffix}"
    rows = pd.read_csv(visited.settings.project / "visits.csv").head(5)
    rows["pages"] = rows["pages"].astype("object")
    rows.loc[2, "pages"] = "many"
    rows.to_csv(source, index=False)
    found = score(visited, source, target)
    counts = {"rows": 5, "scored": 4, "refused": 1}
    assert found == {"model": "visits", "version": 1, **counts, "output": str(target)}
    written = read(target)
    assert written["visit"].astype(int).tolist() == rows["visit"].tolist()
    assert written["prediction_id"].isna().tolist() == [False, False, True, False, False]
    assert written["probability"].dropna().between(0, 1).all()


def test_target_of_another_format_is_refused_before_anything_is_read(visited, tmp_path):
    with pytest.raises(ConfigError, match=r"cannot write '\.txt' files") as caught:
        score(visited, tmp_path / "none.csv", tmp_path / "out.txt")
    assert caught.value.code == "CFG016"
    with pytest.raises(DataError):
        score(visited, tmp_path / "none.csv", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
