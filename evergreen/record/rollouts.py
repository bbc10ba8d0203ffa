"""Rollouts, as the ledger has them: what each was begun with, and every move since. Where one stands is a fold of that.

Nothing else is kept of a rollout, so the next one begins from nothing: with a name, a salt and rules of its own.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from evergreen.base.errors import ConfigError, LostRace
from evergreen.base.values import Value
from evergreen.config.params.rollout import RolloutParams
from evergreen.decisions.rollout.plan import Plan, Step, parse
from evergreen.decisions.rollout.traffic import CHAMPION, Arm, Traffic
from evergreen.record.ledger.chain import Entry
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import of_entry

if TYPE_CHECKING:  # it brings SciPy, which who asks where a rollout stands does without
    from evergreen.decisions.rollout.decision import Decision

ROLLOUT = "rollout"  # the kind of the entry that begins one; their keys count from 1
MOVE = "rollout_step"  # the kind of its moves: `<number>.<n>`
NOTE = "rollout_look"  # the kind of what looks found: `<number>.<n>`
CHALLENGER = "challenger"
Origin = Literal["command", "gate", "approval", "unclear", "experiment"]
Did = Literal["began", "advanced", "held", "returned", "aborted", "finished"]
ENDS = ("returned", "aborted", "finished")


class Begun(Value):
    """What a rollout was begun with, which nothing changes any more.

    `champion`, `epoch`: who it is held against. `origin`: who began it: a person's command, a gate that agreed, an
    approval, or a gate that was inconclusive. `unit`: the columns that say who keeps a variant. `better`: whether
    it has to lose less than the champion, as the gate asks of a changed recipe, and not only not more.
    """

    number: int
    model: str
    version: int
    champion: int
    epoch: int
    plan: str
    policy: RolloutParams
    unit: tuple[str, ...]
    origin: Origin
    by: str
    reason: str
    better: bool = False

    @property
    def owner(self) -> str:
        """Return its name in the ledger, in records and in messages."""
        return f"{ROLLOUT}-{self.number}"


class Move(Value):
    """What happened to a rollout: by whom, why, at which step it is since, and on what evidence it was decided."""

    number: int
    did: Did
    step: int
    by: str
    reason: str
    at: datetime
    evidence: dict[str, Any] | None = None


class Rollout(Value):
    """A rollout and where it stands."""

    begun: Begun
    moves: tuple[Move, ...]

    @property
    def owner(self) -> str:
        return self.begun.owner

    @property
    def plan(self) -> Plan:
        return parse(self.begun.plan)

    @property
    def at(self) -> int:
        """The number of the step, from 0 on."""
        return self.moves[-1].step

    @property
    def step(self) -> Step:
        return self.plan.steps[self.at]

    @property
    def since(self) -> datetime:
        """When it came to this step."""
        return self.entered(self.at)

    def entered(self, step: int) -> datetime:
        """Return when it came to a step that it has reached."""
        return next(move.at for move in self.moves if move.step == step)

    @property
    def held(self) -> Move | None:
        """The move by which a person holds it, if one does."""
        last = self.moves[-1]
        return last if last.did == "held" else None

    @property
    def ended(self) -> Move | None:
        """The move by which it ended, if it has."""
        last = self.moves[-1]
        return last if last.did in ENDS else None

    def rule(self, step: int) -> str:
        """Return the rule in the records of a step."""
        return f"{self.owner}.{step + 1}"

    def traffic(self, step: int | None = None) -> Traffic | None:
        """Return how the traffic is divided at a step, by default the present one; None where it is not."""
        at = self.at if step is None else step
        its = self.plan.steps[at]
        if self.ended or its.share == 1:
            return None
        begun = self.begun
        challenger = Arm(name=CHALLENGER, version=begun.version, share=its.share)
        champion = Arm(name=CHAMPION, version=begun.champion, share=1 - its.share)
        return Traffic(
            kind="rollout",
            rule=self.rule(at),
            owner=self.owner,
            epoch=begun.epoch,
            mode="shadow" if its.percent is None else "split",
            arms=(challenger, champion),
            salt=self.owner,
            unit=begun.unit,
            slow_ms=begun.policy.slo_p99_ms,
        )


def rollouts(ledger: Ledger, model: str) -> list[Rollout]:
    """Return the rollouts of a model, oldest first."""
    return folded(ledger, ledger.entries(model, ROLLOUT, MOVE))


def folded(ledger: Ledger, entries: Sequence[Entry]) -> list[Rollout]:
    """Return the rollouts that entries speak of, oldest first."""
    begun: dict[int, Begun] = {}
    moves: dict[int, list[Move]] = {}
    for entry in entries:
        if entry.kind == ROLLOUT:
            one = of_entry(ledger, entry, Begun)
            begun[one.number] = one
            first = Move(number=0, did="began", step=0, by=one.by, reason=one.reason, at=entry.at)
            moves[one.number] = [first]
        elif entry.kind == MOVE:
            number, _, n = entry.key.partition(".")
            moves[int(number)].append(of_entry(ledger, entry, Move, number=int(n), at=entry.at))
    return [Rollout(begun=begun[number], moves=tuple(moves[number])) for number in sorted(begun)]


def under_way(ledger: Ledger, model: str) -> Rollout | None:
    """Return the rollout of a model that has not ended."""
    found = rollouts(ledger, model)
    return found[-1] if found and not found[-1].ended else None


def require_under_way(ledger: Ledger, model: str) -> Rollout:
    """Return the rollout of a model that has not ended; raises ConfigError if there is none."""
    found = under_way(ledger, model)
    if found is None:
        raise ConfigError(
            "STA020",
            f"no rollout of '{model}' is under way",
            where="ledger",
            next_step='Start one: evergreen rollout start V --by NAME --reason "why"',
        )
    return found


def require_none(ledger: Ledger, model: str) -> None:
    """Raise LostRace if a rollout of a model is under way."""
    found = under_way(ledger, model)
    if found is not None:
        raise _taken(model, found.owner, found.begun.version)


def start(
    ledger: Ledger,
    model: str,
    *,
    version: int,
    champion: int,
    epoch: int,
    plan: Plan,
    policy: RolloutParams,
    unit: tuple[str, ...],
    origin: Origin,
    by: str,
    reason: str,
    better: bool = False,
) -> Rollout:
    """Record that a rollout begins.

    Raises
    ------
    LostRace if one is under way, or the champion is another one than at `epoch`; nothing is recorded then.
    """
    require_none(ledger, model)
    number = len(ledger.entries(model, ROLLOUT)) + 1
    begun = Begun(
        number=number,
        model=model,
        version=version,
        champion=champion,
        epoch=epoch,
        plan=plan.text,
        policy=policy,
        unit=unit,
        origin=origin,
        by=by,
        reason=reason,
        better=better,
    )
    payload = begun.model_dump(mode="json")
    entry = ledger.record_under(model, ROLLOUT, str(number), payload, expected_epoch=epoch)
    if entry.payload != payload:  # somebody else was faster
        raise _taken(model, begun.owner, entry.payload.get("version"))
    return folded(ledger, [entry])[0]


def other_champion(ledger: Ledger, rollout: Rollout) -> str | None:
    """Return what is said of a champion that changed since a rollout began; None where it did not."""
    now, begun = ledger.champion(rollout.begun.model), rollout.begun
    if now is None or now.epoch == begun.epoch:
        return None
    return f"version {now.version} is champion since; it was begun against version {begun.champion}"


def next_key(rollout: Rollout) -> str:
    """Return the key of the next move of a rollout."""
    return f"{rollout.begun.number}.{len(rollout.moves)}"


def move(
    ledger: Ledger,
    rollout: Rollout,
    did: Did,
    *,
    step: int | None = None,
    by: str,
    reason: str,
    evidence: dict[str, Any] | None = None,
) -> Rollout:
    """Record a move of a rollout, and return the rollout after it.

    Parameters
    ----------
    step : where it is from now on; by default where it was.

    Raises
    ------
    LostRace if somebody moved it meanwhile; nothing is recorded then.
    """
    payload = payload_of(rollout, did, step=step, by=by, reason=reason, evidence=evidence)
    entry = ledger.record(rollout.begun.model, MOVE, next_key(rollout), payload)
    if entry.payload != payload:
        raise LostRace(
            "RACE007",
            f"{entry.payload.get('by')} moved {rollout.owner} at the same time: {entry.payload.get('did')}",
            where="ledger",
            next_step="See where it stands: evergreen rollout status",
        )
    made = of_entry(ledger, entry, Move, number=len(rollout.moves), at=entry.at)
    return rollout.model_copy(update={"moves": (*rollout.moves, made)})


def payload_of(
    rollout: Rollout, did: Did, *, step: int | None = None, by: str, reason: str, evidence: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return what the ledger keeps of a move; the parameters as in `move`."""
    at = rollout.at if step is None else step
    return {"did": did, "step": at, "by": by, "reason": reason, "evidence": evidence, "rollout": rollout.owner}


def _taken(model: str, owner: str, version: object) -> LostRace:
    return LostRace(
        "RACE006",
        f"{owner} of version {version} divides the traffic of '{model}'",
        where="ledger",
        next_step="Let it end, or end it: evergreen rollout abort",
    )


class Note(Value):
    """What a look at a rollout found, kept where it is another thing than the look before found.

    `answer`, `gist`, `reason`, `checks` as in `evergreen.decisions.rollout.decision.Decision`. `person`: whether it
    goes on only if a person does something.
    """

    rollout: str
    number: int
    step: int
    answer: str
    gist: str
    reason: str
    person: bool
    at: datetime
    checks: tuple[dict[str, Any], ...] = ()
    exposed: int = 0


def notes(ledger: Ledger, entries: Sequence[Entry]) -> list[Note]:
    """Return the notes among entries, oldest first."""
    return [
        of_entry(ledger, entry, Note, number=int(entry.key.rpartition(".")[2]), at=entry.at)
        for entry in entries
        if entry.kind == NOTE
    ]


def note(ledger: Ledger, rollout: Rollout, found: "Decision") -> Note | None:
    """Keep what a look found; None where the look before found the same."""
    model = rollout.begun.model
    own = [one for one in notes(ledger, ledger.entries(model, NOTE)) if one.rollout == rollout.owner]
    gist = f"{rollout.at} {found.gist}"
    if own and own[-1].gist == gist:
        return None
    payload = {
        **found.model_dump(mode="json"), "gist": gist, "rollout": rollout.owner, "step": rollout.at,
    }  # fmt: skip
    entry = ledger.record(model, NOTE, f"{rollout.begun.number}.{len(own)}", payload)
    return notes(ledger, [entry])[0]
