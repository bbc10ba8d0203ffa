"""A real Prometheus reads the page, takes the rules, and has an answer to every question of the dashboard."""

import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import released
import yaml
from observed import ask, number_bundle, service
from projects import wait_for
from servers import SECONDS, free_port

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra" / "prometheus"
PANELS = json.loads((ROOT / "infra" / "grafana" / "evergreen.json").read_text())["panels"]
QUERIES = [
    (f"{panel['title']} {target['refId']}", target["expr"]) for panel in PANELS for target in panel.get("targets", ())
]
pytestmark = pytest.mark.long


def program(name: str) -> str:
    """Return the path of a program of Debian's package prometheus."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not installed: apt-get install --no-install-recommends prometheus")
    return found


def said(*command: str) -> str:
    done = subprocess.run([program("promtool"), *command], cwd=INFRA, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_takes_configuration_and_rules_and_each_alert_fires_when_it_should():
    said("check", "config", "prometheus.yml")
    said("check", "rules", "alerts.yml")
    assert "SUCCESS" in said("test", "rules", "alerts.test.yml")


@contextmanager
def prometheus(folder: Path, targets: list[str]) -> Iterator[httpx.Client]:
    """Run a Prometheus with our configuration, that looks at `targets` every second."""
    config: dict[str, Any] = yaml.safe_load((INFRA / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"][0]["targets"] = targets
    folder.mkdir()
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(INFRA / "alerts.yml", folder)
    address = f"127.0.0.1:{free_port()}"
    argv = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://{address}", timeout=SECONDS) as client:
            wait_for(lambda: process.poll() is not None or _is_ready(client), "Prometheus is ready")
            assert process.poll() is None, (folder / "log").read_text()
            yield client
    finally:
        process.kill()
        process.wait()


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def found(client: httpx.Client, query: str) -> list[float]:
    """Return the numbers of a query's series now, without those that are none."""
    answer = client.get("/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", (query, answer)
    numbers = [float(series["value"][1]) for series in answer["data"]["result"]]
    return [number for number in numbers if not math.isnan(number)]


@pytest.fixture(scope="module")
def scraped(
    tmp_path_factory: pytest.TempPathFactory, bundle: Path, project: Path
) -> Iterator[tuple[httpx.Client, list[httpx.Client]]]:
    """A Prometheus, and two services that it looks at: of a class, and of a number."""
    folder = tmp_path_factory.mktemp("scraped")
    number = folder / "number" / "src"
    number.mkdir(parents=True)
    number_bundle(number)
    released.pack(number, project)
    with ExitStack() as running:
        services = [
            running.enter_context(service(bundle.parent, folder / "parcels")),
            running.enter_context(service(number.parent, folder / "hours")),
        ]
        targets = [f"{client.base_url.host}:{client.base_url.port}" for client in services]
        yield running.enter_context(prometheus(folder / "prometheus", targets)), services


def test_every_panel_has_series_after_traffic(scraped):
    client, services = scraped
    wait_for(lambda: found(client, "count(evergreen_ready)") == [2], "both services were scraped")
    left = {name: query.replace("$job", ".+").replace("$__rate_interval", "1m") for name, query in QUERIES}

    def all_answered() -> bool:
        for each in services:
            ask(each)
        for name in [name for name, query in left.items() if found(client, query)]:
            del left[name]
        return not left

    try:
        wait_for(all_answered, "every panel has series")
    except AssertionError:
        pytest.fail(f"no series: {left}")


def test_numbers_of_prometheus_are_those_of_the_page(scraped):
    client, (parcels, _) = scraped
    instance = f"{parcels.base_url.host}:{parcels.base_url.port}"
    query = f'sum(evergreen_predictions_total{{instance="{instance}"}})'
    ask(parcels)
    page = parcels.get("/metrics").text
    counted = re.findall(r"^evergreen_predictions_total\{.*\} (\S+)$", page, re.MULTILINE)
    assert sum(map(float, counted)) >= 40
    wait_for(lambda: found(client, query) == [sum(map(float, counted))], "Prometheus has seen as many")


def test_services_that_are_well_fire_no_alert_that_is_a_page(scraped):
    client, _ = scraped
    wait_for(lambda: len(client.get("/api/v1/rules").json()["data"]["groups"]) == 3, "the rules are loaded")

    def judged() -> list[dict[str, Any]]:
        groups = client.get("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    wait_for(lambda: all(rule["health"] == "ok" for rule in judged()), "every rule was judged without an error")
    firing = [rule["name"] for rule in judged() if rule["state"] == "firing" and rule["labels"]["severity"] == "page"]
    assert firing == []
