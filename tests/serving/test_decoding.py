"""What a caller may send: every spelling that batch scoring reads, and a refusal that names row, field and value."""

import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import released
from asked import logged

from evergreen.config.contract.contract import Contract
from serving.answers import RequestError
from serving.decoding import Decoder

ROW = released.requests(1)[0]
JSON = {"Content-Type": "application/json"}


def refused(response: httpx.Response, status: int, code: str) -> dict[str, str]:
    assert response.status_code == status, response.text
    error: dict[str, str] = response.json()["error"]
    assert error["code"] == code
    assert error.keys() == {"code", "what", "where", "next"}
    return error


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("handed_in", "yesterday"),
        ("handed_in", 1709251200),
        ("handed_in", "9999-12-31T23:59:59Z"),
        ("handed_in", None),
        ("handed_in", "2024-03-31T02:30:00"),  # the clocks skip it in Paris
        ("carrier", None),
        ("carrier", "a\0b"),
        ("size", "XL"),
        ("size", "s"),
        ("weight", -0.1),
        ("weight", 30.5),
        ("weight", "31"),
        ("weight", "1,200"),
        ("weight", True),
        ("stops", 2.5),
        ("stops", 10),
        ("stops", False),
        ("stops", 10**30),
        ("insured", 2),
        ("insured", "perhaps"),
        ("insured", None),
        ("copy", None),
        ("copy", [1]),
        ("copy", {"a": 1}),
    ],
)
def test_value_that_breaks_the_contract_is_named_by_row_and_field(client, column, value):
    response = client.post("/predict", json={"rows": [ROW, {**ROW, column: value}]})

    error = refused(response, 422, "SRV004")
    assert error["where"] == f"rows[1].{column}"


@pytest.mark.parametrize(
    ("column", "value", "same"),
    [
        ("insured", "TRUE", True),
        ("insured", 1, True),
        ("insured", "0.0", False),
        ("weight", "3.5", 3.5),
        ("weight", " 3.5 ", 3.5),
        ("weight", "NA", None),
        ("weight", "", None),
        ("weight", "1e-05", 1e-05),
        ("stops", "3", 3),
        ("stops", "3.0", 3),
        ("stops", "null", None),
        ("copy", "-1e3", -1000.0),
        ("copy", 10**20, 1e20),
        ("carrier", 7, "7"),
        ("carrier", 2.5, "2.5"),
        ("carrier", True, "true"),
        ("handed_in", "2024-03-01 12:00", "2024-03-01T11:00:00Z"),
        ("handed_in", "2024-03-01", "2024-02-29T23:00:00Z"),
        ("handed_in", "2024-03-01T12:00:00.5+05:30", "2024-03-01T06:30:00.500Z"),
    ],
)
def test_spellings_of_one_value_have_one_answer_whatever_stands_beside_them(serve, tmp_path, column, value, same):
    odd = {"copy": "0.25", "carrier": True, "insured": "false", "weight": "7"}
    with serve() as client:
        rows = [{**ROW, column: value}, {**ROW, column: same}, {**ROW, **odd}]
        answered = client.post("/predict", json={"rows": rows})
    assert answered.status_code == 200, answered.text

    first, second, _ = answered.json()["predictions"]
    assert first["probability"] == second["probability"]
    found = logged(tmp_path, [each["prediction_id"] for each in answered.json()["predictions"]])
    assert same is None or found[column].iloc[0] == found[column].iloc[1]


def test_other_columns_of_the_contract_may_come_along_and_change_nothing(client):
    alone = client.post("/predict", json={"rows": [ROW]}).json()["predictions"][0]
    more = {"parcel": 17, "late": True, "arrival": "whatever"}

    both = client.post("/predict", json={"rows": [{**ROW, **more}, {**more, **ROW, "parcel": "17"}]})

    assert both.status_code == 200, both.text
    assert {each["probability"] for each in both.json()["predictions"]} == {alone["probability"]}
    assert refused(client.post("/predict", json={"rows": [{**ROW, "parcel": "x"}]}), 422, "SRV004")["where"] == (
        "rows[0].parcel"
    )


def test_missing_field_is_named(client):
    row = {name: value for name, value in ROW.items() if name != "carrier"}

    error = refused(client.post("/predict", json={"rows": [ROW, ROW, row]}), 422, "SRV004")

    assert (error["where"], error["what"]) == ("rows[2].carrier", "the field is missing")


@pytest.mark.parametrize(
    ("extra", "hint"), [("carier", "Did you mean 'carrier'?"), ("zz" * 500, ""), ("` - at `$", "")]
)
def test_field_that_the_contract_has_not_is_named_with_the_one_that_was_meant(client, extra, hint):
    error = refused(client.post("/predict", json={"rows": [{**ROW, extra: 1}]}), 422, "SRV004")

    assert error["where"].startswith("rows[0]")
    assert hint in error["next"]
    assert len(error["where"]) < 120


def test_refusal_says_what_came_and_what_may_come(client):
    error = refused(client.post("/predict", json={"rows": [{**ROW, "weight": 31}]}), 422, "SRV004")
    assert error["what"] == "must be a number between 0 and 30 kg, or null, got 31"
    assert error["next"] == "It may be a number between 0 and 30 kg, or null."

    error = refused(client.post("/predict", json={"rows": [{**ROW, "size": "Q" * 500}]}), 422, "SRV004")
    assert "S, M, L" in error["what"]
    assert len(error["what"]) < 130


@pytest.mark.parametrize(
    "body", [{}, [], [ROW], {"rows": []}, {"rows": {}}, {"rows": [ROW], "model": "other"}, {"rows": [1]}, 1, "x"]
)
def test_body_of_another_shape_is_refused(client, body):
    refused(client.post("/predict", json=body), 422, "SRV004")


@pytest.mark.parametrize("column", ["weight", "stops", "arrival"])
def test_number_that_is_not_finite_is_refused(client, column):
    body = json.dumps({"rows": [{**ROW, column: 0}]})
    for number, status in (("NaN", 400), ("Infinity", 400), ("1e999", 422), ("9" * 5_000, 422)):
        content = body.replace(f'"{column}": 0', f'"{column}": {number}')
        assert client.post("/predict", content=content, headers=JSON).status_code == status


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"rows": [}', b"\xff\xfe", b'{"rows": ["\xff"]}', b'{"rows": []} x', b"\x00"]
)
def test_body_that_is_not_json_is_refused(client, body):
    assert client.post("/predict", content=body, headers=JSON).status_code in (400, 422)


def test_rows_beyond_the_limit_are_refused_with_an_answer_that_arrives(serve):
    with serve(max_rows=50) as client:
        error = refused(client.post("/predict", json={"rows": [ROW] * 51}), 413, "SRV012")
        assert "51 rows" in error["what"]
        refused(client.post("/predict", json={"rows": [ROW] * 8_000}), 413, "SRV002")
        assert client.post("/predict", json={"rows": [ROW] * 50}).status_code == 200


NAMES = ('a\nb, "c"; {d}', "back\\slash", "tab\there", '"', "\x01", "größe", "a`b", "copy")


def named(names: tuple[str, ...]) -> Decoder:
    columns: list[dict[str, Any]] = [{"name": name, "type": "number", "role": "feature"} for name in names]
    about = {"name": "odd", "description": "", "source": {"kind": "file", "path": "a.csv"}, "label_delay_days": 0}
    target = {"name": "late", "type": "boolean", "role": "target"}
    contract = Contract.model_validate({**about, "timezone": "UTC", "columns": [*columns, target]})
    model: Any = SimpleNamespace(contract=contract, given=())
    return Decoder(model, max_rows=5)


@pytest.mark.parametrize("row", [0, 1])
def test_fields_may_have_any_name_and_faults_name_them_as_they_were_sent(row: int) -> None:
    decoder, values = named(NAMES), {name: float(at) for at, name in enumerate(NAMES)}

    def refused(sent: dict[str, Any]) -> RequestError:
        with pytest.raises(RequestError) as caught:
            decoder.decode(json.dumps({"rows": [values] * row + [sent]}).encode())
        return caught.value

    assert decoder.decode(json.dumps({"rows": [values, values]}).encode()).rows == [[*map(float, range(8))]] * 2
    for name in NAMES:
        assert refused({each: 1 for each in NAMES if each != name}).where == f"rows[{row}].{name}"
        assert refused({**values, name: "much"}).where == f"rows[{row}].{name}"
        assert refused({**values, name: [1]}).where == f"rows[{row}].{name}"
        unknown = refused({**values, f"{name}{name}!": 1})
        assert (unknown.status, unknown.where) == (422, f"rows[{row}].{name}{name}!")
    assert refused({**values, 'a\nb, "c"; {e}': 1}).next_step == "Did you mean 'a\nb, \"c\"; {d}'?"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b'{"rows": [NaN]}', 400), (b"[]", 422), (b'{"rows": [1]}', 422), (b'{"rows": [], "x": 1}', 422),
     (b'{"rows": {}}', 422), (b"{}", 422), (b'{"rows": [{"copy": 1e999}]}', 422), (b'{"rows": []}', 422)],
)  # fmt: skip
def test_names_that_need_an_escape_leave_the_answers_to_bad_bodies_as_they_are(body: bytes, status: int) -> None:
    said = []
    for decoder in (named(("copy",)), named(("copy", '"'))):
        with pytest.raises(RequestError) as caught:
            decoder.decode(body)
        assert caught.value.status == status
        said.append((caught.value.code, caught.value.what))
    assert said[0] == said[1]
