from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from events.quarantine import Reason
from events.report import ImportReport
from tests.events.build import GOOD, SOURCE, Desk

JSON_LINES = replace(SOURCE, files=("crm.jsonl",))


def _run(desk: Desk, *lines: str, encoding: str = "utf-8") -> tuple[list[str], list[tuple[int, str]]]:
    desk.put("crm.jsonl", ("\n".join(lines) + "\n").encode(encoding))
    report = desk.run(replace(JSON_LINES, encoding=encoding))
    return sorted(desk.all_events()["customer_id"].to_pylist()), [(row["row"], row["reason"]) for row in _rows(report)]


def _rows(report: ImportReport) -> list[dict[str, Any]]:
    return [] if report.quarantine is None else [json.loads(row) for row in report.quarantine.read_text().splitlines()]


def _line(literal: str, number: int = 1) -> str:
    return json.dumps({**GOOD, "id": f"e{number}", "customer": "?"}).replace('"?"', literal)


@pytest.mark.parametrize(
    ("literal", "customer"),
    [
        ('"K1"', "K1"),
        ("7", "7"),
        ("-7", "-7"),
        ("7.0", "7"),
        ("1e3", "1000"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("9007199254740991.0", "9007199254740991"),
    ],
)
def test_texts_and_whole_numbers_are_ids(desk: Desk, literal: str, customer: str) -> None:
    assert _run(desk, _line(literal)) == ([customer], [])


@pytest.mark.parametrize(
    "literal",
    [
        "true",
        '{"id": "K1"}',
        '["K1"]',
        "[]",
        "7.5",
        "NaN",
        "Infinity",
        "9007199254740992.0",
        "4.8e18",
        "1e999",
        '"\\u0000"',
    ],
)
def test_nothing_else_is(desk: Desk, literal: str) -> None:
    assert _run(desk, _line('"K1"'), _line(literal, 2)) == (["K1"], [(2, Reason.CUSTOMER_ID_UNFIT)])


def test_a_line_that_says_a_key_twice_is_broken(desk: Desk) -> None:
    twice = _line('"K1", "customer": "K2"', 2)
    nested = json.dumps({**GOOD, "id": "e3", "more": "?"}).replace('"?"', '[{"a": 1, "a": 1}]')
    assert _run(desk, _line('"K1"'), twice, nested) == (["K1"], [(2, Reason.LINE_BROKEN), (3, Reason.LINE_BROKEN)])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "cp1252", "utf-8-sig"])
def test_lines_are_split_after_decoding(desk: Desk, encoding: str) -> None:
    assert _run(desk, _line('"R\u00fc\u010a"') if "utf" in encoding else _line('"R\u00fc"'), encoding=encoding)[1] == []
    assert desk.log.count() == 1


def test_an_array_is_not_lines(desk: Desk) -> None:
    assert _run(desk, "[", _line('"K1"') + ",", _line('"K2"', 2), "]")[0] == ["K2"]
    assert _run(desk, f"[{_line('1')}]") == (["K2"], [(1, Reason.LINE_BROKEN)])


def test_separators_of_unicode_do_not_end_a_line(desk: Desk) -> None:
    line = json.dumps({**GOOD, "offer": "a\u2028b\x85c"}, ensure_ascii=False)
    assert _run(desk, line + "\r", _line('"K2"', 2)) == (["K2", "c1"], [])


def test_numbers_are_numbers_whatever_the_marks_of_texts(desk: Desk) -> None:
    lines = [
        json.dumps({**GOOD, "id": name, "kind": "survey", "amount": "?", "score": "?"}).replace('"?"', literal)
        for name, literal in {"a": "1.234", "b": "1e3", "c": "-7.000", "d": "2.5"}.items()
    ]
    desk.put("crm.jsonl", "\n".join(lines))
    for source in (
        JSON_LINES,
        replace(JSON_LINES, decimal_mark=","),
        replace(JSON_LINES, decimal_mark=",", thousands_mark="."),
    ):
        assert desk.run(source).total.quarantined == 0
        assert desk.all_events()["amount"].to_pylist() == [1.234, 1000.0, -7.0, 2.5]
        assert [row[0][1] for row in desk.all_events()["properties"].to_pylist()] == ["1.234", "1000", "-7", "2.5"]


def test_what_python_cannot_read_costs_its_line(desk: Desk) -> None:
    huge, deep = "9" * 5000, "[" * 100_000
    lines = [_line(huge), json.dumps({**GOOD, "amount": "?"}).replace('"?"', huge), deep, _line('"K1"', 4)]
    assert _run(desk, *lines) == (
        ["K1"],
        [(1, Reason.CUSTOMER_ID_UNFIT), (2, Reason.AMOUNT_OUT_OF_BOUNDS), (3, Reason.LINE_BROKEN)],
    )


def test_values_within_objects_have_their_path(desk: Desk) -> None:
    nested = replace(JSON_LINES, columns={**JSON_LINES.columns, "customer_id": "person.keys.id"})
    lines = [
        {**GOOD, "id": "e1", "person": {"keys": {"id": "K1"}}},
        {**GOOD, "id": "e2", "person": {"keys": {"id": 7}}},
        {**GOOD, "id": "e3", "person.keys.id": "K3", "person": {"keys": {"id": "another"}}},
        {**GOOD, "id": "e4", "person": {"keys": ["K4"]}},
        {**GOOD, "id": "e5", "person": {"keys": {"id": {"K": 5}}}},
    ]
    desk.put("crm.jsonl", ("\n".join(map(json.dumps, lines)) + "\n").encode())
    report = desk.run(nested)
    assert sorted(desk.all_events()["customer_id"].to_pylist()) == ["7", "K1", "K3"]
    assert [(row["row"], row["reason"]) for row in _rows(report)] == [
        (4, Reason.CUSTOMER_ID_MISSING),
        (5, Reason.CUSTOMER_ID_UNFIT),
    ]
