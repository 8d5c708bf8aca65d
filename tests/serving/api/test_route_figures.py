from serving.api.metrics import Metrics
from serving.api.route_figures import route_figures


def test_latency_and_errors_are_those_that_were_measured():
    metrics = Metrics()
    for seconds in [0.004] * 90 + [0.4] * 10:
        metrics.requests.labels("/v1/decisions", "POST", "200").observe(seconds)
    metrics.requests.labels("/v1/decisions", "POST", "503").observe(0.004)
    metrics.requests.labels("/healthz", "GET", "200").observe(0.001)
    busiest, other = route_figures(metrics.text().decode())
    assert (busiest.route, busiest.requests, busiest.errors) == ("POST /v1/decisions", 101, 1)
    assert busiest.p50 < 0.01 < 0.2 < busiest.p95 <= 1
    assert (other.route, other.errors) == ("GET /healthz", 0)


def test_a_service_that_was_asked_nothing_has_no_figures():
    assert route_figures(Metrics().text().decode()) == []
