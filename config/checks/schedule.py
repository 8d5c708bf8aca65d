"""Checks of `schedule.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from config.checks.cron import cron_mistake
from config.schedule import Schedule
from domain.problem import Problem

FILE: Final = "schedule.yaml"


def schedule_problems(schedule: Schedule) -> Iterator[Problem]:
    """Find invalid cron lines, and lines that never match."""
    for flow in fields(schedule):
        line = getattr(schedule, flow.name)
        mistake = None if line is None else cron_mistake(line)
        if mistake is not None:
            got, expected = mistake
            yield Problem(file=FILE, path=(flow.name,), what="not a cron line", got=got, expected=expected)
