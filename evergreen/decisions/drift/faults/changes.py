"""Changes of unit: the factors and offsets that are known, and which of them a change of spread and mean may be."""

from dataclasses import dataclass

import numpy as np

from evergreen.decisions.drift.faults.scaled import Usual

GROSS = 8.0  # a factor that needs no name
NEAR, SURE = 0.2, 0.05  # by how much, in logs, a gross and a small factor may miss a known one
FAR_STEPS = 8.0  # deviations by which a mean moved that says enough by itself
ALIKE = 0.7  # by how much, in logs, the ratios of means and deviations may differ
AWAY_FROM_ZERO = 3.0  # deviations of the mean, for a small factor to show in both
FACTORS = {
    60.0: "minutes for hours, or seconds for minutes",
    3600.0: "seconds for hours",
    24.0: "hours for days",
    1.609344: "kilometres for miles",
    2.54: "centimetres for inches",
    3.28084: "feet for metres",
    2.204623: "pounds for kilograms",
    3.6: "km/h for m/s",
} | {10.0**k: "" for k in range(1, 10)}


@dataclass(frozen=True)
class Change:
    """Another unit: `factor * value + offset`; `words` say which, empty where none is known."""

    factor: float
    offset: float
    words: str

    @property
    def is_gross(self) -> bool:
        """Whether it is a factor that needs no name."""
        return self.offset == 0 and not 1 / GROSS < self.factor < GROSS

    def moves(self, mean: float) -> float:
        """Return by how much the mean changes."""
        return abs(self.factor * mean + self.offset - mean)


AFFINE = (
    Change(1.8, 32.0, "degrees Fahrenheit for Celsius"),
    Change(1 / 1.8, -32 / 1.8, "degrees Celsius for Fahrenheit"),
    Change(1.0, 273.15, "kelvins for degrees Celsius"),
    Change(1.0, -273.15, "degrees Celsius for kelvins"),
)


def changes_of(ratio: float, mean: float, usual: Usual, uncertain: float) -> list[Change]:
    """Return the changes that a log ratio of deviations, `uncertain` by so much, may come from.

    Away from zero the means say more exactly what a gross factor is.
    """
    found = []
    away = abs(usual.mean) >= AWAY_FROM_ZERO * usual.deviation
    if away and abs(ratio) >= np.log(GROSS) and mean / usual.mean > 0:
        by_means = float(np.log(mean / usual.mean))
        ratio = by_means if abs(by_means - ratio) <= ALIKE else ratio
    gap, sign, factor, word = min(
        (abs(ratio - sign * np.log(factor)), sign, factor, word) for factor, word in FACTORS.items() for sign in (1, -1)
    )
    known = Change(factor**sign, 0.0, _words(word, sign))
    if abs(ratio) >= np.log(GROSS):
        found.append(known if gap <= NEAR else Change(float(np.exp(ratio)), 0.0, ""))
    elif away and gap <= SURE + uncertain <= 3 * SURE:
        found.append(known)
    if not usual.follows_time:
        found += [change for change in AFFINE if _affine(change, ratio, usual, uncertain)]
    return found


def _affine(change: Change, ratio: float, usual: Usual, uncertain: float) -> bool:
    steps, off = change.moves(usual.mean) / usual.deviation, abs(ratio - np.log(change.factor))
    return off <= ALIKE if steps >= FAR_STEPS else off <= 2 * SURE + uncertain <= 0.3 and steps >= 2


def _words(word: str, sign: int) -> str:
    return word if sign > 0 or not word else f"the other way round than {word}"


def agrees(mean: float, change: Change, usual: Usual) -> bool:
    """Return whether the mean, taken back into the reference's unit, is one that the reference might have."""
    steps = change.moves(usual.mean) / usual.deviation
    free = 3.0 if change.is_gross else min(max(0.75, steps / 5), 2.5)
    return abs((mean - change.offset) / change.factor - usual.mean) <= free * usual.deviation
