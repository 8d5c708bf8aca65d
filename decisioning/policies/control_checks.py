"""Checks of control arms: who is set apart, for how long, and that nobody goes without help by mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from decisioning.policies.checks import OFFERS_FILE, POLICIES_FILE
from decisioning.policies.policy import Policy
from domain.errors import Problem, nearest
from domain.offer import RELIEF_TAG, RELIEF_WORDS, Offer, OfferClass, is_owed
from events.vocabulary import Vocabulary

LONGEST_MONTHS = 60


def control_problems(policy: Policy, offers: Sequence[Offer], vocabulary: Vocabulary) -> Iterator[Problem]:
    """Find an unusable household attribute, durations out of range, and relief that the holdout would miss."""
    control = policy.control
    for name, months in (("holdout_months", control.holdout_months), ("arms_months", control.arms_months)):
        if not 0 <= months <= LONGEST_MONTHS:
            expected = f"0 for never, or 1 to {LONGEST_MONTHS}"
            yield _problem((name,), "the number is out of range", str(months), expected)
    yield from _household(control.household, vocabulary)
    by_name = {offer.name: offer for offer in offers}
    for name, reason in control.withheld.items():
        path = ("withheld", name)
        if name not in by_name:
            yield _problem(path, "unknown offer", f"'{name}'", nearest(name, by_name))
        elif by_name[name].offer_class is OfferClass.MANDATORY:
            yield _problem(path, "a mandatory offer is withheld", f"'{name}'", "an offer that the bank need not make")
        if not reason.strip():
            yield _problem(path, "no reason why help is withheld", f"'{reason}'", "the reason in words")
    if control.holdout_share > 0.0:
        yield from _relief(offers, control.withheld)


def _household(household: str | None, vocabulary: Vocabulary) -> Iterator[Problem]:
    if household is None:
        return
    attribute = vocabulary.attributes.get(household)
    if attribute is None:
        expected = nearest(household, vocabulary.attributes)
        yield _problem(("household",), "unknown attribute", f"'{household}'", expected)
    elif attribute.type not in {"number", "category"}:
        expected = "a number or a category, which texts and booleans are not"
        yield _problem(("household",), "the attribute tells no households apart", f"a {attribute.type}", expected)


def _relief(offers: Sequence[Offer], withheld: dict[str, str]) -> Iterator[Problem]:
    for position, offer in enumerate(offers):
        words = sorted(RELIEF_WORDS.intersection(offer.tags))
        if words and not is_owed(offer) and offer.name not in withheld:
            yield Problem(
                file=OFFERS_FILE,
                path=(position, "tags"),
                what=f"{offer.name}: the holdout would go without relief",
                got=f"the tag '{words[0]}'",
                expected=f"the tag '{RELIEF_TAG}' beside it, whose offers are never withheld",
                remedy=f"or say why in policies.yaml: `control: {{withheld: {{{offer.name}: ...}}}}`",
            )


def _problem(path: tuple[str, ...], what: str, got: str, expected: str) -> Problem:
    return Problem(file=POLICIES_FILE, path=("control", *path), what=what, got=got, expected=expected)
