"""When a bank's flows run."""

from __future__ import annotations

from dataclasses import dataclass

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Spec):
    """Cron lines, in the bank's time zone; None for a flow that runs only when asked.

    When the clocks change a line of once a day runs once: where its hour is missing in spring, in the hour beside it;
    where it comes twice in autumn, the first time. A line of every few minutes rests while the hour comes again.

    Attributes:
        features: Import what is new and build features.
        train: Train, judge, and let the gate decide.
        decide: Decide for everybody, and report.
        deliver: Deliver the planned contacts whose time has come; every few minutes, say.
        archive: Move old decisions to the archive, as `retention.yaml` says.
    """

    features: str | None = None
    train: str | None = None
    decide: str | None = None
    deliver: str | None = None
    archive: str | None = None
