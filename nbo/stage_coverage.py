"""What a bank has to offer at each stage: something commercial, and something caring."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from config.bank import Bank
from domain.offer import Offer, OfferClass

CARING_TAGS: Final = frozenset({"service", "retention", "loyalty"})


@dataclass(frozen=True, slots=True)
class StageCoverage:
    """Offers for customers at one stage.

    Attributes:
        commercial: Names of the offers that sell.
        caring: Names of those that keep or help customers, or respond to what they do: with one of the tags service,
            retention and loyalty, or of another class than commercial.
    """

    stage: str
    commercial: tuple[str, ...]
    caring: tuple[str, ...]

    def gap(self) -> str | None:
        """Say what is missing; None if nothing is.

        Example:
            >>> StageCoverage("lost", (), ("win_back",)).gap(), StageCoverage("growth", ("loan",), ("thanks",)).gap()
            ('stage lost has nothing commercial to offer', None)
            >>> StageCoverage("lost", (), ()).gap()
            'stage lost has nothing to offer'
        """
        if not self.commercial and not self.caring:
            return f"stage {self.stage} has nothing to offer"
        missing = "commercial" if not self.commercial else "caring" if not self.caring else None
        return None if missing is None else f"stage {self.stage} has nothing {missing} to offer"


def stage_coverage(stages: Iterable[str], offers: Iterable[Offer]) -> list[StageCoverage]:
    """List the offers of each stage."""
    known = list(offers)
    return [
        StageCoverage(
            stage,
            tuple(offer.name for offer in known if stage in offer.stages and not _cares(offer)),
            tuple(offer.name for offer in known if stage in offer.stages and _cares(offer)),
        )
        for stage in stages
    ]


def _cares(offer: Offer) -> bool:
    return offer.offer_class is not OfferClass.COMMERCIAL or not CARING_TAGS.isdisjoint(offer.tags)


def never_given_back(bank: Bank) -> list[str]:
    """Say if the bank knows when products are opened, but not when they are closed: then every one counts as held."""
    groups = bank.vocabulary.groups
    if not bank.vocabulary.products or "product_opened" not in groups or "product_closed" in groups:
        return []
    held = "no event type has the group product_closed"
    if any(name.endswith("_held") for name in bank.features.features):
        return [f"{held}: whoever has opened a product is taken to have it for ever"]
    return [f"{held}, so there is no {{product}}_held: add the group to the event that ends a product"]
