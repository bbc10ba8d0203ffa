"""The gate's answer, as the ledger keeps it and a person reads it; it imports nothing heavy."""

from typing import Literal

from evergreen.base.values import Value
from evergreen.decisions.gate.campaign import MOST_USES, Level, Rule
from evergreen.decisions.gate.check import Check, plural

Answer = Literal["PASS", "FAIL", "INCONCLUSIVE"]
DECISIVE = ("floor", "prior", "baseline", "champion")  # what a promotion is explained by
STEPS = (0.01, 0.03)  # of the metric, whose power is said
POWER = 0.8


class Seen(Value):
    """How probably a model that differs by `by` in truth is refused (a worse one) or promoted (a better one)."""

    by: float
    probability: float


class Sees(Value):
    """What a gate can tell apart.

    `n` clusters of `unit`, which count as `n_effective`, and the standard error `se` of the difference from the
    champion. `margin`: the loss that counts as equal. `worse`: how probably a model that is worse by so much is refused
    because it is shown to be; `better`: how probably one that is better by so much is promoted because it is shown to
    be, at `level`. `detects`: the loss that is refused with 80 %, None for none. `needed`: how many clusters refuse a
    loss of STEPS[0] beyond the margin with 80 %; None where no number that matters does.
    """

    rule: Rule
    unit: str
    n: int
    n_effective: float
    se: float
    alpha: float
    level: float
    margin: float
    worse: tuple[Seen, ...]
    better: tuple[Seen, ...]
    detects: float | None
    needed: int | None

    @property
    def text(self) -> str:
        """The same for a person."""
        those = f"these {self.n} {plural(self.unit, self.n)}"
        if self.n_effective < self.n - 0.5:
            those += f" (which hang together and count as {self.n_effective:.0f})"
        if self.rule == "superiority":
            shown = ", ".join(f"{seen.by * 100:g} pp in {seen.probability:.0%}" for seen in self.better)
            return f"with {those} a model that is better is shown to be so: {shown}"
        shown = ", ".join(f"{seen.by * 100:g} pp in {seen.probability:.0%}" for seen in self.worse)
        more = f"; {POWER:.0%} for {(STEPS[0] + self.margin) * 100:g} pp needs {self.needed}" if self.needed else ""
        sure = f"; {POWER:.0%} for {self.detects * 100:.1f} pp" if self.detects is not None else ""
        return f"with {those} a model that is worse is refused: {shown}{sure}{more}"


class Judged(Value):
    """A contender before the gate. `asked`: as which it was asked, from 1; None if one before it was taken."""

    family: str
    artifact: str
    asked: int | None
    verdict: Answer | None
    promote: bool = False
    checks: tuple[Check, ...] = ()


class Verdict(Value):
    """The gate's answer.

    `verdict` of the candidate that is promoted, or of the one that was asked first. `promote`: no check of it failed,
    and where the rows cannot tell, the policy takes the newer model. `artifact`: what is promoted, ``model`` or
    ``baseline``. `candidates`: everyone in the field, in the order of asking. `sees`: what the gate could tell apart.
    `level`: the error that was given to this gate, of the campaign's; None where its rule spends none. `uses`: how
    often these gate rows have been used to choose.
    """

    verdict: Answer
    promote: bool
    checks: tuple[Check, ...]
    rule: Rule = "first"
    artifact: str = "model"
    candidates: tuple[Judged, ...] = ()
    sees: Sees | None = None
    level: Level | None = None
    uses: int = 1

    def as_asked(self, rows: str) -> dict[str, object]:
        """Return what is kept of having asked, as `campaign.Asked` but its time; `rows` is the rows' digest."""
        given = self.level.level if self.level and self.compared else 0.0
        return {
            "rule": self.rule,
            "given": given,
            "level": min(self.returned, given),
            "promoted": self.promote,
            "rows": rows,
        }

    @property
    def compared(self) -> bool:
        """Whether any candidate had an interval against the champion: a gate that compared nothing spends nothing."""
        checks = [check for candidate in self.candidates for check in candidate.checks]
        return any(check.name == "champion" and "level" in check.evidence for check in checks)

    @property
    def reason(self) -> str:
        """The checks that decided, as one sentence."""
        failed = [check.text for check in self.checks if check.outcome == "failed"]
        unclear = [check.text for check in self.checks if check.outcome == "inconclusive"]
        if not self.promote:
            used = [f"these rows have chosen {self.uses} times, so what they leave open promotes nobody"]
            tired = self.rule == "refresh" and self.uses > MOST_USES and not failed
            return "; ".join([*(failed or unclear), *(used if tired else [])])
        passed = [check.text for check in self.checks if check.outcome == "passed" and check.name in DECISIVE]
        return "; ".join([*passed, *unclear, *(["gate.when_unclear takes the newer model"] if unclear else [])])

    @property
    def returned(self) -> float:
        """The level that a promotion gives back to the campaign; `Asked.level` is this.

        Where several were asked, those that were not promoted have spent their part.
        """
        chosen = next((one for one in self.candidates if one.promote), None)
        if self.level is None or chosen is None or chosen.asked is None:
            return 0.0
        return self.level.level * (1 - (chosen.asked - 1) / len(self.candidates))
