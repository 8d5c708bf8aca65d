from base64 import b64encode
from datetime import timedelta

import pytest
from sqlalchemy import select

from events.log import EventLog
from events.schema import events_of
from records.database import Database
from records.flush import KEPT, flush
from records.schema import EVENTS
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


def test_an_event_that_the_log_has_is_known_by_its_id_and_no_other_takes_it(client, tmp_path):
    [logged] = [event for event in events_of(EventLog(tmp_path / "log").read_customer("c02")) if event.type == "login"][
        :1
    ]
    same = {"event_id": logged.event_id, "customer_id": "c02", "type": "login", "channel": "app"}
    said = {"occurred_at": logged.occurred_at.isoformat()}
    assert tell(client, same) == tell(client, {**same, **said}) == ["duplicate"]
    others = [{"type": "offer_presented"}, {"customer_id": "c03"}, {"channel": "email"}, {"amount": 5}]
    others.append({"occurred_at": (logged.occurred_at + timedelta(seconds=1)).isoformat()})
    assert tell(client, *({**same, **other} for other in others)) == ["conflict"] * 5
    assert tell(client, same, {**same, "amount": 1}, LOGIN, same) == ["duplicate", "conflict", "accepted", "duplicate"]
    journal = Database(f"sqlite:///{tmp_path / 'decisions.db'}")
    with journal.reading() as connection:
        assert connection.execute(select(EVENTS.c.event_id)).scalars().all() == ["e1"]
    journal.close()


def test_an_event_that_was_drained_is_known_also_when_the_journal_has_forgotten_it(client, tmp_path):
    log, database = EventLog(tmp_path / "log"), Database(f"sqlite:///{tmp_path / 'decisions.db'}")
    assert tell(client, LOGIN) == ["accepted"]
    assert flush(database, log, AS_OF + timedelta(hours=1)).accepted == 1
    assert tell(client, LOGIN) == ["duplicate"]
    assert flush(database, log, AS_OF + KEPT + timedelta(days=1)).forgotten == 1
    assert tell(client, LOGIN) == ["duplicate"]
    assert tell(client, {**LOGIN, "amount": 5}) == ["conflict"]
    database.close()


def test_a_no_is_taken_in_while_the_log_cannot_be_read(client, tmp_path):
    for file in (tmp_path / "log").glob("ids-*.npy"):
        file.write_bytes(b"damaged")
    (tmp_path / "log" / "manifest.json").touch()
    no = {"event_id": "no", "customer_id": "c02", "type": "customer_attributes", "properties": {"consent_email": False}}
    assert tell(client, no) == ["accepted"]


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"customer_id": " "}, "customer_id"),
        ({"event_id": ""}, "event_id"),
        ({"occurred_at": "20260302"}, "occurred_at"),
        ({"amount": "2"}, "amount"),
        ({"colour": "red"}, "colour"),
        ({"specversion": "1.0"}, "id"),
    ],
)
def test_an_event_that_cannot_be_read_costs_a_batch_only_itself(client, wrong, at):
    good = [{"event_id": f"good-{place}", "customer_id": "c02", "type": "login"} for place in range(2)]
    said = [good[0], {"event_id": "bad", "customer_id": "c02", "type": "login", **wrong}, good[1]]
    answer = client.post("/v1/events", json=said)
    assert answer.status_code == 200, answer.text
    fates = [(result["event_id"], result["fate"]) for result in answer.json()["results"]]
    assert fates == [("good-0", "accepted"), (wrong.get("event_id", "bad"), "refused"), ("good-1", "accepted")]
    refused = answer.json()["results"][1]
    assert (refused["reason"], refused["detail"].partition(":")[0]) == ("not_fit", at)
    assert client.post("/v1/events", json=said[1]).status_code == 422


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


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"event_id": "e1", "customer_id": "c02", "customer_id": "c03", "type": "login"}', "repeats a key"),
        ('{"event_id": "e1", "customer_id": "c02", "type": "login", "amount": true}', "amount"),
        ('{"event_id": "e1", "customer_id": "c02", "type": "login", "occurred_at": "20251225"}', "as 2026-03-29T"),
        ('{"event_id": "e1", "customer_id": "c02", "type": "login", "occurred_at": 1766620800}', "as 2026-03-29T"),
        ('{"event_id": "e1", "customer_id": "c\\u200b02", "type": "login"}', "invisible character"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(client, body, words):
    answer = client.post("/v1/events", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert words in answer.text


def test_ids_have_the_form_that_imported_files_have(client):
    assert tell(client, {**LOGIN, "customer_id": " c02 ", "event_id": "e1 "}) == ["accepted"]
    assert tell(client, LOGIN) == ["duplicate"]


def test_a_consent_is_taken_back_whatever_stands_around_the_id(client):
    answer = client.put("/v1/customers/c02%20/consents", json={"consents": {"consent_email": False}})
    assert answer.json()["fate"] == "accepted"
    assert "consent_email" in decide(client)["fallback"]


@pytest.mark.parametrize("value", [0, 1.0, "off", "n", None])
def test_a_consent_is_true_or_false_and_nothing_that_looks_like_it(client, value):
    answer = client.put("/v1/customers/c02/consents", json={"consents": {"consent_email": value}})
    assert answer.status_code == 422


def test_the_sources_and_ids_of_two_cloud_events_are_never_one_id(client):
    said = {"specversion": "1.0", "type": "login", "subject": "c02"}
    assert tell(client, {**said, "source": "a", "id": "b#c"}, {**said, "source": "a#b", "id": "c"}) == ["accepted"] * 2


def test_cloud_events_say_all_or_are_refused(client):
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "crm", "ce-type": "login", "ce-subject": "c%30%32"}
    answer = client.post("/v1/events", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["results"][0]["fate"] == "accepted"
    assert client.get("/v1/customers/c02").status_code == 200
    for subject in (b"M\xc3\xbcller", b"K%FF", b"K%C3"):
        assert client.post("/v1/events", headers={**headers, "ce-subject": subject}).status_code == 422
    said = {"specversion": "1.0", "id": "2", "source": "crm", "type": "login", "subject": "c02"}
    data = b64encode(b'{"channel": "app"}').decode()
    assert tell(client, {**said, "data_base64": data}) == ["accepted"]
    twice = b64encode(b'{"channel": "app", "channel": "web"}').decode()
    wrongs = ({"data_base64": data, "data": {}}, {"data_base64": "?"}, {"data_base64": twice})
    for wrong in (*wrongs, {"data": {"customer_id": "c03"}}):
        assert client.post("/v1/events", json={**said, "id": "3", **wrong}).status_code == 422
