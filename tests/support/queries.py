"""What a PromQL query reads: its metrics, the labels that it needs of each, and the labels that its result has."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import promql_parser
from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    LabelModifierType,
    MatrixSelector,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

TARGET = frozenset({"job", "instance"})  # which Prometheus adds to every series
Labels = frozenset[str]


@dataclass
class Read:
    """What a query reads. `needed`: (metric, label) that a series must have; `result`: the labels of what comes out."""

    metrics: set[str] = field(default_factory=set)
    needed: set[tuple[str, str]] = field(default_factory=set)
    matched: set[tuple[str, str, str]] = field(default_factory=set)
    result: Labels = frozenset()


def read(query: str, known: Mapping[str, Labels]) -> Read:
    """Return what a query reads, given the labels of each metric; raises ValueError if it is no PromQL.

    The variables of a dashboard stand for what Grafana puts into their places.
    """
    text = query.replace("$__rate_interval", "5m").replace("$job", ".+")
    found = Read()
    found.result = _read(promql_parser.parse(text), known, found)
    return found


def _read(node: object, known: Mapping[str, Labels], found: Read) -> Labels:
    match node:
        case VectorSelector():
            name = str(node.name)
            found.metrics.add(name)
            for matcher in node.matchers.matchers:
                found.needed.add((name, matcher.name))
                found.matched.add((name, matcher.name, matcher.value))
            return known.get(name, frozenset()) | TARGET
        case MatrixSelector():
            return _read(node.vector_selector, known, found)
        case ParenExpr() | UnaryExpr() | SubqueryExpr():
            return _read(node.expr, known, found)
        case AggregateExpr():
            return _aggregated(node, known, found)
        case Call():
            labels = [_read(argument, known, found) for argument in node.args]
            return (labels[-1] if labels else frozenset()) - ({"le"} if "histogram" in node.func.name else set())
        case BinaryExpr():
            return _joined(node, known, found)
    return frozenset()  # a number


def _aggregated(node: AggregateExpr, known: Mapping[str, Labels], found: Read) -> Labels:
    inner = Read()
    labels = _read(node.expr, known, inner)
    _merge(found, inner)
    if node.modifier is None:
        return frozenset()
    named = frozenset(node.modifier.labels)
    found.needed |= {(metric, label) for metric in inner.metrics for label in named - labels}
    found.needed |= {(metric, label) for metric in inner.metrics for label in named}
    return named if node.modifier.type == AggModifierType.By else labels - named


def _joined(node: BinaryExpr, known: Mapping[str, Labels], found: Read) -> Labels:
    sides = [Read(), Read()]
    left, right = (_read(side, known, part) for side, part in zip((node.lhs, node.rhs), sides, strict=True))
    for part in sides:
        _merge(found, part)
    if node.modifier is None or node.modifier.matching is None:
        return left if sides[0].metrics else right
    matching = node.modifier.matching
    if matching.type == LabelModifierType.Include:
        for part, labels in zip(sides, (left, right), strict=True):
            found.needed |= {(metric, label) for metric in part.metrics for label in set(matching.labels) - labels}
    return left


def _merge(found: Read, part: Read) -> None:
    found.metrics |= part.metrics
    found.needed |= part.needed
    found.matched |= part.matched


def legend(text: str) -> Iterator[str]:
    """Yield the labels that a panel's legend shows."""
    for part in text.split("{{")[1:]:
        yield part.partition("}}")[0].strip()
