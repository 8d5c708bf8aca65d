import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import jwt
import pytest
from sqlalchemy import func, select

from nbo_client.asynchronous import AsyncNboClient
from nbo_client.client import NboClient
from nbo_client.messages import Event, Question
from nbo_client.problems import (
    AnswerError,
    NotAllowedError,
    NotPendingError,
    OverloadedError,
    RequestClashError,
    RequestUnfitError,
    ServiceUnreachableError,
    UnauthorisedError,
    UnknownError,
    UsageError,
)
from nbo_client.retrying import Retries
from records.schema import DECISIONS
from tests.nbo_client.bridge import AsyncBridge, Bridge
from tests.serving.api.build import KEYS, SETTINGS, small_client
from tests.serving.build import AS_OF

QUESTION = Question(customer_id="c05", channel="app")
SOON = Retries(first_seconds=0.0, longest_seconds=0.0)
JWT_KEY = "a secret of thirty-two bytes, or more"
URL = "http://nbo"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    with small_client(folder, settings=replace(SETTINGS, jwt_key=JWT_KEY)) as client:
        yield client


def nbo(service, *, retries=SOON, fails=lambda attempt: None, **who):
    bridge = Bridge(service, fails)
    who = who or {"key": KEYS["admin"]}
    return NboClient(URL, retries=retries, transport=bridge, **who), bridge


def kept(service):
    with service.app.state.service.database.reading() as connection:
        return connection.execute(select(func.count()).select_from(DECISIONS)).scalar_one()


def test_a_decision_comes_with_everything_the_service_said(service):
    client, bridge = nbo(service)
    decision = client.decide(replace(QUESTION, reasons=True))
    said = service.post("/v1/decisions", json={"customer_id": "c05", "channel": "app"}).json()
    assert decision.customer_id == "c05"
    assert {offer.offer for offer in decision.offers} == {offer["offer"] for offer in said["offers"]}
    assert decision.offers[0].reasons[0].sentence == "Logins (last 30 days): 6 (speaks for it)"
    assert decision.as_of >= AS_OF
    assert decision.versions == said["versions"]
    assert len(bridge.requests) == 1


def test_a_batch_is_answered_in_the_order_of_its_questions(service):
    client, _ = nbo(service)
    customers = ["c03", "c01", "stranger"]
    decisions = client.decide_all([Question(customer_id=customer, channel="app") for customer in customers])
    assert [decision.customer_id for decision in decisions] == customers
    assert decisions[2].fallback is not None


def test_an_answer_that_was_lost_is_found_again_and_nothing_is_decided_twice(service):
    client, bridge = nbo(service, fails=lambda attempt: "cut" if attempt < 3 else None)
    before = kept(service)
    client.decide(QUESTION)
    assert len(bridge.requests) == 3
    assert len({request.read() for request in bridge.requests}) == 1
    assert kept(service) == before + 1


def test_two_calls_are_two_decisions_and_one_id_is_one(service):
    client, _ = nbo(service)
    assert client.decide(QUESTION).decision_id != client.decide(QUESTION).decision_id
    assert client.decide(QUESTION, request_id="mine") == client.decide(QUESTION, request_id="mine")
    with pytest.raises(RequestClashError) as error:
        client.decide(replace(QUESTION, channel="email"), request_id="mine")
    assert (error.value.status, error.value.kind) == (409, "request-clash")


def test_a_dry_run_keeps_nothing(service):
    client, _ = nbo(service)
    before = kept(service)
    assert client.decide(QUESTION, dry_run=True).dry_run
    assert kept(service) == before


def test_an_event_told_again_counts_once(service):
    client, bridge = nbo(service, fails=lambda attempt: "cut" if attempt == 1 else None)
    result = client.tell(Event(customer_id="c02", type="login", occurred_at=AS_OF - timedelta(hours=1)))
    assert result.fate == "duplicate", "the first attempt was heard"
    assert len(bridge.requests) == 2


def test_an_event_that_fits_not_is_an_error_and_in_a_batch_a_result(service):
    client, _ = nbo(service)
    wrong = Event(customer_id="c02", type="logn")
    with pytest.raises(RequestUnfitError, match=r"'login' \(did you mean it\?\)"):
        client.tell(wrong)
    told = client.tell_all([wrong, Event(customer_id="c02", type="login", channel="app")])
    assert told.accepted == 1
    assert [result.event_id for result in told.refused] == [wrong.event_id]


def test_both_say_what_stands_behind_the_answers(service):
    client, bridge = nbo(service)

    async def asked():
        async with AsyncNboClient(URL, key=KEYS["read"], transport=AsyncBridge(bridge)) as other:
            return await other.ready()

    assert client.ready() == service.wait(asked())
    assert client.ready().bank == "small"


def test_the_awaited_client_does_the_same(service):
    _, bridge = nbo(service, fails=lambda attempt: "lost" if attempt == 1 else None)

    async def asked():
        async with AsyncNboClient(URL, key=KEYS["admin"], retries=SOON, transport=AsyncBridge(bridge)) as client:
            one, many = await asyncio.gather(client.decide(QUESTION), client.decide_all([QUESTION]))
            told = await client.tell_all([Event(customer_id="c04", type="login")])
            result = await client.tell(Event(customer_id="c04", type="login"))
            with pytest.raises(RequestUnfitError):
                await client.decide(replace(QUESTION, channel="ap"))
            return one, many, told, result

    one, many, told, result = service.wait(asked())
    assert one.customer_id == many[0].customer_id == "c05"
    assert (told.accepted, result.fate) == (1, "accepted")


def test_a_bearer_token_says_who_asks(service):
    claims = {"sub": "app", "aud": "nbo:small", "scope": "decide", "exp": 4_000_000_000}
    client, _ = nbo(service, token=jwt.encode(claims, JWT_KEY))
    assert client.decide(QUESTION).offers


def test_who_may_not_is_told_so_at_once(service):
    for key, kind in (("nbo_wrong", UnauthorisedError), (KEYS["listen"], NotAllowedError)):
        client, bridge = nbo(service, key=key)
        with pytest.raises(kind):
            client.decide(QUESTION)
        assert len(bridge.requests) == 1


def test_an_overloaded_service_is_asked_again_when_it_says(service):
    admission = service.app.state.admission
    most, admission._most_waiting = admission._most_waiting, 0

    def recovers(attempt):
        admission._most_waiting = most if attempt == 2 else 0

    try:
        client, bridge = nbo(service, retries=Retries(first_seconds=0.0, longest_seconds=2.0), fails=recovers)
        assert client.decide(QUESTION).offers
        assert len(bridge.requests) == 2
        admission._most_waiting = 0
        # it asks for a second, which is longer than this client would wait
        client, bridge = nbo(service)
        with pytest.raises(OverloadedError) as error:
            client.decide(QUESTION)
        assert error.value.retry_after_seconds == 1.0
        assert len(bridge.requests) == 1
    finally:
        admission._most_waiting = most


def test_a_service_that_is_away_is_an_error_that_names_the_failure(service):
    client, bridge = nbo(service, fails=lambda attempt: "lost")
    with pytest.raises(ServiceUnreachableError, match="ConnectError at attempt 4"):
        client.decide(QUESTION)
    assert len(bridge.requests) == 4


def test_an_address_that_is_none_is_not_tried_again():
    client = NboClient("nbo.bank.example", key="k", retries=SOON)
    with client, pytest.raises(ServiceUnreachableError, match="UnsupportedProtocol at attempt 1"):
        client.ready()


@pytest.mark.parametrize("who", [{}, {"key": "k", "token": "t"}])
def test_a_client_says_who_it_is_in_one_way(who):
    with pytest.raises(UsageError, match="an API key or a bearer token"):
        NboClient(URL, **who)


@pytest.mark.parametrize("count", [0, 501])
def test_a_batch_that_fits_not_is_not_sent(service, count):
    client, bridge = nbo(service)
    with pytest.raises(UsageError, match="1 to 500"):
        client.decide_all([QUESTION] * count)
    assert not bridge.requests


def test_what_stands_in_front_of_the_service_is_told_apart():
    page = httpx.MockTransport(lambda request: httpx.Response(200, html="<p>a login page</p>"))
    with NboClient(URL, key="k", transport=page) as client, pytest.raises(AnswerError, match="the answer is not JSON"):
        client.ready()


def test_a_decision_is_looked_at_explained_and_made_again(service):
    client, _ = nbo(service)
    decision = client.decide(QUESTION)
    client.tell(Event(customer_id="c05", type="login", decision_id=decision.decision_id))
    look = client.decision(decision.decision_id)
    assert (look.offer, look.as_of) == (decision.offers[0].offer, decision.as_of)
    explained = client.explanation(decision.decision_id)
    assert {candidate["offer"] for candidate in explained.candidates} >= {offer.offer for offer in decision.offers}
    assert client.replay(decision.decision_id).same
    with pytest.raises(UnknownError):
        client.decision("nosuchdecision")


def test_a_contact_that_is_not_made_is_withdrawn_once(service):
    client, bridge = nbo(service, fails=lambda attempt: "cut" if attempt == 2 else None)
    letter = client.decide(replace(QUESTION, customer_id="c11", channel="email"))
    assert letter.offers
    withdrawal = client.withdraw(letter.decision_id)
    assert len(bridge.requests) == 3, "the first attempt was heard"
    assert client.withdraw(letter.decision_id) == withdrawal
    assert client.decision(letter.decision_id).withdrawn_at == withdrawal.withdrawn_at
    with pytest.raises(NotPendingError) as error:
        client.withdraw(client.decide(QUESTION).decision_id)
    assert (error.value.status, error.value.kind) == (409, "not-pending")
    with pytest.raises(UnknownError):
        client.withdraw("nosuchdecision")


def test_what_the_bank_knows_and_what_its_models_say(service):
    client, _ = nbo(service)
    assert {offer["offer"] for offer in client.offers().offers} == {"savings_plus", "budget_check"}
    assert client.customer("c05").attributes["region"] == "south"
    scores = client.scores("c05", channel="app")
    assert scores.churn_probability is not None
    assert {one["channel"] for one in scores.propensities} == {"app"}


def test_consents_change_once_and_count(service):
    client, _ = nbo(service, fails=lambda attempt: "cut" if attempt == 1 else None)
    assert client.change_consents("c08", {"consent_email": False}).fate == "duplicate", "the first attempt was heard"
    assert client.customer("c08").attributes["consent_email"] in {False, "false"}


def test_a_customer_is_erased_with_a_receipt(service):
    client, _ = nbo(service)
    strange = "who? 100% #1"
    client.tell(Event(customer_id=strange, type="login"))
    assert client.customer(strange).customer_id == strange
    receipt = client.erase(strange)
    assert receipt.customer != strange
    assert receipt.erased["journal_events"] == 1
    with pytest.raises(UnknownError):
        client.customer(strange)


def test_the_awaited_client_looks_too(service):
    _, bridge = nbo(service)

    async def asked():
        async with AsyncNboClient(URL, key=KEYS["admin"], transport=AsyncBridge(bridge)) as client:
            decision = await client.decide(QUESTION)
            letter = await client.decide(replace(QUESTION, customer_id="c07", channel="email"))
            return (
                await client.withdraw(letter.decision_id),
                await client.decision(decision.decision_id),
                await client.explanation(decision.decision_id),
                await client.replay(decision.decision_id),
                await client.offers(),
                await client.scores("c05"),
                await client.customer("c05"),
                await client.change_consents("c04", {"consent_email": True}),
                await client.erase("c10"),
            )

    withdrawal, look, explained, again, catalogue, scores, customer, changed, receipt = service.wait(asked())
    assert withdrawal.withdrawn_at > AS_OF
    assert look.decision_id == explained.decision_id == again.decision_id
    assert (catalogue.bank, scores.customer_id, customer.customer_id) == ("small", "c05", "c05")
    assert (changed.fate, receipt.erased["decisions"]) == ("accepted", 0)


@pytest.mark.parametrize("wrong", ["", ".", ".."])
def test_an_id_that_would_be_another_path_is_not_sent(service, wrong):
    client, bridge = nbo(service)
    with pytest.raises(UsageError, match="this is not an id"):
        client.erase(wrong)
    assert not bridge.requests
