"""Why: from a version, a verdict, a window or any entry of the ledger back to what led to it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from evergreen.base.values import Value
from evergreen.decisions.gate.verdict import Verdict
from evergreen.record.ledger.chain import CHANGES, Entry
from evergreen.record.outcomes import Judgement
from evergreen.record.registry.history import by_of, event_of, reason_of
from evergreen.record.registry.names import candidate_of, judged_in, windows_of


class Cause(Value):
    """Something that happened or was found, and what led to it. `seq` and `at`: of its entry; None of what is in one.

    `kind`: of the entry, or ``check``, ``otherwise``, ``training`` or ``evidence`` of what one holds.
    """

    seq: int | None
    at: datetime | None
    kind: str
    what: str
    because: tuple["Cause", ...] = ()


def explain(entries: Sequence[Entry], about: Sequence[Entry]) -> tuple[Cause, ...]:
    """Return each of the entries `about`, with what led to it.

    Parameters
    ----------
    entries : the whole log of the model, oldest first.
    """
    story = _Story(entries)
    return tuple(story.of(entry) for entry in about)


class _Story:
    """A log, in which each entry's causes are found."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._windows = windows_of(entries)
        self._retrainings = {entry.key: entry for entry in entries if entry.kind == "retraining"}

    def of(self, entry: Entry) -> Cause:
        """Return an entry as a cause, with its own."""
        ways = {
            "promotion": self._promotion,
            "rollback": self._rollback,
            "judgement": self._judgement,
            "gate": self._gate,
            "version": self._registered,
            "proposal": self._proposal,
            "approval": self._decided,
            "rejection": self._decided,
            "retraining": self._retraining,
            "look": self._window,
            "window": self._window,
            "sent": self._sent,
            "received": self._received,
        }
        return ways.get(entry.kind, self._plain)(entry)

    def _plain(self, entry: Entry) -> Cause:
        event = event_of(entry)
        said = f": {event.reason}" if event.reason else ""
        about = f" of version {event.version}" if event.version else ""
        by = f" by {event.by}" if event.by else ""
        return _cause(entry, f"{entry.kind}{about}{by}{said}")

    def _promotion(self, entry: Entry) -> Cause:
        version, by = entry.payload["version"], by_of(entry)
        said = f": {reason_of(entry)}" if by != "gate" else ""
        return _cause(
            entry,
            f"version {version} became champion, promoted by {by}{said}",
            *self._people(entry, version),
            *self._verdict(entry),
            *self._held_against(entry),
        )

    def _rollback(self, entry: Entry) -> Cause:
        version, left = entry.payload["version"], entry.payload.get("predecessor")
        earlier = [other for other in self._before(entry, *CHANGES) if other.payload["version"] == version]
        return _cause(
            entry,
            f"version {version} became champion again, in place of version {left}, "
            f"rolled back by {by_of(entry)}: {reason_of(entry)}",
            *(self.of(other) for other in earlier[-1:]),
        )

    def _judgement(self, entry: Entry) -> Cause:
        version = entry.payload.get("version")
        became = f"became version {version}" if version else "was refused"
        return _cause(
            entry, f"candidate {entry.key[:12]} {became}: {reason_of(entry)}", *self._verdict(entry, told=True)
        )

    def _gate(self, entry: Entry) -> Cause:
        judged = [other for other in self._entries if other.kind == "judgement" and other.key == entry.key]
        answer = "promoted it" if entry.payload.get("promoted") else "refused it"
        what = f"the gate was asked of candidate {entry.key[:12]} by the rule {entry.payload.get('rule')}, and {answer}"
        return _cause(entry, what, *(self._judgement(other) for other in judged[-1:]))

    def _registered(self, entry: Entry) -> Cause:
        return _cause(entry, f"version {entry.key} was registered", *self._verdict(entry))

    def _proposal(self, entry: Entry) -> Cause:
        version = event_of(entry).version
        registered = [other for other in self._before(entry, "version") if other.key == str(version)]
        return _cause(
            entry,
            f"version {version} passed the gate and waited for a person",
            *(cause for other in registered[-1:] for cause in self._verdict(other)),
        )

    def _decided(self, entry: Entry) -> Cause:
        version = event_of(entry).version
        what = "approved" if entry.kind == "approval" else "rejected"
        proposals = [other for other in self._before(entry, "proposal") if event_of(other).version == version]
        return _cause(
            entry,
            f"version {version} was {what} by {by_of(entry) or 'nobody named'}: {reason_of(entry)}",
            *(self._proposal(other) for other in proposals[-1:]),
        )

    def _sent(self, entry: Entry) -> Cause:
        told, version = entry.payload, entry.payload["version"]
        became = f"it is version {told['to_version']} there" if told.get("to_version") else "it was refused there"
        about = [other for other in self._before(entry, "version", *CHANGES) if other.payload.get("version") == version]
        return _cause(
            entry,
            f"version {version} was sent to {told['env']} by {by_of(entry)}, and {became} "
            f"(entry {str(told['entry'])[:12]}): {reason_of(entry)}",
            *(self.of(other) for other in about[-1:]),
        )

    def _received(self, entry: Entry) -> Cause:
        candidate = candidate_of(entry)
        judged = [other for other in self._entries if other.kind == "judgement" and other.key == candidate]
        return _cause(entry, _came(entry), *(cause for other in judged[-1:] for cause in self._verdict(other)))

    def _people(self, entry: Entry, version: int) -> Iterator[Cause]:
        """Yield who approved of a version that became champion."""
        approvals = [other for other in self._before(entry, "approval") if event_of(other).version == version]
        for other in approvals[-1:]:
            yield _cause(other, f"approved by {by_of(other)}: {reason_of(other)}")

    def _verdict(self, entry: Entry, *, told: bool = False) -> Iterator[Cause]:
        """Yield what the gate said of an entry's candidate, and why there was that candidate at all.

        Parameters
        ----------
        told : whether the entry itself is the gate's answer.
        """
        if not judged_in(entry):
            return
        judged = Judgement.model_validate(judged_in(entry))
        checks = tuple(
            Cause(
                seq=None,
                at=None,
                kind="check",
                what=f"{check.code} {check.name}: {check.outcome}: {check.text}".strip(),
                because=_leaf("otherwise", f"it would have been otherwise with: {check.would_change}")
                if check.would_change
                else (),
            )
            for check in judged.checks
            if check.outcome != "not applicable"
        )
        candidate = candidate_of(entry)
        asked = next((other for other in self._entries if other.kind == "gate" and other.key == candidate), entry)
        if told:
            yield from checks
        else:
            by_rule = f" by the rule {judged.rule}" if judged.rule else ""
            yield _cause(asked, f"the gate answered {judged.gate or judged.verdict}{by_rule}", *checks)
        yield from self._training(entry, judged)

    def _training(self, entry: Entry, judged: Judgement) -> Iterator[Cause]:
        """Yield why a candidate was trained: a new lineage, a window that asked for it, or what a person said."""
        for other in self._entries:
            if other.kind == "lineage" and other.key == candidate_of(entry):
                yield _cause(other, f"a new lineage was begun: {reason_of(other)}")
        if retraining := self._retraining_of(judged):
            yield self._retraining(retraining)
            return
        for key, window in self._windows.items():
            if judged.reason.startswith(f"retraining after {key}"):
                yield self._window(window)
                return
        candidate = candidate_of(entry)
        received = [other for other in self._entries if other.kind == "received" and candidate_of(other) == candidate]
        if received:
            if entry not in received:
                yield _cause(received[0], _came(received[0]))
            return
        reason = _training_reason(judged)
        if reason:
            yield from _leaf("training", f"the training was asked for: {reason}")

    def _retraining_of(self, judged: Judgement) -> Entry | None:
        made = ("model_digest", "data_digest", "params_digest")
        for entry in self._retrainings.values():
            outcome = entry.payload.get("outcome") or {}
            if all(outcome.get(name) == getattr(judged, name) for name in made):
                return entry
        return None

    def _retraining(self, entry: Entry) -> Cause:
        named = (other for other in self._before(entry, "look") if other.key == entry.payload.get("look"))
        window = next(named, self._windows.get(entry.key))
        what = f"a retraining was decided after window {entry.key}: {reason_of(entry)}"
        return _cause(entry, what, *([self._window(window)] if window else []))

    def _window(self, entry: Entry) -> Cause:
        payload = entry.payload
        decision = payload.get("decision", {})
        reasons, otherwise = decision.get("reasons", ()), decision.get("would_change", ())
        named = [f"{cause['name']}: {cause['evidence']}" for cause in payload.get("causes", ())]
        named += [
            f"{column['name']}: {column['evidence']}"
            for part in ("shift", "drift")
            for column in payload.get(part, {}).get("columns", ())
            if column["verdict"] in ("shifted", "drift")
        ]
        as_of = f", as of {payload['as_of'][:16].replace('T', ' ')}" if "as_of" in payload else ""
        return _cause(
            entry,
            f"version {payload.get('version')} was watched from {payload.get('start')} to {payload.get('end')}{as_of}: "
            f"{reason_of(entry)}",
            *(cause for reason in reasons for cause in _leaf("evidence", str(reason))),
            *(
                cause
                for line in otherwise
                for cause in _leaf("otherwise", f"it would have been otherwise with: {line}")
            ),
            *(cause for text in named for cause in _leaf("evidence", text)),
        )

    def _held_against(self, entry: Entry) -> Iterator[Cause]:
        """Yield the champion that a promoted version was held against, and no causes of that one."""
        predecessor = entry.payload.get("predecessor")
        earlier = [other for other in self._before(entry, *CHANGES) if other.payload["version"] == predecessor]
        for other in earlier[-1:]:
            yield _cause(other, f"it took the place of version {predecessor}, champion since then")

    def _before(self, entry: Entry, *kinds: str) -> list[Entry]:
        return [other for other in self._entries if other.kind in kinds and other.seq < entry.seq]


def _came(entry: Entry) -> str:
    told = entry.payload
    return (
        f"it came from {told['env']}, where it is version {told['from_version']} (entry {str(told['entry'])[:12]}), "
        f"sent by {by_of(entry)}: {reason_of(entry)}"
    )


def _cause(entry: Entry, what: str, *because: Cause) -> Cause:
    return Cause(seq=entry.seq, at=entry.at, kind=entry.kind, what=what, because=because)


def _leaf(kind: str, what: str) -> tuple[Cause, ...]:
    return (Cause(seq=None, at=None, kind=kind, what=what),)


def _training_reason(judged: Judgement) -> str:
    """Return why a promoted version was trained: its reason begins with that, and the gate's own follows."""
    if judged.verdict == "refused":
        return ""
    said = Verdict(verdict=judged.gate or "PASS", promote=True, checks=judged.checks).reason
    return judged.reason.removesuffix(f": {said}") if judged.reason.endswith(f": {said}") else ""
