"""Personal values of records, by the policies of the contract."""

import hashlib
import hmac

import msgspec
from logged import COLUMNS, feedback, row

from evergreen.record.predictions.protection import Protection
from evergreen.record.predictions.records import LoggedColumn


def test_each_policy_does_what_it_says_and_missing_stays_missing(tmp_path):
    mail = LoggedColumn("mail", "text", "ignore", "drop")
    columns = msgspec.structs.replace(COLUMNS, keys=(*COLUMNS.keys, mail))
    rules = Protection(tmp_path / "key").of(columns)
    key = (tmp_path / "key").read_bytes()
    expected = hmac.new(key, b"ann", hashlib.sha256).hexdigest()[:32]

    changed = rules.logged(row("a" * 32, keys=("ann", 3, "Elm 3", "ann@example.org")))
    assert list(changed.keys) == [expected, 3, "xxx x", None]
    assert changed.features == row("a" * 32).features
    assert list(rules.logged(row("a" * 32, keys=(None, None, None, None))).keys) == [None] * 4
    assert rules.logged(row("a" * 32, keys=())).keys == ()
    assert list(rules.feedback(feedback(("ann", 3), 1, label=True)).keys) == [expected, 3]
    assert rules.feedback(feedback("a" * 32, 1, label=True)).keys is None


def test_records_without_personal_columns_need_no_key(tmp_path):
    plain = msgspec.structs.replace(COLUMNS, keys=(), key=())
    rules = Protection(tmp_path / "key").of(plain)
    assert (rules.logged, rules.feedback) == (None, None)
    assert not (tmp_path / "key").exists()
