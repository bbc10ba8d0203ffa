"""Which columns hold personal data: a name is a suspicion, the values decide."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.inference import as_category, snake
from evergreen.proposal.roles import Draft

# A name's words, between underscores, of each kind, and what its values look like then; looser than PATTERNS.
WORD = r"[^\W\d_]"
KINDS = {
    "an e-mail address": (r"e_?mails?|email_?address|e_?mail_?adress", r"\S+@\S+"),
    "a phone number": (
        r"phone|phones|telephone|tel|mobile|cell_?phone|fax|handy|telefon|phone_?(nr|no|num|number)|msisdn",
        r"\+?[(\d](?=(.*\d){6})[\d ()./-]+( ?(x|ext\.?) ?\d+)?",
    ),
    "an official number": (
        r"ssn|social_security|social_security_(nr|no|number)|iban|passport|passport_(nr|no|number)|credit_?card|"
        r"card_number|national_id|nhs_number|tax_id",
        r"(?=(.*\d){6})[A-Za-z0-9*][A-Za-z0-9 .*-]{5,}",
    ),
    "a person's name": (
        r"first_?names?|last_?names?|sur_?name|fore_?name|given_?name|family_?name|full_?name|maiden_?name|"
        r"middle_?name|vorname|nachname|"
        r"(customer|patient|user|employee|client|contact|person|passenger|student|member)_?name",
        rf"(?![a-z]){WORD}{{2,}}[^\d_]*",
    ),
    "an address": (r"street|address|street_?address|strasse|adresse", rf"(?=.*\d)(?=.*{WORD}{{3}}).*[ ,].*"),
    "an IP address": (r"ip|ip_?address|ip_?addr", r"(\d{1,3}\.){3}\d{1,3}|(?=.*:.*:)[0-9a-fA-F:]{3,39}|\d{8,10}"),
    "a day of birth": (
        r"date_of_birth|birth_?date|birthday|dob|geburts(datum|tag)|geb_?datum|date_(de_)?naissance|fecha_de_nacimiento|"
        r"fecha_nacimiento|data_di_nascita|data_(de_)?nascimento|data_urodzenia",
        r".*\d{1,4}[-./ ].{1,9}[-./ ]\d{1,4}.*|\d{8}",
    ),
}
NAMES = {what: re.compile(rf"(^|_)({words})(_|$)") for what, (words, _) in KINDS.items()}
LIKE = {what: re.compile(values) for what, (_, values) in KINDS.items()}
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
# Names of things, whose numbers are written like those of people; and of what has as many dots as an IP address.
OF_A_THING = re.compile(
    r"(^|_)(invoice|order|ticket|product|part|item|sku|serial|batch|lot|document|receipt|transaction|shipment|tracking|"
    r"policy|claim|booking|reservation|flight|model|version|release|build|firmware|section|article|catalog|isbn|bill)"
    r"(_|$)"
)
BY_A_THING_TOO = ("a phone number", "a social security number", "an IP address")
NUMBER = re.compile(r"[+-]?\d*([.,]\d+)?(e[+-]?\d+)?")
MOSTLY = 0.8
FEWEST_SEEN, SHOWN, LONGEST = 5, 1_000, 200
MANY = 20  # so many different texts are no codes
HIDES = "nothing of it is stored; on its line, role: feature and pii: keep bring it back"


@dataclass(frozen=True)
class Personal:
    """What a column's name and values say of it. `certain`: the values say so too, or do not speak against it."""

    why: str
    certain: bool


def why_personal(
    name: str, values: Sequence[str], *, n_different: int = 0, is_unique: bool = False, is_time: bool = False
) -> Personal | None:
    """Return why a column is personal, or may be taken for it by its name or values alone; None where nothing says so.

    Parameters
    ----------
    values : some of its values as text; empty where none was read.
    n_different : how many different ones the column has in all. `is_unique`: no two rows share one.
    is_time : its values are times.

    Examples
    --------
    >>> why_personal("contact", ["a@b.org"] * 9).why, why_personal("species", ["setosa"] * 9)
    ('looks like an e-mail address', None)
    >>> why_personal("Street", ["Pave", "Grvl"] * 9, n_different=2).certain
    False
    """
    words = snake(name)
    seen = [value.strip()[:LONGEST] for value in values]
    if what := _named(words):
        return _of_a_name(what, seen, is_many=n_different > MANY, is_unique=is_unique, is_time=is_time)
    if len(seen) < FEWEST_SEEN:
        return None
    patterns = {**PATTERNS, "a person's name": PERSON} if words.strip("_") in ("name", "names") else PATTERNS
    for what, pattern in patterns.items():
        if _mostly(pattern, seen) and (what != "an IBAN" or _checked(seen) >= MOSTLY):
            is_of_thing = what in BY_A_THING_TOO and bool(OF_A_THING.search(words))
            return Personal(f"looks like {what}", not is_of_thing)
    return None


def _named(words: str) -> str:
    """Return of what kind a name says that a column is; empty where it says nothing of that."""
    if NOT_PERSONAL.search(words):
        return ""
    return next((what for what, pattern in NAMES.items() if pattern.search(words)), "")


def _of_a_name(what: str, seen: Sequence[str], *, is_many: bool, is_unique: bool, is_time: bool) -> Personal:
    """Return what the values say of a column whose name says it is personal.

    Codes are few, and measures are numbers that repeat; what is neither is taken for personal.
    """
    is_day = is_time and what == "a day of birth"
    if is_day or (not is_time and _share(LIKE[what], seen) >= 0.5):
        return Personal(f"its name says so, and it looks like {what}", True)
    return Personal("its name says so", not is_time and is_many and (is_unique or _share(NUMBER, seen) < MOSTLY))


def _mostly(pattern: re.Pattern[str], values: Sequence[str]) -> bool:
    """Return whether most values match, as soon as so many do not that they cannot."""
    left = len(values)
    for value in values:
        if not pattern.fullmatch(value):
            left -= 1
            if left < MOSTLY * len(values):
                return False
    return True


def _share(pattern: re.Pattern[str], values: Sequence[str]) -> float:
    return sum(bool(pattern.fullmatch(value)) for value in values) / len(values) if values else 0.0


def _checked(values: Sequence[str]) -> float:
    """Return the share of texts whose check digits are those of an IBAN (ISO 13616: 97 leaves 1)."""
    turned = [(text[4:] + text[:4]).replace(" ", "") for text in values]
    right = sum(
        text.isascii() and text.isalnum() and int("".join(str(int(c, 36)) for c in text)) % 97 == 1
        for text in turned
        if text
    )
    return right / len(values)


def mark_personal(drafts: Mapping[str, Draft], sample: pa.Table) -> None:
    """Drop what is personal, hash it where it is the key, and say of the rest why it could be taken for personal."""
    drawn = set(sample.column_names)
    for draft in drafts.values():
        if draft.role == "time" or draft.guess.type == "boolean" or draft.name not in drawn:
            continue
        if draft.guess.type not in ("category", "text") and not _named(snake(draft.name)):
            continue
        values = _texts(sample[draft.name].slice(0, SHOWN))
        found = why_personal(
            draft.name,
            values,
            n_different=draft.seen.distinct.n,
            is_unique=draft.guess.type != "number" and draft.seen.distinct.repeated_share == 0,
            is_time=draft.guess.type == "timestamp",
        )
        if found is None:
            continue
        if not found.certain:
            draft.notes.append(_suspected(found.why, draft.seen))
        elif draft.role == "target":
            draft.notes.append(f"personal data ({found.why}): a target is stored as it is")
        elif draft.role == "key":
            note = f"personal data ({found.why}): stored as a hash; pii: keep stores it as it is"
            draft.pii, draft.guess = "hash", as_category(draft.guess, note)
            draft.notes.extend(draft.guess.notes)
        else:
            draft.pii, draft.role = "drop", "ignore"
            draft.notes = [f"personal data ({found.why}): {HIDES}"]


def _suspected(why: str, seen: ColumnProfile) -> str:
    if why.startswith("looks"):
        return f"{why}, but is named otherwise: kept; if it is personal, set role: ignore and pii: drop"
    return (
        f"named like personal data, but its {seen.distinct.n:,} different values are none: kept; if they are, set "
        "role: ignore and pii: drop"
    )


def _texts(column: pa.ChunkedArray) -> list[str]:
    """Return the values as text; whole numbers without a point, and nothing for what has no text."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = column
    elif pa.types.is_integer(kind):
        texts = column.cast(pa.string())
    elif pa.types.is_floating(kind):
        texts = pc.replace_substring_regex(column.cast(pa.string()), r"\.0$", "")
    else:
        return []
    return [text for text in texts.drop_null().to_pylist() if text.strip()]
