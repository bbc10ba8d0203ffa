"""Which columns hold personal data: told by their names, or by what their values look like."""

import re
from collections.abc import Sequence

from evergreen.proposal.inference import snake

# Words of a column's name, between underscores.
NAMES = re.compile(
    r"(^|_)(e_?mails?|email_?address|phone|telephone|tel|mobile|cell_?phone|fax|ssn|social_security|iban|passport|"
    r"first_?names?|last_?names?|sur_?name|fore_?name|given_?name|family_?name|full_?name|maiden_?name|middle_?name|"
    r"(customer|patient|user|employee|client|contact|person|passenger|student|member)_?name|"
    r"street|address|ip|ip_?address|date_of_birth|birth_?date|birthday|dob|credit_?card|card_number)(_|$)"
)
NOT_PERSONAL = re.compile(
    r"(^|_)(phone|mobile|email|address|street)_(type|model|count|verified|opt_in|length)(_|$)|^(has|is|n)_"
)
PATTERNS = {
    "an e-mail address": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    "a phone number": re.compile(r"(\+\d[\d ().-]{6,18}\d|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})( ?(x|ext\.?) ?\d+)?"),
    "a social security number": re.compile(r"\d{3}-\d{2}-\d{4}"),
    "an IBAN": re.compile(r"[A-Z]{2}\d{2}( ?[A-Z0-9]{4}){3,7}( ?[A-Z0-9]{1,3})?"),
    "an IP address": re.compile(r"(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}"),
}
PERSON = re.compile(r"[A-Z][\w'-]+(,? ([A-Z][\w'.-]*|\([^)]*\)?|[a-z]{2,3}))+")
MOSTLY = 0.8
FEWEST_SEEN = 5


def why_personal(name: str, values: Sequence[str]) -> str | None:
    """Return why a column is personal, or None.

    Parameters
    ----------
    values : some of its texts; empty for a column of numbers or times, whose name alone can tell.

    Examples
    --------
    >>> why_personal("E-Mail", []), why_personal("contact", ["a@b.org"] * 9), why_personal("species", ["setosa"] * 9)
    ('its name says so', 'looks like an e-mail address', None)
    """
    words = snake(name)
    if NAMES.search(words) and not NOT_PERSONAL.search(words):
        return "its name says so"
    if len(values) < FEWEST_SEEN:
        return None
    patterns = {**PATTERNS, "a person's name": PERSON} if words.strip("_") in ("name", "names") else PATTERNS
    for what, pattern in patterns.items():
        if _mostly(pattern, values):
            return f"looks like {what}"
    return None


def _mostly(pattern: re.Pattern[str], values: Sequence[str]) -> bool:
    n = len(values)
    for value in values:
        if not pattern.fullmatch(value.strip()):
            n -= 1
            if n < MOSTLY * len(values):
                return False
    return True
