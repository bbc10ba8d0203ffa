"""What the registry remembers: who was champion, what was decided and why, and what came of what."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from evergreen.adapters import registry_aliases
from evergreen.adapters.registry_aliases import RegistryLook
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import ConfigError
from evergreen.base.files import file_digest
from evergreen.base.values import Value
from evergreen.decisions.gate.campaign import Level, next_level
from evergreen.project import Project
from evergreen.record.ledger.chain import CHANGES, Entry
from evergreen.record.outcomes import VersionFacts, gates_asked, of_entry, version_facts
from evergreen.record.registry import causes, history, lineage
from evergreen.record.registry.causes import Cause
from evergreen.record.registry.history import Event, Reign
from evergreen.record.registry.lineage import Ancestry, Descent
from evergreen.record.registry.names import VERSION, entries_called

if TYPE_CHECKING:
    from evergreen.record.registry.differences import Difference
    from evergreen.record.registry.proof import Proof


class Standing(NamedTuple):
    """A champion, now or at a time, and what was left of the gates' error then; `registry`: what MLflow shows now."""

    reign: Reign
    facts: VersionFacts
    level: Level
    registry: RegistryLook | None

    def told(self) -> dict[str, Any]:
        """Return what `status` prints for a program."""
        entry, until = self.reign.entry, self.reign.until
        return {
            **self.facts.judged.model_dump(mode="json"),
            "version": self.facts.version,
            "campaign": self.level.model_dump(mode="json"),
            "by": history.by_of(entry),
            "decided": {
                "kind": entry.kind,
                "epoch": entry.payload["epoch"],
                "at": entry.at.isoformat(),
                "until": until and until.isoformat(),
                "reason": history.reason_of(entry),
            },
            **({"registry": self.registry.model_dump(mode="json")} if self.registry else {}),
        }


class Lineage(Value):
    """What a version was made from, or what was made from something."""

    asked: str
    version: Ancestry | None
    made: tuple[Descent, ...]


def standing(project: Project, at: str | None) -> Standing:
    """Return who is champion, or was at a time that a person wrote.

    Raises
    ------
    ConfigError if nobody is, or was then, or it is no time that is past.
    """
    ledger, now = project.ledger(), datetime.now(UTC)
    changes, gates = ledger.changes(project.name), gates_asked(ledger, project.name)
    if not changes:
        project.champion()  # says how to get one
    then = now
    if at is not None:
        then = history.read_time(at, now=max(now, changes[-1].at))
        gates = tuple(asked for asked in gates if asked.at <= then)
    reign = history.champion_at(changes, then if at is not None else changes[-1].at)
    if reign is None:
        first = changes[0]
        raise ConfigError(
            "STA005",
            f"'{project.name}' had no champion at {then:%Y-%m-%d %H:%M:%S} UTC",
            where="ledger",
            next_step=f"The first was version {first.payload['version']}, from {first.at:%Y-%m-%d %H:%M:%S} UTC on.",
        )
    level = next_level(gates, now=then, alpha=project.params.gate.alpha)
    shown = None
    if at is None:
        shown = registry_aliases.compare(project.settings.tracking_uri(), project.name, reign.version)
    return Standing(reign, of_entry(ledger, reign.entry, VersionFacts), level, shown)


def events(project: Project, *, everything: bool) -> list[Event]:
    """Return what was decided about a model, or all that its ledger holds, oldest first."""
    kinds = () if everything else history.DECISIONS
    return history.events(project.ledger().entries(project.name, *kinds), everything=everything)


def why(project: Project, asked: str) -> tuple[Cause, ...]:
    """Return what led to what is asked about; raises ConfigError if nothing is called so."""
    entries = project.ledger().entries(project.name)
    return causes.explain(entries, entries_called(entries, asked, model=project.name))


def difference(project: Project, a: str, b: str) -> "Difference":
    """Return how two versions differ; raises ConfigError if one is not registered, IntegrityError if a proof is not
    what was written."""
    from evergreen.record.registry import differences

    ledger = project.ledger()
    both = []
    for version in (a, b):
        facts = facts_of(project, version)
        both.append(differences.Known(facts, proof_of(facts, project.workspace)))
    predecessors: dict[int, int | None] = {}
    for entry in ledger.changes(project.name):
        predecessors.setdefault(entry.payload["version"], entry.payload["predecessor"])
    return differences.compare(*both, predecessors=predecessors)


def facts_of(project: Project, asked: str) -> VersionFacts:
    """Return what is known of a version, written as a number, ``v3`` or ``champion``.

    Raises
    ------
    ConfigError if no such version is registered.
    """
    if asked == "champion":
        return project.champion()
    named = VERSION.fullmatch(asked.strip())
    facts = version_facts(project.ledger(), project.name, int(named[1])) if named else None
    if facts is None:
        raise ConfigError(
            "STA006",
            f"'{project.name}' has no version '{asked}'",
            where="ledger",
            next_step="What there is: evergreen history",
        )
    return facts


def proof_of(facts: VersionFacts, ws: Workspace) -> "Proof | None":
    """Return a version's proof, verified; None of one that was registered before there were any.

    Raises
    ------
    IntegrityError if it is gone, or is not what was written.
    """
    from evergreen.record.registry import proof

    if facts.proof is None:
        return None
    found, _ = proof.read(ws.path(facts.proof.uri), facts.proof.sha256)
    return found


def line_of(project: Project, asked: str) -> Lineage:
    """Return what a version was made from, or every version that was made from a file, a dataset, code or a commit.

    Raises
    ------
    ConfigError if nothing is called so.
    """
    entries, ws = project.ledger().entries(project.name), project.workspace.root
    rows = [*lineage.read_rows(ws)]
    datasets = [*lineage.read_rows(project.datasets / project.name)]
    file = next((path for path in (Path(asked), project.settings.project / asked) if path.is_file()), None)
    if file is None and (version := _version(entries, asked)) is not None:
        facts = lineage.versions_in(entries).get(version, {})
        proof = lineage.read_proof(ws, facts)
        if found := lineage.ancestry(version, entries, rows=rows, datasets=datasets, proof=proof):
            return Lineage(asked=asked, version=found, made=())
    called = file_digest(file) if file else asked
    made = lineage.descent(called, entries, rows=rows, datasets=datasets)
    if not made and not file:
        kept = lineage.versions_in(entries).items()
        proofs = {version: lineage.read_proof(ws, facts, mentioning=asked.lower()) for version, facts in kept}
        known = {version: proof for version, proof in proofs.items() if proof}
        made = lineage.descent(called, entries, rows=rows, datasets=datasets, proofs=known)
    if not made:
        raise ConfigError(
            "STA006",
            f"no version of '{project.name}' and no data that it was made from is called '{asked}'"
            + (f" ({called[:12]})" if file else ""),
            where="ledger",
            next_step="Name a version, a source's file, or the beginning of a digest or of a commit. Versions: "
            "evergreen history; data: evergreen data ls",
        )
    return Lineage(asked=asked, version=None, made=made)


def _version(entries: Sequence[Entry], asked: str) -> int | None:
    if asked == "champion":
        changes = [entry for entry in entries if entry.kind in CHANGES]
        return int(changes[-1].payload["version"]) if changes else None
    named = VERSION.fullmatch(asked.strip())
    return int(named[1]) if named else None
