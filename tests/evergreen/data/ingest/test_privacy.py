"""Privacy: nothing personal is stored in plain text, and equal people stay equal."""

import hashlib
import hmac
import json

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from evergreen.config.contract.contract import Contract
from evergreen.data.ingest import privacy
from evergreen.data.typed.schema import UNREADABLE, arrow_schema

CONTRACT = Contract.model_validate(
    {
        "name": "c",
        "description": "d",
        "source": {"kind": "file", "path": "a.csv"},
        "timezone": "UTC",
        "label_delay_days": 0,
        "columns": [
            {"name": "mail", "type": "category", "role": "key", "pii": "hash", "nullable": True},
            {"name": "phone", "type": "text", "role": "ignore", "pii": "mask", "nullable": True},
            {"name": "born", "type": "timestamp", "role": "ignore", "pii": "drop"},
            {"name": "note", "type": "text", "role": "feature", "pii": "keep"},
            {"name": "n", "type": "number", "role": "feature"},
            {"name": "y", "type": "boolean", "role": "target"},
        ],
    }
)
SECRET = b"s" * 32
TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def rows_of(rows: list[dict]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, arrow_schema(CONTRACT.stored))


def protected(rows: list[dict], secret: bytes = SECRET, contract: Contract = CONTRACT) -> list[dict]:
    found = privacy.protect(rows_of(rows), contract, secret)
    found.validate(full=True)
    assert found.schema.equals(arrow_schema(CONTRACT.stored))
    return found.to_pylist()


@given(st.lists(TEXTS, max_size=8))
def test_hash_is_hmac_of_the_value_and_missing_stays_missing(values):
    found = [row["mail"] for row in protected([{"mail": value} for value in values])]
    oracle = [v and hmac.new(SECRET, v.encode(), hashlib.sha256).hexdigest()[:32] for v in values]
    assert [value for value in found if value] == [
        expected or hmac.new(SECRET, b"", hashlib.sha256).hexdigest()[:32]
        for expected in oracle
        if expected is not None
    ]
    assert [value is None for value in found] == [value is None for value in values]


def test_equal_values_have_equal_hashes_and_another_secret_others():
    mails = [{"mail": mail} for mail in ("a@b.org", "c@d.org", "a@b.org", None)]
    first, second, third, none = (row["mail"] for row in protected(mails))
    assert first == third != second
    assert none is None
    assert not {row["mail"] for row in protected(mails, b"t" * 32) if row["mail"]} & {first, second}


@given(TEXTS)
def test_mask_leaves_no_letter_and_no_digit(text):
    masked = protected([{"phone": text}])[0]["phone"]
    assert (masked is None) == (text is None)
    if text is not None:
        assert len(masked) == len(text)
        assert not any((a.isalpha() or a.isdecimal()) and b != "x" for a, b in zip(text, masked, strict=True))
        assert all(b in (a, "x") for a, b in zip(text, masked, strict=True))


def test_mask_keeps_the_shape():
    assert protected([{"phone": "+44 (0)20 é-7"}])[0]["phone"] == "+xx (x)xx x-x"


def test_other_columns_stay_as_they_are():
    row = {"mail": "a", "phone": "1", "note": "call +44", "n": 1.5, "y": True, "_row": 7, UNREADABLE: None}
    found = protected([row])[0]
    assert {name: found[name] for name in ("note", "n", "y", "_row", UNREADABLE)} == {
        name: row[name] for name in ("note", "n", "y", "_row", UNREADABLE)
    }


def test_raw_text_of_a_personal_value_or_a_whole_row_is_withheld():
    notes = [{"mail": "a\0", "n": "1,2"}, {"*": "a@b.org;1"}, {"n": "x"}, {"born": "1970"}, {"phone": "é"}, None]
    found = protected([{UNREADABLE: note and json.dumps(note)} for note in notes])
    withheld = privacy.WITHHELD
    assert [row[UNREADABLE] and json.loads(row[UNREADABLE]) for row in found] == [
        {"mail": withheld, "n": "1,2"}, {"*": withheld}, {"n": "x"}, {"born": withheld}, {"phone": withheld}, None,
    ]  # fmt: skip


def test_contract_without_personal_columns_changes_nothing(contract):
    rows = rows_of([{"mail": "a", UNREADABLE: '{"*": "raw"}'}])
    assert privacy.protect(rows, contract, SECRET) is rows
