"""Personal values: what stands instead of them, the key that they are hashed under, and rows that may be shown."""

import hmac
import multiprocessing
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from evergreen.base.errors import ResourceError
from evergreen.config.contract.contract import Contract
from evergreen.data import personal
from evergreen.data.personal import without_personal

CONTRACT = Contract.model_validate(
    {
        "name": "people",
        "description": "who comes back?",
        "source": {"kind": "file", "path": "people.csv"},
        "timezone": "UTC",
        "key": [],
        "label_delay_days": 0,
        "columns": [
            {"name": "income", "type": "number", "role": "feature", "pii": "keep"},
            {"name": "children", "type": "integer", "role": "feature", "pii": "keep"},
            {"name": "married", "type": "boolean", "role": "feature", "pii": "keep"},
            {"name": "street", "type": "category", "role": "feature", "pii": "keep"},
            {"name": "visits", "type": "integer", "role": "feature"},
            {"name": "returned", "type": "boolean", "role": "target"},
        ],
    }
)


def test_personal_values_are_made_up_and_types_and_other_columns_stay():
    rows = pd.DataFrame(
        {
            "income": [1.5, 2.5],
            "children": pd.array([1, None], dtype="Int64"),
            "married": pd.array([True, None], dtype="boolean"),
            "street": pd.Series(["Elm", "Oak"], dtype="str"),
            "visits": [3, 4],
        }
    )
    shown = without_personal(rows, CONTRACT)

    assert shown.dtypes.equals(rows.dtypes)
    assert shown.to_dict("list") == {
        "income": [0.0, 0.0],
        "children": [0, 0],
        "married": [False, False],
        "street": ["personal", "personal"],
        "visits": [3, 4],
    }
    assert rows["street"].tolist() == ["Elm", "Oak"]


def test_personal_column_that_is_not_there_is_not_added():
    assert list(without_personal(pd.DataFrame({"visits": [1]}), CONTRACT)) == ["visits"]


# -- the key ------------------------------------------------------------------------------------------------------


def test_key_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "state" / "privacy.key"
    made = personal.key(path)
    assert len(made) == 32
    assert personal.key(path) == path.read_bytes() == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert personal.key(tmp_path / "other.key") != made
    assert [entry.name for entry in path.parent.iterdir()] == ["privacy.key"]


def test_key_that_is_there_is_used(tmp_path):
    (tmp_path / "k").write_bytes(b"mine")
    assert personal.key(tmp_path / "k") == b"mine"


def test_all_who_make_the_key_at_once_use_the_same(tmp_path):
    for n in range(20):
        together = threading.Barrier(8)

        def made(path: Path, together: threading.Barrier = together) -> bytes:
            together.wait()
            return personal.key(path)

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(made, [tmp_path / f"key-{n}"] * 8))) == 1


def test_processes_that_make_the_key_at_once_use_the_same(tmp_path):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        for n in range(10):
            assert len(set(pool.map(personal.key, [tmp_path / f"key-{n}"] * 8, chunksize=1))) == 1


def test_key_that_cannot_be_written_is_one_clear_block(read_only_folder):
    with pytest.raises(ResourceError, match="RES002"):
        personal.key(read_only_folder / "key")


@pytest.mark.parametrize("n_bytes", [0, 1, 32, 64, 65, 200])
def test_hash_is_the_hmac_of_the_standard_whatever_the_length_of_the_key(n_bytes):
    secret = bytes(range(n_bytes))
    for text in ("", "ann", "é\U0001f682", "x" * 1_000):
        expected = hmac.new(secret, text.encode(), "sha256").hexdigest()[:32]
        assert personal.hashed(text, secret) == personal.hasher(secret)(text) == expected
