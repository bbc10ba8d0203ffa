"""Results of Great Expectations as JSON: counted, put together from pieces, and held against our own counts."""

from math import isclose, isfinite
from typing import Any

from evergreen.base.errors import IntegrityError
from evergreen.base.values import Value
from evergreen.data.validation import ROW_CODES, Validation

OWN = "DQ031"
# Rules whose bad rows both layers count; a row that cannot be read never comes here.
_COUNTED = (*(code for code in ROW_CODES if code not in ("DQ002", "DQ013")), "DQ018")
Key = tuple[str, str, str]  # code, column, and the text of a rule on two columns


class Expectations(Value):
    """Counts of a suite's run, and its results in the JSON of Great Expectations."""

    evaluated: int
    failed: int
    results: dict[str, Any]

    @property
    def own_failed(self) -> tuple[str, ...]:
        """What the user's own expectations that do not hold say, one line each."""
        failed = [result for result in self.results["results"] if not result["success"] and code_of(result) == OWN]
        return tuple(_told(result) for result in failed)


def merged(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one result for the same expectation asked of several pieces."""
    first = pieces[0]
    raised = next((piece for piece in pieces if code_of(piece) in _COUNTED and not _is_counted(piece)), None)
    if len(pieces) == 1 or raised is not None:
        return raised or first
    whole = {**first, "success": all(piece["success"] for piece in pieces)}
    results = [piece["result"] for piece in pieces]
    kwargs = first["expectation_config"]["kwargs"]
    if code_of(first) in _COUNTED:
        counts = {
            name: sum(result.get(name) or 0 for result in results)
            for name in ("element_count", "unexpected_count", "missing_count")
        }
        elements, bad = counts["element_count"], counts["unexpected_count"]
        share = bad / elements if elements else 0.0
        samples = [value for result in results for value in result.get("partial_unexpected_list", ())][:20]
        whole["result"] = {**counts, "unexpected_percent": 100 * share, "partial_unexpected_list": samples}
        whole["success"] = share <= 1 - (kwargs.get("mostly") or 1.0)
    elif code_of(first) in ("DQ015", "DQ019"):
        values = [result.get("observed_value") for result in results]
        weights = [result.get("element_count") for result in results]
        if code_of(first) == "DQ015":
            observed: float | None = sum(values)
        else:
            n = sum(weights)
            total = sum(value * weight for value, weight in zip(values, weights, strict=True) if weight)
            observed = total / n if n else None
        whole["result"] = {"observed_value": observed}
        low, high = kwargs.get("min_value"), kwargs.get("max_value")
        whole["success"] = observed is not None and (low is None or low <= observed) and (
            high is None or observed <= high
        )  # fmt: skip
    return whole


def agree(expectations: Expectations, validation: Validation) -> None:
    """Check that both layers counted the same bad rows, rule by rule, and measured the same means.

    Raises
    ------
    IntegrityError naming the first rule on which they differ: one of the two layers is wrong then, so neither counts.
    """
    ours, theirs = _ours(validation), _theirs(expectations)
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in ours or key not in theirs or not _same(ours[key], theirs[key]):
            raise IntegrityError(
                "INT006",
                f"the two validation layers disagree on {key[0]} of '{key[1]}': "
                f"{ours.get(key)} and {theirs.get(key)} {'in the mean' if key[0] == 'DQ019' else 'rows'}",
                where="validate",
                next_step="Report this with the contract; nothing was trained.",
            )


def _ours(validation: Validation) -> dict[Key, float | None]:
    """Return what we counted or measured, of the rules that Great Expectations can express."""
    numbers: dict[Key, float | None] = {}
    for rule in validation.rules:
        key = (rule.code, rule.column, rule.rule if rule.code == "DQ012" else "")
        if rule.code == "DQ015":
            numbers[key] = validation.rows - validation.unreadable
        elif rule.code == "DQ018":
            numbers[key] = round((rule.observed or 0.0) * rule.rows)
        elif rule.code == "DQ019":
            numbers[key] = rule.observed
        elif rule.code in _COUNTED and not (rule.code == "DQ022" and validation.today is None):
            numbers[key] = rule.n_bad
    return numbers


def _theirs(expectations: Expectations) -> dict[Key, float | None]:
    numbers: dict[Key, float | None] = {}
    for result in expectations.results["results"]:
        code, config = code_of(result), result["expectation_config"]
        if code == OWN:
            continue
        key = (code, config["meta"]["column"], config["meta"]["rule"])
        if not (_is_counted(result) if code in _COUNTED else result["success"] or code != "DQ001"):
            raise IntegrityError(
                "INT006",
                f"Great Expectations could not evaluate {config['type']}{_reason(result)}",
                where=config["meta"]["column"] or "columns",
                next_step="Report this with the contract; nothing was trained.",
            )
        if code != "DQ001":
            numbers[key] = result["result"].get("unexpected_count" if code in _COUNTED else "observed_value")
    return numbers


def _same(ours: float | None, theirs: float | None) -> bool:
    """Return whether two counts or means are the same; sums of floats depend on their order in the last digits."""
    known = [value for value in (ours, theirs) if value is not None and isfinite(value)]
    if len(known) < 2:
        return not known
    return isclose(*known, rel_tol=1e-9, abs_tol=1e-9) if isinstance(ours, float) else ours == theirs


def code_of(result: dict[str, Any]) -> str:
    code: str = result["expectation_config"]["meta"]["code"]
    return code


def _is_counted(result: dict[str, Any]) -> bool:
    return "unexpected_count" in result["result"]


def _told(result: dict[str, Any]) -> str:
    config, outcome = result["expectation_config"], result["result"]
    kwargs = ", ".join(f"{name}={value}" for name, value in config["kwargs"].items())
    seen = f": observed {outcome['observed_value']}" if "observed_value" in outcome else ""
    counted = f": {outcome['unexpected_count']} rows do not" if _is_counted(result) else seen
    return f"{config['type']}({kwargs}){counted or _reason(result)}"


def _reason(result: dict[str, Any]) -> str:
    """Return why a rule has no count; Great Expectations keeps it under the name of the metric that raised."""
    about = result["exception_info"]
    raised = next((info for info in about.values() if isinstance(info, dict)), about)
    observed = result["result"].get("observed_value", ())
    reason = raised.get("exception_message") or (", ".join(observed) if isinstance(observed, list) else "")
    return f": {reason}" if reason else ""
