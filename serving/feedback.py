"""What comes back about predictions: labels and people's decisions, by prediction or by key, however late and often."""

import asyncio
import os
from collections.abc import Sequence
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import msgspec

from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.learning.model.compiled.plan import PlanColumn
from evergreen.learning.model.requested import REFUSING, planned
from evergreen.record.labels.columns import AT, ID, LONGEST, key_columns, label_column
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Feedback, Scalar
from serving.answers import RequestError, to_json
from serving.reading import Fault, Reading
from serving.shapes import misshapen

if TYPE_CHECKING:
    from serving.app import Service
    from serving.served import Served

MOST_SHOWN = 20  # unknown ids that are named
SECONDS_FOR_LOOKING_UP = 1.0
NEXT = "An item has prediction_id or key, and label or decision or both; at and by may be left out."
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]


class Item(msgspec.Struct, forbid_unknown_fields=True):
    """A label, a decision, or both, of a prediction or of all of a key. `at`: when it was known; `by`: who says it."""

    prediction_id: Annotated[str, msgspec.Meta(pattern=ID)] | None = None
    key: dict[str, Scalar] | None = None
    label: Scalar = None
    decision: Short | None = None
    at: str | None = None
    by: Short | None = None

    def __post_init__(self) -> None:
        """Refuse an item that says nothing of anything, so that the first of very many ends their reading."""
        if (self.prediction_id is None) == (self.key is None):
            raise ValueError("must name a prediction or a key, and not both")
        if self.label is None and self.decision is None:
            raise ValueError("there is neither a label nor a decision")


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """What is sent."""

    feedback: list[Item]


class Taken(msgspec.Struct):
    """How many items of a request are kept now.

    `unknown`: how many of them name a prediction that this log does not hold, or not any more.
    """

    taken: int
    unknown: int
    unknown_ids: list[str]


async def feedback(service: "Service", body: bytes, request_id: str) -> bytes:
    """Keep what came back and return, as JSON, what was taken: all of it, and it is on record then, or nothing.

    Raises
    ------
    RequestError 400, 413 or 422 naming the first item that cannot be taken, 503 if nothing is logged here.
    ResourceError if it could not be written.
    """
    served = service.loaded()
    if service.log is None:
        what, next_step = "this service keeps no prediction log", "Set prediction_log to strict or available."
        raise RequestError(503, "log", "LOG006", what, next_step=next_step)
    return to_json(await asyncio.to_thread(_take, served, service.log, body, service.settings.max_rows, request_id))


def _decode(body: bytes, most: int) -> list[Item]:
    try:
        items = msgspec.json.decode(body, type=Body).feedback
    except msgspec.ValidationError as error:
        fault = misshapen(error)
        _refuse(fault.what, fault.where or "body", NEXT)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = f"the body is not JSON: {str(error)[:80]}"
        raise RequestError(400, "not_json", "SRV003", what, next_step="Send a JSON object.") from error
    if len(items) > most:
        what = f"{len(items)} items in one request, which may have {most}"
        raise RequestError(413, "too_many_rows", "SRV012", what, where="feedback", next_step="Send fewer at a time.")
    if not items:
        _refuse("there is no item", "feedback", NEXT)
    return items


def _take(served: "Served", log: PredictionLog, body: bytes, most: int, request_id: str) -> Taken:
    items = _decode(body, most)
    log.append_feedback(served.columns, rows_of(served.model.contract, items, request_id))
    unknown = _unknown(log, [item.prediction_id for item in items if item.prediction_id is not None])
    return Taken(len(items), len(unknown), unknown[:MOST_SHOWN])


def rows_of(contract: Contract, items: Sequence[Item], request_id: str) -> list[Feedback]:
    """Return what is logged of items that came now; raises RequestError 422 for the first that cannot be taken."""
    now_us = time_ns() // 1_000
    return [row for item in _Items(contract, items).read() for row in item.rows(now_us, request_id)]


def _unknown(log: PredictionLog, ids: Sequence[str]) -> list[str]:
    """Return the ids that the log does not hold; it stops looking after a second, and what is left is not named."""
    deadline = monotonic() + SECONDS_FOR_LOOKING_UP
    unknown = []
    for each in dict.fromkeys(ids):
        if monotonic() > deadline:
            break
        if log.find(each) is None:
            unknown.append(each)
    return unknown


class _Said(msgspec.Struct):
    """An item with its values typed as the contract says. `label_field`: where a label of its task is kept."""

    item: Item
    label_field: str
    label: Scalar = None
    key: Sequence[Scalar] | None = None
    known_us: int | None = None

    def rows(self, now_us: int, request_id: str) -> list[Feedback]:
        """Return what is logged of an item: its label, its decision, or both."""
        about: dict[str, Any] = {
            "received_us": now_us,
            "prediction_id": self.item.prediction_id,
            "keys": None if self.key is None else list(self.key),
            "known_us": self.known_us,
            "by": self.item.by,
            "request_id": request_id,
        }
        rows = []
        if self.label is not None:
            said: dict[str, Any] = {self.label_field: self.label}
            rows.append(Feedback(os.urandom(16).hex(), kind="label", **said, **about))
        if self.item.decision is not None:
            rows.append(Feedback(os.urandom(16).hex(), kind="decision", decision=self.item.decision, **about))
        return rows


class _Items:
    """Reads the items of one request; the first that cannot be taken refuses them all."""

    def __init__(self, contract: Contract, items: Sequence[Item]) -> None:
        self._items, self._contract = items, contract
        self._key = contract.as_written(key_columns(contract))
        (self._target,) = contract.as_written((label_column(contract),))
        self._label_field = "value" if contract.task == "regression" else "label"

    def read(self) -> list[_Said]:
        """Return the items, typed; raises RequestError 422."""
        names = [column.name for column in self._key]
        for at, item in enumerate(self._items):
            if item.key is not None and (sorted(item.key) != sorted(names) or not names):
                allowed = (
                    f"A key has: {', '.join(names)}." if names else "The contract names no key: use prediction_id."
                )
                _refuse("must have the columns of the contract's key", f"feedback[{at}].key", allowed)
        labels = self._typed([self._target], {at: [i.label] for at, i in enumerate(self._items) if i.label is not None})
        times = self._typed([AT], {at: [item.at] for at, item in enumerate(self._items) if item.at is not None})
        sent = {at: [item.key[name] for name in names] for at, item in enumerate(self._items) if item.key is not None}
        keys = self._typed(self._key, sent, below="key.")
        return [
            _Said(item, self._label_field, labels.get(at, (None,))[0], keys.get(at), times.get(at, (None,))[0])
            for at, item in enumerate(self._items)
        ]

    def _typed(self, columns: Sequence[Column], values: dict[int, list[Any]], below: str = "") -> dict[int, Any]:
        """Return typed values by the place of their item."""
        if not values:
            return {}
        plan = [_plain(column) for column in columns]
        reading = Reading(columns, plan, zone=self._contract.timezone, missing=self._contract.missing)
        try:
            typed = reading.read(list(values.values()))
        except Fault as fault:
            field = "label" if fault.column == self._target.name and not below else f"{below}{fault.column}"
            _refuse(fault.what, f"feedback[{[*values][fault.row]}].{field}", fault.allowed)
        return dict(zip(values, typed, strict=True))


def _plain(column: Column) -> PlanColumn:
    """Return a column as what is read quickly keeps to; what breaks any of it is read again, by the contract."""
    return msgspec.structs.replace(planned(column), nullable=False, refuses=REFUSING)


def _refuse(what: str, where: str, next_step: str) -> NoReturn:
    raise RequestError(422, "invalid", "LOG005", what, where=where, next_step=next_step)
