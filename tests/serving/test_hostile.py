"""Payloads of people who mean no good: each is told what is wrong with it, and nobody else is harmed."""

import json
from typing import Any

import httpx
import pytest
import released
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

ROW = released.requests(1)[0]
NAMES = [*ROW, *("parcel", "late", "arrival", "carier", "", "rows", "$", "a.b", "\0", "\u202e", "x" * 300)]
PATHS = ("/predict", "/predict", "/predict", "/feedback", "/v2/models/parcels/infer")
JSON = b"application/json"
TYPES = (
    *(
        JSON,
        JSON,
        JSON,
        JSON,
        JSON,
        b"application/json; charset=utf-8",
        b"APPLICATION/JSON",
        b"",
        b"text/plain",
        b"*/*",
    ),
    *(b"application/json; charset=utf-16", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x"),
    *(b"application/vnd.bentoml+pickle", b"application/json\xff", b"application/msgpack", b";", b"x" * 300),
)
METHODS = ("POST",) * 12 + ("GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "QUERY", "post", "X" * 40)
NUMBERS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-0",
    "9" * 400,
    "0." + "3" * 400,
    "1E+400",
    "01",
    "+1",
    ".5",
    "0x1F",
)
LITERALS = (
    *NUMBERS,
    "True",
    "undefined",
    "'x'",
    '"\\ud800"',
    '"\\u0000"',
    '"\\x"',
    '"\t"',
    "[,]",
    "{}",
    "[[]]",
    "/**/1",
)
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "utf-7")

texts = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    [
        "",
        "\0",
        "\ufeff",
        "\u202e",
        "e\u0301",
        "\U0001f682" * 40,
        "NaN",
        "2024-03-01",
        "<script>",
        "'; --",
        "${x}",
        "%00",
    ]
)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.sampled_from([10**400, -(2**63) - 1, 1e308])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
names = st.sampled_from(NAMES) | texts
cells = scalars | values


@st.composite
def rows(draw: st.DrawFn) -> Any:
    """Draw a row that is nearly one, or anything else."""
    if draw(st.integers(0, 9)) == 0:
        return draw(values)
    row = {**ROW, **draw(st.dictionaries(names, cells, max_size=3))}
    for name in draw(st.lists(st.sampled_from([*row]), max_size=2)):
        row.pop(name, None)
    return dict(draw(st.permutations([*row.items()])))


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """Draw what one of the doors is sent, or nearly."""
    some = draw(st.lists(rows(), max_size=3))
    kind = draw(st.integers(0, 7))
    if kind < 4:
        return {"rows": some, **draw(st.dictionaries(names, values, max_size=kind // 2))}
    if kind == 4:
        item = {"prediction_id": "0" * 32, "label": True, **draw(st.dictionaries(names, cells, max_size=2))}
        return {"feedback": [item, *some]}
    if kind == 5:
        sent = [
            {
                "name": name,
                "datatype": draw(st.sampled_from(["FP64", "BYTES", "BOOL", "x"])),
                "shape": [1],
                "data": [cell],
            }
            for name, cell in {**ROW, **draw(st.dictionaries(names, cells, max_size=2))}.items()
        ]
        return {"inputs": draw(st.permutations(sent)), **draw(st.dictionaries(names, values, max_size=1))}
    return draw(values)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Draw bytes: a document, spelled wrongly, cut, wrapped, doubled or in another encoding, and odd ones beside it."""
    text = json.dumps(draw(documents()), ensure_ascii=draw(st.booleans()))
    harm = draw(st.integers(0, 11))
    if harm == 0:
        text = text[: draw(st.integers(0, len(text)))]
    elif harm == 1:
        text = text.replace(": ", f": {draw(st.sampled_from(LITERALS))}, ", 1)
    elif harm == 2:
        name, literal = draw(st.sampled_from([*ROW])), draw(st.sampled_from(LITERALS))
        text = json.dumps({"rows": [{**ROW, name: "@"}]}).replace('"@"', literal)
    elif harm == 3:
        depth = draw(st.sampled_from([10, 500, 1_100, 9_000]))
        text = f'{{"rows":[{{"weight":{"[" * depth}{"]" * depth}}}]}}'
    elif harm == 4:
        text = text[:1] + '"rows":[],' * draw(st.integers(1, 50)) + text[1:]
    elif harm == 5:
        text += draw(st.sampled_from([" ", "x", "\0", text, "\n" * 500, ","]))
    elif harm == 6:
        text = json.dumps({"rows": [{**ROW, draw(names): "y" * draw(st.sampled_from([100, 5_000, 30_000]))}]})
    if harm == 7:
        return draw(st.binary(max_size=200))
    return text.encode(draw(st.sampled_from(ENCODINGS)), "backslashreplace")


def check(client: httpx.Client, path: str, method: str, media_type: bytes, body: bytes) -> None:
    """Check that a request is answered, or refused in the form of every refusal at its door."""
    headers = {b"Content-Type": media_type} if media_type else {}
    response = client.request(method, path, content=body, headers=headers)
    assert response.status_code < 500, response.text
    if response.status_code >= 400 and method != "HEAD":
        assert response.headers["Content-Type"] == "application/json"
        error = response.json()["error"]
        told = [error] if isinstance(error, str) else [*error.values()]
        assert isinstance(error, str) or error.keys() == {"code", "what", "where", "next"}
        assert isinstance(error, str) == path.startswith("/v2") or "SRV017" in told  # of no HTTP, no path is known
        assert all(isinstance(text, str) for text in told)
        assert len(response.content) < 4_000
    good = client.post("/predict", json={"rows": [ROW]})
    assert good.status_code == 200


def harm(client: httpx.Client, examples: int) -> None:
    """Send as many requests as are asked for, always the same ones, over connections that have to hold."""

    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
        database=None,
    )
    @given(st.sampled_from(PATHS), st.sampled_from(METHODS), st.sampled_from(TYPES), bodies())
    def harmed(path: str, method: str, media_type: bytes, body: bytes) -> None:
        check(client, path, method, media_type, body)

    harmed()


def test_hostile_payloads_are_refused_and_a_good_row_is_answered_after_each(client):
    harm(client, 300)


@pytest.mark.long
def test_two_thousand_hostile_payloads_are_refused_and_a_good_row_is_answered_after_each(client):
    harm(client, 2_000)
