"""How the engine treats a step: retried when a dependency failed, its result recorded as JSON under its identity."""

from pathlib import Path
from typing import Any

from prefect.context import TaskRunContext
from prefect.serializers import JSONSerializer, prefect_json_object_encoder
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH

from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import Unavailable
from evergreen.base.sealed import sealed
from evergreen.record.plan.identity import record_key
from evergreen.record.plan.records import ENCODER, drop_unless_whole


def encoded(answer: Any) -> Any:
    """Return a step's answer as the engine spells it in JSON, sealed."""
    return sealed(prefect_json_object_encoder(answer))


def _key(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    """Return what a step's result is recorded under, once a record there is whole, or there is none."""
    key = record_key(context.task.name, arguments)
    record = Path(PREFECT_LOCAL_STORAGE_PATH.value()) / key
    if record.exists():
        drop_unless_whole(record, arguments.get("ws") or Workspace(root=record.parents[1] / "workspace"))
    return key


def _may_help(_task: Any, _run: Any, state: Any) -> bool:
    """Return whether trying again may help: only where something outside did not answer."""
    return isinstance(state.result(raise_on_failure=False), Unavailable)


RETRIED: dict[str, Any] = {"retries": 2, "retry_delay_seconds": [2, 10], "retry_condition_fn": _may_help}
RECORDED: dict[str, Any] = {
    **RETRIED,
    "cache_key_fn": _key,
    "persist_result": True,
    "result_serializer": JSONSerializer(object_encoder=ENCODER),
}
