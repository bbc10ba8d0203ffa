"""What people call things of the ledger: a version, a candidate, a model, a window, an entry, or the last of a kind."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evergreen.base.errors import ConfigError
from evergreen.base.months import span
from evergreen.record.ledger.chain import CHANGES, Entry
from evergreen.record.registry.history import event_of

LEAST_OF_A_DIGEST = 4  # characters that name a candidate or a model
MOST_NAMED = 5
VERSION = re.compile(r"(?:version\s+|v)?(\d+)", re.IGNORECASE)
ENTRY = re.compile(r"#(\d+)")
MONTH = re.compile(r"\d{4}-\d{2}")
WINDOWS = ("look", "window")  # a window had one look, before looks were kept apart
LAST = {"verdict": "judgement", "retraining": "retraining", "rollback": "rollback", "lineage": "lineage"}
WORDS = ("champion", "refusal", *LAST)


def entries_called(entries: Sequence[Entry], asked: str, *, model: str) -> list[Entry]:
    """Return what is asked for: the entries of a month's windows, or one that says what became of a thing.

    Parameters
    ----------
    entries : the whole log of the model, oldest first.
    asked : a version (``3``, ``v3``), ``champion``, ``refusal``, ``verdict``, ``retraining``, ``rollback`` or
        ``lineage`` (the last of each), an entry (``#17``), a window (``2013-04``), or the beginning of a candidate's
        key or a model's digest.

    Raises
    ------
    ConfigError if nothing, or more than one candidate, is called so.
    """
    asked = " ".join(asked.split())
    if entry := ENTRY.fullmatch(asked):
        found = [other for other in entries if other.seq == int(entry[1])]
    elif MONTH.fullmatch(asked):
        found = _of_month(entries, asked)
    elif version := VERSION.fullmatch(asked):
        found = _of_version(entries, int(version[1])) or _of_digest(entries, asked, model=model)
    elif asked.lower() in WORDS:
        found = _last(entries, asked.lower())
    else:
        found = [other for other in entries if other.kind in WINDOWS and asked in (other.key, window_of(other))]
        found = found or _of_digest(entries, asked, model=model)
    if found:
        return found
    close = difflib.get_close_matches(asked.lower(), _names(entries), n=1)
    raise ConfigError(
        "STA006",
        f"the ledger of '{model}' knows nothing that is called '{asked}'",
        where="ledger",
        next_step=(f"Did you mean '{close[0]}'? " if close else "") + "What there is: evergreen history",
    )


def _names(entries: Sequence[Entry]) -> list[str]:
    versions = {str(entry.payload["version"]) for entry in entries if entry.kind in CHANGES}
    months = {key.split(":")[1][:7] for key in windows_of(entries) if key.count(":") == 2}
    return [*WORDS, *(f"v{version}" for version in sorted(versions)), *sorted(months)]


def _of_month(entries: Sequence[Entry], month: str) -> list[Entry]:
    try:
        start, end = (day.isoformat() for day in span(month))
    except ValueError:
        return []
    windows = [entry for entry in entries if entry.kind in WINDOWS]
    return [entry for entry in windows if entry.payload.get("start", "") < end and entry.payload.get("end", "") > start]


def _of_version(entries: Sequence[Entry], version: int) -> list[Entry]:
    """Return the latest that was decided about a version: that it became champion, or else what it waits for."""
    for kinds in (CHANGES, ("rejection",), ("approval",), ("proposal",), ("version",), ("judgement",), ("number",)):
        found = [entry for entry in entries if entry.kind in kinds and event_of(entry).version == version]
        if found:
            return found[-1:]
    return []


def _last(entries: Sequence[Entry], word: str) -> list[Entry]:
    if word == "champion":
        found = [entry for entry in entries if entry.kind in CHANGES]
    elif word == "refusal":
        found = [entry for entry in entries if entry.kind == "judgement" and entry.payload.get("verdict") == "refused"]
    else:
        found = [entry for entry in entries if entry.kind == LAST[word]]
    return found[-1:]


def _of_digest(entries: Sequence[Entry], prefix: str, *, model: str) -> list[Entry]:
    """Return the entry that says what became of the one candidate that a prefix names."""
    if len(prefix) < LEAST_OF_A_DIGEST:
        return []
    found: dict[str, Entry] = {}
    for entry in entries:
        candidate, judged = candidate_of(entry), judged_in(entry)
        if candidate is None:
            continue
        named = [candidate, *(str(judged[name]) for name in ("model_digest", "refit_of") if judged.get(name))]
        if any(name.startswith(prefix.lower()) for name in named):
            before = found.get(candidate)
            found[candidate] = before if before and before.kind in CHANGES and entry.kind not in CHANGES else entry
    if len(found) > 1:
        listed = ", ".join(f"#{entry.seq} {key[:12]}" for key, entry in [*found.items()][:MOST_NAMED])
        raise ConfigError(
            "STA006",
            f"{len(found)} candidates of '{model}' are called '{prefix}': {listed}",
            where="ledger",
            next_step="Write more of it, or name the entry: evergreen why '#17'",
        )
    return [*found.values()]


def candidate_of(entry: Entry) -> str | None:
    """Return the candidate that an entry is about."""
    if entry.kind in ("judgement", "gate", "lineage"):
        return entry.key
    candidate = entry.payload.get("candidate")
    return str(candidate) if candidate else None


def judged_in(entry: Entry) -> Mapping[str, Any]:
    """Return the judgement that an entry is or holds; empty where there is none."""
    judged = entry.payload if entry.kind == "judgement" else entry.payload.get("judged")
    return judged if isinstance(judged, Mapping) else {}


def window_of(entry: Entry) -> str:
    """Return what names the window of a look, champion and period, as in ``v3:2013-04-01:2013-05-01``."""
    told = entry.payload
    return (
        f"v{told['version']}:{told['start']}:{told['end']}" if {"version", "start", "end"} <= told.keys() else entry.key
    )


def windows_of(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return the look that decides of each window, by its name: the one as of the latest time, of those the last.

    Parameters
    ----------
    entries : oldest first.
    """
    looks = [entry for entry in entries if entry.kind in WINDOWS]
    return {window_of(entry): entry for entry in sorted(looks, key=lambda entry: str(entry.payload.get("as_of", "")))}
