"""What a target's classes are: which of two words is true, which are one word spelled twice, and which are rare."""

import json
import unicodedata
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from evergreen.config.contract.columns import Task
from evergreen.config.objectives import GATE_METRIC

# The false and the true of each pair, in small letters.
PAIRS = (
    ("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("off", "on"), ("0", "1"), ("-", "+"), ("neg", "pos"),
    ("negative", "positive"), ("benign", "malignant"), ("b", "m"), ("absent", "present"), ("failure", "success"),
    ("fail", "pass"), ("ham", "spam"), ("legit", "fraud"), ("healthy", "sick"), ("inactive", "active"),
    ("good", "bad"), ("alive", "dead"), ("stayed", "left"), ("retained", "churned"), ("<=50k", ">50k"),
    ("nein", "ja"), ("nee", "ja"), ("nej", "ja"), ("non", "oui"), ("no", "si"), ("no", "sì"), ("no", "sí"),
    ("não", "sim"), ("nao", "sim"), ("nie", "tak"), ("нет", "да"), ("いいえ", "はい"), ("否", "是"), ("hayir", "evet"),
    ("ne", "ano"), ("ne", "da"), ("nu", "da"), ("nem", "igen"), ("ei", "kyllä"), ("falsch", "wahr"), ("faux", "vrai"),
    ("negativ", "positiv"), ("négatif", "positif"), ("negatif", "positif"), ("negativo", "positivo"),
    ("ujemny", "dodatni"), ("0", "-1"), ("-1", "1"), ("-1.0", "1.0"),
    ("falso", "verdadero"), ("falso", "vero"), ("censored", "event"), ("survived", "died"), ("placebo", "treatment"),
)  # fmt: skip
SPOKEN = PAIRS[:5]
# What is said of a row in which nothing was found, or nothing happened.
UNMARKED = frozenset(
    ("none", "no", "not", "nothing", "nil", "never", "normal", "healthy", "control", "controls", "ctrl", "negative",
     "neg", "benign", "absent", "false", "alive", "ok", "okay", "good", "legit", "legitimate", "genuine", "clean",
     "ham", "safe", "stable", "free", "remission", "retained", "stayed", "wildtype", "wt", "unaffected", "asymptomatic",
     "nondiabetic", "censored", "baseline", "other", "others", "rest", "background", "nein", "kein", "keine", "keiner",
     "non", "aucun", "aucune", "ninguno", "ninguna", "nessuno", "nenhum", "nee", "geen", "nej", "ingen", "nie",
     "gesund", "unauffällig", "sano", "sain", "lebend", "lebt", "vivant", "vivo", "vivo(a)", "paid", "fully paid",
     "current")
)  # fmt: skip
MARKED = frozenset(
    ("case", "cases", "yes", "true", "positive", "pos", "relapse", "recurrence", "disease", "diseased", "ill", "sick",
     "cancer", "tumor", "tumour", "malignant", "abnormal", "affected", "event", "death", "dead", "died", "deceased",
     "fraud", "fraudulent", "default", "defaulted", "churn", "churned", "failure", "failed", "anomaly", "anomalous",
     "attack", "spam", "faulty", "defect", "defective", "outlier", "infected", "diabetic", "hypertensive", "readmitted",
     "krank", "ja", "oui", "present", "tot", "verstorben", "gestorben", "décédé", "deceduto", "fallecido", "zgon",
     "charged off", "overdue")
)  # fmt: skip
NEGATIONS = ("no", "not", "non", "without", "kein", "keine", "nicht", "ohne", "sans", "pas de", "sin", "senza", "sem")

RARE = 0.2  # of the rows


class Truth(NamedTuple):
    """The false and the true word, as they are written, and why."""

    false: str
    true: str
    why: str


def true_word(counts: Mapping[str, int]) -> Truth:
    """Return which of two words is true: by a pair that is known, by what one word means, else the rarer.

    Parameters
    ----------
    counts : how often each of the two comes.

    Examples
    --------
    >>> true_word({"none": 40, "relapse": 60}).why, true_word({"ckd": 250, "notckd": 150}).true
    ("because 'none' says that nothing was found", 'ckd')
    >>> true_word({"left": 70, "right": 30}).why
    'the rarer of the two'
    """
    by_small = {_small(text): text.strip() for text in counts}
    if pair := next((pair for pair in PAIRS if by_small.keys() == set(pair)), None):
        return Truth(by_small[pair[0]], by_small[pair[1]], "")
    for one, other in (tuple(by_small), tuple(by_small)[::-1]):
        if said := _is_false(one, other, by_small[one], by_small[other]):
            return Truth(by_small[one], by_small[other], said)
    true, false = sorted(counts, key=lambda text: (counts[text], text))
    rarer = "the rarer of the two" if counts[true] < counts[false] else "the first by the alphabet of two as frequent"
    return Truth(false.strip(), true.strip(), rarer)


def _is_false(one: str, other: str, written: str, others: str) -> str:
    """Return why a word is the false one beside another, both in small letters; empty if nothing says so."""
    if one.endswith(other) and one.removesuffix(other).rstrip(" _-") in NEGATIONS:
        return f"because {written!r} is the opposite of {others!r}"
    if one in UNMARKED and other not in UNMARKED:
        return f"because {written!r} says that nothing was found"
    if other in MARKED and one not in MARKED:
        return f"because {others!r} says that something was found"
    low, high = _number(one), _number(other)
    if low is not None and high is not None and low <= 0 < high:
        return f"because {others} is above 0"
    return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _small(text: str) -> str:
    return text.strip().lower().removesuffix(".") or text


def spelled_alike(words: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of words that differ by case or spaces only, or by how Unicode writes a letter.

    Examples
    --------
    >>> spelled_alike(["Yes", "No", "yes ", "maybe", "no"])
    (('No', 'no'), ('Yes', 'yes '))
    """
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault("".join(unicodedata.normalize("NFKC", word).split()).casefold(), []).append(word)
    return tuple(sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1))


def without_spaces(counts: Mapping[str, int]) -> Mapping[str, int]:
    """Return the counts of two words whatever spaces are around them, as a truth value is read; others as they are."""
    trimmed: dict[str, int] = {}
    for text, n in counts.items():
        trimmed[text.strip()] = trimmed.get(text.strip(), 0) + n
    return trimmed if len(trimmed) == 2 and "" not in trimmed else counts


def said_of(words: Truth) -> str:
    """Return what a person should know of the two words, and the line that turns them round where it was a guess."""
    taken = f"{words.true!r} is taken as true"
    if not words.why:
        return f"{taken}, {words.false!r} as false"
    turned = json.dumps([words.true, words.false], ensure_ascii=False)
    return f"{taken}, {words.why}, {words.false!r} as false; the other way round: spelling: {turned}"


def notes_on_classes(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return what is to be said of classes that differ by case or spaces only; each stays a class of its own."""
    alike = spelled_alike(counts)
    if not alike:
        return ()
    shown = "; ".join(" = ".join(map(repr, group)) for group in alike[:3]) + ("; …" if len(alike) > 3 else "")
    left = len(counts) - sum(len(group) - 1 for group in alike)
    return (
        f"classes that differ by case or spaces only count as different: {shown}; spelled alike at the source, these "
        f"{len(counts)} would be {left}",
    )


def imbalance(counts: Mapping[str, int], task: Task) -> tuple[str, ...]:
    """Return what is to be said of classes of which one has most rows: how a label will be chosen, and judged.

    Parameters
    ----------
    counts : rows of each class; of a binary target, of its false and true as text.
    """
    total = sum(counts.values())
    if len(counts) < 2 or not total:
        return ()
    rarest = min(counts, key=lambda name: counts[name])
    if task == "binary" and counts[rarest] < RARE * total:
        return (
            f"{counts[rarest] / total:.1%} of the rows are {rarest.lower()}: from which probability on an answer is "
            "true, tuning's validation rows say, by the best balanced accuracy and not by 0.5; evaluate.threshold "
            "or evaluate.costs choose otherwise",
        )
    if task == "multiclass" and (most := max(counts.values())) > (1 - RARE) * total:
        return (
            f"{most / total:.1%} of the rows are of one class: the label is the likeliest class, and the gate goes by "
            f"{GATE_METRIC[task]}, in which every class counts the same",
        )
    return ()
