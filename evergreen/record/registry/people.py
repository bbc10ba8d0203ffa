"""What people decide: who proposes, approves and rejects a version, by when, and what forbids it."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from evergreen.base.errors import ConfigError, GateRefused, LostRace
from evergreen.base.values import Value, digest_of
from evergreen.config.params.approval import ApprovalParams
from evergreen.config.params.ingest import IngestParams
from evergreen.record.ledger.chain import Entry
from evergreen.record.ledger.champions import Champion
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import Judgement, VersionFacts, below, of_entry, standing, version_facts
from evergreen.record.rollouts import rollouts

POLICY = "policy"  # who rejects what nobody answered in time
LONGEST = {"by": 200, "reason": 2_000}  # characters


class Person(Value):
    """Who decides something, why, and through which door; `commit`: of a file in git that says so."""

    by: str
    reason: str
    door: Literal["cli", "prefect", "git"] = "cli"
    commit: str | None = None

    def told(self, version: int) -> dict[str, Any]:
        """Return what the ledger keeps of the decision on a version."""
        return {"version": version, **self.model_dump(exclude_none=True)}


class Proposal(Value):
    """A version that passed the gate and waits for a person.

    `epoch` and `champion`: what it was judged against. `data_digest`: of the rows of `period` that it was made of.
    `expires`: when nobody's answer becomes a rejection; None: never. `by`: who may approve it; empty: anybody.
    """

    version: int
    epoch: int
    champion: int | None
    data_digest: str
    model_digest: str
    period: IngestParams
    expires: datetime | None
    by: tuple[str, ...]
    not_author: bool


def person(
    by: str | None,
    reason: str | None,
    *,
    door: Literal["cli", "prefect", "git"] = "cli",
    commit: str | None = None,
    where: str = "command line",
) -> Person:
    """Return who decides and why.

    Raises
    ------
    ConfigError if either is missing, blank, too long, or holds characters that do not print.
    """
    said = {name: unicodedata.normalize("NFC", (text or "").strip()) for name, text in (("by", by), ("reason", reason))}
    for name, text in said.items():
        fault = (
            "is missing or blank"
            if not text
            else f"has {len(text)} characters; {LONGEST[name]} are the most"
            if len(text) > LONGEST[name]
            else "holds a character that does not print"
            if not text.isprintable()
            else None
        )
        if fault:
            raise ConfigError(
                "CFG070",
                f"{name} {fault}",
                where=where,
                next_step="Say who decides and why, in a line each: --by NAME --reason TEXT",
            )
    return Person(**said, door=door, commit=commit)


def propose(
    ledger: Ledger, facts: VersionFacts, policy: ApprovalParams, *, epoch: int, period: IngestParams, now: datetime
) -> Proposal:
    """Record that a version waits for a person, once, and return its proposal.

    Parameters
    ----------
    epoch : of the champion that the gate compared with.
    """
    champion = ledger.champion(facts.judged.model)
    proposal = Proposal(
        version=facts.version,
        epoch=epoch,
        champion=champion.version if champion else None,
        data_digest=facts.judged.data_digest,
        model_digest=facts.artifact.sha256,
        period=period,
        expires=None if policy.within_hours is None else now + timedelta(hours=policy.within_hours),
        by=policy.by,
        not_author=policy.not_author,
    )
    entry = ledger.record_under(
        facts.judged.model,
        "proposal",
        str(facts.version),
        proposal.model_dump(mode="json"),
        expected_epoch=epoch,
    )
    return of_entry(ledger, entry, Proposal)


def proposal_of(ledger: Ledger, model: str, version: int) -> Proposal | None:
    """Return the proposal of a version, whatever became of it."""
    entry = ledger.find(model, "proposal", str(version))
    return of_entry(ledger, entry, Proposal) if entry else None


def waiting(ledger: Ledger, model: str, *, now: datetime) -> list[Proposal]:
    """Return the proposals that a person can answer still, oldest first; not those that are stale."""
    epoch = _epoch(ledger.champion(model))
    proposals = [of_entry(ledger, entry, Proposal) for entry in ledger.entries(model, "proposal")]
    answered = {entry.key for entry in ledger.entries(model, "approval", "rejection")}
    return [
        one for one in proposals if str(one.version) not in answered and one.epoch == epoch and not _is_late(one, now)
    ]


def require_version(ledger: Ledger, model: str, version: int) -> VersionFacts:
    """Return what is known of a version.

    Raises
    ------
    ConfigError if there is no such version.
    """
    facts = version_facts(ledger, model, version)
    if facts is None:
        raise ConfigError(
            "STA004",
            f"no version {version} of '{model}'",
            where="ledger",
            next_step="See which there are: evergreen history",
        )
    return facts


def require_not_champion(champion: Champion | None, version: int) -> None:
    """Raise ConfigError if a version is champion."""
    if champion and champion.version == version:
        raise ConfigError(
            "STA010",
            f"version {version} of '{champion.model}' is champion already",
            where="ledger",
            next_step="Nothing is left to do; to take it out of service: evergreen rollback",
        )


def require_not_rejected(ledger: Ledger, model: str, version: int) -> None:
    """Raise ConfigError if a version was rejected, by a person or because nobody answered in time."""
    rejection = ledger.find(model, "rejection", str(version))
    if rejection:
        told: Mapping[str, Any] = rejection.payload
        raise ConfigError(
            "STA011",
            f"version {version} of '{model}' was rejected by {told.get('by')} on {rejection.at:%Y-%m-%d %H:%M} UTC: "
            f"{told.get('reason')}",
            where="ledger",
            next_step="Train another: evergreen run",
        )


def require_waiting(ledger: Ledger, model: str, version: int, *, now: datetime) -> Proposal:
    """Return the proposal of a version that a person can answer still; what is too late is rejected by that.

    Raises
    ------
    ConfigError if the version was rejected, or nothing about it waits for an answer.
    """
    proposal = proposal_of(ledger, model, version)
    if proposal:
        expire(ledger, model, proposal, now=now)
    require_not_rejected(ledger, model, version)
    if proposal is None or ledger.find(model, "approval", str(version)):
        before = "was approved before" if proposal else "was not proposed to anybody"
        raise ConfigError(
            "STA013",
            f"version {version} of '{model}' {before}: nothing about it waits for an answer",
            where="ledger",
            next_step=f'Bring it into service: evergreen promote {version} --by NAME --reason "why"',
        )
    return proposal


def expire(ledger: Ledger, model: str, proposal: Proposal, *, now: datetime) -> None:
    """Record the rejection of a proposal that nobody answered in time, if it is one."""
    version = str(proposal.version)
    if not _is_late(proposal, now) or ledger.find(model, "approval", version):
        return
    told = {"version": proposal.version, "by": POLICY, "reason": _late(proposal), "door": POLICY}
    ledger.record_under(model, "rejection", version, told, expected_epoch=_epoch(ledger.champion(model)))


def _late(proposal: Proposal) -> str:
    return f"nobody approved it until {proposal.expires:%Y-%m-%d %H:%M} UTC"


def _is_late(proposal: Proposal, now: datetime) -> bool:
    return proposal.expires is not None and now >= proposal.expires


def require_allowed(version: int, person: Person, names: tuple[str, ...]) -> None:
    """Raise GateRefused unless the policy names the person, or nobody."""
    if names and _folded(person.by) not in map(_folded, names):
        raise GateRefused(
            "GATE003",
            f"{person.by} may not decide about version {version}: the policy names {', '.join(names)}",
            where="approval.by",
            next_step="Ask one of them, or change the policy in params.yaml for later versions.",
        )


def require_not_author(facts: VersionFacts, person: Person) -> None:
    """Raise GateRefused if a person is the author of the code of a version, or the author is not known."""
    if facts.author is None or _names(facts.author) & _names(person.by):
        who = f"{person.by} is" if facts.author else "nobody knows who is"
        raise GateRefused(
            "GATE003",
            f"{who} the author of version {facts.version}, and the policy wants another person",
            where="approval.not_author",
            next_step="Ask somebody else." if facts.author else "Train from a commit, in git: evergreen run",
        )


def _names(author: str) -> set[str]:
    """Return an author as a whole, by name and by address: ``Ada <ada@example.org>``."""
    parts = re.fullmatch(r"(.*?)\s*<([^<>]*)>", _folded(author))
    return {name for name in (_folded(author), *(parts.groups() if parts else ())) if name}


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).casefold()


def require_fresh(proposal: Proposal, champion: Champion | None) -> None:
    """Raise LostRace if the champion is another one than the version was judged against."""
    if _epoch(champion) != proposal.epoch:
        was = f"version {proposal.champion}" if proposal.champion else "no champion"
        now = f"version {champion.version}" if champion else "none"
        raise stale(proposal.version, f"it was judged against {was}, and champion is {now} since")


def stale(version: int, what: str) -> LostRace:
    """Return the error of a proposal that the world went past."""
    return LostRace(
        "RACE004",
        f"version {version} cannot be approved any more: {what}",
        where="ledger",
        next_step="Have it judged against what is there now: evergreen run",
    )


def key_now(ledger: Ledger, model: str, candidate: str) -> str:
    """Return the key under which a candidate is judged: its own, unless it was proposed and the champion changed since.

    It is another candidate then, with a version of its own if it passes again.
    """
    epoch = _epoch(ledger.champion(model))
    while (entry := ledger.find(model, "judgement", candidate)) and _is_stale(ledger, entry, epoch):
        candidate = digest_of([candidate, "judged again"])
    return candidate


def _is_stale(ledger: Ledger, judgement: Entry, epoch: int) -> bool:
    if judgement.payload.get("verdict") != "proposed":
        return False
    version = str(judgement.payload.get("version"))
    if ledger.find(judgement.model, "approval", version) or ledger.find(judgement.model, "rejection", version):
        return False
    proposal = ledger.find(judgement.model, "proposal", version)
    return proposal is not None and proposal.payload.get("epoch") != epoch


def settled(ledger: Ledger, judged: Judgement, *, now: datetime) -> Judgement:
    """Return a judgement as it stands: one that waited for a person or was tried first says what came of it."""
    if judged.verdict != "proposed" or judged.version is None:
        return judged
    facts = version_facts(ledger, judged.model, judged.version)
    if facts and facts.judged.verdict == "promoted":
        return facts.judged
    rejection = ledger.find(judged.model, "rejection", str(judged.version))
    proposal = proposal_of(ledger, judged.model, judged.version)
    tried = [one for one in rollouts(ledger, judged.model) if one.owner == judged.rollout] if judged.rollout else []
    if tried and (ended := tried[0].ended):
        why = f"{judged.rollout} {ended.did}: {ended.reason}"
    elif rejection:
        why = f"rejected by {rejection.payload.get('by')}: {rejection.payload.get('reason')}"
    elif proposal and _is_late(proposal, now):
        why = f"rejected by {POLICY}: {_late(proposal)}"
    else:
        return judged
    return judged.model_copy(update={"verdict": "refused", "reason": why})


def waits_until(ledger: Ledger, judged: Judgement) -> datetime | None:
    """Return when the proposal of a version ends; None if it waits for nobody, or for ever."""
    if judged.verdict != "proposed" or judged.version is None:
        return None
    proposal = proposal_of(ledger, judged.model, judged.version)
    return proposal.expires if proposal else None


def before(ledger: Ledger, model: str, version: int | None = None) -> int:
    """Return the version to go back to: the one before the champion that nobody rejected, or `version` if it can be.

    Without `version` those that were rolled back are passed over: going back twice goes further back.

    Raises
    ------
    ConfigError if there is none, or `version` was never champion.
    """
    rejected = {int(entry.key) for entry in ledger.entries(model, "rejection")}
    if version is None:
        found = below(standing(ledger.changes(model)), rejected)
        if not found:
            raise ConfigError(
                "STA012",
                f"no version of '{model}' was champion before the present one, and can be again",
                where="ledger",
                next_step="Train another: evergreen run",
            )
        return found[-1]
    if version not in {int(entry.payload["version"]) for entry in ledger.changes(model)}:
        raise ConfigError(
            "STA014",
            f"version {version} of '{model}' was never champion",
            where="ledger",
            next_step=f'Bring it into service: evergreen promote {version} --by NAME --reason "why"',
        )
    return version


def _epoch(champion: Champion | None) -> int:
    return champion.epoch if champion else 0
