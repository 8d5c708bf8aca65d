"""Personas: made-up customers with the offer or the rule that is expected for them."""

from __future__ import annotations

from dataclasses import dataclass

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona(Spec):
    """A made-up customer with an expectation; an entry of `personas.yaml`.

    Attributes:
        name: Name of the persona; never a real customer's.
        description: Who it is, in one sentence.
        channel: Channel in which it meets the bank.
        features: Feature -> value; all others are unknown.
        offer: Offer that must come first, or, with `kept_away_by`, that must not be made.
        kept_away_by: Rule that must keep the offer away; None if the offer must come first.
    """

    name: str
    description: str = ""
    channel: str
    features: dict[str, bool | float | str]
    offer: str
    kept_away_by: str | None = None
