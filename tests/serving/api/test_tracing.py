"""Traces, as received by a collector."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from itertools import pairwise

import pytest

from domain.addresses import Inside
from domain.errors import StateError
from serving.api import tracing as traces
from serving.api.tracing import Tracing
from serving.service.deciding import Degraded
from tests.ports import free_port
from tests.serving.api.build import small_client
from tests.serving.api.collector import collecting, said

STEPS = ["read", "decide", "record", "reasons", "keep"]
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SOMEBODY = "Zoeline Quistgaard"
"""Nobody whom the bank knows, with a name that no id and no route has in it."""
HERE = Inside(["127.0.0.1"])
SERVER, INTERNAL = 2, 1
ERROR = 2


@pytest.fixture
def collector(monkeypatch):
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


@contextmanager
def traced(folder, inside=HERE, **more):
    """Yield a client of a traced application; all spans are sent at the end of the block."""
    with small_client(folder, tracing=Tracing("small", inside), **more) as client:
        yield client


def ask(client, customer="c05", channel="app", **more):
    answer = client.post("/v1/decisions", json={"customer_id": customer, "channel": channel}, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def below(spans, parent):
    return [span for span in spans if span.parent_span_id == parent.span_id]


def test_a_request_is_a_span_with_its_steps_below_in_the_trace_of_the_caller(collector, tmp_path):
    with traced(tmp_path) as client:
        decision = ask(client, headers={"traceparent": CALLER})
    [request] = [span for span in collector.spans if span.kind == SERVER]
    assert request.name == "POST /v1/decisions"
    assert {span.trace_id.hex() for span in collector.spans} == {CALLER.split("-")[1]}
    assert request.parent_span_id.hex() == CALLER.split("-")[2]
    assert said(request.attributes) == {
        "http.request.method": "POST",
        "http.route": "/v1/decisions",
        "http.response.status_code": 200,
        "nbo.decision_id": decision["decision_id"],
        "nbo.channel": "app",
        "nbo.policy": decision["versions"]["policy"],
        "nbo.degraded": [],
        "nbo.together": 1,
    }
    steps = below(collector.spans, request)
    assert [step.name for step in steps] == STEPS
    assert all(step.kind == INTERNAL and not step.attributes for step in steps)
    assert all(one.end_time_unix_nano <= two.start_time_unix_nano for one, two in pairwise(steps))
    assert len(collector.spans) == 1 + len(STEPS)
    assert [(one["service.name"], one["nbo.bank"]) for one in collector.resources] == [("nbo", "small")]
    assert collector.headers[0]["path"] == "/v1/traces"


def test_requests_at_once_keep_their_steps_apart(collector, tmp_path):
    with traced(tmp_path) as client:
        asked = [("POST", "/v1/decisions", {"json": {"customer_id": f"c0{n}", "channel": "app"}}) for n in range(8)]
        answers = [answer.json()["decision_id"] for answer in client.together(*asked)]
    requests = [span for span in collector.spans if span.kind == SERVER]
    assert sorted(said(request.attributes)["nbo.decision_id"] for request in requests) == sorted(answers)
    assert len({request.trace_id for request in requests}) == 8
    assert all([step.name for step in below(collector.spans, request)] == STEPS for request in requests)


def test_a_batch_has_a_span_for_each_of_its_decisions(collector, tmp_path):
    questions = [{"customer_id": customer, "channel": "app"} for customer in ("c05", "c06", "c07")]
    with traced(tmp_path) as client:
        answered = client.post("/v1/decisions/batch", json={"decisions": questions}).json()["decisions"]
    [request] = [span for span in collector.spans if span.kind == SERVER]
    decisions = below(collector.spans, request)
    assert [span.name for span in decisions] == ["decision"] * 3
    ids = {said(span.attributes)["nbo.decision_id"] for span in decisions}
    assert ids == {one["decision_id"] for one in answered}
    assert all([step.name for step in below(collector.spans, span)] == STEPS for span in decisions)


def test_what_was_not_as_it_should_be_is_told(collector, tmp_path):
    with traced(tmp_path) as client:
        for file in (tmp_path / "log").glob("bucket-*.parquet"):
            file.write_bytes(b"damaged")
        ask(client)
    [request] = [span for span in collector.spans if span.kind == SERVER]
    assert said(request.attributes)["nbo.degraded"] == [Degraded.FEATURES_UNREADABLE.value]


def test_what_fails_is_told_by_its_kind_alone(collector, tmp_path, monkeypatch):
    def full(*_):
        raise StateError(f"no place for {SOMEBODY}")

    with traced(tmp_path) as client:
        monkeypatch.setattr(client.app.state.service.decision_queue._writer, "_write", full)
        answer = client.post("/v1/decisions", json={"customer_id": SOMEBODY, "channel": "app"})
        assert answer.status_code == 503
        monkeypatch.setattr(type(client.app.state.service.queries), "offers", full)
        client.get("/v1/offers")
        monkeypatch.setattr(type(client.app.state.service.queries), "offers", lambda _: 1 / 0)
        assert client.get("/v1/offers").status_code == 500
    spans = collector.spans
    [keep] = [span for span in spans if span.name == "keep"]
    assert (keep.status.code, said(keep.attributes)) == (ERROR, {"error.type": "StateError"})
    statuses = {span.name: said(span.attributes)["http.response.status_code"] for span in spans if span.kind == SERVER}
    assert statuses == {"POST /v1/decisions": 503, "GET /v1/offers": 500}
    assert all(span.status.code == ERROR for span in spans if span.kind == SERVER)
    assert not any(span.events or span.status.message for span in spans)
    assert not any(SOMEBODY.encode() in body for body in collector.bodies)


def test_nothing_of_a_customer_and_no_words_of_a_caller_are_in_a_trace(collector, tmp_path):
    event = {"event_id": SOMEBODY, "customer_id": SOMEBODY, "type": "login"}
    with traced(tmp_path) as client:
        ask(client, SOMEBODY)
        client.post("/v1/decisions/batch", json={"decisions": [{"customer_id": SOMEBODY, "channel": "app"}]})
        client.post("/v1/events", json=[event, {**event, "type": SOMEBODY}])
        client.get(f"/v1/customers/{SOMEBODY}", params={"who": SOMEBODY}, headers={"User-Agent": SOMEBODY})
        client.put(f"/v1/customers/{SOMEBODY}/consents", json={"consents": {SOMEBODY: True}})
        client.delete(f"/v1/customers/{SOMEBODY}")
        client.get(f"/{SOMEBODY}")
        client.request(SOMEBODY.replace(" ", ""), "/v1/offers")
        client.post("/v1/decisions", content=SOMEBODY.encode(), headers={"Host": "zoeline.quistgaard.example"})
    names = [span.name for span in collector.spans if span.kind == SERVER]
    assert names == [
        "POST /v1/decisions",
        "POST /v1/decisions/batch",
        "POST /v1/events",
        "GET /v1/customers/{customer_id}",
        "PUT /v1/customers/{customer_id}/consents",
        "DELETE /v1/customers/{customer_id}",
        "GET",
        "_OTHER /v1/offers",
        "POST /v1/decisions",
    ]
    for body in collector.bodies:
        assert b"zoeline" not in body.lower()
        assert b"quistgaard" not in body.lower()


def test_probes_make_no_spans(collector, tmp_path):
    with traced(tmp_path) as client:
        for url in ("/healthz", "/readyz", "/metrics"):
            assert client.get(url).status_code == 200
        client.get("/v1/offers")
    assert [span.name for span in collector.spans] == ["GET /v1/offers"]


def test_a_caller_who_does_not_keep_the_trace_is_followed(collector, tmp_path):
    with traced(tmp_path) as client:
        ask(client, headers={"traceparent": CALLER.removesuffix("01") + "00"})
    assert collector.spans == []


@pytest.mark.parametrize("header", ["", "nonsense", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "x" * 5000])
def test_a_trace_that_cannot_be_read_is_no_reason_to_fail(collector, tmp_path, header):
    with traced(tmp_path) as client:
        ask(client, headers={"traceparent": header})
    assert [span.parent_span_id for span in collector.spans if span.kind == SERVER] == [b""]


def test_the_standard_names_of_the_environment_count(collector, tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.url}/of/traces")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=nbo")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "next-best-offer")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    with traced(tmp_path) as client:
        ask(client)
    assert (collector.headers[0]["path"], collector.headers[0]["x-tenant"]) == ("/of/traces", "nbo")
    [resource] = collector.resources
    assert resource["service.name"] == "next-best-offer"
    assert resource["deployment.environment.name"] == "test"


def test_a_collector_that_is_away_keeps_nobody_waiting(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "300")  # its end would take half a minute
    monkeypatch.setattr(traces, "END_SECONDS", 0.2)
    with traced(tmp_path) as client:
        assert ask(client)["offers"]
        ending = time.monotonic()
    assert time.monotonic() - ending < 20


def test_no_span_goes_inside_to_whom_nobody_named(collector, tmp_path, caplog):
    caplog.set_level(logging.CRITICAL)
    with traced(tmp_path, Inside(["collector.bank.example"])) as client:
        assert ask(client)["offers"]
    assert collector.bodies == []


def test_a_collector_that_sends_elsewhere_is_not_followed(collector, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.CRITICAL)
    with collecting(f"{collector.url}/v1/traces") as elsewhere:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", elsewhere.url)
        with traced(tmp_path) as client:
            assert ask(client)["offers"]
        assert (len(elsewhere.bodies) > 0, collector.bodies) == (True, [])


def test_who_is_not_traced_is_measured_by_the_metrics_alone(tmp_path):
    with small_client(tmp_path) as client:
        service = client.app.state.service
        assert service.instrumentation is client.app.state.metrics
        assert [one.cls.__name__ for one in client.app.user_middleware] == ["Measured", "Unkept"]
