"""What MLflow should show of a model: its aliases, tags and descriptions are projections of the ledger."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from evergreen.base.values import Value
from evergreen.record.ledger.chain import CHANGES, Entry
from evergreen.record.outcomes import below, stand

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
ALIASES = (CHAMPION, CHALLENGER, PREVIOUS)
KINDS = ("version", *CHANGES, "proposal", "approval", "rejection")  # that anything is projected from
Aliases = dict[str, int | None]


class Version(Value):
    """A version as the ledger knows it. `since`: the number of its first entry; `artifact`: its folder's name."""

    number: int
    since: int
    candidate: str
    run_id: str
    artifact: str
    tags: dict[str, str]


class Wanted(Value):
    """What MLflow should show of a model.

    `head`: the number of the last entry that it was read off. `states`: what the aliases were after each entry, oldest
    first. `versions`: everything that was registered, by number. `descriptions`: of the versions that are looked at.
    """

    head: int = 0
    states: tuple[tuple[int, Aliases], ...] = ()
    versions: dict[int, Version] = Field(default_factory=dict)
    descriptions: dict[int, str] = Field(default_factory=dict)

    @property
    def aliases(self) -> Aliases:
        return self.states[-1][1] if self.states else dict.fromkeys(ALIASES)

    def said(self, alias: str, *, since: int) -> set[int | None]:
        """Return every version that an alias pointed at, by the ledger, from the entry `since` on."""
        before: int | None = None
        after: set[int | None] = set()
        for seq, state in self.states:
            if seq <= since:
                before = state[alias]
            else:
                after.add(state[alias])
        return {before, *after}


def aliases(entries: Sequence[Entry]) -> Aliases:
    """Return the version that each alias points at, None where it points at none.

    `previous` is the champion before, which a rollback goes back to: after a rollback it is the one before that.
    `challenger` is the newest version that waits for a person, judged against the champion of now.
    """
    found: Aliases = dict.fromkeys(ALIASES)
    for _, found in _states(entries):  # noqa: B007  the last one
        pass
    return found


def versions(entries: Sequence[Entry]) -> dict[int, Version]:
    """Return every version whose facts the ledger keeps, by number."""
    found: dict[int, Version] = {}
    for entry in entries:
        if entry.kind in ("version", *CHANGES):
            found.setdefault(int(entry.payload["version"]), _version(entry))
    return found


def wanted(entries: Sequence[Entry], *, everything: bool = False) -> Wanted:
    """Return what MLflow should show of the model that `entries`, of KINDS, are about.

    Parameters
    ----------
    everything : whether all versions are looked at, and not only those that an alias points at.
    """
    states, known = tuple(_states(entries)), versions(entries)
    pointed = {version for version in states[-1][1].values() if version} if states else set()
    facts = {int(entry.payload["version"]): entry.payload for entry in entries if entry.kind in ("version", *CHANGES)}
    return Wanted(
        head=entries[-1].seq if entries else 0,
        states=states,
        versions=known,
        descriptions={number: described(facts[number]) for number in known if everything or number in pointed},
    )


def described(facts: dict[str, Any]) -> str:
    """Return a version's description: its card's summary, or why it was let in where it has no card."""
    return str(facts.get("summary") or facts["judged"]["reason"])


def _states(entries: Sequence[Entry]) -> Iterator[tuple[int, Aliases]]:
    """Yield the number of each entry and the aliases after it."""
    stack: list[Entry] = []
    rejected: set[int] = set()
    waiting: dict[int, int] = {}  # the epoch that each was judged against
    epoch = 0
    for entry in entries:
        if entry.kind in CHANGES:
            stand(stack, entry)
            epoch = int(entry.payload["epoch"])
        elif entry.kind == "proposal":
            waiting[int(entry.payload["version"])] = int(entry.payload["epoch"])
        elif entry.kind in ("approval", "rejection"):
            waiting.pop(int(entry.key), None)
            rejected |= {int(entry.key)} if entry.kind == "rejection" else set()
        open_ones = [version for version, judged in waiting.items() if judged == epoch]
        yield (
            entry.seq,
            {
                CHAMPION: int(stack[-1].payload["version"]) if stack else None,
                CHALLENGER: max(open_ones, default=None),
                PREVIOUS: next(reversed(below(stack, rejected)), None),
            },
        )


def _version(entry: Entry) -> Version:
    facts = entry.payload
    judged = facts["judged"]
    digests = {name: str(judged[name]) for name in ("model_digest", "data_digest", "code_digest", "params_digest")}
    return Version(
        number=int(facts["version"]),
        since=entry.seq,
        candidate=facts["candidate"],
        run_id=facts["run_id"],
        artifact=facts["artifact"]["uri"],
        tags={
            **digests,
            "candidate": str(facts["candidate"]),
            "validation_status": "passed",
            "ledger_entry": entry.hash,
        },
    )
