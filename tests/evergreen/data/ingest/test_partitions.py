"""What a path names for scoring: a file, those of a folder, or of a glob, and what their folders say."""

import pytest

from evergreen.base.errors import ConfigError, DataError
from evergreen.data.ingest.partitions import find


@pytest.fixture
def folder(tmp_path):
    for name in (
        "day=1/b.parquet",
        "day=1/a.csv.gz",
        "day=2/zone=north%2Fwest/a.parquet",
        "day=__HIVE_DEFAULT_PARTITION__/a.parquet",
        "day=2/_SUCCESS",
        "day=2/.a.parquet.crc",
        "_temporary/0/a.parquet",
    ):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return tmp_path / "in"


def names(found):
    return [partition.name for partition in found.partitions]


def test_folder_is_all_its_files_by_name_and_what_their_folders_say(folder):
    found = find(str(folder))
    assert (found.single, found.root) == (False, str(folder))
    assert {partition.name: partition.values for partition in found.partitions} == {
        "day=1/a.csv.gz": {"day": "1"},
        "day=1/b.parquet": {"day": "1"},
        "day=2/zone=north%2Fwest/a.parquet": {"day": "2", "zone": "north/west"},
        "day=__HIVE_DEFAULT_PARTITION__/a.parquet": {"day": None},
    }
    assert names(found) == sorted(names(found))


def test_file_alone_has_its_own_name(folder):
    found = find(str(folder / "day=1" / "b.parquet"))
    assert (found.single, names(found)) == (True, ["b.parquet"])
    assert found.partitions[0].values == {"day": "1"}


def test_glob_takes_names_from_the_folder_before_what_it_matches(folder, monkeypatch):
    assert names(find(f"{folder}/day=?/*.parquet")) == ["day=1/b.parquet"]
    assert names(find(f"{folder}/day=2*")) == ["day=2/zone=north%2Fwest/a.parquet"]
    assert len(names(find(f"{folder}/**/*.parquet"))) == 3
    monkeypatch.chdir(folder)
    assert names(find("day=1/*")) == ["a.csv.gz", "b.parquet"]
    assert find("day=1/*").partitions[0].uri == str(folder / "day=1" / "a.csv.gz")


@pytest.mark.parametrize("source", ["none", "none/*.csv", "in/*.tsv"])
def test_path_that_names_nothing_is_refused(folder, monkeypatch, source):
    monkeypatch.chdir(folder.parent)
    with pytest.raises(DataError) as caught:
        find(source)
    assert (caught.value.code, caught.value.where) == ("DQ000", source)


def test_file_in_a_folder_whose_name_tells_no_format_is_named_and_not_left_out(folder):
    (folder / "day=1" / "part-0001").write_text("a\n1\n")
    with pytest.raises(ConfigError) as caught:
        find(str(folder))
    assert (caught.value.code, caught.value.where) == ("CFG028", "day=1/part-0001")
    assert "day=1/part-0001" in names(find(str(folder), otherwise="csv"))


def test_documents_and_files_without_a_byte_are_left_out(folder):
    for name in ("README.md", "day=1/b.csv", "day=1/c.csv"):
        (folder / name).write_text("a\n1\n")
    (folder / "day=1" / "c.csv").write_text("")
    assert names(find(str(folder))) == [
        "day=1/a.csv.gz", "day=1/b.csv", "day=1/b.parquet", "day=2/zone=north%2Fwest/a.parquet",
        "day=__HIVE_DEFAULT_PARTITION__/a.parquet",
    ]  # fmt: skip


def test_link_to_a_folder_that_holds_it_does_not_lead_round_in_circles(folder):
    (folder / "day=1" / "again").symlink_to(folder)
    assert len(find(str(folder)).partitions) == 4


def test_stem_and_kind_of_a_name():
    one = find(__file__).partitions[0]
    for name, stem, delimited in (
        ("day=1/a.csv.gz", "day=1/a", True),
        ("a.TSV", "a", True),
        ("a.b.parquet", "a.b", False),
        ("a.jsonl", "a", False),
    ):
        made = one.model_copy(update={"name": name})
        assert (made.stem, made.is_delimited) == (stem, delimited)
