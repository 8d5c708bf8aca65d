"""Settings of a bank's models: what they predict, for whom, and how they are trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class ChurnLabel(Spec):
    """Definition of churn after a moment.

    The label of an anchor covers `(as_of + lead_days, as_of + lead_days + horizon_days]`.

    Attributes:
        kind: `inactivity`: no event of `group` in that time; `event`: at least one of `types` in it.
        population: SQL condition over features: customers whose churn is predicted (nobody churns twice).
        horizon_days: Length of that time.
        lead_days: Days between the moment and that time, needed to act on a prediction.
        group: Group of events whose absence is churn; for `inactivity`.
        types: Event types that mean churn; for `event`.
    """

    kind: Literal["inactivity", "event"]
    horizon_days: int
    population: str
    lead_days: int = 0
    group: str | None = None
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning(Spec):
    """What one model learns from, and how. Names of features may be patterns such as `*_view_count_*`.

    Attributes:
        learner: `hierarchical` chooses among rates, logistic regression, trees and both; `lightgbm`, `logistic` and
            `rates` are one of these; an installed package may add others. By default `hierarchical` for propensity and
            `lightgbm` for churn.
        parameters: Parameters of the learner; those of trees have LightGBM's names.
        topics: Topics whose features the model sees; by default all.
        features: Features that the model sees, beside those of `topics`; by default all.
        monotone: Feature or family column -> 1 if the trees' probability may only rise with it, -1 if only fall. The
            first pattern that matches counts.
        interactions: Lists of features that interact only with each other in the trees; all others form one more list.
    """

    learner: str | None = None
    parameters: dict[str, bool | int | float | str] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    monotone: dict[str, Literal[-1, 1]] = field(default_factory=dict)
    interactions: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLearning(Spec):
    """How each model learns.

    Attributes:
        churn: The churn model.
        propensity: The propensity model.
    """

    churn: Learning = field(default_factory=Learning)
    propensity: Learning = field(default_factory=Learning)


@dataclass(frozen=True, slots=True, kw_only=True)
class Economics(Spec):
    """Economics of retention, for the expected maximum profit of a churn model (Verbraken et al. 2013).

    Attributes:
        customer_lifetime_value: Value of a retained customer, in the bank's currency.
        offer_cost: Cost of the retention incentive.
        contact_cost: Cost of a contact.
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
    """How both models are fitted and evaluated.

    Attributes:
        anchors_every_days: Distance between the moments for which churn is labelled.
        history_days: History required before the first anchor.
        folds: Rolling-origin folds for evaluation: each trains on what was known before it and tests on what came
            next.
        evaluated_by: `time`: folds test on what came later. `customers`: they test on other customers, at any time; so
            they do where all rows are of one moment, such as a single campaign.
        embargo_days: Labels must be complete this long before a fold is tested, since facts may arrive late.
        exclude: Features that the model does not see, beside personal ones.
        segments: Categorical features by which metrics are also computed.
        maximum_rows: Larger training sets are thinned by whole customers, at random with the seed.
        seed: Seed of all draws in training; the same seed trains the same model.
    """

    anchors_every_days: int = 30
    history_days: int = 90
    folds: int = 3
    evaluated_by: Literal["time", "customers"] = "time"
    embargo_days: int = 2
    exclude: tuple[str, ...] = ()
    segments: tuple[str, ...] = ("stage",)
    maximum_rows: int = 400_000
    seed: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate(Spec):
    """Bounds that a challenger must meet to become champion.

    What is measured has noise, so a challenger is refused only where it is beyond a bound by more than noise: where the
    whole 95 % interval is. Only against `prevalence` noise counts the other way, because a model that may be no better
    than no model should not decide.

    Attributes:
        minimum_positives: Minimum number of positives in the test folds; with fewer, every interval is too wide to say
            anything.
        maximum_auc: Maximum AUC; above it a leak is more likely than a miracle.
        maximum_calibration_error: Maximum expected calibration error on the test folds; decisions multiply the
            probability by a value.
        maximum_single_feature_auc: Maximum AUC of any single feature; above it the feature was probably recorded after
            the outcome.
        minimum_better_than_prevalence: Log loss by which the model must be better than the share of positives alone, by
            more than noise.
        maximum_worse_than_baseline: Log loss by which the model may be worse than another baseline.
        maximum_worse_than_champion: Log loss by which the model may be worse than the champion. It has seen newer data,
            so equal is good enough.
    """

    minimum_positives: int = 50
    maximum_auc: float = 0.97
    maximum_calibration_error: float = 0.03
    maximum_single_feature_auc: float = 0.95
    minimum_better_than_prevalence: float = 0.0
    maximum_worse_than_baseline: float = 0.0
    maximum_worse_than_champion: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Models(Spec):
    """Settings of a bank's two models; propensity predicts acceptance within the offer's response window.

    Attributes:
        churn: Definition of churn, and whose churn is predicted; None for a bank that predicts none.
        training: How both models are fitted and evaluated.
        learning: Learner, parameters and features of each model.
        gate: Bounds that a challenger must meet to become champion.
        economics: Economics of retention.
    """

    churn: ChurnLabel | None = None
    training: Training = field(default_factory=Training)
    learning: ModelLearning = field(default_factory=ModelLearning)
    gate: Gate = field(default_factory=Gate)
    economics: Economics = field(default_factory=Economics)
