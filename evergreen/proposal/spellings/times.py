"""Which spelling of a time a column's texts have, where only one will do."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base.forms import HALF
from evergreen.proposal.sketches import Array
from evergreen.proposal.spellings.told import Told

Reader = Callable[[str | None], pa.Array]
ISO = None  # read without a spelling
# A spelling holds for this share of the texts; the rows of the others go to quarantine.
MOSTLY = 0.95
SHAPES_TRIED = 40
MOST_LONG = 40
AS_ISO = "write them as 2024-12-31T08:00:00 at the source"
SEASONS = re.compile(r"(\d{4})[-/](\d{2})")
MONTH = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec"
FULL = "January|February|March|April|May|June|July|August|September|October|November|December"
WEEKDAY = re.compile(r"^(?P<full>(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b", re.I)
CLOCK = re.compile(
    r"(?P<h>\d{1,2})(?P<s>[:.h])(?P<m>\d{2})(?:(?P=s)(?P<sec>\d{2})(?P<f>[.,]\d{1,9})?)?"
    rf"(?P<gap>[ \u00a0\u202f]?)(?P<p>{HALF})?(?P<end> Uhr| hrs?\.?)?$"
)
ZONE = re.compile(r"(?P<gap> ?)(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})$")
BASIC_CLOCK = re.compile(r"\d{8}T\d{4}(\d{2})?$")
RFC_2822 = re.compile(
    rf"^((Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d{{1,2}} ({MONTH}) \d{{4}} "
    r"\d\d:\d\d(:\d\d)? ([+-]\d{4}|GMT|UT|UTC|[ECMP][SD]T)$"
)
# How a date may be spelled, by what it looks like; the digits' places are told by what all values allow.
DATES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern, re.I), formats)
    for pattern, formats in (
        (r"^\d{4}([-/. ])\d{1,2}\1\d{1,2}$", (r"%Y\1%m\1%d",)),
        (r"^\d{1,2}([-/. ])\d{1,2}\1\d{4}$", (r"%d\1%m\1%Y", r"%m\1%d\1%Y")),
        (r"^\d{1,2}([-/. ])\d{1,2}\1\d{2}$", (r"%d\1%m\1%y", r"%m\1%d\1%y", r"%y\1%m\1%d")),
        (r"^(?:19|20)\d{6}$", ("%Y%m%d",)),
        (r"^(?:19|20)\d{6}T\d{6}$", ("%Y%m%dT%H%M%S",)),
        (r"^(?:19|20)\d{6}T\d{4}$", ("%Y%m%dT%H%M",)),
        (r"^(?:19|20)\d{10}$", ("%Y%m%d%H%M",)),
        (r"^(?:19|20)\d{12}$", ("%Y%m%d%H%M%S",)),
        (r"^(?:19|20)\d\d([-/. ]?)\d{2}$", (r"%Y\1%m",)),
        (r"^\d{1,2}([-/. ])(?:19|20)\d\d$", (r"%m\1%Y",)),
        (rf"^(?:{FULL}|{MONTH})([-/. ])(?:19|20)\d\d$", (r"%B\1%Y", r"%b\1%Y")),
        (rf"^(?:19|20)\d\d([-/. ])(?:{FULL}|{MONTH})$", (r"%Y\1%B", r"%Y\1%b")),
        (rf"^(?:{FULL}|{MONTH})(\.? )\d{{1,2}}(,? )\d{{4}}$", (r"%B\1%d\2%Y", r"%b\1%d\2%Y")),
        (rf"^\d{{1,2}}([-/. ]|\. |)(?:{FULL}|{MONTH})(\.? ?,? ?|[-/.])\d{{4}}$", (r"%d\1%B\2%Y", r"%d\1%b\2%Y")),
        (rf"^\d{{1,2}}([-/. ]|)(?:{MONTH})([-/. ]|)\d{{2}}$", (r"%d\1%b\2%y",)),
        (rf"^(?:19|20)\d\d([-/. ])(?:{MONTH})\1\d{{1,2}}$", (r"%Y\1%b\1%d",)),
        (rf"^(?:{MONTH}) [ \d]\d \d\d:\d\d:\d\d \d{{4}}$", ("%b %d %H:%M:%S %Y",)),
        (rf"^(?:{MONTH}) [ \d]\d \d\d:\d\d:\d\d (?:UTC|GMT) \d{{4}}$", ("%b %d %H:%M:%S %Z %Y",)),
        (rf"^(?:{MONTH}) [ \d]\d \d\d:\d\d:\d\d [+-]\d{{4}} \d{{4}}$", ("%b %d %H:%M:%S %z %Y",)),
        (r"^\d{4}年\d{1,2}月\d{1,2}日$", ("%Y年%m月%d日",)),
        (r"^\d{4}년( ?)\d{1,2}월( ?)\d{1,2}일$", (r"%Y년\1%m월\2%d일",)),
        (rf"^(?:{MONTH})([-/ ]|[-/ ]?')\d{{2}}$", (r"%b\1%y",)),
    )
)
SPOKEN_MONTH = re.compile(
    r"\b(janu?ar|janvier|enero|gennaio|januari|febru?ar|f[ée]vrier|febrero|febbraio|m[äa]rz|mars|marzo|maart|avril|"
    r"abril|aprile|mai|mayo|maggio|mei|juni?|juin|junio|giugno|juli|juillet|julio|luglio|ao[uû]t|agosto|"
    r"septembre|septiembre|settembre|okto?ber|octobre|octubre|ottobre|novembre|noviembre|dezember|d[ée]cembre|"
    r"diciembre|dicembre|desember|prosinec|styczeń|jän|mrz|okt|dez)\b",
    re.I,
)
# What programs write that people do not: {"$date": …} of MongoDB, /Date(…)/ of .NET, JavaScript's text of a date.
OF_PROGRAMS = re.compile(
    r'^\{"\$date":|^\\?/Date\(-?\d+([+-]\d{4})?\)\\?/$|'
    rf"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ({MONTH}) \d\d \d{{4}} \d\d:\d\d:\d\d GMT"
)
DAY_OF_YEAR = re.compile(r"(?:19|20)\d\d-?(?:00[1-9]|0[1-9]\d|[12]\d\d|3[0-5]\d|36[0-6])")
FEWEST_DAYS = 32  # a number of an invoice begins anew each year too, with few
QUARTER = re.compile(r"^(\d{4})[ -]?Q[1-4]$|^Q[1-4][ -/]\d{4}$|^\d{4}-?W\d{2}(-?\d)?$", re.I)
LOOKS_LIKE_DATE = re.compile(
    r"^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ](19|20)\d\d)\b"
    rf"|\b(\d{{1,2}}[-. ]*({FULL}|{MONTH})|({FULL}|{MONTH})\.? \d{{1,2}},?)[-., ]*(\d{{4}}|\d{{2}})\b",
    re.I,
)


def formats_of(text: str) -> tuple[str | None, ...]:
    """Return the spellings that one text may have as a time, ISO 8601 (None) first.

    Examples
    --------
    >>> formats_of("01/02/2024"), formats_of("January 05, 2024")
    ((None, '%d/%m/%Y', '%m/%d/%Y'), ('%B %d, %Y', '%b %d, %Y'))
    >>> formats_of("5.1.2024 8:30 PM"), formats_of("twelve")
    ((None, '%d.%m.%Y %I:%M %p', '%m.%d.%Y %I:%M %p'), ())
    """
    if RFC_2822.match(text):
        return ("rfc 2822",)
    rest, behind, before = text, "", ""
    if zone := ZONE.search(rest):
        has_clock = CLOCK.search(rest[: zone.start()]) or BASIC_CLOCK.search(rest[: zone.start()])
        if has_clock or zone["zone"].isalpha():
            behind = zone["gap"] + ("%z" if not zone["zone"].isalpha() or zone["zone"] == "Z" else "%Z")
            rest = rest[: zone.start()]
    head, gap = rest, ""
    if (clock := CLOCK.search(rest)) and clock.start() > 0 and not rest[clock.start() - 1].isdigit():
        head, gap = _split_gap(rest[: clock.start()])
        if gap:
            behind = gap + _clock_format(clock) + behind
        else:
            head = rest
    if day := WEEKDAY.match(head):
        after = re.match(r"[, ]+", head[day.end() :])
        if after:
            before = ("%A" if day["full"].lower().endswith("day") else "%a") + after[0]
            head = head[day.end() + after.end() :]
    return tuple(_iso(text)) + tuple(
        before + match.expand(form) + behind
        for pattern, formats in DATES
        if (match := pattern.match(head))
        for form in formats
    )


def _iso(text: str) -> list[str | None]:
    return [ISO] if text[:1].isdigit() and len(text) > 8 else []


def _split_gap(head: str) -> tuple[str, str]:
    found = re.search(r"(T|, ?| +|:)$", head)
    return (head[: found.start()], found[0]) if found else (head, "")


def _clock_format(clock: re.Match[str]) -> str:
    """Return the strptime format of a matched time of day."""
    form = ("%I" if clock["p"] else "%H") + clock["s"] + "%M"
    form += clock["s"] + "%S" if clock["sec"] else ""
    form += clock["f"][0] + "%f" if clock["f"] else ""
    return form + clock["gap"] + ("%p" if clock["p"] else "") + (clock["end"] or "")


def told(texts: Sequence[str], counts: Array, *, read: Reader, now: datetime) -> Told | None:
    """Return how texts are spelled as times: the one way in which all can be read, or a note where there are several.

    Parameters
    ----------
    texts : shape (n,), different and trimmed, without marks for what is missing; each stands for `counts` rows.
    read : the instants that the texts are under a spelling, null where one is none.
    now : two digits of a year tell no time later than next year.
    """
    ways = {form: read(form) for form in _tried(texts)}
    ways = {form: times for form, times in ways.items() if times.null_count < len(times)}
    ways = {form: times for form, times in ways.items() if "%y" not in (form or "") or _is_past(times, now)}
    if not ways:
        return _unread(texts, counts)
    valid = {form: _valid(times) for form, times in ways.items()}
    best = max(ways, key=lambda form: int(counts[valid[form]].sum()))
    total = int(counts.sum())
    n_read = int(counts[valid[best]].sum())
    rivals = [form for form in ways if _differ(ways[form], ways[best])]
    if any((valid[form] & ~valid[best]).any() for form in rivals):
        return _note(f"times such as {_shown(texts)} in which day and month change places cannot be told", AS_ISO)
    if n_read < MOSTLY * total:
        return _several(texts, counts, valid) or _unread(texts, counts)
    rival = next((form for form in rivals if int(counts[valid[form]].sum()) == n_read), None)
    if rival is not None and not (best and best.startswith("%d.%m.%Y")):
        return _note(
            f"dates such as {_shown(texts)}: no value tells {_order(best)} from {_order(rival)}",
            f"set type: timestamp and spelling: '{best}' or '{rival}'",
        )
    read_ones = [text for text, is_read in zip(texts, valid[best], strict=True) if is_read]
    return Told("timestamp", best, notes=_said(best, read_ones, is_assumed=rival is not None), is_date=True)


def _tried(texts: Sequence[str]) -> tuple[str | None, ...]:
    by_shape = {re.sub(r"[^\W\d]", "a", re.sub(r"\d", "9", text)): text for text in reversed(texts)}
    tried = [form for text in list(by_shape.values())[-SHAPES_TRIED:] for form in formats_of(text)]
    seasons = [SEASONS.fullmatch(text) for text in texts[:SHAPES_TRIED]]
    if all(season and (int(season[1]) + 1) % 100 == int(season[2]) for season in seasons):
        return ()
    return tuple(sorted(dict.fromkeys(tried), key=lambda form: form is not ISO))


def _valid(times: pa.Array) -> Array:
    valid: Array = times.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _differ(left: pa.Array, right: pa.Array) -> bool:
    """Return whether a text is one time in one way and another in the other; or only one way reads any of them."""
    return bool(pc.any(pc.not_equal(left, right)).as_py())


def _is_past(times: pa.Array, now: datetime) -> bool:
    return bool(pc.max(times).as_py().year <= now.year + 1)


def _order(form: str | None) -> str:
    return {"%d": "day first", "%m": "month first", "%y": "year first"}.get((form or "")[:2], repr(form))


def _said(form: str | None, texts: Sequence[str], *, is_assumed: bool) -> tuple[str, ...]:
    if form is ISO:
        return ()
    said = f"times such as {_shown(texts, 1)} are read by spelling: '{form}'"
    if is_assumed:
        said += f", day first as is usual with dots; for month first: '{_swapped(form)}'"
    if "%" in form and "%d" not in form:
        said += ", each month as its first day"
    return (said,)


def _swapped(form: str) -> str:
    return form.replace("%d.%m", "%m.%d")


def _several(texts: Sequence[str], counts: Array, valid: dict[str | None, Array]) -> Told | None:
    together = np.logical_or.reduce(list(valid.values()))
    if int(counts[together].sum()) < MOSTLY * int(counts.sum()):
        return None
    return _note(f"times in several spellings ({_shown(texts)}) are read as text", AS_ISO)


def _unread(texts: Sequence[str], counts: Array) -> Told | None:
    """Return a note on texts that look like times which are not read."""
    spoken = _share(texts, counts, lambda text: bool(SPOKEN_MONTH.search(text)) and any(c.isdigit() for c in text))
    if 2 * spoken > 1:
        return _note(f"dates with names of months that are not English ({_shown(texts)}) are read as text", AS_ISO)
    if 2 * _share(texts, counts, lambda text: bool(QUARTER.match(text))) > 1:
        return _note(f"quarters or weeks ({_shown(texts)}) are read as text", "for a time, write their first day")
    if 2 * _share(texts, counts, lambda text: bool(OF_PROGRAMS.match(text))) > 1:
        return _note(f"times such as {_shown(texts, 1)} are read as text", AS_ISO)
    if len(texts) >= FEWEST_DAYS and all(DAY_OF_YEAR.fullmatch(text) for text in texts):
        return _note(f"days of a year, which {_shown(texts)} seem to be, are read as text", AS_ISO)
    if 2 * _share(texts, counts, lambda text: bool(LOOKS_LIKE_DATE.search(text)) and len(text) <= MOST_LONG) > 1:
        return _note(f"dates such as {_shown(texts)} are read as text", AS_ISO)
    return None


def _share(texts: Sequence[str], counts: Array, holds: Callable[[str], bool]) -> float:
    mask = np.fromiter((holds(text) for text in texts), bool, len(texts))
    return float(counts[mask].sum() / max(int(counts.sum()), 1))


def _shown(texts: Sequence[str], n: int = 2) -> str:
    return ", ".join(repr(text) for text in texts[:n])


def _note(fault: str, advice: str) -> Told:
    return Told(notes=(f"{fault}; {advice}",), is_date=True, fault=fault, remedy="Write them as 2024-12-31T08:00:00.")
