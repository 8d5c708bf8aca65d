from __future__ import annotations

import csv
import io
from collections.abc import Container
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from events import reading_text
from events.csv_records import Records
from events.mapping import Source
from events.quarantine import Reason
from tests.events.build import Desk

HEAD = "client;booked_at;kind;amount;offer\n"
BOOKINGS = Source(
    name="bookings",
    files=("b.csv",),
    delimiter=";",
    columns={"customer_id": "client", "occurred_at": "booked_at", "type": "kind", "amount": "amount"},
    properties={"offer": "offer"},
)


def _row(number: int, text: str = "Bakery", *, kind: str = "offer_presented") -> str:
    return f"K{number};2026-03-02 09:0{number}:00;{kind};1.50;{text}\n"


def _run(desk: Desk, content: str | bytes, source: Source = BOOKINGS) -> tuple[list[str], dict[Reason, int], int]:
    desk.put("b.csv", content)
    report = desk.run(source).total
    assert report.read == report.accepted + report.duplicates + report.skipped + report.quarantined
    return sorted(desk.all_events()["customer_id"].to_pylist()), dict(report.reasons), report.read


def test_a_quote_that_never_closes_costs_its_line_alone(desk: Desk) -> None:
    found = _run(desk, HEAD + _row(1) + _row(2, '"Nail shop, 5 inch') + _row(3) + _row(4) + _row(5))
    assert found == (["K1", "K3", "K4", "K5"], {Reason.QUOTE_BROKEN: 1}, 5)


def test_a_quote_that_closes_before_its_field_ends_costs_its_line_alone(desk: Desk) -> None:
    found = _run(desk, HEAD + _row(1) + _row(2, '"Nail shop" 5 inch') + _row(3, '"5 \\" nails"') + _row(4))
    assert found == (["K1", "K4"], {Reason.QUOTE_BROKEN: 2}, 4)


@pytest.mark.parametrize("closing", ['TV 40"', 'Fuel"', '"'])
@pytest.mark.parametrize("place", [0, 4])
def test_records_that_two_lone_quotes_enclose_do_not_vanish(desk: Desk, closing: str, place: int) -> None:
    def odd(number: int, text: str) -> str:
        fields = _row(number).rstrip("\n").split(";")
        fields[place] = text
        return ";".join(fields) + "\n"

    ids, reasons, read = _run(desk, HEAD + _row(1) + odd(2, '"Nail') + _row(3) + odd(4, closing) + _row(5))
    assert (ids, reasons, read) == (["K1", "K5"], {Reason.QUOTE_BROKEN: 3}, 5)


def test_a_quote_in_the_middle_of_a_field_is_a_letter(desk: Desk) -> None:
    assert _run(desk, HEAD + _row(1, 'TV 40"') + _row(2, 'the "best" one')) == (["K1", "K2"], {}, 2)
    assert [dict(row)["offer"] for row in desk.all_events()["properties"].to_pylist()] == ['TV 40"', 'the "best" one']


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_quoted_lines_stay_one_field(desk: Desk, end: str) -> None:
    texts = ['"one\ntwo"', '"a;b\n\nc;d"', '""', '"say ""ja""\n"', '"x"']
    content = HEAD + "".join(_row(number, text) for number, text in enumerate(texts)) + "\n" + _row(9)
    assert _run(desk, content.replace("\n", end)) == (["K0", "K1", "K2", "K3", "K4", "K9"], {}, 6)


def test_a_text_that_mentions_a_time_is_still_one_field(desk: Desk) -> None:
    text = '"called at\n2026-03-02 10:00:00\n;;;;\nK9;soon;offer_presented;1;x"'
    assert _run(desk, HEAD + _row(1, text) + _row(2)) == (["K1", "K2"], {}, 2)


def test_of_a_system_that_does_not_quote_every_line_is_a_record(desk: Desk) -> None:
    content = HEAD + _row(1, '"Nail') + _row(2, '40"') + _row(3, '"x"y')
    assert _run(desk, content, replace(BOOKINGS, quotes=False)) == (["K1", "K2", "K3"], {}, 3)


def test_zeros_and_broken_letters_cost_their_rows(desk: Desk) -> None:
    content = HEAD + _row(1) + _row(2, "a\0b") + _row(3).replace("K3", "K\0") + "".join(_row(n) for n in range(4, 8))
    raw = content.encode().replace(b"K7", b"K\xff")
    assert _run(desk, raw) == (["K1", "K4", "K5", "K6"], {Reason.ENCODING_BROKEN: 3}, 7)


def test_line_ends_of_all_kinds_in_one_file(desk: Desk) -> None:
    lines = [_row(number).rstrip("\n") for number in range(1, 6)]
    content = (
        HEAD.strip()
        + "\r\n\r\n"
        + "".join(a + b for a, b in zip(lines, ["\r", "\n", "\r\n\r\n", "\n\r", ""], strict=True))
    )
    assert _run(desk, content) == (["K1", "K2", "K3", "K4", "K5"], {}, 5)


def test_a_header_may_be_quoted_and_have_nameless_columns(desk: Desk) -> None:
    head = '"client";"booked_at";kind;"amount";"offer";;\n'
    assert _run(desk, "\n" + head + _row(1).replace("\n", ";;\n")) == (["K1"], {}, 1)


def test_the_numbers_of_rows_count_every_record_above_them(desk: Desk) -> None:
    rows = [_row(1), _row(2, '"lone'), _row(3, '"two\nlines"'), "short;row\n", _row(5, kind="dance")]
    desk.put("b.csv", HEAD + "".join(rows))
    report = desk.run(BOOKINGS)
    assert report.quarantine is not None
    import json

    found = [json.loads(line) for line in report.quarantine.read_text().splitlines()]
    assert [(row["row"], row["reason"]) for row in found] == [
        (2, Reason.QUOTE_BROKEN),
        (4, Reason.FIELD_COUNT_WRONG),
        (5, Reason.TYPE_UNKNOWN),
    ]
    assert found[0]["raw"] == _row(2, '"lone').strip()


def test_a_long_field_is_a_field_and_one_that_is_too_long_a_broken_quote(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_text, "_BLOCK", 1000)
    monkeypatch.setattr("events.csv_records.LONGEST_RECORD", 5000)
    content = HEAD + _row(1, '"' + "x\n" * 2000 + '"') + _row(2, '"' + "x\n" * 3000 + '"') + _row(3)
    ids, reasons, read = _run(desk, content)
    assert (ids, read) == (["K1", "K3"], 2 + 1 + 3000)
    assert reasons == {Reason.QUOTE_BROKEN: 2, Reason.FIELD_COUNT_WRONG: 2999}  # the one that closed opens one now


_PIECES = st.sampled_from(
    ['"', '""', '"', ";", "\n", "\r\n", "\r", "a", "K1;2026-03-02;x\n", "2026-03-02", 'K2;2026-03-02;"x', "y\0"]
)


def _is_time(text: bytes) -> bool:
    return text == b"2026-03-02"


def _slowly(text: str, columns: int, time: int, times: Container[str] = ("2026-03-02",)) -> tuple[list[str], list[str]]:
    """Return good records and broken lines, found letter by letter."""
    good: list[str] = []
    broken: list[str] = []
    place = 0
    while place < len(text):
        if text[place] in "\r\n":
            place += 1
            continue
        end, fields = _one_record(text, place)
        line_end = min((at for at in (text.find("\n", place), text.find("\r", place)) if at >= 0), default=len(text))
        if end is None:
            broken.append(text[place:line_end])
            place = line_end
        elif any(_encloses_records(field, at, columns, time, times) for at, field in enumerate(fields)):
            broken += [line for line in text[place:end].replace("\r", "\n").split("\n") if line]
            place = end
        else:
            good.append(text[place:end])
            place = end
    return good, broken


def _one_record(text: str, place: int) -> tuple[int | None, list[str]]:
    fields = []
    while True:
        start = place
        if text[place : place + 1] == '"':
            place += 1
            while text[place : place + 1] != '"' or text[place : place + 2] == '""':
                if place >= len(text):
                    return None, []
                place += 2 if text[place] == '"' else 1
            place += 1
        else:
            while place < len(text) and text[place] not in ";\r\n":
                place += 1
        fields.append(text[start:place])
        if place == len(text) or text[place] in "\r\n":
            return place, fields
        if text[place] != ";":
            return None, []
        place += 1


def _encloses_records(field: str, at: int, columns: int, time: int, times: Container[str]) -> bool:
    lines = [line.split(";") for line in field.replace("\r", "\n").replace("\n", "\n").split("\n")]
    lines = [lines[0], *(line for line in lines[1:-1] if line != [""]), *lines[1:][-1:]]
    if len(lines) == 1:
        return False
    if any(len(line) == columns and line[time].strip('"') in times for line in lines[1:-1]):
        return True
    if len(lines[0]) != columns - at or len(lines[-1]) != at + 1:
        return False
    if time == at:
        return True
    return (lines[0][time - at] if time > at else lines[-1][time]).strip('"') in times


@settings(max_examples=400, deadline=None)
@given(st.lists(_PIECES, max_size=25), st.lists(st.integers(0, 200), max_size=4), st.integers(0, 2))
@example(['"', "\n", 'K2;2026-03-02;"x', "\n", '"'], [2, 3, 5], 1)
def test_cutting_finds_what_reading_letter_by_letter_finds(pieces: list[str], cuts: list[int], time: int) -> None:
    text = "".join(pieces)
    records = Records(b";", 3, True, time, _is_time)
    good, broken, numbers, rest = [], [], [], b""
    places = sorted({min(cut, len(text)) for cut in cuts})
    for start, end in zip([0, *places], [*places, len(text)], strict=True):
        cut = records.cut(rest + text[start:end].encode(), last=start == (places or [0])[-1])
        good.append(cut.good)
        broken += [(one.number, one.line.decode()) for one in cut.broken]
        numbers += cut.numbers.tolist()
        rest = cut.rest
    assert rest == b""
    expected_good, expected_broken = _slowly(text, 3, time)
    whole = b"".join(good).decode()
    zeros = [record for record in expected_good if "\0" in record]
    assert [raw for _, raw in sorted(broken) if raw not in zeros] == expected_broken
    assert _slowly(whole, 3, time)[0] == [record for record in expected_good if record not in zeros]
    assert sorted([*numbers, *(row for row, _ in broken)]) == list(
        range(1, len(expected_good) + len(expected_broken) + 1)
    )


_TEXTS = st.text(st.sampled_from('abc;,"\n\r \u00e4'), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(_TEXTS, min_size=1, max_size=6), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_what_a_csv_library_writes_is_read_whole(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], quoting: int
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", quoting=quoting)  # type: ignore[arg-type]  # one of the module's constants
    writer.writerow(["client", "booked_at", "kind", "amount", "offer"])
    for number, text in enumerate(texts):
        writer.writerow([f"K{number}", "2026-03-02", "offer_presented", "1", text])
    ids, reasons, read = _run(desk, out.getvalue())
    assert (read, reasons) == (len(texts), {})
    told = {row["customer_id"]: dict(row["properties"]).get("offer", "") for row in desk.all_events().to_pylist()}
    assert [told[customer] for customer in ids] == [text.strip() for text in texts]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    body=st.lists(
        st.binary(max_size=20) | st.sampled_from([_row(n).encode() for n in range(5)]) | st.sampled_from([b'"', b"\n"]),
        max_size=12,
    )
)
def test_of_any_bytes_every_record_is_accepted_or_quarantined(
    tmp_path_factory: pytest.TempPathFactory, body: list[bytes]
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    rows = [_row(8).encode()] * 40  # so that broken letters are in fewer than half of the rows
    raw = HEAD.encode() + b"".join(rows) + b"".join(body)
    times = [f"2026-03-02 09:0{number}:00" for number in range(9)]
    good, broken = _slowly(raw.decode("latin-1"), 5, 1, times)
    _, _, read = _run(desk, raw)
    assert read == len(good) + len(broken) - 1
    assert {row.year for row in desk.all_events()["occurred_at"].to_pylist()} <= {2026}
    assert desk.all_events()["occurred_at"].to_pylist()[0] >= datetime(2026, 1, 1, tzinfo=UTC)
