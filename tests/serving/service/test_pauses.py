"""The stop button, on the small bank's real database, outbox, policy and service."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.errors import DataError, NotFoundError
from domain.pause import PauseScope
from records.database import Database
from records.pauses import pauses_in_force
from records.schema import AUDIT
from serving.delivery.files import ContactFile
from serving.delivery.states import State
from serving.service.engine_reload import EngineReloader
from serving.service.pauses import PauseService
from tests.records.build import empty_postgresql
from tests.serving.api.build import small_client, small_service, with_policy
from tests.serving.build import AS_OF, POLICY, small_bank
from tests.serving.delivery.build import BANK, LATE, NOW, Post, webhook
from tests.serving.delivery.receiver import receiving
from tests.serving.service.test_engine_reload import Source

WORDS = {"reason": "wrong rate in the letter", "by": "A. Jansen", "caller": "tests"}
UNTIL = NOW + timedelta(hours=6)
OUTBOUND = with_policy(small_bank(), outbound={"email": 9})


@pytest.fixture(params=["sqlite", "postgresql"])
def post(request, tmp_path):
    server = None if request.param == "sqlite" else request.getfixturevalue("postgresql_server")
    post = Post(tmp_path, None if server is None else empty_postgresql(server))
    yield post
    post.database.close()


def button(post, now=NOW):
    return PauseService(post.database, lambda: now, lambda: BANK)


def paused(post, scope=PauseScope.CHANNEL, name="email", until=UNTIL, now=NOW):
    """Pause, and read it as a delivery does that starts now."""
    result = button(post, now).pause(scope, name, until=until, **WORDS)
    follow(post, now)
    return result


def follow(post, now):
    decider = post.permission.decider.paused_by(pauses_in_force(post.database, now))
    post.permission = replace(post.permission, decider=decider)


@pytest.mark.parametrize(
    ("scope", "name"),
    [(PauseScope.CHANNEL, "email"), (PauseScope.OFFER, "savings_plus"), (PauseScope.OUTBOUND, "")],
)
def test_what_waits_is_not_handed_over_while_a_pause_lasts_and_goes_out_after_it(post, tmp_path, scope, name):
    post.gather("c02", "c04")
    result = paused(post, scope, name)
    assert (result.caught, result.left) == (2, 0)
    assert button(post).held() == (result,)
    target = ContactFile(post.outbox, tmp_path / "drop", "csv")
    report = post.deliver(target)
    assert (report.delivered, report.postponed) == (0, 2)
    assert [reason.startswith("failed paused_") for reason in report.reasons] == [True]
    assert not (tmp_path / "drop").exists()
    button(post).resume(scope, name, by="A. Jansen", caller="tests")
    later = NOW + timedelta(hours=1)
    follow(post, later)
    assert post.deliver(target, later).delivered == 2


def test_a_pause_ends_by_itself(post, tmp_path):
    post.gather("c02")
    paused(post, until=NOW + timedelta(hours=1))
    target = ContactFile(post.outbox, tmp_path, "csv")
    assert post.deliver(target).delivered == 0
    later = NOW + timedelta(hours=1)
    follow(post, later)
    assert post.deliver(target, later).delivered == 1


def test_a_delivery_that_allowed_a_contact_before_the_pause_does_not_hand_it_over_after_it(post):
    post.gather("c02", "c04")
    taken = post.outbox.take("email", NOW, 10, timedelta(minutes=10))
    button(post).pause(PauseScope.CHANNEL, "email", until=UNTIL, **WORDS)
    assert post.outbox.begin(taken, NOW) == []
    assert post.states() == {State.WAITING: 2}


def test_a_contact_that_failed_once_is_not_tried_again_while_a_pause_lasts(post):
    with receiving(script=[503]) as receiver:
        post.gather("c02")
        target = webhook(receiver)
        assert post.deliver(target).failed == 1
        later = NOW + timedelta(minutes=10)
        paused(post, now=later)
        assert post.deliver(target, later).postponed == 1
        assert len(receiver.requests) == 1


def test_it_is_told_how_many_had_left_and_files_withdraw_them(post, tmp_path):
    target = ContactFile(post.outbox, tmp_path, "csv")
    post.gather("c02", "c04")
    post.deliver(target)
    post.gather("c07", run="later", at=NOW + timedelta(hours=2))
    result = paused(post, now=NOW + timedelta(minutes=5))
    assert (result.caught, result.left) == (1, 2)
    report = post.deliver(target, NOW + timedelta(minutes=20))
    assert (report.withdrawn, report.delivered) == (2, 0)
    assert (tmp_path / "email-2026-03-02.withdrawn").read_text().split() == ["run-c02", "run-c04"]


def test_contacts_that_a_pause_holds_beyond_their_time_expire_and_are_refunded(post, tmp_path):
    post.charge("c02")
    post.gather("c02")
    paused(post, until=NOW + timedelta(days=7))
    late = NOW + LATE + timedelta(hours=1)
    report = post.deliver(ContactFile(post.outbox, tmp_path, "csv"), late)
    assert (report.expired, post.states(), post.letters_spent()) == (1, {State.EXPIRED: 1}, 0.0)


def test_service_offers_are_paused_only_by_name(tmp_path):
    bank = with_policy(small_bank(), outbound={"email": 9, "app": 9}, without_consent={"app": "the customer's own"})
    service = small_service(tmp_path, bank=bank)
    try:
        assert stopped(service) == set()
        service.pauses.pause(PauseScope.OUTBOUND, "", until=UNTIL, **WORDS)
        assert stopped(service) == {("savings_plus", "app"), ("savings_plus", "email")}
        service.pauses.pause(PauseScope.CHANNEL, "app", until=UNTIL, **WORDS)
        service.pauses.pause(PauseScope.OFFER, "budget_check", until=UNTIL, **WORDS)
        assert stopped(service) == {("savings_plus", "app"), ("savings_plus", "email"), ("budget_check", "app")}
    finally:
        service.close()


def stopped(service):
    """Offers and channels that no customer passes."""
    service.read_pauses()
    policy = service.engine.decider.policy
    columns = [column for rule in policy.rules if rule.kind == "pause" for column in rule.parts[0].columns.tolist()]
    pairs = [policy.candidates.pairs[column] for column in columns]
    return {(offer.name, treatment.channel) for offer, treatment in pairs}


def test_every_replica_follows_and_the_policy_is_as_before_when_it_ends(tmp_path):
    first = small_service(tmp_path)
    second = small_service(tmp_path)
    source = Source(second)
    reloader = EngineReloader(source, second.swap, second.clock, seconds=60, read_pauses=second.read_pauses)
    try:
        before = second.engine.decider.versions
        first.pauses.pause(PauseScope.OFFER, "savings_plus", until=UNTIL, **WORDS)
        # even if what the folder holds now cannot be used
        source.offer(DataError("the policy has problems"))
        reloader.look()
        assert reloader.refused == 1
        assert [pause.name for pause in second.engine.bank.pauses] == ["savings_plus"]
        assert second.engine.decider.versions["policy"] != before["policy"]
        source.offer(first.engine)
        assert reloader.look()
        assert [pause.name for pause in second.engine.bank.pauses] == ["savings_plus"], "a reload keeps it"
        first.pauses.resume(PauseScope.OFFER, "savings_plus", by="A. Jansen", caller="tests")
        reloader.look()
        assert second.engine.decider.versions == before
    finally:
        first.close()
        second.close()


def test_a_restarted_service_keeps_a_pause_with_its_end(tmp_path):
    service = small_service(tmp_path)
    service.pauses.pause(PauseScope.CHANNEL, "email", until=UNTIL, **WORDS)
    service.close()
    again = small_service(tmp_path)
    try:
        [pause] = again.engine.bank.pauses
        assert (pause.target, pause.until, pause.by) == ("channel email", UNTIL, "A. Jansen")
        assert again.engine.without_models.bank.pauses == (pause,), "also when a model fails"
    finally:
        again.close()
    late = small_service(tmp_path, start=UNTIL)
    try:
        assert late.engine.bank.pauses == ()
    finally:
        late.close()


def test_decisions_say_why_an_offer_is_not_made(tmp_path):
    with small_client(tmp_path) as client:
        body = {"scope": "offer", "name": "savings_plus", "reason": "wrong rate", "by": "A. Jansen"}
        assert client.post("/v1/pauses", json={**body, "until": UNTIL.isoformat()}).status_code == 200
        answer = client.post("/v1/decisions", json={"customer_id": "c05", "channel": "app"}).json()
        assert [offer["offer"] for offer in answer["offers"]] == ["budget_check"]
        explained = client.get(f"/v1/decisions/{answer['decision_id']}/explanation").json()
        [savings] = [one for one in explained["candidates"] if one["offer"] == "savings_plus"]
        failed = [one for one in savings["verdicts"] if not one["passed"]]
        assert failed[0]["rule"] == "paused_offer_savings_plus"
        assert failed[0]["reason"].endswith("wrong rate")
        assert "Jansen" not in failed[0]["reason"]


def test_the_api_pauses_shows_and_resumes(tmp_path):
    with small_client(tmp_path, bank=OUTBOUND) as client:
        body = {"scope": "outbound", "reason": "core system down", "by": "A. Jansen"}
        done = client.post("/v1/pauses", json={**body, "until": UNTIL.isoformat()})
        assert (done.status_code, done.json()["caught"], done.json()["left"]) == (200, 0, 0)
        assert client.get("/readyz").json()["paused"] == ["all outbound"]
        [shown] = client.get("/v1/pauses").json()["pauses"]
        assert (shown["scope"], shown["name"], shown["by"]) == ("outbound", "", "A. Jansen")
        again = client.post("/v1/pauses/resume", json={"scope": "outbound", "by": "B. Smit"})
        assert again.json() == {"pauses": []}
        assert client.get("/readyz").json()["paused"] == []
        missing = client.post("/v1/pauses/resume", json={"scope": "outbound", "by": "B. Smit"})
        assert missing.status_code == 404


@pytest.mark.parametrize("scope", ["decide", "listen", "read"])
def test_only_administrators_press_the_button(tmp_path, scope):
    with small_client(tmp_path, scope) as client:
        body = {"scope": "outbound", "reason": "core system down", "by": "A", "until": UNTIL.isoformat()}
        assert client.post("/v1/pauses", json=body).status_code == 403
        assert client.post("/v1/pauses/resume", json={"scope": "outbound", "by": "A"}).status_code == 403


def test_everything_is_in_the_audit(post):
    paused(post)
    button(post).resume(PauseScope.CHANNEL, "email", by="B. Smit", caller="desk")
    with post.database.reading() as connection:
        lines = connection.execute(select(AUDIT.c.act, AUDIT.c.caller, AUDIT.c.detail)).all()
    assert [(act, caller) for act, caller, _ in lines] == [("pause", "tests"), ("resume", "desk")]
    assert "by A. Jansen: wrong rate in the letter" in lines[0].detail
    assert lines[1].detail == "channel email by B. Smit"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"name": "emial"}, "no such channel"),
        ({"scope": PauseScope.OUTBOUND}, "has no name"),
        ({"scope": PauseScope.OFFER, "name": ""}, "no such offer"),
        ({"reason": "  "}, "needs a reason"),
        ({"by": ""}, "needs a person"),
        ({"until": NOW}, "over already"),
    ],
)
def test_a_pause_that_makes_no_sense_is_refused(post, change, what):
    asked = {"scope": PauseScope.CHANNEL, "name": "email", "until": UNTIL, **WORDS, **change}
    with pytest.raises(DataError, match=what):
        button(post).pause(asked.pop("scope"), asked.pop("name"), **asked)
    assert button(post).in_force() == ()


def test_what_is_not_paused_cannot_be_resumed(post):
    with pytest.raises(NotFoundError):
        button(post).resume(PauseScope.CHANNEL, "email", by="A", caller="tests")


def test_a_database_of_a_former_version_gets_the_table(tmp_path):
    url = f"sqlite:///{tmp_path / 'decisions.db'}"
    former = Database(url)
    with former.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE pauses")
    former.close()
    note = tmp_path / "decisions.db.tables"
    note.write_text("".join(f"{name}\n" for name in note.read_text().split() if name != "pauses"))
    opened = Database(url)
    try:
        assert pauses_in_force(opened, AS_OF) == ()
    finally:
        opened.close()


def test_the_digest_of_a_policy_without_pauses_is_that_of_the_folder(post):
    decider = post.permission.decider
    assert decider.paused_by(()) is decider
    assert decider.bank.policy == replace(POLICY, outbound={"email": 9})
