"""Whether a candidate may become champion: a pure decision over measured numbers."""

import math
from typing import Literal

from evergreen.base.values import Value, digest_of
from evergreen.config.params.gate import GateParams
from evergreen.learning.evaluation import Comparison, Report


class Check(Value):
    """One rule of the gate and what it saw."""

    name: Literal["floor", "baseline", "champion"]
    outcome: Literal["passed", "failed", "not applicable"]
    text: str


class Verdict(Value):
    """The gate's answer. `promote` is true only when no check failed."""

    promote: bool
    checks: tuple[Check, ...]

    @property
    def reason(self) -> str:
        """The checks that decided, as one sentence."""
        decisive = [check for check in self.checks if check.outcome == ("passed" if self.promote else "failed")]
        return "; ".join(check.text for check in decisive)


def decide(report: Report, comparison: Comparison | None, params: GateParams) -> Verdict:
    """Return the verdict on a candidate. A number that is not finite fails its check.

    `comparison` is None when there is no champion yet; only then is the champion's check not applicable.
    """
    candidate, baseline = (metrics.get(params.metric, math.nan) for metrics in (report.candidate, report.baseline))
    floor = _check(
        "floor",
        math.isfinite(candidate) and candidate >= params.floor,
        f"{params.metric} {candidate:.4f} against a floor of {params.floor:g}",
    )
    gain = candidate - baseline
    over_baseline = _check(
        "baseline",
        math.isfinite(gain) and gain > params.baseline_gain,
        f"{gain:+.4f} against the {report.baseline_family} baseline's {baseline:.4f}, "
        f"needs more than {params.baseline_gain:+g}",
    )
    return _verdict(floor, over_baseline, _against_champion(comparison, params))


def candidate_key(model: str, report: Report, params: GateParams) -> str:
    """Return what names a candidate: its model digest, its report and the gate it stands before. Judged once."""
    return digest_of({"model": model, "report": report, "gate": params})


def _against_champion(comparison: Comparison | None, params: GateParams) -> Check:
    if comparison is None:
        return Check(name="champion", outcome="not applicable", text="there is no champion yet")
    if comparison.why_not or comparison.difference is None or comparison.low is None or comparison.high is None:
        return _check(
            "champion",
            False,
            f"cannot be compared with version {comparison.champion_version}: {comparison.why_not or 'no numbers'}",
        )
    return _check(
        "champion",
        all(map(math.isfinite, (comparison.difference, comparison.low, comparison.high)))
        and comparison.low > -params.champion_margin,
        f"{comparison.difference:+.4f} [{comparison.low:+.4f}, {comparison.high:+.4f}] against version "
        f"{comparison.champion_version}, must lie above {-params.champion_margin:g}",
    )


def _check(name: Literal["floor", "baseline", "champion"], passed: bool, text: str) -> Check:
    return Check(name=name, outcome="passed" if passed else "failed", text=text)


def _verdict(*checks: Check) -> Verdict:
    return Verdict(promote=all(check.outcome != "failed" for check in checks), checks=checks)
