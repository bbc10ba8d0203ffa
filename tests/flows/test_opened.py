"""Running a flow for an open project: under its name, with what was asked for shown."""

from types import SimpleNamespace

from evergreen.project import Asked
from flows import opened
from flows.opened import run_opened


def test_body_runs_as_the_named_flow_and_what_was_asked_is_shown(monkeypatch):
    shown = {}

    def flow(*, name):
        def decorated(body):
            def called(*args):
                shown[name] = args
                return body(*args)

            return called

        return decorated

    monkeypatch.setattr(opened, "flow", flow)
    asked = Asked(env="staging", params_file="p.yaml", overrides=("seed=1",))
    project = SimpleNamespace(asked=asked)
    assert run_opened("watching", project, lambda: 42, start=7, reason=None) == 42
    assert shown == {"watching": ("staging", "p.yaml", ["seed=1"], {"start": "7", "reason": "None"})}
