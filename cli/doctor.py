"""`evergreen doctor`: what is not as the ledger says, found, and repaired where that is safe."""

import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Literal

from cli import leftovers, mending
from evergreen.base import temporaries
from evergreen.base.errors import EvergreenError, IntegrityError, LostRace, Unavailable
from evergreen.base.values import Value
from evergreen.config.settings import Settings
from evergreen.data import personal
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import VersionFacts, champion_facts
from evergreen.record.registry import projection

UNFINISHED_AFTER = timedelta(hours=1)  # a registration takes seconds


class Finding(Value):
    """Something that is not as it should be.

    `kind`: what a program goes by. A `note` is told and needs nothing; whatever else was not repaired is not well.
    """

    where: str
    what: str
    repaired: bool
    next: str
    kind: Literal["integrity", "registry", "unavailable", "leftover", "note"]


def examine(settings: Settings, *, repair: bool) -> list[Finding]:
    """Return what was found, repaired or not. A ledger that is not whole is looked at no further."""
    os.environ.update(settings.environment())
    try:
        ledger = Ledger.open(settings)
        ledger.verify()
    except IntegrityError as error:
        return [_of_error(error)]
    found = [
        *dead_leases(ledger, repair=repair),
        *left_behind(settings, repair=repair),
        *key_of_personal_values(settings),
    ]
    for model in ledger.models():
        try:
            found += registry(ledger, model, settings, repair=repair)
            found += runs_left_open(ledger, model, settings, repair=repair)
        except Unavailable as error:
            found.append(_of_error(error))
        found += unfinished_registrations(ledger, model)
        if champion := champion_facts(ledger, model):
            found += artifacts(champion, settings, repair=repair)
            found += package(champion, settings, repair=repair)
    return found


def is_well(findings: Sequence[Finding]) -> bool:
    """Return whether nothing is left to do."""
    return all(finding.repaired or finding.kind == "note" for finding in findings)


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 0 if nothing is left, 5 if only what does not answer is left, 7 otherwise."""
    left = {finding.kind for finding in findings if not finding.repaired} - {"note"}
    if not left:
        return 0
    return Unavailable.exit_code if left == {"unavailable"} else IntegrityError.exit_code


def registry(ledger: Ledger, model: str, settings: Settings, *, repair: bool) -> Iterator[Finding]:
    """Look whether MLflow's versions, tags and aliases are those of the ledger."""
    if not ledger.entries(model, *projection.KINDS):
        return
    from tasks.mirror import follow

    for change in follow(ledger, model, settings=settings, everything=True, repair=repair):
        by_whom = ", changed by hand" if change.foreign else ""
        if not change.repairable:
            next_step = "It cannot come back under its number; the ledger, the model and its package stand."
            kind: Literal["registry", "note"] = "note"
        else:
            next_step, kind = ("" if repair else "evergreen doctor"), "registry"
        yield Finding(
            where=f"MLflow, {model}",
            what=f"{change.what} was {change.found or 'missing'}, the ledger says {change.was or 'none'}{by_whom}",
            repaired=repair and change.repairable,
            next=next_step,
            kind=kind,
        )


def runs_left_open(ledger: Ledger, model: str, settings: Settings, *, repair: bool) -> Iterator[Finding]:
    """Look for runs that say they are running while nobody trains the model."""
    from evergreen.adapters import tracking

    training = f"training:{model}"
    if ledger.is_held(training):
        return
    try:
        with ledger.lease(training) if repair else nullcontext():
            left = tracking.left_open(settings.tracking_uri(), model, close=repair)
    except LostRace:
        return  # a training has begun
    for run_id in left:
        yield Finding(
            where=f"MLflow run {run_id}",
            what="its process ended before the run did" + (", marked FAILED" if repair else ""),
            repaired=repair,
            next="" if repair else "evergreen doctor",
            kind="leftover",
        )


def artifacts(champion: VersionFacts, settings: Settings, *, repair: bool) -> Iterator[Finding]:
    """Look whether what the champion was made of, and judged on, is here and whole, and put back what can be."""
    version = f"{champion.judged.model} version {champion.version}"
    for damaged in mending.look(champion, settings, mend=repair):
        mended = f", put back from {damaged.mended}" if damaged.mended else ""
        yield Finding(
            where=damaged.where,
            what=f"{damaged.code}: the {damaged.name} of {version}: {damaged.what}{mended}",
            repaired=bool(damaged.mended),
            next="" if damaged.mended else damaged.next_step,
            kind="integrity",
        )


def package(champion: VersionFacts, settings: Settings, *, repair: bool) -> Iterator[Finding]:
    """Look whether the champion's package is here and whole; one that is not is built again from its model."""
    from evergreen.adapters import packaging

    release = packaging.release_of(champion)
    try:
        packaging.check(release, settings.home, champion.package, trusted_keys=settings.trusted_keys)
        return
    except IntegrityError as error:
        missing = packaging.is_missing(release, settings.home, champion.package)
        fault = "missing" if missing else f"damaged ({error.what})"
    try:
        if repair:
            packaging.restore(champion, settings)
    except EvergreenError as error:
        yield _of_error(error, what=f"the champion's package was {fault}, and cannot be built again: {error.what}")
        return
    yield Finding(
        where=champion.bento,
        what=f"the champion's package was {fault}" + (", built again" if repair else ""),
        repaired=repair,
        next="" if repair else "evergreen doctor",
        kind="integrity",
    )


def dead_leases(ledger: Ledger, *, repair: bool) -> Iterator[Finding]:
    """Look for leases whose holder is gone; the next who wants one takes it anyway."""
    for name, holder in ledger.dead_leases(let_go=repair):
        yield Finding(
            where=f"lease {name}",
            what=f"its holder, {holder}, is gone" + (", let go" if repair else ""),
            repaired=repair,
            next="" if repair else "evergreen doctor",
            kind="leftover",
        )


def unfinished_registrations(ledger: Ledger, model: str) -> Iterator[Finding]:
    """Look for numbers that were given out long ago to a candidate that has no version yet."""
    done = projection.versions(ledger.entries(model, *projection.KINDS))
    candidates = {version.candidate for version in done.values()}
    for entry in ledger.entries(model, "number"):
        candidate = str(entry.payload["candidate"])
        if candidate not in candidates and datetime.now(UTC) - entry.at > UNFINISHED_AFTER:
            yield Finding(
                where=f"ledger entry {entry.seq}",
                what=f"number {entry.key} of '{model}' was given to candidate {candidate[:8]}, which has no version",
                repaired=False,
                next="The same evergreen run completes it; a candidate that is given up needs nothing.",
                kind="note",
            )


def left_behind(settings: Settings, *, repair: bool) -> Iterator[Finding]:
    """Look for unfinished files and folders of processes that were killed."""
    for path in leftovers.find(settings):
        if repair:
            temporaries.delete([path])
        yield Finding(
            where=str(path),
            what="left unfinished by a process that was killed" + (", removed" if repair else ""),
            repaired=repair,
            next="" if repair else "evergreen doctor",
            kind="leftover",
        )


def key_of_personal_values(settings: Settings) -> Iterator[Finding]:
    """Look whether values are hashed under the key that they were hashed under before."""
    path = settings.home / personal.KEY_FILE
    if path.with_name(path.name + personal.CHECK).exists():
        try:
            personal.key(path)
        except IntegrityError as error:
            yield _of_error(error)


def _of_error(error: EvergreenError, *, what: str = "") -> Finding:
    return Finding(
        where=error.where,
        what=f"{error.code}: {what or error.what}",
        repaired=False,
        next=error.next_step,
        kind="unavailable" if isinstance(error, Unavailable) else "integrity",
    )
