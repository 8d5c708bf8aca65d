"""The files on disk are complete, the same for the same seed, and as the demo bank's sources map them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from domain.errors import DataError
from domain.offer import Treatment
from simulation.settings import Simulation
from simulation.simulate import simulate
from tests.simulation.demo_bank import ZONE, DemoBank, Simulated, no_progress


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(demo: DemoBank, tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        demo.simulate(tmp_path / name, seed=seed, customers=120, months=3)
    one, two, other = (contents(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert one.keys() == other.keys()
    assert all(one[file] != other[file] for file in one)


def test_a_later_run_replaces_the_folder_as_a_whole(demo: DemoBank, tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "old.txt").write_text("old")
    demo.simulate(tmp_path / "sources", customers=50, months=1)
    assert [folder.name for folder in tmp_path.iterdir()] == ["sources"]
    assert not (tmp_path / "sources" / "old.txt").exists()


def test_an_interruption_while_writing_leaves_what_was_there(demo: DemoBank, tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    demo.simulate(folder, customers=50, months=1)
    before = contents(folder)

    def interrupt(done: int, total: int, what: str) -> None:
        if what == "writing contact_history":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.simulate(folder, interrupt, customers=60, months=1)
    assert contents(folder) == before
    assert [inside.name for inside in tmp_path.iterdir()] == ["sources"]


def test_progress_counts_up_to_its_total(demo: DemoBank, tmp_path: Path) -> None:
    reported: list[tuple[int, int]] = []
    demo.simulate(
        tmp_path / "sources", lambda done, total, what: reported.append((done, total)), customers=20, months=1
    )
    assert [done for done, _ in reported] == list(range(1, 36))
    assert {total for _, total in reported} == {35}


def test_every_column_that_the_sources_map_is_in_the_files(simulated: Simulated) -> None:
    for source in simulated.bank.sources:
        mapped = {name for name in source.columns.values() if isinstance(name, str)} | set(source.properties.values())
        assert mapped <= set(simulated.rows(source.name).column_names), source.name


def test_every_file_belongs_to_a_source_and_none_maps_the_truth(simulated: Simulated) -> None:
    patterns = [pattern for source in simulated.bank.sources for pattern in source.files]
    for file in (inside for inside in simulated.folder.rglob("*") if inside.is_file()):
        place = file.relative_to(simulated.folder)
        assert any(place.match(pattern) for pattern in patterns) != (place.parts[0] == "truth"), place


def test_what_is_written_is_in_the_vocabulary_except_the_planted_rows(simulated: Simulated) -> None:
    words = simulated.bank.vocabulary
    core, touches = simulated.rows("core_banking"), simulated.rows("touchpoints")
    contacts, customers = simulated.rows("contact_history"), simulated.rows("customers")
    kinds = simulated.bank.sources[0].values["type"]
    assert {kinds[kind] for kind in pc.unique(core["kind"]).to_pylist()} <= set(words.types)
    assert set(pc.unique(touches["event"]).to_pylist()) - set(words.types) == {"fax_received"}
    assert set(pc.unique(contacts["event"]).to_pylist()) <= set(words.types)
    for table in (core, touches, contacts):
        assert set(pc.unique(table["channel"]).to_pylist()) <= {*words.channels, None}
    for table, column in ((core, "product"), (touches, "product"), (contacts, "family")):
        assert set(pc.unique(table[column]).to_pylist()) <= {*words.products, None}
    for name, attribute in words.attributes.items():
        if attribute.type == "category":
            assert set(pc.unique(customers[name]).to_pylist()) <= {*attribute.values, None}, name


def test_ids_are_unique_but_for_the_rows_delivered_twice(simulated: Simulated) -> None:
    for source in ("core_banking", "touchpoints", "contact_history"):
        ids = simulated.rows(source).column(0)
        assert pc.count_distinct(ids).as_py() == len(ids), source
    once, twice = simulated.rows("touchpoints"), simulated.rows("touchpoints", again=True)
    assert len(twice) - len(once) == simulated.report.redelivered > 0
    assert pc.count_distinct(twice["id"]).as_py() == len(once)


def test_the_report_counts_what_is_written(simulated: Simulated) -> None:
    report = simulated.report
    for source, count in report.rows.items():
        assert len(simulated.rows(source)) == count
    touches, core = simulated.rows("touchpoints"), simulated.rows("core_banking")
    assert pc.sum(pc.equal(touches["event"], "fax_received")).as_py() == report.dirty["touchpoints: unknown type"]
    assert touches["customer"].null_count == report.dirty["touchpoints: missing customer"]
    assert core["client"].null_count == report.dirty["core_banking: missing customer"]
    assert report.events == sum(report.rows.values()) - sum(report.dirty.values())


def test_nothing_happens_or_is_delivered_after_the_end(simulated: Simulated) -> None:
    end = simulated.report.end
    core = simulated.rows("core_banking")
    assert pc.max(core["booked_at"]).as_py() <= pc.max(core["delivered_at"]).as_py() < end
    local_end = end.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M:%S")
    touches = simulated.rows("touchpoints")
    late = touches.filter(pc.greater_equal(touches["time"], local_end))
    assert pc.unique(late["time"]).to_pylist() == ["2099-01-01T00:00:00"]
    assert len(late) == simulated.report.dirty["touchpoints: time in the future"]
    contacts = simulated.rows("contact_history")["at"].to_pylist()
    assert max(datetime.fromisoformat(at) for at in contacts) < end
    assert all(datetime.fromisoformat(at).tzinfo is not None for at in contacts)


def test_card_payments_are_delivered_the_next_morning_and_salaries_at_once(simulated: Simulated) -> None:
    core = simulated.rows("core_banking")
    delay = pc.subtract(core["delivered_at"], core["booked_at"]).cast(pa.int64())
    by_card = pc.is_in(core["kind"], pa.array(["POS", "ATM"]))
    assert pc.min(delay.filter(by_card)).as_py() > 6 * 3600 * 1_000_000
    assert pc.max(delay.filter(pc.invert(by_card))).as_py() == 0


def test_times_of_contacts_carry_the_offset_of_the_season(simulated: Simulated) -> None:
    offsets = {at[5:7]: at[-6:] for at in simulated.rows("contact_history")["at"].to_pylist()}
    assert offsets["01"] == "+01:00"
    assert offsets["07"] == "+02:00"


def test_an_offer_of_an_unknown_channel_is_an_error_with_the_nearest_name(demo: DemoBank, tmp_path: Path) -> None:
    first = demo.offers[0]
    strange = replace(first, treatments=(*first.treatments, Treatment(channel="emial", message="letter")))
    with pytest.raises(DataError, match=r"'email' \(did you mean it\?\)"):
        simulate(Simulation(), (strange,), demo.vocabulary, ZONE, tmp_path / "sources", no_progress)


def test_a_bank_without_customers_is_an_error(demo: DemoBank, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least one of each"):
        demo.simulate(tmp_path / "sources", customers=0)


def test_a_bank_of_one_customer_is_written(demo: DemoBank, tmp_path: Path) -> None:
    report = demo.simulate(tmp_path / "sources", customers=1, months=1)
    assert report.rows["customers"] >= 1


def test_another_time_zone_ends_at_its_own_midnight(demo: DemoBank, tmp_path: Path) -> None:
    report = simulate(
        Simulation(customers=20, months=1),
        demo.offers,
        demo.vocabulary,
        ZoneInfo("America/New_York"),
        tmp_path / "sources",
        no_progress,
    )
    assert report.start == datetime(2025, 1, 1, 5, tzinfo=UTC)
