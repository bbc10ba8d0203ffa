"""Streams of lines: what has been looked at comes first, and comments do not come at all, wherever blocks cut."""

import io

import numpy as np
import pytest

from evergreen.data.ingest import lines
from evergreen.data.ingest.lines import Headed, Uncommented


def read(content: bytes, *, size: int, head: int = 4, comment: str = "") -> bytes:
    rest = io.BytesIO(content)
    stream = Headed(rest.read(head), rest)
    whole = Uncommented(stream, comment, content.decode().splitlines(keepends=True), ",") if comment else stream
    parts = iter(lambda: whole.read(size), b"")
    return b"".join(parts)


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("head", [0, 1, 9, 100])
def test_beginning_that_was_looked_at_comes_first(size, head):
    assert read(b"a,b\n1,2\n3,4\n", size=size, head=head) == b"a,b\n1,2\n3,4\n"


def test_row_that_looks_like_a_comment_and_goes_on_in_the_next_line_is_kept():
    content = b'# x\na,b,c\n#1,2,"three\n#and more"\n#4\n'
    assert read(content, size=50, comment="#") == b'a,b,c\n#1,2,"three\n#and more"\n'


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_comments_are_left_out_but_not_within_quotes_nor_a_line_of_as_many_values(size):
    content = b'#a remark\n#x,y\na,b\r\n# 1\r\n1,"2\n# kept"\n#3,4\n\n#\n5,6\n#end'
    assert read(content, size=size, comment="#") == b'#x,y\na,b\r\n1,"2\n# kept"\n#3,4\n\n5,6\n'


def test_comments_begin_with_several_signs_too():
    assert read(b"##x\n#a,b\n1,2\n", size=50, comment="##") == b"#a,b\n1,2\n"
    assert read(b"//x\na,b\n/1,2\n", size=50, comment="//") == b"a,b\n/1,2\n"


def test_line_that_does_not_end_is_handed_on(monkeypatch):
    monkeypatch.setattr(lines, "READ_BYTES", 10)
    assert read(b"#x\n" + b"y" * 500, size=10, comment="#").endswith(b"y" * 400)


def test_random_comments_leave_the_rows_as_they_were():
    rng = np.random.default_rng(3)
    for _ in range(200):
        rows = [f"{n},{rng.choice(['x', '# y', chr(34) + '#z' + chr(34)])}\n" for n in range(rng.integers(1, 40))]
        mixed = [part for row in rows for part in (["# no comma\n"] * rng.integers(0, 3) + [row])]
        text = "".join(["#\n", "a,b\n", *mixed]).encode()
        assert read(text, size=int(rng.integers(1, 60)), comment="#") == "".join(["a,b\n", *rows]).encode()
