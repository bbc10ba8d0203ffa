"""What is sealed is read as it was written, or not at all."""

import json

import pytest

from evergreen.base.sealed import SEAL, sealed, unsealed

SAID = {
    "rows": 3,
    "mean": 0.1,
    "name": "é",
    "none": None,
    "deep": {"list": [1, {"a": True}]},
    "big": 2**60,
    "inf": 1e300,
}


def test_what_is_sealed_comes_back_through_json():
    assert unsealed(json.loads(json.dumps(sealed(SAID)))) == SAID
    assert unsealed(sealed({})) == {}


def test_no_byte_can_change_unseen():
    content = json.dumps(sealed(SAID)).encode()
    for at in range(len(content)):
        for bit in (0, 3, 6):
            changed = bytearray(content)
            changed[at] ^= 1 << bit
            try:
                read = json.loads(bytes(changed))
            except ValueError:
                continue
            assert unsealed(read) in (None, SAID), (at, bit)


@pytest.mark.parametrize("read", [None, 3, "text", [], {}, SAID, {**sealed(SAID), "more": 1}, {**SAID, SEAL: ""}])
def test_what_was_not_sealed_is_nothing(read):
    assert unsealed(read) is None
