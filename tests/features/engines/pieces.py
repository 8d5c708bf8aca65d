"""Pieces of work for tests, in a module that Spark's workers import quickly."""

from __future__ import annotations

from domain.errors import DataError
from features.engines.engine import Report


def refuse(number: int) -> Report:
    if number == 3:
        raise DataError("no such bucket", got="3", expected="0 to 2", remedy="ask for another")
    return {"number": number}


def invert(number: int) -> Report:
    return {"inverse": 1 / number}
