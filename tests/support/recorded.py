"""Flows without an engine that take the recorded results of steps, as Prefect does, and note which steps ran."""

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from direct import at_once

from evergreen.adapters import drift_report
from evergreen.record.plan.identity import record_key
from flows import arms, recorder


class Records:
    """The results of steps that are recorded, by their identity; `ran`: the names of those that ran, in order."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self._kept: dict[str, Any] = {}

    def __call__(self, step: Any, *args: Any, **kwargs: Any) -> SimpleNamespace:
        key = ""
        if step.cache_key_fn:
            key = record_key(step.name, inspect.signature(step.fn).bind(*args, **kwargs).arguments)
            if key in self._kept:
                return SimpleNamespace(name="Cached", result=lambda: self._kept[key])
        self.ran.append(step.name)
        answer = step.fn(*args, **kwargs)
        if key:
            self._kept[key] = answer
        return SimpleNamespace(name="Completed", result=lambda: answer)


def records(monkeypatch: pytest.MonkeyPatch) -> Records:
    """Let flows call steps in this process, and return what is recorded of them."""
    found = Records()
    monkeypatch.setattr(recorder, "_state", found)
    monkeypatch.setattr(arms, "run_opened", at_once)
    monkeypatch.setattr("flows.training.run_opened", at_once)
    monkeypatch.setattr(drift_report, "draw", _undrawn)
    return found


def _undrawn(*_: Any, **__: Any) -> None:
    raise AssertionError("a rehearsal draws nothing")
