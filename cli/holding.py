"""`evergreen hold`, which names what has to stay when `evergreen gc` frees space."""

from typing import Any

from evergreen.base.errors import ConfigError
from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.registry.lineage import LEAST_OF_A_DIGEST, read_rows, versions_in
from evergreen.record.registry.names import VERSION


def hold(project: Project, asked: str, *, by: str, reason: str) -> dict[str, Any]:
    """Record that something has to stay, and return what: a version, or what a digest's beginning names.

    Raises
    ------
    ConfigError if nothing that is kept is called so, or more than one thing.
    """
    ledger = project.ledger()
    digests = _digests(project, ledger, asked)
    payload = {"what": asked, "digests": digests, "by": by, "reason": reason}
    entry = ledger.record(project.name, "hold", "+".join(digest[:16] for digest in digests), payload)
    return {"seq": entry.seq, "at": entry.at.isoformat(), **entry.payload}


def _digests(project: Project, ledger: Ledger, asked: str) -> list[str]:
    """Return the digests that a person's word names."""
    entries = ledger.entries(project.name)
    if version := VERSION.fullmatch(asked.strip()):
        facts = versions_in(entries).get(int(version[1]))
        if facts:
            return [str(facts["judged"]["model_digest"]), str(facts["judged"]["data_digest"])]
    found: dict[str, list[str]] = {}
    if len(asked) >= LEAST_OF_A_DIGEST:
        for entry in entries:
            if entry.kind == "judgement":
                digests = [str(entry.payload[name]) for name in ("model_digest", "data_digest")]
                if entry.key.startswith(asked) or digests[0].startswith(asked):
                    found[entry.key] = digests
        for rows in (*read_rows(project.datasets / project.name), *read_rows(project.workspace.root)):
            if rows.digest.startswith(asked):
                found[rows.digest] = [rows.digest]
    if len(found) != 1:
        raise ConfigError(
            "STA006",
            f"{len(found) or 'no'} candidates and datasets of '{project.name}' are called '{asked}'",
            where=str(project.settings.home),
            next_step="Name a version, or write more of a digest: evergreen history --all, evergreen data ls",
        )
    return next(iter(found.values()))
