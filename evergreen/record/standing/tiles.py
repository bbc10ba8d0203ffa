"""Five questions that are asked every morning, each answered by the worst of its parts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from evergreen.decisions.alerts.incident import runbook
from evergreen.record.glances import Glance, Said
from evergreen.record.registry.history import Reign
from evergreen.record.standing.rows import Retrained, Rows
from evergreen.record.standing.values import Answering, Part, State, Tile, tile
from evergreen.record.standing.words import day, few

DONE_WITHIN = timedelta(days=1)  # a retraining that was decided, before somebody should look why it is not done
REFUSED_IN_A_ROW = 3
STOPPED = "See whether the source, or whoever sends requests, has stopped"
LOOK = "Look at a window: evergreen monitor, or keep evergreen up running, which looks by schedule"


@dataclass(frozen=True)
class Asked:
    """What the tiles are made of: who is champion, the ledger's rows, the time, and what a running service says."""

    reign: Reign
    rows: Rows
    at: datetime
    next_look: datetime | None
    answering: Answering | None

    @property
    def last(self) -> Glance | None:
        """The look at the last window, where it was at the present champion."""
        looks = self.rows.looks
        return looks[-1] if looks and looks[-1].version == self.reign.version else None


def tiles(asked: Asked) -> tuple[Tile, ...]:
    """Return the five."""
    return (
        tile("Serving", *_serving(asked)),
        tile("Data", *_data(asked)),
        tile("Harm", *_harm(asked)),
        tile("Freshness", *_freshness(asked)),
        tile("Decisions", *_decisions(asked)),
    )


def without_champion() -> tuple[Tile, ...]:
    """Return the five of a model that nobody has trained."""
    train, after = "Train a first version: evergreen run", "It follows by itself once there is a champion"
    return (
        tile("Serving", Part(name="champion", state="UNKNOWN", says="nothing was promoted yet", resolve=train)),
        tile("Data", Part(name="looks", state="UNKNOWN", says="no rows were looked at", resolve=after)),
        tile("Harm", Part(name="promise", state="UNKNOWN", says="nothing was promised yet", resolve=after)),
        tile("Freshness", Part(name="labels", state="UNKNOWN", says="no labels are waited for", resolve=after)),
        tile("Decisions", Part(name="decision", state="UNKNOWN", says="nothing was decided yet", resolve=after)),
    )


def without_ledger(answering: Answering, why: str) -> tuple[Tile, ...]:
    """Return the five while the ledger cannot be read, for which `why` gives the reason."""
    resolve = f"Bring the ledger back; it says: {why}"
    lacking = Part(name="ledger", state="UNKNOWN", says="the ledger cannot be read", resolve=resolve)
    champion = Part(name="champion", state="UNKNOWN", says="who is champion is not known", resolve=resolve)
    return (
        tile("Serving", *_service(answering, answering.version), champion),
        tile("Data", lacking),
        tile("Harm", lacking),
        tile("Freshness", lacking),
        tile("Decisions", lacking),
    )


def _serving(asked: Asked) -> Iterator[Part]:
    version = asked.reign.version
    yield Part(name="champion", state="OK", says=f"version {version} since {day(asked.reign.entry.at)}")
    if asked.answering:
        yield from _service(asked.answering, version)
    last = asked.last
    if last is None:
        return
    if last.source == "served":
        yield Part(name="traffic", state="OK", says=f"{last.rows:,} rows served in the last window")
    elif not last.rows:
        yield Part(name="traffic", state="NOTE", says="no rows came in the last window", resolve=STOPPED)
    else:
        yield Part(
            name="traffic",
            state="NOTE",
            says="nothing served in the last window",
            resolve="Looks take the source's rows until answers are logged: evergreen serve, or evergreen score",
        )


def _service(live: Answering, version: int) -> Iterator[Part]:
    """Yield what a running service says of itself, beside the version that should answer."""
    if live.version != version:
        resolve = "Its log says why it did not take the champion; POST /admin/reload has it tried again"
        says = f"the service answers with version {live.version}"
        yield Part(name="service", state="BAD", says=says, resolve=resolve)
    elif not live.ready:
        yield Part(name="service", state="BAD", says="the service is not ready", resolve="See /readyz and its log")
    else:
        yield Part(name="service", state="OK", says=f"{live.requests:,} requests since it started")


def _data(asked: Asked) -> Iterator[Part]:
    last = asked.last
    if last is None:
        yield _no_look(asked)
        return
    if not last.rows:
        yield Part(name="rows", state="UNKNOWN", says="no rows came in the last window", resolve=STOPPED)
        return
    broken = list(dict.fromkeys(fault.column for fault in last.faults.columns))
    said = {"none": "no column is broken", "fault": f"broken: {few(broken)}"}
    yield _part("faults", last.faults, said, {"none": "OK", "fault": "BAD"}, "Mend the columns where they come from")
    if last.source == "served":
        said = {"none": "served as trained on", "skew": "served values differ from those trained on"}
        resolve = "See how the caller makes these columns: evergreen monitor names them"
        yield _part("skew", last.skew, said, {"none": "OK", "skew": "BAD"}, resolve)
    moved = [column.name for column in last.shift.moved if column.verdict == "shifted"]
    n = f"{len(moved)} of {len(last.shift.columns)} columns shifted"
    resolve = "A shift alone harms nobody: see whether harm or the estimate moved too"
    yield _part(
        "shift",
        last.shift,
        {"steady": "columns are as before", "shifted": n},
        {"steady": "OK", "shifted": "NOTE"},
        resolve,
    )
    if last.quarantined:
        share = last.quarantined / max(last.rows, 1)
        yield Part(
            name="refused rows",
            state="NOTE",
            says=f"{last.quarantined:,} rows refused ({share:.1%})",
            resolve="They lie in quarantine with the rule that each broke",
        )


def _harm(asked: Asked) -> Iterator[Part]:
    last = asked.last
    if last is None:
        yield _no_look(asked)
        return
    harm = last.harm
    since = f" since {day(harm.since)}" if harm.since else ""
    said = {"kept": "the promise is kept", "broken": f"{harm.promise.loss} above the promise{since}"}
    states: dict[str, State] = {"kept": "OK", "broken": "BAD"}
    own = [look for look in asked.rows.looks if look.version == last.version]
    causes: tuple[str, ...] = next((names for look in reversed(own) if (names := look.explained)), ())
    named = few(causes)
    explained = f"Explained by {named}" if named else "Nothing explains it yet"
    resolve = f"{explained}; what to do: {runbook('harm')}"
    if harm.verdict == "broken" and harm.over:
        said["broken"], states["broken"] = f"was broken{since}, back under it now", "NOTE"
    if harm.verdict == "not enough data":
        said[harm.verdict] = f"{harm.n_labels:,} labels tell too little"
        more = harm.labels_to_notice
        resolve = f"{more:,} labels in all would tell" if more else "Labels: evergreen labels add, or POST /feedback"
    yield _part("promise", harm, said, states, resolve)
    if last.estimated.loss is not None:
        over = last.estimated.loss > harm.promise.at_most
        says = f"estimated {last.estimated.loss:.3f}, promised at most {harm.promise.at_most:.3f}"
        told = "Labels decide; an estimate is blind to concept drift" if over else None
        yield Part(name="estimate", state="NOTE" if over else "OK", says=says, resolve=told)
    if last.audit and last.audit.low is not None:
        over = last.audit.low > harm.promise.at_most
        says = "labels asked for at random say more than promised" if over else "labels asked for at random agree"
        yield Part(
            name="audit", state="BAD" if over else "OK", says=says, resolve=last.audit.evidence if over else None
        )


def _freshness(asked: Asked) -> Iterator[Part]:
    last = asked.rows.looks[-1] if asked.rows.looks else None
    if last is None:
        yield _no_look(asked)
        return
    yield labelled(asked.rows.looks)
    length, late = last.end - last.start, timedelta(days=1)
    ended = datetime.combine(last.end, datetime.min.time(), tzinfo=UTC)
    says = f"the last window ended {day(last.end - timedelta(days=1))}"
    if last.is_history:
        resolve = "Keep evergreen up running: it looks at what comes now"
        yield Part(name="looks", state="NOTE", says=f"history, walked as of {day(last.as_of)}", resolve=resolve)
    elif asked.at > ended + 2 * length + late:
        yield Part(name="looks", state="BAD", says=f"{says}; two more are over", resolve=LOOK)
    elif asked.at > ended + length + late:
        yield Part(name="looks", state="NOTE", says=f"{says}; one more is over", resolve=LOOK)
    else:
        yield Part(name="looks", state="OK", says=says)


def labelled(looks: Sequence[Glance]) -> Part:
    """Return until when labels are complete, and what the last window still lacks."""
    last, until = looks[-1], complete_until(looks)
    reached = f"labels complete to {day(until)}" if until else "no labels are complete yet"
    labels, bring = last.labels, "Bring them: evergreen labels add FILE, or POST /feedback"
    if labels.verdict == "complete":
        return Part(name="labels", state="OK", says=reached)
    if labels.verdict == "immature":
        due = labels.coverage is None or labels.needed is None or labels.coverage >= labels.needed
        if due:
            return Part(name="labels", state="OK", says=f"{reached}; later ones are not due yet")
        says = f"{reached}; {labels.coverage:.0%} of those that are due came"
        return Part(name="labels", state="NOTE", says=says, resolve=bring)
    if labels.verdict == "none":
        return Part(name="labels", state="UNKNOWN", says=f"{reached}; none of the last window", resolve=bring)
    if labels.verdict == "no traffic":
        resolve = "There is nothing to label: see whether rows still come"
        return Part(name="labels", state="NOTE", says=f"{reached}; no rows since", resolve=resolve)
    return Part(name="labels", state="UNKNOWN", says=f"{reached}; not believed", resolve=labels.evidence)


def complete_until(looks: Sequence[Glance]) -> date | None:
    """Return the last day whose labels were complete at any look."""
    reached = [look.labels.watermark for look in looks if look.labels.watermark]
    return max(((at - timedelta(seconds=1)).date() for at in reached), default=None)


def _decisions(asked: Asked) -> Iterator[Part]:
    last = asked.rows.looks[-1] if asked.rows.looks else None
    if last is None:
        yield _no_look(asked)
        return
    decision = last.decision
    done = next((one for one in asked.rows.retrained if one.incident == last.incident), None)
    if decision.circuit_open:
        resolve = "Somebody has to look: evergreen retrain --reason WHY closes the circuit"
        yield Part(name="circuit", state="BAD", says="retraining has stopped: it did not help", resolve=resolve)
    if decision.retrain and not done:
        waits = asked.at - last.recorded
        says = f"retraining is due since {day(last.recorded)}"
        resolve = "evergreen retrain, or keep evergreen up running"
        yield Part(name="due", state="BAD" if waits > DONE_WITHIN else "NOTE", says=says, resolve=resolve)
    elif decision.unknown and not decision.triggers:
        resolve = "; ".join(decision.would_change) or decision.summary
        yield Part(name="decision", state="UNKNOWN", says="a reason could not be judged", resolve=resolve)
    elif done:
        yield _done(done, asked.rows.retrained)
    else:
        held = decision.triggers and not decision.circuit_open
        says = f"held back: {', '.join(decision.triggers)}" if held else "nothing to do after the last window"
        yield Part(
            name="decision", state="NOTE" if held else "OK", says=says, resolve=decision.summary if held else None
        )
    for one in asked.rows.incidents:
        if one.kind == "approval-waiting" and one.is_open:
            yield Part(name="approval", state="NOTE", says=one.evidence, resolve=one.next_step)


def _done(done: Retrained, retrained: Sequence[Retrained]) -> Part:
    outcome = done.outcome
    if outcome.verdict == "promoted":
        return Part(name="decision", state="OK", says=f"version {outcome.version} was trained and promoted")
    if outcome.verdict == "proposed":
        return Part(name="decision", state="OK", says=f"version {outcome.version} was trained and proposed")
    refused = 0
    for one in reversed(retrained):
        if one.outcome.verdict != "refused":
            break
        refused += 1
    state: State = "BAD" if refused >= REFUSED_IN_A_ROW else "NOTE"
    says = f"the gate refused the last {refused} retrainings" if refused > 1 else "the gate refused the retraining"
    return Part(name="decision", state=state, says=says, resolve="What each check saw: evergreen why refusal")


def _part(name: str, found: Said, says: dict[str, str], states: dict[str, State], resolve: str) -> Part:
    """Return a signal as a part; a verdict without a state of its own is UNKNOWN, and its evidence says why."""
    state = states.get(found.verdict, "UNKNOWN")
    said = says.get(found.verdict, found.verdict)
    if state == "UNKNOWN":
        resolve = resolve if found.verdict in says else found.evidence
    return Part(name=name, state=state, says=said, resolve=None if state == "OK" else resolve)


def _no_look(asked: Asked) -> Part:
    if not asked.rows.looks:
        return Part(name="looks", state="UNKNOWN", says="no window was looked at yet", resolve=LOOK)
    when = f"; the next one is due {asked.next_look:%Y-%m-%d %H:%M} UTC" if asked.next_look else ""
    says = f"no look at version {asked.reign.version} yet"
    return Part(name="looks", state="UNKNOWN", says=says, resolve=f"{LOOK}{when}")
