"""Schedule of a bank's flows: `schedule.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Spec):
    """Cron lines, in the bank's time zone; None for a flow that runs only on request.

    When the clocks change, a daily line still runs once: if its hour is missing in spring, in the adjacent hour; if it
    occurs twice in autumn, the first time. A line that runs every few minutes pauses while the hour repeats.

    Attributes:
        features: Import new data and build features.
        train: Train and evaluate models, and apply the gate.
        decide: Decide for all customers, and report.
        deliver: Deliver the planned contacts that are due; for example every few minutes.
        archive: Move old decisions to the archive, as `retention.yaml` says.
    """

    features: str | None = None
    train: str | None = None
    decide: str | None = None
    deliver: str | None = None
    archive: str | None = None
