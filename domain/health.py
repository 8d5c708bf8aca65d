"""Readings: a figure that is watched, with its traffic light and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Light(StrEnum):
    """Traffic lights."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    UNKNOWN = "unknown"
    """There is too little data; that is not green."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A figure with its light.

    Attributes:
        check: What is watched, such as `drift`.
        subject: Of what: a feature, an offer, a channel; empty for the bank as a whole.
        light: Its light.
        value: The figure; None if unknown.
        sentence: What it means, with the number.
    """

    check: str
    subject: str
    light: Light
    value: float | None
    sentence: str

    @property
    def key(self) -> str:
        """Identifies the reading from run to run."""
        return f"{self.check}/{self.subject}"


def light_of(value: float, amber: float, red: float) -> Light:
    """Return the light of a figure; where `amber` is above `red`, low figures are the bad ones.

    Example:
        >>> light_of(0.3, 0.1, 0.25).value, light_of(0.85, 0.9, 0.8).value, light_of(float("nan"), 1, 2).value
        ('red', 'amber', 'unknown')
    """
    if value != value:  # noqa: PLR0124  NaN
        return Light.UNKNOWN
    sign = 1.0 if amber <= red else -1.0
    if sign * value > sign * red:
        return Light.RED
    return Light.AMBER if sign * value > sign * amber else Light.GREEN
