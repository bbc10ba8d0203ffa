"""The user's own expectations: a file in Great Expectations' JSON, read or refused whole."""

import pytest

from evergreen.base.errors import ConfigError
from evergreen.base.values import digest_of
from evergreen.data.validation.own import Expectation, load


@pytest.mark.parametrize("wrapped", ["[{}]", '{{"name": "mine", "expectations": [{}], "meta": {{}}}}'])
def test_list_and_suite_are_read(wrapped, tmp_path):
    path = tmp_path / "expectations.json"
    path.write_text(wrapped.format('{"type": "expect_x", "kwargs": {"column": "a"}, "meta": {}, "id": null}'))

    found = load(path)

    assert found == (Expectation(type="expect_x", kwargs={"column": "a"}),)
    assert digest_of(found) != digest_of(())


def test_no_file_is_no_expectation(tmp_path):
    assert load(tmp_path / "expectations.json") == ()


@pytest.mark.parametrize(
    "text", ["", "{", "5", '{"a": 1}', "[5]", '[{"type": "x"}]', '[{"type": 1, "kwargs": {}}]', "\xff"]
)
def test_anything_else_is_refused_with_the_file(text, tmp_path):
    path = tmp_path / "expectations.json"
    path.write_text(text, encoding="latin-1")

    with pytest.raises(ConfigError, match="not a list of expectations") as caught:
        load(path)

    assert (caught.value.code, caught.value.where) == ("CFG031", str(path))
