from dataclasses import replace
from datetime import datetime
from unicodedata import normalize
from urllib.parse import quote

import pytest
from sqlalchemy import select

from decisioning.policies.policy import Control, Rule
from records.erasures import named
from records.schema import AUDIT, DECISIONS, EVENTS
from tests.serving.api.build import KEYS, small_client
from tests.serving.build import AS_OF, POLICY, small_bank


@pytest.fixture
def client(tmp_path):
    with small_client(tmp_path) as client:
        yield client


def decide(client, customer="c05", channel="app", **more):
    answer = client.post("/v1/decisions", json={"customer_id": customer, "channel": channel, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def audit(client):
    with client.app.state.service.database.reading() as connection:
        return [(row.caller, row.act, row.subject) for row in connection.execute(select(AUDIT))]


def test_a_customer_is_shown_with_stages_limits_and_decisions_and_the_look_is_written_down(client):
    decision = decide(client)
    said = client.get("/v1/customers/c05").json()
    assert said["attributes"] == {"consent_email": True, "region": "south"}
    assert said["stage"]["stage"] == "growth"
    assert said["stage_history"][0]["stage"] == "growth"
    assert said["limits"] == [
        {"limit": "weekly", "counted": "email", "count": 1, "at_most": 1, "days": 7, "of": "presented"}
    ]
    assert [one["decision_id"] for one in said["decisions"]] == [decision["decision_id"]]
    assert audit(client) == [("admin", "look at a customer", "c05")]


def test_nobody_unknown_is_shown(client):
    answer = client.get("/v1/customers/stranger")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:nbo:problem:not-found")


def test_a_decision_is_shown_with_what_came_of_it_and_late_outcomes_revise_early_ones(client):
    decision = decide(client, "c02", "email")["decision_id"]
    assert client.get(f"/v1/decisions/{decision}").json()["outcomes"] == []
    event = {"customer_id": "c02", "channel": "email", "properties": {"offer": "savings_plus"}, "decision_id": decision}
    client.post("/v1/events", json={**event, "event_id": "e2", "type": "offer_accepted"})
    early = {"event_id": "e1", "type": "offer_presented", "occurred_at": AS_OF.isoformat()}
    client.post("/v1/events", json={**event, **early})
    said = client.get(f"/v1/decisions/{decision}").json()
    assert [one["type"] for one in said["outcomes"]][-1] == said["outcome"] == "offer_accepted"
    assert said["offers"][0]["offer"] == "savings_plus"
    assert client.get("/v1/decisions/no-such").status_code == 404


def test_an_explanation_has_every_rule_about_every_candidate(client):
    decision = decide(client, "c05", "email")
    said = client.get(f"/v1/decisions/{decision['decision_id']}/explanation").json()
    [candidate] = said["candidates"]
    verdicts = {one["rule"]: one for one in candidate["verdicts"]}
    assert verdicts["weekly"]["passed"] is False
    assert verdicts["weekly"]["reason"] == "count_of_weekly = 1, needs < 1"
    assert verdicts["consent_email"]["passed"] is True
    assert said["features"]["logins_30d"] == 6


def test_an_explanation_has_the_reasons_that_the_answer_would_have_had(client):
    asked = {"customer_id": "c05", "channel": "app", "reasons": True}
    answered = client.post("/v1/decisions", json=asked).json()
    said = client.get(f"/v1/decisions/{answered['decision_id']}/explanation").json()
    ranked = {one["offer"]: one["reasons"] for one in said["candidates"] if one["rank"] is not None}
    assert ranked == {offer["offer"]: offer["reasons"] for offer in answered["offers"]}
    assert ranked["savings_plus"][0]["sentence"] == "Logins (last 30 days): 6 (speaks for it)"
    assert [one["reasons"] for one in said["candidates"] if one["rank"] is None] == []


def test_reasons_are_not_made_up_where_the_model_is_gone(client):
    decided = decide(client, "c05", "app")
    service = client.app.state.service
    engine = service.engine
    decider = engine.decider
    other = type(decider)(decider.bank, decider.churn, None, {**decider.models, "propensity": "9:other"})
    service.swap(replace(engine, decider=other))
    try:
        said = client.get(f"/v1/decisions/{decided['decision_id']}/explanation").json()
    finally:
        service.swap(engine)
    assert {one["rank"]: one["reasons"] for one in said["candidates"]} == {1: None, 2: None}


def test_a_replay_gives_the_same(client):
    for channel in ("app", "email"):
        decision = decide(client, channel=channel)["decision_id"]
        said = client.post(f"/v1/decisions/{decision}/replay").json()
        assert (said["same"], said["differences"]) == (True, [])


def test_offers_are_listed_with_their_treatments(client):
    said = client.get("/v1/offers").json()
    assert [offer["offer"] for offer in said["offers"]] == ["savings_plus", "budget_check"]
    assert said["offers"][0]["treatments"][0] == {"channel": "app", "message": "card", "slot": None}


def test_scores_decide_nothing(client):
    said = client.post("/v1/scores", json={"customer_id": "c05", "channel": "app"}).json()
    assert 0 < said["churn_probability"] < 1
    assert {one["offer"]: one["propensity"] for one in said["propensities"]} == {
        "savings_plus": pytest.approx(0.22),
        "budget_check": pytest.approx(0.11),
    }
    with client.app.state.service.database.reading() as connection:
        assert not connection.execute(select(DECISIONS)).all()


HELD_OUT = Control(holdout_share=1.0)
PEOPLE = Rule(name="decided_by_people", kind="consent", require="region <> 'south'", except_tags=("service",))


@pytest.mark.parametrize(
    ("policy", "customer", "churn", "offers"),
    [
        ({}, "c03", True, {"app": ["savings_plus", "budget_check"], "email": []}),  # no consent to e-mail
        ({}, "c05", True, {"app": ["savings_plus", "budget_check"], "email": ["savings_plus"]}),
        ({"rules": (PEOPLE,)}, "c04", True, {"app": ["savings_plus", "budget_check"], "email": ["savings_plus"]}),
        ({"rules": (PEOPLE,)}, "c05", False, {"app": ["budget_check"], "email": []}),
        ({"personalised": "region <> 'south'"}, "c05", False, {"app": [], "email": []}),
        ({"personalised": "region <> 'south'", "control": HELD_OUT}, "c05", False, {"app": [], "email": []}),
        ({"control": HELD_OUT}, "c05", True, {"app": ["savings_plus", "budget_check"], "email": ["savings_plus"]}),
    ],
)
def test_scores_tell_nothing_that_decisions_may_not_look_at(tmp_path, policy, customer, churn, offers):
    with small_client(tmp_path, bank=small_bank(replace(POLICY, **policy))) as client:
        for channel, expected in offers.items():
            said = client.post("/v1/scores", json={"customer_id": customer, "channel": channel}).json()
            assert (said["churn_probability"] is not None) == churn
            assert [one["offer"] for one in said["propensities"]] == expected


def test_a_contact_that_is_not_made_is_withdrawn_and_that_is_written_down(client):
    decision = decide(client, "c02", "email")["decision_id"]
    said = client.post(f"/v1/decisions/{decision}/withdrawal")
    assert said.status_code == 200, said.text
    assert client.post(f"/v1/decisions/{decision}/withdrawal").json() == said.json()
    assert client.get(f"/v1/decisions/{decision}").json()["withdrawn_at"] == said.json()["withdrawn_at"]
    assert [line for line in audit(client) if "withdraw" in line[1]] == [("admin", "withdraw a contact", "c02")]
    assert decide(client, "c02", "email")["offers"]


def test_what_cannot_be_withdrawn_is_told_apart(client):
    assert client.post("/v1/decisions/no-such/withdrawal").status_code == 404
    inbound = decide(client, "c05", "app")["decision_id"]
    answer = client.post(f"/v1/decisions/{inbound}/withdrawal")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:nbo:problem:not-pending")
    decision = decide(client, "c02", "email")["decision_id"]
    event = {"event_id": "e1", "customer_id": "c02", "channel": "email", "properties": {"offer": "savings_plus"}}
    client.post("/v1/events", json={**event, "type": "offer_presented", "decision_id": decision})
    answer = client.post(f"/v1/decisions/{decision}/withdrawal")
    assert (answer.status_code, answer.json()["got"]) == (409, "it was presented")


def test_a_consent_that_is_taken_back_counts_in_the_next_decision(client):
    assert decide(client, "c02", "email", dry_run=True)["offers"]
    answer = client.put("/v1/customers/c02/consents", json={"consents": {"consent_email": False}})
    assert answer.json()["fate"] == "accepted"
    assert "consent_email" in decide(client, "c02", "email", dry_run=True)["fallback"]
    answer = client.put("/v1/customers/c02/consents", json={"consents": {"region": True}})
    assert (answer.status_code, answer.json()["got"]) == (422, "'region'")


def test_an_erased_customer_is_nowhere_and_the_receipt_says_what_was(client):
    decide(client, "c05")
    client.get("/v1/customers/c05")
    client.post("/v1/events", json={"event_id": "e1", "customer_id": "c05", "type": "login"})
    receipt = client.delete("/v1/customers/c05").json()
    assert receipt["customer"] == named(client.app.state.service.database, "c05")
    assert receipt["erased"]["event_log"] > 0
    assert (receipt["erased"]["decisions"], receipt["erased"]["journal_events"]) == (1, 1)
    assert datetime.fromisoformat(receipt["erased_at"]) > AS_OF
    assert client.get("/v1/customers/c05").status_code == 404
    assert decide(client, "c05", dry_run=True)["features_from"] == "nothing"
    assert ("admin", "look at a customer", named(client.app.state.service.database, "c05")) in audit(client)
    with client.app.state.service.database.reading() as connection:
        assert not connection.execute(select(EVENTS).where(EVENTS.c.customer_id == "c05")).all()


@pytest.mark.parametrize(
    "customer",
    ["A/B-1", "a/consents", "/x/", "x//y", "50%25", "%2F", "K#7?x=1&y", "Mu\u0308ller", "顧客/1", "...", "a b;c"],
)
def test_every_customer_who_can_be_told_of_can_refuse_be_shown_and_be_erased(client, customer):
    address = f"/v1/customers/{quote(customer, safe='')}"
    assert client.get(address).json()["type"] == "urn:nbo:problem:not-found"
    told = {"event_id": "e1", "customer_id": customer, "type": "login"}
    assert client.post("/v1/events", json=told).json()["accepted"] == 1
    answer = client.put(f"{address}/consents", json={"consents": {"consent_email": False}})
    assert answer.json()["fate"] == "accepted"
    shown = client.get(address).json()
    assert (shown["customer_id"], shown["attributes"]["consent_email"]) == (normalize("NFC", customer), False)
    assert "consent_email" in decide(client, customer, "email", dry_run=True)["fallback"]
    assert client.delete(address).json()["erased"]["journal_events"] == 2
    assert client.get(address).json()["type"] == "urn:nbo:problem:not-found"


@pytest.mark.parametrize("path", ["%FF", "K%C3", "%ED%A0%80", "c05%00", "%2E%2E", "c05%E2%80%8B", "%20", "x" * 900])
def test_what_names_no_customer_changes_nobody(client, path):
    for method, address in (("GET", path), ("DELETE", path), ("PUT", f"{path}/consents")):
        answer = client.request(method, f"/v1/customers/{address}", json={"consents": {"consent_email": False}})
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:nbo:problem:not-fit")
    assert audit(client) == []


@pytest.mark.parametrize(
    ("method", "url", "needs"),
    [
        ("GET", "/v1/customers/c05", "read"),
        ("GET", "/v1/decisions/d1", "read"),
        ("GET", "/v1/decisions/d1/explanation", "read"),
        ("POST", "/v1/decisions/d1/replay", "admin"),
        ("GET", "/v1/offers", "decide"),
        ("POST", "/v1/scores", "read"),
        ("PUT", "/v1/customers/c05/consents", "listen"),
        ("DELETE", "/v1/customers/c05", "admin"),
        ("POST", "/v1/decisions/d1/withdrawal", "decide"),
    ],
)
def test_every_look_needs_its_scope(client, method, url, needs):
    for scope in {"decide", "listen", "read"} - {needs}:
        answer = client.request(method, url, headers={"X-API-Key": KEYS[scope]}, json={})
        assert (answer.status_code, answer.json()["expected"]) == (403, needs)
