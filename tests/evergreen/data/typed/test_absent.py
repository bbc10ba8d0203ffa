"""Words and spaces that stand for a value that is not there."""

import pyarrow as pa
import pytest

from evergreen.config.contract.columns import Column
from evergreen.data.typed.absent import is_absent, is_among, without_absent

TOWN = Column(name="town", type="category", role="feature", missing=("-", " ?", "n/a"))


ABSENT = ("-", " - ", "?", "\u00a0n/a", "\t", "\u3000")


@pytest.mark.parametrize(("text", "absent"), [*((text, True) for text in ABSENT), ("", False), ("- -", False)])
def test_word_of_a_column_is_none_with_spaces_around_it_or_not(text, absent):
    texts = pa.array([text, "Paris", None])
    assert is_absent(texts, TOWN).fill_null(False).to_pylist() == [absent, False, False]
    (kept, other, nothing) = without_absent(texts.dictionary_encode(), TOWN).to_pylist()
    assert (kept, other, nothing) == (None if absent else text, "Paris", None)


def test_texts_without_any_space_are_looked_at_alike():
    assert is_absent(pa.array(["-", "a", "?"]), TOWN).to_pylist() == [True, False, True]
    assert is_among(pa.array(["a ", "b"]), [" a"]).to_pylist() == [True, False]
