"""How the engine treats a step: retried only where that may help, recorded as JSON under its identity."""

from types import SimpleNamespace

import pytest

from evergreen.base.errors import ConfigError, DataError, ResourceError, Unavailable
from evergreen.config.params.train import TrainParams
from evergreen.record.plan import identity
from flows.making import AS_TASKS
from tasks.attach import attach
from tasks.engine import RECORDED, RETRIED
from tasks.mirror import mirror
from tasks.package import package
from tasks.promote import promote
from tasks.register import register
from tasks.track import track

EFFECTS = (attach, mirror, package, promote, register, track)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (Unavailable("DEP001", "no answer"), True),
        (DataError("DQ002", "bad rows"), False),
        (ConfigError("CFG001", "bad key"), False),
        (ResourceError("RES004", "memory is short"), False),
        (ValueError("a bug"), False),
    ],
)
def test_only_what_did_not_answer_is_tried_again(error, again):
    state = SimpleNamespace(result=lambda raise_on_failure: error)
    assert RETRIED["retry_condition_fn"](None, None, state) is again
    assert RETRIED["retries"] == len(RETRIED["retry_delay_seconds"])


def test_key_of_a_record_is_the_identity_of_the_step_and_its_arguments():
    key = RECORDED["cache_key_fn"]
    context = SimpleNamespace(task=SimpleNamespace(name="train"))
    given = {"params": TrainParams(shrinkage=1), "seed": 7}
    assert key(context, given) == identity.record_key("train", given)
    assert key(context, {**given, "seed": 8}) != key(context, given)


@pytest.mark.parametrize("step", AS_TASKS.values(), ids=list(AS_TASKS))
def test_steps_of_the_plan_are_recorded(step):
    assert step.persist_result
    assert step.result_serializer.object_encoder == "tasks.engine.encoded"
    assert step.retries == 2


@pytest.mark.parametrize("step", EFFECTS, ids=[step.name for step in EFFECTS])
def test_effects_are_never_taken_from_a_record(step):
    assert not step.persist_result
    assert step.cache_key_fn is None
    assert step.retries == 2
