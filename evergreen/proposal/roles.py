"""Which part each column of an unseen table plays: time, key, personal, useless or a feature."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zoneinfo import available_timezones

import numpy as np
import pandas as pd
import pyarrow as pa

from evergreen.base.errors import ConfigError
from evergreen.config.contract.columns import MISSING, Column, Role, Task
from evergreen.config.contract.sources import Source
from evergreen.data import leakage
from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.inference import Guess, as_category, snake
from evergreen.proposal.personal import why_personal
from evergreen.proposal.profile import TableProfile

# Of validate.max_bad_share, 0.05; the rest is for what the next file brings.
MOST_BAD = 0.04
MOST_DISTINCT = 0.5
FEWEST_DAYS = 5
CLOCK, FEWEST_FOR_CLOCK = 0.95, 50
# Local days are not those of UTC, in which a time may be written, for up to half of the rows.
SAME_PART = 0.5
IDENTIFIER = re.compile(
    r"(^|_)(id|ids|key|uuid|guid|nr|no|identifier|rowid|row_id|pk|sku|isbn|hash)(_|$)|^index$|^row(_?(nr|no|num|number))?$"
)
COUNTED_UP = re.compile(r"^(unnamed_\d+|index|row(_?(nr|no|num|number))?|level_0)$")
WHEN = re.compile(r"(^|_)(time|timestamp|datetime|date|ts|at|on|when|hour|day)(_|$)")
NOT_WHEN = re.compile(
    r"birth|dob|born|expir|until|end|due|updated|modified|deleted|closed|arriv|deliver|finish|complet"
)
SHOWN = 1_000


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
        fit = [d for d in drafts.values() if d.role != "target" and why_no_time(d) is None and d.seen.null_share == 0]
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
        elif is_id and draft.guess.type == "integer":
            draft.notes.append(
                "named like an id: its order means nothing to a model; consider type: category or role: ignore"
            )
    repeated = table.keys.repeated_share if ask.key else 0.0
    if repeated > 0:
        about.append(f"key {', '.join(ask.key)} repeats in {repeated:.2%} of the rows: every copy goes to quarantine")


def _is_unique(seen: ColumnProfile) -> bool:
    return seen.nulls == 0 and (seen.rising or seen.distinct.repeated_share == 0) and seen.present > 1


def mark_personal(drafts: Mapping[str, Draft], sample: pa.Table) -> None:
    for draft in drafts.values():
        if draft.role == "time" or draft.guess.type == "boolean":
            continue
        values: list[str] = []
        if draft.guess.type in ("category", "text") and draft.name in sample.column_names:
            some = sample[draft.name].slice(0, SHOWN)
            values = some.drop_null().to_pylist() if pa.types.is_string(some.type) else []
        why = why_personal(draft.name, values)
        if why is None:
            continue
        if draft.role == "target":
            draft.notes.append(f"personal data ({why}): a target is stored as it is")
        elif draft.role == "key":
            draft.pii, draft.guess = "hash", as_category(draft.guess, f"personal data ({why}): stored as a hash")
            draft.notes.extend(draft.guess.notes)
        else:
            draft.pii, draft.role = "drop", "ignore"
            draft.notes = [f"personal data ({why}): nothing of it is stored"]


def ignore_what_models_cannot_use(draft: Draft) -> None:
    seen, kind = draft.seen, draft.guess.type
    if seen.present == 0:
        draft.ignore("no value at all")
    elif seen.distinct.n == 1:
        draft.ignore("the same value in every row" if not seen.nulls else "one value only")
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
        draft.seen = draft.seen.as_came or draft.seen
        draft.guess = as_category(draft.guess, f"{bad:.1%} of the rows have a value of another type: kept as text")
        draft.notes.extend(draft.guess.notes)
        if draft.role == "feature":
            ignore_what_models_cannot_use(draft)


def mark_leakage(drafts: Mapping[str, Draft], rows: pd.DataFrame, target: str, task: Task) -> tuple[str, ...]:
    features = [Column(name=d.name, type=d.guess.type, role="feature") for d in drafts.values() if d.role == "feature"]
    findings = leakage.scan(rows, features, target=target, task=task)
    for finding in findings:
        draft = drafts[finding.column]
        if finding.certain:
            draft.role = "leakage"
            draft.notes.append(f"a consequence of '{target}', not given to a model: {finding.why}")
        else:
            draft.notes.append(f"suspicious: {finding.why}; if it is known only with '{target}', set role: leakage")
    if features and all(drafts[column.name].role == "leakage" for column in features):
        for column in features:
            drafts[column.name].role = "feature"
    return tuple(finding.column for finding in findings if drafts[finding.column].role == "leakage")


def ignore_clocks(drafts: Mapping[str, Draft], rows: pd.DataFrame, time: str, zone: str) -> None:
    """Ignore numbers that only tell the date again, of which a model learns single days, not seasons.

    That is what rises or falls with time: later rows have values that no model has seen. And what is the year, month,
    week or day of `time`: each value was seen on few days, whose weather, sales or strikes it would stand for.
    """
    instants = rows[time]
    local = instants.dt.tz_convert(zone).dt
    parts = {name: getattr(local, name) for name in ("year", "month", "day", "dayofyear", "quarter")}
    parts["week"] = local.isocalendar().week
    for draft in drafts.values():
        if draft.role != "feature" or draft.guess.type not in ("number", "integer"):
            continue
        known = rows[draft.name].notna() & instants.notna()
        values = rows[draft.name][known].astype("float64")
        if len(values) < FEWEST_FOR_CLOCK:
            continue
        part = next((p for p, of in parts.items() if (values == of[known].astype("float64")).mean() >= SAME_PART), None)
        if part:
            draft.ignore(f"the {part} of '{time}' again; features.calendar makes parts of the time")
        elif abs(_rank_correlation(values, instants[known])) >= CLOCK:
            draft.ignore(f"goes with '{time}' like a clock: later rows have values that no model has seen")


def _rank_correlation(values: pd.Series, times: pd.Series) -> float:
    left, right = values.rank(), times.rank()
    return float(np.corrcoef(left, right)[0, 1]) if left.nunique() > 1 and right.nunique() > 1 else 0.0
