"""Requests that meet: who is predicted with whom, who fails with whom, and what a swap does to those under way."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import released
from asked import logged
from threadpoolctl import threadpool_info

from evergreen.learning.model.model import Model
from evergreen.learning.model.release import Release
from evergreen.record.predictions.log import PredictionLog
from serving.batching import About, Batcher
from serving.metrics import Metrics
from serving.served import Served


class Slow:
    """A pipeline that waits to be let go on, remembers what it was asked, and refuses the carrier 'fault'."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.batches: list[int] = []
        self.cores: set[int] = set()

    def predict_proba(self, inputs):
        self.go_on.wait(10)
        self.batches.append(len(inputs))
        self.cores |= {pool["num_threads"] for pool in threadpool_info()}
        if (inputs["carrier"] == "fault").any():
            raise ValueError("fault")
        return np.column_stack([1 - inputs["copy"], inputs["copy"]])


@pytest.fixture
def pipeline() -> Slow:
    return Slow()


@pytest.fixture
def served(pipeline: Slow) -> Served:
    release = Release(model="parcels", version=1, model_digest="0" * 64, threshold=0.5)
    return Served.of(release, Model("0" * 64, released.CONTRACT, released.FEATURES, pipeline, {}), written=0)


def ask(batcher: Batcher, served: Served, *shares: float, carrier: str = "sea") -> "asyncio.Future":
    rows = [{**released.requests(1)[0], "copy": share, "carrier": carrier} for share in shares]
    raw = [[row.get(column.name) for column in (*served.decoder.columns, *served.decoder.others)] for row in rows]
    return batcher.submit(served, lambda: served.decoder.read(raw), 300, About("r", "http", 0))


def run(home: Path, pipeline: Slow, asking) -> tuple[list, list[str]]:
    """Ask a batcher, let the pipeline go on, and return every outcome and the ids of what was answered."""

    async def asked():
        log = PredictionLog(home / "predictions")
        batcher = Batcher(log, Metrics())
        answers = await asking(batcher)
        pipeline.go_on.set()
        outcomes = await asyncio.gather(*answers, return_exceptions=True)
        await batcher.close()
        log.close()
        return outcomes

    outcomes = asyncio.run(asked())
    return outcomes, [each.prediction_id for outcome in outcomes if isinstance(outcome, list) for each in outcome]


async def begun(pipeline: Slow, batcher: Batcher, served: Served) -> "asyncio.Future":
    """Return the answer to a first request, which the thread has taken."""
    first = ask(batcher, served, 0.1)
    await asyncio.sleep(0)
    return first


def test_what_arrives_during_a_prediction_is_predicted_together_afterwards(served, pipeline, tmp_path):
    async def asking(batcher):
        first = await begun(pipeline, batcher, served)
        return [first, *(ask(batcher, served, n / 10, n / 20) for n in range(2, 6))]

    outcomes, ids = run(tmp_path, pipeline, asking)

    assert pipeline.batches == [1, 8]
    shares = [[each.probability for each in outcome] for outcome in outcomes]
    assert shares == [[0.1], [0.2, 0.1], [0.3, 0.15], [0.4, 0.2], [0.5, 0.25]]
    logged(tmp_path, ids)


def test_row_that_the_model_cannot_answer_fails_its_own_request_only(served, pipeline, tmp_path):
    async def asking(batcher):
        first = await begun(pipeline, batcher, served)
        return [first, *(ask(batcher, served, 0.2, carrier=carrier) for carrier in ("sea", "fault", "air"))]

    outcomes, ids = run(tmp_path, pipeline, asking)

    assert [isinstance(outcome, ValueError) for outcome in outcomes] == [False, False, True, False]
    logged(tmp_path, ids)


def test_caller_that_gave_up_is_not_predicted(served, pipeline, tmp_path):
    async def asking(batcher):
        first = await begun(pipeline, batcher, served)
        ask(batcher, served, 0.2).cancel()
        return [first]

    run(tmp_path, pipeline, asking)

    assert pipeline.batches == [1]


def test_requests_of_two_releases_are_never_predicted_together(served, pipeline, tmp_path):
    other = replace(served, release=served.release.model_copy(update={"version": 2}))

    async def asking(batcher):
        first = await begun(pipeline, batcher, served)
        return [first, *(ask(batcher, each, 0.5) for each in (served, other, served, other))]

    _, ids = run(tmp_path, pipeline, asking)

    assert pipeline.batches == [1, 2, 2]
    assert logged(tmp_path, ids)["version"].tolist() == [1, 1, 2, 1, 2]
    assert pipeline.cores == {1}


def test_what_the_loop_reads_while_several_wait_is_answered_with_them(tmp_path):
    together, alone = asyncio.run(asked_in_turns(tmp_path, at_once=2)), asyncio.run(asked_in_turns(tmp_path, at_once=1))

    assert together == [3]
    assert alone == [1, 1]


async def asked_in_turns(folder: Path, *, at_once: int) -> list[int]:
    """Ask a quick model some requests in one turn of the loop and one in the next; return how many rows were answered
    together each time.
    """
    released.bundle(folder / str(at_once))
    metrics = Metrics()
    batcher, served = Batcher(None, metrics), Served.load(folder / str(at_once))
    sizes: list[int] = []
    metrics.batched = lambda n_rows, _: sizes.append(n_rows)
    asked = [ask(batcher, served, 0.1) for _ in range(at_once)]
    await asyncio.sleep(0)
    await asyncio.gather(*asked, ask(batcher, served, 0.2))
    await batcher.close()
    return sizes
