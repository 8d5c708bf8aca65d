from datetime import date, timedelta

import pyarrow as pa
import pytest

from decisioning.experiments.power import control_size
from decisioning.policies.policy import Control
from serving.figures.arm_outlook import DAYS, EFFECT, arm_outlooks
from serving.figures.daily_responses import SCHEMA

LAST = date(2026, 2, 28)


def responses(per_day=1_000, rate=0.05, group="outbound", matured=True):
    rows = [
        {
            "day": LAST - timedelta(days=age),
            "group": group,
            "offer": "loan",
            "channel": "email",
            "stage": "growth",
            "presented": per_day,
            "matured": per_day if matured else 0,
            "accepted": round(per_day * rate) if matured else 0,
        }
        for age in range(DAYS)
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def test_the_day_is_when_the_arm_has_what_the_difference_needs():
    control = Control(holdout_share=0.02, no_levers_share=0.02, random_offer_share=0.01)
    found = {one.arm: one for one in arm_outlooks(control, responses())}
    assert set(found) == {"no_levers", "random_offer"}, "nobody in the holdout is presented anything"
    for arm, share in (("no_levers", 0.02), ("random_offer", 0.01)):
        days = (found[arm].not_before - LAST).days
        needed = control_size(0.05, 0.05 * (1 + EFFECT), 0.95 / share)
        assert (days - 1) * share * 1_000 < needed <= days * share * 1_000
    assert found["no_levers"].effect_in_a_month < found["random_offer"].effect_in_a_month


@pytest.mark.parametrize(
    "table", [SCHEMA.empty_table(), responses(matured=False), responses(rate=0.0), responses(group="mandatory")]
)
def test_nothing_is_said_before_there_are_answers(table):
    assert arm_outlooks(Control(no_levers_share=0.02), table) == []


def test_what_would_take_a_century_has_no_day():
    [one] = arm_outlooks(Control(no_levers_share=1e-7), responses())
    assert one.not_before is None
