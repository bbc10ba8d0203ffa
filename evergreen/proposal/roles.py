"""Which part each column of an unseen table plays: time, key, useless or a feature."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import log
from typing import Literal
from zoneinfo import available_timezones

from evergreen.base.errors import ConfigError
from evergreen.config.contract.columns import MISSING, Role, Task
from evergreen.config.contract.sources import Source
from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.inference import Guess, as_category, snake
from evergreen.proposal.profile import TableProfile

# Of validate.max_bad_share, 0.05; the rest is for what the next file brings.
MOST_BAD = 0.04
MOST_DISTINCT = 0.5
FEWEST_DAYS = 5
SHOWN = 3
IDENTIFIER = re.compile(
    r"(^|_)(id|ids|key|uuid|guid|nr|no|identifier|rowid|row_id|pk|sku|isbn|hash)(_|$)|^index$|^row(_?(nr|no|num|number))?$"
)
COUNTED_UP = re.compile(r"^(unnamed_\d+|index|row(_?(nr|no|num|number))?|level_0)$")
WHEN = re.compile(r"(^|_)(time|timestamp|datetime|date|ts|at|on|when|hour|day)(_|$)")
# Every row has its own by what it is, and it may say much.
RANKED = re.compile(r"(^|_)(rank|ranks|ranking|position|place|standing|year)(_|$)")
BY_CHANCE, FEWEST_TO_DIFFER = 1e-3, 50
NOT_WHEN = re.compile(
    r"birth|dob|born|expir|until|end|due|updated|modified|deleted|closed|arriv|deliver|finish|complet|"
    r"geburt|geboren|naissance|nacimiento|nascita|nascimento|urodz|fodels|(^|_)(bis|fin|fim|fine|ablauf|gueltig)(_|$)|"
    r"(^|_)valid_to(_|$)"
)


@dataclass
class Draft:
    """A column on its way into the contract."""

    seen: ColumnProfile
    guess: Guess
    role: Role = "feature"
    pii: Literal["drop", "hash"] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.seen.name

    def ignore(self, why: str) -> None:
        self.role = "ignore"
        self.notes.append(why)


@dataclass(frozen=True)
class Ask:
    """What the person who knows the table says of it. `now` bounds how far ahead its times may lie."""

    target: str
    name: str
    source: Source
    now: datetime
    time: str | None = None
    key: tuple[str, ...] = ()
    task: Task | None = None
    missing: tuple[str, ...] = MISSING
    decimal: str | None = None
    is_typed: bool = False
    timezone: str = "UTC"


def choose_time(drafts: Mapping[str, Draft], ask: Ask, about: list[str]) -> str:
    """Give one column role time, all other times role ignore; return the time zone."""
    if ask.time is not None:
        chosen = drafts[ask.time]
        why_not, told = why_no_time(chosen), chosen.seen.told
        if why_not:
            raise ConfigError(
                "CFG024",
                f"column '{ask.time}' cannot be the time column: {(told and told.fault) or why_not}",
                where="--time",
                next_step="Name a column of ISO 8601 times such as 2024-12-31T08:00:00Z, or leave --time out.",
            )
    else:
        unlabelled = drafts[ask.target].seen.nulls  # rows of separators alone have neither
        fit = [
            d for d in drafts.values() if d.role != "target" and why_no_time(d) is None and d.seen.nulls <= unlabelled
        ]
        fit = [d for d in fit if days(d.seen) >= FEWEST_DAYS and not NOT_WHEN.search(snake(d.name))]
        fit = [draft for draft in fit if draft.guess.parts] or fit
        named = [draft for draft in fit if WHEN.search(snake(draft.name))]
        chosen = (named or fit or [None])[0]  # type: ignore[list-item]
        if chosen is not None and len(fit) > 1:
            about.append(f"'{chosen.name}' is taken as the time of an observation; --time names another column")
    zone = ask.timezone
    for draft in drafts.values():
        if draft.guess.type != "timestamp" or draft.role == "target":
            continue
        if draft is not chosen:
            draft.ignore("a time besides the time column; if it is known when a row is observed, set role: feature")
            continue
        draft.role = "time"
        for part in draft.guess.parts:
            if drafts[part].guess.type in ("category", "text") and drafts[part].role == "feature":
                drafts[part].ignore(f"a part of '{draft.name}'; features.calendar makes hours of the time")
        kind = draft.seen.physical
        if zone == "UTC" and kind is not None and getattr(kind, "tz", None) in available_timezones():
            zone = str(kind.tz)
        elif draft.seen.with_offset == 0:
            draft.notes.append(f"written without an offset from UTC, so taken as wall time in timezone: {zone}")
    return zone


def why_no_time(draft: Draft) -> str | None:
    if draft.guess.type != "timestamp":
        return f"its type is {draft.guess.type}"
    if (draft.seen.nulls + draft.guess.bad) / draft.seen.rows > MOST_BAD:
        return f"{draft.seen.null_share:.0%} of its values are missing"
    return "all its times are of one day" if days(draft.seen) < 2 else None


def days(seen: ColumnProfile) -> int:
    return int((seen.instants.high - seen.instants.low) / 86_400e6) + 1 if seen.instants.n else 0


def mark_keys(drafts: Mapping[str, Draft], table: TableProfile, ask: Ask, about: list[str]) -> None:
    """Give the named columns role key, or the one column that names rows by its looks."""
    for draft in drafts.values():
        if draft.role != "feature" or draft.seen.present == 0:
            continue
        is_id, unique = bool(IDENTIFIER.search(snake(draft.name))), _is_unique(draft.seen)
        if draft.name in ask.key:
            if len(ask.key) == 1 or unique or is_id or draft.seen.distinct.n > MOST_DISTINCT * table.rows:
                draft.role = "key"
        elif unique and draft.guess.type in ("integer", "category", "text"):
            whole = draft.guess.type == "integer"
            if is_id and not ask.key and not any(other.role == "key" for other in drafts.values()):
                draft.role = "key"
                draft.notes.append("different in every row and named like an id: taken as the key")
            elif is_id or (whole and draft.seen.rising and COUNTED_UP.search(snake(draft.name))):
                draft.ignore("different in every row: names rows, tells a model nothing")
            elif whole and draft.seen.rising:
                draft.notes.append("different in every row and rising: if it only numbers rows, set role: ignore")
            elif whole and not RANKED.search(snake(draft.name)):
                _judge_numbers(draft)
        elif is_id and draft.guess.type == "integer":
            draft.notes.append(
                "named like an id: its order means nothing to a model; consider type: category or role: ignore"
            )
    repeated = table.keys.repeated_share if ask.key else 0.0
    if repeated > 0:
        about.append(f"key {', '.join(ask.key)} repeats in {repeated:.2%} of the rows: every copy goes to quarantine")


def _judge_numbers(draft: Draft) -> None:
    """Ignore whole numbers that differ in every row more often than a measure would.

    Of n numbers drawn evenly from a range of m, all differ with a probability of about exp(-n²/2m), of a measure that
    has a middle with less. Where that is below BY_CHANCE, they were given out: an id, in whatever order.
    """
    seen = draft.seen
    span = seen.range.high - seen.range.low + 1
    if seen.present**2 / (2 * span) > -log(BY_CHANCE):
        draft.ignore("different in every row, as no measure in such a range is: an id; role: feature keeps it")
    elif seen.present >= FEWEST_TO_DIFFER:
        draft.notes.append("different in every row: if it only names rows, set role: ignore")


def _is_unique(seen: ColumnProfile) -> bool:
    return seen.nulls == 0 and (seen.rising or seen.distinct.repeated_share == 0) and seen.present > 1


def ignore_what_models_cannot_use(draft: Draft) -> None:
    seen, kind = draft.seen, draft.guess.type
    if seen.present == 0:
        draft.ignore("no value at all")
    elif seen.distinct.n == 1:
        one = f"one value only, in {seen.present:,} rows: where its absence says no, write a word for it at the source"
        draft.ignore(one if seen.nulls else "the same value in every row")
    elif kind == "category" and seen.told is not None and seen.told.is_date:
        draft.role = "ignore"  # the guess has said why
    elif kind == "text":
        draft.ignore("free text; with role: feature its words are read")
    elif kind == "category" and seen.distinct.n > max(MOST_DISTINCT * seen.present, 10):
        draft.ignore(f"{seen.distinct.n:,} different values in {seen.present:,}: too many for a category")


def spare_rows(drafts: Mapping[str, Draft], rows: int, about: list[str]) -> None:
    """Make text of the columns that would send too many rows to quarantine, the worst first."""
    share = {d.name: d.guess.bad / rows for d in drafts.values() if d.guess.bad and d.pii != "drop"}
    while sum(share.values()) > MOST_BAD:
        worst = max(share, key=lambda name: share[name])
        draft, bad = drafts[worst], share.pop(worst)
        if draft.role in ("target", "time"):
            about.append(f"'{worst}' has {bad:.1%} values of another type: more than {MOST_BAD:.0%} stop a run")
            continue
        draft.notes = []
        note = f"{bad:.1%} of the rows have a value of another type: kept as text"
        if listed := ", ".join(map(repr, [*draft.seen.strays][:SHOWN])):
            note += f"; if {listed} mean missing, set type: {draft.guess.type} and missing: [{listed}]"
        draft.seen = draft.seen.as_came or draft.seen
        draft.guess = as_category(draft.guess, note)
        draft.notes.extend(draft.guess.notes)
        if draft.role == "feature":
            ignore_what_models_cannot_use(draft)
