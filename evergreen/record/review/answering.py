"""A person's answers to referred rows: kept once, and by nobody over another's without being told."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

import msgspec

from evergreen.base.errors import ConfigError
from evergreen.base.values import Value
from evergreen.decisions.automation.degrees import audit_share
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Columns, Feedback
from evergreen.record.review.claims import Claim, Claims

LONGEST = 200  # characters of a name


class Held(Value):
    """A row whose answer was not taken.

    `by`: who answered it `at` a time, None where that came through another door; or, if it is not `answered`, who has
    it in hand until then.
    """

    prediction_id: str
    by: str | None
    answered: bool
    at: datetime

    def __str__(self) -> str:
        if not self.answered:
            return f"{self.by} has it in hand until {self.at:%H:%M} UTC"
        return f"{self.by or 'somebody'} answered it on {self.at:%Y-%m-%d at %H:%M} UTC"


class Referred(Value):
    """What is known of a referred row when it is answered: by which rule, and when something came back about it."""

    rule: str | None
    answered_at: datetime | None = None


class Given(Value):
    """What became of answers, by prediction: kept now, kept before by the same person, or not taken."""

    taken: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()


def answer(
    log: PredictionLog,
    columns: Columns,
    said: Sequence[Feedback],
    about: Mapping[str, Referred],
    *,
    anyway: bool = False,
) -> Given:
    """Keep what people say of referred rows, as labels and decisions in the log.

    What somebody else answered or has in hand is not taken, nor what was answered otherwise. The same answer of the
    same person again is known. A label of a row that was referred at random keeps with which probability it was.

    Parameters
    ----------
    said : each with a prediction's id and `by`; those about one prediction follow each other.
    about : the referred rows that they are about, every one of them.
    anyway : take what would not be: of all that is said the one known last counts.

    Raises
    ------
    ResourceError if it cannot be kept; nothing is then.
    """
    now = datetime.now(UTC)
    taken, known, held, rows = [], [], [], list[Feedback]()
    with Claims(log.folder).changing() as change:
        for name, group in groupby(said, key=lambda row: row.prediction_id or ""):
            each = list(group)
            by, digest = each[0].by or "", _digest(each)
            before, referred = change.of(name), about[name]
            if before and before.answered is not None and (before.person, before.answers) == (by, digest):
                known.append(name)
                continue
            in_the_way = _in_the_way(name, before, referred, by=by, now=now)
            if in_the_way and not anyway:
                held.append(in_the_way)
                continue
            again = now.isoformat() if in_the_way else ""
            rows += [_kept(row, referred, f"{digest} {again}") for row in each]
            taken.append(name)
            at = now.timestamp()
            change.put(Claim(prediction_id=name, person=by, until=0, answered=at, answers=digest))
        if rows:
            log.append_feedback(columns, rows)
    return Given(taken=tuple(taken), known=tuple(known), held=tuple(held))


def person(name: str | None, *, where: str = "command line") -> str:
    """Return who answers; raises ConfigError if the name is missing, blank, too long, or does not print."""
    said = (name or "").strip()
    if said and len(said) <= LONGEST and said.isprintable():
        return said
    raise ConfigError(
        "LOG018",
        "it is not said who answers, or not in a name that prints",
        where=where,
        next_step=f"Name who answers, in {LONGEST} characters at most: --by NAME",
    )


def _in_the_way(name: str, before: Claim | None, referred: Referred, *, by: str, now: datetime) -> Held | None:
    if before and before.answered is not None:
        at = datetime.fromtimestamp(before.answered, UTC)
        return Held(prediction_id=name, by=before.person, answered=True, at=at)
    if referred.answered_at is not None:
        return Held(prediction_id=name, by=None, answered=True, at=referred.answered_at)
    if before and before.person != by and before.holds(now.timestamp()):
        until = datetime.fromtimestamp(before.until, UTC)
        return Held(prediction_id=name, by=before.person, answered=False, at=until)
    return None


def _digest(said: Sequence[Feedback]) -> str:
    what = [[row.kind, row.label, row.value, row.decision, row.known_us] for row in said]
    return hashlib.blake2b(json.dumps([said[0].prediction_id, what]).encode(), digest_size=16).hexdigest()


def _kept(row: Feedback, referred: Referred, salt: str) -> Feedback:
    name = hashlib.blake2b(f"{row.kind} {row.by} {salt}".encode(), digest_size=16).hexdigest()
    share = audit_share(referred.rule) if row.kind == "label" else None
    return msgspec.structs.replace(row, feedback_id=name, label_propensity=share)
