"""Many requests, one thread that predicts: who waits for whom, and who fails with whom."""

import asyncio
import threading

import numpy as np
import pytest
import released
from threadpoolctl import threadpool_info

from evergreen.learning.model.model import Model
from evergreen.learning.model.release import Release
from evergreen.record.predictions import log as predictions
from serving.metrics import Metrics
from serving.predictor import Predictor


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
def pipeline():
    return Slow()


@pytest.fixture
def predictor(pipeline, tmp_path):
    release = Release(model="parcels", version=1, model_digest="0" * 64, threshold=0.5)
    model = Model("0" * 64, released.CONTRACT, released.FEATURES, pipeline, {})
    return lambda: Predictor(release, model, log_folder=tmp_path, metrics=Metrics())


def row(share: float, carrier: str = "sea") -> dict:
    return {**released.table(1).to_dict("records")[0], "copy": share, "carrier": carrier}


def test_what_arrives_during_a_prediction_is_predicted_together_afterwards(predictor, pipeline):
    async def ask():
        answering = predictor()
        first = asyncio.create_task(answering.predict([row(0.1)]))
        await asyncio.sleep(0)  # lets the first request take the thread
        others = [asyncio.create_task(answering.predict([row(n / 10), row(n / 20)])) for n in range(2, 6)]
        await asyncio.sleep(0)
        pipeline.go_on.set()
        answers = [await task for task in (first, *others)]
        await answering.close()
        return [[each.probability for each in answer] for answer in answers]

    answers = asyncio.run(ask())

    assert pipeline.batches == [1, 8]
    assert answers == [[0.1], [0.2, 0.1], [0.3, 0.15], [0.4, 0.2], [0.5, 0.25]]


def test_row_that_the_model_cannot_answer_fails_its_own_request_only(predictor, pipeline, tmp_path):
    async def ask():
        answering = predictor()
        tasks = [asyncio.create_task(answering.predict([row(0.1)]))]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(answering.predict([row(0.2, carrier)])) for carrier in ("sea", "fault", "air")]
        await asyncio.sleep(0)
        pipeline.go_on.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await answering.close()
        return results

    results = asyncio.run(ask())

    assert [isinstance(result, ValueError) for result in results] == [False, False, True, False]
    assert len(predictions.read(tmp_path)) == 3


def test_caller_that_gave_up_is_not_predicted(predictor, pipeline):
    async def ask():
        answering = predictor()
        first = asyncio.create_task(answering.predict([row(0.1)]))
        await asyncio.sleep(0)
        gone = asyncio.create_task(answering.predict([row(0.2)]))
        await asyncio.sleep(0)
        gone.cancel()
        pipeline.go_on.set()
        await first
        await answering.close()

    asyncio.run(ask())

    assert pipeline.batches == [1]


def test_closing_answers_what_waits(predictor, pipeline, tmp_path):
    async def ask():
        answering = predictor()
        tasks = [asyncio.create_task(answering.predict([row(n / 10)])) for n in range(5)]
        await asyncio.sleep(0)
        pipeline.go_on.set()
        await answering.close()
        return [task.done() or await task for task in tasks]

    asyncio.run(ask())

    assert len(predictions.read(tmp_path)) == 5


def test_prediction_uses_one_core_whatever_the_machine_has(predictor, pipeline):
    async def ask():
        answering = predictor()
        pipeline.go_on.set()
        await answering.predict([row(0.1)])
        await answering.close()

    asyncio.run(ask())

    assert pipeline.cores == {1}
