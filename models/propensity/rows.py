"""What propensity is trained on: impressions whose outcomes are known, and what a model may read of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.errors import DataError
from domain.offer import Offer
from features.catalogue import FeatureCatalogue
from features.responses import Responses
from features.table import FeatureTable
from models.propensity.families import Families, families_of
from models.propensity.impressions import Impressions, impressions
from models.settings import Training
from models.splits import thin


@dataclass(frozen=True, slots=True)
class PropensityRows:
    """n impressions.

    Attributes:
        impressions: Features and outcomes.
        names: Customer features that the model may read.
        families: Those of them that exist per product or channel.
    """

    impressions: Impressions
    names: tuple[str, ...]
    families: Families

    @classmethod
    def of(
        cls,
        features: FeatureTable,
        responses: Responses,
        names: tuple[str, ...],
        *,
        offers: Sequence[Offer],
        catalogue: FeatureCatalogue,
        training: Training,
    ) -> PropensityRows:
        """Combine impressions whose response window has passed, at most as many as training takes, with features.

        Args:
            features: Row i is the customer of response i as of its presentation.
            responses: Impressions with their outcomes; those not matured are left out.
            names: Customer features that the model may read.
            offers: The catalogue of offers.
            catalogue: Feature catalogue; its families list the features that exist per product.
            training: Its maximum of rows, and the seed by which whole customers are left out.

        Raises:
            DataError: No impression has matured.
        """
        if not responses.matured.any():
            raise DataError(
                "no impression of an offer has matured yet",
                got=f"{len(responses)} impressions",
                remedy="bring contact history older than the offers' response windows",
            )
        families, kept = families_of(catalogue, names, offers), np.flatnonzero(responses.matured)
        kept = kept[thin(features.customer_ids[kept], training.maximum_rows, training.seed)]
        return cls(impressions(features.take(kept), responses.take(kept), offers, families), names, families)

    def __len__(self) -> int:
        return len(self.impressions)
