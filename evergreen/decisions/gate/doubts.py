"""What a promotion should be warned of: few gate rows, or a model that knows next to nothing."""

import math
from collections.abc import Sequence

from evergreen.decisions.gate.check import Check, Evidence, plural

FEW_ROWS = 30
# Of each gate metric, of which no knowledge has 0.5, 1/k or 0 and perfection 1.
NEXT_TO_NOTHING = 0.01
STANDARD_ERRORS = 2.0


def doubts_of(checks: Sequence[Check]) -> tuple[str, ...]:
    """Return what speaks against believing a model that passed these checks, as sentences; empty where nothing does.

    A first model has nothing to be better than but the prior, whose check holds no doubt against it: eight rows, or an
    R² of 0.0006, pass. Nothing is refused by this.

    Examples
    --------
    >>> seen = {"metric": "r2", "ours": 0.0006, "gain": 0.0006, "se": 0.0001, "n": 900, "rows": 900, "unit": "row"}
    >>> doubts_of([Check(name="prior", code="GT002", outcome="passed", text="", evidence=seen)])
    ('r2 0.0006 on the gate rows is next to nothing: +0.0006 against knowing nothing',)
    """
    prior = next((check for check in checks if check.name == "prior"), None)
    if prior is None or "rows" not in prior.evidence:
        return ()
    rows, n, unit = (prior.evidence.get(name) for name in ("rows", "n", "unit"))
    found = []
    if _number(rows) < FEW_ROWS or prior.outcome == "not applicable":
        of = f" of {_number(n):.0f} {plural(str(unit), int(_number(n)))}" if unit != "row" else ""
        if (counted := _number(prior.evidence.get("n_effective"))) < _number(n):
            of += f", which hang together and count as {counted:.1f}"
        found.append(f"the gate had {_number(rows):.0f} rows{of}: so few cannot tell a good model from chance")
    gain, se, ours = (_number(prior.evidence.get(name)) for name in ("gain", "se", "ours"))
    if not math.isfinite(gain):
        return tuple(found)
    value = f"{prior.evidence.get('metric')} {ours:.4f} on the gate rows"
    # The mean of the train rows has an R² below 0 on others, which is no merit of the model.
    if (min(gain, ours) if prior.evidence.get("metric") == "r2" else gain) < NEXT_TO_NOTHING:
        found.append(f"{value} is next to nothing: {gain:+.4f} against knowing nothing")
    elif not gain >= STANDARD_ERRORS * se:
        found.append(f"{value} may be chance: {gain:+.4f} against knowing nothing, give or take {se:.4f}")
    return tuple(found)


def _number(value: Evidence) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
