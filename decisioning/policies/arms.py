"""Arms: the holdout, the control arms, and customers who do not want personalised offers."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from decisioning.policies.draws import Hashes, hashes_of, mixed, uniforms
from decisioning.policies.policy import Control, Factors


class Arm(IntEnum):
    """How a customer's offers are chosen and ordered.

    Example:
        >>> Arm.RANDOM_OFFER.label
        'random_offer'
    """

    STANDARD = 0
    HOLDOUT = 1
    RANDOM_OFFER = 2
    PROPENSITY_ONLY = 3
    NO_LEVERS = 4
    ELIGIBILITY_ONLY = 5
    RANDOM_PROPENSITY = 6
    NOT_PERSONALISED = 7
    """Not an experiment: the customer's own choice."""

    @property
    def label(self) -> str:
        """The name used in records, reports and configuration."""
        return self.name.lower()


Arms = NDArray[np.int8]

UNIFORM = (Arm.RANDOM_OFFER, Arm.ELIGIBILITY_ONLY)
"""Arms in which every allowed candidate is equally likely to come first."""

RANKED_BY = {
    Arm.PROPENSITY_ONLY: Factors(value=False, context=False, levers=False, costs=False, prices=False),
    Arm.NO_LEVERS: Factors(levers=False),
}
"""Arms whose priority leaves some factors out."""


def arms_of(customers: Hashes, control: Control) -> Arms:
    """Assign customers to arms by salted hash, so that the assignment never changes between runs or processes.

    The holdout comes first on the hash's scale, so that a larger share only adds customers to it.

    Args:
        customers: Hashes of the customers' ids (`hashes_of`), shape (n,).
        control: Shares and salt.

    Example:
        >>> arms_of(hashes_of(["c1", "c2"]), Control(holdout_share=1.0)).tolist()
        [1, 1]
    """
    edges = np.cumsum([getattr(control, f"{arm.label}_share") for arm in _DRAWN])
    place = np.searchsorted(edges, uniforms(mixed(customers ^ hashes_of([control.salt]))), side="right")
    return _BY_PLACE[place]


_DRAWN = tuple(arm for arm in Arm if arm not in {Arm.STANDARD, Arm.NOT_PERSONALISED})
_BY_PLACE: Arms = np.array([*_DRAWN, Arm.STANDARD], dtype=np.int8)
