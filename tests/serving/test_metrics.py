"""What the service says about itself to Prometheus."""

import httpx
import released


def ask(client: httpx.Client, rows: list[dict]) -> list[dict]:
    response = client.post("/predict", json={"rows": rows})
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def test_metrics_count_predictions_loads_and_requests_by_route_and_status(serve, release):
    with serve() as client:
        ask(client, released.requests(4))
        client.post("/predict", json={"rows": []})
        client.get("/no/such/route")
        lines = client.get("/metrics").text.splitlines()
    metrics = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    predicted = [
        float(metrics.get(f'evergreen_predictions_total{{label="{label}"}}', 0)) for label in ("true", "false")
    ]
    assert sum(predicted) == 4
    assert metrics['evergreen_prediction_failures_total{cause="invalid"}'] == "1.0"
    assert metrics['evergreen_requests_total{route="/predict",status="200"}'] == "1.0"
    assert metrics['evergreen_requests_total{route="/predict",status="422"}'] == "1.0"
    assert metrics['evergreen_requests_total{route="other",status="404"}'] == "1.0"
    assert metrics['evergreen_request_seconds_count{route="/predict"}'] == "2.0"
    assert metrics["evergreen_prediction_seconds_count"] == "1.0"
    assert metrics["evergreen_model_loads_total"] == "1.0"
    named = f'evergreen_model_info{{digest="{release.model_digest}",model="parcels",version="3",worker="0"}}'
    assert metrics[named] == "1.0"
    assert float(metrics['process_resident_memory_bytes{worker="0"}']) > 1e6
