"""Which scores of a customer may be shown: only those that decisions may use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from decisioning.engine import Decisions
from decisioning.policies.compiled import HOLDOUT, consent_rule
from decisioning.policies.verdicts import failed


def may_be_scored(decided: Decisions) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whose scores may be shown, by the rules that decisions obey.

    A candidate has no score if it fails a rule of kind `consent`. A customer has no scores at all where `personalised`
    does not hold, or where a consent rule other than those of channels fails for any candidate.

    Returns:
        Boolean masks of customers, shape (n,), and of candidates, shape (n, m).
    """
    policy = decided.policy
    customers = np.ones(len(decided), dtype=bool)
    if policy.personalised is not None:
        customers &= policy.personalised.holds(decided.situation)[:, 0]
    candidates = np.repeat(customers[:, np.newaxis], len(policy.candidates), axis=1)
    of_channels = {consent_rule(channel) for channel in policy.policy.consent}
    for rule in policy.rules:
        if rule.kind == "consent" and rule.name != HOLDOUT:  # customers in the holdout have not refused anything
            refused = failed(decided.bits, policy.bit(rule.name))
            candidates &= ~refused
            if rule.name not in of_channels:
                customers &= ~refused.any(axis=1)
    return customers, candidates
