"""The section `tune`: which distributions a search can draw from."""

import json

import pytest
from parameters import FILE

from evergreen.base.errors import ConfigError
from evergreen.config.params.params import Params


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "exactly one"),
        ({"values": [1], "int": [1, 2]}, "exactly one"),
        ({"int": [1, 2], "float": [1, 2]}, "exactly one"),
        ({"values": []}, "at least 1 item"),
        ({"int": [2, 1]}, "low <= high"),
        ({"float": [1.0, 0.5]}, "low <= high"),
        ({"float": [0, 1], "log": True}, "above 0"),
        ({"values": [1, 2], "log": True}, "above 0"),
        ({"int": [1.5, 2]}, "integer"),
        ({"float": [1]}, "missing"),
    ],
)
def test_distribution_that_cannot_be_searched_is_refused(given, problem):
    with pytest.raises(ConfigError) as caught:
        Params.load(FILE, [f"tune.families={{logistic: {{C: {json.dumps(given)}}}}}"])
    assert caught.value.code == "CFG005"
    assert problem in caught.value.what
