"""What may be said of a customer's scores: nothing that decisions about them may not look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from decisioning.engine import Decisions
from decisioning.policies.compiled import HOLDOUT
from decisioning.policies.verdicts import failed


def may_be_scored(decided: Decisions) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell whose scores may be told, by the rules that decisions obey.

    A candidate has no score where it fails a rule of the kind `consent`, and nothing has one where `personalised` does
    not hold. The customer as a whole has none either where such a rule, beside those of channels, fails for any
    candidate.

    Returns:
        Customers, shape (n,), and candidates, shape (n, m).
    """
    policy = decided.policy
    customers = np.ones(len(decided), dtype=bool)
    if policy.personalised is not None:
        customers &= policy.personalised.holds(decided.situation)[:, 0]
    candidates = np.repeat(customers[:, np.newaxis], len(policy.candidates), axis=1)
    of_channels = {f"consent_{channel}" for channel in policy.policy.consent}
    for rule in policy.rules:
        if rule.kind == "consent" and rule.name != HOLDOUT:  # who is measured against has refused nothing
            refused = failed(decided.bits, policy.bit(rule.name))
            candidates &= ~refused
            if rule.name not in of_channels:
                customers &= ~refused.any(axis=1)
    return customers, candidates
