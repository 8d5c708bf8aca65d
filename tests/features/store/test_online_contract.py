"""The contract of online stores, checked with SQLite, a real Redis and a real PostgreSQL."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
import redis
from psycopg import sql

from config.stores import OnlineStore
from domain.errors import StateError
from features.calendar import Calendar
from features.state import States
from features.store import online as online_module
from features.store.definitions import STATE_VIEW
from features.store.online import OnlineStates, Written
from features.store.packing import pack
from features.store.repository import FeatureRepository
from tests.features.store.build import catalogue
from tests.ports import free_port
from tests.servers import PASSWORD, PASSWORD_IN_URL, PostgreSQL, Redis

AMSTERDAM = Calendar(ZoneInfo("Europe/Amsterdam"))
NIGHT = datetime(2026, 3, 2, 1, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOMORROW = datetime(2026, 3, 3, 12, tzinfo=UTC)
MONDAY = int(np.datetime64("2026-03-01T23:00", "us").astype(np.int64))
DAY = 86_400_000_000
LARGEST = 2**63 - 1
BANKS = (f"bank{number}" for number in count())
SERVERS = ("redis", "postgresql")


@dataclass
class Place:
    """An online store for one test, which can open it as often as it likes."""

    folder: Path
    url: str
    server: Redis | PostgreSQL | None
    bank: str = field(default_factory=lambda: next(BANKS))
    opened: list[FeatureRepository] = field(default_factory=list)

    def repository(self, url: str | None = None) -> FeatureRepository:
        settings = OnlineStore.read(url or self.url).feast_settings()
        parts = self.folder / "parts"
        self.opened.append(FeatureRepository(self.bank, self.folder / "feast", parts, online_store=settings))
        return self.opened[-1]

    def online(self, layout: str = "a1", url: str | None = None) -> OnlineStates:
        repository = self.repository(url)
        repository.apply(catalogue(), {})
        return OnlineStates(repository, AMSTERDAM, layout)

    def on_port(self, port: int) -> str:
        assert self.server is not None
        return self.url.replace(f":{self.server.port}", f":{port}")

    def knows(self, name: str) -> bool:
        """Tell whether a customer's id is anywhere in the store, checked without Feast."""
        match self.server:
            case Redis():
                with closing(redis.Redis(port=self.server.port, password=PASSWORD)) as client:
                    return bool(client.keys(f"*{name}*"))
            case PostgreSQL():
                query = sql.SQL("SELECT count(*) FROM {} WHERE position(%s in entity_key) > 0")
                with psycopg.connect(self.server.url()) as connection:
                    table = sql.Identifier(f"{self.bank}_{STATE_VIEW}")
                    [count] = connection.execute(query.format(table), (name.encode(),)).fetchone() or [0]
                return bool(count)
            case None:
                files = (self.folder / "feast").glob("online.db*")
                return any(name.encode() in file.read_bytes() for file in files)

    def close(self) -> None:
        for repository in self.opened:
            repository.close()


def place_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    server: Any = None
    url = kind
    if kind == "redis":
        server = request.getfixturevalue("redis_server")
        url = server.url
    elif kind == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        url = server.url()
    place = Place(folder, url, server)
    yield place
    place.close()
    if server is not None and not server.running():
        server.start()


@pytest.fixture(params=["sqlite", *SERVERS])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    yield from place_of(request.param, tmp_path, request)


@pytest.fixture(params=SERVERS)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    yield from place_of(request.param, tmp_path, request)


@pytest.fixture
def online(place: Place) -> OnlineStates:
    return place.online()


def states(customer_ids: Sequence[str], *slots: Sequence[int], midnight: int = MONDAY, layout: str = "a1") -> States:
    return States(np.array(customer_ids, dtype=object), np.array(slots, dtype=np.int64), midnight, layout)


def numbered(customers: int, *, midnight: int = MONDAY, plus: int = 0) -> States:
    slots = np.arange(customers)[:, np.newaxis] * 3 + np.arange(90) + plus
    return States(np.array([f"c{number}" for number in range(customers)], dtype=object), slots, midnight, "a1")


def slots_of(online: OnlineStates, customer: str, now: datetime = NOON) -> list[int]:
    [slots] = online.read([customer], now).states.matrix.tolist()
    return list(slots)


def test_what_is_written_comes_back_to_the_bit_in_the_order_asked(online: OnlineStates) -> None:
    online.materialise(states(["c1", "c2", "c3"], [1, -(2**63)], [2, -LARGEST], [0, LARGEST]), NIGHT)
    read = online.read(["c3", "c1", "c2", "c3"], NOON)
    assert list(read.states.customer_ids) == ["c3", "c1", "c2"]
    assert read.states.matrix.tolist() == [[0, LARGEST], [1, -(2**63)], [2, -LARGEST]]
    assert (read.missing, read.stale) == ((), ())


def test_unknown_customers_are_missing(online: OnlineStates) -> None:
    assert online.read(["c1"], NOON).missing == ("c1",)
    online.materialise(states(["c1"], [1]), NIGHT)
    read = online.read(["c9", "c1", "0", ""], NOON)
    assert (read.missing, list(read.states.customer_ids)) == (("c9", "0", ""), ["c1"])


def test_a_state_of_another_midnight_is_stale(online: OnlineStates) -> None:
    online.materialise(states(["now"], [1]), NIGHT)
    assert online.read(["now"], TOMORROW).stale == ("now",)
    assert len(online.read(["now"], TOMORROW).states) == 0


def test_a_later_midnight_replaces_and_an_earlier_one_never_does(online: OnlineStates) -> None:
    online.materialise(states(["c1", "c2"], [5], [5]), NIGHT)
    assert online.materialise(states(["c1"], [6], midnight=MONDAY + DAY), NOON) == Written(written=1, kept=0)
    assert slots_of(online, "c1", TOMORROW) == [6]
    again = online.materialise(states(["c1", "c2", "c3"], [7], [7], [7]), TOMORROW)
    assert again == Written(written=2, kept=1)
    assert slots_of(online, "c1", TOMORROW) == [6]
    assert [slots_of(online, customer) for customer in ("c2", "c3")] == [[7], [7]]


def test_an_earlier_midnight_never_replaces_for_another_writer_either(place: Place) -> None:
    place.online().materialise(states(["c1"], [5]), NIGHT)
    other = place.online()
    assert other.materialise(states(["c1"], [4], midnight=MONDAY - DAY), NOON) == Written(written=0, kept=1)
    assert slots_of(other, "c1") == [5]


@pytest.mark.parametrize("written_at", [NOON, NIGHT, datetime(2026, 3, 2, tzinfo=UTC)])
def test_a_correction_of_the_same_midnight_replaces_whatever_the_clock_says(
    online: OnlineStates, written_at: datetime
) -> None:
    online.materialise(states(["c1"], [5]), NIGHT)
    assert online.materialise(states(["c1"], [6]), written_at) == Written(written=1, kept=0)
    assert slots_of(online, "c1") == [6]


def test_another_layout_refuses_to_read_and_replaces_what_it_cannot_read(place: Place) -> None:
    place.online("old").materialise(states(["c1"], [1], layout="old", midnight=MONDAY + DAY), NIGHT)
    new = place.online("a1")
    with pytest.raises(StateError, match=r"got old, expected a1.*build the online state again"):
        new.read(["c1"], NOON)
    new.materialise(states(["c1"], [2]), NOON)
    assert slots_of(new, "c1") == [2]


def test_5001_customers_go_in_batches(online: OnlineStates) -> None:
    many = numbered(5_001)
    assert online.materialise(many, NIGHT) == Written(written=5_001, kept=0)
    read = online.read(list(many.customer_ids), NOON)
    np.testing.assert_array_equal(read.states.matrix, many.matrix)
    earlier = numbered(5_001, midnight=MONDAY - DAY, plus=1)
    assert online.materialise(earlier, NOON) == Written(written=0, kept=5_001)


def test_customers_with_odd_names_are_told_apart(online: OnlineStates) -> None:
    names = [
        "Zoë",
        "Zoe\u0308",
        "c:1",
        "c",
        "o'neil",
        'o"neil',
        "c 1",
        " c",
        "%_?*",
        "\\",
        "\n",
        "🏦",
        "x" * 200,
        "x" * 201,
    ]
    online.materialise(states(names, *([number] for number in range(len(names)))), NIGHT)
    read = online.read(names[::-1], NOON)
    assert list(read.states.customer_ids) == names[::-1]
    assert read.states.matrix.ravel().tolist() == list(range(len(names)))[::-1]


def test_of_who_is_forgotten_nothing_is_left_in_the_store(place: Place) -> None:
    online = place.online()
    online.materialise(states(["somebody", "c2"], [1], [2]), NIGHT)
    assert place.knows("somebody")
    assert online.forget(["somebody", "nobody"]) == 1
    assert not place.knows("somebody")
    assert online.read(["somebody"], NOON).missing == ("somebody",)
    assert online.forget(["somebody"]) == 0
    assert slots_of(online, "c2") == [2]


def test_banks_in_one_store_do_not_see_each_other(place: Place, tmp_path: Path) -> None:
    other = Place(tmp_path / "other", place.url, place.server)
    place.online().materialise(states(["c1"], [1]), NIGHT)
    try:
        assert other.online().read(["c1"], NOON).missing == ("c1",)
    finally:
        other.close()


def test_another_process_reads_what_was_written(place: Place) -> None:
    place.online().materialise(states(["c1"], [1]), NIGHT)
    reader = place.online()
    reader.warm_up()
    assert slots_of(reader, "c1") == [1]


def test_a_store_that_was_closed_is_opened_by_the_next_use(place: Place) -> None:
    online = place.online()
    online.materialise(states(["c1"], [1]), NIGHT)
    place.opened[-1].close()
    assert slots_of(online, "c1") == [1]
    place.opened[-1].close()
    place.opened[-1].close()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_reader_goes_on_after_the_server_was_started_again(served: Place, end: str) -> None:
    online = served.online()
    online.materialise(states(["c1"], [5]), NIGHT)
    assert served.server is not None
    getattr(served.server, end)()
    served.server.start()
    assert slots_of(online, "c1") == [5]
    assert online.materialise(states(["c1"], [6]), NOON) == Written(written=1, kept=0)
    assert slots_of(online, "c1") == [6]


def test_a_server_that_is_not_there_is_a_clear_error_and_comes_back(served: Place) -> None:
    online = served.online()
    online.materialise(states(["c1"], [5]), NIGHT)
    assert served.server is not None
    served.server.stop()
    for _ in range(2):
        with pytest.raises(StateError, match=r"the online store does not answer.*NBO_ONLINE_STORE"):
            online.read(["c1"], NOON)
        with pytest.raises(StateError, match="the online store does not answer"):
            online.materialise(states(["c1"], [6]), NOON)
    served.server.start()
    assert slots_of(online, "c1") == [5]


def test_nothing_listens_where_the_settings_point_to(served: Place) -> None:
    served.online()
    with pytest.raises(StateError, match="the online store does not answer"):
        served.online(url=served.on_port(free_port())).read(["c1"], NOON)


def test_a_server_that_never_answers_is_given_up(served: Place) -> None:
    served.online()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = served.on_port(silent.getsockname()[1])
        url += ("&" if "?" in url else "?") + ("socket_timeout=1" if url.startswith("redis") else "connect_timeout=1")
        with pytest.raises(StateError, match="the online store does not answer"):
            served.online(url=url).read(["c1"], NOON)


def test_a_server_that_dies_in_the_middle_leaves_whole_states_and_the_next_write_mends(
    served: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(online_module, "CUSTOMERS_PER_BATCH", 10)
    online = served.online()
    yesterday, today = numbered(30, midnight=MONDAY - DAY), numbered(30, plus=1)
    online.materialise(yesterday, NIGHT)
    monkeypatch.setattr(online_module, "pack", dying_before(3, served.server))
    with pytest.raises(StateError, match="the online store does not answer"):
        online.materialise(today, NIGHT)
    monkeypatch.setattr(online_module, "pack", pack)
    assert served.server is not None
    served.server.start()
    read = online.read(list(today.customer_ids), NOON)
    np.testing.assert_array_equal(read.states.matrix, today.matrix[:10])
    assert (read.missing, read.stale) == ((), tuple(today.customer_ids[10:]))
    assert online.materialise(today, NOON) == Written(written=30, kept=0)
    np.testing.assert_array_equal(online.read(list(today.customer_ids), NOON).states.matrix, today.matrix)


def dying_before(write: int, server: Redis | PostgreSQL | None) -> Callable[..., list[bytes]]:
    """Pack as usual, but stop the server before the n-th write; the first write is the store's latest midnight."""
    writes = count(1)

    def packed(*args: Any) -> list[bytes]:
        if next(writes) == write:
            assert server is not None
            server.kill()
        return pack(*args)

    return packed


def test_a_wrong_password_is_a_clear_error_that_does_not_tell_it(served: Place) -> None:
    served.online()
    with pytest.raises(StateError, match="the online store does not answer or refuses the request") as refused:
        served.online(url=served.url.replace(PASSWORD_IN_URL, "wr0ng-Pa55")).read(["c1"], NOON)
    assert "wr0ng" not in str(refused.value)
    assert "wr0ng" not in repr(OnlineStore.read(served.url.replace(PASSWORD_IN_URL, "wr0ng-Pa55")))


def test_postgresql_finds_a_password_that_the_settings_do_not_have(
    tmp_path: Path, postgresql_server: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, postgresql_server.url().replace(f":{PASSWORD_IN_URL}@", "@"), postgresql_server)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    try:
        assert place.online().read(["c1"], NOON).missing == ("c1",)
    finally:
        place.close()


def test_a_database_in_another_encoding_is_refused_with_the_statement_that_makes_a_right_one(
    tmp_path: Path, postgresql_server: PostgreSQL
) -> None:
    postgresql_server.add_database("states_in_ascii", "SQL_ASCII")
    place = Place(tmp_path, postgresql_server.url("states_in_ascii"), postgresql_server)
    with pytest.raises(
        StateError, match=r"NBO_ONLINE_STORE .* got SQL_ASCII in 'states_in_ascii', expected UTF8"
    ) as no:
        place.online()
    assert no.value.remedy is not None
    postgresql_server.make_anew("states_in_ascii", no.value.remedy)
    try:
        assert place.online().read(["c1"], NOON).missing == ("c1",)
    finally:
        place.close()


def test_passwords_are_not_on_disk(served: Place) -> None:
    served.online().materialise(states(["c1"], [1]), NIGHT)
    for path in served.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert PASSWORD.encode() not in content
            assert PASSWORD_IN_URL.encode() not in content


def test_a_bank_moves_to_another_store_by_settings_alone(served: Place) -> None:
    served.online().materialise(states(["c1"], [1]), NIGHT)
    local = served.online(url="sqlite")
    assert local.read(["c1"], NOON).missing == ("c1",)
    assert local.materialise(states(["c1"], [1]), NIGHT) == Written(written=1, kept=0)
    assert slots_of(local, "c1") == [1]
