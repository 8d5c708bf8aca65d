"""What a bank's journey figures are made of: `analytics.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.spec import Spec
from events.vocabulary import Vocabulary

ACTIVITY: Final = "activity"
COMPLAINT_OPENED, COMPLAINT_RESOLVED = "complaint_opened", "complaint_resolved"
NPS, CSAT = "survey_nps", "survey_csat"
PRODUCT_OPENED, PRODUCT_CLOSED = "product_opened", "product_closed"
REFERRAL: Final = "referral"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelStep(Spec):
    """A step of every product's funnel.

    Attributes:
        step: Name of the step in figures.
        groups: Events of these groups of the vocabulary are the step, for the product that they carry.
        types: So are events of these types.
    """

    step: str
    groups: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


STANDARD_STEPS: Final = tuple(
    FunnelStep(step=step, groups=(group,))
    for step, group in (
        ("viewed", "product_view"),
        ("started", "application_started"),
        ("submitted", "application_submitted"),
        ("opened", PRODUCT_OPENED),
    )
)
"""The funnel of a bank that configures none, without the groups that it has no events for."""

STANDARD_TOUCHPOINTS: Final = (
    "service_contact",
    "failure",
    "fee",
    COMPLAINT_OPENED,
    COMPLAINT_RESOLVED,
    "application_submitted",
    "application_abandoned",
    PRODUCT_OPENED,
)
"""The touchpoints of a bank that configures none, without the groups that it has no events for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analytics(Spec):
    """The content of `analytics.yaml`: what the journey figures count.

    Scores, complaints, products and activity are the standard groups of `features/common.yaml`.

    Attributes:
        segment: Category attribute by which funnels are split; none for no split. A customer's last known value counts.
        steps: Steps of every product's funnel, in order. An event of a later step implies the earlier ones. By default
            viewed, started, submitted and opened, from the standard groups.
        touchpoints: Groups of the events that an answer or a complaint is attributed to; by default contacts, failures,
            fees, complaints, applications and opened products.
        pause_days: A product journey without a step for so many days is broken; a later step begins another one.
        touchpoint_days: An answer or a complaint is about the last touchpoint, if it is at most so many days old.
        switch_days: Two activities at most so many days apart count as one after the other, for channel switches.
        followed_days: Days after a complaint over which its consequences are counted.
        period_days: Length of the latest period of the experience map, and of the one before it.
        smallest_cell: Figures about fewer customers are hidden.
    """

    segment: str | None = None
    steps: tuple[FunnelStep, ...] = ()
    touchpoints: tuple[str, ...] = ()
    pause_days: int = 30
    touchpoint_days: int = 30
    switch_days: int = 7
    followed_days: int = 90
    period_days: int = 180
    smallest_cell: int = 20

    def steps_of(self, vocabulary: Vocabulary) -> tuple[tuple[str, frozenset[str]], ...]:
        """Return name and event types of each step that the vocabulary has events for.

        Example:
            >>> from events.vocabulary import EventType
            >>> viewed = EventType(description="Viewed", groups=("product_view",))
            >>> words = Vocabulary(channels=(), products=("savings",), types={"product_viewed": viewed})
            >>> Analytics().steps_of(words)
            (('viewed', frozenset({'product_viewed'})),)
        """
        groups = vocabulary.groups
        found = (
            (step.step, frozenset(step.types).union(*(groups.get(group, ()) for group in step.groups)))
            for step in self.steps or STANDARD_STEPS
        )
        return tuple((name, types) for name, types in found if types)

    def touchpoints_of(self, vocabulary: Vocabulary) -> frozenset[str]:
        """Return the event types that are touchpoints."""
        groups = vocabulary.groups
        return frozenset[str]().union(*(groups.get(group, ()) for group in self.touchpoints or STANDARD_TOUCHPOINTS))
