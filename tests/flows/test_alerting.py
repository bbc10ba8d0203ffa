"""Alerting after looks: what they find reaches people once, and nothing that fails there fails a look."""

import logging

import looking
import pytest
import sinks
from looking import APRIL, LATE, MAY
from pydantic import SecretStr

from evergreen.base.errors import Unavailable
from evergreen.project import Project
from flows import alerting
from flows.alerting import tell, tell_or_say
from flows.monitoring import look_at
from tasks.notify import notify


@pytest.fixture
def told(visited, monkeypatch):
    """A project with a webhook on loopback, and what came there."""
    looking.directly(monkeypatch)
    monkeypatch.setattr(alerting, "notify", notify.fn)
    with sinks.http() as sink:
        routes = {"ops": SecretStr(f"json://127.0.0.1:{sink.port}")}
        settings = visited.settings.model_copy(update={"alert_routes": routes})
        yield Project(visited.asked, settings, visited.params, visited.contract), sink.came


def test_harm_that_looks_find_is_one_page_and_its_correction_one_more_message(told):
    project, came = told
    rows = looking.source(project)
    looking.bring(project, looking.flipped(rows, "04-01"))
    for day in ("05-15", "05-16"):
        look_at(project, APRIL, MAY, as_of=looking.at(day))
        tell(project)
    assert [one["title"].partition(", and")[0] for one in came] == ["[visits] page: the promise is broken"]
    assert "since 2024-05-15 00:00 UTC" in came[0]["message"]

    looking.bring(project, rows)
    look_at(project, APRIL, MAY, as_of=LATE)
    tell(project)
    tell(project)
    assert len(came) == 2
    assert "OVER: the promise is broken (v1)" in came[1]["message"]
    assert "withdrawn: a later look at 2024-04 does not find it" in came[1]["message"]


@pytest.mark.parametrize("error", [Unavailable("DEP001", "the ledger is away"), RuntimeError("json://user:s3cr3t@h")])
def test_what_fails_while_telling_is_said_and_fails_nothing(told, monkeypatch, caplog, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(alerting, "notify", fail)
    with caplog.at_level(logging.WARNING):
        tell_or_say(told[0])
    assert "nobody could be told" in caplog.text
    assert "s3cr3t" not in caplog.text
