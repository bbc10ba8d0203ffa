"""Regular expressions of whole values, as Python reads them, at Arrow's speed where the two read them alike."""

import functools
import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

# What RE2 and Python's re read alike on ASCII text. Others, such as \s, \b and look-around, are Python's alone.
_SET = r"\[\^?(?:\\[dw.\-\]\\/]|[^\[\]\\])+\]"
_COMMON = re.compile(rf"\^?(?:\\[dDwW.\\+*?()\[\]{{}}|^$/-]|\(\?:|\((?!\?)|{_SET}|\{{\d+(?:,\d*)?\}}|[^\\({{$\[])*\$?")


def breaking(pattern: str) -> Callable[[pa.Array], pa.Array]:
    """Return what tells, of an array of texts, which of them `pattern` does not match as a whole; null says nothing."""
    matches = re.compile(pattern).fullmatch
    known = functools.lru_cache(maxsize=100_000)(lambda text: matches(text) is not None)
    fast = _fast(pattern)

    def slowly(texts: pa.Array) -> pa.Array:
        coded = texts.dictionary_encode()
        bad = pa.array([not known(text) for text in coded.dictionary.to_pylist()], pa.bool_())
        return bad.take(coded.indices)

    def bad(texts: pa.Array) -> pa.Array:
        if fast is None:
            return slowly(texts)
        unmatched = pc.invert(pc.match_substring_regex(texts, fast))
        plain = pc.string_is_ascii(texts)
        if plain.false_count:
            unmatched = pc.if_else(plain, unmatched, slowly(pc.if_else(plain, pa.scalar(None, pa.string()), texts)))
        return unmatched

    return bad


def _fast(pattern: str) -> str | None:
    """Return the pattern for RE2, anchored at both ends; None where RE2 may read it differently."""
    anchored = rf"\A(?:{pattern})\z"
    if not _COMMON.fullmatch(pattern):
        return None
    try:
        pc.match_substring_regex(pa.array([""]), anchored)
    except pa.ArrowInvalid:
        return None
    return anchored
