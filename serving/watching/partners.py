"""Readings of what other systems do with contacts: exported against confirmed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from config.watching import Limits
from domain.health import Light, Reading, light_of
from serving.delivery.unsent import Confirmations

LEAST_EXPORTED = 30
"""Contacts below which a channel that drops some cannot be told from chance."""


def confirmed(exported: Sequence[Confirmations], limits: Limits) -> Iterator[Reading]:
    """Read which share of the exported contacts of each channel was confirmed.

    Example:
        >>> silent = Confirmations(channel="email", exported=10_000, confirmed=7_000, newly_unsent=0)
        >>> [one] = confirmed([silent], Limits())
        >>> one.light.value, one.sentence
        ('red', 'email: 10,000 exported, 7,000 confirmed')
    """
    for one in exported:
        share = one.confirmed / one.exported if one.exported else float("nan")
        light = light_of(share, limits.confirmed_share.amber, limits.confirmed_share.red)
        if one.exported < LEAST_EXPORTED:
            light = Light.UNKNOWN
        value = share if one.exported else None
        yield Reading(check="confirmed_share", subject=one.channel, light=light, value=value, sentence=one.sentence)
