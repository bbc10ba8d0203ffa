"""What a value of each type may look like in JSON: for the document, for what is refused, and in words."""

import re

from evergreen.config.contract.columns import Column
from evergreen.data.validation.rules import bounds_text, severity_of


def text_form(column: Column) -> re.Pattern[str] | None:
    """Return what a text must match as a whole to be read as a value of a column; None where any text is one."""
    return None


def allowed(column: Column) -> str:
    """Return in words what a column may hold."""
    words = {
        "number": "a number",
        "integer": "a whole number",
        "boolean": "true or false",
        "timestamp": "a time in ISO 8601, such as 2024-03-01T12:00:00Z",
        "category": "a text",
        "text": "a text",
    }[column.type]
    if (column.min is not None or column.max is not None) and severity_of("DQ004", column) == "fail":
        words += f" {bounds_text(column)}"
    if column.categories is not None and severity_of("DQ005", column) == "fail":
        words = f"one of {', '.join(column.categories[:20])}"
    if column.pattern is not None and severity_of("DQ011", column) == "fail":
        words += f", all of the pattern {column.pattern}"
    return f"{words}, or null" if column.nullable or severity_of("DQ003", column) == "warn" else words
