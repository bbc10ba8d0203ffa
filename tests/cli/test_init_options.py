"""Options of `init` about files: what they say of a layout, and what they do not take."""

import pytest

from cli import init_options
from evergreen.base.errors import ConfigError
from evergreen.config.contract.sources import Layout


def layout(**given):
    nothing = {"format": None, "delimiter": None, "encoding": None, "no_header": False, "names": None}
    return init_options.layout(**{**nothing, **given})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, {}),
        ({"format": "json"}, {"format": "json"}),
        ({"delimiter": "tab"}, {"delimiter": "\t"}),
        ({"delimiter": "\\t"}, {"delimiter": "\t"}),
        ({"delimiter": ";"}, {"delimiter": ";"}),
        ({"encoding": "cp1252"}, {"encoding": "cp1252"}),
        ({"no_header": True}, {"header": False}),
        ({"names": "a, b c,d"}, {"header": False, "names": ("a", "b c", "d")}),
    ],
)
def test_options_are_a_layout(given, said):
    assert layout(**given) == Layout(**said)


@pytest.mark.parametrize(
    ("given", "option", "says"),
    [
        ({"encoding": "klingon"}, "--encoding", "'klingon' is no encoding of text"),
        ({"encoding": "base64"}, "--encoding", "'base64' is no encoding of text"),
        ({"delimiter": "::"}, "--delimiter", "at most 1 character"),
        ({"delimiter": '"'}, "--delimiter", "pattern"),
        ({"names": "a,b,a"}, "--names", "a name twice: a"),
        ({"names": "a,,b"}, "--names", "at least 1 character"),
    ],
)
def test_what_cannot_be_is_refused_by_its_option(given, option, says):
    with pytest.raises(ConfigError) as caught:
        layout(**given)
    assert (caught.value.code, caught.value.where) == ("CFG027", option)
    assert says in caught.value.what
