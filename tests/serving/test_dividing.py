"""Divided traffic: each variant answers its rows, the champion those of one that fails, gives no number, or is slow."""

import asyncio
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import released
from prometheus_client.parser import text_string_to_metric_families

from evergreen.decisions.rollout.traffic import Arm, Traffic
from evergreen.learning.model.model import Model
from evergreen.learning.model.release import Release
from evergreen.record.predictions import reading
from evergreen.record.predictions.log import PredictionLog
from serving import batching
from serving.batching import About, Batcher
from serving.metrics import Metrics
from serving.routing import Routing
from serving.served import Served

(ROW,) = released.requests(1)


class Pipeline:
    """Answers half of what it is asked, plus a base of its own; fails, says nothing or waits where it is told to."""

    def __init__(self, base: float, *, does: str = "answer") -> None:
        self.base, self.does = base, does
        self.go_on = threading.Event()
        self.n_asked = 0

    def predict_proba(self, inputs):
        self.n_asked += 1
        if self.does == "wait":
            self.go_on.wait(30)
        if self.does == "fail":
            raise MemoryError("of a variant")
        shares = self.base + inputs["copy"].to_numpy().astype(float) / 2
        if self.does == "no number":
            shares[:] = np.inf
        answers = np.column_stack([1 - shares, shares])
        return answers[1:] if self.does == "too few" else answers


def served(version: int, pipeline: Pipeline) -> Served:
    digest = str(version) * 64
    release = Release(model="parcels", version=version, model_digest=digest, threshold=0.5)
    return Served.of(release, Model(digest, released.CONTRACT, released.FEATURES, pipeline, {}), written=0)


def routing(challenger: Pipeline, share: float = 0.5, *, slow_ms: float | None = None, number: int = 1) -> Routing:
    arms = (Arm(name="challenger", version=2, share=share), Arm(name="champion", version=1, share=1 - share))
    about: dict[str, Any] = {"kind": "rollout", "owner": "rollout-1", "rule": f"rollout-1.{number}", "epoch": 1}
    traffic = Traffic(**about, mode="split", arms=arms, salt="rollout-1", unit=("parcel",), slow_ms=slow_ms)
    return Routing.of(served(1, Pipeline(0.0)), traffic, {2: served(2, challenger)})


def ask(batcher: Batcher, which: Routing, numbers: list[int], **more: Any) -> asyncio.Future:
    """Ask about rows: parcel number n has the share n / 1000."""
    decoder = which.champion.decoder
    rows = [{**ROW, "parcel": number, "copy": number / 1000} for number in numbers]
    raw = [[row.get(column.name) for column in decoder.fields] for row in rows]
    return batcher.submit(which.champion, lambda: decoder.read(raw), 300, About("r", "http", 1), **more)


def run(home: Path, asking: Callable) -> tuple[Any, dict[str, dict], dict[tuple[str, ...], float]]:
    """Return what `asking` a batcher came to, the records by prediction, and the metrics."""
    metrics = Metrics()

    async def asked() -> Any:
        log = PredictionLog(home / "predictions")
        batcher = Batcher(log, metrics)
        found = await asking(batcher)
        await batcher.close()
        log.close()
        return found

    found = asyncio.run(asked())
    records = {row["prediction_id"]: row for row in reading.read(home / "predictions").to_pylist()}
    families = text_string_to_metric_families(metrics.page().decode())
    counted = {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}
    return found, records, counted


def drawn(which: Routing, numbers: list[int]) -> list[str]:
    """Return the variant of each parcel."""
    place = [column.name for column in which.champion.decoder.keys].index("parcel")
    keys = [[None] * len(which.champion.decoder.keys) for _ in numbers]
    for key, number in zip(keys, numbers, strict=True):
        key[place] = number
    return [which.drawn((), key, "").name for key in keys]


NUMBERS = list(range(40))


def test_rows_of_a_request_are_answered_by_their_variants_and_put_back_in_order(tmp_path):
    which = routing(Pipeline(0.4))

    async def asking(batcher: Batcher):
        batcher.route(which)
        return await ask(batcher, which, NUMBERS)

    answers, records, counted = run(tmp_path, asking)

    names = drawn(which, NUMBERS)
    assert {*names} == {"challenger", "champion"}
    for number, name, answer in zip(NUMBERS, names, answers, strict=True):
        base, version = {"challenger": (0.4, 2), "champion": (0.0, 1)}[name]
        assert (answer.probability, answer.version) == (pytest.approx(base + number / 2000), version)
        record = records[answer.prediction_id]
        assert (record["variant"], record["version"], record["propensity"]) == (name, version, 0.5)
        assert (record["model_digest"], record["traffic_rule"]) == (str(version) * 64, "rollout-1.1")
        assert (record["probability"], record["parcel"]) == (answer.probability, number)
    for name in ("challenger", "champion"):
        assert counted["evergreen_variant_rows_total", name] == names.count(name)
    assert counted["evergreen_variant_errors_total", "challenger"] == 0
    assert sum(value for key, value in counted.items() if key[0] == "evergreen_predictions_total") == len(NUMBERS)


@pytest.mark.parametrize("does", ["fail", "no number", "too few"])
def test_the_champion_answers_for_a_variant_that_cannot_and_the_row_still_belongs_to_it(tmp_path, does):
    which = routing(Pipeline(0.4, does=does))

    async def asking(batcher: Batcher):
        batcher.route(which)
        return await ask(batcher, which, NUMBERS)

    answers, records, counted = run(tmp_path, asking)

    names = drawn(which, NUMBERS)
    assert [answer.probability for answer in answers] == pytest.approx([number / 2000 for number in NUMBERS])
    assert {answer.version for answer in answers} == {1}
    rules = {"champion": "rollout-1.1", "challenger": "rollout-1.1!challenger:error"}
    for name, answer in zip(names, answers, strict=True):
        record = records[answer.prediction_id]
        assert (record["variant"], record["version"], record["propensity"]) == ("champion", 1, 0.5)
        assert record["traffic_rule"] == rules[name]
    fell = counted["evergreen_variant_fallbacks_total", "challenger", "error"]
    assert fell == counted["evergreen_variant_errors_total", "challenger"] == names.count("challenger")


def test_a_variant_that_is_always_slow_costs_its_rows_no_more_than_their_time_and_nobody_else_any(tmp_path):
    hanging = Pipeline(0.4, does="wait")
    which = routing(hanging, slow_ms=50)
    theirs = [number for number, name in zip(NUMBERS, drawn(which, NUMBERS), strict=True) if name == "challenger"]
    others = [number for number in NUMBERS if number not in theirs]

    async def asking(batcher: Batcher):
        loop = asyncio.get_running_loop()
        batcher.route(which)
        ends = []
        began = loop.time()
        first = ask(batcher, which, theirs[:1])
        for number in others:
            await ask(batcher, which, [number])
        assert not first.done() or loop.time() - began > 0.05
        for number in theirs[1:]:
            ends.append(loop.time())
            await ask(batcher, which, [number])
        ends.append(loop.time())
        answers = await first
        hanging.go_on.set()
        return answers, [after - before for before, after in pairwise(ends)]

    (answers, seconds), records, counted = run(tmp_path, asking)

    assert (answers[0].version, answers[0].probability) == (1, pytest.approx(theirs[0] / 2000))
    assert sorted(seconds)[len(seconds) // 2] < 0.05  # after the first one waited, the others are not made to
    assert hanging.n_asked == 1
    assert counted["evergreen_variant_fallbacks_total", "challenger", "slow"] == len(theirs)
    assert counted["evergreen_variant_errors_total", "challenger"] == 0
    assert {row["traffic_rule"] for row in records.values()} == {"rollout-1.1", "rollout-1.1!challenger:slow"}
    assert {row["variant"] for row in records.values()} == {"champion"}


def test_what_is_under_way_when_a_rule_changes_keeps_the_rule_that_it_began_with(tmp_path):
    waiting = Pipeline(0.4, does="wait")
    before, after = routing(waiting, 1.0), routing(Pipeline(0.2), 1.0, number=2)

    async def asking(batcher: Batcher):
        batcher.route(before)
        first = ask(batcher, before, [1])
        while not waiting.n_asked:
            await asyncio.sleep(0.001)
        batcher.route(after)
        second = await ask(batcher, after, [2])
        batcher.route(None)
        third = await ask(batcher, after, [3])
        waiting.go_on.set()
        return await first, second, third

    answers, records, _ = run(tmp_path, asking)

    said = [(each.probability, records[each.prediction_id]["traffic_rule"]) for (each,) in answers]
    assert said == [(pytest.approx(0.4005), "rollout-1.1"), (pytest.approx(0.201), "rollout-1.2"), (0.0015, None)]


def test_request_that_asks_for_the_version_itself_is_answered_by_it_whole(tmp_path):
    which = routing(Pipeline(0.4), 1.0)

    async def asking(batcher: Batcher):
        batcher.route(which)
        return await ask(batcher, which, [1, 2], whole=True)

    answers, records, _ = run(tmp_path, asking)

    assert [answer.probability for answer in answers] == [0.0005, 0.001]
    assert {row["traffic_rule"] for row in records.values()} == {None}


def test_a_clock_that_jumps_back_changes_no_wait_and_no_record_takes_less_than_no_time(tmp_path, monkeypatch):
    which = routing(Pipeline(0.4), 1.0, slow_ms=5_000)
    monkeypatch.setattr(batching, "time_ns", lambda: 0)  # long before the requests came

    async def asking(batcher: Batcher):
        batcher.route(which)
        return await ask(batcher, which, [1])

    ((answer,), records, _) = run(tmp_path, asking)

    record = records[answer.prediction_id]
    assert (record["variant"], record["latency_us"]) == ("challenger", 0)


def test_one_row_that_the_champion_cannot_answer_fails_its_own_request_only(tmp_path, monkeypatch):
    which = routing(Pipeline(0.4, does="fail"), 0.5)
    theirs = [number for number, name in zip(NUMBERS, drawn(which, NUMBERS), strict=True) if name == "challenger"]
    estimate = Served.estimate

    def failing(self: Served, rows: Any) -> Any:
        at = [column.name for column in self.decoder.columns].index("copy")
        if any(row[at] == theirs[1] / 1000 for row in rows):
            raise ValueError("of the champion too")
        return estimate(self, rows)

    monkeypatch.setattr(Served, "estimate", failing)

    async def asking(batcher: Batcher):
        batcher.route(which)
        return await asyncio.gather(*(ask(batcher, which, [each]) for each in theirs[:3]), return_exceptions=True)

    answers, records, _ = run(tmp_path, asking)

    assert [isinstance(answer, ValueError) for answer in answers] == [False, True, False]
    assert len(records) == 2
