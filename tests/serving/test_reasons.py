"""Reasons of a score, whatever the model."""

import numpy as np

from models.contributions import Contributions
from serving.decider import Decider
from serving.reasons import REASONS_ABOUT_CUSTOMER, reasons_of
from tests.serving.build import Interested, Leaving, features_of_all, small_bank, small_log

NAMES = ("offer", "region", "channel", "logins_30d", "product", "stage", "channel_is_region", "days_since_login")


class Told(Interested):
    """A model whose contributions are given."""

    def explain(self, features, candidates):
        return Contributions(NAMES, np.array([[2.0, -0.4, -3.5, 0.3, 0.25, 0.1, -0.2, 0.0]]), np.zeros(1))


def test_the_customer_comes_first_each_feature_once_and_the_offer_last(tmp_path):
    bank = small_bank()
    customers = features_of_all(bank, small_log(tmp_path / "log"))
    row = customers.customer_ids.tolist().index("c05")
    decider = Decider(bank, Leaving(), Told())
    [found] = reasons_of([decider.policy.candidates.pairs[0]], customers, [row], decider)
    assert [reason.sentence() for reason in found] == [
        "Last known region: south (speaks against it)",
        "Logins (last 30 days): 6 (speaks for it)",
        "Lifecycle stage at the last midnight: growth (speaks for it)",
        "How this offer is usually received (speaks against it)",
    ]
    assert [round(reason.log_odds, 6) for reason in found] == [-0.6, 0.3, 0.1, -1.25]
    assert len(found) == REASONS_ABOUT_CUSTOMER + 1
