"""One decision in the terminal: offers with sums and reasons, the rules in the way of others, what would help."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import fill
from typing import TYPE_CHECKING

from decisioning.explaining.counterfactual import counterfactuals
from decisioning.explaining.priority_sum import priority_sum
from decisioning.policies.policy import Factors
from domain.decision import Candidate
from domain.errors import DataError, nearest
from domain.offer import OfferClass
from nbo.display import console, show_table

if TYPE_CHECKING:
    from serving.customer import Answer

CHANGES_SHOWN = 3
"""The runner-up and the next closest; for the others rules decide, which are all shown above."""


def show_decision(answer: Answer) -> None:
    """Show the offers of one decision with their reasons, and the rules that stopped every other candidate."""
    decision = answer.decision
    _show_head(answer)
    if decision.fallback:
        _say(decision.fallback)
    for candidate, reasons in zip(decision.offers, answer.reasons, strict=True):
        _say(f"{candidate.rank}. {_of_class(answer, candidate)}: {priority_sum(candidate, _factors(answer))}")
        if candidate.rank == 1 and candidate.selection_probability < 1.0:
            _say(f"     explored: first with probability {candidate.selection_probability:.3f}")
        for reason in reasons:
            _say(f"     {reason.sentence()}")
    rejected = [
        (candidate.offer, verdict.rule, verdict.reason)
        for candidate in decision.candidates
        if candidate.channel == decision.channel
        for verdict in candidate.verdicts
        if not verdict.passed
    ]
    if rejected:
        show_table("why not the others", ("offer", "rule", "reason"), rejected)
    changes = [found for found in counterfactuals(answer.decisions, 0, decision.channel) if len(found.rules) <= 1]
    if changes:
        console.print("what would have to change")
    for found in changes[:CHANGES_SHOWN]:
        _say_wrapped(found.sentence())


def show_offer_in_decision(answer: Answer, offer: str) -> None:
    """Show what counted for and against one offer: its place, its sum, every rule that was asked, what would help.

    Raises:
        DataError: No candidate of the decision's channel has this name.
    """
    decision = answer.decision
    mine = {candidate.offer: candidate for candidate in decision.candidates if candidate.channel == decision.channel}
    if offer not in mine:
        raise DataError(f"no such offer in {decision.channel}", got=repr(offer), expected=nearest(offer, mine))
    candidate = mine[offer]
    _show_head(answer)
    failed = sum(not verdict.passed for verdict in candidate.verdicts)
    place = f"offered, rank {candidate.rank}" if candidate.rank else "not offered"
    against = f", rejected by {failed} of {len(candidate.verdicts)} rules" if failed else ""
    _say(f"{_of_class(answer, candidate)}: {place}{against}")
    _say(f"  {priority_sum(candidate, _factors(answer))}")
    show_table(
        "rules, in order",
        ("rule", "kind", "passed", "reason"),
        [
            (verdict.rule, verdict.kind, "yes" if verdict.passed else "no", verdict.reason)
            for verdict in candidate.verdicts
        ],
    )
    for found in _of_offer(answer, offer):
        _say_wrapped(found)


def _show_head(answer: Answer) -> None:
    decision = answer.decision
    _say(
        f"{decision.customer_id} in {decision.channel} as of {decision.as_of:%Y-%m-%d %H:%M} UTC: stage "
        f"{decision.stage}, decision {decision.decision_id}, features from {answer.origin}"
    )
    if answer.note:
        _say(f"  {answer.note}")


def _of_class(answer: Answer, candidate: Candidate) -> str:
    """Name an offer, with its class where that and not the priority says what comes first."""
    pairs = answer.decisions.policy.candidates.pairs
    kind = next(offer.offer_class for offer, _ in pairs if offer.name == candidate.offer)
    return candidate.offer if kind is OfferClass.COMMERCIAL else f"{candidate.offer} ({kind})"


def _of_offer(answer: Answer, offer: str) -> Iterable[str]:
    found = counterfactuals(answer.decisions, 0, answer.decision.channel)
    return (one.sentence() for one in found if one.offer == offer and one.sentence())


def _factors(answer: Answer) -> Factors:
    return answer.decisions.policy.policy.factors


def _say(sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def _say_wrapped(sentence: str) -> None:
    """Print a sentence that may be long, indented, with its further lines further in."""
    _say(fill(sentence, console.width, initial_indent="  ", subsequent_indent="      ", break_long_words=False))
