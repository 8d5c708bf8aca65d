"""When contacts go out, and whether that is outside of quiet hours, on the clocks of those who receive them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo
from functools import cached_property
from typing import Final
from zoneinfo import available_timezones

import numpy as np

from decisioning.policies.checks import POLICIES_FILE
from decisioning.policies.policy import Policy, QuietHours
from domain.errors import Problem, nearest
from domain.time_zones import time_zone
from events.vocabulary import Vocabulary
from expressions.types import Array, Boolean, Category, ColumnType, Number
from features.catalogue import FeatureCatalogue

CONTACT_HOUR: Final = "contact_hour"
OUTSIDE: Final = "outside_hours_of_"
"""Prefix of the name by which the rule of quiet hours asks whether a contact goes out outside of them."""

_PART: Final = "recipient_time_zone"


@dataclass(frozen=True)
class ContactTimes:
    """When contacts go out, on which clock, and the quiet hours.

    A contact of a batch run goes out at its channel's hour on the recipient's clock. Where the recipient's time zone is
    unknown, it waits until that hour has come in every time zone of the bank and its customers, and quiet hours apply
    while it is quiet in any of them.

    Attributes:
        bank: The bank's time zone.
        attribute: Attribute with the recipient's time zone; None where the bank's clock counts for everybody.
        zones: The time zones that this attribute may have, by its value and in the order of its codes; what is no time
            zone is taken for unknown.
        quiet: The quiet hours.
    """

    bank: tzinfo
    attribute: str | None
    zones: Mapping[str, tzinfo | None]
    quiet: tuple[QuietHours, ...]

    @classmethod
    def of(cls, policy: Policy, catalogue: FeatureCatalogue, bank: tzinfo) -> ContactTimes:
        """Read the time zones from the values of the attribute."""
        name = policy.recipient_time_zone
        feature = None if name is None else catalogue.features.get(name)
        values = feature.type.values if feature is not None and isinstance(feature.type, Category) else ()
        return cls(bank, name, {value: time_zone(value) for value in values}, policy.quiet_hours)

    @cached_property
    def schema(self) -> dict[str, ColumnType]:
        """Type of each name that depends on when a contact goes out, and so on the hour of its channel."""
        return {CONTACT_HOUR: Number(), **{OUTSIDE + quiet.name: Boolean() for quiet in self.quiet}}

    def contact_at(self, as_of: datetime, hour: int, zone: str | None = None) -> datetime:
        """Return when a contact goes out.

        Args:
            as_of: Aware moment of the decision.
            hour: Hour of the channel on the day of the decision; 0 for at once.
            zone: The recipient's time zone, if it is known.

        Example:
            >>> zones = {name: time_zone(name) for name in ("Europe/Amsterdam", "America/Curacao")}
            >>> times = ContactTimes(UTC, "time_zone", zones, ())
            >>> for zone in ("Europe/Amsterdam", "America/Curacao", None):
            ...     print(times.contact_at(datetime(2026, 7, 1, tzinfo=UTC), 9, zone))
            2026-07-01 07:00:00+00:00
            2026-07-01 13:00:00+00:00
            2026-07-01 13:00:00+00:00
        """
        clock = self.zones.get(zone) if zone is not None else None
        return self._when_come(as_of, hour, self._everywhere() if clock is None else (clock,))

    def columns(self, as_of: datetime, sent: Mapping[int, int], zones: Array | None) -> dict[str, Array]:
        """Return the value of each name for each hour of a channel, by `column_of`.

        Args:
            as_of: Aware moment of the decision.
            sent: Hour of a channel -> hour at which its contacts go out, 0 for at once.
            zones: Codes of the recipients' time zones, shape (n,), NaN where unknown; None if there is no attribute.

        Returns:
            Columns of shape (n,), or (1,) where the bank's clock counts for everybody.
        """
        unknown = len(self.zones)
        place = np.array([unknown]) if zones is None else np.where(np.isnan(zones), unknown, zones).astype(np.intp)
        by_hour = {hour: self._by_zone(as_of, hour) for hour in set(sent.values())}
        return {
            column_of(name, named): values[place]
            for named, hour in sent.items()
            for name, values in by_hour[hour].items()
        }

    def _by_zone(self, as_of: datetime, hour: int) -> dict[str, Array]:
        """Return the value of each name by the code of the time zone, and last where it is unknown."""
        everywhere = self._everywhere()
        at = self._when_come(as_of, hour, everywhere)
        unknown = [at.astimezone(clock) for clock in everywhere]
        known = [
            unknown if clock is None else [self._when_come(as_of, hour, (clock,)).astimezone(clock)]
            for clock in self.zones.values()
        ]
        # on several clocks it is several hours, which is no number
        hours = [local[0].hour if len(local) == 1 else np.nan for local in (*known, unknown)]
        columns = {CONTACT_HOUR: np.array(hours, dtype=np.float64)}
        for quiet in self.quiet:
            outside = [not any(_is_quiet(quiet, one) for one in local) for local in (*known, unknown)]
            columns[OUTSIDE + quiet.name] = np.array(outside, dtype=np.float64)
        return columns

    def _when_come(self, as_of: datetime, hour: int, clocks: Iterable[tzinfo]) -> datetime:
        """Return the first moment from the decision on at which an hour of its day has come on all clocks."""
        moment, day = as_of.astimezone(UTC), as_of.astimezone(self.bank).date()
        if hour == 0:
            return moment
        return max(moment, *(datetime.combine(day, time(hour), clock).astimezone(UTC) for clock in clocks))

    def _everywhere(self) -> Sequence[tzinfo]:
        return (self.bank, *filter(None, self.zones.values()))


def column_of(name: str, hour: int) -> str:
    """Return the name of the column with a name's value in channels that send at an hour."""
    return f"{name}@{hour}"


def contact_time_problems(policy: Policy, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Find an attribute that does not tell the recipient's time zone."""
    name = policy.recipient_time_zone
    if name is None:
        return
    declared = vocabulary.attributes.get(name)
    if declared is None or declared.type != "category":
        categories = [one for one, field in vocabulary.attributes.items() if field.type == "category"]
        yield Problem(
            file=POLICIES_FILE,
            path=(_PART,),
            what="not an attribute with time zones",
            got=f"'{name}'" if declared is None else f"'{name}', a {declared.type}",
            expected=nearest(name, categories) if declared is None else "a category whose values are IANA names",
            remedy="declare it under `attributes` in events.yaml with its values, such as Europe/Amsterdam",
        )
        return
    for value in declared.values:
        if time_zone(value) is None:
            yield Problem(
                file=POLICIES_FILE,
                path=(_PART,),
                what=f"a value of {name} is no time zone",
                got=f"'{value}'",
                expected=nearest(value, available_timezones()),
                remedy="correct the values of the attribute in events.yaml",
            )


def _is_quiet(quiet: QuietHours, local: datetime) -> bool:
    if quiet.days_of_week and local.isoweekday() not in quiet.days_of_week:
        return False
    if quiet.from_hour < quiet.until_hour:
        return quiet.from_hour <= local.hour < quiet.until_hour
    return local.hour >= quiet.from_hour or local.hour < quiet.until_hour
