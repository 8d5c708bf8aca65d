from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.errors import Problem
from events.checks import check_sources, check_vocabulary
from events.vocabulary import ATTRIBUTES_TYPE, ContactEvents, EventType, Property
from tests.events.build import SOURCE, VOCABULARY

PEOPLE = replace(
    SOURCE,
    name="people",
    kind="attributes",
    columns={"customer_id": "c", "occurred_at": "t"},
    properties={"region": "r"},
)


def _found(problems: list[Problem], *path: str | int) -> str:
    (problem,) = problems
    assert problem.path == path
    return problem.sentence()


def test_a_vocabulary_and_sources_that_fit_have_no_problems() -> None:
    assert check_vocabulary(VOCABULARY) == []
    assert check_sources([SOURCE, PEOPLE], VOCABULARY) == []


@pytest.mark.parametrize(
    ("change", "path", "sentence"),
    [
        ({"channels": ("app", "e-mail")}, ("channels", 1), "got 'e-mail'"),
        ({"channels": ("app", "app")}, ("channels", 1), "listed twice"),
        ({"products": ("Loan",)}, ("products", 0), "lower case"),
        ({"products": ("savings", "web")}, ("products", 1), "name of a channel"),
        ({"attributes": {"birth-year": Property(type="number")}}, ("attributes", "birth-year"), "lower case"),
        (
            {"attributes": {"age": Property(type="number", values=("1",))}},
            ("attributes", "age", "values"),
            "only a category",
        ),
        ({"attributes": {"region": Property()}}, ("attributes", "region"), "no values"),
        ({"attributes": {"region": Property(values=("a", "b", "a"))}}, ("attributes", "region", "values", 2), "twice"),
        (
            {"contacts": ContactEvents(presented="offer_shown", accepted="offer_accepted")},
            ("contacts", "presented"),
            "'offer_presented' (did you mean it?)",
        ),
        (
            {"contacts": ContactEvents(presented="app_login", accepted="offer_accepted")},
            ("contacts", "presented"),
            "the property 'offer'",
        ),
        (
            {"contacts": ContactEvents(presented="offer_presented", accepted="offer_presented")},
            ("contacts", "accepted"),
            "two roles",
        ),
        (
            {
                "contacts": ContactEvents(
                    presented="offer_presented", accepted="offer_accepted", selection_probability_property="offer"
                )
            },
            ("contacts", "selection_probability_property"),
            "got 'offer', of type",
        ),
        (
            {
                "contacts": ContactEvents(
                    presented="offer_presented", accepted="offer_accepted", selection_probability_property="chance"
                )
            },
            ("contacts", "selection_probability_property"),
            "got 'chance', expected a property of type number of 'offer_presented'",
        ),
    ],
)
def test_what_is_wrong_with_a_vocabulary_is_said_with_its_place(
    change: dict[str, Any], path: tuple[str | int, ...], sentence: str
) -> None:
    assert sentence in _found(check_vocabulary(replace(VOCABULARY, **change)), *path)


@pytest.mark.parametrize(
    ("name", "event_type", "path", "sentence"),
    [
        (ATTRIBUTES_TYPE, EventType(description=""), ("types", ATTRIBUTES_TYPE), "reserved"),
        ("1st", EventType(description=""), ("types", "1st"), "a letter first"),
        ("call", EventType(description="", groups=("Busy",)), ("types", "call", "groups", 0), "got 'Busy'"),
        (
            "call",
            EventType(description="", properties={"mood": Property(type="text", values=("a",))}),
            ("types", "call", "properties", "mood", "values"),
            "only a category has values: got type text, expected type category",
        ),
    ],
)
def test_what_is_wrong_with_a_type_is_said_with_its_place(
    name: str, event_type: EventType, path: tuple[str | int, ...], sentence: str
) -> None:
    changed = replace(VOCABULARY, types={**VOCABULARY.types, name: event_type})
    assert sentence in _found(check_vocabulary(changed), *path)


def test_a_vocabulary_without_types_is_empty() -> None:
    changed = replace(VOCABULARY, types={}, contacts=None)
    assert "no event types" in _found(check_vocabulary(changed), "types")


def _without(field: str) -> dict[str, Any]:
    return {name: column for name, column in SOURCE.columns.items() if name != field}


@pytest.mark.parametrize(
    ("change", "path", "sentence"),
    [
        ({"files": ()}, ("files",), "names no files"),
        ({"files": ("/etc/*.csv",)}, ("files", 0), "leaves the bank's source folder"),
        ({"files": ("../x.csv",)}, ("files", 0), "leaves the bank's source folder"),
        ({"time_zone": "Europe/Amsterdm"}, ("time_zone",), "'Europe/Amsterdam' (did you mean it?)"),
        ({"time_zone": "../etc"}, ("time_zone",), "unknown time zone"),
        ({"encoding": "utf-9"}, ("encoding",), "unknown encoding"),
        ({"delimiter": "||"}, ("delimiter",), "one character"),
        ({"columns": {**SOURCE.columns, "chanel": "x"}}, ("columns", "chanel"), "'channel' (did you mean it?)"),
        ({"columns": {**SOURCE.columns, "amount": ("a", "b")}}, ("columns", "amount"), "only ids can be joined"),
        ({"columns": {**SOURCE.columns, "event_id": ()}}, ("columns", "event_id"), "no columns to read from"),
        ({"columns": _without("customer_id")}, ("columns",), "'customer_id' under columns"),
        ({"columns": _without("occurred_at")}, ("columns",), "'occurred_at' under columns"),
        ({"columns": _without("type")}, ("columns",), "'type' under columns"),
        ({"constants": {"chanel": "app"}}, ("constants", "chanel"), "unknown field"),
        (
            {"constants": {"decision_id": "app"}, "columns": {**SOURCE.columns, "decision_id": "d"}},
            ("constants", "decision_id"),
            "twice",
        ),
        (
            {"columns": _without("channel"), "constants": {"channel": "ap"}},
            ("constants", "channel"),
            "'app' (did you mean it?)",
        ),
        ({"columns": _without("amount"), "constants": {"amount": "much"}}, ("constants", "amount"), "a number"),
        ({"value_columns": {"decision_id": ("a", "b")}}, ("value_columns", "decision_id"), "only names can be joined"),
        ({"properties": {"scre": "s"}}, ("properties", "scre"), "'score' (did you mean it?)"),
        ({"values": {"type": {"LGN": "app_logn"}}}, ("values", "type", "LGN"), "'app_login' (did you mean it?)"),
        ({"values": {"product": {"X": "house"}}}, ("values", "product", "X"), "unknown product"),
        ({"values": {"mood": {"X": "god"}}}, ("values", "mood", "X"), "a value that 'mood' cannot have"),
        ({"values": {"amount": {"X": "1"}}}, ("values", "amount"), "cannot be mapped"),
        ({"skip": {"decision_id": ("x",)}}, ("skip", "decision_id"), "cannot be skipped"),
        ({"skip": {"amount": ("1",)}}, ("skip", "amount"), "cannot be skipped"),
    ],
)
def test_what_is_wrong_with_a_source_is_said_with_its_place(
    change: dict[str, Any], path: tuple[str | int, ...], sentence: str
) -> None:
    assert sentence in _found(check_sources([PEOPLE, replace(SOURCE, **change)], VOCABULARY), 1, *path)


def test_a_name_that_is_mapped_to_be_left_out_need_not_be_known() -> None:
    source = replace(SOURCE, values={"type": {"PING": "heartbeat"}}, skip={"type": ("heartbeat",)})
    assert check_sources([source], VOCABULARY) == []


@pytest.mark.parametrize(
    ("change", "path", "sentence"),
    [
        ({"properties": {}}, ("properties",), "reads no attribute"),
        ({"properties": {"regio": "r"}}, ("properties", "regio"), "'region' (did you mean it?)"),
        ({"constants": {"type": "app_login"}}, ("constants", "type"), "has no event type"),
    ],
)
def test_what_is_wrong_with_a_source_of_attributes_is_said_with_its_place(
    change: dict[str, Any], path: tuple[str | int, ...], sentence: str
) -> None:
    assert sentence in _found(check_sources([replace(PEOPLE, **change)], VOCABULARY), 0, *path)


def test_two_sources_of_one_name_are_told_apart() -> None:
    assert "same name" in _found(check_sources([SOURCE, SOURCE], VOCABULARY), 1, "name")


def test_all_problems_are_found_at_once() -> None:
    source = replace(SOURCE, time_zone="Mars", delimiter="", properties={"x": "y"}, columns={})
    assert len(check_sources([source], VOCABULARY)) == 6
