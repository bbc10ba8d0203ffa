"""What comes back about predictions: labels and people's decisions, by prediction or by key, however late and often."""

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from evergreen.config.contract.columns import Column
from evergreen.learning.model.compiled.plan import PlanColumn
from evergreen.learning.model.requested import REFUSING
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Feedback, Scalar
from serving.answers import RequestError, to_json
from serving.reading import Fault, Reading

if TYPE_CHECKING:
    from serving.app import Service
    from serving.served import Served

MOST_SHOWN = 20  # refusals and unknown ids that are named
SECONDS_FOR_LOOKING_UP = 1.0
NEXT = "An item has prediction_id or key, and label or decision or both; at and by may be left out."
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Item(msgspec.Struct, forbid_unknown_fields=True):
    """A label, a decision, or both, of a prediction or of all of a key. `at`: when it was known; `by`: who says it."""

    prediction_id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")] | None = None
    key: dict[str, Scalar] | None = None
    label: Scalar = None
    decision: Short | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    by: Short | None = None


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """Raw items: one that is not as it should be does not refuse the others."""

    feedback: list[msgspec.Raw]


class Refusal(msgspec.Struct):
    """Why an item was not taken; `item` is its place, from 0."""

    item: int
    field: str
    what: str
    allowed: str


class Taken(msgspec.Struct):
    """What became of the items of a request: how many are kept now, and which are not.

    `unknown`: of those that are kept, how many name a prediction that this log does not hold, or not any more.
    """

    taken: int
    unknown: int
    unknown_ids: list[str]
    refused: int
    refusals: list[Refusal]


async def feedback(service: "Service", body: bytes, request_id: str) -> bytes:
    """Keep what came back and return, as JSON, what was taken and what was refused; all of it is on record then.

    Raises
    ------
    RequestError 400, 413 or 422 if nothing of it can be taken, 503 if nothing is logged here. ResourceError if it could
    not be written.
    """
    served = service.loaded()
    if service.log is None:
        what, next_step = "this service keeps no prediction log", "Set prediction_log to strict or available."
        raise RequestError(503, "log", "LOG006", what, next_step=next_step)
    items = _items(body, service.settings.max_rows)
    return to_json(await asyncio.to_thread(_take, served, service.log, items, request_id))


def _items(body: bytes, most: int) -> list[msgspec.Raw]:
    try:
        items = msgspec.json.decode(body.decode(), type=Body).feedback  # of raw items, not all of it is looked at
    except msgspec.ValidationError as error:
        raise RequestError(422, "invalid", "LOG005", str(error)[:200], where="body", next_step=NEXT) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = f"the body is not JSON: {str(error)[:80]}"
        raise RequestError(400, "not_json", "SRV003", what, next_step="Send a JSON object.") from error
    if len(items) > most:
        what = f"{len(items)} items in one request, which may have {most}"
        raise RequestError(413, "too_many_rows", "SRV012", what, where="feedback", next_step="Send fewer at a time.")
    if not items:
        raise RequestError(422, "invalid", "LOG005", "there is no item", where="feedback", next_step=NEXT)
    return items


def _take(served: "Served", log: PredictionLog, items: Sequence[msgspec.Raw], request_id: str) -> Taken:
    reader = _Items(served)
    read = [(at, item) for at, raw in enumerate(items) if (item := reader.item(at, raw)) is not None]
    read = reader.typed(read)
    if not read:
        first = reader.refusals[0]
        where = f"feedback[{first.item}].{first.field}".removesuffix(".")
        raise RequestError(422, "invalid", "LOG005", first.what, where=where, next_step=first.allowed)
    now_us = time_ns() // 1_000
    rows = [row for _, item in read for row in reader.rows(item, now_us, request_id)]
    log.append_feedback(served.columns, rows)
    unknown = _unknown(log, [item.prediction_id for _, item in read if item.prediction_id is not None])
    return Taken(len(read), len(unknown), unknown[:MOST_SHOWN], len(reader.refusals), reader.refusals[:MOST_SHOWN])


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


class _Items:
    """Reads the items of one request, and notes which are refused and why."""

    def __init__(self, served: "Served") -> None:
        contract = served.model.contract
        self._task = contract.task
        columns = {column.name: column for column in contract.columns}
        self._key = [_required(columns[name]) for name in contract.key]
        self._target = _required(columns[contract.target], with_rules=True)
        self._zone = contract.timezone
        self.refusals: list[Refusal] = []

    def item(self, at: int, raw: msgspec.Raw) -> Item | None:
        """Return an item that says something of something; None, and a refusal, for any other."""
        try:
            item = msgspec.json.decode(raw, type=Item)
        except msgspec.ValidationError as error:
            what, _, place = str(error).partition(" - at `$")
            self._refuse(at, place.strip(".`")[:80], what[:200], NEXT)
            return None
        if (item.prediction_id is None) == (item.key is None):
            self._refuse(at, "prediction_id", "name a prediction, or a key, and not both", NEXT)
            return None
        if item.label is None and item.decision is None:
            self._refuse(at, "label", "there is neither a label nor a decision", NEXT)
            return None
        names = [column.name for column in self._key]
        if item.key is not None and (sorted(item.key) != sorted(names) or not names):
            allowed = f"A key has: {', '.join(names)}." if names else "The contract names no key: use prediction_id."
            self._refuse(at, "key", "it does not have the columns of the contract's key", allowed)
            return None
        return item

    def typed(self, items: list[tuple[int, Item]]) -> list[tuple[int, Item]]:
        """Return the items whose label and key can be read, with their values typed as the contract says."""
        labelled = [each for each in items if each[1].label is not None]
        labels = self._read([self._target], labelled, [[item.label] for _, item in labelled], "label")
        keyed = [each for each in items if each[1].key is not None]
        sent = [[(item.key or {})[column.name] for column in self._key] for _, item in keyed]
        keys = self._read(self._key, keyed, sent, "key")
        kept = []
        for at, item in items:
            if (item.label is None or at in labels) and (item.key is None or at in keys):
                label = labels[at][0] if at in labels else None
                key = dict(zip((column.name for column in self._key), keys[at], strict=True)) if at in keys else None
                kept.append((at, msgspec.structs.replace(item, label=label, key=key)))
        return kept

    def _read(
        self, columns: Sequence[Column], items: Sequence[tuple[int, Item]], values: list[list[Scalar]], field: str
    ) -> dict[int, Sequence[Scalar]]:
        """Return typed values by the place of their item; those that cannot be read are refused, up to a limit."""
        if not items:
            return {}
        reading = Reading(columns, [_plain(column) for column in columns], zone=self._zone)
        left = list(zip((at for at, _ in items), values, strict=True))
        for _ in range(MOST_SHOWN):
            if not left:
                return {}
            try:
                typed = reading.read([value for _, value in left])
            except Fault as fault:
                name = field if field == "label" else f"key.{fault.column}"
                self._refuse(left.pop(fault.row)[0], name, fault.what, fault.allowed)
                continue
            return {at: row for (at, _), row in zip(left, typed, strict=True)}
        for at, _ in left:
            self._refuse(at, field, f"not read, because {MOST_SHOWN} others could not be", "Send it again alone.")
        return {}

    def rows(self, item: Item, now_us: int, request_id: str) -> list[Feedback]:
        """Return what is logged of an item: its label, its decision, or both."""
        about: dict[str, Any] = {
            "received_us": now_us,
            "prediction_id": item.prediction_id,
            "keys": None if item.key is None else list(item.key.values()),
            "known_us": None if item.at is None else round(item.at.timestamp() * 1e6),
            "by": item.by,
            "request_id": request_id,
        }
        rows = []
        if item.label is not None:
            name = "value" if self._task == "regression" else "label"
            said: dict[str, Any] = {name: item.label}
            rows.append(Feedback(os.urandom(16).hex(), kind="label", **said, **about))
        if item.decision is not None:
            rows.append(Feedback(os.urandom(16).hex(), kind="decision", decision=item.decision, **about))
        return rows

    def _refuse(self, at: int, field: str, what: str, allowed: str) -> None:
        self.refusals.append(Refusal(at, field, what, allowed))


def _plain(column: Column) -> PlanColumn:
    """Return a column as what is read quickly keeps to; what breaks any of it is read again, by the contract."""
    return PlanColumn(
        name=column.name,
        type=column.type,
        nullable=False,
        min=column.min,
        max=column.max,
        categories=column.categories,
        pattern=column.pattern,
        spelling=column.spelling,
        refuses=REFUSING,
    )


def _required(column: Column, *, with_rules: bool = False) -> Column:
    """Return a column whose value must be there, of its type; `with_rules`: and that keeps the contract's rules."""
    if with_rules:
        return column.model_copy(update={"nullable": False, "max_null_share": None})
    return Column(name=column.name, type=column.type, role=column.role, pii=column.pii)
