from prometheus_client.parser import text_string_to_metric_families

from tests.serving.api.build import KEYS, small_client


def numbers(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value for family in families for sample in family.samples
    }


def test_what_is_decided_told_and_turned_away_is_counted(tmp_path):
    with small_client(tmp_path) as client:
        for customer, channel in (("c02", "email"), ("c02", "email"), ("c05", "app")):
            client.post("/v1/decisions", json={"customer_id": customer, "channel": channel})
        client.post("/v1/events", json={"event_id": "e1", "customer_id": "c02", "type": "login"})
        client.get("/v1/customers/c02")
        client.get("/v1/nowhere")
        said = numbers(client)
        made = {key[1:]: value for key, value in said.items() if key[0] == "nbo_decisions_total"}
        assert made.get(("email", "growth", "log", "savings_plus")) == 1, made
        assert said["nbo_fallbacks_total", "email"] == 1
        assert said["nbo_rejections_total", "weekly"] == 1
        assert said["nbo_events_total", "accepted"] == 1
        assert said["nbo_journal_waiting_events",] == 1
        assert said["nbo_request_seconds_count", "/v1/decisions", "200", "POST"] == 3
        assert said["nbo_request_seconds_count", "/v1/customers/{customer_id}", "200", "GET"] == 1
        assert said["nbo_step_seconds_count", "keep"] == 3
        assert not [key for key in said if "c02" in key]


def test_metrics_are_for_those_who_may_read(tmp_path):
    with small_client(tmp_path) as client:
        assert client.get("/metrics", headers={"X-API-Key": KEYS["decide"]}).status_code == 403
