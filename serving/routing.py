"""Who answers which row: the rule that stands, the versions in memory that it names, and the place of a row's key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evergreen.decisions.rollout.traffic import CHAMPION, Arm, Traffic, drawn
from serving.reading import Scalar
from serving.served import Served

BETWEEN = "\x1f"  # the values of a unit of several columns
Row = Sequence[Scalar]


@dataclass(frozen=True, eq=False)
class Routing:
    """A rule and the releases that answer by it; never changed once it is made.

    `variants`: by the names of the rule's arms, the champion's own among them where it has one.
    """

    champion: Served
    traffic: Traffic
    variants: Mapping[str, Served]
    _places: Mapping[str, tuple[int, ...] | None] = field(repr=False)
    _unit: tuple[tuple[bool, int], ...] = field(repr=False)

    @classmethod
    def of(cls, champion: Served, traffic: Traffic, others: Mapping[int, Served]) -> "Routing":
        """Return the routing of a rule; `others` are the releases by version, each of which `misfit` has passed."""
        known = {champion.release.version: champion, **others}
        variants = {arm.name: known[arm.version] for arm in traffic.arms}
        return cls(
            champion,
            traffic,
            variants,
            _places={name: _places(champion, served) for name, served in variants.items()},
            _unit=_unit(champion, traffic.unit),
        )

    @property
    def divides(self) -> bool:
        """Whether others than the champion answer; it is asked alone where they are shadows."""
        return self.traffic.mode == "split"

    @property
    def shadows(self) -> tuple[Arm, ...]:
        """The variants that are asked too and never heard."""
        return () if self.divides else tuple(arm for arm in self.traffic.arms if arm.name != CHAMPION)

    def drawn(self, row: Row, keys: Row, prediction_id: str) -> Arm:
        """Return the variant that is to answer a row, typed and with its keys as the champion's decoder gives them."""
        return drawn(self.traffic, self._key(row, keys) or prediction_id)

    def rows_for(self, variant: str, rows: Sequence[Row]) -> Sequence[Row]:
        """Return rows of the champion's columns as a variant is asked with them."""
        places = self._places[variant]
        return rows if places is None else [[row[at] for at in places] for row in rows]

    def of_digest(self, model_digest: str) -> Served | None:
        """Return the variant whose model it is."""
        found = (served for served in self.variants.values() if served.release.model_digest == model_digest)
        return next(found, None)

    def _key(self, row: Row, keys: Row) -> str | None:
        """Return whom a row is about; None where the rule names nobody, or a part of the name was not sent."""
        if not self._unit:
            return None
        values = [(keys[at] if keys else None) if is_key else row[at] for is_key, at in self._unit]
        return None if None in values else BETWEEN.join(map(str, values))


def misfit(champion: Served, other: Served) -> str:
    """Return why a release cannot be asked with the rows that the champion reads; empty if it can.

    It may look at fewer columns than the champion, and at none of another name or type.
    """
    mine, its = champion.model.contract, other.model.contract
    if (mine.task, mine.target) != (its.task, its.target):
        return f"it predicts {its.target} ({its.task}), and the champion {mine.target} ({mine.task})"
    if {*champion.model.classes} != {*other.model.classes}:
        return f"its classes are {', '.join(other.model.classes)}, the champion's {', '.join(champion.model.classes)}"
    types = {column.name: column.type for column in champion.decoder.columns}
    for column in other.decoder.columns:
        if column.name not in types:
            return f"it asks for {column.name}, which requests to the champion do not have"
        if types[column.name] != column.type:
            return f"{column.name} is {column.type} to it, and {types[column.name]} to the champion"
    return ""


def _places(champion: Served, other: Served) -> tuple[int, ...] | None:
    """Return where another release's columns stand among the champion's; None where they are the same ones."""
    at = {column.name: place for place, column in enumerate(champion.decoder.columns)}
    places = tuple(at[column.name] for column in other.decoder.columns)
    return None if places == tuple(range(len(at))) else places


def _unit(champion: Served, unit: Sequence[str]) -> tuple[tuple[bool, int], ...]:
    """Return where each column of a unit stands: among the keys or not, and at which place; empty if one is nowhere."""
    decoder = champion.decoder
    at = {column.name: (True, place) for place, column in enumerate(decoder.keys)}
    at |= {column.name: (False, place) for place, column in enumerate(decoder.columns)}
    return tuple(at[name] for name in unit) if all(name in at for name in unit) else ()
