"""The tensors of the Open Inference Protocol: rows of a contract's columns out of them, and answers into them."""

import difflib
import json
from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec

from evergreen.config.contract.columns import Column, Task
from serving.answers import Predicted, RequestError
from serving.shapes import misshapen

SHOWN = 80  # characters of what a caller sent
NEXT = "GET /v2/models/{model} names every input with its datatype."
WANTED = "Send inputs, each with name, datatype, shape and data, one value for each row."
NO_BINARY = "Have the client send JSON: binary_data=False in tritonclient."
Cell = str | int | float | bool | None
Outputs = tuple[tuple[str, str], ...]  # names and datatypes
_WHOLE = dict.fromkeys(
    ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"), frozenset({int, type(None)})
)
_REAL = dict.fromkeys(("FP16", "FP32", "FP64"), frozenset({int, float, type(None)}))
HELD = {**_WHOLE, **_REAL, "BOOL": frozenset({bool, type(None)}), "BYTES": frozenset({str, type(None)})}
# How a column's values are sent; a timestamp as text, as everywhere in JSON.
DATATYPES = {"number": "FP64", "integer": "INT64", "boolean": "BOOL"}
_TRUTH = (("label", "BOOL"), ("probability", "FP64"), ("prediction_id", "BYTES"), ("decision", "BYTES"))
VERSION = ("version", "INT64")
OUTPUTS: dict[Task, Outputs] = {
    "binary": (*_TRUTH, ("reason", "BYTES")),
    "multiclass": (("label", "BYTES"), *_TRUTH[1:3]),
    "regression": (("value", "FP64"), _TRUTH[2]),
}


class _Parameters(msgspec.Struct, gc=False):
    binary_data_size: Any = None


class _Input(msgspec.Struct, gc=False):
    name: str
    datatype: str
    shape: list[int]
    data: list[Cell | list[Cell]] | None = None
    parameters: _Parameters | None = None


class _Output(msgspec.Struct, gc=False):
    name: str


class Inference(msgspec.Struct, gc=False):
    """The body of a request; parameters and whatever else a client adds are passed over."""

    inputs: list[_Input]
    id: str | None = None
    outputs: list[_Output] | None = None


_decode = msgspec.json.Decoder(Inference).decode


def datatype(column: Column) -> str:
    """Return the datatype in which a column's values are sent and described."""
    return DATATYPES.get(column.type, "BYTES")


def decode(body: bytes) -> Inference:
    """Return the request in a body; ``NaN``, which clients in Python write for a missing number, is read as null.

    Raises
    ------
    RequestError 400 for what is not JSON, or not a request of the protocol.
    """
    try:
        try:
            return _decode(body)
        except msgspec.DecodeError as error:
            if b"NaN" not in body or isinstance(error, msgspec.ValidationError):
                raise
            return msgspec.convert(json.loads(body, parse_constant=_constant), Inference)
    except msgspec.ValidationError as error:
        fault = misshapen(error)
        _refuse(fault.what, fault.where or "body", WANTED)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        what = f"the body is not JSON: {str(error)[:SHOWN]}"
        raise RequestError(400, "not_json", "SRV003", what, next_step="Send a JSON object.") from error


def _constant(name: str) -> None:
    if name != "NaN":
        raise ValueError(f"{name} is no number")


def rows_of(request: Inference, columns: Sequence[Column], *, required: int, max_rows: int) -> list[tuple[Cell, ...]]:
    """Return the rows of a request, one cell for each of `columns`, as the body of ``/predict`` would hold them.

    Parameters
    ----------
    required : how many of the columns must be sent; those after them may be left out.

    Raises
    ------
    RequestError 422 for inputs that are missing, unknown or twice there; 400 for a tensor that is not what it says; 413
    for too many rows.
    """
    sent: dict[str, list[Cell]] = {}
    known = {column.name for column in columns}
    for each in request.inputs:
        if each.name not in known:
            close = difflib.get_close_matches(each.name[:SHOWN], known, n=1)
            next_step = f"Did you mean '{close[0]}'?" if close else "Send one input for each column. " + NEXT
            _refuse("the contract has no such column", _shown(each.name), next_step, status=422)
        if each.name in sent:
            _refuse("the input is there twice", each.name, "Send each column once.", status=422)
        sent[each.name] = _cells(each, max_rows)
    missing = next((column.name for column in columns[:required] if column.name not in sent), None)
    if missing is not None:
        _refuse("the input is missing", missing, "Send it, with null where the contract allows it.", status=422)
    n_rows = len(next(iter(sent.values()))) if sent else 0
    other = next((name for name, cells in sent.items() if len(cells) != n_rows), None)
    if other is not None:
        first = next(iter(sent))
        _refuse(f"{len(sent[other])} values beside {n_rows} of '{first}'", other, "Send one value for each row.")
    nothing = [None] * n_rows
    return list(zip(*(sent.get(column.name, nothing) for column in columns), strict=True))


def _cells(tensor: _Input, max_rows: int) -> list[Cell]:
    """Return the values of an input, flat; its shape and its datatype must be what they say."""
    name, held = tensor.name, HELD.get(tensor.datatype)
    if tensor.data is None:
        if tensor.parameters is not None and tensor.parameters.binary_data_size is not None:
            raise RequestError(415, "binary", "SRV051", "binary tensors are not read", where=name, next_step=NO_BINARY)
        _refuse("the input has no data", name)
    if held is None:
        _refuse(f"no such datatype: {_shown(tensor.datatype)}", name, f"Send one of {', '.join(HELD)}.")
    cells: list[Any] = tensor.data
    if len(cells) > max_rows:
        what = f"{len(cells)} rows in one request, which may have {max_rows}"
        next_step = "Send fewer at a time, or raise EVERGREEN_MAX_ROWS."
        raise RequestError(413, "too_many_rows", "SRV012", what, where=name, next_step=next_step)
    if any(type(cell) is list for cell in cells):
        if not all(type(cell) is list and len(cell) == 1 for cell in cells):
            _refuse("nested data has one value in each row", name, "Send [[1], [2]] or [1, 2].")
        cells = [cell[0] for cell in cells]
    if tensor.shape not in ([len(cells)], [len(cells), 1]):
        shown = _shown(tensor.shape)
        _refuse(f"the shape is {shown}, and there are {len(cells)} values", name, f"Send [{len(cells)}, 1].")
    if not held.issuperset(map(type, cells)):
        at, wrong = next((at, cell) for at, cell in enumerate(cells) if type(cell) not in held)
        _refuse(f"not {tensor.datatype}: {_shown(wrong)}", f"{name}[{at}]")
    return cells


def with_version(outputs: Outputs, answers: Sequence[Predicted]) -> Outputs:
    """Return outputs and, where several versions answer, the one of each row among them."""
    is_divided = any(answer.version is not msgspec.UNSET for answer in answers)
    return (*outputs, VERSION) if is_divided else outputs


def outputs_of(request: Inference, task: Task) -> Outputs:
    """Return the names and datatypes of the outputs that a request asks for, all where it names none.

    Raises
    ------
    RequestError 400 for one that is not there.
    """
    known = OUTPUTS[task]
    if not request.outputs:
        return known
    datatypes = dict(known)
    asked = dict.fromkeys(output.name for output in request.outputs)
    unknown = next((name for name in asked if name not in datatypes), None)
    if unknown is not None:
        _refuse("the model has no such output", _shown(unknown), f"It has {', '.join(datatypes)}.")
    return tuple((name, datatypes[name]) for name in asked)


def tensors(answers: Sequence[Predicted], outputs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return answers as output tensors of shape (n, 1), their data flat."""
    shape = [len(answers), 1]
    return [
        {"name": name, "datatype": kind, "shape": shape, "data": [getattr(answer, name) for answer in answers]}
        for name, kind in outputs
    ]


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _refuse(what: str, where: str, next_step: str = NEXT, *, status: int = 400) -> NoReturn:
    raise RequestError(status, "invalid", "SRV050", what, where=where, next_step=next_step)
