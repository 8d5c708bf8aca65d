from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from domain.offer import Offer
from expressions.types import Category
from features.responses import Responses
from features.table import FeatureTable
from models.propensity.priors import shrunk
from models.propensity.rates import AcceptanceRates, count_rates

STAGES = Category(("acquisition", "growth"))
LOAN = Offer(name="loan", description="", value="1", treatments=(), stages=())
CARD = dataclasses.replace(LOAN, name="card", expected_acceptance=0.2)


def answers(offers: list[str], accepted: list[bool], *, matured: bool = True) -> tuple[FeatureTable, Responses]:
    n = len(offers)
    ids = np.array([f"c{number}" for number in range(n)], dtype=object)
    presented = np.full(n, np.datetime64("2026-01-01", "us"))
    none = np.full(n, None, dtype=object)
    found = Responses(
        customer_ids=ids,
        presented_at=presented,
        offer=np.array(offers, dtype=object),
        channel=np.full(n, "app", dtype=object),
        decision_id=none,
        selection_probability=np.full(n, np.nan),
        accepted=np.array(accepted, dtype=bool),
        answered_at=np.full(n, np.datetime64("NaT"), dtype="datetime64[us]"),
        known_at=presented + np.timedelta64(30, "D"),
        matured=np.full(n, matured),
    )
    return FeatureTable(ids, presented, {"stage": np.zeros(n)}, {"stage": STAGES}), found


def rate_of(rates: AcceptanceRates, offer: Offer) -> float:
    return rates.priors.rate(offer, "app", "acquisition")


def test_what_the_bank_expects_of_an_offer_decides_until_customers_have_answered() -> None:
    rates = count_rates(*answers(["card"], [True], matured=False), (LOAN, CARD))
    assert rates is not None
    assert not rates.counted
    assert rate_of(rates, CARD) == 0.2
    # nothing is expected of the loan: it gets the mean of what is expected of others
    assert rate_of(rates, LOAN) == 0.2


def test_answers_move_the_rate_away_from_what_was_expected() -> None:
    few = count_rates(*answers(["card"] * 10, [False] * 10), (LOAN, CARD))
    many = count_rates(*answers(["card"] * 5_000, [False] * 5_000), (LOAN, CARD))
    assert few is not None
    assert many is not None
    assert few.counted
    assert few.priors.rates["card",] == pytest.approx(shrunk(0, 10, 0.2))
    assert 0.0 < rate_of(many, CARD) < 0.01 < rate_of(few, CARD) < 0.2


def test_without_answers_and_expectations_there_are_no_rates() -> None:
    assert count_rates(*answers(["loan"], [True], matured=False), (LOAN,)) is None


def test_rates_say_after_reading_whether_they_were_counted(tmp_path: Path) -> None:
    for number, matured in enumerate((True, False)):
        rates = count_rates(*answers(["card"], [True], matured=matured), (LOAN, CARD))
        assert rates is not None
        rates.to_files(tmp_path / str(number))
        assert AcceptanceRates.from_files(tmp_path / str(number)).counted is matured
