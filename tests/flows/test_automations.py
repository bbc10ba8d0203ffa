"""What a look tells Prefect, and what of it a deployment is given: the content, in its types."""

import json

import looking
import pytest
from looking import APRIL, LATE, MAY
from prefect.client.schemas.objects import FlowRun  # noqa: F401  before what follows, which needs its models
from prefect.events import Event
from prefect.server.utilities.user_templates import render_user_template_sync

from evergreen.project import Project
from flows import automations
from flows.automations import DUE, TOLD, announce, trigger
from flows.monitoring import look_at
from flows.retraining import retraining


@pytest.fixture
def told(monkeypatch) -> list[Event]:
    events = []

    def emit(event, resource, *, payload):
        events.append(Event(event=event, resource=resource, payload=payload))

    monkeypatch.setattr(automations, "emit_event", emit)
    return events


def test_event_says_which_window_of_which_model_with_what_parameters(visited, told, monkeypatch):
    looking.directly(monkeypatch)
    project = Project.open(overrides=["retrain.cooldown_days=0", "card.require=[]"])
    look = look_at(project, APRIL, MAY, as_of=LATE)
    announce(project, look)
    (event,) = told
    assert event.event == DUE
    assert dict(event.resource) == {"prefect.resource.id": "evergreen.model.visits", "evergreen.env": "local"}
    assert event.payload == {
        "incident": "v1:2024-04-01:2024-05-01", "look": look.key, "env": "local", "params_file": "params.yaml",
        "overrides": ["retrain.cooldown_days=0", "card.require=[]"],
    }  # fmt: skip


def test_trigger_is_of_one_event_of_its_own_environment_and_hands_on_parameters_that_the_flow_has():
    made = trigger("staging")
    assert (made.expect, made.threshold, made.posture.value) == ({DUE}, 1, "Reactive")
    assert made.match.root == {"prefect.resource.id": "evergreen.model.*", "evergreen.env": "staging"}
    assert set(made.parameters) == set(TOLD) <= set(retraining.parameters.properties)


@pytest.mark.parametrize(
    "said", ["v1:2024-04-01:2024-05-01", 'a "quoted" {{ text }} <b>', ["retrain.policy=any(harm,probe)", "x.y=[1, 2]"]]
)
def test_each_template_gives_the_value_back_as_it_was(said):
    """As Prefect does with a single expression: rendered with `tojson`, and read as JSON."""
    template = trigger("local").parameters["overrides"]
    assert (template.startswith("{{"), template.count("{{")) == (True, 1)
    event = Event(event=DUE, resource={"prefect.resource.id": "evergreen.model.visits"}, payload={"overrides": said})
    rendered = render_user_template_sync(template.replace(" }}", " | tojson }}"), {"event": event})
    assert json.loads(rendered) == said
