from datetime import timedelta

import pytest

from tests.serving.api.build import KEYS, small_client
from tests.serving.build import AS_OF

LOGIN = {"event_id": "e1", "customer_id": "c02", "type": "login", "channel": "app"}


@pytest.fixture
def client(tmp_path):
    with small_client(tmp_path) as client:
        yield client


def tell(client, *events, **more):
    answer = client.post("/v1/events", json=events[0] if len(events) == 1 else list(events), **more)
    assert answer.status_code == 200, answer.text
    return [result["fate"] for result in answer.json()["results"]]


def decide(client, customer="c02", channel="email"):
    answer = client.post("/v1/decisions", json={"customer_id": customer, "channel": channel})
    assert answer.status_code == 200, answer.text
    return answer.json()


def mailed(event_id, customer="c02", **more):
    properties = {"offer": "savings_plus"}
    return {"event_id": event_id, "customer_id": customer, "type": "offer_presented", "channel": "email",
            "properties": properties, **more}  # fmt: skip


def test_an_event_counts_in_the_next_decision(client):
    assert tell(client, mailed("e1")) == ["accepted"]
    said = decide(client)
    assert not said["offers"]
    assert "failed weekly (contact_limit)" in said["fallback"]


def test_an_event_counts_in_the_next_decision_of_another_replica(client, tmp_path):
    with small_client(tmp_path) as other:
        tell(client, mailed("e1"))
        assert not decide(other)["offers"]


def test_the_same_event_twice_counts_once(client):
    assert tell(client, LOGIN) == ["accepted"]
    assert tell(client, LOGIN) == ["duplicate"]
    assert tell(client, {**LOGIN, "amount": 5}) == ["conflict"]


def test_a_batch_takes_what_fits_and_tells_the_rest(client):
    answer = client.post("/v1/events", json=[LOGIN, {**LOGIN, "event_id": "e2", "type": "logn"}])
    assert answer.status_code == 200
    said = answer.json()
    assert said["accepted"] == 1
    [first, second] = said["results"]
    assert (first["fate"], second["fate"], second["reason"]) == ("accepted", "refused", "type_unknown")
    assert "'login' (did you mean it?)" in second["detail"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "logn"}, "type_unknown"),
        ({"channel": "fax"}, "channel_unknown"),
        ({"product": "gold"}, "product_unknown"),
        ({"amount": 1e12}, "amount_out_of_bounds"),
        ({"properties": {"colour": "red"}}, "property_unfit"),
        ({"occurred_at": (AS_OF + timedelta(hours=1)).isoformat()}, "time_in_the_future"),
        ({"occurred_at": "1969-01-01T00:00:00Z"}, "time_before_1970"),
        ({"occurred_at": "9999-12-31T23:59:59-23:59"}, "time_in_the_future"),
        ({"occurred_at": "0001-01-01T00:00:00+23:59"}, "time_before_1970"),
        ({"occurred_at": "2026-01-01T00:00:00"}, "occurred_at"),
        ({"event_id": ""}, "event_id"),
        ({"customer_id": "  "}, "an id is empty"),
    ],
)
def test_an_event_that_fits_not_is_told_why(client, change, words):
    answer = client.post("/v1/events", json={**LOGIN, **change})
    assert answer.status_code == 422
    assert words in answer.text


def test_a_clock_that_is_a_little_ahead_is_taken_for_now(client):
    ahead = (AS_OF + timedelta(seconds=60)).isoformat()
    assert tell(client, {**LOGIN, "occurred_at": ahead}) == ["accepted"]
    assert tell(client, {**LOGIN, "occurred_at": ahead}) == ["duplicate"]


def test_an_answer_to_a_decision_belongs_to_its_customer(client):
    decision = decide(client)["decision_id"]
    cited = mailed("e1", decision_id=decision)
    assert tell(client, mailed("e2", "c05", decision_id=decision)) == ["stray"]
    assert tell(client, mailed("e3", decision_id="no-such-decision")) == ["stray"]
    assert tell(client, cited) == ["accepted"]


def test_cloud_events_are_understood_in_both_modes(client):
    said = {"specversion": "1.0", "id": "1", "source": "crm", "type": "bank.example.login", "subject": "c02"}
    assert tell(client, {**said, "data": {"channel": "app"}, "extension": "x"}) == ["accepted"]
    assert tell(client, {**said, "data": {"channel": "app"}}) == ["duplicate"]
    assert tell(client, LOGIN, {**said, "id": "2", "data": {"channel": "app"}}) == ["accepted", "accepted"]
    headers = {f"ce-{name}": value for name, value in said.items()}
    answer = client.post("/v1/events", json={"channel": "app"}, headers={**headers, "ce-id": "3"})
    assert answer.json()["results"] == [{"event_id": "crm#3", "fate": "accepted", "reason": None, "detail": None}]
    kind = {"Content-Type": "application/cloudevents+json"}
    assert tell(client, {**said, "id": "4", "data": {}}, headers=kind) == ["accepted"]


def test_events_that_come_in_any_order_count_alike(client):
    early = {**LOGIN, "event_id": "early", "occurred_at": (AS_OF - timedelta(days=3)).isoformat()}
    late = {**LOGIN, "event_id": "late", "occurred_at": (AS_OF - timedelta(hours=3)).isoformat()}
    tell(client, late, {**early, "event_id": "early3", "customer_id": "c03"})
    tell(client, early, {**late, "event_id": "late3", "customer_id": "c03"})
    log = client.app.state.service.decision_log
    logins = [
        log.get(decide(client, customer, "app")["decision_id"]).record.features["logins_30d"]
        for customer in ("c02", "c03")
    ]
    assert logins == [5.0, 6.0]


def test_telling_needs_the_scope(client):
    answer = client.post("/v1/events", json=LOGIN, headers={"X-API-Key": KEYS["decide"]})
    assert (answer.status_code, answer.json()["expected"]) == (403, "listen")
