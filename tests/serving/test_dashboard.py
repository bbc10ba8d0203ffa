"""The dashboard and the alerts ask for what a service that was really asked shows, and for all of it."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import released
import yaml
from observed import asked, number_bundle
from prometheus_client.parser import text_string_to_metric_families
from queries import TARGET, legend, read

from serving.families import FAMILIES, Family
from serving.metrics import Metrics

ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "infra" / "grafana" / "evergreen.json").read_text())
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "infra" / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
ASKED = [*QUERIES, *((rule["alert"], rule["expr"]) for rule in RULES)]
# What no panel shows, each with the reason.
NOT_SHOWN = {"process_virtual_memory_bytes": "says nothing that resident memory does not say better"}


def divided() -> str:
    """Return the page of a worker whose traffic was divided, and where people decide."""
    metrics = Metrics()
    metrics.routed("routed")
    metrics.variant_took("challenger", 0.01)
    metrics.variant_answered("challenger", 3)
    metrics.variant_failed("challenger", 1)
    metrics.variant_fell_back("challenger", "slow", 1)
    metrics.shadows_wait(2)
    metrics.shadow_dropped("full", 1)
    metrics.degree("partial")
    return metrics.page().decode()


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, bundle: Path, project: Path) -> dict[str, frozenset[str]]:
    """The labels of every sample on the pages of services that were asked, of a class and of a number."""
    number = tmp_path_factory.mktemp("number") / "src"
    number.mkdir()
    number_bundle(number)
    released.pack(number, project)
    labels: dict[str, set[str]] = defaultdict(set)
    for page in (*asked(bundle, number, tmp_path_factory.mktemp("observed")), divided()):
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                labels[sample.name] |= sample.labels.keys()
    return {name: frozenset(found) for name, found in labels.items()} | {"up": frozenset()}


@pytest.mark.parametrize(("name", "query"), ASKED, ids=[name for name, _ in ASKED])
def test_query_asks_for_metrics_and_labels_that_the_page_has(name, query, known):
    found = read(query, known)
    assert found.metrics
    assert found.metrics <= known.keys()
    assert {(metric, label) for metric, label in found.needed if label not in known[metric] | TARGET} == set()


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_legend_shows_labels_that_the_result_has(panel, known):
    for target in panel["targets"]:
        assert {*legend(target["legendFormat"])} <= read(target["expr"], known).result


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_text_of_an_alert_shows_labels_that_the_result_has(rule, known):
    shown = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
    assert shown <= read(rule["expr"], known).result


def samples(family: Family) -> set[str]:
    """Return the names that a metric has on the page."""
    if family.kind != "histogram":
        return {family.name}
    return {f"{family.name}_{part}" for part in (("bucket",) if family.is_signed else ("bucket", "sum", "count"))}


def test_every_metric_of_the_service_is_on_the_page_and_on_the_dashboard(known):
    shown = {metric for _, query in QUERIES for metric in read(query, known).metrics}
    without = [family.name for family in FAMILIES if not samples(family) & shown]
    assert without == sorted(NOT_SHOWN)
    assert {name for family in FAMILIES for name in samples(family)} == known.keys() - {"up"}
    for family in FAMILIES:
        for name in samples(family):
            assert known[name] == {*family.shown} | ({"le"} if name.endswith("_bucket") else set()), name


def test_values_of_labels_that_are_asked_for_are_those_of_the_service(known):
    routes = {value for _, query in ASKED for _, label, value in read(query, known).matched if label == "route"}
    assert routes == {"/metrics|/healthz|/livez|/readyz"}
    states = {value for _, query in ASKED for _, label, value in read(query, known).matched if label == "state"}
    assert states == {"null"}


# -- the dashboard -------------------------------------------------------------------------------------------


def test_panels_have_numbers_of_their_own_and_do_not_overlap():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert {x for x, _ in taken} == set(range(24))


def sources(node: Any) -> Iterator[Any]:
    """Yield every data source that is named anywhere."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "datasource":
                yield value
            yield from sources(value)
    elif isinstance(node, list):
        for value in node:
            yield from sources(value)


def test_dashboard_names_no_data_source_but_the_one_that_is_chosen():
    named = list(sources(DASHBOARD))
    assert len(named) >= 2 * len(PANELS)
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in named)
    assert "__inputs" not in DASHBOARD
    assert "http" not in json.dumps(DASHBOARD)


def test_every_panel_says_what_it_shows_in_which_unit():
    for panel in PANELS:
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
    titles = [panel["title"] for panel in PANELS]
    assert len(titles) == len(set(titles))
    assert [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"] == [
        "Traffic and errors",
        "Latency",
        "Saturation",
        "Outputs",
        "Inputs",
        "Model",
        "Prediction log",
        "Processes",
        "Variants and shadows",
        "Who decides",
    ]


def test_variables_of_queries_are_declared():
    declared = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = {name for _, query in QUERIES for name in re.findall(r"\$\{?(\w+)", query)}
    assert used <= declared | {"__rate_interval"}


# -- the alerts ----------------------------------------------------------------------------------------------


def test_every_alert_says_how_bad_it_is_what_happened_and_what_to_do():
    page = (ROOT / "docs" / "how-to" / "observe.md").read_text()
    anchors = {heading.lower() for heading in re.findall(r"^### (\w+)$", page, flags=re.MULTILINE)}
    for rule in RULES:
        assert rule["labels"].keys() == {"severity"}
        assert rule["labels"]["severity"] in ("note", "page")
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}
        assert rule["annotations"]["runbook"] == f"docs/how-to/observe.md#{rule['alert'].lower()}"
    assert anchors == {rule["alert"].lower() for rule in RULES}


def test_every_alert_is_tested_firing():
    tests = yaml.safe_load((ROOT / "infra" / "prometheus" / "alerts.test.yml").read_text())["tests"]
    fired = {
        test["alertname"]: {alert["exp_labels"]["instance"] for alert in test["exp_alerts"]}
        for group in tests
        for test in group["alert_rule_test"]
    }
    assert fired == {rule["alert"]: {"bad"} for rule in RULES}
    for group in tests:  # what must stay silent stands beside it
        instances = set(
            re.findall(
                r'instance="(.*?)"', json.dumps([each["series"] for each in group["input_series"]]).replace('\\"', '"')
            )
        )
        assert "good" in instances, group["name"]
