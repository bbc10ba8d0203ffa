"""How the engine treats a step: retried when a dependency failed, its result recorded as JSON under its identity."""

from typing import Any

from prefect.context import TaskRunContext

from evergreen.base.errors import Unavailable
from evergreen.record.plan.identity import record_key


def _key(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    return record_key(context.task.name, arguments)


def _may_help(_task: Any, _run: Any, state: Any) -> bool:
    """Return whether trying again may help: only where something outside did not answer."""
    return isinstance(state.result(raise_on_failure=False), Unavailable)


RETRIED: dict[str, Any] = {"retries": 2, "retry_delay_seconds": [2, 10], "retry_condition_fn": _may_help}
RECORDED: dict[str, Any] = {**RETRIED, "cache_key_fn": _key, "persist_result": True, "result_serializer": "json"}
