"""A corrected mapping replaces the earlier events of its rows in one commit: none twice, none lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import SourceError
from events import importing
from events.erasure import erase_customer
from events.manifest import Manifest
from events.mapping import Source
from events.quarantine import Reason
from events.schema import table_of
from events.vocabulary import ATTRIBUTES_TYPE
from tests.events.build import Desk, event

BOOKINGS = Source(
    name="bookings",
    files=("b*.csv",),
    columns={"customer_id": "client", "occurred_at": "at", "type": "kind", "amount": "amount"},
    properties={"offer": "note"},
    thousands_mark="",
)
BERLIN = replace(BOOKINGS, time_zone="Europe/Berlin")
HEAD = "client,at,kind,amount,note\n"


def _rows(*numbers: int) -> str:
    return "".join(f"K{n % 3},2026-03-0{1 + n % 7} 09:00:00,offer_presented,{n}.5,note {n}\n" for n in numbers)


def _sum(desk: Desk) -> float:
    return sum(amount or 0.0 for amount in desk.all_events()["amount"].to_pylist())


def _content(desk: Desk) -> list[tuple[Any, ...]]:
    rows = desk.all_events().to_pylist()
    return sorted(tuple(str(value) for name, value in row.items()) for row in rows)


def test_the_same_file_by_a_corrected_mapping_is_replaced_and_not_added(desk: Desk) -> None:
    desk.put("b.csv", HEAD + _rows(1, 2, 3))
    desk.run(BOOKINGS)
    digest = desk.log.digest()
    for source in (
        BERLIN,
        replace(BERLIN, properties={}),
        replace(
            BERLIN,
            columns={**BERLIN.columns, "product": "note"},
            values={"product": {f"note {n}": "loan" for n in range(9)}},
        ),
    ):
        report = desk.run(source)
        assert (report.total.accepted, report.replaced) == (3, 3)
        assert (desk.log.count(), _sum(desk)) == (3, 7.5)
        assert desk.run(source).total.duplicates == 3
    assert desk.run(BOOKINGS).replaced == 3
    assert desk.log.digest() == digest


def test_a_file_that_has_grown_or_been_renamed_is_known_again(desk: Desk) -> None:
    desk.put("b1.csv", HEAD + _rows(1, 2))
    desk.run(BOOKINGS)
    (desk.files / "b1.csv").unlink()
    desk.put("b9.csv", HEAD + _rows(1, 2, 3))
    report = desk.run(BERLIN)
    assert (report.total.accepted, report.replaced, desk.log.count()) == (3, 2, 3)


def test_rows_that_no_file_has_any_more_stay_as_they_were_read(desk: Desk) -> None:
    desk.put("b.csv", HEAD + _rows(1, 2, 3))
    desk.run(BOOKINGS)
    desk.put("b.csv", HEAD + _rows(2, 3, 4))
    report = desk.run(BERLIN)
    assert (report.total.accepted, report.replaced) == (3, 2)
    assert sorted(desk.all_events()["amount"].to_pylist()) == [1.5, 2.5, 3.5, 4.5]
    assert [at.hour for at in desk.all_events().sort_by("amount")["occurred_at"].to_pylist()] == [9, 8, 8, 8]
    desk.put("b.csv", HEAD + _rows(1))  # it comes back
    assert (desk.run(BERLIN).replaced, desk.log.count()) == (1, 4)


def test_a_column_that_came_later_can_be_mapped(desk: Desk) -> None:
    desk.put("b.csv", HEAD + _rows(1, 2))
    desk.run(BOOKINGS)
    lines = (HEAD + _rows(1, 2)).splitlines()
    desk.put("b.csv", "\n".join([lines[0] + ",where", *(line + ",app" for line in lines[1:])]) + "\n")
    report = desk.run(replace(BOOKINGS, columns={**BOOKINGS.columns, "channel": "where"}))
    assert (report.replaced, desk.log.count()) == (2, 2)
    assert desk.all_events()["channel"].to_pylist() == ["app", "app"]


def test_events_with_ids_of_their_own_are_rewritten(desk: Desk) -> None:
    with_ids = replace(BOOKINGS, columns={**BOOKINGS.columns, "event_id": "note"}, properties={})
    desk.put("b.csv", HEAD + _rows(1, 2, 3))
    desk.run(with_ids)
    report = desk.run(replace(with_ids, time_zone="Europe/Berlin"))
    assert (report.total.accepted, report.total.quarantined, report.replaced) == (3, 0, 3)
    assert {at.hour for at in desk.all_events()["occurred_at"].to_pylist()} == {8}
    assert sorted(desk.all_events()["event_id"].to_pylist()) == ["note 1", "note 2", "note 3"]
    desk.put("b.csv", HEAD + _rows(1).replace("1.5", "9.5"))  # another row under the same id is still another matter
    assert desk.run(replace(with_ids, time_zone="Europe/Berlin")).total.reasons == {Reason.EVENT_ID_CONFLICT: 1}
    desk.put("b.csv", HEAD + _rows(1, 2, 3))
    assert desk.run(BOOKINGS).replaced == 3  # and back to ids from content
    assert desk.log.count() == 3


def test_of_two_rows_that_a_corrected_mapping_gives_one_id_the_first_counts(desk: Desk) -> None:
    desk.put("b.csv", HEAD + _rows(1, 2).replace("note 2", "note 1"))
    with_ids = replace(BOOKINGS, columns={**BOOKINGS.columns, "event_id": ("note", "amount")}, properties={})
    desk.run(with_ids)
    report = desk.run(replace(with_ids, columns={**BOOKINGS.columns, "event_id": "note"}))
    assert (report.total.accepted, report.total.reasons, report.replaced) == (1, {Reason.EVENT_ID_CONFLICT: 1}, 2)
    assert desk.all_events()["amount"].to_pylist() == [1.5]


def test_attributes_and_consents_are_replaced_too(desk: Desk) -> None:
    people = Source(
        name="people",
        kind="attributes",
        files=("people.csv",),
        columns={"customer_id": "client", "occurred_at": "since"},
        properties={"consent_email": "post"},
    )
    desk.put("people.csv", "client,since,post,mail\nK1,2026-03-01,true,false\n")
    desk.run(people)
    desk.run(replace(people, properties={"consent_email": "mail"}))
    assert desk.all_events()["type"].to_pylist() == [ATTRIBUTES_TYPE]
    assert desk.all_events()["properties"].to_pylist() == [[("consent_email", "false")]]


def test_a_file_under_two_sources_is_replaced_for_the_one_that_is_corrected(desk: Desk) -> None:
    other = replace(BOOKINGS, name="other", constants={"channel": "app"})
    desk.put("b.csv", HEAD + _rows(1, 2))
    desk.run(BOOKINGS, other)
    assert desk.log.count() == 4
    report = desk.run(BERLIN, other)
    assert (report.replaced, desk.log.count()) == (2, 4)
    by_channel = Counter((row["channel"], row["occurred_at"].hour) for row in desk.all_events().to_pylist())
    assert by_channel == {(None, 8): 2, ("app", 9): 2}


def test_an_event_that_another_row_tells_too_stays(desk: Desk) -> None:
    coded = replace(BOOKINGS, values={"type": {"A": "app_login", "B": "app_login"}})
    row = "K1,2026-03-01 09:00:00,{},,\n"
    desk.put("b1.csv", HEAD + row.format("A"))
    desk.put("b2.csv", HEAD + row.format("B"))
    desk.run(coded)
    assert desk.log.count() == 1
    report = desk.run(replace(coded, values={"type": {"A": "app_login", "B": "card_payment"}}))
    assert (report.replaced, sorted(desk.all_events()["type"].to_pylist())) == (0, ["app_login", "card_payment"])
    (desk.files / "b1.csv").unlink()
    desk.run(replace(coded, skip={"type": ("app_login",)}, values={"type": {"B": "app_login", "A": "app_login"}}))
    assert desk.all_events()["type"].to_pylist() == ["app_login"]  # of the row that no file has any more


def test_a_source_with_another_name_takes_over_the_rows_of_the_one_that_is_gone(desk: Desk) -> None:
    desk.put("b.csv", HEAD + _rows(1, 2) + "K9,2026-03-01,app_login,,\n")
    desk.run(BOOKINGS)
    offers = replace(BERLIN, name="offers", skip={"type": ("app_login",)})
    logins = replace(BERLIN, name="logins", skip={"type": ("offer_presented",)})
    report = desk.run(offers, logins)
    assert (report.replaced, desk.log.count()) == (3, 3)
    assert (desk.run(BOOKINGS).replaced, desk.log.count()) == (3, 3)


def test_rows_that_are_left_out_or_cannot_be_read_now_leave_the_log(desk: Desk) -> None:
    desk.put("b.csv", HEAD + _rows(1, 2) + "K9,2026-03-01,app_login,1.234,\n")
    desk.run(BOOKINGS)
    report = desk.run(replace(BOOKINGS, thousands_mark=None))
    assert (report.total.reasons, report.replaced) == ({Reason.AMOUNT_NOT_A_NUMBER: 1}, 1)
    report = desk.run(replace(BOOKINGS, skip={"type": ("offer_presented",)}))
    assert (report.total.skipped, report.replaced, desk.log.count()) == (2, 2, 1)


def test_a_mapping_by_which_nothing_of_a_file_can_be_read_changes_nothing(desk: Desk) -> None:
    desk.put("b.csv", HEAD + _rows(1, 2))
    desk.run(BOOKINGS)
    before = (desk.log.folder / "manifest.json").read_bytes()
    with pytest.raises(SourceError, match=r"can read nothing of file 'b\.csv': got 2 rows .* gave 2;"):
        desk.run(replace(BOOKINGS, columns={**BOOKINGS.columns, "occurred_at": "note"}))
    assert (desk.log.folder / "manifest.json").read_bytes() == before
    assert desk.run(BOOKINGS).total.duplicates == 2
    assert sorted(path.name for path in desk.log.folder.iterdir()) == sorted(
        [*Manifest.read(desk.log.folder, 1).files, *_mapped(desk), "lock", "manifest.json"]
    )


def _mapped(desk: Desk) -> list[str]:
    return [file.replace(".parquet", ".arrow") for file in Manifest.read(desk.log.folder, 1).files if "bucket" in file]


def test_what_did_not_come_from_files_is_left_alone(desk: Desk) -> None:
    desk.log.append(table_of([event(1, "K1"), event(2, "K2")]))
    desk.put("b.csv", HEAD + _rows(1, 2))
    desk.run(BOOKINGS)
    assert (desk.run(BERLIN).replaced, desk.log.count()) == (2, 4)


def test_events_of_an_erased_customer_are_not_new_when_a_mapping_comes_back(desk: Desk) -> None:
    desk.put("b.csv", HEAD + _rows(1, 2, 3))
    desk.run(BOOKINGS)
    erase_customer(desk.log.folder, "K1")
    assert desk.run(BOOKINGS).total.duplicates == 3
    assert "K1" not in desk.all_events()["customer_id"].to_pylist()


@pytest.mark.parametrize("name", ["b.parquet", "b.jsonl", "b.csv.gz"])
def test_every_format_is_known_again(desk: Desk, name: str) -> None:
    source = replace(BOOKINGS, files=(name,))
    rows = [dict(zip(HEAD.strip().split(","), line.split(","), strict=True)) for line in _rows(1, 2, 3).splitlines()]
    if name == "b.parquet":
        pq.write_table(pa.Table.from_pylist(rows), desk.files / name)
    elif name == "b.jsonl":
        desk.put(name, "".join(json.dumps(row | {"amount": float(row["amount"])}) + "\n" for row in rows))
    else:
        desk.put(name, HEAD + _rows(1, 2, 3))
    desk.run(source)
    for other in (
        replace(source, time_zone="Asia/Tokyo"),
        replace(source, properties={}, decimal_mark="." if name != "b.jsonl" else ",", thousands_mark="'"),
    ):
        assert (desk.run(other).replaced, desk.log.count()) == (3, 3)


def test_what_separates_columns_does_not_make_two_rows_one(desk: Desk) -> None:
    texts = [("a\x1fb", "c"), ("a", "b\x1fc"), ("a\x1e1b", "c"), ("a", None), ("a", "\x1e")]
    lines = [
        json.dumps({"client": "K1", "at": "2026-03-01", "kind": "survey", "amount": None, "x": x, "y": y})
        for x, y in texts
    ]
    source = replace(
        BOOKINGS,
        files=("b.jsonl",),
        columns={**BOOKINGS.columns, "event_id": "n"},
        properties={},
    )
    desk.put("b.jsonl", "".join(f'{line[:-1]}, "n": "e{n}"}}\n' for n, line in enumerate(lines)))
    source = replace(source, columns={**source.columns, "type": "kind"}, constants={})
    desk.run(source)
    assert desk.run(replace(source, time_zone="Asia/Tokyo")).replaced == len(texts)
    assert desk.log.count() == len(texts)


def test_a_log_of_a_release_that_did_not_note_origins_is_neither_doubled_nor_stuck(desk: Desk) -> None:
    desk.put("b.csv", HEAD + _rows(1, 2))
    desk.run(BOOKINGS)
    file = desk.log.folder / "manifest.json"
    content = json.loads(file.read_text())
    content.pop("origins")
    file.write_text(json.dumps(content))
    with pytest.raises(SourceError, match="imported by an earlier release, and reads differently now: got 2 other"):
        desk.run(BERLIN)
    assert desk.log.count() == 2
    assert desk.run(replace(BOOKINGS, encoding="ascii")).total.duplicates == 2
    assert (desk.run(BERLIN).replaced, desk.log.count()) == (2, 2)


def test_a_release_that_reads_otherwise_replaces_what_the_one_before_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.put("b.csv", HEAD + _rows(1, 2))
    with monkeypatch.context() as before:
        before.setattr("events.mapping.ZoneInfo", lambda _: ZoneInfo("Asia/Tokyo"))
        desk.run(BOOKINGS)
    monkeypatch.setattr(importing, "READING", importing.READING + 1)
    assert (desk.run(BOOKINGS).replaced, desk.log.count()) == (2, 2)
    assert {at.hour for at in desk.all_events()["occurred_at"].to_pylist()} == {9}


_MAPPINGS = [
    BOOKINGS,
    BERLIN,
    replace(BOOKINGS, properties={}),
    replace(BOOKINGS, skip={"type": ("app_login",)}),
    replace(BOOKINGS, constants={"channel": "app"}),
    replace(BOOKINGS, columns={**BOOKINGS.columns, "event_id": ("client", "n")}),
    replace(BERLIN, columns={**BOOKINGS.columns, "event_id": ("client", "n")}, properties={}),
    replace(BOOKINGS, name="renamed"),
]
_WIDE = "client,at,kind,amount,note,n\n"


def _line(number: int) -> str:
    kind = "app_login" if number % 3 == 0 else "offer_presented"
    return f"K{number % 2},2026-03-0{1 + number % 5} 09:00:00,{kind},{number},x{number},{number}\n"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(_MAPPINGS),
            st.lists(st.integers(0, 8), min_size=1, max_size=5, unique=True),
            st.lists(st.integers(0, 8), max_size=4, unique=True),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_every_row_is_there_once_as_the_mapping_reads_it_that_read_it_last(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Source, list[int], list[int]]]
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    last: dict[int, Source] = {}
    for source, first, second in steps:
        for name, numbers in (("b1.csv", first), ("b2.csv", second)):
            desk.put(name, _WIDE + "".join(map(_line, numbers)))
        last.update(dict.fromkeys([*first, *second], source))
        report = desk.run(source)
        assert report.total.quarantined == 0
        assert _content(desk) == sorted(row for number, by in last.items() for row in _alone(number, by))
    digest = desk.log.digest()
    again = desk.run(steps[-1][0])
    assert (again.total.accepted, again.replaced, desk.log.digest()) == (0, 0, digest)


_ALONE: dict[tuple[int, str], list[tuple[Any, ...]]] = {}


def _alone(number: int, source: Source) -> Sequence[tuple[Any, ...]]:
    key = (number, repr(source))
    if key not in _ALONE:
        with TemporaryDirectory() as folder:
            desk = Desk(Path(folder) / "desk")
            desk.put("b1.csv", _WIDE + _line(number))
            desk.run(source)
            _ALONE[key] = _content(desk)
    return _ALONE[key]


def test_features_of_the_night_see_that_events_were_replaced(desk: Desk) -> None:
    desk.put("b.csv", HEAD + _rows(1, 2, 3))
    desk.run(BOOKINGS)
    before = [desk.log.bucket_digest(bucket) for bucket in range(desk.log.buckets)]
    rows = {bucket: desk.log.read_bucket(bucket).num_rows for bucket in range(desk.log.buckets)}
    desk.run(BERLIN)
    after = [desk.log.bucket_digest(bucket) for bucket in range(desk.log.buckets)]
    assert [one != other for one, other in zip(before, after, strict=True)] == [rows[b] > 0 for b in sorted(rows)]
    fresh = Desk(desk.files.parent / "fresh")
    fresh.put("b.csv", HEAD + _rows(1, 2, 3))
    fresh.run(BERLIN)
    assert fresh.log.digest() == desk.log.digest()
