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
class Rollout(Spec):
    """How a propensity challenger comes into charge: beside the champion (shadow), for a slice, and then for all.

    Attributes:
        required: Whether a challenger that passed its gate waits for `nbo rollout` instead of becoming champion at
            once. The first model never waits: nothing could be compared with it.
        slice_share: Share of customers or households for whom the challenger decides in the slice: enough to see it
            fail, few enough to bear it.
        minimum_days: Days in the shadow and in the slice before the next step; a week, because weekdays differ.
        watched_days: Days after the last step in which the former champion comes back by itself if the new one fails;
            a month, because acceptances need their response windows.
        minimum_decisions: Decisions in the last 7 days, or with a final outcome, below which nothing is said.
        maximum_loss: Share of the logged value by which the challenger may be worse, beyond noise. It has seen newer
            data, so equal is good enough.
        maximum_calibration: Factor by which acceptances and propensities may differ, either way (1.25 is 0.8 to 1.25).
        maximum_auc_drop: Relative loss of AUC on decisions with a final outcome, against the other model.
        maximum_drift: Population stability index of its scores between weeks; it counts only above what chance gives.
        maximum_errors: Share of decisions that it could not score.
        maximum_more_time: Processor time of its scores in the shadow over that of the decisions: nobody should wait.
        groups: Categorical features whose groups are compared for fairness; by default `training.segments` without
            the stage.
        minimum_ratio: Lowest rate of offers in a group over that of the group with the most (four fifths, 29 CFR
            1607.4 D).
        maximum_gap: Largest difference between groups in the rate of offers, and in the rate of right ones.
    """

    required: bool = False
    slice_share: float = 0.05
    minimum_days: int = 7
    watched_days: int = 28
    minimum_decisions: int = 100
    maximum_loss: float = 0.05
    maximum_calibration: float = 1.25
    maximum_auc_drop: float = 0.05
    maximum_drift: float = 0.25
    maximum_errors: float = 0.02
    maximum_more_time: float = 0.1
    groups: tuple[str, ...] = ()
    minimum_ratio: float = 0.8
    maximum_gap: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Models(Spec):
    """Settings of a bank's two models; propensity predicts acceptance within the offer's response window.

    Attributes:
        churn: Definition of churn, and whose churn is predicted; None for a bank that predicts none.
        training: How both models are fitted and evaluated.
        learning: Learner, parameters and features of each model.
        gate: Bounds that a challenger must meet to become champion.
        economics: Economics of retention.
        rollout: How a propensity challenger comes into charge.
    """

    churn: ChurnLabel | None = None
    training: Training = field(default_factory=Training)
    learning: ModelLearning = field(default_factory=ModelLearning)
    gate: Gate = field(default_factory=Gate)
    economics: Economics = field(default_factory=Economics)
    rollout: Rollout = field(default_factory=Rollout)

    @property
    def compared_groups(self) -> tuple[str, ...]:
        """Features whose groups are compared for fairness."""
        return self.rollout.groups or tuple(name for name in self.training.segments if name != "stage")
