"""The page of a service's metrics: what each worker counted, made one."""

import math
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from evergreen.base.processes import Mark, place
from serving.cells import Cells, Series, others, parse
from serving.families import BY_NAME, FAMILIES, Across, Family

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Numbers = dict[Series, float]


def page(cells: Cells, folder: Path | None, *, now: float) -> bytes:
    """Return every family in Prometheus' text format: of this process's cells, and of all others in the folder."""
    registry = CollectorRegistry()
    registry.register(_Merged(_places(cells, folder), now))
    return generate_latest(registry)


def counted(cells: Cells, folder: Path | None) -> Numbers:
    """Return what counters and buckets of histograms add up to, over all workers."""
    return _added(_places(cells, folder))


def _places(cells: Cells, folder: Path | None) -> dict[int, Numbers]:
    places = {cells.place: parse(cells.content())}
    if folder is not None:
        places |= {number: parse(content) for number, content in others(folder, cells.place)}
    return places


def _added(places: Mapping[int, Numbers]) -> Numbers:
    added: Numbers = defaultdict(float)
    for numbers in places.values():
        for series, value in numbers.items():
            added[series] += value
    return added


class _Merged(Collector):
    def __init__(self, places: Mapping[int, Numbers], now: float) -> None:
        living = {number: numbers for number, numbers in sorted(places.items()) if _lives(numbers)}
        self._counted = _added(places)
        self._gauges: dict[Series, dict[int, float]] = defaultdict(dict)
        for number, numbers in living.items():
            for series, value in (*numbers.items(), *_derived(numbers, now)):
                if not math.isnan(value):
                    self._gauges[series][number] = value

    def collect(self) -> Iterator[Metric]:
        by_name: dict[str, list[Series]] = defaultdict(list)
        for series in {**self._counted, **self._gauges}:
            by_name[series[0]].append(series)
        for family in FAMILIES:
            if family.kind == "histogram":
                yield self._histogram(family, by_name)
            elif family.across == "worker" or family.kind == "gauge":
                yield self._gauge(family, by_name[family.name])
            else:
                counter = CounterMetricFamily(family.name, family.about, labels=family.labels)
                for _, *labels in sorted(by_name[family.name]):
                    counter.add_metric(labels, self._counted[family.name, *labels])
                yield counter

    def _gauge(self, family: Family, found: list[Series]) -> Metric:
        kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
        metric = kind(family.name, family.about, labels=family.shown)
        for series in sorted(found):
            of_workers = self._gauges[series]
            if family.across == "worker":
                for number, value in of_workers.items():
                    metric.add_metric([*series[1:], str(number)], value)
            elif of_workers:
                metric.add_metric(series[1:], _merged(family.across, of_workers.values()))
        return metric

    def _histogram(self, family: Family, by_name: Mapping[str, list[Series]]) -> Metric:
        metric = HistogramMetricFamily(family.name, family.about, labels=family.labels)
        for _, *labels in sorted(by_name.get(f"{family.name}_sum", ())):
            bounds = sorted(
                (series[-1] for series in by_name[f"{family.name}_bucket"] if list(series[1:-1]) == labels), key=float
            )
            below, buckets = 0.0, []
            for bound in bounds:
                below += self._counted[f"{family.name}_bucket", *labels, bound]
                buckets.append(("+Inf" if bound == "inf" else bound, below))
            total = None if family.is_signed else self._counted[f"{family.name}_sum", *labels]
            metric.add_metric(labels, buckets, total)
        return metric


def _merged(across: Across, values: Iterable[float]) -> float:
    if across == "sum":
        return sum(values)
    return max(values) if across == "max" else min(values)


def _lives(numbers: Numbers) -> bool:
    """Return whether the worker that these numbers are of still runs; another process may have its id."""
    pid, started = numbers.get(("worker.pid",), math.nan), numbers.get(("worker.started",), math.nan)
    if math.isnan(pid):
        return False
    if int(pid) == os.getpid():
        return True
    return Mark(place=place(), pid=int(pid), started=started).is_running


def _derived(numbers: Numbers, now: float) -> Iterator[tuple[Series, float]]:
    """Yield what is known of a living worker without its help."""
    if ("worker.since",) in numbers:
        yield ("evergreen_model_age_seconds",), now - numbers["worker.since",]
    pid = int(numbers["worker.pid",])
    for metric in ProcessCollector(pid=lambda: pid, registry=None).collect():
        for sample in metric.samples:
            if sample.name in BY_NAME:
                yield (sample.name,), sample.value
