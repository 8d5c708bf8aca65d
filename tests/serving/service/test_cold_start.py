"""Unknown customers at the real service of a bank with a cold start."""

import pytest

from tests.serving.api.build import small_client
from tests.serving.build import COLD_START, small_bank


@pytest.fixture
def client(tmp_path):
    with small_client(tmp_path, bank=small_bank(COLD_START)) as client:
        yield client


def ask(client, customer="stranger", channel="app"):
    answer = client.post("/v1/decisions", json={"customer_id": customer, "channel": channel, "reasons": True})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_unknown_customer_is_offered_what_nothing_forbids_and_told_honest_reasons(client):
    said = ask(client)
    assert (said["stage"], said["features_from"], said["degraded"]) == ("growth", "nothing", [])
    assert {offer["offer"]: offer["propensity"] for offer in said["offers"]} == {
        "savings_plus": 0.3,
        "budget_check": pytest.approx(0.1),
    }
    for offer in said["offers"]:
        [reason] = offer["reasons"]
        assert reason["description"] == "How this offer is usually received"
        assert reason["value"] == ""
    mailed = ask(client, channel="email")
    assert mailed["offers"] == []
    assert "consent_email" in mailed["fallback"]


def test_known_and_unknown_customers_asked_for_together_get_what_each_gets_alone(client):
    customers = ["c05", "stranger", "c02", "visitor"]
    questions = [{"customer_id": customer, "channel": "app", "reasons": True} for customer in customers]
    together = client.post("/v1/decisions/batch", json={"decisions": questions}).json()["decisions"]
    for said, customer in zip(together, customers, strict=True):
        alone = ask(client, customer)
        assert said["features_from"] == alone["features_from"] == ("log" if customer.startswith("c0") else "nothing")
        offers, others = (
            {offer["offer"]: (offer["propensity"], offer["reasons"]) for offer in one["offers"]}
            for one in (said, alone)
        )
        assert offers == others != {}


def test_a_decision_for_an_unknown_customer_is_replayed_to_the_same(client):
    for channel in ("app", "email"):
        decision = ask(client, channel=channel)["decision_id"]
        said = client.post(f"/v1/decisions/{decision}/replay").json()
        assert (said["same"], said["differences"]) == (True, [])
        explained = client.get(f"/v1/decisions/{decision}/explanation").json()
        ranked = [one["reasons"] for one in explained["candidates"] if one["rank"] is not None]
        assert [[one["description"] for one in reasons] for reasons in ranked] == (
            [["How this offer is usually received"]] * 2 if channel == "app" else []
        )
        kept = explained["features"]
        assert (kept["stage"], kept["consent_email"], kept["churn_probability"]) == ("growth", None, 0.25)


def test_scores_of_an_unknown_customer_are_the_priors(client):
    said = client.post("/v1/scores", json={"customer_id": "stranger", "channel": "app"}).json()
    assert (said["features_from"], said["churn_probability"]) == ("nothing", 0.25)
    assert {one["offer"]: one["propensity"] for one in said["propensities"]} == {
        "savings_plus": 0.3,
        "budget_check": pytest.approx(0.1),
    }


def test_the_cold_start_ends_with_the_first_event(client):
    event = {"event_id": "e1", "customer_id": "stranger", "type": "login", "channel": "app"}
    assert client.post("/v1/events", json=event).status_code == 200
    said = ask(client)
    assert said["features_from"] == "log"
    assert said["stage"] is None
