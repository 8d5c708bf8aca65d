"""Checks of `delivery.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from config.delivery import ChannelDelivery, Delivery, WebhookTarget
from decisioning.policies.policy import Policy
from domain.errors import Problem, nearest

FILE: Final = "delivery.yaml"
MOST_UNHEARD_DAYS: Final = 34.0
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")


def delivery_problems(delivery: Delivery, policy: Policy) -> Iterator[Problem]:
    """Find channels that are not outbound, channels without exactly one target, and invalid names and numbers."""
    if not delivery.late_hours > 0:
        yield _problem(("late_hours",), "late_hours is not positive", f"{delivery.late_hours:g}", "a number above 0")
    for channel, days in delivery.unheard_days.items():
        if channel not in {*policy.outbound, *policy.consent}:
            expected = nearest(channel, {*policy.outbound, *policy.consent})
            yield _problem(("unheard_days", channel), "no channel with contacts", f"'{channel}'", expected)
        if not 0 < days <= MOST_UNHEARD_DAYS:
            expected = f"above 0, at most {MOST_UNHEARD_DAYS:g}: budgets are refunded for 35 days"
            yield _problem(("unheard_days", channel), "days out of range", f"{days:g}", expected)
    seen: set[str] = set()
    for place, entry in enumerate(delivery.channels):
        at = ("channels", place)
        if entry.channel not in policy.outbound:
            expected = nearest(entry.channel, policy.outbound)
            yield _problem((*at, "channel"), "not an outbound channel of the policy", f"'{entry.channel}'", expected)
        if entry.channel in seen:
            yield _problem((*at, "channel"), "duplicate channel", f"'{entry.channel}'", "one target per channel")
        seen.add(entry.channel)
        yield from _target_problems(entry, at)


def _target_problems(entry: ChannelDelivery, at: tuple[str | int, ...]) -> Iterator[Problem]:
    if (entry.file is None) == (entry.webhook is None):
        got = "neither" if entry.file is None else "both"
        yield _problem(at, "a channel has one target", got, "file or webhook")
    if entry.file is not None and not entry.file.folder.strip():
        yield _problem((*at, "file", "folder"), "no folder", f"'{entry.file.folder}'", "a folder's name")
    if entry.webhook is not None:
        yield from _webhook_problems(entry.webhook, (*at, "webhook"))


def _webhook_problems(webhook: WebhookTarget, at: tuple[str | int, ...]) -> Iterator[Problem]:
    for name in ("url", "secret"):
        variable: str = getattr(webhook, name)
        if not _VARIABLE.fullmatch(variable):
            # it may be the secret itself, written in place of its name
            expected = "the name of an environment variable, in capitals"
            yield _problem((*at, name), "not the name of a variable", f"{len(variable)} characters", expected)
    bounds = (("batch", 1_000), ("at_once", 64), ("attempts", 100), ("timeout_seconds", 300), ("wait_seconds", 3_600))
    for name, most in bounds:
        number = getattr(webhook, name)
        if not 0 < number <= most:
            yield _problem((*at, name), "out of range", f"{number:g}", f"above 0, at most {most}")


def _problem(path: tuple[str | int, ...], what: str, got: str, expected: str) -> Problem:
    return Problem(file=FILE, path=path, what=what, got=got, expected=expected)
