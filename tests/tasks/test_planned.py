"""What is scored into what: kinds that fit, names that are kept, and nothing that is read is written over."""

from pathlib import Path

import pytest

from evergreen.base.errors import ConfigError
from tasks.planned import plan


@pytest.fixture
def folder(tmp_path):
    for name in ("day=1/a.csv.gz", "day=1/b.parquet", "day=2/c.jsonl", "day=2/d.tsv"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "in"


def refused(source, target):
    with pytest.raises(ConfigError) as caught:
        plan(str(source), Path(target))
    return caught.value.code


def test_outputs_keep_names_and_folders_and_are_csv_or_parquet(folder, tmp_path):
    planned = plan(str(folder), tmp_path / "out")
    assert {one.partition.name: Path(one.output).relative_to(tmp_path).as_posix() for one in planned} == {
        "day=1/a.csv.gz": "out/day=1/a.csv",
        "day=1/b.parquet": "out/day=1/b.parquet",
        "day=2/c.jsonl": "out/day=2/c.parquet",
        "day=2/d.tsv": "out/day=2/d.csv",
    }


def test_one_file_goes_where_it_is_told(folder, tmp_path):
    (one,) = plan(str(folder / "day=1" / "b.parquet"), tmp_path / "out.csv")
    assert (one.partition.name, one.output) == ("b.parquet", str(tmp_path / "out.csv"))


def test_kinds_that_do_not_fit_are_refused(folder, tmp_path):
    assert refused(folder / "day=1" / "b.parquet", tmp_path / "out.txt") == "CFG016"
    assert refused(folder, tmp_path / "out.parquet") == "SCR002"


def test_nothing_that_is_read_is_written_over_or_written_among(folder, tmp_path):
    file = folder / "day=1" / "b.parquet"
    assert refused(file, file) == "SCR002"
    (tmp_path / "link.parquet").symlink_to(file)
    assert refused(file, tmp_path / "link.parquet") == "SCR002"
    assert refused(folder, folder) == "SCR002"
    assert refused(folder, folder / "scored") == "SCR002"


def test_two_files_of_one_output_are_named(folder, tmp_path):
    (folder / "day=1" / "a.tsv").touch()
    with pytest.raises(ConfigError) as caught:
        plan(str(folder), tmp_path / "out")
    assert caught.value.code == "SCR003"
    assert "'day=1/a.csv.gz' and 'day=1/a.tsv'" in caught.value.what
