from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from events.quarantine import Quarantine, Reason, Rejection, forget_in_quarantine
from events.report import ImportReport
from tests.events.build import GOOD, HEADER, SOURCE, Desk, csv_lines

_CASES: list[tuple[dict[str, str], Reason, str]] = [
    ({"customer": ""}, Reason.CUSTOMER_ID_MISSING, ""),
    ({"customer": "   "}, Reason.CUSTOMER_ID_MISSING, ""),
    ({"id": ""}, Reason.EVENT_ID_MISSING, ""),
    ({"time": ""}, Reason.TIME_MISSING, "occurred_at"),
    ({"time": "yesterday"}, Reason.TIME_UNREADABLE, "got 'yesterday'"),
    ({"time": "2026-02-30"}, Reason.TIME_UNREADABLE, "got '2026-02-30'"),
    ({"time": "1767603600"}, Reason.TIME_UNREADABLE, "got '1767603600'"),
    ({"time": "2026-07-01T00:00:01Z"}, Reason.TIME_IN_THE_FUTURE, "later than 2026-07-01"),
    ({"time": "9999-12-31"}, Reason.TIME_IN_THE_FUTURE, "9999-12-31"),
    ({"time": "0001-01-01"}, Reason.TIME_BEFORE_1970, "0001-01-01"),
    ({"time": "1900-01-01"}, Reason.TIME_BEFORE_1970, "1900-01-01"),
    ({"kind": ""}, Reason.TYPE_UNKNOWN, "missing"),
    ({"kind": "app_logon"}, Reason.TYPE_UNKNOWN, "'app_login' (did you mean it?)"),
    ({"kind": "customer_attributes"}, Reason.TYPE_UNKNOWN, "got 'customer_attributes'"),
    ({"channel": "ap"}, Reason.CHANNEL_UNKNOWN, "'app' (did you mean it?)"),
    ({"product": "saving"}, Reason.PRODUCT_UNKNOWN, "'savings' (did you mean it?)"),
    ({"amount": "12;50"}, Reason.AMOUNT_NOT_A_NUMBER, "got '12;50'"),
    ({"amount": "nan"}, Reason.AMOUNT_NOT_A_NUMBER, "got 'nan'"),
    ({"amount": "inf"}, Reason.AMOUNT_OUT_OF_BOUNDS, "got 'inf'"),
    ({"amount": "-100000000001"}, Reason.AMOUNT_OUT_OF_BOUNDS, "at most 1e+11"),
    ({"kind": "survey", "score": "ten"}, Reason.PROPERTY_UNFIT, "score: got 'ten', expected a number"),
    ({"kind": "survey", "score": "1e12"}, Reason.PROPERTY_UNFIT, "at most 1e+11"),
    ({"kind": "survey", "mood": "great"}, Reason.PROPERTY_UNFIT, "one of bad, good"),
    ({"kind": "survey", "again": "perhaps"}, Reason.PROPERTY_UNFIT, "true or false"),
]


def _rows(report: ImportReport) -> list[dict[str, Any]]:
    assert report.quarantine is not None
    return [json.loads(line) for line in report.quarantine.read_text().splitlines()]


@pytest.mark.parametrize(("change", "reason", "detail"), _CASES)
def test_a_row_that_cannot_be_an_event_is_kept_with_its_reason(
    desk: Desk, change: dict[str, str], reason: Reason, detail: str
) -> None:
    bad = {**GOOD, "id": "bad", **change}
    report = desk.run_rows(GOOD, bad, {**GOOD, "id": "e3"})
    assert report.total.accepted == 2
    assert report.total.reasons == {reason: 1}
    (row,) = _rows(report)
    assert (row["source"], row["file"], row["row"], row["reason"]) == ("crm", "crm.csv", 2, reason.value)
    assert detail in row["detail"]
    assert row["raw"] == {name: bad.get(name, "") for name in HEADER}


def test_an_event_available_before_it_occurred_is_quarantined(desk: Desk) -> None:
    source = replace(SOURCE, columns={**SOURCE.columns, "available_at": "offer"}, properties={})
    rows = [
        {**GOOD, "offer": "2026-01-05T08:59:59Z"},
        {**GOOD, "id": "e2", "offer": "2026-01-06"},
        {**GOOD, "id": "e3", "offer": ""},
        {**GOOD, "id": "e4", "offer": "2026-12-01"},
    ]
    desk.put("crm.csv", csv_lines(rows))
    report = desk.run(source)
    assert report.total.accepted == 1
    assert [row["reason"] for row in _rows(report)] == [
        Reason.AVAILABLE_BEFORE_OCCURRED,
        Reason.TIME_MISSING,
        Reason.TIME_IN_THE_FUTURE,
    ]


def test_an_id_with_other_content_is_quarantined_whether_it_came_before_or_in_the_same_file(desk: Desk) -> None:
    desk.run_rows(GOOD)
    report = desk.run_rows({**GOOD, "amount": "5"}, {**GOOD, "id": "e2"}, {**GOOD, "id": "e2", "channel": "web"}, GOOD)
    assert (report.total.accepted, report.total.duplicates) == (1, 1)
    assert report.total.reasons == {Reason.EVENT_ID_CONFLICT: 2}
    assert [(row["row"], row["detail"]) for row in _rows(report)] == [(1, "event id 'e1'"), (3, "event id 'e2'")]


def test_rows_of_a_csv_file_with_too_many_or_too_few_fields_keep_their_numbers(desk: Desk) -> None:
    good = csv_lines([GOOD, {**GOOD, "id": "e2"}]).splitlines()
    lines = [
        good[0],
        "short,row",
        good[1],
        "",
        good[2],
        good[2] + ",more",
        good[2].replace("e2", "e3").replace("app_", ""),
    ]
    desk.put("crm.csv", "\n".join(lines) + "\n")
    report = desk.run()
    assert report.total.read == 5
    assert [(row["row"], row["reason"]) for row in _rows(report)] == [
        (1, Reason.FIELD_COUNT_WRONG),
        (4, Reason.FIELD_COUNT_WRONG),
        (5, Reason.TYPE_UNKNOWN),
    ]
    assert _rows(report)[0]["raw"] == "short,row"
    assert "got 2 fields, expected 11" in _rows(report)[0]["detail"]


def test_a_row_of_a_csv_file_that_is_not_utf_8_is_quarantined(desk: Desk) -> None:
    lines = csv_lines([GOOD, {**GOOD, "id": "bad", "offer": "caf?"}, {**GOOD, "id": "e3"}]).encode()
    desk.put("crm.csv", lines.replace(b"caf?", b"caf\xe9"))
    report = desk.run()
    assert report.total.reasons == {Reason.ENCODING_BROKEN: 1}
    (row,) = _rows(report)
    assert (row["row"], row["raw"]["offer"]) == (2, "caf\\xe9")
    assert report.total.accepted == 2


def test_broken_lines_of_json_are_quarantined_with_their_text(desk: Desk) -> None:
    good = json.dumps(GOOD).encode()
    lines = [good, b'{"id": "e2", ', b'["a list"]', b"", b'{"id": "\xff"}', b'{"id": "\\ud800"}', b'"text"']
    desk.put("crm.jsonl", b"\n".join(lines) + b"\n")
    report = desk.run(replace(SOURCE, files=("crm.jsonl",)))
    assert (report.total.read, report.total.accepted) == (6, 1)
    assert [(row["row"], row["reason"]) for row in _rows(report)] == [
        (2, Reason.LINE_BROKEN),
        (3, Reason.LINE_BROKEN),
        (5, Reason.ENCODING_BROKEN),
        (6, Reason.ENCODING_BROKEN),
        (7, Reason.LINE_BROKEN),
    ]
    assert _rows(report)[0]["raw"] == '{"id": "e2",'


def test_nothing_is_written_where_nothing_is_quarantined(desk: Desk) -> None:
    assert desk.run_rows(GOOD).quarantine is None
    assert list(desk.quarantine.iterdir()) == []


def test_of_an_erased_customer_no_row_is_left_and_those_of_others_stay(tmp_path):
    assert forget_in_quarantine(tmp_path / "none", "7") == 0
    raws = [
        {"client": "7"},
        {"client": "71"},
        "7;5",
        {"note": ["asks for 7, twice"]},
        {"client": 7},
        {"amount": 7.5},
        None,
    ]
    with Quarantine(tmp_path) as quarantine:
        for row, raw in enumerate(raws):
            quarantine.add("bank", "a.csv", Rejection(row, Reason.TYPE_UNKNOWN, "", raw))
    assert forget_in_quarantine(tmp_path, "7") == 4
    assert quarantine.file is not None
    left = [json.loads(line)["row"] for line in quarantine.file.read_text().splitlines()]
    assert left == [1, 5, 6]
    assert forget_in_quarantine(tmp_path, "7") == 0
