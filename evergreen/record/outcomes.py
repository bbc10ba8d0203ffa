"""What a training answers and what the ledger keeps of a version: JSON-sized, the same through every door."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.values import Value
from evergreen.decisions.gate.campaign import Asked, Level, Rule
from evergreen.decisions.gate.check import Check
from evergreen.decisions.gate.doubts import doubts_of
from evergreen.decisions.gate.verdict import Answer, Judged, Sees
from evergreen.record.ledger.chain import CHANGES, Entry
from evergreen.record.ledger.ledger import Ledger

V = TypeVar("V", bound=Value)
GATE = "gate"  # who promotes where no person did
REGISTERED = ("version", *CHANGES)  # the kinds of entries that hold a version's facts


class StepRun(Value):
    """One step of a run; `cached` when its result was already recorded.

    `seconds` by the clock; `cpu_seconds` of this process and those it started; `rss_mb`: the most memory that they held
    at once, in MB. None where nothing was measured.
    """

    name: str
    cached: bool
    seconds: float
    cpu_seconds: float | None = None
    rss_mb: float | None = None


class Judgement(Value):
    """A candidate and the gate's answer; `version` and `promoted_at` are None when the gate refused it.

    `verdict`: "proposed" of a version that passed the gate and is not in service: it waits for a person, or is tried on
    the traffic by the rollout that is named by `rollout`.
    `data_digest` is of the rows as they were ingested, `code_digest` of the first-party code that the steps reach,
    `params_digest` of every parameter. `gate`, `rule`, `candidates`, `sees`, `level` and `uses` are as in the gate's
    `Verdict`; None or empty of a version that was judged before the gate said them. `refit_of`: the digest of the model
    that was judged, where `model_digest` is one that was fitted on the gate rows too.
    """

    model: str
    version: int | None
    model_digest: str
    data_digest: str
    code_digest: str
    params_digest: str
    verdict: Literal["promoted", "refused", "proposed"]
    metrics: dict[str, float]
    baseline_metrics: dict[str, float]
    promoted_at: datetime | None
    reason: str
    checks: tuple[Check, ...]
    gate: Answer | None = None
    rule: Rule | None = None
    candidates: tuple[Judged, ...] = ()
    sees: Sees | None = None
    level: Level | None = None
    uses: int = 1
    refit_of: str | None = None
    rollout: str | None = None

    @property
    def doubts(self) -> tuple[str, ...]:
        """What speaks against believing the version that the gate took; empty of a candidate that it refused."""
        return () if self.version is None else doubts_of(self.checks)


class TrainingOutcome(Judgement):
    """What a training run ends with.

    `analysis`: "attached" to the candidate's run, or why it could not be made; None where none is wanted.
    `waits_until`: of a version that was proposed, when nobody's answer becomes a rejection; None: never.
    `warnings`: the `doubts`.
    """

    steps: tuple[StepRun, ...]
    analysis: str | None = None
    waits_until: datetime | None = None
    warnings: tuple[str, ...] = ()


class VersionFacts(Value):
    """What the ledger keeps of a registered version: enough to serve, score, monitor, compare and prove it.

    `data_end`: the day after its last row, None for a table without time; `split`: the rule that drew its train rows
    then, as `features.Split.rule`. `recipe`: the digest of what it was made of but rows. `rows_end`: the day after
    the last labelled row. `as_judged`: the model that the gate measured, where `artifact` is its sibling that was
    fitted on the gate rows too. `proof`: the folder of what it was judged on; `reference`: of
    what its rows and answers were like, which it is watched against, None of a table without time; `package`: the
    digest of its package's manifest; `author`: of the commit that it was trained from, as ``Name <address>``;
    `summary`: of its card, in Markdown. None of versions from before these were kept.
    """

    version: int
    judged: Judgement
    candidate: str
    artifact: FolderRef
    train: TableRef
    data_end: date | None
    split: str | None = None
    threshold: float
    run_id: str
    bento: str
    recipe: str | None = None
    rows_end: date | None = None
    as_judged: FolderRef | None = None
    proof: FolderRef | None = None
    reference: FolderRef | None = None
    package: str | None = None
    author: str | None = None
    summary: str | None = None

    @property
    def measured(self) -> FolderRef:
        """The model that the gate measured, which has not seen its gate rows."""
        return self.as_judged or self.artifact

    def promoted(self, at: datetime) -> "VersionFacts":
        """Return the facts of the version as it comes into service."""
        judged = self.judged.model_copy(update={"verdict": "promoted", "promoted_at": at})
        return self.model_copy(update={"judged": judged})


def directly(direct: bool) -> dict[str, bool]:
    """Return what a promotion keeps of a switch of all traffic at once, without shadow and canary."""
    return {"direct": True} if direct else {}


def version_facts(ledger: Ledger, model: str, version: int) -> VersionFacts | None:
    """Return what is known of a version: as it came into service last, or else as it was registered.

    None if it never was. Of before versions were recorded as they are registered, those are known that were promoted.
    """
    entry = registered(ledger, model, version)
    return _facts(ledger, entry) if entry else None


def registered(ledger: Ledger, model: str, version: int) -> Entry | None:
    """Return the entry that holds what is known of a version, as `version_facts` chooses it."""
    known = [entry for entry in ledger.entries(model, *REGISTERED) if entry.payload.get("version") == version]
    return max(known, key=_rank, default=None)


def _rank(entry: Entry) -> tuple[bool, int]:
    return entry.kind in CHANGES, entry.seq


def _facts(ledger: Ledger, entry: Entry) -> VersionFacts:
    return of_entry(ledger, entry, VersionFacts)


def of_entry(ledger: Ledger, entry: Entry, kind: type[V], **more: Any) -> V:
    """Return what an entry holds, and `more`, as a value; what stands beside it in the entry is left out.

    Raises
    ------
    IntegrityError if the entry does not hold such a value.
    """
    try:
        known = {key: entry.payload[key] for key in kind.model_fields if key in entry.payload}
        return kind.model_validate({**known, **more})
    except ValidationError as error:
        fault = error.errors()[0]
        at = ".".join(map(str, fault["loc"]))
        raise ledger.broken(
            f"entry {entry.seq} of the ledger ({entry.kind} of {entry.model}) is no {kind.__name__}: "
            f"{at}: {fault['msg']}"
        ) from error


def standing(changes: Iterable[Entry]) -> list[Entry]:
    """Return the promotions that stand, oldest first, each on top of the one that it replaced; the last is champion's.

    A promotion is put on top; a rollback takes away what was promoted after the version that it returns to.
    """
    stack: list[Entry] = []
    for entry in changes:
        stand(stack, entry)
    return stack


def stand(stack: list[Entry], change: Entry) -> None:
    """Let a change of the champion follow on what stood before it; the rest as in `standing`."""
    version = change.payload["version"]
    if change.kind == "rollback" and any(below.payload["version"] == version for below in stack):
        while stack[-1].payload["version"] != version:
            stack.pop()
    else:
        stack.append(change)


def below(stack: Sequence[Entry], rejected: Collection[int]) -> list[int]:
    """Return the versions below the champion that it can be rolled back to, the nearest last."""
    versions = [int(entry.payload["version"]) for entry in stack]
    return [version for version in versions[:-1] if version != versions[-1] and version not in rejected]


def former_facts(ledger: Ledger, model: str, *, at_most: int) -> tuple[VersionFacts, ...]:
    """Return what is known of champions before the present one, since a lineage was begun: the best, then the latest.

    One that was rolled back is none of them.
    The best is that of which the gates' gains, each over the champion before, add up to most: a row of small losses
    does not hide it. Versions of one model count once, and those of the champion's own not at all.
    """
    begun = {entry.key for entry in ledger.entries(model, "lineage")}
    strengths: dict[str, float] = {}
    promotions: dict[str, VersionFacts] = {}
    strength = 0.0
    for entry in standing(ledger.changes(model)):
        facts = _facts(ledger, entry)
        if facts.candidate in begun:
            strengths, promotions, strength = {}, {}, 0.0
        strength += _gain(facts)
        promotions.pop(facts.measured.sha256, None)
        strengths[facts.measured.sha256], promotions[facts.measured.sha256] = strength, facts
    if promotions:
        promotions.popitem()  # the champion's own model
    best = max(promotions, key=strengths.__getitem__, default=None)
    chosen = [digest for digest in (best, *(other for other in reversed(promotions) if other != best)) if digest]
    return tuple(promotions[digest] for digest in chosen[:at_most])


def _gain(facts: VersionFacts) -> float:
    """Return the gain over the champion before that a gate measured; 0 where it measured none."""
    gains = [check.evidence.get("gain") for check in facts.judged.checks if check.name == "champion"]
    return sum(gain for gain in gains if isinstance(gain, float))


def gates_asked(ledger: Ledger, model: str, *, but: str | None = None) -> tuple[Asked, ...]:
    """Return every gate that was asked of a model, in order, but that of the candidate `but`."""
    return tuple(
        of_entry(ledger, entry, Asked, at=entry.at) for entry in ledger.entries(model, "gate") if entry.key != but
    )


def champion_facts(ledger: Ledger, model: str) -> VersionFacts | None:
    """Return what is known of a model's champion; None before the first promotion."""
    champion = ledger.champion(model)
    return version_facts(ledger, model, champion.version) if champion else None
