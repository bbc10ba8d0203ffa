"""Personal values of records: hashed, masked or left out before any byte of them is written."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from evergreen.data import personal
from evergreen.record.predictions.records import Columns, Feedback, Logged, LoggedColumn, Scalar

Change = Callable[[str], str | None]
Changes = Sequence[tuple[int, Change]]


class Protection:
    """What is done to the records of a log; the key is read, or made, once a column needs it."""

    def __init__(self, key: Path) -> None:
        self._key = key
        self._last: tuple[Columns | None, Rules] = (None, Rules((), (), ()))

    def of(self, columns: Columns) -> "Rules":
        """Return the rules for records of these columns; raises ResourceError if a key is needed and cannot be had."""
        last, rules = self._last  # one value, because threads may log records of other columns meanwhile
        if columns is not last:
            rules = self._made(columns)
            self._last = columns, rules
        return rules

    def _made(self, columns: Columns) -> "Rules":
        secret = personal.key(self._key) if any(column.pii == "hash" for column in columns.all) else b""
        by_name = {column.name: column for column in columns.all}
        of_feedback = [by_name[name] for name in columns.key if name in by_name]
        return Rules(_changes(columns.features, secret), _changes(columns.keys, secret), _changes(of_feedback, secret))


class Rules:
    """How records are changed; None where they are written as they are."""

    def __init__(self, features: Changes, keys: Changes, of_feedback: Changes) -> None:
        self._features, self._keys, self._of_feedback = features, keys, of_feedback
        self.logged: Callable[[Logged], Logged] | None = self._logged if features or keys else None
        self.feedback: Callable[[Feedback], Feedback] | None = self._feedback if of_feedback else None

    def _logged(self, row: Logged) -> Logged:
        features, keys = _changed(row.features, self._features), _changed(row.keys, self._keys)
        return msgspec.structs.replace(row, features=features, keys=keys)

    def _feedback(self, row: Feedback) -> Feedback:
        if row.keys is None:
            return row
        return msgspec.structs.replace(row, keys=_changed(row.keys, self._of_feedback))


def _changes(columns: Sequence[LoggedColumn], secret: bytes) -> list[tuple[int, Change]]:
    how: dict[str, Change] = {
        "hash": personal.hasher(secret),
        "mask": personal.masked,
        "drop": lambda _: None,
    }
    return [(at, how[column.pii]) for at, column in enumerate(columns) if column.pii is not None]


def _changed(values: Sequence[Scalar], changes: Changes) -> Sequence[Scalar]:
    if not changes or not values:
        return values
    changed: list[Any] = list(values)
    for at, change in changes:
        if changed[at] is not None:
            changed[at] = change(str(changed[at]))
    return changed
