"""How two versions differ: parameters, data, code and metrics, as their facts and their proofs say it."""

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from evergreen.base.values import Value
from evergreen.record.outcomes import VersionFacts

if TYPE_CHECKING:  # it brings pandas, and who passes a proof has it
    from evergreen.record.registry.proof import Proof

Pair = tuple[Any, Any]
INTERVAL = re.compile(r"\[([+-][\d.]+), ([+-][\d.]+)\]")  # of a gain, as the champion check writes it


class Known(NamedTuple):
    """What is known of a version; no proof of one that was registered before there were any."""

    facts: VersionFacts
    proof: "Proof | None"


class Columns(Value):
    """How the columns of two contracts differ. `retyped`: their types in both, by name."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: dict[str, tuple[str, str]] = Field(default_factory=dict)


class DataDifference(Value):
    """The rows of two versions, one's and the other's. Times are exclusive ends; None is not known or not given.

    `columns`: None where a contract is not known.
    """

    digest: tuple[str, str]
    rows: tuple[int | None, int | None]
    start: tuple[date | None, date | None]
    end: tuple[date | None, date | None]
    train_rows: tuple[int, int]
    gate_rows: tuple[int | None, int | None]
    columns: Columns | None


class CodeDifference(Value):
    """The code of two versions. `packages`: pins that differ, None for one that is not there; None: not known."""

    commit: tuple[str | None, str | None]
    digest: tuple[str, str]
    lock: tuple[str | None, str | None]
    python: tuple[str | None, str | None]
    packages: dict[str, tuple[str | None, str | None]] | None


class MetricDifference(Value):
    """A metric of two versions, each on its own gate rows. `intervals`: low and high of each, where logged."""

    values: tuple[float | None, float | None]
    difference: float | None
    intervals: tuple[tuple[float, float] | None, tuple[float, float] | None]


class Difference(Value):
    """How two versions differ.

    `params`: the values that differ, by dotted name; None where they are not known. `paired`: what the gate measured of
    one against the other on the same rows: metric, gain of the later over the earlier, and its interval. `notes`: what
    is not known, and what may not be compared.
    """

    versions: tuple[int, int]
    params: dict[str, Pair] | None
    data: DataDifference
    code: CodeDifference
    metrics: dict[str, MetricDifference]
    paired: dict[str, Any] | None
    notes: tuple[str, ...]


def compare(a: Known, b: Known, *, predecessors: Mapping[int, int | None]) -> Difference:
    """Return how version `b` differs from version `a`.

    Parameters
    ----------
    predecessors : the champion that each version was held against, by version.
    """
    return Difference(
        versions=(a.facts.version, b.facts.version),
        params=_params(a.proof, b.proof),
        data=_data(a, b),
        code=_code(a, b),
        metrics=_metrics(a, b),
        paired=_paired(a.facts, b.facts, predecessors),
        notes=tuple(_notes(a, b)),
    )


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested values by dotted name.

    Examples
    --------
    >>> flat({"tune": {"trials": 5, "families": {}}, "seed": 7})
    {'tune.trials': 5, 'tune.families': {}, 'seed': 7}
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        nested = flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) and value else {prefix + name: value}
        found.update(nested)
    return found


def _params(a: "Proof | None", b: "Proof | None") -> dict[str, Pair] | None:
    if a is None or b is None:
        return None
    return changed(*(flat(proof.params.model_dump(mode="json", by_alias=True)) for proof in (a, b)))


def changed(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Pair]:
    """Return what two mappings have under each name where they differ; None for what one lacks."""
    names = sorted(a.keys() | b.keys())
    return {name: (a.get(name), b.get(name)) for name in names if a.get(name) != b.get(name)}


def _data(a: Known, b: Known) -> DataDifference:
    both = (a, b)
    return DataDifference(
        digest=_pair(*(known.facts.judged.data_digest for known in both)),
        rows=_pair(*(known.proof and known.proof.candidate.raw.rows for known in both)),
        start=_pair(*(known.proof and known.proof.params.ingest.start for known in both)),
        end=_pair(*(known.facts.data_end for known in both)),
        train_rows=_pair(*(known.facts.train.rows for known in both)),
        gate_rows=_pair(*(known.proof and known.proof.candidate.test.rows for known in both)),
        columns=_columns(a.proof, b.proof),
    )


def _columns(a: "Proof | None", b: "Proof | None") -> Columns | None:
    if a is None or b is None:
        return None
    before, after = ({column.name: str(column.type) for column in proof.contract.columns} for proof in (a, b))
    return Columns(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        retyped={name: (kind, after[name]) for name, kind in before.items() if name in after and after[name] != kind},
    )


def _code(a: Known, b: Known) -> CodeDifference:
    both = (a, b)
    return CodeDifference(
        commit=_pair(*(known.proof and known.proof.commit.sha for known in both)),
        digest=_pair(*(known.facts.judged.code_digest for known in both)),
        lock=_pair(*(known.proof and known.proof.digests.get("lock_digest") for known in both)),
        python=_pair(*(known.proof and known.proof.python for known in both)),
        packages=changed(a.proof.packages, b.proof.packages) if a.proof and b.proof else None,
    )


def _metrics(a: Known, b: Known) -> dict[str, MetricDifference]:
    values = [known.facts.judged.metrics for known in (a, b)]
    intervals = [_intervals(known.proof) for known in (a, b)]
    found = {}
    for name in sorted(values[0].keys() | values[1].keys()):
        before, after = (metrics.get(name) for metrics in values)
        found[name] = MetricDifference(
            values=(before, after),
            difference=None if before is None or after is None else after - before,
            intervals=_pair(*(known.get(name) for known in intervals)),
        )
    return found


def _intervals(proof: "Proof | None") -> dict[str, tuple[float, float]]:
    return proof.candidate.taking(proof.taken).report.intervals if proof else {}


def _paired(a: VersionFacts, b: VersionFacts, predecessors: Mapping[int, int | None]) -> dict[str, Any] | None:
    """Return what the gate measured of one version against the other, as champion then."""
    for earlier, later in ((a, b), (b, a)):
        if earlier.version == later.version or predecessors.get(later.version) != earlier.version:
            continue
        for check in later.judged.checks:
            if check.name == "champion" and check.evidence.get("gain") is not None:
                low, high = map(float, ends.groups()) if (ends := INTERVAL.search(check.text)) else (None, None)
                said = {"outcome": check.outcome, "text": check.text, **check.evidence, "low": low, "high": high}
                return {"version": later.version, "against": earlier.version, **said}
    return None


def _notes(a: Known, b: Known) -> list[str]:
    notes = [
        f"version {known.facts.version} has no proof, it was registered before there were any: its parameters, "
        "columns, commit, packages and intervals are not known"
        for known in (a, b)
        if known.proof is None
    ]
    rows = [known.proof.compared.rows if known.proof else None for known in (a, b)]
    if None in rows:
        notes.append("whether both were measured on the same gate rows is not known")
    elif rows[0] != rows[1]:
        notes.append("they were measured on different gate rows: a difference of metrics may be the rows' alone")
    return notes


def _pair(a: Any, b: Any) -> Any:
    return a, b
