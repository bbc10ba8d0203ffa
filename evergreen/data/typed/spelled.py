"""Texts as a contract's column spells them, brought to the usual spelling; and times that several columns tell."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base import forms
from evergreen.config.contract.columns import Column
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.data.typed.times import EARLIEST, LATEST, where

SECOND = 1_000_000  # in microseconds


def plain(texts: pa.Array, column: Column) -> pa.Array:
    """Return a column's texts in the usual spelling: numbers as -1234.5, times in ISO 8601; null for any other text.

    A column without a spelling, or of another type, has its texts as they are. A whole instant in ISO 8601, with its
    offset from UTC, is one in every spelling.

    Examples
    --------
    >>> price = Column(name="price", type="number", role="feature", spelling={"decimal": ",", "after": "€"})
    >>> plain(pa.array(["12,50 €", "-3€", "12.50"]), price).to_pylist()
    ['12.50', '-3', None]
    >>> day = Column(name="day", type="timestamp", role="time", spelling="%d.%m.%Y")
    >>> plain(pa.array(["31.12.2024", "2024-12-31"]), day).to_pylist()
    ['2024-12-31', None]
    """
    if isinstance(column.spelling, NumberSpelling):
        return _plain_numbers(texts, column.spelling)
    if not isinstance(column.spelling, str):
        return texts
    found = _groups(texts, forms.time(column.spelling))
    is_epoch = column.spelling in forms.EPOCHS
    times = _from_epoch(found["count"], column.spelling) if is_epoch else _from_format(found)
    return pc.coalesce(times, where(pc.match_substring_regex(texts, f"^{forms.INSTANT}$"), texts))


def together(values: Sequence[pa.Array], parts: Sequence[Column]) -> pa.Array:
    """Return the wall times that the texts of several columns tell, in ISO 8601; null for what is none.

    Examples
    --------
    >>> day = Column(name="day", type="timestamp", role="ignore")
    >>> hour = Column(name="hour", type="integer", role="feature")
    >>> together([pa.array(["2024-01-05", "2024-01-05"]), pa.array(["7", "24"])], [day, hour]).to_pylist()
    ['2024-01-05T07:00:00', None]
    """
    told = {name: pa.repeat(pa.scalar(low, pa.int32()), len(values[0])) for name, (low, _) in forms.RANGES.items()}
    for texts, column, part in zip(values, parts, forms.parts_of([column.type for column in parts]), strict=True):
        told |= _told(pc.utf8_trim_whitespace(plain(texts, column)), part)
    inside = {
        name: where(pc.and_(pc.greater_equal(told[name], low), pc.less_equal(told[name], high)), told[name])
        for name, (low, high) in forms.RANGES.items()
    }
    year, month, day, *clock = (_padded(counts) for counts in inside.values())
    return _joined(_joined(year, month, day, between="-"), _joined(*clock, between=":"), between="T")


def _plain_numbers(texts: pa.Array, spelling: NumberSpelling) -> pa.Array:
    found = _groups(texts, forms.number(**spelling.model_dump()))
    less = _either(found, "less", "lesser")
    signs = _either(found, "sign", "inner")
    is_less = pc.or_(pc.not_equal(less, ""), pc.is_in(signs, pa.array(["-", *forms.MINUS])))
    digits = pc.if_else(pc.equal(less, ""), found["digits"], less)
    if spelling.thousands:
        digits = pc.replace_substring_regex(digits, forms.group_class(spelling.thousands), "")
    if spelling.decimal != ".":
        digits = pc.replace_substring(digits, spelling.decimal, ".")
    return pc.binary_join_element_wise(pc.if_else(is_less, "-", ""), digits, "")


def _groups(texts: pa.Array, expression: str) -> dict[str, pa.Array]:
    """Return the groups of an expression of whole texts; empty where a group has none, null where a text is no such."""
    found = pc.extract_regex(texts, f"^(?:{expression})$")
    valid = found.is_valid()
    return {field.name: where(valid, found.field(at)) for at, field in enumerate(found.type)}


def _either(found: Mapping[str, pa.Array], one: str, other: str) -> pa.Array:
    known = [found[name] for name in (one, other) if name in found]
    if not known:
        digits = found["digits"]
        return where(digits.is_valid(), pa.repeat("", len(digits)))
    return known[0] if len(known) == 1 else pc.if_else(pc.equal(known[0], ""), known[1], known[0])


def _from_format(found: Mapping[str, pa.Array]) -> pa.Array:
    if "Y" in found:
        year = found["Y"]
    else:
        late = pc.greater_equal(found["y"].cast(pa.int32()), 69)
        year = pc.binary_join_element_wise(pc.if_else(late, "19", "20"), found["y"], "")
    one = where(year.is_valid(), pa.repeat("01", len(year)))
    month = _padded(_month(found["b"])) if "b" in found else _padded(found.get("m", one))
    day = _joined(year, month, _padded(found.get("d", one)), between="-")
    hour = found.get("H", found.get("I"))
    if hour is None:
        return day
    hour = _padded(_of_two_halves(hour, found["p"]) if "p" in found else hour)
    zero = where(one.is_valid(), pa.repeat("00", len(one)))
    clock = _joined(hour, _padded(found.get("M", zero)), _padded(found.get("S", zero)), between=":")
    if "f" in found:
        clock = _joined(clock, pc.utf8_slice_codeunits(found["f"], 0, 6), between=".")
    times = _joined(day, clock, between="T")
    return _joined(times, _offset(found["z"]), between="") if "z" in found else times


def _offset(texts: pa.Array) -> pa.Array:
    for name, offset in forms.ZONES.items():
        texts = pc.if_else(pc.equal(texts, name), offset, texts)
    return pc.replace_substring_regex(texts, r"([0-9]{2}):?([0-9]{2})$", r"\1:\2")


def _of_two_halves(hour: pa.Array, half: pa.Array) -> pa.Array:
    hours = hour.cast(pa.int32())
    late = pc.starts_with(pc.utf8_lower(half), "p")
    return pc.add(pc.if_else(pc.equal(hours, 12), 0, hours), pc.if_else(late, 12, 0))


def _month(names: pa.Array) -> pa.Array:
    known = pc.index_in(pc.utf8_lower(pc.utf8_slice_codeunits(names, 0, 3)), pa.array(forms.MONTHS))
    return pc.add(where(names.is_valid(), known), 1)


def _padded(values: pa.Array) -> pa.Array:
    return pc.utf8_lpad(values.cast(pa.string()), 2, "0")


def _joined(*texts: pa.Array, between: str) -> pa.Array:
    return pc.binary_join_element_wise(*texts, between)


def _from_epoch(texts: pa.Array, spelling: str) -> pa.Array:
    """Return instants, to the microsecond; null for one that is out of range, or has a fraction before 1970."""
    digits = forms.EPOCHS[spelling]
    whole = pc.replace_substring_regex(texts, r"\..*$", "").cast(pa.int64())
    first, last = (int(bound.timestamp()) * 10**digits for bound in (EARLIEST, LATEST))
    fraction = pc.replace_substring_regex(texts, r"^[^.]*\.?", "")
    is_known = pc.or_(pc.equal(pc.replace_substring(fraction, "0", ""), ""), pc.invert(pc.starts_with(texts, "-")))
    is_known = pc.and_(is_known, pc.and_(pc.greater_equal(whole, first), pc.less(whole, last)))
    whole = where(is_known, whole)
    if digits > 6:
        counts = pa.array(whole.fill_null(0).to_numpy() // 10 ** (digits - 6))
        counts = where(whole.is_valid(), counts)
    else:
        width = 6 - digits
        micro = pc.utf8_slice_codeunits(pc.utf8_rpad(fraction, width, "0"), 0, width) if width else None
        counts = pc.multiply(whole, 10**width)
        counts = counts if micro is None else pc.add(counts, micro.cast(pa.int64()))
    return counts.cast(pa.timestamp("us", "UTC")).cast(pa.string())


def _told(texts: pa.Array, part: forms.Part) -> dict[str, pa.Array]:
    """Return what the texts of one part say, as whole numbers by the name of what they count; null for what is none."""
    if part == "date":
        return {name: _number(group) for name, group in _groups(texts, forms.DAY).items()}
    if part == "time of day":
        found = _groups(texts, forms.CLOCK)
        half = found.pop("p")
        told = {name: _number(pc.if_else(pc.equal(group, ""), "0", group)) for name, group in found.items()}
        is_of_half = pc.and_(pc.greater_equal(told["hour"], 1), pc.less_equal(told["hour"], 12))
        hours = pc.if_else(pc.equal(half, ""), told["hour"], where(is_of_half, _of_two_halves(told["hour"], half)))
        return told | {"hour": hours}
    if part == "month":
        names = _groups(texts, f"(?P<b>{forms.MONTH})")["b"]
        return {part: pc.coalesce(_number(_groups(texts, forms.WHOLE)["number"]), _month(names))}
    return {part: _number(_groups(texts, forms.WHOLE)["number"])}


def _number(texts: pa.Array) -> pa.Array:
    return texts.cast(pa.int32())
