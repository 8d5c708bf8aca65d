"""Checks of `bank.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from config.bank import BankIdentity
from domain.errors import nearest
from domain.problem import Problem

FILE: Final = "bank.yaml"
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""The bank's name becomes a folder, a Feast project and part of model names."""


def identity_problems(identity: BankIdentity) -> Iterator[Problem]:
    """Find an invalid name, time zone, currency or folder."""
    if not NAME.fullmatch(identity.name):
        expected = "at most 40 lower-case letters, digits and _, a letter first"
        yield _problem("name", "not a name for a bank", identity.name, expected)
    if not _is_time_zone(identity.time_zone):
        expected = nearest(identity.time_zone, available_timezones())
        yield _problem("time_zone", "unknown time zone", identity.time_zone, expected)
    if not re.fullmatch(r"[A-Z]{3}", identity.currency):
        yield _problem("currency", "not a currency", identity.currency, "three capitals such as EUR")
    if identity.source_folder is not None:
        folder = PurePath(identity.source_folder)
        if folder.is_absolute() or ".." in folder.parts or "\0" in identity.source_folder:
            expected = "a folder below NBO_DATA, without .."
            yield _problem("source_folder", "not a folder below the data", identity.source_folder, expected)


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # no such zone, a folder of zones, not a path
        return False
    return True


def _problem(key: str, what: str, got: str, expected: str) -> Problem:
    return Problem(file=FILE, path=(key,), what=what, got=f"'{got}'", expected=expected)
