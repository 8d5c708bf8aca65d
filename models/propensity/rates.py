"""Acceptance rates: used in place of a propensity model while none has passed the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from domain.offer import Offer, Treatment
from expressions.types import Array
from features.responses import Responses
from features.table import FeatureTable
from models.calibration import logit
from models.contributions import Contributions
from models.files import read_json, write_json
from models.propensity.families import Families
from models.propensity.impressions import impressions
from models.propensity.priors import Priors, fit_priors, stated_priors

KIND: Final = "acceptance_rates"
OFFER: Final = "offer"


@dataclass(frozen=True, slots=True)
class AcceptanceRates:
    """Scores customers by the offer's acceptance rate in its channel at the customer's stage.

    Attributes:
        priors: Rates that were counted, or that the bank expects.
    """

    priors: Priors

    @property
    def names(self) -> tuple[str, ...]:
        """No features are required: without a stage, the rate over all stages is used."""
        return ()

    def predict(
        self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]], *, num_threads: int = 1
    ) -> Array:
        """Return the rates of m candidates for n customers, shape (n, m).

        An unknown offer has the rate of its product, or else of all offers.
        """
        del num_threads
        return self.priors.table(features, [(offer, treatment.channel) for offer, treatment in candidates])

    def explain(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Contributions:
        """Explain a rate relative to that of all offers: row i of the features with candidate i.

        The rate depends on the customer only through the stage; the only part is the offer's.
        """
        rates = self.priors.of_rows(features, [(offer, treatment.channel) for offer, treatment in candidates])
        intercept = logit(np.full(len(features), self.priors.overall))
        return Contributions((OFFER,), (logit(rates) - intercept)[:, None], intercept)

    prior = predict
    explain_prior = explain

    def to_files(self, folder: Path) -> None:
        """Write `model.json`."""
        write_json(folder, KIND, {"priors": self.priors.to_json()})

    @property
    def counted(self) -> bool:
        """Whether customers have answered any offer; if not, the rates are those that the bank expects."""
        return bool(self.priors.rates)

    @classmethod
    def from_files(cls, folder: Path) -> AcceptanceRates:
        """Read rates from `to_files` output.

        Raises:
            ModelError: If the file is missing, damaged or of another kind of model.
        """
        return cls(Priors.from_json(read_json(folder, KIND)["priors"]))


def count_rates(features: FeatureTable, responses: Responses, offers: Sequence[Offer]) -> AcceptanceRates | None:
    """Count acceptance rates without training a model, however few answers there are.

    Args:
        features: Row i is the customer of response i as of its presentation; only the stage is read.
        responses: Impressions with their outcomes; those not matured are left out.
        offers: The catalogue, with the rates that the bank expects.

    Returns:
        The rates; None if no impression has matured and the bank expects no rate.
    """
    matured = np.flatnonzero(responses.matured)
    if not len(matured):
        priors = stated_priors(offers)
        return None if priors is None else AcceptanceRates(priors)
    rows = impressions(features.take(matured), responses.take(matured), offers, Families({}, {}))
    return AcceptanceRates(fit_priors(rows))
