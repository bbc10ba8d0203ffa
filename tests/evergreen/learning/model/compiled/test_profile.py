"""The reference profile as bytes."""

import pytest

from evergreen.learning.model.compiled.plan import CompiledError
from evergreen.learning.model.compiled.profile import LEVELS, ColumnProfile, Profile

PROFILE = Profile(
    rows=9,
    columns={"a": ColumnProfile(0.25, quantiles=tuple(LEVELS)), "b": ColumnProfile(0.0, shares={"x": 1.0})},
    edges=(0.0, 1.0),
    shares=(1.0,),
)


def test_profile_is_read_as_it_was_written():
    assert Profile.from_bytes(PROFILE.to_bytes()) == PROFILE


@pytest.mark.parametrize("content", [b"", b"[]", PROFILE.to_bytes().replace(b'"missing"', b'"lacking"')])
def test_what_is_no_profile_is_refused(content):
    with pytest.raises(CompiledError, match="reference profile"):
        Profile.from_bytes(content)
