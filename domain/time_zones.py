"""Time zones by name."""

from __future__ import annotations

from zoneinfo import ZoneInfo


def time_zone(name: str) -> ZoneInfo | None:
    """Return the time zone with an IANA name; None if there is none.

    Example:
        >>> time_zone("Europe/Amsterdam"), time_zone("../etc"), time_zone("Europe")
        (zoneinfo.ZoneInfo(key='Europe/Amsterdam'), None, None)
    """
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # no such zone, a folder of zones, not a path
        return None
