from __future__ import annotations

import math
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.checks import check_sources
from events.numbers import PLAIN, Marks
from events.quarantine import Reason
from tests.events.build import GOOD, SOURCE, VOCABULARY, Desk, csv_lines

UNDECLARED, GERMAN, SWISS = Marks(".", None), Marks(",", "."), Marks(".", "'")
FRENCH, ENGLISH, POINT, COMMA = Marks(",", " "), Marks(".", ","), Marks(".", ""), Marks(",", None)
ALL = [UNDECLARED, GERMAN, SWISS, FRENCH, ENGLISH, POINT, COMMA, PLAIN]


@pytest.mark.parametrize(
    ("marks", "text", "number"),
    [
        (UNDECLARED, "1.234", None),
        (UNDECLARED, "-7.000", None),
        (UNDECLARED, "0.125", 0.125),
        (UNDECLARED, "1234.567", 1234.567),
        (UNDECLARED, "1.2345", 1.2345),
        (UNDECLARED, "1.234,50", None),
        (UNDECLARED, "12,5", None),
        (POINT, "1.234", 1.234),
        (COMMA, "1,234", None),
        (COMMA, "12,50", 12.5),
        (COMMA, "1.5", None),
        (GERMAN, "1.234", 1234.0),
        (GERMAN, "12.500.000", 12_500_000.0),
        (GERMAN, "1.234,5", 1234.5),
        (GERMAN, "1234,5", 1234.5),
        (GERMAN, "12.34", None),
        (GERMAN, "1.2345", None),
        (GERMAN, ".234", None),
        (FRENCH, "1\u202f234,5", 1234.5),
        (FRENCH, "1 234\u00a0567", 1_234_567.0),
        (ENGLISH, "-1,234.5", -1234.5),
        (SWISS, "1'234.50", 1234.5),
        (PLAIN, "1_000", None),
        (PLAIN, "\u0661", None),
        (PLAIN, "1e3", 1000.0),
        (PLAIN, "+.5", 0.5),
        (PLAIN, "5.", 5.0),
    ],
)
def test_a_number_is_read_with_the_marks_that_are_declared(marks: Marks, text: str, number: float | None) -> None:
    assert marks.number(text) == number


@settings(max_examples=300)
@given(
    st.lists(st.text("0123456789.,'+-eE \u00a0infnan", max_size=9) | st.from_regex(PLAIN._written, fullmatch=True)),
    st.sampled_from(ALL),
)
def test_a_column_is_read_as_its_texts_are_one_by_one(texts: list[str], marks: Marks) -> None:
    found = marks.numbers(pa.array(texts, pa.string())).to_pylist()
    expected = [marks.number(text) for text in texts]
    assert [str(one) for one in found] == [str(one) for one in expected]


@settings(max_examples=300)
@given(st.floats(-1e11, 1e11, allow_nan=False), st.integers(0, 6), st.sampled_from(ALL))
def test_a_number_is_read_as_it_was_meant_or_not_at_all(number: float, decimals: int, marks: Marks) -> None:
    written = (
        f"{number:,.{decimals}f}".replace(",", "T").replace(".", marks.decimal).replace("T", marks.thousands or "")
    )
    read = marks.number(written)
    assert read is None or math.isclose(read, round(number, decimals), rel_tol=1e-12, abs_tol=1e-12)
    assert read is not None or marks.is_ambiguous(written)


def test_a_number_that_may_be_meant_either_way_is_refused_until_somebody_says_how(desk: Desk) -> None:
    rows = [{**GOOD, "id": f"e{n}", "amount": text} for n, text in enumerate(["1.234", "1.23", "0.123", "7"])]
    rows.append({**GOOD, "id": "s", "kind": "survey", "score": "1.234"})
    desk.put("crm.csv", csv_lines(rows))
    report = desk.run()
    assert report.total.reasons == {Reason.AMOUNT_NOT_A_NUMBER: 1, Reason.PROPERTY_UNFIT: 1}
    assert report.quarantine is not None
    assert report.quarantine.read_text().count("`thousands_mark`") == 2
    assert desk.run(replace(SOURCE, thousands_mark="")).total.quarantined == 0
    assert sorted(desk.all_events()["amount"].to_pylist()[:4]) == [0.123, 1.23, 1.234, 7.0]


def test_one_mark_cannot_stand_for_two_things() -> None:
    (problem,) = check_sources([replace(SOURCE, thousands_mark=".")], VOCABULARY)
    assert problem.path == (0, "thousands_mark")
