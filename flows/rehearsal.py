"""A project rehearsed under a policy: in a ledger of its own, by steps of which nobody else sees anything."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task

from evergreen.base import sqlite_files
from evergreen.base.values import digest_of
from evergreen.config.params.params import Params
from evergreen.project import Project
from evergreen.record.ledger.ledger import seen_from
from evergreen.record.plan.identity import record_key
from evergreen.record.tracker import Run
from flows.recorder import Recorder
from tasks.package import Packaged

P = ParamSpec("P")
R = TypeVar("R")
# No analysis, since nobody looks at it; nobody is there to approve anything, and no traffic to try a version on.
ALWAYS = ("evaluate.analysis=never", "approval.required=[]", "rollout.direct=true")


def rehearsed(project: Project, policy: str, folder: Path) -> Project:
    """Return a project under another policy, whose ledger lies in a folder; steps and workspace are shared.

    A ledger that was deleted, by whoever cleared the folder, begins anew.
    """
    overrides = (*project.asked.overrides, f"retrain.policy={policy}", *ALWAYS)
    asked = project.asked.model_copy(update={"overrides": overrides})
    plain = re.sub(r"[^a-z0-9]+", "-", policy.lower()).strip("-")[:40]
    ledger = folder / f"{plain}-{digest_of(policy)[:8]}.db"
    settings = project.settings.model_copy(update={"ledger_url": sqlite_files.url_of(ledger), "allow_dirty": True})
    if not ledger.exists():
        seen_from(settings).unlink(missing_ok=True)
    return replace(
        project,
        asked=asked,
        settings=settings,
        params=Params.load(project.settings.project / asked.params_file, asked.overrides),
    )


class Costs:
    """The CPU seconds that steps took when they ran, by their identity, in a file that all who share them read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def known(self) -> Mapping[str, float]:
        """Return the CPU seconds by identity; what was written half is left out."""
        text = self._path.read_text(errors="replace") if self._path.exists() else ""
        return {key: float(seconds) for key, seconds in re.findall(r"^(\S+) (\d+(?:\.\d+)?)$", text, re.MULTILINE)}

    def keep(self, key: str, seconds: float) -> None:
        """Add what a step took; a line is written at once, so that two processes may."""
        with self._path.open("a") as file:
            file.write(f"{key} {seconds}\n")


class Rehearsal(Recorder):
    """Calls the steps that decide something, and none by which others would see a promotion.

    A candidate that passes is given a number and comes into service in the ledger; there is no run of it, no package,
    no registered model. What was served really is not looked at, since other versions answered it, and nothing drawn.
    `cpu_seconds`: of the steps, also of those that ran for somebody else before; `uncounted`: of how many nobody knows.
    """

    def __init__(self, version: int, *, nowhere: Path, costs: Costs) -> None:
        """Give a candidate the number `version`; `nowhere`: a folder that holds no predictions."""
        super().__init__()
        self.cpu_seconds, self.uncounted = 0.0, 0
        self._costs = costs
        self._given: dict[str, dict[str, Any]] = {"served": {"predictions": nowhere}, "drift": {"draw": False}}
        self._instead: dict[str, Callable[..., Any]] = {
            "track": lambda *_, **__: Run(run_id="rehearsed", uri=""),
            "register": lambda *_, **__: version,
            "package": lambda *_, **__: Packaged(tag="", digest=""),
            "describe": lambda *_, **__: "",
            "mirror": lambda *_, **__: None,
        }

    def __call__(self, step: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a step, or what stands in for it, and return what it answers."""
        if step.name in self._instead:
            answer: R = self._instead[step.name](*args, **kwargs)
            return answer
        given: Any = {**kwargs, **self._given.get(step.name, {})}
        answer = super().__call__(step, *args, **given)
        self._count(step, args, given)
        return answer

    def _count(self, step: Task[..., Any], args: Any, kwargs: Any) -> None:
        run = self.steps[-1]
        key = ""
        if step.cache_key_fn:
            key = record_key(step.name, inspect.signature(step.fn).bind(*args, **kwargs).arguments)
        if not run.cached:
            self.cpu_seconds += run.cpu_seconds or 0.0
            if key:
                self._costs.keep(key, run.cpu_seconds or 0.0)
        elif (spent := self._costs.known().get(key)) is not None:
            self.cpu_seconds += spent
        else:
            self.uncounted += 1
