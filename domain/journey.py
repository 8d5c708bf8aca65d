"""Where a customer stands with the bank as a whole, and with each product."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """Lifecycle stage of a customer with the bank.

    Example:
        >>> Stage("dormant").value
        'dormant'
    """

    ACQUISITION = "acquisition"
    GROWTH = "growth"
    MATURE = "mature"
    DORMANT = "dormant"
    LOST = "lost"


class Step(StrEnum):
    """Step of a customer's sub-journey with one product.

    Example:
        >>> [step.value for step in Step]
        ['awareness', 'consideration', 'application', 'holding', 'exit']
    """

    AWARENESS = "awareness"
    CONSIDERATION = "consideration"
    APPLICATION = "application"
    HOLDING = "holding"
    EXIT = "exit"
