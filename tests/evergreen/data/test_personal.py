"""Personal values: what stands instead of them, the key that they are hashed under, and rows that may be shown."""

import hmac
import multiprocessing
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from evergreen.base.errors import IntegrityError, ResourceError
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
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["privacy.key", "privacy.key.check"]
    assert made.hex() not in (tmp_path / "state" / "privacy.key.check").read_text()


def test_key_that_is_there_is_used(tmp_path):
    (tmp_path / "k").write_bytes(b"mine")
    assert personal.key(tmp_path / "k") == b"mine"


def refusal(path):
    with pytest.raises(IntegrityError) as caught:
        personal.key(path)
    assert (caught.value.code, caught.value.where, caught.value.exit_code) == ("INT022", str(path), 7)
    return caught.value


@pytest.mark.parametrize("at", range(0, 32, 5))
def test_key_of_which_one_bit_was_changed_is_refused_until_it_is_put_back(tmp_path, at):
    path = tmp_path / "pii.key"
    made = personal.key(path)
    path.write_bytes(made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :])
    said = refusal(path)
    assert "not the one" in said.what
    assert made.hex() not in str(said.block())
    path.write_bytes(made)
    assert personal.key(path) == made


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_key_that_was_lost_is_not_made_anew_before_somebody_says_so(tmp_path, damage):
    path = tmp_path / "pii.key"
    lost = personal.key(path)
    damage(path)
    assert "delete pii.key.check too" in refusal(path).next_step
    path.unlink(missing_ok=True)
    (tmp_path / "pii.key.check").unlink()
    made = personal.key(path)
    assert len(made) == 32
    assert made != lost
    assert personal.key(path) == made


def test_other_key_is_taken_once_the_check_of_the_former_one_is_deleted(tmp_path):
    path = tmp_path / "pii.key"
    personal.key(path)
    path.write_bytes(b"the project's own key")
    assert "pii.key.check alone" in refusal(path).next_step
    (tmp_path / "pii.key.check").unlink()
    assert personal.key(path) == b"the project's own key"
    path.write_bytes(b"another")
    refusal(path)


def test_key_beside_which_nothing_can_be_written_is_read_all_the_same(tmp_path, monkeypatch):
    path = tmp_path / "pii.key"
    path.write_bytes(b"mine")
    monkeypatch.setattr(personal, "write_bytes", full)
    assert personal.key(path) == b"mine"


def full(path, content):
    raise ResourceError("RES002", "this place cannot be written", where=str(path))


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
