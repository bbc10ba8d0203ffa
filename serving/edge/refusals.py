"""Rows that are not predicted, and in words what would have been."""

from typing import Any

from evergreen.learning.model.compiled.plan import NumberForm, PlanColumn

MAX_SHOWN = 80
WORDS = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "timestamp": "a time such as 2024-03-01T12:00:00Z",
    "category": "a text",
    "text": "a text",
}


class Refused(Exception):  # noqa: N818  an outcome, not a fault
    """A row that is not predicted; `field`: the column, or None where it is the row as a whole."""

    def __init__(self, field: str | None, value: object, allowed: str) -> None:
        super().__init__(field)
        self.field, self.allowed = field, allowed
        self.value = value if isinstance(value, bool | int | float | None) else str(value)[:MAX_SHOWN]

    def told(self, row: int) -> dict[str, Any]:
        """Return what the caller is answered; `row` counts from 0."""
        return {"refused": {"row": row, "field": self.field, "value": self.value, "allowed": self.allowed}}


def allowed(column: PlanColumn) -> str:
    """Return in words what a column may hold."""
    words, low, high = WORDS[column.type], column.min, column.max
    if isinstance(column.spelling, tuple):
        words += f", or {column.spelling[1]} or {column.spelling[0]}"
    elif isinstance(column.spelling, NumberForm):
        spelled = column.spelling
        words += f", as a text like {spelled.before}12{spelled.decimal if column.type == 'number' else ''}"
        words += f"{'5' if column.type == 'number' else ''}{spelled.after}"
    elif column.spelling is not None:
        words += f", or as {column.spelling}"
    elif column.parts:
        words += f", or told by {', '.join(part.name for part in column.parts)}"
    if (low is not None or high is not None) and "DQ004" in column.refuses:
        words += (f" from {low:g}" if low is not None else "") + (f" up to {high:g}" if high is not None else "")
    if column.categories is not None and "DQ005" in column.refuses:
        words = f"one of {', '.join(column.categories[:20])}"
    if column.pattern is not None and "DQ011" in column.refuses:
        words += f", all of the pattern {column.pattern}"
    return f"{words}, or null" if column.nullable or "DQ003" not in column.refuses else words
