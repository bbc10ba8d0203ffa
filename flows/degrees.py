"""Who decides on a model's answers: thresholds for each version, what earns the next degree, and what takes one away.

Plain calls, which need no engine; a training has its version's threshold made by its own recorder.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from evergreen.base.errors import ConfigError, GateRefused, LostRace
from evergreen.base.values import Value
from evergreen.config.contract.decision import DecisionPolicy, Degree
from evergreen.decisions.automation.bars import Bar, bar
from evergreen.decisions.automation.degrees import Automation, begins, is_below
from evergreen.decisions.automation.selective import Selective, judge
from evergreen.decisions.automation.thresholds import Sure
from evergreen.project import Project
from evergreen.record import decided, degree
from evergreen.record.ledger.chain import Entry
from evergreen.record.outcomes import VersionFacts
from evergreen.record.registry.people import Person
from flows.recorder import Recorder
from tasks.sure import sure

log = logging.getLogger(__name__)
ASKED = "degree_asked"  # the kind of entries that keep a bar which was missed; their keys count from 1
MOST_KEPT = 20  # thresholds of versions, the newest
TRIES = 3  # of a change that somebody else makes at the same time
Because = dict[str, Any]


class Standing(Value):
    """Who decides on a model's answers now, what the log says of it, and what stands before the next degree.

    `degree`: None where no policy ever held, and the model answers every row. `since`, `by`, `reason`: of the change to
    it. `threshold`: the champion's, from which sureness on its answers are automatic, and the `evidence` for it.
    `n_rows`: that the champion answered at this degree; `decided`: by who decides them. `partial`: what is known of
    automatic answers, at that degree. `bar`: None where there is no next degree.
    """

    model: str
    version: int
    degree: Degree | None
    highest: Degree | None
    error: float | None
    since: datetime | None = None
    by: str | None = None
    reason: str | None = None
    threshold: float | None = None
    evidence: str = ""
    n_rows: int = 0
    decided: Mapping[str, int] = {}
    partial: Selective | None = None
    bar: Bar | None = None
    missed: int = 0


def prepare(project: Project, facts: VersionFacts, do: Recorder) -> None:
    """Give a version its threshold before it can be champion; the first version under a policy begins a degree."""
    if project.decision is None:
        return
    chosen = do(
        sure,
        facts.proof,
        threshold=facts.threshold,
        ws=project.workspace,
        contract=project.contract,
        policy=project.decision,
    )
    _with_threshold(project, facts, chosen, by="training", reason=f"version {facts.version} was registered")


def renew(project: Project, person: Person) -> Standing:
    """Choose the champion's threshold again, by the contract as it is now; who decides stays as it is.

    Raises
    ------
    ConfigError without a policy or a champion, or if what stands is above the highest degree of the policy.
    """
    policy, facts = _policy(project), project.champion()
    last = degree.last_entry(project.ledger(), project.name)
    if last and is_below(policy.degree, degree.automation_of(last).degree):
        raise ConfigError(
            "DEG003",
            f"the degree is {degree.automation_of(last).degree}, and decision.degree allows {policy.degree} at most",
            where="contract",
            next_step=f'Lower it: evergreen degree lower {policy.degree} --by NAME --reason "why"',
        )
    _with_threshold(project, facts, _sure(project, policy, facts), by=person.by, reason=person.reason)
    return standing(project)


def lift(project: Project, person: Person) -> Standing:
    """Raise the degree by one, if the present one has met its bar.

    Raises
    ------
    ConfigError without a policy or a champion, where nothing stands yet, or if there is no next degree.
    GateRefused if the bar is missed: that is recorded, and the next look at it may err less.
    LostRace if somebody else changed it meanwhile.
    """
    policy, facts, ledger = _policy(project), project.champion(), project.ledger()
    last = degree.last_entry(ledger, project.name)
    if last is None:
        raise ConfigError(
            "DEG002",
            f"no degree of automation holds for '{project.name}' yet: the model answers every row",
            where="ledger",
            next_step=f'Begin with one: evergreen degree lower {begins(policy)} --by NAME --reason "why"',
        )
    found = standing(project)
    if found.bar is None:
        raise ConfigError(
            "DEG003",
            f"the degree is {found.degree}, and decision.degree allows {policy.degree} at most",
            where="contract",
            next_step="Allow a higher one in the contract, and have that reviewed.",
        )
    if not found.bar.met:
        asked = {"degree": found.degree, "after": last.key, "by": person.by, "bar": found.bar.model_dump(mode="json")}
        ledger.record(project.name, ASKED, str(len(ledger.entries(project.name, ASKED)) + 1), asked)
        raise GateRefused(
            "DEG001",
            f"{found.degree} has not met the bar to {found.bar.degree}: {found.bar.evidence}",
            where="ledger",
            next_step="Wait for more labels, and see how it stands: evergreen degree show",
        )
    chosen = _sure(project, policy, facts)
    automation = _automation(project, found.bar.degree, degree.automation_of(last), facts, chosen)
    because = {"by": person.by, "reason": person.reason, "evidence": found.bar.evidence, **_told(facts, chosen)}
    degree.change(ledger, project.name, automation, after=last, because=because)
    return standing(project)


def lower(project: Project, to: Degree, person: Person) -> Standing:
    """Leave more to people, which is always allowed, or begin with a degree where none holds yet.

    Raises
    ------
    ConfigError without a policy or a champion, or if `to` is above what stands or what the policy allows.
    """
    policy, facts, ledger = _policy(project), project.champion(), project.ledger()
    last = degree.last_entry(ledger, project.name)
    now: Degree = degree.automation_of(last).degree if last else "auto"
    if is_below(now, to) or (is_below(policy.degree, to) and last is None):
        raise ConfigError(
            "DEG004",
            f"{to} leaves less to people than {now if last else policy.degree}, "
            + ("which holds" if last else "which is the highest that decision.degree allows"),
            where="command line",
            next_step='Earn it: evergreen degree raise --by NAME --reason "why"',
        )
    chosen = _sure(project, policy, facts)
    automation = _automation(project, to, degree.automation_of(last) if last else None, facts, chosen)
    because = {"by": person.by, "reason": person.reason, **_told(facts, chosen)}
    degree.change(ledger, project.name, automation, after=last, because=because)
    return standing(project)


def standing(project: Project) -> Standing:
    """Return who decides now, and what stands before the next degree; raises ConfigError without a champion."""
    facts, ledger, policy = project.champion(), project.ledger(), project.decision
    entries = ledger.entries(project.name, degree.DEGREE)
    highest, error = (policy.degree, policy.error) if policy else (None, None)
    found = Standing(model=project.name, version=facts.version, degree=None, highest=highest, error=error)
    if not entries:
        return found
    automation, began = degree.automation_of(entries[-1]), _began(entries)
    least = automation.sure_from.get(facts.artifact.sha256)
    seen = decided.read(
        project.settings.predictions,
        project.contract,
        version=facts.version,
        since=began.at,
        until=datetime.now(UTC) - timedelta(days=project.contract.label_delay_days),
        people=policy.people if policy else None,
    )
    own = seen.by_any(*_deciders(automation.degree))
    counts = {by: own.by.count(by) for by in sorted(set(own.by))}
    missed = sum(entry.payload["degree"] == automation.degree for entry in ledger.entries(project.name, ASKED))
    ahead = bar(automation.degree, policy, own, least=least, looks=missed) if policy else None
    update = {
        "degree": automation.degree,
        "since": began.at,
        "by": began.payload["by"],
        "reason": began.payload["reason"],
        "threshold": least,
        "evidence": _evidence(entries, facts),
        "n_rows": len(own),
        "decided": counts,
        "partial": judge(own, confidence=automation.confidence) if automation.degree == "partial" else None,
        "bar": ahead,
        "missed": missed,
        "error": automation.error,
    }
    return found.model_copy(update=update)


def take_away(project: Project, why: str) -> Entry | None:
    """Leave every decision to people, because a promise was broken; None where they decide already."""
    ledger = project.ledger()

    def people(last: Entry | None) -> tuple[Automation, Because] | None:
        if last is None or not is_below("assist", degree.automation_of(last).degree):
            return None
        automation = degree.automation_of(last).model_copy(update={"degree": "assist"})
        return automation, {"by": "monitor", "reason": why}

    return _change(project, people) if degree.last_entry(ledger, project.name) else None


def _deciders(of: Degree) -> tuple[Any, ...]:
    return {"partial": ("automatic", "audit", "unsure"), "auto": ("automatic",)}.get(of, (of,))


def _began(entries: list[Entry]) -> Entry:
    """Return the change with which the present degree began; thresholds may have been added to it since."""
    began = entries[-1]
    for entry in reversed(entries):
        if degree.automation_of(entry).degree != degree.automation_of(began).degree:
            break
        began = entry
    return began


def _evidence(entries: list[Entry], facts: VersionFacts) -> str:
    """Return what the champion's threshold was chosen on last."""
    own = [entry.payload["sure"] for entry in entries if entry.payload.get("sure", {}).get("version") == facts.version]
    return str(own[-1]["evidence"]) if own else "the champion has no threshold of its own yet"


def _policy(project: Project) -> DecisionPolicy:
    if project.decision is None:
        raise ConfigError(
            "DEG002",
            f"the contract of '{project.name}' says nothing of who decides",
            where="contract",
            next_step="Say it there, such as decision: {degree: partial, error: 0.02}.",
        )
    return project.decision


def _sure(project: Project, policy: DecisionPolicy, facts: VersionFacts) -> Sure:
    made: Sure = sure.fn(
        facts.proof, threshold=facts.threshold, ws=project.workspace, contract=project.contract, policy=policy
    )
    return made


def _told(facts: VersionFacts, chosen: Sure) -> Because:
    return {"sure": {"version": facts.version, **chosen.model_dump(mode="json")}}


def _with_threshold(project: Project, facts: VersionFacts, chosen: Sure, *, by: str, reason: str) -> None:
    """Keep a version's threshold beside those of others; who decides stays as it is, or begins."""
    policy = _policy(project)

    def known(last: Entry | None) -> tuple[Automation, Because]:
        before = degree.automation_of(last) if last else None
        automation = _automation(project, before.degree if before else begins(policy), before, facts, chosen)
        return automation, {"by": by, "reason": reason, **_told(facts, chosen)}

    _change(project, known)


def _automation(
    project: Project, to: Degree, before: Automation | None, facts: VersionFacts, chosen: Sure
) -> Automation:
    """Return who decides from now on, by the policy as it is now, with the thresholds of the newest versions."""
    policy = _policy(project)
    others = (
        before.sure_from if before and (before.error, before.confidence) == (policy.error, policy.confidence) else {}
    )
    known = {**others, facts.artifact.sha256: chosen.least}
    versions = project.ledger().entries(project.name, "version")[-MOST_KEPT:]
    newest = {entry.payload["artifact"]["sha256"] for entry in versions} | {facts.artifact.sha256}
    return Automation(
        degree=to,
        error=policy.error,
        confidence=policy.confidence,
        audit=policy.audit,
        sure_from={digest: least for digest, least in known.items() if digest in newest},
    )


def _change(project: Project, make: Callable[[Entry | None], tuple[Automation, Because] | None]) -> Entry | None:
    """Make a change of what stands last, again where somebody else was faster."""
    for tried in range(TRIES):
        last = degree.last_entry(project.ledger(), project.name)
        made = make(last)
        if made is None:
            return None
        try:
            return degree.change(project.ledger(), project.name, made[0], after=last, because=made[1])
        except LostRace:
            if tried + 1 == TRIES:
                raise
    return None
