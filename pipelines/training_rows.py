"""What both models are trained on: customers at anchors with labels, and impressions with features."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.errors import DataError
from features.responses import Responses
from features.table import FeatureTable
from models.churn.rows import ChurnRows
from models.inputs import model_inputs
from models.labels import churn_known_at
from models.learners import CHURN, PROPENSITY
from models.propensity.rows import PropensityRows
from pipelines.training_population import answers_to_offers, churn_label, churn_moments, churned
from wiring.components import Components


def churn_rows(components: Components, as_of: datetime) -> ChurnRows:
    """Read customers at anchors, as known at a moment.

    Raises:
        DataError: The bank predicts no churn, or has no history for its label.
    """
    bank, label = components.bank, churn_label(components)
    moments = churn_moments(components, as_of)
    y, features = churned(components, moments, as_of), components.offline.training_set(moments, CHURN)
    names = model_inputs(bank.features, bank.models.training.exclude, bank.models.learning.churn)
    return ChurnRows(features, y, churn_known_at(moments.as_of, label), names)


@dataclass(frozen=True, slots=True)
class OfferRows:
    """Impressions.

    Attributes:
        features: Row i is the customer of answer i as of its presentation.
        names: Features that the model may read.
    """

    features: FeatureTable
    answers: Responses
    names: tuple[str, ...]

    @classmethod
    def of(cls, components: Components, as_of: datetime) -> OfferRows:
        """Read them, as known at a moment.

        Raises:
            DataError: No offer of the catalogue has been presented yet.
        """
        bank, answers = components.bank, answers_to_offers(components, as_of)
        if not len(answers):
            raise DataError(
                f"bank {components.name} has presented no offer of its catalogue yet",
                remedy="import contact history, or decide and present offers",
            )
        names = model_inputs(bank.features, bank.models.training.exclude, bank.models.learning.propensity)
        return cls(components.offline.training_set(answers.moments, PROPENSITY), answers, names)

    def known(self, components: Components) -> PropensityRows:
        """Return those whose outcome is known, as the model is trained on them.

        Raises:
            DataError: No impression has matured.
        """
        bank = components.bank
        return PropensityRows.of(
            self.features,
            self.answers,
            self.names,
            offers=bank.offers,
            catalogue=bank.features,
            training=bank.models.training,
        )
