"""Names in folders: which files are no rows, and what folders say of theirs."""

import pytest

from evergreen.data.ingest.folders import is_no_data, values_of


@pytest.mark.parametrize("name", ["README", "a/Readme.TXT", "LICENSE", "notes.md", "x.names", "x.csv.md5", "~$a.xlsx"])
def test_documents_are_no_data(name):
    assert is_no_data(name)


@pytest.mark.parametrize("name", ["readme/a.csv", "license.csv", "a.txt", "part-0001", "data", "a.csv.gz", "names"])
def test_files_that_may_hold_rows_are_data(name):
    assert not is_no_data(name)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("a.csv", {}),
        ("x=1/a.csv", {"x": "1"}),
        ("s3://bucket/x=1/y=/a=b.csv", {"x": "1", "y": ""}),
        ("x=a%3Db%2Fc/a.csv", {"x": "a=b/c"}),
        ("x=__HIVE_DEFAULT_PARTITION__/a.csv", {"x": None}),
        ("=1/a.csv", {}),
        ("x=1/x=2/a.csv", {"x": "2"}),
    ],
)
def test_folders_say_the_values_of_columns(name, values):
    assert values_of(name) == values
