"""What the ledger keeps of experiments: how each was agreed on, what its looks found, and how it ended."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from evergreen.base.errors import ConfigError
from evergreen.base.values import Value
from evergreen.decisions.experiments.design import Design
from evergreen.decisions.experiments.verdict import Decision
from evergreen.decisions.rollout.traffic import CHAMPION, Arm, Traffic
from evergreen.record import traffic
from evergreen.record.ledger.chain import Entry
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.traffic import TRAFFIC

LOOKED = "experiment_look"  # how one begins and ends is an entry of the traffic, so that neither is without the other


class Ended(Value):
    """How an experiment ended: when, by whom and why, and with what decision; None where nobody looked."""

    at: datetime
    by: str
    reason: str
    decision: Decision | None


class Experiment(Value):
    """An experiment as the ledger has it. `epoch`: of the champion under which it began; `ended`: None while it runs.

    `decision`: of the last look that was kept, and `looked_at`, when that was.
    """

    design: Design
    epoch: int
    begun: datetime
    by: str
    reason: str
    decision: Decision | None = None
    looked_at: datetime | None = None
    ended: Ended | None = None

    @property
    def last(self) -> Decision | None:
        """What was decided last."""
        return self.ended.decision if self.ended and self.ended.decision else self.decision


def begin(
    ledger: Ledger, model: str, design: Design, *, epoch: int, by: str, reason: str, slow_ms: float | None
) -> Experiment:
    """Keep what was agreed, and divide the traffic by it.

    Parameters
    ----------
    epoch : of the champion that the design names.
    slow_ms : how long a variant may take for a batch before the champion answers; None for any time.

    Raises
    ------
    ConfigError if there was an experiment of that name (EXP003).
    LostRace if the traffic is divided by another, or the champion changed; nothing is divided then.
    """
    if any(one.design.name == design.name for one in experiments(ledger, model)):
        raise ConfigError(
            "EXP003",
            f"there was an experiment '{design.name}' of '{model}'",
            where="experiment",
            next_step="Name another: what was measured under one agreement is never mixed with what another measures.",
        )
    told = {"by": by, "reason": reason, "design": design.model_dump(mode="json")}
    entry = traffic.change(
        ledger, model, routed(design, epoch, slow_ms), owner=design.owner, expected_epoch=epoch, because=told
    )
    return _experiment(entry, None, None)


def routed(design: Design, epoch: int, slow_ms: float | None) -> Traffic:
    """Return how a design divides the traffic: the champion first, the others in their order."""
    arms = (
        Arm(name=CHAMPION, version=design.champion, share=design.champion_share),
        *(Arm(name=one.name, version=one.version, share=one.share) for one in design.variants),
    )
    return Traffic(
        kind="experiment",
        rule=f"{design.owner}.1",
        owner=design.owner,
        epoch=epoch,
        mode="split",
        arms=arms,
        salt=design.owner,
        unit=design.unit,
        slow_ms=slow_ms,
    )


def end(
    ledger: Ledger, model: str, experiment: Experiment, decision: Decision | None, *, by: str, reason: str
) -> Experiment:
    """Give all traffic back to the champion and keep how it ended; what ended stays as it ended.

    Raises
    ------
    LostRace if the champion changed at the same time.
    """
    design, champion, stands = experiment.design, ledger.champion(model), traffic.standing(ledger, model)
    if stands and stands.owner == design.owner:
        told = {"by": by, "reason": reason, "decision": decision and decision.model_dump(mode="json")}
        epoch = champion.epoch if champion else 0
        traffic.change(ledger, model, None, owner=design.owner, expected_epoch=epoch, because=told)
    return require(ledger, model, design.name)


def keep_look(ledger: Ledger, model: str, experiment: Experiment, decision: Decision, *, key: str) -> None:
    """Keep what a look decided, once for each key, so that the ledger alone says how things stand."""
    payload: Mapping[str, Any] = {"decision": decision.model_dump(mode="json")}
    ledger.record(model, LOOKED, f"{experiment.design.name}:{key}", payload)


def experiments(ledger: Ledger, model: str, *, at: datetime | None = None) -> list[Experiment]:
    """Return the experiments of a model, oldest first, as they stood at a time; None for now."""
    entries = [entry for entry in ledger.entries(model, TRAFFIC, LOOKED) if at is None or entry.at <= at]
    looks = {entry.key.partition(":")[0]: entry for entry in entries if entry.kind == LOOKED}
    changes = [entry for entry in entries if entry.kind == TRAFFIC and entry.payload["owner"].startswith("experiment-")]
    ends = {entry.payload["owner"]: entry for entry in changes if "decision" in entry.payload}
    begun = [entry for entry in changes if "design" in entry.payload]
    return [
        _experiment(entry, looks.get(entry.payload["design"]["name"]), ends.get(entry.payload["owner"]))
        for entry in begun
    ]


def require(ledger: Ledger, model: str, name: str | None) -> Experiment:
    """Return an experiment by its name; without one, the one that runs, or else the last.

    Raises
    ------
    ConfigError if there is none (EXP004).
    """
    known = experiments(ledger, model)
    if name:
        found = next((one for one in known if one.design.name == name), None)
    else:
        found = next((one for one in reversed(known) if one.ended is None), known[-1] if known else None)
    if found is None:
        named = ", ".join(one.design.name for one in known)
        raise ConfigError(
            "EXP004",
            f"'{model}' has no experiment{f' {name!r}' if name else ''}",
            where="experiment",
            next_step=f"Name one of: {named}."
            if named
            else "Begin one: evergreen experiment start NAME --arm B=VERSION",
        )
    return found


def _experiment(begun: Entry, looked: Entry | None, ended: Entry | None) -> Experiment:
    decision = looked and looked.payload["decision"]
    how = ended and {name: ended.payload[name] for name in ("by", "reason", "decision")}
    return Experiment(
        design=Design.model_validate(begun.payload["design"]),
        epoch=begun.payload["traffic"]["epoch"],
        begun=begun.at,
        by=begun.payload["by"],
        reason=begun.payload["reason"],
        decision=Decision.model_validate(decision) if decision else None,
        looked_at=looked.at if looked else None,
        ended=Ended(at=ended.at, **how) if ended and how else None,
    )
