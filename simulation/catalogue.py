"""The bank's offers as arrays, shared by all processes of the simulation."""

from __future__ import annotations

import numpy as np

from domain.offer import Offer, candidates_of
from simulation.kinds import NO_KIND, kind_of
from simulation.market import CHANNELS, PRODUCT_NAMES, BoolArray, IntArray


class OfferArrays:
    """Offers as arrays: one entry for each offer; the arrays of candidates have one for each offer in each channel.

    Attributes:
        offers: The offers, in the order of the arrays.
        product: Code of the product, -1 for none.
        kind: Code of the kind of care, -1 for none.
        retention: Wins customers back or keeps them by waiving fees.
        service: Serves the customer, whatever else is going on.
        sells: An acceptance leads to an application for the product.
        candidate_offer, candidate_channel: Positions and codes, in the order of `domain.offer.candidates_of`.
    """

    def __init__(self, offers: tuple[Offer, ...]) -> None:
        self.offers = offers
        self.product: IntArray = np.array(
            [-1 if offer.product is None else PRODUCT_NAMES.index(offer.product) for offer in offers], dtype=np.int64
        )
        self.kind: IntArray = np.array([kind_of(offer) for offer in offers], dtype=np.int64)
        self.retention: BoolArray = np.array(["retention" in offer.tags for offer in offers])
        self.service: BoolArray = np.array(["service" in offer.tags for offer in offers])
        self.sells: BoolArray = (self.product >= 0) & (self.kind == NO_KIND) & ~self.retention
        position = {offer.name: index for index, offer in enumerate(offers)}
        candidates = candidates_of(offers)
        self.candidate_offer: IntArray = np.array([position[offer.name] for offer, _ in candidates], dtype=np.int64)
        self.candidate_channel: IntArray = np.array(
            [CHANNELS.index(treatment.channel) for _, treatment in candidates], dtype=np.int64
        )
