from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import DataError
from events.importing import import_sources
from events.mapping import Source
from events.report import ImportReport
from events.vocabulary import ATTRIBUTES_TYPE
from tests.events.build import GOOD, HEADER, NOW, SOURCE, VOCABULARY, Desk, csv_lines

NO_IDS = replace(SOURCE, columns={field: column for field, column in SOURCE.columns.items() if field != "event_id"})
PEOPLE = Source(
    name="people",
    kind="attributes",
    files=("people.csv",),
    columns={"customer_id": "customer", "occurred_at": "valid_from"},
    properties={"birth_year": "born", "region": "region", "consent_email": "mail"},
    time_zone="Europe/Amsterdam",
)


def _adds_up(report: ImportReport) -> bool:
    return all(
        counts.read == counts.accepted + counts.duplicates + counts.skipped + counts.quarantined
        for counts in (*report.files, *report.by_source, report.total)
    )


def test_a_row_becomes_an_event_of_the_contract(desk: Desk) -> None:
    row = {**GOOD, "kind": "survey", "channel": "app", "product": "loan", "amount": "7.00004", "score": "7.0"}
    report = desk.run_rows({**row, "mood": "good", "again": "YES"})
    assert (report.total.read, report.total.accepted, report.quarantine) == (1, 1, None)
    (found,) = desk.all_events().to_pylist()
    assert found == {
        "event_id": "e1",
        "customer_id": "c1",
        "occurred_at": datetime(2026, 1, 5, 9, tzinfo=UTC),
        "available_at": datetime(2026, 1, 5, 9, tzinfo=UTC),
        "type": "survey",
        "channel": "app",
        "product": "loan",
        "amount": 7.0,
        "properties": [("again", "true"), ("mood", "good"), ("score", "7")],
        "decision_id": None,
    }


def test_the_same_file_again_is_all_duplicates_and_changes_nothing(desk: Desk) -> None:
    rows = [GOOD, {**GOOD, "id": "e2"}]
    desk.run_rows(*rows)
    before = (desk.log.folder / "manifest.json").read_bytes()
    report = desk.run_rows(*rows)
    assert (report.total.read, report.total.accepted, report.total.duplicates) == (2, 0, 2)
    assert (desk.log.folder / "manifest.json").read_bytes() == before


def test_the_same_rows_in_another_file_are_duplicates_too(desk: Desk) -> None:
    desk.run_rows(GOOD)
    report = desk.run_rows({**GOOD, "id": "e0"}, GOOD)
    assert (report.total.accepted, report.total.duplicates) == (1, 1)


def test_a_dirty_file_again_gives_the_same_counts_and_the_same_quarantine(desk: Desk) -> None:
    rows = [GOOD, {**GOOD, "id": "e2", "kind": "dance"}, {**GOOD, "id": "e3", "amount": "much"}]
    first = desk.run_rows(*rows)
    second = desk.run_rows(*rows)
    assert second.total.duplicates == first.total.accepted == 1
    assert second.total.reasons == first.total.reasons
    assert second.quarantine == first.quarantine
    assert len(list(desk.quarantine.iterdir())) == 1


def test_a_corrected_mapping_reads_a_known_file_anew(desk: Desk) -> None:
    desk.put("crm.csv", csv_lines([{**GOOD, "kind": "survey"}, {**GOOD, "id": "e2"}]))
    assert desk.run(replace(SOURCE, skip={"type": ("survey",)})).total.skipped == 1
    again = desk.run()
    assert (again.total.accepted, again.total.duplicates, again.total.skipped) == (1, 1, 0)


def test_names_of_the_source_are_mapped_and_rows_left_out_on_purpose_are_counted(desk: Desk) -> None:
    mapped = replace(
        SOURCE, values={"type": {"LGN": "app_login"}, "channel": {"A": "app"}}, skip={"type": ("HEARTBEAT", "survey")}
    )
    rows = [
        {**GOOD, "kind": "LGN", "channel": "A"},
        {**GOOD, "id": "e2", "kind": "HEARTBEAT", "customer": ""},
        {**GOOD, "id": "e3", "kind": "survey"},
    ]
    desk.put("crm.csv", csv_lines(rows))
    report = desk.run(mapped)
    assert (report.total.accepted, report.total.skipped, report.total.quarantined) == (1, 2, 0)
    assert desk.all_events()["channel"].to_pylist() == ["app"]


def test_ids_and_values_are_joined_from_columns(desk: Desk) -> None:
    source = replace(
        NO_IDS,
        columns={**NO_IDS.columns, "event_id": ("customer", "id")},
        value_columns={"channel": ("channel", "product")},
        values={"channel": {"phone/loan": "app", "/": "web"}},
    )
    columns = {field: column for field, column in source.columns.items() if field not in ("channel", "product")}
    source = replace(source, columns=columns, constants={"product": "savings"})
    desk.put("crm.csv", csv_lines([{**GOOD, "channel": "phone", "product": "loan"}, {**GOOD, "id": "e2"}]))
    assert desk.run(source).total.accepted == 2
    found = desk.all_events()
    assert found["event_id"].to_pylist() == ["c1-e1", "c1-e2"]
    assert found["channel"].to_pylist() == ["app", "web"]
    assert found["product"].to_pylist() == ["savings", "savings"]


def test_without_an_id_equal_rows_are_different_events_and_the_file_can_come_again(desk: Desk) -> None:
    row = {name: value for name, value in GOOD.items() if name != "id"}
    desk.put("crm.csv", csv_lines([row, row, {**row, "customer": "c2"}, row]))
    assert desk.run(NO_IDS).total.accepted == 4
    desk.put("crm.csv", csv_lines([row, row, {**row, "customer": "c2"}, row, row]))
    report = desk.run(NO_IDS)
    assert (report.total.accepted, report.total.duplicates) == (1, 4)


def test_a_property_is_read_for_the_types_that_declare_it(desk: Desk) -> None:
    desk.run_rows({**GOOD, "mood": "odd", "offer": "x"}, {**GOOD, "id": "e2", "kind": "offer_presented", "offer": "x"})
    assert desk.all_events()["properties"].to_pylist() == [[], [("offer", "x")]]


def test_attributes_become_events_of_the_reserved_type(desk: Desk) -> None:
    desk.put(
        "people.csv", "customer,valid_from,born,region,mail\nc1,2026-01-05,1980.0,north,no\nc1,2026-02-05,,south,\n"
    )
    report = desk.run(PEOPLE)
    assert report.total.accepted == 2
    found = desk.all_events().to_pylist()
    assert [row["type"] for row in found] == [ATTRIBUTES_TYPE, ATTRIBUTES_TYPE]
    assert found[0]["properties"] == [("birth_year", "1980"), ("consent_email", "false"), ("region", "north")]
    assert found[1]["properties"] == [("region", "south")]
    assert found[0]["occurred_at"] == datetime(2026, 1, 4, 23, tzinfo=UTC)
    desk.put(
        "people.csv", "customer,valid_from,born,region,mail\nc1,2026-01-05,1980,north,FALSE\nc1,2026-02-05,,south,\n"
    )
    assert desk.run(PEOPLE).total.duplicates == 2


def test_sources_and_their_files_are_counted_apart(desk: Desk) -> None:
    crm = replace(SOURCE, files=("crm-*.csv",))
    desk.put("crm-1.csv", csv_lines([GOOD]))
    desk.put("crm-2.csv", csv_lines([GOOD, {**GOOD, "id": "e2"}, {**GOOD, "id": "e3", "customer": " "}]))
    desk.put("people.csv", "customer,valid_from,born,region,mail\nc1,2026-01-05,,east,\n")
    report = desk.run(crm, PEOPLE)
    assert [
        (counts.file, counts.read, counts.accepted, counts.duplicates, counts.quarantined) for counts in report.files
    ] == [
        ("crm-1.csv", 1, 1, 0, 0),
        ("crm-2.csv", 3, 1, 1, 1),
        ("people.csv", 1, 0, 0, 1),
    ]
    assert [counts.source for counts in report.by_source] == ["crm", "people"]
    assert _adds_up(report)


def test_progress_ends_at_the_size_of_the_files(desk: Desk) -> None:
    desk.put("crm.csv", csv_lines([GOOD, {**GOOD, "id": "e2"}]))
    told: list[tuple[int, int, int]] = []

    def tell(rows: int, done: int, total: int) -> None:
        told.append((rows, done, total))

    for _ in range(2):
        import_sources(desk.log, [SOURCE], VOCABULARY, desk.files, desk.quarantine, now=NOW, progress=tell)
        size = (desk.files / "crm.csv").stat().st_size
        assert told[-1] == (2, size, size)


def test_the_moment_of_an_import_needs_a_zone(desk: Desk) -> None:
    desk.put("crm.csv", csv_lines([GOOD]))
    with pytest.raises(DataError, match="time zone"):
        desk.run(now=datetime(2026, 7, 1))  # noqa: DTZ001 - the mistake in question


_FIELDS = {
    "id": st.sampled_from(["e1", "e2", "e3", "e4", ""]),
    "customer": st.sampled_from(["c1", "c2", " ", ""]),
    "time": st.sampled_from(["2026-01-05", "2026-01-05 10:00:00", "2026-03-01T00:00:00Z", "soon", "", "2031-01-01"]),
    "kind": st.sampled_from(["app_login", "survey", "offer_presented", "dance", ""]),
    "channel": st.sampled_from(["app", "", "fax"]),
    "product": st.sampled_from(["loan", "", "yacht"]),
    "amount": st.sampled_from(["", "1", "2.5", "1e99", "nan", "x"]),
    "score": st.sampled_from(["", "3", "high"]),
    "mood": st.sampled_from(["", "good", "odd"]),
    "again": st.sampled_from(["", "1", "maybe"]),
    "offer": st.sampled_from(["", "o"]),
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(st.fixed_dictionaries(_FIELDS), max_size=12), torn=st.integers(0, 3), with_ids=st.booleans())
def test_every_row_is_counted_once(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], torn: int, with_ids: bool
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    source = replace(SOURCE if with_ids else NO_IDS, skip={"channel": ("fax",)})
    desk.put("crm.csv", csv_lines(rows) + "a,b\n" * torn)
    first = desk.run(source)
    assert first.total.read == len(rows) + torn
    assert _adds_up(first)
    assert desk.log.count() == first.total.accepted
    assert len(_quarantined(first)) == first.total.quarantined
    second = desk.run(source)
    assert second.total.duplicates == first.total.accepted + first.total.duplicates
    assert second.total.accepted == 0
    assert second.total.reasons == first.total.reasons
    assert desk.log.count() == first.total.accepted


def _quarantined(report: ImportReport) -> list[dict[str, Any]]:
    if report.quarantine is None:
        return []
    return [json.loads(line) for line in Path(report.quarantine).read_text().splitlines()]


def test_a_header_alone_is_a_file_without_events(desk: Desk) -> None:
    desk.put("crm.csv", ",".join(HEADER) + "\n")
    assert desk.run().total.read == 0
