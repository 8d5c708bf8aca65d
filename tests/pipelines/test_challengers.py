from __future__ import annotations

import numpy as np

from domain.offer import Offer, Treatment
from pipelines.challengers import _explained_pairs

CARD = Offer(
    name="card",
    description="",
    value="1",
    stages=(),
    treatments=(Treatment(channel="app", message=""), Treatment(channel="email", message="")),
)


def test_an_impression_without_a_channel_is_explained_in_the_first_of_its_offer() -> None:
    presented, channels = np.array(["card"] * 3, dtype=object), np.array(["email", None, "fax"], dtype=object)
    found = [(offer.name, treatment.channel) for offer, treatment in _explained_pairs((CARD,), presented, channels)]
    assert found == [("card", "email"), ("card", "app"), ("card", "app")]
