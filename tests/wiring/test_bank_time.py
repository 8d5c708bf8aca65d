"""A bank's time: shared by all of its services, and that of its simulated life."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.errors import DataError, StateError
from domain.event import Event
from events.schema import table_of
from pipelines.importing import flush_journal
from records.erasures import note_erasure
from records.event_rows import microseconds
from records.ingestion import EventStatus
from records.newest import newest_kept
from records.schema import ANSWERS
from tests.pipelines.small_bank import DEMO, SmallBank
from tests.records.build import accept, told
from tests.wiring.past import live_through
from tests.wiring.served import served
from wiring.bank_time import ServedTime, TimeOrigin, bank_now, last_moment, served_now, serving_time
from wiring.components import Components, reload_components

NEWS = datetime(2025, 7, 1, 22, 30, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NBO_HOME", str(tmp_path / "home"))
    return Path(shutil.copytree(DEMO, tmp_path / "bank"))


@pytest.fixture
def simulated(folder: Path) -> Iterator[Components]:
    """A simulated bank whose log ends with one event."""
    components = reload_components(folder)
    login = Event(event_id="e1", customer_id="c1", type="app_login", occurred_at=NEWS, available_at=NEWS)
    components.log.append(table_of([login]))
    yield components
    components.database.close()


@pytest.fixture
def real(folder: Path) -> Iterator[Components]:
    (folder / "simulation.yaml").unlink()
    components = reload_components(folder)
    yield components
    components.database.close()


def served_time(components: Components, as_of: datetime | None = None) -> ServedTime:
    """Return the time of a service that starts and stops."""
    with serving_time(components, as_of) as time:
        return time


def stood_at(moment: datetime, components: Components, as_of: datetime | None = None) -> bool:
    """Return whether a service's clock starts at a moment."""
    before = datetime.now(UTC)
    time = served_time(components, as_of)
    return before + time.ahead <= moment <= datetime.now(UTC) + time.ahead


def test_a_simulated_bank_is_served_as_of_the_moment_after_its_latest_news(simulated: Components) -> None:
    assert stood_at(NEWS + MOMENT, simulated)
    assert served_time(simulated).origin is TimeOrigin.LAST_MOMENT


def test_a_simulated_bank_goes_on_where_its_last_service_ended(simulated: Components) -> None:
    later = NEWS + timedelta(hours=2)
    accept(simulated.database, told("e2", "c2", at=later))
    assert stood_at(later + MOMENT, simulated)


def test_a_bank_that_is_not_simulated_yet_is_served_as_of_the_end_of_its_life(folder: Path) -> None:
    components = reload_components(folder)
    assert stood_at(datetime(2026, 6, 25, tzinfo=components.bank.time_zone), components)
    components.database.close()


def test_a_real_bank_is_served_in_real_time(real: Components) -> None:
    assert served_time(real) == ServedTime(timedelta(0), TimeOrigin.MACHINE)


def test_a_moment_that_is_asked_for_is_taken(simulated: Components, real: Components) -> None:
    for parts in (simulated, real):
        assert stood_at(NEWS - timedelta(days=9), parts, NEWS - timedelta(days=9))


def test_a_clock_never_goes_back_behind_what_is_kept(simulated: Components) -> None:
    later = NEWS + timedelta(hours=2)
    accept(simulated.database, told("e2", "c2", at=later))
    assert stood_at(later + MOMENT, simulated, NEWS)
    assert served_time(simulated, NEWS).origin is TimeOrigin.KEPT
    assert served_time(simulated, later + MOMENT).origin is TimeOrigin.ASKED


def test_a_clock_never_goes_back_behind_a_flush_or_an_erasure(simulated: Components) -> None:
    accept(simulated.database, told("e2", "c2", at=NEWS))
    flushed = NEWS + timedelta(minutes=20)
    flush_journal(simulated, flushed)
    assert stood_at(flushed + MOMENT, simulated, NEWS)
    assert stood_at(flushed + MOMENT, simulated)
    [accepted] = accept(simulated.database, told("e3", "c2", at=flushed + MOMENT))
    assert accepted is EventStatus.ACCEPTED
    assert newest_kept(simulated.database) == flushed + MOMENT
    erased = NEWS + timedelta(minutes=40)
    with simulated.database.transaction() as connection:
        note_erasure(connection, simulated.database, "c2", microseconds(erased))
    assert stood_at(erased + MOMENT, simulated, NEWS)
    assert stood_at(erased + MOMENT, simulated)


def test_services_that_run_at_once_tell_the_same_time_and_the_first_after_them_begins_anew(
    simulated: Components,
) -> None:
    with ExitStack() as stack:
        with serving_time(simulated, None) as first:
            second = stack.enter_context(serving_time(simulated, None))
            assert second == ServedTime(first.ahead, TimeOrigin.SHARED)
        # the first has ended, the second goes on
        assert served_time(simulated) == second
        before = datetime.now(UTC)
        now = served_now(simulated)
        assert now is not None
        assert before + first.ahead <= now <= datetime.now(UTC) + first.ahead
        assert before + first.ahead <= bank_now(simulated)
    assert served_now(simulated) is None
    assert served_time(simulated).origin is TimeOrigin.LAST_MOMENT


def test_services_at_two_times_are_refused(simulated: Components, real: Components) -> None:
    with serving_time(simulated, NEWS) as time:
        assert served_time(simulated, NEWS) == ServedTime(time.ahead, TimeOrigin.SHARED)
        assert served_time(reload_components(DEMO)).origin is TimeOrigin.SHARED
        with pytest.raises(StateError, match="got --as-of 2025-07-02T22:30:00, expected the time of the running"):
            served_time(simulated, NEWS + timedelta(days=1))
        with pytest.raises(StateError, match=r"got the machine's, expected .* --as-of 2025-07-01T22:30:00"):
            served_time(real)
    with serving_time(real, None):
        assert served_time(real).ahead == timedelta(0)
        with pytest.raises(StateError, match="expected the time of the running services: no --as-of"):
            served_time(real, NEWS)


def test_a_time_that_cannot_be_read_is_told_with_the_remedy(simulated: Components) -> None:
    with serving_time(simulated, None):
        (simulated.places.clock / "time.json").write_text("{")
        for ask in (served_now, bank_now, served_time):
            with pytest.raises(StateError, match="stop them, then start them again"):
                ask(simulated)
    assert served_time(simulated).origin is TimeOrigin.LAST_MOMENT


def test_now_is_the_banks_last_moment_or_real_time_where_nobody_serves_it(simulated: Components, folder: Path) -> None:
    assert bank_now(simulated) == last_moment(simulated) == NEWS + MOMENT
    (folder / "simulation.yaml").unlink()
    before = datetime.now(UTC)
    assert before <= bank_now(reload_components(folder)) <= datetime.now(UTC)


def test_a_bank_without_news_has_no_last_moment(real: Components) -> None:
    with pytest.raises(DataError, match="is empty"):
        last_moment(real)


def test_answers_of_a_simulated_banks_service_are_kept_as_long_as_others(simulated: Components) -> None:
    row = {"request_id": "r", "content": "", "answer": b"", "answered_at": int(NEWS.timestamp()) * 1_000_000}
    with simulated.database.transaction() as connection:
        connection.execute(ANSWERS.insert(), row)
    flush_journal(simulated, bank_now(simulated))
    with simulated.database.reading() as connection:
        assert connection.execute(ANSWERS.select()).all()


@contextmanager
def service(components: Components, as_of: datetime | None = None) -> Iterator[httpx.Client]:
    """Start a service as `nbo serve` does."""
    with serving_time(components, as_of) as time, served(components, time.now()) as client:
        yield client


def decided(client: httpx.Client, customer: str, channel: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/decisions", json={"customer_id": customer, "channel": channel, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Components]:
    bank = SmallBank.write(tmp_path_factory.mktemp("bank"), customers=40, months=3, name="lived")
    with pytest.MonkeyPatch.context() as monkeypatch:
        bank.use(monkeypatch)
        components = bank.parts
        live_through(components)
        yield components
        components.database.close()


def test_the_first_answers_of_a_simulated_banks_service_offer_something(lived: Components) -> None:
    end = lived.latest()
    with service(lived) as client:
        answers = [decided(client, f"C{number:06d}", "app", dry_run=True) for number in range(1, 41)]
        login = {"event_id": "e1", "customer_id": "C000001", "type": "app_login"}
        refused = client.post("/v1/events", json={**login, "occurred_at": datetime.now(UTC).isoformat()}).json()
    assert all(end <= datetime.fromisoformat(answer["as_of"]) < end + timedelta(hours=1) for answer in answers)
    # there is no model here, and what needs no score is not for everybody; in real time everybody would be lost
    assert any(answer["offers"] for answer in answers)
    assert sum(answer["stage"] == "lost" for answer in answers) < 10
    assert refused["expected"].endswith("which is now for this service")
    assert refused["remedy"].startswith("leave the time out for events that happen now: ")


def test_what_a_service_kept_holds_for_the_next_one_whatever_time_it_asks_for(lived: Components) -> None:
    noon = lived.midnight(lived.latest()) + timedelta(hours=12)
    with service(lived, noon) as client:
        names = (f"C{number:06d}" for number in range(1, 41))
        one = next(name for name in names if decided(client, name, "email", dry_run=True)["offers"])
        other = next(name for name in names if decided(client, name, "email", dry_run=True)["offers"])
        contact = decided(client, one, "email")
        consent = {"consents": {"consent_email": True}}
        assert client.put(f"/v1/customers/{other}/consents", json=consent).is_success
    # restarted by the same command, and one whose clock is behind: what is from its future it cannot weigh, and refuses
    with service(lived, noon) as again, served(lived, noon - timedelta(hours=3)) as behind:
        for client in (again, behind):
            answer = decided(client, one, "email", dry_run=True)
            assert answer["offers"] == []
            if client is again:
                assert datetime.fromisoformat(answer["as_of"]) > datetime.fromisoformat(contact["as_of"])
            else:
                assert "features_unreadable" in answer["degraded"]
            assert client.put(f"/v1/customers/{other}/consents", json={"consents": {"consent_email": False}}).is_success
            assert decided(client, other, "email", dry_run=True)["offers"] == []
            assert client.put(f"/v1/customers/{other}/consents", json=consent).is_success
