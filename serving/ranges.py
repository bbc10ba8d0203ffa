"""Regular expressions of the numbers within bounds, as plain decimals spell them: what JSON Schema can say of texts."""

from decimal import Decimal
from math import ceil, floor

LONGEST = 9_199_999_999_999_999_999  # integer in a text: what an expression says briefly of those of 64 bits
MOST_DIGITS = 200  # of a number without bounds

ZERO = r"-0+(?:\.0*)?"


def number_text(low: float | None, high: float | None) -> str:
    """Return the expression of the texts that spell a number from `low` to `high`; None: no bound.

    Exponents are among them where no bound, or one at 0, leaves their sign as all there is to ask; and small ones where
    everything between 0 and 1 is within bounds.
    """
    sign = "[+-]?" if low is None and high is None else r"\+?" if (low, high) == (0, None) else None
    if sign is not None:
        zero = "" if low is None else rf"|{ZERO}"
        return rf"{sign}(?:[0-9]{{1,{MOST_DIGITS}}}\.?[0-9]{{0,50}}|\.[0-9]{{1,50}})(?:[eE][+-]?[0-9]{{1,2}})?{zero}"
    parts = _signed(low, high, r"(?:\.[0-9]*)?")
    small = r"(?:[0-9](?:\.[0-9]+)?[eE]-0?[1-9][0-9]?|\.[0-9]+)"
    above = (low is None or low <= 0) and (high is None or high >= 1)
    below = (low is None or low <= -1) and (high is None or high >= 0)
    return "|".join([*parts, *([rf"\+?{small}"] if above else []), *([f"-{small}"] if below else [])])


def integer_text(low: float | None, high: float | None) -> str:
    """Return the expression of the texts that spell an integer of up to 64 bits from `low` to `high`."""
    least = -LONGEST if low is None else max(-LONGEST, ceil(low))
    most = LONGEST if high is None else min(LONGEST, floor(high))
    parts = []
    if most >= 0 and least <= most:
        parts.append(rf"\+?0*(?:{_integers(max(0, least), most)})")
    if least == 0:
        parts.append("-0+")
    if least < 0:
        parts.append(f"-0*(?:{_integers(max(0, -most), -least)})")
    return rf"(?:{'|'.join(parts)})(?:\.0*)?"


def _signed(low: float | None, high: float | None, fraction: str) -> list[str]:
    parts = []
    if high is None or high >= 0:
        parts.append(rf"\+?0*(?:{_decimals(max(0.0, low or 0.0), high, fraction)})")
    if low == 0:
        parts.append(ZERO)
    if low is None or low < 0:
        parts.append(f"-0*(?:{_decimals(max(0.0, -(high or 0.0)), None if low is None else -low, fraction)})")
    return parts


def _decimals(low: float, high: float | None, fraction: str) -> str:
    """Return the expression of decimals from `low`, at least 0, to `high`, without leading zeros."""
    (first, after_first), (last, after_last) = _split(low), _split(high) if high is not None else (None, "")
    if last is not None and first == last:
        return rf"{first}(?:\.(?={_at_least(after_first)}$)(?:{_at_most(after_last)})){'?' if not after_first else ''}"
    parts = [f"{first}{fraction}" if not after_first else rf"{first}\.(?:{_at_least(after_first)})"]
    if last is None:
        parts.append(f"(?:{_integers(first + 1, None)}){fraction}")
    else:
        if last > first + 1:
            parts.append(f"(?:{_integers(first + 1, last - 1)}){fraction}")
        parts.append(rf"{last}(?:\.(?:{_at_most(after_last)}))?")
    return "|".join(parts)


def _split(bound: float) -> tuple[int, str]:
    whole, _, fraction = f"{Decimal(repr(float(bound))):f}".partition(".")
    return int(whole), fraction.rstrip("0")


def _at_least(digits: str) -> str:
    """Return the expression of decimals behind the point that are no less than `digits`."""
    parts = [f"{digits[:at]}[{int(digit) + 1}-9][0-9]*" for at, digit in enumerate(digits) if digit != "9"]
    return "|".join([*parts, f"{digits}[0-9]*"])


def _at_most(digits: str) -> str:
    """Return the expression of decimals behind the point, or none, that are no more than `digits`."""
    parts = [f"{digits[:at]}[0-{int(digit) - 1}][0-9]*" for at, digit in enumerate(digits) if digit != "0"]
    return "|".join([*parts, *(digits[:at] for at in range(len(digits))), f"{digits}0*"])


def _integers(low: int, high: int | None) -> str:
    """Return the expression of the integers from `low`, at least 0, to `high`, without leading zeros."""
    least = str(low)
    if high is None:
        return f"{_same_length(least, '9' * len(least))}|[1-9][0-9]{{{len(least)},{MOST_DIGITS}}}"
    most = str(high)
    if len(least) == len(most):
        return _same_length(least, most)
    parts = [_same_length(least, "9" * len(least)), _same_length("1" + "0" * (len(most) - 1), most)]
    if len(most) > len(least) + 1:
        parts.append(f"[1-9][0-9]{{{len(least)},{len(most) - 2}}}")
    return "|".join(parts)


def _same_length(low: str, high: str) -> str:
    """Return the expression of the strings of digits from `low` to `high`, all as long as these."""
    n = len(low)
    if n == 0:
        return ""
    if low == "0" * n and high == "9" * n:
        return f"[0-9]{{{n}}}"
    if low[0] == high[0]:
        return f"{low[0]}(?:{_same_length(low[1:], high[1:])})" if n > 1 else low
    parts = [f"{low[0]}(?:{_same_length(low[1:], '9' * (n - 1))})" if n > 1 else low[0]]
    if int(low[0]) + 1 < int(high[0]):
        rest = f"[0-9]{{{n - 1}}}" if n > 1 else ""
        parts.append(f"[{int(low[0]) + 1}-{int(high[0]) - 1}]{rest}")
    parts.append(f"{high[0]}(?:{_same_length('0' * (n - 1), high[1:])})" if n > 1 else high[0])
    return "|".join(parts)
