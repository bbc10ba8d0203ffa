"""A shadow sees what was answered, off every path: it is kept or counted, and no answer is another because of it."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import divided
import numpy as np
import promoted
import pytest
import released
from projects import wait_for
from prometheus_client.parser import text_string_to_metric_families
from promoted import Serving

from evergreen.decisions.rollout.traffic import Arm, Traffic
from evergreen.learning.model.model import Model
from evergreen.learning.model.release import Release
from evergreen.record.predictions import reading
from evergreen.record.predictions.log import PredictionLog
from serving import shadowing
from serving.answers import Truth
from serving.metrics import Metrics
from serving.routing import Routing
from serving.served import Served
from serving.shadowing import Seen, Shadows


@pytest.fixture
def serving(tmp_path: Path, project: Path) -> Iterator[Serving]:
    with promoted.serving(tmp_path / "home", project) as serving:
        yield serving


def counted(serving: Serving, name: str, **labels: str) -> float:
    """Return what a metric of the service stands at."""
    families = text_string_to_metric_families(serving.client.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def shadows(serving: Serving, n: int) -> list[dict]:
    wait_for(lambda: len(divided.records(serving.settings.home, "shadows")) >= n, f"{n} rows are shadowed")
    return divided.records(serving.settings.home, "shadows")


def test_shadow_says_what_its_model_says_of_the_rows_that_the_champion_answered(serving):
    rule = divided.divide(serving, 2, 1.0, mode="shadow")
    n = 40

    answers = [
        each
        for begin in range(0, n, 8)
        for each in serving.client.post("/predict", json={"rows": released.requests(n)[begin : begin + 8]}).json()[
            "predictions"
        ]
    ]

    assert [each["probability"] for each in answers] == pytest.approx(divided.expected(1, n), abs=1e-5)
    said = {row["prediction_id"]: row for row in shadows(serving, n)}
    assert [said[each["prediction_id"]]["probability"] for each in answers] == pytest.approx(
        divided.expected(2, n), abs=1e-5
    )
    for row in said.values():
        assert (row["version"], row["variant"], row["traffic_rule"], row["error"]) == (2, "challenger", rule.rule, None)
        assert row["label"] == (row["probability"] >= 0.5)
        assert row["latency_us"] > 0
    records = {row["prediction_id"]: row for row in divided.records(serving.settings.home)}
    assert {name: row["received_at"] for name, row in said.items()} == {
        name: row["received_at"] for name, row in records.items()
    }
    assert {(row["variant"], row["propensity"], row["traffic_rule"], row["version"]) for row in records.values()} == {
        ("champion", 1.0, None, 1)
    }
    wait_for(lambda: counted(serving, "evergreen_variant_rows_total", variant="challenger") == n, "they are counted")
    assert counted(serving, "evergreen_shadow_dropped_total") == 0
    assert counted(serving, "evergreen_variant_seconds_count", variant="challenger") > 0


def test_answers_are_byte_for_byte_the_same_with_a_shadow_and_without(serving, monkeypatch):
    monkeypatch.setattr(PredictionLog, "new_ids", lambda _, n: [f"{at:032x}" for at in range(n)])
    rows, headers = released.requests(30), {"X-Request-Id": "same"}

    def answered() -> tuple[bytes, list[tuple[str, str]]]:
        response = serving.client.post("/predict", json={"rows": rows}, headers=headers)
        return response.content, sorted((name, value) for name, value in response.headers.items() if name != "date")

    alone = answered()
    divided.divide(serving, 2, 1.0, mode="shadow")

    assert answered() == alone
    assert len(shadows(serving, 30)) == 30


class Pipeline:
    """A pipeline that waits to be let go on, and fails on a carrier, or gives no number."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.go_on.set()

    def predict_proba(self, inputs):
        assert self.go_on.wait(20)
        if (inputs["carrier"] == "fault").any():
            raise ZeroDivisionError(f"of customer {list(inputs['carrier'])}")
        shares = inputs["copy"].to_numpy().astype(float)
        shares[inputs["carrier"] == "void"] = np.nan
        return np.column_stack([1 - shares, shares])


def served(version: int, pipeline: Pipeline) -> Served:
    release = Release(model="parcels", version=version, model_digest=str(version) * 64, threshold=0.5)
    return Served.of(release, Model(str(version) * 64, released.CONTRACT, released.FEATURES, pipeline, {}), written=0)


def shadowed(pipeline: Pipeline) -> Routing:
    """Return the routing of version 1 with a shadow that has this pipeline."""
    champion = served(1, Pipeline())
    arms = (Arm(name="challenger", version=2, share=1.0),)
    traffic = Traffic(kind="rollout", rule="r.1", owner="r", epoch=1, mode="shadow", arms=arms, salt="r")
    return Routing.of(champion, traffic, {2: replace(served(2, pipeline))})


def seen(routing: Routing, ids: list[str], carriers: list[str], share: float = 0.25) -> Seen:
    rows = [{**released.requests(1)[0], "copy": share, "carrier": carrier} for carrier in carriers]
    decoder = routing.champion.decoder
    raw = [[row.get(column.name) for column in decoder.fields] for row in rows]
    answers = [Truth(name, False, 0.0, "negative", "") for name in ids]
    return Seen(decoder.read(raw).rows, answers, [(1_700_000_000_000_000, len(ids))])


async def ended(shadows: Shadows) -> None:
    shadows.end()
    await asyncio.to_thread(shadows.join)
    await asyncio.sleep(0)


def page(metrics: Metrics) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(metrics.page().decode())
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_row_that_a_shadow_cannot_answer_costs_no_other_row_and_its_values_are_not_kept(tmp_path):
    routing, metrics, log = shadowed(Pipeline()), Metrics(), PredictionLog(tmp_path / "predictions")

    async def run() -> None:
        shadows = Shadows(routing, log, metrics)
        shadows.offer(seen(routing, ["a", "b", "c", "d"], ["sea", "fault", "void", "air"]))
        await ended(shadows)

    asyncio.run(run())
    log.close()

    rows = reading.read(tmp_path / "predictions", "shadows").to_pylist()
    assert [(row["prediction_id"], row["probability"], row["error"]) for row in rows] == [
        ("a", 0.25, None),
        ("b", None, "ZeroDivisionError"),
        ("c", None, "no number"),
        ("d", 0.25, None),
    ]
    assert page(metrics)["evergreen_variant_errors_total", "challenger"] == 2


def test_rows_of_requests_that_were_answered_together_keep_the_time_at_which_each_came(tmp_path):
    routing, log = shadowed(Pipeline()), PredictionLog(tmp_path / "predictions")
    together = seen(routing, ["a", "b", "c"], ["sea", "sea", "air"])
    first, second = 1_700_000_000_000_000, 1_700_000_000_500_000

    async def run() -> None:
        shadows = Shadows(routing, log, Metrics())
        shadows.offer(Seen(together.rows, together.answers, [(first, 2), (second, 1)]))
        await ended(shadows)

    asyncio.run(run())
    log.close()

    rows = reading.read(tmp_path / "predictions", "shadows").to_pylist()
    came = {row["prediction_id"]: int(row["received_at"].timestamp() * 1e6) for row in rows}
    assert came == {"a": first, "b": first, "c": second}


def test_requests_that_were_answered_together_are_asked_apart_where_there_is_no_time_for_all():
    together = seen(shadowed(Pipeline()), ["a", "b", "c", "d"], ["sea"] * 4)
    batch = Seen(together.rows, together.answers, [(10, 1), (20, 2), (30, 1)])
    parts: list[Seen] = []
    left: Seen | None = batch
    while left is not None:
        part, left = left.split(1)
        parts.append(part)
    assert [list(part.requests) for part in parts] == [[(10, 1)], [(20, 2)], [(30, 1)]]
    assert [[answer.prediction_id for answer in part.answers] for part in parts] == [["a"], ["b", "c"], ["d"]]
    assert [len(part.rows) for part in parts] == [1, 2, 1]
    assert batch.split(4) == (batch, None)


def waiting_when_it_ended(folder: Path, *, joined: bool) -> tuple[list[str], dict[tuple[str, ...], float]]:
    """Return which of three rows a shadow was asked about that is left after the first, and what was counted."""
    pipeline = Pipeline()
    pipeline.go_on.clear()
    routing, metrics, log = shadowed(pipeline), Metrics(), PredictionLog(folder / "predictions")

    async def run() -> None:
        shadows = Shadows(routing, log, metrics)
        for name in "abc":
            shadows.offer(seen(routing, [name], ["sea"]))
        while shadows.waiting == 3:
            await asyncio.sleep(0)
        shadows.end()
        pipeline.go_on.set()
        if joined:
            await asyncio.to_thread(shadows.join)
        while shadows.is_alive:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)

    asyncio.run(run())
    log.close()
    return reading.read(folder / "predictions", "shadows")["prediction_id"].to_pylist(), page(metrics)


def test_shadow_of_a_rule_that_is_over_is_asked_no_faster_and_what_has_no_time_is_dropped(tmp_path, monkeypatch):
    monkeypatch.setattr(shadowing, "MOST_ROWS", 1)
    monkeypatch.setattr(shadowing, "DRAIN_SECONDS", 0.2)
    monkeypatch.setattr(shadowing, "PAUSE_SECONDS", 0.5)
    asked, counted = waiting_when_it_ended(tmp_path, joined=False)
    assert asked == ["a"]
    assert counted["evergreen_shadow_dropped_total", "end"] == 2


def test_shadow_of_a_service_that_ends_makes_no_pause(tmp_path, monkeypatch):
    monkeypatch.setattr(shadowing, "MOST_ROWS", 1)
    monkeypatch.setattr(shadowing, "PAUSE_SECONDS", 3600)
    asked, counted = waiting_when_it_ended(tmp_path, joined=True)
    assert asked == ["a", "b", "c"]
    assert counted["evergreen_shadow_dropped_total", "end"] == 0


def test_full_queue_drops_and_counts_and_takes_again_once_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr(shadowing, "MOST_WAITING", 10)
    pipeline = Pipeline()
    pipeline.go_on.clear()
    routing, metrics, log = shadowed(pipeline), Metrics(), PredictionLog(tmp_path / "predictions")

    async def run() -> None:
        shadows = Shadows(routing, log, metrics)
        shadows.offer(seen(routing, ["first"], ["sea"]))
        while shadows.waiting:
            await asyncio.sleep(0)  # until the thread has taken it
        for at in range(14):
            shadows.offer(seen(routing, [f"{at}"], ["sea"]))
        assert shadows.waiting == 10
        pipeline.go_on.set()
        while shadows.waiting:
            await asyncio.sleep(0.01)
        shadows.offer(seen(routing, ["last"], ["sea"]))
        await ended(shadows)
        shadows.offer(seen(routing, ["late"], ["sea"]))

    asyncio.run(run())
    log.close()

    names = reading.read(tmp_path / "predictions", "shadows")["prediction_id"].to_pylist()
    assert names == ["first", *map(str, range(10)), "last"]
    dropped = {key[1]: value for key, value in page(metrics).items() if key[0] == "evergreen_shadow_dropped_total"}
    assert dropped == {"full": 4, "log": 0, "end": 1}


def test_shadow_that_hangs_holds_up_neither_the_loop_nor_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(shadowing, "DRAIN_SECONDS", 0.2)
    pipeline = Pipeline()
    pipeline.go_on.clear()
    routing, metrics, log = shadowed(pipeline), Metrics(), PredictionLog(tmp_path / "predictions")

    async def run() -> float:
        loop = asyncio.get_running_loop()
        shadows = Shadows(routing, log, metrics)
        for at in range(50):
            shadows.offer(seen(routing, [f"{at}"], ["sea"]))
        began = loop.time()
        await ended(shadows)
        return loop.time() - began

    seconds = asyncio.run(run())
    pipeline.go_on.set()
    log.close()

    assert seconds < 5


def test_what_cannot_be_written_is_dropped_and_counted_and_the_next_is_kept(tmp_path, monkeypatch):
    routing, metrics, log = shadowed(Pipeline()), Metrics(), PredictionLog(tmp_path / "predictions")
    write, faults = log._write_locked, [OSError(28, "No space left on device")]

    def failing(*arguments: object) -> None:
        if faults:
            raise faults.pop()
        write(*arguments)

    monkeypatch.setattr(log, "_write_locked", failing)

    async def run() -> None:
        shadows = Shadows(routing, log, metrics)
        shadows.offer(seen(routing, ["a", "b"], ["sea", "sea"]))
        while faults:
            await asyncio.sleep(0.01)
        shadows.offer(seen(routing, ["c"], ["sea"]))
        await ended(shadows)

    asyncio.run(run())
    log.close()

    assert reading.read(tmp_path / "predictions", "shadows")["prediction_id"].to_pylist() == ["c"]
    assert page(metrics)["evergreen_shadow_dropped_total", "log"] == 2
