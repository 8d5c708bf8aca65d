"""What a bank's models predict, for whom, and how they are trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class ChurnLabel(Spec):
    """When a customer counts as churned after a moment.

    The label of an anchor looks at `(as_of + lead_days, as_of + lead_days + horizon_days]`.

    Attributes:
        kind: `inactivity`, no event of `group` in that time; `event`, at least one of `types` in it.
        population: SQL condition over features: whose churn is asked (nobody churns twice).
        horizon_days: Length of the time looked at.
        lead_days: Days between the moment and that time: so long it takes to act on a prediction.
        group: Group of events whose absence is churn; for `inactivity`.
        types: Event types of which one is churn; for `event`.
    """

    kind: Literal["inactivity", "event"]
    horizon_days: int
    population: str
    lead_days: int = 0
    group: str | None = None
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Economics(Spec):
    """What a saved customer is worth, for the expected maximum profit of a churn model (Verbraken et al. 2013).

    Attributes:
        customer_lifetime_value: In the bank's currency.
        offer_cost: Of the retention incentive.
        contact_cost: Of asking.
        accept_alpha: With `accept_beta`, the beta distribution of the share of churners who accept to stay.
        accept_beta: See `accept_alpha`; the mean share is alpha / (alpha + beta).
    """

    customer_lifetime_value: float = 200.0
    offer_cost: float = 10.0
    contact_cost: float = 1.0
    accept_alpha: float = 6.0
    accept_beta: float = 14.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Training(Spec):
    """How a model is fitted and judged, the same for both.

    Attributes:
        anchors_every_days: Distance of the moments at which churn is asked.
        history_days: History a customer needs before the first anchor.
        folds: Rolling-origin folds for judging: each trains on what was known before it, tests on what came next.
        embargo_days: Labels must be complete this long before a fold is tested: facts may arrive late.
        calibration_share: Latest share of each training range that calibrates and stops early, not fitted on.
        exclude: Features the model does not see, beside personal ones.
        segments: Categorical features by whose values metrics are also given.
        maximum_rows: Larger training sets are thinned by whole customers, seeded.
        seed: Of everything drawn in training; the same seed trains the same model.
    """

    anchors_every_days: int = 30
    history_days: int = 90
    folds: int = 3
    embargo_days: int = 2
    calibration_share: float = 0.2
    exclude: tuple[str, ...] = ()
    segments: tuple[str, ...] = ("stage",)
    maximum_rows: int = 400_000
    seed: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate(Spec):
    """What a challenger must show before it becomes champion.

    Attributes:
        minimum_positives: In the test folds.
        maximum_auc: Above it a leak is more likely than a miracle.
        maximum_calibration_error: Expected calibration error on test folds.
        maximum_single_feature_auc: Of any one feature alone.
    """

    minimum_positives: int = 200
    maximum_auc: float = 0.97
    maximum_calibration_error: float = 0.03
    maximum_single_feature_auc: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Models(Spec):
    """The two models of a bank; propensity's label is the acceptance within the offer's response window.

    Attributes:
        churn: What counts as churn, and whose is asked.
        training: How both models are fitted and judged.
        gate: What a challenger must show before it becomes champion.
        economics: What a saved customer is worth.
    """

    churn: ChurnLabel
    training: Training = field(default_factory=Training)
    gate: Gate = field(default_factory=Gate)
    economics: Economics = field(default_factory=Economics)
