from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from domain.errors import StateError
from features.calendar import Calendar
from features.state import States
from features.store import online as online_module
from features.store.definitions import STATE_VIEW
from features.store.online import OnlineStates, Written
from tests.features.store.build import catalogue, repository

AMSTERDAM = Calendar(ZoneInfo("Europe/Amsterdam"))
NIGHT = datetime(2026, 3, 2, 1, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MONDAY = int(np.datetime64("2026-03-01T23:00", "us").astype(np.int64))
DAY = 86_400_000_000


def states(customer_ids: Sequence[str], *slots: Sequence[int], midnight: int = MONDAY, layout: str = "a1") -> States:
    return States(
        customer_ids=np.array(customer_ids, dtype=object),
        matrix=np.array(slots, dtype=np.int64),
        midnight=midnight,
        layout=layout,
    )


@pytest.fixture
def online(tmp_path: Path) -> OnlineStates:
    opened = repository(tmp_path)
    opened.apply(catalogue(), {})
    return OnlineStates(opened, AMSTERDAM, layout="a1")


def test_what_is_written_comes_back_in_the_order_asked(online: OnlineStates) -> None:
    largest = 2**63 - 1
    online.materialise(states(["c1", "c2", "c3"], [1, 0], [2, -largest], [3, largest]), NIGHT)
    read = online.read(["c3", "c1", "c2", "c3"], NOON)
    assert list(read.states.customer_ids) == ["c3", "c1", "c2"]
    assert read.states.matrix.tolist() == [[3, largest], [1, 0], [2, -largest]]
    assert (read.states.midnight, read.states.layout) == (MONDAY, "a1")
    assert (read.missing, read.stale) == ((), ())


def test_customers_without_a_state_are_listed(online: OnlineStates) -> None:
    online.materialise(states(["c1"], [1]), NIGHT)
    read = online.read(["c9", "c1", "c8"], NOON)
    assert read.missing == ("c9", "c8")
    assert list(read.states.customer_ids) == ["c1"]


def test_a_state_of_another_day_is_stale_not_used(online: OnlineStates) -> None:
    online.materialise(states(["early"], [1], midnight=MONDAY - DAY), NIGHT)
    online.materialise(states(["late"], [1], midnight=MONDAY + DAY), NIGHT)
    online.materialise(states(["now"], [1]), NIGHT)
    read = online.read(["early", "late", "now"], NOON)
    assert read.stale == ("early", "late")
    assert list(read.states.customer_ids) == ["now"]


def test_the_day_begins_at_midnight_of_the_bank(online: OnlineStates) -> None:
    online.materialise(states(["c1"], [1]), NIGHT)
    assert online.read(["c1"], datetime(2026, 3, 2, 22, 59, 59, 999_999, tzinfo=UTC)).stale == ()
    assert online.read(["c1"], datetime(2026, 3, 2, 23, 0, tzinfo=UTC)).stale == ("c1",)


def test_nobody_found_is_an_answer(online: OnlineStates) -> None:
    assert len(online.read([], NOON).states.customer_ids) == 0
    assert online.read(["c1"], NOON).missing == ("c1",)


def test_a_state_of_an_earlier_midnight_never_replaces_a_later_one(online: OnlineStates) -> None:
    online.materialise(states(["c1"], [5]), NIGHT)
    written = online.materialise(states(["c1", "c2"], [4], [4], midnight=MONDAY - DAY), NOON)
    assert written == Written(written=1, kept=1)
    assert online.read(["c1"], NOON).states.matrix.tolist() == [[5]]


def test_a_correction_of_the_same_midnight_replaces(online: OnlineStates) -> None:
    online.materialise(states(["c1"], [5]), NIGHT)
    assert online.materialise(states(["c1"], [6]), NOON) == Written(written=1, kept=0)
    assert online.read(["c1"], NOON).states.matrix.tolist() == [[6]]


def test_more_customers_than_one_batch(online: OnlineStates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online_module, "CUSTOMERS_PER_BATCH", 3)
    customers = [f"c{number}" for number in range(8)]
    written = online.materialise(states(customers, *([number] for number in range(8))), NIGHT)
    assert written == Written(written=8, kept=0)
    assert online.read(customers, NOON).states.matrix.ravel().tolist() == list(range(8))


def test_a_state_of_another_layout_is_refused_when_read(tmp_path: Path) -> None:
    opened = repository(tmp_path)
    opened.apply(catalogue(), {})
    OnlineStates(opened, AMSTERDAM, layout="old").materialise(states(["c1"], [1], layout="old"), NIGHT)
    with pytest.raises(StateError, match=r"got old, expected new.*build the online state again"):
        OnlineStates(opened, AMSTERDAM, layout="new").read(["c1"], NOON)


def test_a_state_of_another_layout_is_replaced_when_written_even_if_later(tmp_path: Path) -> None:
    opened = repository(tmp_path)
    opened.apply(catalogue(), {})
    OnlineStates(opened, AMSTERDAM, layout="old").materialise(
        states(["c1"], [1], layout="old", midnight=MONDAY + DAY), NIGHT
    )
    new = OnlineStates(opened, AMSTERDAM, layout="a1")
    new.materialise(states(["c1"], [2]), NOON)
    assert new.read(["c1"], NOON).states.matrix.tolist() == [[2]]


def test_states_of_another_layout_are_not_written(online: OnlineStates) -> None:
    with pytest.raises(StateError, match="got b2, expected a1"):
        online.materialise(states(["c1"], [1], layout="b2"), NIGHT)


def test_a_time_of_writing_without_a_zone_is_refused(online: OnlineStates) -> None:
    with pytest.raises(ValueError, match="time zone"):
        online.materialise(states(["c1"], [1]), NIGHT.replace(tzinfo=None))


def test_no_states_are_nothing_to_write(online: OnlineStates) -> None:
    assert online.materialise(states([], *np.empty((0, 2), dtype=np.int64)), NIGHT) == Written(written=0, kept=0)


def test_another_process_reads_what_was_written(tmp_path: Path) -> None:
    writer, reader = repository(tmp_path), repository(tmp_path)
    writer.apply(catalogue(), {})
    OnlineStates(writer, AMSTERDAM, layout="a1").materialise(states(["c1"], [1]), NIGHT)
    online = OnlineStates(reader, AMSTERDAM, layout="a1")
    online.warm_up()
    assert online.read(["c1"], NOON).states.matrix.tolist() == [[1]]


def test_reading_before_anything_is_registered_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=f"'{STATE_VIEW}'.*build the features"):
        OnlineStates(repository(tmp_path), AMSTERDAM, layout="a1").read(["c1"], NOON)
    with pytest.raises(StateError, match="not registered"):
        OnlineStates(repository(tmp_path), AMSTERDAM, layout="a1").warm_up()


def test_an_online_store_that_was_deleted_is_made_again(tmp_path: Path) -> None:
    repository(tmp_path).apply(catalogue(), {})
    for path in (tmp_path / "feast").glob("online.db*"):
        path.unlink()
    opened = repository(tmp_path)
    assert not opened.apply(catalogue(), {})
    assert OnlineStates(opened, AMSTERDAM, layout="a1").read(["c1"], NOON).missing == ("c1",)
