"""Checks of `watching.yaml`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from config.watching import Limits, Watching
from domain.errors import Problem

FILE: Final = "watching.yaml"
LONGEST_MINUTES: Final = 10_080.0
LONGEST_SECONDS: Final = 300.0
LOW_IS_BAD: Final = frozenset({"day_share", "confirmed_share", "impressions", "acceptance"})
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")


def watching_problems(watching: Watching) -> Iterator[Problem]:
    """Find limits the wrong way round, and names and numbers that are invalid."""
    for field in fields(Limits):
        limit = getattr(watching.limits, field.name)
        low = field.name in LOW_IS_BAD
        usable = math.isfinite(limit.amber) and math.isfinite(limit.red) and limit.amber >= 0.0 <= limit.red
        if not usable or (limit.amber < limit.red if low else limit.amber > limit.red):
            expected = "numbers of at least 0, amber not " + ("below red" if low else "above red")
            got = f"amber {limit.amber:g}, red {limit.red:g}"
            yield _problem(("limits", field.name), "limits out of order", got, expected)
    for name in ("window_minutes", "cool_down_minutes"):
        minutes = getattr(watching, name)
        if not 0.0 <= minutes <= LONGEST_MINUTES:
            yield _problem((name,), "minutes out of range", f"{minutes:g}", f"0 to {LONGEST_MINUTES:g}")
    settings = [("webhook", watching.webhook, ("url", "secret")), ("mail", watching.mail, ("server",))]
    for part, entry, variables in settings:
        if entry is None:
            continue
        for name in variables:
            variable: str = getattr(entry, name)
            if not _VARIABLE.fullmatch(variable):
                # it may be the secret itself, written in place of its name
                expected = "the name of an environment variable, in capitals"
                yield _problem((part, name), "not the name of a variable", f"{len(variable)} characters", expected)
        if not 0.0 < entry.timeout_seconds <= LONGEST_SECONDS:
            got = f"{entry.timeout_seconds:g}"
            yield _problem((part, "timeout_seconds"), "out of range", got, f"above 0, at most {LONGEST_SECONDS:g}")
    if watching.mail is not None:
        addresses = [(("sender",), watching.mail.sender), *((("to",), one) for one in watching.mail.to or ("",))]
        for path, address in addresses:
            if not _ADDRESS.fullmatch(address):
                yield _problem(("mail", *path), "not an address", f"'{address}'", "such as alarms@bank.example")


def _problem(path: tuple[str, ...], what: str, got: str, expected: str) -> Problem:
    return Problem(file=FILE, path=path, what=what, got=got, expected=expected)
