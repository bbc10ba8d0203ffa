"""Payloads that once stopped the service: each is refused, while others are answered and memory stays as it was."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import released

ROW = json.dumps(released.requests(1)[0]).encode()
JSON = {"Content-Type": "application/json"}
MOST_STALL = 0.05  # seconds; the best of TRIES, because others work on this machine too
TRIES = 12  # on a busy machine most stalls are those of others
PROBES = 20


def rows(*parts: bytes) -> bytes:
    return b'{"rows":[' + b",".join(parts) + b"]}"


ATTACKS = {
    "33,000 empty rows": lambda: rows(*[b"{}"] * 33_000),
    "333,000 empty rows": lambda: rows(*[b"{}"] * 333_000),
    "90,000 unknown keys": lambda: rows(b"{" + b",".join(b'"k%d":1' % n for n in range(90_000)) + b"}"),
    "5,000 rows": lambda: rows(*[ROW] * 5_000),
    "small rows up to the limit": lambda: rows(*[ROW] * (999_000 // (len(ROW) + 1))),
    "deep": lambda: b"[" * 999_000,
    "deep objects": lambda: b'{"rows":' * 120_000,
    "deep in a field": lambda: b'{"rows":[{"weight":' + b"[" * 900_000,
    "a megabyte of digits": lambda: rows(ROW.replace(b'"weight": ', b'"weight": ' + b"9" * 990_000)),
    "a megabyte of decimals": lambda: rows(ROW.replace(b'"copy": ', b'"copy": 0.' + b"9" * 990_000 + b',"carrier": ')),
    "a row of one key": lambda: rows(b"{" + b'"weight":1,' * 89_000 + ROW[1:]),
    "a body of one key": lambda: b"{" + b'"rows":[],' * 99_000 + b'"rows":[]}',
    "a long text": lambda: rows(ROW.replace(b'"carrier": "', b'"carrier": "' + b"\\n" * 490_000)),
    "spaces": lambda: b" " * 990_000 + b"x",
    "1,000 odd rows": lambda: rows(
        *[ROW.replace(b'"insured": ', b'"parcel": " 7", "copy": " 3.5", "insured": ')] * 1_000
    ),
}


def tensor(name: str, values: list[object]) -> dict[str, object]:
    return {"name": name, "datatype": "BYTES", "shape": [len(values), 1], "data": values}


def tensors(inputs: list[dict[str, object]]) -> bytes:
    return json.dumps({"inputs": inputs}).encode()


OTHER_DOORS = {
    "/v2/models/parcels/infer": {
        "1,000 odd rows in tensors": lambda: tensors(
            [tensor(name, [str(value)] * 1_000) for name, value in json.loads(ROW).items()]
        ),
        "10,000 empty tensors": lambda: tensors([tensor("weight", [])] * 10_000),
        "a tensor of 160,000 nulls": lambda: tensors([tensor("weight", [None] * 160_000)]),
        "deep tensors": lambda: b'{"inputs":[{"name":"weight","datatype":"FP64","shape":[1],"data":' + b"[" * 900_000,
    },
    "/feedback": {
        "1,000 items": lambda: json.dumps(
            {"feedback": [{"prediction_id": "0" * 32, "label": " true ", "decision": "x" * 200}] * 1_000}
        ).encode(),
        "333,000 empty items": lambda: b'{"feedback":[' + b",".join([b"{}"] * 333_000) + b"]}",
        "deep items": lambda: b'{"feedback":[' + b"[" * 900_000,
    },
}


@contextmanager
def probed(url: str) -> Iterator[list[float]]:
    """Ask for the health of a service all the time; yield the seconds that each answer took, as they come."""
    ends, seconds = threading.Event(), list[float]()

    def probe() -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not ends.is_set():
                began = time.perf_counter()
                assert client.get("/healthz").status_code == 200
                seconds.append(time.perf_counter() - began)

    prober = threading.Thread(target=probe)
    prober.start()
    try:
        yield seconds
    finally:
        ends.set()
        prober.join()


def test_attacks_neither_stop_nor_fill_the_service(start):
    process, client = start()
    measured = psutil.Process(process.pid)
    for _ in range(20):
        assert client.post("/predict", content=rows(ROW), headers=JSON).status_code == 200
    idle, slow = measured.memory_info().rss, {}
    doors = {"/predict": ATTACKS, **OTHER_DOORS}
    for path, name, attack in [(path, *each) for path, attacks in doors.items() for each in attacks.items()]:
        body, stalls = attack(), []
        for _ in range(TRIES):
            with probed(str(client.base_url)) as seconds:
                while len(seconds) < PROBES:
                    response = client.post(path, content=body, headers=JSON)
                    assert response.status_code in (200, 400, 413, 422), (name, response.text)
                stalls.append(max(seconds))
            assert measured.memory_info().rss <= 1.5 * idle, name
            if min(stalls) <= MOST_STALL:
                break
        if min(stalls) > MOST_STALL:
            slow[name] = min(stalls)
    assert not slow
    assert client.post("/predict", content=rows(ROW), headers=JSON).status_code == 200


def test_attack_that_is_refused_says_what_it_is_in_a_few_words(client):
    for name in ("33,000 empty rows", "90,000 unknown keys", "deep in a field"):
        body = ATTACKS[name]()[:15_000]
        response = client.post("/predict", content=body, headers=JSON)
        assert response.status_code in (400, 422), name
        assert len(response.content) < 600
