"""A catalogue with every kind of aggregate over every kind of filter and window."""

from __future__ import annotations

from features.catalogue import FeatureCatalogue
from features.definitions import Where
from features.journey.settings import Journey
from tests.features.build import aggregate, build, derived, stage

WINDOWS = (1, 7, 30)
JOURNEY = Journey(
    stages=(
        stage("lost", "closed_count > 0"),
        stage("growth", "visits_7d >= 2", minimum_days=3),
        stage("mature", "days_since_payment <= 4", minimum_days=2),
        stage("dormant", "visits_7d = 0 AND days_since_payment IS NOT NULL"),
    ),
    evaluate_every_days=2,
)


def everything() -> FeatureCatalogue:
    activity, payment, visit = Where(group="activity"), Where(types=("payment",)), Where(types=("visit",))
    aggregates = [
        aggregate("visits", "count", visit, windows_days=WINDOWS),
        aggregate("things", "count", activity, per="channel", windows_days=(7,)),
        aggregate("of_product", "count", activity, per="product"),
        aggregate("kind_a", "count", Where(types=("payment",), properties={"kind": "a"}), windows_days=(30,)),
        aggregate("closed_count", "count", Where(group="ended")),
        aggregate("paid", "sum", payment, windows_days=WINDOWS),
        aggregate("paid_ever", "sum", activity),
        aggregate("score_sum", "sum", visit, of="score", windows_days=(7,)),
        aggregate("average", "mean", activity, windows_days=WINDOWS),
        aggregate("least", "min", activity, windows_days=WINDOWS),
        aggregate("least_score", "min", visit, of="score"),
        aggregate("most", "max", activity, windows_days=WINDOWS),
        aggregate("most_ever", "max", payment),
        aggregate("days_since_payment", "days_since_last", payment),
        aggregate("days_since_first", "days_since_first", activity, windows_days=(7,)),
        aggregate("days_since_start", "days_since_first", activity),
        aggregate("last_amount", "last", activity),
        aggregate("last_amount", "last", activity, windows_days=(7,)),
        aggregate("last_kind", "last", payment, of="kind", windows_days=(30,)),
        aggregate("last_score", "last", visit, of="score", per="channel"),
        aggregate("first_kind", "last", payment, of="kind", windows_days=(30,), of_equal_times="least"),
        aggregate("days", "distinct_days", activity, windows_days=(1, 7, 30, 100)),
        aggregate("days_ever", "distinct_days", activity),
        aggregate("fading_visits", "decayed_count", visit, half_life_days=1),
        aggregate("fading_things", "decayed_count", activity, half_life_days=30, per="channel"),
        aggregate("fading_week", "decayed_count", activity, half_life_days=3, windows_days=(1, 7)),
        aggregate("fading_paid", "decayed_sum", payment, half_life_days=1),
        aggregate("fading_amount", "decayed_sum", activity, half_life_days=90),
        aggregate("fading_score", "decayed_sum", visit, of="score", half_life_days=2, windows_days=(30,)),
        aggregate("days_with_visit", "distinct_days", visit, per="channel", windows_days=(30,)),
    ]
    derivations = [
        derived("mix", "ENTROPY({channel}_things_7d)"),
        derived("visit_share", "visits_7d / NULLIF(visits_30d, 0)"),
        derived("age", "as_of_year - birth_year"),
        derived("clock", "as_of_month * 10000 + as_of_day_of_week * 100 + as_of_hour"),
        derived("is_growing", "stage = 'growth' AND days_in_stage > 1"),
    ]
    catalogue, problems = build(aggregates, derivations, JOURNEY)
    assert not problems, problems
    return catalogue.refusing({"consent": "false"})
