"""The definitions from which a bank's features are computed: what is counted, in which stages, and on which days."""

from __future__ import annotations

from dataclasses import dataclass

from features.calendar import Calendar
from features.catalogue import FeatureCatalogue
from features.journey.settings import Journey


@dataclass(frozen=True, slots=True)
class FeatureDefinitions:
    """Everything besides events that features depend on.

    Attributes:
        catalogue: The bank's features.
        journey: Its stages.
        calendar: Its local days.
    """

    catalogue: FeatureCatalogue
    journey: Journey
    calendar: Calendar
