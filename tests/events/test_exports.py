"""Exports as banks' systems write them, read with nothing but a mapping."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.errors import SourceError
from events.checks import check_sources, check_vocabulary
from events.conditions import Condition
from events.importing import import_sources
from events.log import EventLog
from events.mapping import ColumnFormat, Duration, Lookup, RowEvent, Sign, Source
from events.report import ImportReport
from events.vocabulary import ContactEvents, EventType, Property, Vocabulary
from tests.events.build import NOW, Desk

OFFER = {"offer": Property(type="text"), "answer_days": Property(type="number")}
VOCABULARY = Vocabulary(
    channels=("phone", "email"),
    products=("savings",),
    types={
        "payment": EventType(description=""),
        "deposit": EventType(description=""),
        "offer_presented": EventType(description="", properties=OFFER),
        "offer_accepted": EventType(description="", properties=OFFER),
        "offer_declined": EventType(description="", properties=OFFER),
    },
    attributes={"job": Property(values=("nurse", "clerk"), other=True), "age": Property(type="number")},
    contacts=ContactEvents(presented="offer_presented", accepted="offer_accepted", declined="offer_declined"),
)
CONTACTS = Source(
    name="kontakte",
    files=("kontakte.csv",),
    encoding="latin-1",
    delimiter=";",
    preamble_lines=2,
    ignore_lines=("#", "Summe"),
    time_zone="Europe/Berlin",
    time_format=("%d.%m.%Y %H:%M", "%d.%m.%Y"),
    decimal_mark=",",
    thousands_mark=".",
    columns={"customer_id": "Kundennr", "occurred_at": "Kontakt am", "channel": "Kanal"},
    constants={"offer": "tagesgeld_plus", "product": "savings"},
    values={"channel": {"Telefon": "phone", "E-Mail": "email"}},
    when=(Condition(column="Status", none_of=("Storno",)),),
    events=(
        RowEvent(constants={"type": "offer_presented"}),
        RowEvent(
            when=(Condition(column="Antwort", any_of=("ja",)),),
            columns={"occurred_at": "Antwort am", "amount": "Überweisung"},
            constants={"type": "offer_accepted"},
            durations={"answer_days": Duration(start="Kontakt am", end="Antwort am")},
        ),
        RowEvent(
            when=(Condition(column="Antwort", any_of=("nein",)),),
            columns={"occurred_at": "Antwort am"},
            constants={"type": "offer_declined"},
        ),
    ),
)
EXPORT = """\
Kampagne Tagesgeld;;;;;;
Stand: 30.06.2026;;;;;;
Kundennr;Kontakt am;Kanal;Antwort;Antwort am;Überweisung;Status
4711;05.01.2026 09:30;Telefon;ja;07.01.2026 09:30;1.234,50;
# nachgetragen
4712;05.01.2026;E-Mail;nein;06.01.2026;;
4713;29.03.2026 10:00;E-Mail;;;;
4714;kein Datum;Fax;;;;Storno
Summe;4;;;;;
"""


def _run(desk: Desk, *sources: Source, now: datetime = NOW) -> ImportReport:
    assert check_vocabulary(VOCABULARY) == []
    assert check_sources(sources, VOCABULARY) == []
    return import_sources(desk.log, sources, VOCABULARY, desk.files, desk.quarantine, now=now)


def _events(log: EventLog) -> list[dict[str, object]]:
    rows = [row for bucket in range(log.buckets) for row in log.read_bucket(bucket).to_pylist()]
    return sorted(rows, key=lambda row: (row["occurred_at"], row["customer_id"]))


def test_a_german_export_is_read_as_it_comes(desk: Desk) -> None:
    desk.put("kontakte.csv", EXPORT.encode("latin-1"))
    total = _run(desk, CONTACTS).total
    assert (total.read, total.accepted, total.skipped, total.further, total.quarantined) == (6, 5, 3, 2, 0)
    found = _events(desk.log)
    by_type = {(event["customer_id"], event["type"]): event for event in found}
    accepted = by_type["4711", "offer_accepted"]
    assert accepted["amount"] == 1234.5
    assert accepted["occurred_at"] == datetime(2026, 1, 7, 8, 30, tzinfo=UTC)
    assert dict(accepted["properties"]) == {"answer_days": "2", "offer": "tagesgeld_plus"}  # type: ignore[call-overload]
    assert by_type["4713", "offer_presented"]["occurred_at"] == datetime(2026, 3, 29, 8, tzinfo=UTC)
    assert by_type["4712", "offer_declined"]["channel"] == "email"
    again = _run(desk, CONTACTS).total
    assert (again.accepted, again.duplicates, again.skipped, again.further) == (0, 5, 3, 2)


def test_what_an_unfit_answer_costs_is_the_answer_and_not_the_contact(desk: Desk) -> None:
    desk.put("kontakte.csv", EXPORT.replace("07.01.2026 09:30", "7. Januar").encode("latin-1"))
    report = _run(desk, CONTACTS)
    assert (report.total.accepted, report.total.quarantined) == (4, 1)
    first = report.files[0].first
    assert first is not None
    assert first.detail == "occurred_at: got '7. Januar', expected the format %d.%m.%Y %H:%M or %d.%m.%Y"


def test_a_corrected_mapping_replaces_every_event_of_a_row(desk: Desk) -> None:
    desk.put("kontakte.csv", EXPORT.encode("latin-1"))
    _run(desk, CONTACTS)
    tokyo = _run(desk, replace(CONTACTS, time_zone="Asia/Tokyo"))
    assert (tokyo.replaced, desk.log.count()) == (5, 5)
    only_contacts = replace(CONTACTS, events=CONTACTS.events[:1])
    assert (_run(desk, only_contacts).replaced, desk.log.count()) == (5, 3)


def test_event_ids_of_one_row_differ(desk: Desk) -> None:
    desk.put("kontakte.csv", EXPORT.encode("latin-1"))
    source = replace(CONTACTS, columns={**CONTACTS.columns, "event_id": "Kundennr"})
    _run(desk, source)
    assert {event["event_id"] for event in _events(desk.log)} == {"4711", "4711-2", "4712", "4712-3", "4713"}


BOOKINGS = Source(
    name="bookings",
    files=("bookings.csv",),
    time_zone="UTC",
    columns={"customer_id": "client", "occurred_at": "day", "amount": "amount"},
    constants={"type": "payment"},
)


@pytest.mark.parametrize(
    ("written", "time_format", "expected"),
    [
        ("20260329101500", "%Y%m%d%H%M%S", datetime(2026, 3, 29, 10, 15, tzinfo=UTC)),
        ("930101", "%y%m%d", datetime(1993, 1, 1, tzinfo=UTC)),
        ("29-Mrz-26", "%d-%b-%y", datetime(2026, 3, 29, tzinfo=UTC)),
        ("3/9/2026 1:05 PM", "%m/%d/%Y %I:%M %p", datetime(2026, 3, 9, 13, 5, tzinfo=UTC)),
        ("29.03.2026 10:15+02:00", "%d.%m.%Y %H:%M%z", datetime(2026, 3, 29, 8, 15, tzinfo=UTC)),
        ("1774775700", "epoch_s", datetime(2026, 3, 29, 9, 15, tzinfo=UTC)),
        ("1774775700500", "epoch_ms", datetime(2026, 3, 29, 9, 15, 0, 500_000, tzinfo=UTC)),
        ("46110.4270833333", "excel", datetime(2026, 3, 29, 10, 15, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_the_declared_format(desk: Desk, written: str, time_format: str, expected: datetime) -> None:
    desk.put("bookings.csv", f"client,day,amount\nK1,{written},1\nK2,29/32,1\n")
    report = _run(desk, replace(BOOKINGS, time_format=time_format, thousands_mark=""))
    assert [event["occurred_at"] for event in _events(desk.log)] == [expected]
    assert report.total.quarantined == 1


def test_the_first_format_that_reads_a_time_counts(desk: Desk) -> None:
    desk.put("bookings.csv", "client,day,amount\nK1,2026-03-29,1\nK2,29.03.2026,1\nK3,1774742400,1\n")
    _run(desk, replace(BOOKINGS, time_format=("iso", "%d.%m.%Y", "epoch_s")))
    assert {event["occurred_at"] for event in _events(desk.log)} == {datetime(2026, 3, 29, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        ("keep", [-5.0, 7.0]),
        ("absolute", [5.0, 7.0]),
        ("reverse", [5.0, -7.0]),
        (Sign(column="dc", negative=("D",), positive=("C",)), [-5.0, 7.0]),
        (Sign(column="dc", negative=("C",), positive=("D",)), [5.0, -7.0]),
    ],
)
def test_a_source_says_the_sign_of_its_amounts(desk: Desk, sign: object, expected: list[float]) -> None:
    desk.put("bookings.csv", "client,day,amount,dc\nK1,2026-01-01,-5,D\nK2,2026-01-02,7,C\n")
    _run(desk, replace(BOOKINGS, sign=sign))  # type: ignore[arg-type]
    assert [event["amount"] for event in _events(desk.log)] == expected


def test_an_amount_without_a_known_sign_does_not_fit(desk: Desk) -> None:
    desk.put("bookings.csv", "client,day,amount,dc\nK1,2026-01-01,5,X\nK2,2026-01-02,7,C\n")
    report = _run(desk, replace(BOOKINGS, sign=Sign(column="dc", negative=("D",), positive=("C",))))
    assert report.files[0].first is not None
    assert report.files[0].first.detail.endswith("and D, C in 'dc'")


def test_debit_and_credit_become_events_of_two_types(desk: Desk) -> None:
    desk.put("bookings.csv", "client;day;amount\nK1;2026-01-01;12,50-\nK2;2026-01-02;7,00\n")
    events = (
        RowEvent(when=(Condition(column="amount", below=0),), constants={"type": "payment"}, sign="absolute"),
        RowEvent(when=(Condition(column="amount", above=0),), constants={"type": "deposit"}),
    )
    source = replace(BOOKINGS, constants={}, events=events, delimiter=";", decimal_mark=",")
    _run(desk, source)
    assert [(event["type"], event["amount"]) for event in _events(desk.log)] == [("payment", 12.5), ("deposit", 7.0)]


def test_columns_may_be_written_differently(desk: Desk) -> None:
    desk.put("bookings.csv", "client;day;booked;amount\nK1;29.03.2026;20260330;1,5\n")
    source = replace(
        BOOKINGS,
        columns={**BOOKINGS.columns, "available_at": "booked"},
        time_format="%d.%m.%Y",
        delimiter=";",
        formats={"booked": ColumnFormat(time_format="%Y%m%d"), "amount": ColumnFormat(decimal_mark=",")},
    )
    _run(desk, source)
    event = _events(desk.log)[0]
    assert (event["available_at"], event["amount"]) == (datetime(2026, 3, 30, tzinfo=UTC), 1.5)


def test_a_file_may_have_no_header(desk: Desk) -> None:
    desk.put("bookings.csv", "K1,2026-01-01,1\nK2,2026-01-02,2\n")
    columns = {"customer_id": "column 1", "occurred_at": "column 2", "amount": "column 3"}
    assert _run(desk, replace(BOOKINGS, header=("client", "day", "amount"))).total.accepted == 2
    assert _run(desk, replace(BOOKINGS, header="none", columns=columns)).total.duplicates == 2


def test_columns_may_be_set_apart_by_any_number_of_blanks(desk: Desk) -> None:
    desk.put("bookings.csv", " client  day        amount\nK1    2026-01-01\t\t1\n  K2  2026-01-02  2  \n")
    _run(desk, replace(BOOKINGS, delimiter="blanks"))
    assert [(event["customer_id"], event["amount"]) for event in _events(desk.log)] == [("K1", 1.0), ("K2", 2.0)]


def test_the_line_that_tells_a_spreadsheet_the_delimiter_is_no_header(desk: Desk) -> None:
    desk.put("bookings.csv", "sep=;\r\nclient;day;amount\r\nK1;2026-01-01;1\r\n")
    assert _run(desk, replace(BOOKINGS, delimiter=";")).total.accepted == 1


ACCOUNTS = Source(
    name="accounts",
    kind="lookup",
    files=("accounts.csv",),
    when=(Condition(column="role", any_of=("OWNER",)),),
)
BY_ACCOUNT = replace(BOOKINGS, lookup=Lookup(source="accounts", key="account", adds=("client",)))


def test_the_customer_of_an_account_is_looked_up_in_another_source(desk: Desk) -> None:
    desk.put("accounts.csv", "account,client,role\nA1,K1,OWNER\nA1,K2,USER\nA2,K3,OWNER\n")
    desk.put("bookings.csv", "account,day,amount\nA1,2026-01-01,1\nA2,2026-01-02,2\nA9,2026-01-02,2\n")
    report = _run(desk, ACCOUNTS, BY_ACCOUNT)
    assert [event["customer_id"] for event in _events(desk.log)] == ["K1", "K3"]
    assert report.files[0].first is not None
    assert report.files[0].first.raw == {"account": "A9", "day": "2026-01-02", "amount": "2", "client": None}
    desk.put("accounts.csv", "account,client,role\nA1,K7,OWNER\nA2,K3,OWNER\n")
    assert _run(desk, ACCOUNTS, BY_ACCOUNT).replaced == 1
    assert {event["customer_id"] for event in _events(desk.log)} == {"K7", "K3"}


def test_a_key_that_occurs_twice_is_refused(desk: Desk) -> None:
    desk.put("accounts.csv", "account,client,role\nA1,K1,OWNER\nA1,K2,OWNER\n")
    desk.put("bookings.csv", "account,day,amount\nA1,2026-01-01,1\n")
    with pytest.raises(SourceError, match="got account 'A1' 2 times, and 0 other keys"):
        _run(desk, ACCOUNTS, BY_ACCOUNT)


def test_a_value_that_is_not_listed_counts_as_other(desk: Desk) -> None:
    desk.put("people.csv", "client,day,job\nK1,2026-01-01,nurse\nK2,2026-01-01,smith\n")
    people = Source(
        name="people",
        kind="attributes",
        files=("people.csv",),
        columns={"customer_id": "client", "occurred_at": "day"},
        properties={"job": "job"},
    )
    assert _run(desk, people).total.quarantined == 0
    assert [dict(event["properties"]) for event in _events(desk.log)] == [{"job": "nurse"}, {"job": "other"}]  # type: ignore[call-overload]


def test_rows_without_ids_may_be_counted(desk: Desk) -> None:
    desk.put("bookings.csv", "day,amount\n2026-01-01,1\n2026-01-01,1\n")
    _run(desk, replace(BOOKINGS, columns={**BOOKINGS.columns, "customer_id": "#"}))
    assert {event["customer_id"] for event in _events(desk.log)} == {"1", "2"}


@pytest.mark.parametrize(
    ("change", "path", "what"),
    [
        ({"time_format": "DD.MM.YYYY"}, ("time_format",), "not a format of times"),
        ({"time_format": ("iso", "%d.%m")}, ("time_format", 1), "not a format of times"),
        ({"formats": {"nowhere": ColumnFormat()}}, ("formats", "nowhere"), "no field reads this column"),
        ({"when": (Condition(column="day"),)}, ("when", 0), "a condition that every row fulfils"),
        ({"when": (Condition(column="day", above=2, below=1),)}, ("when", 0), "a condition that no row fulfils"),
        ({"constants": {"type": "payment", "ofer": "x"}}, ("constants", "ofer"), "unknown field"),
        ({"lookup": Lookup(source="x", key="a", adds=("b",))}, ("lookup", "source"), "rows are looked up in a source of kind `lookup`"),  # noqa: E501
        ({"header": ("client", "day")}, ("header",), "the header lacks a column that is read"),
        ({"events": (RowEvent(constants={"type": "nothing"}),)}, ("events", 0, "constants", "type"), "unknown type"),
        ({"durations": {"offer": Duration(start="day", end="day")}}, ("durations", "offer"), "a duration is a number"),
        ({"query": "SELECT 1", "files": ()}, ("query",), "nothing says in which database to ask"),
        ({"sign": Sign(column="dc", negative=("D",), positive=("D",))}, ("sign",), "a value means both signs"),
    ],
)  # fmt: skip
def test_a_mapping_that_contradicts_itself_is_refused_with_its_place(
    change: dict[str, object], path: tuple[object, ...], what: str
) -> None:
    problems = check_sources([replace(BOOKINGS, **change)], VOCABULARY)  # type: ignore[arg-type]
    assert ((0, *path), what) in [(problem.path, problem.what) for problem in problems]
