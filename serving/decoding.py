"""From the bytes of a request to typed rows: the shape, then each value, as batch scoring reads it."""

import difflib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import msgspec

from evergreen.config.contract.columns import Column, loose
from evergreen.learning.model.model import Model
from serving.answers import RequestError
from serving.reading import Fault, Scalar, reading_of
from serving.shapes import SHOWN, Misshapen, cut, misshapen
from serving.spellings import allowed

NEXT = "GET /openapi.json names every field with what it may hold."
WANTED = 'Send {"rows": [{…}, …]}, an object for each row; GET /openapi.json says what is in it.'
NO_NAN = "JSON has no NaN and no Infinity: send null for what is missing."
# msgspec takes no name with one of these for a field; characters that nobody writes stand in for them.
_STAND_INS = {ord(character): chr(0xF800 + ord(character)) for character in ('"', "\\", *map(chr, range(32)))}
_AS_SENT = {ord(stand_in): chr(character) for character, stand_in in _STAND_INS.items()}


class Decoded(msgspec.Struct, frozen=True, eq=False):
    """Rows as the model is asked with them, and what came along that names whom they are about.

    `rows`: typed values in the order of the decoder's `columns`. `keys`: in the order of its `keys`; empty for a row
    that has none.
    """

    rows: Sequence[Sequence[Scalar]]
    keys: Sequence[Sequence[Scalar]]


class Decoder:
    """Reads the bodies of requests for one model.

    Beside the contract's request columns a caller may send the features of the past, which are missing else, and every
    other column of the contract. The values of `keys`, names of such columns, are kept; nobody looks at the others. A
    time that has parts is told by these, or sent itself. `fields` are all that may be sent, the `required` ones first;
    `inputs` those that callers are told to send.
    """

    def __init__(self, model: Model, *, keys: Sequence[str] = (), max_rows: int = 1_000) -> None:
        contract, given = model.contract, model.given
        asked = contract.as_written(contract.request_columns)
        self.columns: tuple[Column, ...] = (*asked, *given)
        self.required = tuple(column for column in asked if not column.parts)
        names = {column.name for column in self.columns}
        kept = {column.name: column for column in contract.columns if column.name not in names}
        self.keys = contract.as_written(loose(kept[name]) for name in keys)
        self.others = (*self.keys, *(column for name, column in kept.items() if name not in keys))
        by_parts = (column for column in asked if column.parts)
        self.fields: tuple[Column, ...] = (*self.required, *by_parts, *given, *self.others)
        self.inputs = contract.as_written(contract.with_parts(self.columns, those=False))
        self.max_rows = max_rows
        self._known = {column.name: column for column in self.fields}
        self._decode = _decoding(self.fields, len(self.required))
        self._reading = reading_of(self.columns, contract, given=given)
        self._reading_keys = reading_of(self.keys, contract)
        self._take = _taking(self.columns, self.fields)
        self._take_keys = _taking(self.keys, self.fields)
        names_of_columns = [column.name for column in self.columns]
        self.time = names_of_columns.index(contract.time) if contract.time else None
        self._no_keys = (None,) * len(self.keys)

    def decode(self, body: bytes) -> Decoded:
        """Return the rows of a body.

        Raises
        ------
        RequestError 400 for what is not JSON, 413 for too many rows, 422 naming the row and the field of what the
        contract does not allow.
        """
        try:
            rows: list[msgspec.Struct] = self._decode(body).rows
        except msgspec.ValidationError as error:
            self._refuse_shape(error)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            what = f"the body is not JSON: {str(error)[:SHOWN]}"
            next_step = NO_NAN if b"NaN" in body or b"Infinity" in body else "Send a JSON object."
            raise RequestError(400, "not_json", "SRV003", what, next_step=next_step) from error
        return self.read([msgspec.structs.astuple(row) for row in rows])

    def read(self, rows: Sequence[Sequence[Any]]) -> Decoded:
        """Return rows that came as JSON's scalars, in the order of `fields`; None: was not sent.

        Raises
        ------
        RequestError as `decode` does.
        """
        if not rows:
            _refuse("there is no row", "rows", "Send at least one row.")
        if len(rows) > self.max_rows:
            what = f"{len(rows)} rows in one request, which may have {self.max_rows}"
            next_step = "Send fewer at a time, or raise EVERGREEN_MAX_ROWS."
            raise RequestError(413, "too_many_rows", "SRV012", what, where="rows", next_step=next_step)
        try:
            typed = self._reading.read(list(map(self._take, rows)))
            keys: Sequence[Sequence[Scalar]] = ()
            sent = list(map(self._take_keys, rows)) if self.keys else ()
            if any(row != self._no_keys for row in sent):
                keys = self._reading_keys.read(sent)
        except Fault as fault:
            _refuse(fault.what, f"rows[{fault.row}].{fault.column}", fault.allowed)
        return Decoded(typed, keys or ((),) * len(rows))

    def _refuse_shape(self, error: msgspec.ValidationError) -> NoReturn:
        fault, next_step = _as_sent(misshapen(error)), WANTED
        if fault.where.startswith("rows["):
            column = self._known.get(fault.where.partition("].")[2])
            if fault.unknown is not None:
                close = difflib.get_close_matches(cut(fault.unknown), [*self._known], n=1)
                next_step = f"Did you mean '{close[0]}'?" if close else NEXT
            elif column is not None:
                next_step = f"It may be {allowed(column)}."
        _refuse(fault.what, fault.where or "body", next_step)


def _taking(columns: Sequence[Column], fields: Sequence[Column]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Return what takes the values of columns from those of fields; of a time that was not sent those of its parts."""
    place = {column.name: at for at, column in enumerate(fields)}
    places = [place[column.name] for column in columns]
    parts = [(at, [place[name] for name in column.parts]) for at, column in enumerate(columns) if column.parts]
    if not parts and places == list(range(places[0], places[0] + len(places)) if places else ()):
        taken = slice(places[0], places[-1] + 1) if places else slice(0)
        return lambda row: row[taken]

    def take(row: Sequence[Any]) -> Sequence[Any]:
        values = [row[at] for at in places]
        for at, told in parts:
            if values[at] is None:
                values[at] = tuple(row[part] for part in told)
        return tuple(values)

    return take


def _decoding(columns: Sequence[Column], n_required: int) -> Callable[[bytes], Any]:
    """Return what reads the rows of a body, whose fields may have any name."""
    body = _body(columns, n_required)
    if all(column.name == column.name.translate(_STAND_INS) for column in columns):
        return msgspec.json.Decoder(body).decode
    as_sent = msgspec.json.Decoder(_AnyBody).decode

    def decode(content: bytes) -> Any:
        rows = [{name.translate(_STAND_INS): value for name, value in row.items()} for row in as_sent(content).rows]
        return msgspec.convert({"rows": rows}, body)

    return decode


class _AnyBody(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    rows: list[dict[str, Any]]


def _as_sent(fault: Misshapen) -> Misshapen:
    unknown = None if fault.unknown is None else fault.unknown.translate(_AS_SENT)
    return Misshapen(fault.where.translate(_AS_SENT), fault.what.translate(_AS_SENT), unknown)


def _body(columns: Sequence[Column], n_required: int) -> type[msgspec.Struct]:
    """Return the type of a body; fields are known by position, so that a column may have any name, such as ``copy``."""
    fields: list[Any] = [
        (f"r{at}", Scalar) if at < n_required else (f"o{at}", Scalar, None) for at in range(len(columns))
    ]
    row = msgspec.defstruct(
        "Row",
        fields,
        rename={field[0]: column.name.translate(_STAND_INS) for field, column in zip(fields, columns, strict=True)},
        forbid_unknown_fields=True,
        gc=False,
    )
    return msgspec.defstruct("Body", [("rows", list[row])], forbid_unknown_fields=True, gc=False)  # type: ignore[valid-type]


def _refuse(what: str, where: str, next_step: str) -> NoReturn:
    raise RequestError(422, "invalid", "SRV004", what, where=where, next_step=next_step)
