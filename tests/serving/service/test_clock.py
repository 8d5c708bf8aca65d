"""Clocks of several processes with a common base."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from serving.service.clock import Clock, ClockBase

LONG_AGO = datetime(2025, 6, 1, 12, tzinfo=UTC)


def test_clocks_of_one_base_tell_the_same_time_whenever_they_were_made():
    base = ClockBase.of(LONG_AGO - datetime.now(UTC))
    clocks = [Clock(base=base)]
    for _ in range(100):
        before = datetime.now(UTC)
        told = [clock.now() for clock in clocks]
        after = datetime.now(UTC)
        # a clock that is asked twice in a microsecond tells the next one
        assert before + base.ahead <= min(told)
        assert max(told) <= after + base.ahead + timedelta(microseconds=len(clocks))
        if len(clocks) < 5:
            clocks.append(Clock(base=ClockBase.from_text(base.text())))


def test_a_process_that_is_started_later_knows_that_the_machines_clock_was_moved_before():
    base = ClockBase.of(timedelta(0))
    assert Clock(base=base).is_trusted
    moved = ClockBase(base.ahead, base.begun - 3600)
    assert not Clock(base=moved).is_trusted
    assert Clock().is_trusted
