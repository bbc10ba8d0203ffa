"""Sources: what may be said of how their files are read."""

import pytest
from pydantic import TypeAdapter, ValidationError

from evergreen.config.contract.sources import FileSource, Source, SqlSource, format_of

SOURCE = TypeAdapter[Source](Source)


@pytest.mark.parametrize("kind", [{"kind": "file", "path": "a"}, {"kind": "dvc", "path": "a"},
                                  {"kind": "url", "url": "s3://a/b"}])  # fmt: skip
@pytest.mark.parametrize(
    "said",
    [
        {},
        {"format": "xlsx"},
        {"encoding": "cp1252"},
        {"encoding": "UTF-16-LE"},
        {"delimiter": "\t"},
        {"header": False},
        {"header": False, "names": ["a", "b"]},
        {"comment": "#"},
    ],
)
def test_files_of_every_kind_may_say_how_they_are_read(kind, said):
    source = SOURCE.validate_python(kind | said)
    assert source.model_dump(mode="json", include=set(said)) == said
    assert format_of(source) == said.get("format", "auto")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"format": "docx"}, "Input should be"),
        ({"encoding": "klingon"}, "no encoding of text"),
        ({"encoding": "rot13"}, "no encoding of text"),
        ({"delimiter": ";;"}, "at most 1 character"),
        ({"delimiter": "\n"}, "pattern"),
        ({"names": ["a", "b"]}, "set header: false"),
        ({"header": False, "names": ["a", "a"]}, "names hold a name twice: a"),
        ({"comment": '"'}, "pattern"),
    ],
)
def test_what_no_reader_can_follow_is_refused(said, why):
    with pytest.raises(ValidationError, match=why):
        FileSource(kind="file", path="a", **said)


def test_query_has_no_layout():
    assert format_of(SqlSource(kind="sql", connection="db", query="SELECT 1")) == "auto"
