"""An audience is as large as its figure says, and nobody in it is anywhere else."""

from datetime import date

import pytest

from domain.errors import DataError
from journeys.audience import Audience, InStage, StoppedAt
from journeys.histories import ALL, Histories
from tests.journeys.build import JourneyBank, random_bank


@pytest.fixture(scope="module")
def bank() -> JourneyBank:
    return random_bank(5, customers=120, events=8_000)


def found(bank: JourneyBank, audience: Audience) -> list[str]:
    return audience.customers(Histories(bank.events, bank.stages, bank.context))


def test_the_customers_in_the_stages_of_a_day_are_those_of_the_figure(bank):
    rows = [row for row in bank.rows("stage_sizes") if row["stage"] not in {ALL, "none"}]
    day = rows[-1]["day"]
    latest = {row["stage"]: row["customers"] for row in rows if row["day"] == day}
    audiences = {stage: found(bank, InStage(stage=stage, day=date.fromisoformat(day))) for stage in latest}
    assert {stage: len(customers) for stage, customers in audiences.items()} == latest
    everybody = [customer for customers in audiences.values() for customer in customers]
    assert len(everybody) == len(set(everybody))


def test_the_customers_who_stopped_are_those_of_the_funnel(bank):
    rows = [row for row in bank.rows("funnel") if row["grouping"] == ALL and row["stopped"]]
    assert len(rows) > 20
    for row in rows:
        customers = found(bank, StoppedAt(product=row["product"], month=row["month"], step=row["step"]))
        # a customer may have stopped twice
        assert len(set(customers)) == len(customers)
        assert 0 < len(customers) <= row["stopped"]
    assert sum(row["stopped"] for row in rows) >= len(
        {
            customer
            for row in rows
            for customer in found(bank, StoppedAt(**{key: row[key] for key in ("product", "month", "step")}))
        }
    )


def test_a_step_that_is_none_is_refused_and_a_product_without_journeys_is_empty(bank):
    with pytest.raises(DataError, match="no such step"):
        found(bank, StoppedAt(product="savings", month="2026-03", step="nowhere"))
    assert found(bank, StoppedAt(product="nothing", month="2026-03", step="viewed")) == []
