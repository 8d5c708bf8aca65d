from datetime import datetime

import pytest
from sqlalchemy import text

from records.decision_log import DecisionLog
from serving.api.decisions import DirectRoute
from serving.api.requests import LimitedRoute
from tests.serving.api.build import KEYS, small_client

QUESTION = {"customer_id": "c05", "channel": "app"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with small_client(tmp_path_factory.mktemp("service"), "decide") as client:
        yield client


def ask(client, **more):
    answer = client.post("/v1/decisions", json={**QUESTION, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_customer_is_offered_what_the_policy_ranks_with_reasons_if_they_are_asked_for(client):
    assert [offer["reasons"] for offer in ask(client)["offers"]] == [[], []]
    said = ask(client, reasons=True)
    assert [offer["rank"] for offer in said["offers"]] == [1, 2]
    assert {offer["offer"] for offer in said["offers"]} == {"savings_plus", "budget_check"}
    first = said["offers"][0]
    assert first["message"] == "card"
    assert first["reasons"][0]["sentence"] == "Logins (last 30 days): 6 (speaks for it)"
    assert (said["stage"], said["fallback"], said["dry_run"]) == ("growth", None, False)
    assert set(said["versions"]) == {"bank", "policy", "churn", "propensity"}


def test_what_was_answered_is_in_the_log_with_everything(client):
    said = ask(client)
    log: DecisionLog = client.app.state.service.decision_log
    logged = log.get(said["decision_id"])
    assert logged.record is not None
    assert [candidate.offer for candidate in logged.record.offers] == [offer["offer"] for offer in said["offers"]]
    assert logged.offer == said["offers"][0]["offer"]
    assert logged.as_of == datetime.fromisoformat(said["as_of"])


def test_the_same_request_gets_the_same_answer(client):
    first = ask(client, request_id="r1")
    assert ask(client, request_id="r1") == first
    assert ask(client, request_id="r2")["decision_id"] != first["decision_id"]
    by_header = client.post("/v1/decisions", json=QUESTION, headers={"Idempotency-Key": "r1"})
    assert by_header.json() == first


def test_a_question_with_reasons_is_another_one_whose_scores_are_the_same(client):
    with_reasons, without = ask(client, reasons=True, request_id="r9"), ask(client, request_id="r10")
    # which one is first may be explored
    scored, same = ({one["offer"]: one["propensity"] for one in said["offers"]} for said in (with_reasons, without))
    assert scored == same
    answer = client.post("/v1/decisions", json={**QUESTION, "request_id": "r9"})
    assert answer.status_code == 409


def test_a_request_id_for_another_question_is_a_clash(client):
    ask(client, request_id="r3")
    answer = client.post("/v1/decisions", json={**QUESTION, "channel": "email", "request_id": "r3"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:nbo:problem:request-clash"


def test_a_dry_run_leaves_no_trace(client):
    said = ask(client, dry_run=True, request_id="r4")
    assert said["dry_run"]
    with client.app.state.service.database.reading() as connection:
        from sqlalchemy import select

        from records.schema import DECISIONS

        found = connection.execute(select(DECISIONS).where(DECISIONS.c.decision_id == said["decision_id"])).all()
    assert not found


def test_as_many_offers_as_asked_for(client):
    assert len(ask(client, offers=1)["offers"]) == 1


def test_places_are_filled_in_their_order(client):
    said = ask(client, placements=["hero", "inbox"])
    assert [(offer["rank"], offer["placement"]) for offer in said["offers"]] == [(1, "hero"), (2, "inbox")]


def test_a_customer_the_bank_does_not_know_gets_the_answer_of_no_history(client):
    said = ask(client, customer_id="stranger")
    assert (said["stage"], said["offers"], said["features_from"]) == (None, [], "nothing")
    assert said["fallback"].startswith("nothing, because")


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"channel": "ap"}, 422, "'app' (did you mean it?)"),
        ({"customer_id": " "}, 422, "an id"),
        ({"context": {"intent": "borrow"}}, 422, "nothing: none is declared"),
        ({"customer_id": 5}, 422, "customer_id"),
        ({"customer_id": "c\x00"}, 422, "customer_id"),
        ({"offers": 0}, 422, "offers"),
        ({"offers": "many"}, 422, "offers"),
        ({"offers": "2"}, 422, "offers"),
        ({"dry_run": "off"}, 422, "dry_run"),
        ({"surprise": 1}, 422, "surprise"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(client, more, status, words):
    answer = client.post("/v1/decisions", json={**QUESTION, **more})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"customer_id": NaN}', 400),
        (b'{"customer_id": "\xff"}', 400),
        (b'{"customer_id": "\\ud800", "channel": "app"}', 400),
        (b'{"customer_id": "c05", "channel": "app", "dry_run": true, "dry_run": false}', 422),
        (b'{"a":' * 1_000 + b"1" + b"}" * 1_000, 422),
        (b'{"a":' * 500 + b"1" + b"}" * 500, 422),
        (b"[" * 100_000, 400),
        (b'"' + b"x" * 2_000_000 + b'"', 413),
    ],
)
def test_a_body_that_is_no_question_is_a_problem_of_the_client(client, body, status):
    answer = client.post("/v1/decisions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status


GOOD = b'{"customer_id": "c05", "channel": "app"}'
KINDS = ["", "application/json", "APPLICATION/JSON ; charset=utf-8", "application/vnd.bank+json", "application/jsonl"]
KINDS += ["application/json-seq", "application/json, text/plain", "text/plain", "text/json", "json", "application/"]
IDEMPOTENCY_KEYS = ["", " ", "a b", " same ", "x" * 201, ".", "Zo\xeb"]
FIELDS = [b'"offers": %s' % number for number in (b"1", b"1.0", b"true", b'"1"', b"9" * 5_000)]
FIELDS += [b'"context": {"a": %s}' % value for value in (b"1e400", b"[]", b"-0", b"null")]
FIELDS += [b'"ch\\u0061nnel": "app"', b'"surprise": 1', b'"reasons": 1', b'"request_id": "other"']
UTF_8_MARK = b"\xef\xbb\xbf"
BODIES = [b"", b"{}", b"null", GOOD + GOOD, UTF_8_MARK + GOOD, GOOD.decode().encode("utf-16"), b"[" * 20 + b"]" * 20]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        *((GOOD, {"Content-Type": kind}) for kind in KINDS),
        *((GOOD, {"Idempotency-Key": key}) for key in IDEMPOTENCY_KEYS),
        *((GOOD.replace(b"}", b", %s}" % field), {"Idempotency-Key": "one"}) for field in FIELDS),
        *((body, {}) for body in BODIES),
        (GOOD, {"CE-SpecVersion": "1.0", "CE-ID": "1"}),
    ],
)
def test_single_decisions_take_and_refuse_what_the_framework_does(client, monkeypatch, body, headers):
    headers = {"Content-Type": "application/json", **headers}

    def asked() -> tuple[int, object]:
        sent = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = client.post("/v1/decisions", content=body, headers=sent)
        said = answer.json()
        return answer.status_code, said["customer_id"] if answer.status_code == 200 else said

    direct = asked()
    monkeypatch.setattr(DirectRoute, "answered", LimitedRoute.answered)
    assert direct == asked()


def test_a_batch_is_answered_in_its_order_and_each_customer_as_if_alone(client):
    customers = [f"c{number:02d}" for number in range(12)]
    questions = [{"customer_id": customer, "channel": "app"} for customer in customers]
    answer = client.post("/v1/decisions/batch", json={"decisions": questions, "request_id": "b1"})
    assert answer.status_code == 200, answer.text
    said = answer.json()["decisions"]
    assert [one["customer_id"] for one in said] == customers
    for one in said:
        alone = ask(client, customer_id=one["customer_id"])
        names = [offer["offer"] for offer in one["offers"]]
        assert sorted(names) == sorted(offer["offer"] for offer in alone["offers"])
    again = client.post("/v1/decisions/batch", json={"decisions": questions, "request_id": "b1"})
    assert again.content == answer.content


def test_more_than_five_hundred_are_no_batch(client):
    answer = client.post("/v1/decisions/batch", json={"decisions": [QUESTION] * 501})
    assert answer.status_code == 422


def test_nobody_asks_without_a_key_and_with_another_scope(client):
    for headers, status in (({"X-API-Key": "wrong"}, 401), ({"X-API-Key": KEYS["listen"]}, 403)):
        answer = client.post("/v1/decisions", json=QUESTION, headers=headers)
        assert answer.status_code == status
    answer = client.post("/v1/decisions", json=QUESTION, headers={"X-API-Key": ""})
    assert answer.status_code == 401


def test_it_lives_and_is_ready(client):
    assert client.get("/healthz").json() == {"status": "alive"}
    ready = client.get("/readyz").json()
    assert (ready["status"], ready["bank"]) == ("ready", "small")


def test_an_empty_key_is_no_key_and_two_ids_are_one_too_many(client):
    for headers, body in (
        ({"Idempotency-Key": ""}, {}),
        ({"Idempotency-Key": "  "}, {}),
        ({"Idempotency-Key": "r8"}, {"request_id": "r9"}),
    ):
        assert client.post("/v1/decisions", json={**QUESTION, **body}, headers=headers).status_code == 422
    both = client.post("/v1/decisions", json={**QUESTION, "request_id": "r8"}, headers={"Idempotency-Key": "r8"})
    assert both.status_code == 200


def test_the_ids_of_batches_and_of_single_questions_are_never_one(client):
    answer = client.post("/v1/decisions/batch", json={"decisions": [QUESTION], "request_id": "rr"})
    assert answer.status_code == 200
    assert ask(client, customer_id="c08", request_id="rr#0")["customer_id"] == "c08"


def test_answers_are_kept_by_nobody_in_between(client):
    for answer in (client.get("/v1/customers/c05"), client.get("/v1/customers/nobody"), client.get("/healthz")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_it_is_not_ready_where_nothing_can_be_written(tmp_path):
    with small_client(tmp_path) as client:
        assert client.get("/readyz").status_code == 200
        database = client.app.state.service.database
        with database.transaction() as connection:
            connection.execute(text("DROP TABLE journal_gate"))
        assert client.get("/readyz").status_code == 503
