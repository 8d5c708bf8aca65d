from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from config.reading import load_bank
from domain.journey import Stage
from domain.offer import Offer
from nbo.stage_coverage import never_given_back, stage_coverage

DEMO = Path(__file__).resolve().parents[2] / "banks" / "demo"
LOAN = Offer(name="loan", description="", value="1", treatments=(), stages=(Stage.GROWTH, Stage.LOST))
THANKS = replace(LOAN, name="thanks", stages=(Stage.GROWTH,), tags=("loyalty",))


def test_a_stage_without_commercial_or_caring_offers_is_named() -> None:
    found = stage_coverage(["growth", "lost", "dormant"], [LOAN, THANKS])
    assert [stage.gap() for stage in found] == [
        None,
        "stage lost has nothing caring to offer",
        "stage dormant has nothing to offer",
    ]


def test_a_bank_that_never_hears_of_closed_products_is_told_so() -> None:
    bank = load_bank(DEMO)
    assert never_given_back(bank) == []
    types = {name: kind for name, kind in bank.vocabulary.types.items() if name != "product_closed"}
    (sentence,) = never_given_back(replace(bank, vocabulary=replace(bank.vocabulary, types=types)))
    assert sentence.startswith("no event type has the group product_closed")
