"""What a column's values may be, with room for the months that have not been seen yet."""

import math
import re
from collections.abc import Mapping
from typing import Any, Literal

from evergreen.config.contract.columns import Column, Physical, Role
from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.inference import Guess, snake

Pii = Literal["drop", "hash", "mask", "keep"]
SLACK = 0.5
SHARES = re.compile(r"(^|_)(share|ratio|rate|prob|probability|fraction|proba)(_|$)")
PERCENTS = re.compile(r"(^|_)(percent|percentage|pct|perc|humid|humidity)(_|$)")
CALENDAR = {"month": (1.0, 12.0), "day": (1.0, 31.0), "hour": (0.0, 23.0), "minute": (0.0, 59.0), "second": (0.0, 59.0)}
MOST_LISTED, FEWEST_EACH, FEWEST_ROWS = 20, 10, 500
LARGEST = 2.0**53


def column_of(
    seen: ColumnProfile, *, guessed: Guess, role: Role, pii: Pii | None = None, physical: Physical | None = None
) -> Column:
    """Return a column's declaration: what the data keeps today, widened so that clean data of tomorrow keeps it too.

    Nothing is declared of the values of a column that is ignored.
    """
    rules: dict[str, Any] = {"nullable": role in ("target", "ignore", "leakage") or seen.nulls > 0}
    if guessed.type in ("number", "integer") and role != "ignore":
        rules |= _range(seen, is_whole=guessed.type == "integer", is_key=role in ("key", "group"))
    if guessed.type in ("number", "integer") and role in ("feature", "target"):
        rules |= _mean(seen)
    if guessed.type == "category" and role in ("feature", "target") and pii is None:
        rules |= _categories(seen, is_target=role == "target")
    if seen.nulls and role in ("feature", "target", "leakage"):
        rules["max_null_share"] = min(1.0, round(2 * seen.null_share + 0.05, 3))
    is_stored_as_read = physical is not None and pii != "drop" and _agrees(physical, guessed)
    return Column(
        name=seen.name,
        type=guessed.type,
        role=role,
        spelling=guessed.spelling,
        missing=guessed.missing,
        parts=guessed.parts,
        unit=guessed.unit,
        pii=pii,
        physical=physical if is_stored_as_read else None,
        **rules,
    )


def _agrees(physical: Physical, guessed: Guess) -> bool:
    return guessed.type in ("category", "text") or physical != "string"


def _range(seen: ColumnProfile, *, is_whole: bool, is_key: bool) -> Mapping[str, Any]:
    """Return min and max, half the seen range further out, but not across zero."""
    low, high = seen.range.low, seen.range.high
    if not (math.isfinite(low) and math.isfinite(high)) or max(abs(low), abs(high)) >= LARGEST:
        return {}
    if is_key:  # ids go on
        return {"min": 0.0} if low >= 0 else {}
    words = snake(seen.name)
    calendar = CALENDAR.get(words)
    if is_whole and calendar and calendar[0] <= low and high <= calendar[1]:
        return {"min": calendar[0], "max": calendar[1]}
    if low >= 0 and ((high <= 1 and SHARES.search(words)) or (high <= 100 and PERCENTS.search(words))):
        return {"min": 0.0, "max": 1.0 if high <= 1 and SHARES.search(words) else 100.0}
    room = SLACK * (high - low) or max(abs(high), 1.0)
    below, above = _outwards(low - room, room, down=True), _outwards(high + room, room, down=False)
    if is_whole:
        below, above = float(math.floor(below)), float(math.ceil(above))
    return {"min": max(below, 0.0) if low >= 0 else below, "max": min(above, 0.0) if high <= 0 else above}


def _outwards(value: float, room: float, *, down: bool) -> float:
    """Return a rounder number a little further out: to a tenth of the room, in powers of ten."""
    step = 10.0 ** math.floor(math.log10(room) - 0.5)
    rounded = (math.floor if down else math.ceil)(value / step) * step
    return float(f"{rounded:.12g}")


def _mean(seen: ColumnProfile) -> Mapping[str, Any]:
    """Return a range of the mean, which is a warning: seasons move a mean by about a standard deviation."""
    mean, room = seen.range.mean, max(seen.range.deviation, abs(seen.range.mean) / 4)
    if seen.range.n < 2 or not math.isfinite(mean) or not math.isfinite(room) or room == 0:
        return {}
    return {"mean": (float(f"{mean - room:.4g}"), float(f"{mean + room:.4g}")), "severity": {"DQ019": "warn"}}


def _categories(seen: ColumnProfile, *, is_target: bool) -> Mapping[str, Any]:
    """Return the known categories: closed where they are few and all seen often, open where they are few."""
    counts = seen.counts
    if not counts or (len(counts) > MOST_LISTED and not is_target):
        return {}
    listed = {"categories": tuple(sorted(counts))}
    if is_target or (min(counts.values()) >= FEWEST_EACH and seen.present >= FEWEST_ROWS):
        return listed
    return {**listed, "open": True}
