"""How much customers want each kind of care, from strain, ties and needs that no source shows."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulation.kinds import KIND, KINDS
from simulation.market import FloatArray, IntArray
from simulation.needs import Needs
from simulation.population import Population
from simulation.state import State

STRAIN_WEIGHT: Final = 0.5
"""Log-odds for each recently refused payment, up to three."""
TIES_WEIGHT: Final = 0.9
"""Log-odds of recommending the bank per unit of satisfaction, on top of its effect on every offer."""
PLANS_WEIGHT: Final = 0.7
DUTY_EASE: Final = 0.3
"""Log-odds per unit of ease with digital channels: documents are photographed, terms accepted on a screen."""


def wants(customers: IntArray, state: State, needs: Needs, population: Population) -> FloatArray:
    """Return each customer's addition to the log-odds of each kind, shape (k, kinds); roughly 0 on average."""
    added = np.zeros((len(customers), len(KINDS)))
    satisfaction, level = state.satisfaction[customers], needs.level[customers]
    strain = STRAIN_WEIGHT * np.minimum(state.recent_refusals[customers], 3.0)
    added[:, KIND["deferral"]] = strain - 0.3 * population.income_scaled[customers]
    added[:, KIND["budget_tool"]] = strain + 0.3 * population.price_sensitivity[customers]
    added[:, KIND["loyalty"]] = 0.3 * satisfaction + 0.2 * population.age_scaled[customers]
    added[:, KIND["referral"]] = TIES_WEIGHT * satisfaction
    unmet = np.where(state.holdings[customers] > 0, -np.inf, level).max(axis=1)
    plans = np.where(np.isfinite(unmet), unmet, 0.0)
    added[:, KIND["adviser"]] = PLANS_WEIGHT * (plans - 1.0)  # the greatest of several needs is about 1
    left = np.maximum(state.left_product[customers], 0)
    added[:, KIND["resume"]] = level[np.arange(len(customers)), left]
    duty = DUTY_EASE * population.digital[customers]
    added[:, KIND["documents"]] = added[:, KIND["terms"]] = duty
    return added
