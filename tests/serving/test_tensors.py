"""Tensors of the Open Inference Protocol: what is read out of a request, and what is refused before any row is made."""

import json

import pytest
import released

from evergreen.config.contract.columns import Column
from serving import tensors
from serving.answers import Class, Number, RequestError, Truth

COLUMNS = (
    Column(name="weight", type="number", role="feature", nullable=True),
    Column(name="size", type="category", role="feature"),
    Column(name="late", type="boolean", role="ignore"),
)


def body(*inputs: dict, **more: object) -> bytes:
    return json.dumps({"inputs": inputs, **more}).encode()


def tensor(name: str, kind: str, data: list, shape: list | None = None) -> dict:
    return {"name": name, "datatype": kind, "shape": [len(data), 1] if shape is None else shape, "data": data}


SIZES = tensor("size", "BYTES", ["S", "M"])


def rows(sent: bytes, max_rows: int = 10) -> list:
    return tensors.rows_of(tensors.decode(sent), COLUMNS, required=2, max_rows=max_rows)


@pytest.mark.parametrize("data", [[1.5, None], [[1.5], [None]]])
@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_columns_become_rows_flat_or_nested_in_any_order_with_null_for_what_was_not_sent(data, shape):
    assert rows(body(SIZES, tensor("weight", "FP32", data, shape))) == [(1.5, "S", None), (None, "M", None)]


def test_nan_that_clients_in_python_write_is_a_missing_number():
    assert rows(body(tensor("weight", "FP64", [float("nan"), 2]), SIZES)) == [(None, "S", None), (2, "M", None)]


def test_parameters_and_what_else_a_client_adds_are_passed_over():
    told = {**tensor("weight", "INT64", [1, 2]), "parameters": {"content_type": "np"}, "more": {"deep": [[[]]]}}

    assert len(rows(body(told, SIZES, parameters={"content_type": "pd"}, id="7"))) == 2


REFUSED = {
    "no object": (b"[]", 400, "must be an object, got a list"),
    "no inputs": (b"{}", 400, "the field is missing"),
    "not JSON": (b"{", 400, "not JSON"),
    "infinite": (b'{"inputs": [], "x": [Infinity, NaN]}', 400, "Infinity is no number"),
    "deep": (b'{"inputs":' + b"[" * 9_000 + b"]" * 9_000 + b"}", 400, "must be an object, got a list"),
    "nested too deep": (body(tensor("weight", "FP64", [[[1]], [[2]]]), SIZES), 400, "must be one value, got a list"),
    "nested unevenly": (body(tensor("weight", "FP64", [[1], 2]), SIZES), 400, "one value in each row"),
    "two values in a row": (body(tensor("weight", "FP64", [[1, 2]], [1, 2]), SIZES), 400, "one value in each row"),
    "shape of more": (body(tensor("weight", "FP64", [1, 2], [3, 1]), SIZES), 400, "the shape is [3,1]"),
    "negative shape": (body(tensor("weight", "FP64", [1, 2], [-2]), SIZES), 400, "the shape is [-2]"),
    "huge shape": (body(tensor("weight", "FP64", [1, 2], [10**30, 1]), SIZES), 400, "the shape is [1"),
    "empty shape": (body(tensor("weight", "FP64", [1, 2], []), SIZES), 400, "the shape is []"),
    "text as number": (body(tensor("weight", "FP64", [1, "2"]), SIZES), 400, 'not FP64: "2"'),
    "fraction as integer": (body(tensor("weight", "INT32", [1, 2.5]), SIZES), 400, "not INT32: 2.5"),
    "truth as integer": (body(tensor("weight", "INT32", [1, True]), SIZES), 400, "not INT32: true"),
    "number as truth": (body(tensor("weight", "BOOL", [1, 0]), SIZES), 400, "not BOOL: 1"),
    "unknown datatype": (body(tensor("weight", "FP128", [1, 2]), SIZES), 400, 'no such datatype: "FP128"'),
    "twice": (body(SIZES, SIZES, tensor("weight", "FP64", [1, 2])), 422, "twice"),
    "unknown name": (body(tensor("wieght", "FP64", [1, 2]), SIZES), 422, "no such column"),
    "missing": (body(SIZES), 422, "the input is missing"),
    "unequal": (body(tensor("weight", "FP64", [1]), SIZES), 400, "2 values beside 1 of 'weight'"),
    "no data": (body({"name": "size", "datatype": "BYTES", "shape": [2]}), 400, "no data"),
    "binary": (
        body({"name": "size", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": 9}}),
        415,
        "binary tensors are not read",
    ),
    "too many": (body(tensor("weight", "FP64", list(range(11)))), 413, "11 rows in one request, which may have 10"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_tensor_that_is_not_what_it_says_is_refused_with_the_reason(case):
    sent, status, what = REFUSED[case]

    with pytest.raises(RequestError) as refused:
        rows(sent)

    assert (refused.value.status, what in refused.value.what) == (status, True), refused.value.what
    assert len(refused.value.body()) < 600


def test_close_name_is_proposed():
    with pytest.raises(RequestError) as refused:
        rows(body(tensor("wieght", "FP64", [1, 2]), SIZES))

    assert refused.value.next_step == "Did you mean 'weight'?"


def test_answers_become_tensors_of_the_outputs_that_are_asked_for():
    answers = [Truth("a", True, 0.9, "positive", "p"), Truth("b", False, 0.1, "negative", "q")]
    request = tensors.decode(body(SIZES, outputs=[{"name": "probability"}, {"name": "label"}]))

    assert tensors.tensors(answers, tensors.outputs_of(request, "binary")) == [
        {"name": "probability", "datatype": "FP64", "shape": [2, 1], "data": [0.9, 0.1]},
        {"name": "label", "datatype": "BOOL", "shape": [2, 1], "data": [True, False]},
    ]


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        ("binary", Truth("a", True, 0.9, "positive", "p")),
        ("multiclass", Class("a", "x", 0.9)),
        ("regression", Number("a", 4.5)),
    ],
)
def test_every_field_of_an_answer_is_an_output_of_its_task(task, answer):
    named = tensors.outputs_of(tensors.decode(body(SIZES)), task)

    assert sorted(name for name, _ in named) == sorted({*answer.__struct_fields__} - {"version"})
    assert all(type(each["data"][0]) in tensors.HELD[each["datatype"]] for each in tensors.tensors([answer], named))


def test_output_that_the_model_has_not_is_refused():
    with pytest.raises(RequestError, match="no such output") as refused:
        tensors.outputs_of(tensors.decode(body(SIZES, outputs=[{"name": "score"}])), "binary")

    assert refused.value.status == 400


def test_datatype_of_every_kind_of_column_holds_its_values():
    kinds = {column.type: tensors.datatype(column) for column in released.CONTRACT.columns}

    assert kinds == {
        "timestamp": "BYTES",
        "integer": "INT64",
        "category": "BYTES",
        "number": "FP64",
        "boolean": "BOOL",
    }
