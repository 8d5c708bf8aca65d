"""All journey figures, and their computation from buckets of customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa

from journeys import activity, experience, funnel, stages
from journeys.figure import Figure
from journeys.histories import AnalyticsContext, Histories
from journeys.settings import ACTIVITY, COMPLAINT_OPENED, PRODUCT_OPENED, REFERRAL
from journeys.tally import merged

_TEXT, _COUNT, _NUMBER = pa.string(), pa.int64(), pa.float64()

_ALL = (
    Figure(
        name="stage_sizes",
        title="Customers in each stage",
        count=stages.count_stage_flows,
        finish=stages.finish_stage_sizes,
        schema={"day": _TEXT, "stage": _TEXT, "customers": _COUNT, "share": _NUMBER},
    ),
    Figure(
        name="stage_flows",
        title="Customers who enter a stage",
        count=stages.count_stage_flows,
        finish=stages.finish_stage_flows,
        schema={"day": _TEXT, "from_stage": _TEXT, "to_stage": _TEXT, "customers": _COUNT},
    ),
    Figure(
        name="stage_months",
        title="Stages at the beginning and the end of each month",
        count=stages.count_stage_months,
        finish=stages.finish_stage_months,
        schema={"month": _TEXT, "from_stage": _TEXT, "to_stage": _TEXT, "customers": _COUNT, "share": _NUMBER},
    ),
    Figure(
        name="time_in_stage",
        title="Days in a stage",
        count=stages.count_time_in_stage,
        finish=stages.finish_time_in_stage,
        schema={
            "stage": _TEXT,
            "customers": _COUNT,
            "stays_ended": _COUNT,
            "stays_going_on": _COUNT,
            "days_quarter": _COUNT,
            "days_median": _COUNT,
            "days_three_quarters": _COUNT,
        },
    ),
    Figure(
        name="before_leaving",
        title="What precedes dormancy and loss",
        count=stages.count_before_leaving,
        finish=stages.finish_before_leaving,
        schema={
            "target": _TEXT,
            "event": _TEXT,
            "customers": _COUNT,
            "months": _COUNT,
            "moved": _COUNT,
            "share_after": _NUMBER,
            "share_otherwise": _NUMBER,
            "relative_risk": _NUMBER,
            "low": _NUMBER,
            "high": _NUMBER,
        },
    ),
    Figure(
        name="funnel",
        title="Funnel of each product",
        count=funnel.count_funnel,
        finish=funnel.finish_funnel,
        schema={
            "product": _TEXT,
            "month": _TEXT,
            "grouping": _TEXT,
            "group": _TEXT,
            "step": _TEXT,
            "customers": _COUNT,
            "journeys": _COUNT,
            "went_on": _COUNT,
            "stopped": _COUNT,
            "under_way": _COUNT,
            "share": _NUMBER,
            "drop_off": _NUMBER,
            "days_to_next": _NUMBER,
            "share_before": _NUMBER,
        },
    ),
    Figure(
        name="broken_journeys",
        title="Where product journeys stop, and what customers do then",
        count=funnel.count_broken_journeys,
        finish=funnel.finish_broken_journeys,
        schema={
            "product": _TEXT,
            "month": _TEXT,
            "step": _TEXT,
            "channel": _TEXT,
            "then": _TEXT,
            "customers": _COUNT,
            "journeys": _COUNT,
            "share": _NUMBER,
            "days_tried": _NUMBER,
            "days_until": _NUMBER,
            "stopped_before": _COUNT,
        },
    ),
    Figure(
        name="experience_map",
        title="Experience by touchpoint and stage",
        count=experience.count_experience_map,
        finish=experience.finish_experience_map,
        schema={
            "grouping": _TEXT,
            "group": _TEXT,
            "stage": _TEXT,
            "customers": _COUNT,
            "contacts": _COUNT,
            "contacts_before": _COUNT,
            "nps": _NUMBER,
            "nps_low": _NUMBER,
            "nps_high": _NUMBER,
            "nps_before": _NUMBER,
            "nps_answers": _COUNT,
            "csat": _NUMBER,
            "csat_before": _NUMBER,
            "csat_answers": _COUNT,
            "complaints": _COUNT,
            "complaints_before": _COUNT,
            "resolved": _COUNT,
            "days_to_resolve": _NUMBER,
            "days_to_resolve_before": _NUMBER,
            "verdict": _TEXT,
        },
    ),
    Figure(
        name="moments_of_truth",
        title="What follows a complaint",
        count=experience.count_moments_of_truth,
        finish=experience.finish_moments_of_truth,
        schema={
            "resolved": _TEXT,
            "answer": _TEXT,
            "customers": _COUNT,
            "complaints": _COUNT,
            "share_dormant_or_lost": _NUMBER,
            "share_opened_product": _NUMBER,
            "nps": _NUMBER,
        },
        needs=(COMPLAINT_OPENED,),
    ),
    Figure(
        name="active_customers",
        title="Active customers",
        count=activity.count_active_customers,
        finish=activity.finish_active_customers,
        schema={
            "grain": _TEXT,
            "period": _TEXT,
            "customers": _COUNT,
            "customers_before": _COUNT,
            "activities": _COUNT,
        },
        needs=(ACTIVITY,),
    ),
    Figure(
        name="retention",
        title="Active customers by month of their first activity",
        count=activity.count_retention,
        finish=activity.finish_retention,
        schema={
            "cohort": _TEXT,
            "months_since": _COUNT,
            "cohort_customers": _COUNT,
            "customers": _COUNT,
            "share": _NUMBER,
        },
        needs=(ACTIVITY,),
    ),
    Figure(
        name="cross_sell",
        title="Products held together, and opened one after the other",
        count=activity.count_cross_sell,
        finish=activity.finish_cross_sell,
        schema={
            "product": _TEXT,
            "other": _TEXT,
            "customers": _COUNT,
            "share": _NUMBER,
            "share_before": _NUMBER,
            "opened_next": _COUNT,
            "days_to_next": _NUMBER,
        },
        needs=(PRODUCT_OPENED,),
    ),
    Figure(
        name="channel_switches",
        title="Channels used one after the other",
        count=activity.count_channel_switches,
        finish=activity.finish_channel_switches,
        schema={
            "month": _TEXT,
            "from_channel": _TEXT,
            "to_channel": _TEXT,
            "customers": _COUNT,
            "moves": _COUNT,
            "share": _NUMBER,
            "share_before": _NUMBER,
        },
        needs=(ACTIVITY,),
    ),
    Figure(
        name="referral",
        title="Referrals",
        count=activity.count_referral,
        finish=activity.finish_referral,
        schema={
            "month": _TEXT,
            "channel": _TEXT,
            "customers": _COUNT,
            "referrals": _COUNT,
            "referrals_before": _COUNT,
        },
        needs=(REFERRAL,),
    ),
)

FIGURES: Final[Mapping[str, Figure]] = {figure.name: figure for figure in _ALL}
"""By name, in the order in which they are shown."""


def bucket_counts(histories: Histories) -> dict[str, pa.Table]:
    """Count everything for the customers of one bucket, by figure."""
    return {name: histories.once(figure.count) for name, figure in FIGURES.items()}


def finished_figures(parts: Sequence[Mapping[str, pa.Table]], context: AnalyticsContext) -> dict[str, pa.Table]:
    """Add up the counts of buckets and return what people see, by figure.

    Args:
        parts: Results of `bucket_counts`; at least one.
        context: What the figures depend on.
    """
    return {name: figure.table(merged([part[name] for part in parts]), context) for name, figure in FIGURES.items()}
