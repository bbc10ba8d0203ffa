"""Digests of values: equal for what is equal in JSON, wherever it lies, in every process."""

import hashlib
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.base.artifacts.refs import DatasetRef, FolderRef, Item, TableRef
from evergreen.base.values import digest_of


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def without_uri(value):
    if isinstance(value, dict):
        return {key: without_uri(item) for key, item in value.items() if key != "uri"}
    return [without_uri(item) for item in value] if isinstance(value, list) else value


def moved(value, uri):
    """Return `value` with `uri` set in every mapping, however deep."""
    if isinstance(value, dict):
        return {**{key: moved(item, uri) for key, item in value.items()}, "uri": uri}
    return [moved(item, uri) for item in value] if isinstance(value, list) else value


@given(JSON, st.text(), st.text())
def test_digest_ignores_where_things_lie_at_any_depth(value, here, there):
    assert digest_of(moved(value, here)) == digest_of(moved(value, there)) == digest_of(without_uri(value))


@given(JSON, JSON)
def test_digest_tells_apart_what_json_tells_apart(one, other):
    # JSON text is the independent notion of equality: 1 and 1.0 and true are three values in it.
    same = json.dumps(without_uri(one), sort_keys=True) == json.dumps(without_uri(other), sort_keys=True)
    assert (digest_of(one) == digest_of(other)) == same


@given(st.dictionaries(st.text(), st.integers()))
def test_digest_does_not_depend_on_the_order_of_keys(value):
    assert digest_of(value) == digest_of(dict(reversed(value.items())))


@pytest.mark.parametrize(
    "ref",
    [
        TableRef(uri="a", rows=1, schema_hash="s", sha256="x"),
        FolderRef(uri="a", sha256="x"),
        Item(name="a", uri="/a", size=1, sha256="x", format="csv"),
        DatasetRef(uri="a", rows=1, facts="f", sha256="x"),
    ],
)
def test_digest_of_a_reference_equals_that_of_its_json(ref):
    assert digest_of(ref) == digest_of(json.loads(ref.model_dump_json()))
    assert digest_of({"in": [ref]}) == digest_of({"in": [ref.model_copy(update={"uri": "b"})]})
    assert digest_of(ref) != digest_of(ref.model_copy(update={"sha256": "y"}))


def test_digest_of_a_set_is_the_same_in_every_process():
    script = "from evergreen.base.values import digest_of; print(digest_of({'in': {'a', 'b', 'c', 'd', 'e'}}))"
    seeds = ("1", "2")
    found = {
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in seeds
    }
    assert len(found) == 1
