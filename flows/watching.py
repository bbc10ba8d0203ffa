"""What a look at a window finds: a verdict for each signal, and what explains them."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.values import digest_of
from evergreen.decisions.automation import kept
from evergreen.decisions.drift import causes
from evergreen.decisions.drift.causes import Cause
from evergreen.decisions.drift.faults.verdict import Fault
from evergreen.decisions.drift.guarded import guarded
from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.drift.harm.watch import watch as watch_promise
from evergreen.decisions.retrain.decision import hangs_on_probe
from evergreen.decisions.retrain.ladder import Probed
from evergreen.project import Project
from evergreen.record import degree
from evergreen.record.looks import Look, Signals, known_days
from evergreen.record.outcomes import VersionFacts
from flows.explaining import evidence_of
from flows.gathering import Rows, rows_of
from flows.probing import probe_of
from flows.recorder import Recorder
from tasks.drift import Drifted, drift
from tasks.estimate import estimate
from tasks.fresh import Fresh, fresh
from tasks.performance import Measured, performance
from tasks.reference import reference
from tasks.skew import skew

SLIDING = 3  # windows before, which the sliding reference is made of


def watch(
    project: Project,
    champion: VersionFacts,
    start: date,
    end: date,
    *,
    as_of: datetime,
    known_until: date,
    earlier: Sequence[Look],
    spares: bool = False,
    do: Recorder,
) -> Signals:
    """Return what the signals say of a window.

    Parameters
    ----------
    known_until : the day after the last one of which a training may know the labels.
    earlier : the looks that decide of the model's windows, by period.
    spares : do not probe what no decision by the policy hangs on.
    """
    window = project.for_period(start, end)
    frozen = reference_of(project, champion, do)
    found, source = rows_of(window, champion, as_of=as_of, do=do)
    own = [
        look
        for look in earlier
        if look.version == champion.version and (look.start, look.end) != (start, end) and look.as_of <= as_of
    ]
    seen = compare(
        window, champion, found, frozen=frozen, before=[o for o in own if o.start < start], as_of=as_of, do=do
    )
    at_source = source if found.source == "served" else None
    measured = judged(window, champion, found, frozen=frozen, as_of=as_of, do=do, source=at_source)
    promised = measured.promise.loss, measured.promise.scale
    alike = [look for look in own if (look.harm.promise.loss, look.harm.promise.scale) == promised]
    days = {day.day: day for day in (*known_days(alike), *measured.days)}
    harm = kept_or_broken(days.values(), measured.promise, alpha=project.params.harm.alpha)
    automatic = automatic_of(project, own, measured)
    estimated = do(
        estimate,
        found.answers,
        rows=found.answered,
        reference=frozen,
        ws=project.workspace,
        contract=project.contract,
        threshold=champion.threshold,
        harm=project.params.harm,
        confidence=project.params.gate.confidence,
        before=as_of,
        seed=project.params.seed,
    )
    skewed = do(
        skew,
        found.answered if found.source == "served" else None,
        source=source,
        ws=project.workspace,
        contract=project.contract,
    )
    refitted = guarded(
        lambda: fresh_of(project, champion, found, measured=measured, harm=harm, do=do),
        lambda why: Fresh(evidence=f"a fresh model {why}"),
    )
    probed = None
    if seen.faults.verdict != "fault" and (not spares or hangs_on_probe(project.params.retrain, harm)):
        probed = guarded(
            lambda: probe_of(project, champion, known_until=known_until, harm=harm, do=do),
            lambda why: Probed(evidence=f"the probe failed: it {why}", failed=True),
        )
    age = (end - champion.data_end).days if champion.data_end else None
    evidence = evidence_of(
        seen,
        skewed,
        harm,
        measured,
        estimated=estimated,
        fresh=refitted,
        own=alike,
        start=start,
        age_days=age,
    )
    refs = [found.rows, found.answers]
    return Signals(
        source=found.source,
        rows=found.n,
        quarantined=found.quarantined,
        data=digest_of([*(ref and ref.sha256 for ref in refs), found.refused, measured.judged.sha256]),
        shift=seen.shift,
        recent=seen.recent,
        faults=seen.faults,
        skew=skewed,
        labels=measured.labels,
        performance=measured.performance,
        estimated=estimated,
        audit=measured.audit,
        harm=harm,
        automatic=automatic,
        causes=guarded(lambda: causes.name(evidence), lambda why: (Cause(name="unknown", evidence=why),)),
        probed=probed,
        days=measured.days,
        automatic_days=measured.automatic,
        profile=seen.profile,
        report=str(project.workspace.path(seen.picture)) if seen.picture else None,
    )


def automatic_of(project: Project, own: Iterable[Look], measured: Measured) -> Harm | None:
    """Return whether automatic answers keep what the contract promises of them, since the model was let give some.

    None where it promises nothing, or a person decides every row.
    """
    began = degree.automatic_since(project.ledger(), project.name)
    if project.decision is None or began is None:
        return None
    first = began.astimezone(ZoneInfo(project.contract.timezone)).date()
    days = {day.day: day for day in (*known_days(own, "automatic_days"), *measured.automatic)}
    since = [day for day in days.values() if day.day >= first]
    error, alpha = project.decision.error, project.params.harm.alpha
    return guarded(
        lambda: kept.watch(since, error=error, alpha=alpha),
        lambda why: Harm(verdict="unknown", evidence=why, promise=kept.promise_of(error), limit=1 / alpha),
    )


def kept_or_broken(days: Iterable[Day], promise: Promise, *, alpha: float) -> Harm:
    """Return whether a promise is kept, "unknown" if the test throws."""
    return guarded(
        lambda: watch_promise(days, promise, alpha=alpha),
        lambda why: Harm(verdict="unknown", evidence=why, promise=promise, limit=1 / alpha),
    )


def reference_of(project: Project, champion: VersionFacts, do: Recorder) -> FolderRef:
    """Return what a version is compared with; made now, of one that was registered without."""
    if champion.reference:
        return champion.reference
    made = do(
        reference,
        champion.artifact,
        train=champion.train,
        proof=champion.proof,
        threshold=champion.threshold,
        ws=project.workspace,
        params=project.params.drift,
        seed=project.params.seed,
    )
    return made.folder


def compare(
    window: Project,
    champion: VersionFacts,
    found: Rows,
    *,
    frozen: FolderRef,
    before: Sequence[Look],
    as_of: datetime,
    do: Recorder,
) -> Drifted:
    """Return what the rows of a window say without labels; a source that could not be read is a fault itself."""
    p = window.params.ingest
    assert p.start is not None
    assert p.end is not None
    seen = do(
        drift,
        found.rows,
        answers=found.answers,
        reference=frozen,
        train=champion.train,
        earlier=tuple(look.shift for look in before),
        sliding=tuple(look.profile for look in before[-SLIDING:] if look.profile),
        window=f"{p.start}-{p.end}",
        before=as_of,
        judged_from=judged_from(champion, p.start),
        end=p.end,
        today=window.today(),
        ws=window.workspace,
        contract=window.contract,
        params=window.params.drift,
        seed=window.params.seed,
    )
    if not found.refused:
        return seen
    code, _, what = found.refused.partition(": ")
    broken = Fault(column=code, kind="refused", evidence=what, share=1.0)
    told = [seen.faults.evidence] if seen.faults.verdict == "fault" else []
    faults = seen.faults.model_copy(
        update={
            "verdict": "fault",
            "evidence": "; ".join([*told, found.refused]),
            "columns": (*seen.faults.columns, broken),
        }
    )
    if found.rows:
        return seen.model_copy(update={"faults": faults})
    unread = seen.shift.model_copy(update={"verdict": "unknown", "evidence": f"unknown: {found.refused}"})
    return seen.model_copy(update={"faults": faults, "shift": unread})


def judged(
    window: Project,
    version: VersionFacts,
    found: Rows,
    *,
    frozen: FolderRef,
    as_of: datetime,
    do: Recorder,
    source: TableRef | None = None,
) -> Measured:
    """Return what the labels say that are known, of the days that the version has not seen.

    Parameters
    ----------
    source : the source's rows, where others were served: what they know of labels counts too.
    """
    p = window.params.ingest
    assert p.start is not None
    assert p.end is not None
    return do(
        performance,
        found.answers,
        reference=frozen,
        rows=found.answered if source else None,
        source=source,
        said=found.said,
        refused=found.refused,
        ws=window.workspace,
        contract=window.contract,
        threshold=version.threshold,
        confidence=window.params.gate.confidence,
        harm=window.params.harm,
        labels=window.params.labels,
        start=judged_from(version, p.start),
        end=p.end,
        as_of=as_of,
    )


def judged_from(version: VersionFacts, start: date) -> date:
    """Return the first day of a window that a version has not seen."""
    return max(start, version.data_end or start)


def fresh_of(
    project: Project, champion: VersionFacts, found: Rows, *, measured: Measured, harm: Harm, do: Recorder
) -> Fresh | None:
    """Return whether a fresh model does better, where a promise is broken and the window has what to fit one on."""
    if harm.verdict != "broken" or harm.since is None or found.answered is None or found.answers is None:
        return None
    return do(
        fresh,
        found.answered,
        answers=found.answers,
        judged=measured.judged,
        artifact=champion.artifact,
        promise=measured.promise,
        threshold=champion.threshold,
        since=harm.since,
        ws=project.workspace,
    )
