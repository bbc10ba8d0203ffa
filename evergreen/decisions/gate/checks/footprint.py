"""GT011 and GT012: is what would be served small and fast enough?"""

from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.check import Check, not_applicable
from evergreen.decisions.gate.evidence import Contender


def check_size(contender: Contender, policy: GateParams) -> Check:
    """Return whether the model is at most `gate.max_megabytes` on disk."""
    return _check("size", "GT011", contender.megabytes, policy.max_megabytes, "MB")


def check_latency(contender: Contender, policy: GateParams) -> Check:
    """Return whether an answer to one row takes at most `gate.max_milliseconds`."""
    return _check("latency", "GT012", contender.milliseconds, policy.max_milliseconds, "ms")


def _check(name: str, code: str, value: float | None, limit: float | None, unit: str) -> Check:
    if limit is None:
        return not_applicable(name, code, "no limit is set", **{unit: value})
    above = value is None or not value <= limit
    said = "it was not measured" if value is None else f"{value:.3g} {unit}"
    return Check(
        name=name,
        code=code,
        outcome="failed" if above else "passed",
        text=f"{said} against a limit of {limit:g} {unit}",
        evidence={unit: value},
        would_change=f"{limit:g} {unit} or less" if above else "",
    )
