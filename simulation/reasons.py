"""Reasons for each kind of care, from what both customer and bank know."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulation.attributes import AFFLUENT, Attributes
from simulation.kinds import KIND, KINDS
from simulation.market import BoolArray, IntArray
from simulation.state import CustomerState

RECENT_COMPLAINT_DAYS: Final = 30
RECENT_REFUSAL_DAYS: Final = 60
LEFT_APPLICATION_DAYS: Final = 30
"""Days within which an abandoned application can be resumed."""
LOYAL_AFTER_DAYS: Final = 365
QUIET_FROM_DAYS: Final = 30
"""Days without activity from which on a customer is asked how they are."""
REFERRAL_REST_DAYS: Final = 180
ADVICE_REST_DAYS: Final = 120
INTERESTED_FROM_VIEWS: Final = 1.0
"""Recent product views from which on advice makes sense; a view of 23 days ago counts half."""


def reasons(customers: IntArray, day: int, state: CustomerState, attributes: Attributes) -> BoolArray:
    """Tell for which kinds each customer has a reason, shape (k, kinds)."""
    found = np.zeros((len(customers), len(KINDS)), dtype=np.bool_)
    here_since = state.joined_on[customers]
    found[:, KIND["follow_up"]] = day - state.last_complaint[customers] <= RECENT_COMPLAINT_DAYS
    strained = attributes.hardship[customers]
    found[:, KIND["deferral"]] = strained & (state.deferred_until[customers] <= day)
    refused = day - state.last_refusal[customers] <= RECENT_REFUSAL_DAYS
    found[:, KIND["budget_tool"]] = (strained | refused) & (state.budgeting_until[customers] <= day)
    long_here = (here_since == 0) | (day - here_since >= LOYAL_AFTER_DAYS)
    found[:, KIND["loyalty"]] = long_here & (state.loyal_until[customers] <= day)
    found[:, KIND["referral"]] = day - state.last_referral[customers] >= REFERRAL_REST_DAYS
    interested = state.recent_views[customers].sum(axis=1) >= INTERESTED_FROM_VIEWS
    rested = day - state.last_advice[customers] >= ADVICE_REST_DAYS
    found[:, KIND["adviser"]] = rested & (interested | (attributes.segment[customers] == AFFLUENT))
    left, product = state.left_application[customers], np.maximum(state.left_product[customers], 0)
    open_to_it = ~state.applying[customers, product] & (state.holdings[customers, product] == 0)
    found[:, KIND["resume"]] = (day - left <= LEFT_APPLICATION_DAYS) & open_to_it
    found[:, KIND["check_in"]] = day - state.last_activity[customers] >= QUIET_FROM_DAYS
    found[:, KIND["documents"]] = attributes.documents_due[customers]
    found[:, KIND["terms"]] = attributes.card_terms_due[customers]
    return found
