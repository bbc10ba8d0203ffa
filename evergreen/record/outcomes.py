"""What a training answers and what the ledger keeps of a version: JSON-sized, the same through every door."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.values import Value
from evergreen.decisions.gate.campaign import Asked, Level, Rule
from evergreen.decisions.gate.check import Check
from evergreen.decisions.gate.verdict import Answer, Judged, Sees
from evergreen.record.ledger.ledger import Ledger


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
    """A candidate and the gate's answer; `version` and `promoted_at` are None when it was refused.

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
    verdict: Literal["promoted", "refused"]
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


class TrainingOutcome(Judgement):
    """What a training run ends with.

    `analysis`: "attached" to the candidate's run, or why it could not be made; None where none is wanted.
    """

    steps: tuple[StepRun, ...]
    analysis: str | None = None


class VersionFacts(Value):
    """What the ledger keeps of a registered version: enough to serve, score, monitor, compare and prove it.

    `data_end`: the day after its last row, None for a table without time; `split`: the rule that drew its train rows
    then, as `features.Split.rule`. `recipe`: the digest of what it was made of but rows. `rows_end`: the day after
    the last labelled row. `as_judged`: the model that the gate measured, where `artifact` is its sibling that was
    fitted on the gate rows too. `proof`: the folder of what it was judged on; `package`: the digest of its package's
    manifest; `author`: of the commit that it was trained from, as ``Name <address>``. None of versions from before
    these were kept.
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
    package: str | None = None
    author: str | None = None

    @property
    def measured(self) -> FolderRef:
        """The model that the gate measured, which has not seen its gate rows."""
        return self.as_judged or self.artifact


def version_facts(ledger: Ledger, model: str, version: int) -> VersionFacts | None:
    """Return what was known of a version when it was last promoted; None if it never was."""
    promotions = [entry.payload for entry in ledger.entries(model, "promotion") if entry.payload["version"] == version]
    if not promotions:
        return None
    return _facts(promotions[-1])


def _facts(promotion: Mapping[str, Any]) -> VersionFacts:
    known = {key: promotion[key] for key in VersionFacts.model_fields if key in promotion}
    return VersionFacts.model_validate(known)


def former_facts(ledger: Ledger, model: str, *, at_most: int) -> tuple[VersionFacts, ...]:
    """Return what is known of champions before the present one, since a lineage was begun: the best, then the latest.

    The best is that of which the gates' gains, each over the champion before, add up to most: a row of small losses
    does not hide it. Versions of one model count once, and those of the champion's own not at all.
    """
    begun = {entry.key for entry in ledger.entries(model, "lineage")}
    strengths: dict[str, float] = {}
    promotions: dict[str, VersionFacts] = {}
    strength = 0.0
    for entry in ledger.entries(model, "promotion"):
        facts = _facts(entry.payload)
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
    return tuple(Asked(at=entry.at, **entry.payload) for entry in ledger.entries(model, "gate") if entry.key != but)


def champion_facts(ledger: Ledger, model: str) -> VersionFacts | None:
    """Return what is known of a model's champion; None before the first promotion."""
    champion = ledger.champion(model)
    return version_facts(ledger, model, champion.version) if champion else None
